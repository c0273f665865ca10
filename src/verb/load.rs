//! Reads the verbs' files and refuses what could not be asked or answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Argument, ArgumentType, By, ColumnDef, Native, Verb, Via};
use crate::error::Error;
use crate::table::Type;
use crate::text::did_you_mean;
use crate::yaml::Node;

/// Words of the grammar and of the bot itself; no verb may take them.
const RESERVED: [&str; 14] = [
    "all", "on", "again", "cancel", "devices", "examples", "explain", "help", "history", "status", "where",
    "whoami", "include", "exclude",
];

/// Reads all verbs; `files` are the trees by their names without `.yaml`. Errors are added to
/// `errors`, and a verb with one is left out.
pub fn load(files: &BTreeMap<String, Node>, errors: &mut Vec<Error>) -> BTreeMap<String, Arc<Verb>> {
    let mut verbs = BTreeMap::new();
    let mut words: BTreeMap<String, String> = BTreeMap::new();
    for (stem, node) in files {
        let before = errors.len();
        match node.decode::<Verb>() {
            Err(error) => errors.push(error),
            Ok(mut verb) => {
                check(stem, node, &verb, errors);
                claim(node, &verb, &mut words, errors);
                if errors.len() == before {
                    let matrix = verb.bot.is_some_and(Native::is_matrix);
                    let of_devices = matrix || !verb.only_by_bot();
                    if of_devices && (!verb.columns.is_empty() || verb.asks.is_some()) {
                        let only = (verb.bot.is_some() && !matrix).then_some(By::Device);
                        verb.arguments.push(via(only));
                    }
                    verbs.insert(verb.name.clone(), Arc::new(verb));
                }
            }
        }
    }
    verbs
}

/// The argument of every verb with sources: how the devices are asked.
fn via(only: Option<By>) -> Argument {
    Argument {
        name: Verb::VIA.to_owned(),
        kind: ArgumentType::Choice,
        positional: false,
        required: false,
        only,
        help: "the one way to ask by, instead of the first that each device has".to_owned(),
        range: None,
        choices: Via::ALL.iter().map(|(word, _)| (*word).to_owned()).collect(),
        default: None,
        deny: Vec::new(),
        narrows: None,
    }
}

/// Every word stands for one verb.
fn claim(node: &Node, verb: &Verb, words: &mut BTreeMap<String, String>, errors: &mut Vec<Error>) {
    let names = std::iter::once((&verb.name, node.nearest(&["verb"])));
    let aliases = verb.aliases.iter().enumerate();
    let aliases = aliases.map(|(index, alias)| (alias, node.nearest(&["aliases", &index.to_string()])));
    for (word, place) in names.chain(aliases) {
        if RESERVED.contains(&word.as_str()) {
            errors.push(place.error(format!("`{word}` is a word of the grammar and cannot be a verb")));
        } else if !is_word(word, '-') {
            errors.push(
                place
                    .error(format!("`{word}` cannot be a verb"))
                    .hint("a verb is a lower-case letter, then lower-case letters, digits and `-`"),
            );
        } else if let Some(other) = words.insert(word.clone(), verb.name.clone()) {
            errors.push(place.error(format!("`{word}` stands for the verb `{other}` already")));
        }
    }
}

fn check(stem: &str, node: &Node, verb: &Verb, errors: &mut Vec<Error>) {
    if stem != verb.name {
        let error =
            node.nearest(&["verb"]).error(format!("the file is {stem}.yaml but its verb is {}", verb.name));
        errors.push(error.hint("a file is named like its verb, so that another directory can lie over it"));
    }
    if verb.help.trim().is_empty() {
        errors.push(node.nearest(&["help"]).error("`help` is empty"));
    }
    if verb.examples.is_empty() {
        errors.push(node.nearest(&["examples"]).error("a verb needs at least one example"));
    }
    columns(node, verb, errors);
    let mut names = BTreeSet::new();
    for (index, argument) in verb.arguments.iter().enumerate() {
        let place = node.nearest(&["arguments", &index.to_string()]);
        if !names.insert(argument.name.as_str()) {
            errors.push(
                place.nearest(&["name"]).error(format!("the argument `{}` stands here twice", argument.name)),
            );
        }
        check_argument(place, argument, errors);
    }
    let line = verb.arguments.iter().position(|argument| argument.kind == ArgumentType::Line);
    if line.is_some_and(|index| index + 1 != verb.arguments.len()) {
        errors.push(node.nearest(&["arguments"]).error("an argument of type `line` must be the last one"));
    }
    let only = verb.arguments.iter().position(|argument| argument.only.is_some());
    if let Some(index) = only.filter(|_| verb.bot.is_none()) {
        let place = node.nearest(&["arguments", &index.to_string(), "only"]);
        errors.push(
            place.error("`only` tells the bot's arguments from the devices', and this verb has no `bot`"),
        );
    }
    if line.is_none() && verb.columns.is_empty() && verb.asks.is_none() {
        errors.push(node.error(format!("the verb `{}` has no columns", verb.name)));
    }
}

