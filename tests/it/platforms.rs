//! Every built-in data file: all of it loads, and every sample of it is run.

mod collection;
mod docs;

use std::path::{Path, PathBuf};

use nocbot::catalogue::Catalogue;
use nocbot::catalogue::check::{check, expected_yaml};
use nocbot::config::Config;
use nocbot::error::Error;
use nocbot::secret::Environment;

fn reports<'a>(errors: impl IntoIterator<Item = &'a Error>) -> String {
    errors.into_iter().map(Error::report).collect::<Vec<_>>().join("\n")
}

/// The source tree, which may be another one than that of the build.
fn tree() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// The tree's data files lie over those of the build: no build is needed after a change of data.
fn config_of_the_tree() -> Config {
    let mut config = Config::without_file(Path::new("/nonexistent"));
    config.profiles = vec![tree().join("device-profiles")];
    config.parsers = vec![tree().join("parsers")];
    config
}

#[test]
fn the_built_in_data_is_well() {
    let nowhere = tempfile::tempdir().unwrap();
    let config = Config::without_file(nowhere.path());
    let loaded = Catalogue::load(&config, &Environment::empty())
        .unwrap_or_else(|errors| panic!("{}", reports(&errors)));
    let report = check(&loaded);
    assert!(report.errors.is_empty(), "{}", reports(&report.errors));
    assert!(report.warnings.is_empty(), "{}", reports(&report.warnings));
}

/// Writes the records of every sample that has no `.yaml` yet: `NOCBOT_WRITE_SAMPLES=1`. What it
/// writes is what the template does, not what is right: read it over before it is committed.
#[test]
fn missing_records_are_written_when_asked_for() {
    if std::env::var_os("NOCBOT_WRITE_SAMPLES").is_none() {
        return;
    }
    let loaded = Catalogue::load(&config_of_the_tree(), &Environment::empty())
        .unwrap_or_else(|errors| panic!("{}", reports(&errors)));
    for (name, samples) in &loaded.samples {
        let Some(parser) = loaded.catalogue.parser(name) else { continue };
        for sample in samples.iter().filter(|sample| sample.expected.is_none()) {
            let Some(raw) = &sample.raw else { continue };
            let records = parser.reader().and_then(|template| {
                template.parse(&raw.text).map_err(|error| Error::config(error.to_string()))
            });
            match records {
                Ok(records) => {
                    let path = Path::new(&raw.origin).with_extension("yaml");
                    std::fs::write(path, expected_yaml(&records)).unwrap();
                }
                Err(error) => eprintln!("{}: {error}", raw.origin),
            }
        }
    }
}
