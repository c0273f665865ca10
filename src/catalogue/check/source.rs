//! The sources of a platform's verbs: the command line can be made, the parser's values are there,
//! and the records of every sample fit the verb's columns.

use super::Report;
use crate::catalogue::{Loaded, rows};
use crate::error::Error;
use crate::profile::{Platform, Source};
use crate::text::did_you_mean;
use crate::verb::{Argument, ArgumentType, ArgumentValue, Arguments, Verb};
use crate::yaml::Node;

/// Runs all sources of one platform; `node` is its tree, for places.
pub(super) fn check(loaded: &Loaded, platform: &Platform, node: &Node, report: &mut Report) {
    for (name, sources) in &platform.verbs {
        let Some(verb) = loaded.catalogue.verbs.get(name) else { continue };
        for (index, source) in sources.iter().enumerate() {
            let place = node.nearest(&["verbs", name, &index.to_string()]);
            let mut checker = Checker { loaded, platform, verb, report };
            checker.source(source, place);
        }
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
        self.command(source, place);
        self.values(source, place);
        for (index, also) in source.also.iter().enumerate() {
            self.source(also, place.nearest(&["also", &index.to_string()]));
        }
    }

    /// The command line can be made of the fewest and of all arguments.
    fn command(&mut self, source: &Source, place: &Node) {
        for all in [false, true] {
            let arguments = sample_arguments(self.verb, source, all);
            if let Err(error) = source.command.render(&arguments) {
                let message = format!("{}: {}", self.name(), error.message());
                self.report.errors.push(place.nearest(&["ssh"]).error(message));
            }
        }
    }

    /// What the columns take is in the template's header, and what the samples yield fits them.
    fn values(&mut self, source: &Source, place: &Node) {
        let Some(parser) = self.loaded.catalogue.parser(&source.parser) else { return };
        // A template that does not compile is reported once, with its parser.
        let Ok(template) = parser.template() else { return };
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

/// Arguments as somebody could give them: those that the source needs, or all.
fn sample_arguments(verb: &Verb, source: &Source, all: bool) -> Arguments {
    let condition = |name: &str| {
        source.when.iter().find(|(key, value)| key.split('.').next() == Some(name) && !value.is_empty())
    };
    verb.arguments
        .iter()
        .filter(|argument| {
            all || argument.required || argument.default.is_some() || condition(&argument.name).is_some()
        })
        .map(|argument| {
            let v6 = condition(&argument.name)
                .is_some_and(|(key, value)| key.ends_with(".family") && value == "6");
            (argument.name.clone(), sample_value(argument, v6))
        })
        .collect()
}

fn sample_value(argument: &Argument, v6: bool) -> ArgumentValue {
    let word = |text: &str| ArgumentValue::Word(text.to_owned());
    match argument.kind {
        ArgumentType::Word => word("RED"),
        ArgumentType::Interface => word("Ethernet1/0"),
        ArgumentType::Choice => word(argument.choices.first().map_or("", String::as_str)),
        ArgumentType::Line => word("version"),
        ArgumentType::Flag => ArgumentValue::Flag,
        ArgumentType::Int => {
            let default = argument.default.as_ref().and_then(|text| text.parse().ok());
            ArgumentValue::Int(default.or(argument.range.map(|(least, _)| least)).unwrap_or(1))
        }
        ArgumentType::Ip | ArgumentType::Host => {
            let text = if v6 { "2001:db8::1" } else { "192.0.2.1" };
            text.parse().map_or_else(|_| word(text), ArgumentValue::Ip)
        }
        ArgumentType::Prefix => {
            let text = if v6 { "2001:db8::/64" } else { "192.0.2.0/24" };
            text.parse().map_or_else(|_| word("192.0.2.0"), ArgumentValue::Prefix)
        }
    }
}