fn columns(node: &Node, verb: &Verb, errors: &mut Vec<Error>) {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (index, column) in verb.columns.iter().enumerate() {
        let place = node.nearest(&["columns", &index.to_string(), "name"]);
        if !is_word(&column.name, '_') {
            errors.push(
                place
                    .error(format!("`{}` cannot be a column", column.name))
                    .hint("a column is a lower-case letter, then lower-case letters, digits and `_`"),
            );
        } else if column.name == "device" {
            errors.push(place.error("the column `device` is put before every table by itself"));
        } else if !names.insert(&column.name) {
            errors.push(place.error(format!("the column `{}` stands here twice", column.name)));
        }
    }
    for (index, column) in verb.columns.iter().enumerate() {
        check_words(node.nearest(&["columns", &index.to_string()]), column, &names, errors);
    }
    for (index, argument) in verb.arguments.iter().enumerate() {
        let Some(column) = argument.narrows.as_deref().filter(|column| !names.contains(column)) else {
            continue;
        };
        let place = node.nearest(&["arguments", &index.to_string(), "narrows"]);
        let error =
            place.error(format!("`narrows` names the column `{column}`, which the verb does not have"));
        errors.push(hinted(error, did_you_mean(column, names.iter().copied())));
    }
    let lists = [("key", &verb.key), ("volatile", &verb.volatile), ("sort", &verb.sort)];
    for (field, list) in lists {
        for (index, name) in list.iter().enumerate() {
            let name = if field == "sort" { name.trim_start_matches('-') } else { name };
            if !names.contains(name) {
                let place = node.nearest(&[field, &index.to_string()]);
                errors.push(hinted(
                    place.error(format!("`{field}` names the column `{name}`, which the verb does not have")),
                    did_you_mean(name, names.iter().copied()),
                ));
            }
        }
    }
}

/// The words of a `state` column.
fn check_words(place: &Node, column: &ColumnDef, names: &BTreeSet<&str>, errors: &mut Vec<Error>) {
    let lists = [
        ("good", column.good.is_empty()),
        ("values", column.values.is_empty()),
        ("instead", column.instead.is_empty()),
    ];
    for (field, _) in lists.iter().filter(|(_, empty)| !empty && column.kind != Type::State) {
        errors.push(place.nearest(&[field]).error(format!("only a column of type `state` has `{field}`")));
    }
    let known = |word: &str| column.values.is_empty() || column.values.iter().any(|value| value == word);
    let words = column.good.iter().map(|word| ("good", word));
    for (field, word) in words.chain(column.instead.keys().map(|word| ("instead", word))) {
        if !known(word) {
            let error = place.nearest(&[field]).error(format!("`{word}` is none of the column's `values`"));
            errors.push(hinted(error, did_you_mean(word, column.values.iter().map(String::as_str))));
        }
    }
    for other in
        column.instead.values().flat_map(BTreeMap::keys).filter(|other| !names.contains(other.as_str()))
    {
        let error = place.nearest(&["instead"]).error(format!("the verb has no column `{other}`"));
        errors.push(hinted(error, did_you_mean(other, names.iter().copied())));
    }
}

