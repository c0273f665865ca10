//! The sources of a platform's verbs: the command line can be made, the parser's values are there,
//! and the records of every sample fit the verb's columns.

use std::collections::BTreeSet;

use super::{Report, arguments};
use crate::catalogue::{Loaded, rows};
use crate::error::{Error, Result};
use crate::profile::{Ask, Platform, Source, fill};
use crate::text::did_you_mean;
use crate::transport::netconf::Element;
use crate::verb::{Arguments, Verb, Via};
use crate::yaml::Node;

/// Runs all sources of one platform; `node` is its tree, for places.
pub(super) fn check(loaded: &Loaded, platform: &Platform, node: &Node, report: &mut Report) {
    for (name, sources) in &platform.verbs {
        let Some(verb) = loaded.catalogue.verbs.get(name) else { continue };
        let mut checker = Checker { loaded, platform, verb, report };
        let places = node.nearest(&["verbs", name]);
        for (index, source) in sources.iter().enumerate() {
            checker.source(source, places.nearest(&[&index.to_string()]));
        }
        checker.commands(sources, places);
    }
}

struct Checker<'a> {
    loaded: &'a Loaded,
    platform: &'a Platform,
    verb: &'a Verb,
    report: &'a mut Report,
}

impl Checker<'_> {
    fn source(&mut self, source: &Source, place: &Node) {
        self.report.counts.sources += 1;
        self.values(source, place);
        for (list, sources) in [("also", &source.also), ("join", &source.join), ("else", &source.otherwise)] {
            for (index, further) in sources.iter().enumerate() {
                self.source(further, place.nearest(&[list, &index.to_string()]));
            }
        }
    }

    /// Whatever arguments somebody gives, the sources that are used for them can make what they send.
    fn commands(&mut self, sources: &[Source], places: &Node) {
        let mut reported = BTreeSet::new();
        for arguments in arguments::combinations(self.verb) {
            let mut ways: BTreeSet<Via> = BTreeSet::new();
            for (index, source) in sources.iter().enumerate() {
                if !source.applies(&arguments) {
                    continue;
                }
                if source.ask.ways().iter().filter(|via| ways.insert(**via)).count() == 0 {
                    continue;
                }
                for ask in source.all().into_iter().map(|source| &source.ask) {
                    let Err(error) = sendable(ask, &arguments) else { continue };
                    if !reported.insert(ask.title()) {
                        continue;
                    }
                    let place = places.nearest(&[&index.to_string(), ask.key()]);
                    let asked = arguments::shown(&arguments);
                    let error =
                        place.error(format!("{}: asked with {asked}, {}", self.name(), error.message()));
                    self.report.errors.push(error.hint(
                        "put the part with it between `[` and `]`, or give the source a condition by `when`",
                    ));
                }
            }
        }
    }

    /// What the columns take is in the template's header, and what the samples yield fits them.
    fn values(&mut self, source: &Source, place: &Node) {
        let Some(parser) = self.loaded.catalogue.parser(&source.parser) else { return };
        // A template that does not compile is reported once, with its parser.
        let Ok(template) = parser.reader() else { return };
        let header = template.header();
        let has = |name: &str| header.iter().any(|value| value.eq_ignore_ascii_case(name));
        for (column, mapping) in &source.columns {
            for value in mapping.values().into_iter().filter(|value| !has(value)) {
                let place = place.nearest(&["columns", column, "from"]);
                let error = place.error(format!(
                    "{}: the parser {} has no value `{value}`",
                    self.name(),
                    parser.name
                ));
                self.report.errors.push(match did_you_mean(value, header.iter().map(String::as_str)) {
                    Some(hint) => error.hint(hint),
                    None => error.hint(format!("its values are {}", header.join(", "))),
                });
            }
        }
        let filled = |column: &str| source.columns.contains_key(column) || has(column);
        if !self.verb.columns.iter().any(|column| filled(&column.name)) {
            let error = place.error(format!("{}: nothing fills any column of the verb", self.name()));
            self.report.errors.push(error.hint(format!("{} yields {}", parser.name, header.join(", "))));
        }
        for sample in self.loaded.samples.get(&source.parser).into_iter().flatten() {
            let Some(raw) = &sample.raw else { continue };
            // A sample that does not parse is reported with its parser.
            let Ok(records) = template.parse(&raw.text) else { continue };
            for note in rows::rows(self.verb, source, &records).notes {
                let error = Error::config(format!("{}: {}: {note}", self.name(), raw.origin));
                self.report.errors.push(error.at(place.place()));
            }
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.platform.name, self.verb.name)
    }
}

/// Whether a source can be sent with these arguments.
fn sendable(ask: &Ask, arguments: &Arguments) -> Result<()> {
    match ask {
        Ask::Command(line) | Ask::Jsonrpc(line) => line.render(arguments).map(drop),
        Ask::Yang(path, _) => path.map_keys(|key| fill(key, arguments)).map(drop),
        Ask::Rpc(xml) => {
            let read = Element::parse(xml)
                .map_err(|error| Error::config(format!("the operation is no XML: {error}")))?;
            if read.len() != 1 {
                return Err(Error::config("the operation is not one element"));
            }
            let mut trouble = Ok(());
            for element in read {
                let _ = element.try_map_values(&mut |value| match fill(value, arguments) {
                    Ok(filled) => Some(filled),
                    Err(error) => {
                        trouble = Err(error);
                        None
                    }
                });
            }
            trouble
        }
    }
}
