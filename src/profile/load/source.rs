//! One source of a verb: what is asked, its parser, and the way from its values to the columns.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Reader;
use crate::profile::{ArgumentRef, Ask, Attribute, CommandLine, Mapping, Pattern, Source, Via};
use crate::text::did_you_mean;
use crate::verb::{Argument, ArgumentType, Verb};
use crate::yaml::Node;
use crate::yang::{Content, Depth, Fields, Path, Query};

/// The keys of what is asked, of which a source has one.
const ASKS: [&str; 4] = ["ssh", "yang", "rpc", "jsonrpc"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    #[serde(default)]
    when: BTreeMap<String, Option<String>>,
    ssh: Option<String>,
    yang: Option<String>,
    rpc: Option<String>,
    jsonrpc: Option<String>,
    fields: Option<String>,
    depth: Option<String>,
    content: Option<Content>,
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
    pattern: Option<String>,
    #[serde(default)]
    begins: BTreeMap<String, String>,
    since: Option<String>,
}

impl Reader<'_> {
    /// Reads one source and those in it; `None` when it asks nothing.
    pub(super) fn source(&mut self, node: &Node, verb: &Verb) -> Option<Source> {
        let raw: RawSource = match node.decode() {
            Ok(raw) => raw,
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        let ask = self.ask(node, &raw)?;
        match ask.arguments() {
            Ok(arguments) => {
                for argument in &arguments {
                    self.argument(node.nearest(&[ask.key()]), argument, verb);
                }
            }
            Err(error) => self.errors.push(node.nearest(&[ask.key()]).place_error(error)),
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
        let parser = self.parser(node, raw.parser.as_deref(), &ask);
        let also = self.further(node, "also", verb);
        let join = self.further(node, "join", verb);
        let otherwise = self.further(node, "else", verb);
        for (list, sources) in [("also", &also), ("join", &join), ("else", &otherwise)] {
            self.same_ways(node, list, &ask, sources);
        }
        let columns = self.columns(node, verb);
        Some(Source {
            ask,
            parser,
            columns,
            when,
            interrupt: self.interrupt(node, raw.interrupt, verb),
            also,
            join,
            otherwise,
        })
    }

    /// What the source asks; `None` after an error.
    fn ask(&mut self, node: &Node, raw: &RawSource) -> Option<Ask> {
        let written = [&raw.ssh, &raw.yang, &raw.rpc, &raw.jsonrpc];
        let mut given = ASKS.into_iter().zip(written).filter_map(|(key, text)| Some((key, text.as_ref()?)));
        let (Some((key, text)), None) = (given.next(), given.next()) else {
            let error =
                node.error(format!("a source has one of {}", ASKS.map(|key| format!("`{key}`")).join(", ")));
            self.errors.push(error.hint("each way to ask is a source of its own, the best first"));
            return None;
        };
        if key != "yang" {
            for only in ["fields", "depth", "content"] {
                if let Some((place, _)) = node.entry(only) {
                    self.errors.push(place.error(format!("`{only}` goes with `yang` only")));
                }
            }
        }
        let ask = match key {
            "ssh" => CommandLine::parse(text).map(Ask::Command),
            "jsonrpc" => CommandLine::parse(text).map(Ask::Jsonrpc),
            "rpc" => Ok(Ask::Rpc(text.trim().to_owned())),
            _ => Path::parse(text).map(|path| Ask::Yang(path, self.query(node, raw))),
        };
        ask.map_err(|error| self.errors.push(node.nearest(&[key]).place_error(error))).ok()
    }

    fn query(&mut self, node: &Node, raw: &RawSource) -> Query {
        let mut query = Query { content: raw.content, ..Query::default() };
        if let Some(fields) = &raw.fields {
            let fields = Fields::parse(fields).map_err(|error| node.nearest(&["fields"]).place_error(error));
            query.fields = fields.map_err(|error| self.errors.push(error)).ok();
        }
        if let Some(depth) = &raw.depth {
            let depth = Depth::parse(depth).map_err(|error| node.nearest(&["depth"]).place_error(error));
            query.depth = depth.map_err(|error| self.errors.push(error)).ok();
        }
        query
    }

    /// What is asked together with a source must be askable by each of its ways.
    fn same_ways(&mut self, node: &Node, list: &str, ask: &Ask, sources: &[Source]) {
        for (index, source) in sources.iter().enumerate() {
            let lacking = |via: &&Via| !source.ask.ways().contains(via);
            if let Some(via) = ask.ways().iter().find(lacking) {
                let place = node.nearest(&[list, &index.to_string(), source.ask.key()]);
                self.errors.push(place.error(format!(
                    "`{}` cannot be asked over {via}, and the source that it is part of can",
                    source.ask.key()
                )));
            }
        }
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
    fn parser(&mut self, node: &Node, named: Option<&str>, ask: &Ask) -> String {
        let words = match (named, ask) {
            (Some(named), _) => named.to_owned(),
            (None, Ask::Command(line) | Ask::Jsonrpc(line)) => line.fixed_words(),
            (None, Ask::Yang(..) | Ask::Rpc(_)) => {
                let error = node.error(format!("a source with `{}` names its `parser`", ask.key()));
                self.errors.push(error.hint("a parser is a folder: parsers/<platform>/<name>/template.yaml"));
                return String::new();
            }
        };
        let whole = |platform: &str| format!("{platform}/{words}");
        let found = if words.contains('/') {
            self.known.parsers.contains(&words).then(|| words.clone())
        } else {
            self.lineage.iter().map(|platform| whole(platform)).find(|name| self.known.parsers.contains(name))
        };
        found.unwrap_or_else(|| {
            let name =
                if words.contains('/') { words.clone() } else { whole(self.lineage.first().unwrap_or(&"")) };
            let place = node.get("parser").unwrap_or_else(|| node.nearest(&[ask.key()]));
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
                        pattern: raw.pattern.and_then(|text| self.group(value, &text)),
                        begins: raw.begins,
                        since: raw.since,
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

    /// The expression of a mapping, which has the group that is taken.
    fn group(&mut self, node: &Node, text: &str) -> Option<Pattern> {
        let place = node.nearest(&["pattern"]);
        match Pattern::new(text) {
            Ok(pattern) if pattern.groups() > 0 => return Some(pattern),
            Ok(_) => self.errors.push(place.error(format!("`{text}` has no group to take"))),
            Err(error) => {
                self.errors.push(place.error(format!("`{text}` is no regular expression: {error}")));
            }
        }
        None
    }
}
