//! One source of a verb: a command line, its parser, and the way from its values to the columns.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Reader;
use crate::profile::{ArgumentRef, Attribute, CommandLine, Mapping, Source};
use crate::text::did_you_mean;
use crate::verb::{Argument, ArgumentType, Verb};
use crate::yaml::Node;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    #[serde(default)]
    when: BTreeMap<String, Option<String>>,
    ssh: String,
    parser: Option<String>,
    interrupt: Option<String>,
    #[serde(default, rename = "columns")]
    _columns: Option<IgnoredAny>,
    #[serde(default, rename = "also")]
    _also: Option<IgnoredAny>,
    #[serde(default, rename = "join")]
    _join: Option<IgnoredAny>,
    #[serde(default, rename = "else")]
    _otherwise: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    from: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, Option<String>>,
    default: Option<String>,
    unit: Option<String>,
}

impl Reader<'_> {
    /// Reads one source and those in its `also`; `None` when it has no command line.
    pub(super) fn source(&mut self, node: &Node, verb: &Verb) -> Option<Source> {
        let raw: RawSource = match node.decode() {
            Ok(raw) => raw,
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        let command = match CommandLine::parse(&raw.ssh) {
            Ok(command) => command,
            Err(error) => {
                self.errors.push(node.nearest(&["ssh"]).place_error(error));
                return None;
            }
        };
        for (argument, _) in command.arguments() {
            self.argument(node.nearest(&["ssh"]), argument, verb);
        }
        let mut when = BTreeMap::new();
        for (condition, value) in raw.when {
            let place = node.nearest(&["when"]).entry(&condition).map_or(node, |(key, _)| key);
            match ArgumentRef::parse(&condition) {
                Ok(argument) => self.argument(place, &argument, verb),
                Err(error) => self.errors.push(place.place_error(error)),
            }
            when.insert(condition, value.unwrap_or_default());
        }
        let parser = self.parser(node, raw.parser.as_deref(), &command);
        let also = self.further(node, "also", verb);
        let join = self.further(node, "join", verb);
        let otherwise = self.further(node, "else", verb);
        let columns = self.columns(node, verb);
        Some(Source {
            command,
            parser,
            columns,
            when,
            interrupt: self.interrupt(node, raw.interrupt, verb),
            also,
            join,
            otherwise,
        })
    }

    /// The sources under `also` or `join`.
    fn further(&mut self, node: &Node, list: &str, verb: &Verb) -> Vec<Source> {
        let items = match node.get(list).map(|node| node.items(&format!("`{list}`"))) {
            Some(Ok(items)) => items,
            Some(Err(error)) => {
                self.errors.push(error);
                return Vec::new();
            }
            None => return Vec::new(),
        };
        let mut further = Vec::new();
        for item in items {
            // They are asked together with their source, by its conditions.
            let elsewhere = ["when", "also", "join"].into_iter().chain((list == "else").then_some("else"));
            for key in elsewhere {
                if let Some((key, _)) = item.entry(key) {
                    let name = key.text().unwrap_or_default();
                    self.errors.push(key.error(format!("`{name}` means nothing within `{list}`")));
                }
            }
            further.extend(self.source(item, verb));
        }
        further
    }

    /// The argument that counts the seconds until Ctrl-C: a number that is always there.
    fn interrupt(&mut self, node: &Node, name: Option<String>, verb: &Verb) -> Option<String> {
        let name = name?;
        let sure = |known: &Argument| known.required || known.default.is_some();
        let fits = |known: &Argument| known.name == name && known.kind == ArgumentType::Int && sure(known);
        if verb.arguments.iter().any(fits) {
            return Some(name);
        }
        let error = node.nearest(&["interrupt"]).error(format!("`{name}` is no number of `{}`", verb.name));
        self.errors.push(error.hint("name an `int` argument that is required or has a default"));
        None
    }

    /// The argument must be one of the verb's, and have the attribute.
    fn argument(&mut self, place: &Node, wanted: &ArgumentRef, verb: &Verb) {
        let Some(argument) = verb.arguments.iter().find(|argument| argument.name == wanted.name) else {
            let error = place.error(format!("the verb `{}` has no argument `{}`", verb.name, wanted.name));
            let names = verb.arguments.iter().map(|argument| argument.name.as_str());
            self.errors.push(match did_you_mean(&wanted.name, names) {
                Some(hint) => error.hint(hint),
                None => error,
            });
            return;
        };
        let address = matches!(argument.kind, ArgumentType::Ip | ArgumentType::Host | ArgumentType::Prefix);
        let lengthy = matches!(
            wanted.attribute,
            Some(Attribute::Mask | Attribute::Wildcard | Attribute::Length | Attribute::Network)
        );
        if wanted.attribute.is_some() && (!address || lengthy && argument.kind != ArgumentType::Prefix) {
            let error = format!("the argument `{}` is no address with this attribute", wanted.name);
            self.errors.push(place.error(error));
        }
    }

    /// The parser's whole name: looked for under the platform, then under what it extends.
    fn parser(&mut self, node: &Node, named: Option<&str>, command: &CommandLine) -> String {
        let words = named.map_or_else(|| command.fixed_words(), str::to_owned);
        let whole = |platform: &str| format!("{platform}/{words}");
        let found = if words.contains('/') {
            self.known.parsers.contains(&words).then(|| words.clone())
        } else {
            self.lineage.iter().map(|platform| whole(platform)).find(|name| self.known.parsers.contains(name))
        };
        found.unwrap_or_else(|| {
            let name =
                if words.contains('/') { words.clone() } else { whole(self.lineage.first().unwrap_or(&"")) };
            let place = node.get("parser").unwrap_or_else(|| node.nearest(&["ssh"]));
            let error = place.error(format!("there is no parser `{name}`"));
            let near = did_you_mean(&name, self.known.parsers.iter().map(String::as_str));
            self.errors.push(match near {
                Some(hint) => error.hint(hint),
                None => error.hint(format!(
                    "a parser is a folder: parsers/{name}/template.textfsm, or template.yaml for JSON and XML"
                )),
            });
            name
        })
    }

    fn columns(&mut self, node: &Node, verb: &Verb) -> BTreeMap<String, Mapping> {
        let mut columns = BTreeMap::new();
        let entries = match node.get("columns").map(|columns| columns.entries("`columns`")) {
            None => return columns,
            Some(Ok(entries)) => entries,
            Some(Err(error)) => {
                self.errors.push(error);
                return columns;
            }
        };
        for (key, value) in entries {
            let name = key.text().unwrap_or_default();
            if !verb.columns.iter().any(|column| column.name == name) {
                let error = key.error(format!("the verb `{}` has no column `{name}`", verb.name));
                let names = verb.columns.iter().map(|column| column.name.as_str());
                self.errors.push(match did_you_mean(name, names) {
                    Some(hint) => error.hint(hint),
                    None => error,
                });
                continue;
            }
            let mapping = match value.text() {
                Some(from) => Mapping { from: Some(from.to_owned()), ..Mapping::default() },
                None => match value.decode::<RawMapping>() {
                    Ok(raw) => Mapping {
                        from: raw.from,
                        map: raw.map.into_iter().map(|(from, to)| (from, to.unwrap_or_default())).collect(),
                        default: raw.default,
                        unit: raw.unit,
                    },
                    Err(error) => {
                        self.errors.push(error);
                        continue;
                    }
                },
            };
            let from = mapping.from.as_deref().unwrap_or_default();
            if from.contains(['{', '}'])
                && mapping.values().len() != from.matches(['{', '}']).count().div_ceil(2)
            {
                self.errors
                    .push(value.nearest(&["from"]).error(format!("the braces of `{from}` are not paired")));
            }
            if mapping.from.is_none() && mapping.default.is_none() {
                let error = value.error(format!("nothing fills the column `{name}`"));
                self.errors.push(error.hint("name a value of the template, or give a `default`"));
            }
            columns.insert(name.to_owned(), mapping);
        }
        columns
    }
}