fn check_argument(place: &Node, argument: &Argument, errors: &mut Vec<Error>) {
    let kind = argument.kind;
    let mut wrong = |key: &str, message: String| errors.push(place.nearest(&[key]).error(message));
    if !is_word(&argument.name, '_') {
        wrong("name", format!("`{}` cannot be an argument's name", argument.name));
    }
    if argument.range.is_some() && kind != ArgumentType::Int {
        wrong("range", "only an argument of type `int` has a range".to_owned());
    }
    if argument.range.is_some_and(|(least, most)| least > most) {
        wrong("range", "the range is empty".to_owned());
    }
    if argument.choices.is_empty() == (kind == ArgumentType::Choice) {
        wrong("choices", "`choices` belong to an argument of type `choice`, which needs them".to_owned());
    }
    if let Some(choice) = argument.choices.iter().find(|choice| !is_value(choice)) {
        wrong("choices", format!("the choice `{choice}` could not reach a device's command line"));
    }
    let address = matches!(kind, ArgumentType::Ip | ArgumentType::Prefix | ArgumentType::Host);
    if !argument.deny.is_empty() && !address {
        wrong("deny", "only addresses, prefixes and hosts can be denied by network".to_owned());
    }
    if argument.positional && kind == ArgumentType::Flag {
        wrong("positional", "a flag is given by its name only".to_owned());
    }
    if let Some(default) = &argument.default {
        let fits = match kind {
            ArgumentType::Int => default.parse().is_ok_and(|number: i64| {
                argument.range.is_none_or(|(least, most)| (least..=most).contains(&number))
            }),
            ArgumentType::Choice => argument.choices.contains(default),
            ArgumentType::Ip => default.parse::<std::net::IpAddr>().is_ok(),
            ArgumentType::Prefix => default.parse::<ipnetwork::IpNetwork>().is_ok(),
            ArgumentType::Flag
            | ArgumentType::Server
            | ArgumentType::Line
            | ArgumentType::Mac
            | ArgumentType::Path
            | ArgumentType::Fields => false,
            // The grammar reads these; a default that it does not understand is never filled in.
            ArgumentType::Duration | ArgumentType::Ports | ArgumentType::Targets => !default.is_empty(),
            ArgumentType::Word | ArgumentType::Host | ArgumentType::Interface => is_value(default),
        };
        if !fits {
            wrong("default", format!("the default `{default}` does not fit the argument"));
        }
        if argument.required {
            wrong("default", "a required argument needs no default".to_owned());
        }
    }
}

fn is_word(word: &str, joint: char) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_lowercase())
        && word
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == joint)
}

fn is_value(text: &str) -> bool {
    let good = |letter: char| letter.is_ascii_alphanumeric() || "_.:/+-@".contains(letter);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(good)
}

fn hinted(error: Error, hint: Option<String>) -> Error {
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn load_one(text: &str) -> Result<Arc<Verb>, String> {
        let node = Node::read("verbs/vrf.yaml", text).unwrap();
        let mut errors = Vec::new();
        let verbs = load(&BTreeMap::from([("vrf".to_owned(), node)]), &mut errors);
        if errors.is_empty() {
            return Ok(Arc::clone(&verbs["vrf"]));
        }
        Err(errors.iter().map(Error::report).collect::<Vec<_>>().join("\n"))
    }

    const GOOD: &str =
        "verb: vrf\nhelp: h\nexamples: [vrf r1]\ncolumns: [{name: vrf}, {name: rd}]\nkey: [vrf]\n";

    #[test]
    fn a_good_verb_loads() {
        assert_eq!(load_one(GOOD).unwrap().columns.len(), 2);
    }

    #[test]
    fn every_mistake_is_found_where_it_stands() {
        for (from, to, wanted) in [
            ("verb: vrf", "verb: vrfs", "1:7: the file is vrf.yaml but its verb is vrfs"),
            ("verb: vrf", "verb: vrf\naliases: [all]", "2:11: `all` is a word of the grammar"),
            ("verb: vrf", "verb: vrf\naliases: [vrf]", "2:11: `vrf` stands for the verb `vrf` already"),
            ("verb: vrf", "verb: vrf\naliases: [Ab]", "`Ab` cannot be a verb"),
            ("help: h", "hlp: h", "did you mean `help`?"),
            ("[vrf r1]", "[]", "at least one example"),
            ("key: [vrf]", "key: [vfr]", "5:7: `key` names the column `vfr`"),
            ("key: [vrf]", "sort: [-rdd]", "did you mean `rd`?"),
            ("{name: rd}", "{name: device}", "4:31: the column `device` is put before every table"),
            ("{name: rd}", "{name: vrf}", "the column `vrf` stands here twice"),
            ("{name: rd}", "{name: rd, type: prefx}", "did you mean `prefix`?"),
            ("key:", "arguments: [{name: n, type: int, help: h, range: [9, 1]}]\nkey:", "the range is empty"),
            (
                "key:",
                "arguments: [{name: n, type: int, help: h, range: [1, 9], default: 10}]\nkey:",
                "does not fit",
            ),
            ("key:", "arguments: [{name: n, type: choice, help: h}]\nkey:", "`choices` belong to"),
            (
                "key:",
                "arguments: [{name: n, type: word, help: h, deny: [10.0.0.0/8]}]\nkey:",
                "denied by network",
            ),
            (
                "key:",
                "arguments: [{name: n, type: ip, help: h, deny: [10.0.0.0/80]}]\nkey:",
                "5:49: invalid address",
            ),
        ] {
            let text = GOOD.replace(from, to);
            let report = load_one(&text).unwrap_err();
            assert!(report.contains(wanted), "{wanted}\n{report}");
        }
    }
}
