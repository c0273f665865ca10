//! `nocbot check`: loads everything, runs every sample, and lists what overrides what.

use std::io::Write;
use std::path::Path;

use crate::catalogue::check::{Report, check};
use crate::catalogue::{Catalogue, Loaded};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::secret::Environment;

/// The configuration that is read when none is named, in the working directory.
const DEFAULT_FILE: &str = "nocbot.yaml";
/// How many errors are written down, and how many warnings.
const SHOWN: usize = 100;

/// Runs the check with the process's environment; `config` is what `-c` named. Writes what it found
/// to `out` and returns whether nothing is wrong.
pub fn run(config: Option<&Path>, out: &mut dyn Write) -> Result<bool> {
    run_with(config, &Environment::new(|name| std::env::var(name).ok()), out)
}

/// The same with another environment.
pub fn run_with(config: Option<&Path>, environment: &Environment, out: &mut dyn Write) -> Result<bool> {
    let default = Path::new(DEFAULT_FILE);
    let path = config.or_else(|| default.is_file().then_some(default));
    let config = match path {
        Some(path) => Config::load(path, environment),
        None => Ok(Config::without_file(Path::new(""))),
    };
    let text = match config.and_then(|config| Catalogue::load(&config, environment)) {
        Err(errors) => (failed(path, &errors), false),
        Ok(loaded) => {
            let report = check(&loaded);
            (written(path, &loaded, &report), report.errors.is_empty())
        }
    };
    out.write_all(text.0.as_bytes()).map_err(|error| Error::io("writing the report", error))?;
    Ok(text.1)
}

fn failed(path: Option<&Path>, errors: &[Error]) -> String {
    let mut lines = vec![head(path)];
    list(&mut lines, "error", errors);
    lines.push(format!("{}; nothing was loaded", count(errors.len(), "error")));
    lines.join("\n") + "\n"
}

fn written(path: Option<&Path>, loaded: &Loaded, report: &Report) -> String {
    let mut lines = vec![head(path)];
    let warnings = || loaded.warnings.iter().chain(&report.warnings);
    list(&mut lines, "error", &report.errors);
    list(&mut lines, "warning", warnings());
    lines.extend(loaded.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(loaded.overrides.iter().cloned());
    let catalogue = &loaded.catalogue;
    lines.push(format!(
        "{}, {}, {}, {}",
        count(catalogue.verbs.len(), "verb"),
        count(catalogue.platforms.len(), "platform"),
        count(catalogue.parsers.len(), "parser"),
        count(catalogue.inventory.devices().count(), "device"),
    ));
    lines.push(format!(
        "{} of prompts and refusals, {} and {} of outputs were run",
        count(report.counts.lines, "sample"),
        count(report.counts.sources, "source"),
        count(report.counts.samples, "sample"),
    ));
    let warned = warnings().count();
    lines.push(match (report.errors.len(), warned) {
        (0, 0) => "all is well".to_owned(),
        (0, warned) => format!("nothing is wrong; {}", count(warned, "warning")),
        (wrong, warned) => format!("{}, {}", count(wrong, "error"), count(warned, "warning")),
    });
    lines.join("\n") + "\n"
}

fn list<'a>(lines: &mut Vec<String>, what: &str, errors: impl IntoIterator<Item = &'a Error>) {
    let mut errors = errors.into_iter();
    lines.extend(errors.by_ref().take(SHOWN).map(|error| format!("{what}: {}", error.report())));
    let rest = errors.count();
    if rest > 0 {
        lines.push(format!("and {} more", count(rest, what)));
    }
}

fn head(path: Option<&Path>) -> String {
    match path {
        Some(path) => format!("checking {} over the built-in data", path.display()),
        None => format!("checking the built-in data; there is no {DEFAULT_FILE} here and `-c` names none"),
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
