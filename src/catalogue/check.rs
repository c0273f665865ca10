//! Runs every sample of the data files: prompts and refusals of the platforms, recorded outputs of
//! the parsers, and the way from records to rows. What `nocbot check` shows.

mod arguments;
mod platform;
mod records;
mod source;

use std::collections::BTreeSet;

use super::load::sorted;
use super::{Loaded, Sample};
use crate::error::{Error, Place};
use crate::parse::Records;
use crate::yaml::Node;

pub use records::expected_yaml;

/// How many samples a parser should have at least.
const MIN_SAMPLES: usize = 3;

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong.
    pub errors: Vec<Error>,
    /// What is likely wrong.
    pub warnings: Vec<Error>,
    /// How much was run.
    pub counts: Counts,
}

/// How much was run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Lines of platforms' samples.
    pub lines: usize,
    /// Sources of verbs, those of `also` included.
    pub sources: usize,
    /// Recorded outputs.
    pub samples: usize,
}

/// Runs every sample of a loaded catalogue.
pub fn check(loaded: &Loaded) -> Report {
    let mut report = Report::default();
    for (name, platform) in &loaded.catalogue.platforms {
        if let Some(node) = loaded.platform_trees.get(name) {
            platform::check(platform, node, &mut report);
            source::check(loaded, platform, node, &mut report);
        }
    }
    let used = used(loaded);
    for (name, parser) in &loaded.catalogue.parsers {
        let samples = loaded.samples.get(name).map(Vec::as_slice).unwrap_or_default();
        // A template that does not compile is one error, not one per sample.
        match parser.reader() {
            Err(error) => report.errors.push(error),
            Ok(template) => {
                for sample in samples {
                    check_sample(sample, &template.header(), |text| template.parse(text), &mut report);
                }
            }
        }
        let whole = samples.iter().filter(|sample| sample.raw.is_some()).count();
        if whole < MIN_SAMPLES {
            let warning =
                format!("the parser {name} has {whole} samples; {MIN_SAMPLES} are the least to trust it");
            report.warnings.push(Error::config(warning));
        }
        let platform = name.split('/').next().unwrap_or(name);
        if !loaded.catalogue.platforms.contains_key(platform) && !used.contains(name.as_str()) {
            let warning = Error::config(format!("the parser {name} belongs to no platform"));
            report.warnings.push(warning.hint(format!("add device-profiles/platforms/{platform}.yaml")));
        }
    }
    for collection in &loaded.catalogue.collections {
        collection.check(&mut report.warnings);
    }
    report.errors = sorted(std::mem::take(&mut report.errors));
    report.warnings = sorted(std::mem::take(&mut report.warnings));
    report
}

/// The parsers that platforms name: one that several share may belong to none of them.
fn used(loaded: &Loaded) -> BTreeSet<&str> {
    let own = loaded.catalogue.platforms.values().flat_map(|platform| platform.verbs.values().flatten());
    own.flat_map(|source| {
        let further = source.also.iter().chain(&source.join).chain(&source.otherwise);
        std::iter::once(source).chain(further).map(|source| source.parser.as_str())
    })
    .collect()
}

fn check_sample(
    sample: &Sample,
    header: &[String],
    parse: impl Fn(&str) -> Result<Records, crate::parse::textfsm::ParseError>,
    report: &mut Report,
) {
    let (raw, expected) = match (&sample.raw, &sample.expected) {
        (Some(raw), Some(expected)) => (raw, expected),
        (Some(raw), None) => {
            let error = Error::config(format!("{} has no {}.yaml beside it", raw.origin, sample.case));
            report.errors.push(error.hint("write down the records that the template should make of it"));
            return;
        }
        (None, expected) => {
            let origin = expected.as_ref().map_or("", |file| file.origin.as_str());
            report.errors.push(Error::config(format!("{origin} has no {}.raw beside it", sample.case)));
            return;
        }
    };
    report.counts.samples += 1;
    let tree = match Node::read(&expected.origin, &expected.text) {
        Ok(tree) => tree,
        Err(mut errors) => {
            report.errors.append(&mut errors);
            return;
        }
    };
    match parse(&raw.text) {
        Ok(found) => records::compare(&tree, header, &found, &mut report.errors),
        Err(error) => {
            let place = Place {
                source: raw.origin.clone(),
                line: error.line.max(1),
                column: 1,
                excerpt: crate::text::clean_line(&error.text),
            };
            report
                .errors
                .push(Error::config(format!("the template refuses this line: {}", error.message)).at(place));
        }
    }
}
