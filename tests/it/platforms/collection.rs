//! The built-in parsers against outputs that their author did not write: the samples of the public template
//! collection, named by `NOCBOT_NTC_TESTS`. Nothing of the collection is part of the repository.
//!
//! Its expectations come from other templates, so only what both must agree on is compared: that the output is
//! read at all, the number of rows, the values that mean the same, and that every cell fits its column. What that is
//! stands in `collection/<platform>.yaml`, by parser: `of` (further folders of the collection), `same` (values of ours
//! and of theirs that mean the same and are compared as texts, without their blanks and quotes), `refused` (outputs
//! that are refused, and must be) and `records` (outputs that make another number of records).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nocbot::catalogue::{Catalogue, rows};
use nocbot::parse::{Cell, Records};
use nocbot::profile::Source;
use nocbot::secret::Environment;
use nocbot::yaml::{Node, Value};
use serde::Deserialize;

/// What the samples of one parser are compared by.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    of: Vec<String>,
    #[serde(default)]
    same: BTreeMap<String, String>,
    #[serde(default)]
    refused: BTreeMap<String, String>,
    #[serde(default)]
    records: BTreeMap<String, Count>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    count: usize,
    #[serde(rename = "why")]
    _why: String,
}

/// By parser.
fn expectations() -> BTreeMap<String, Expected> {
    let directory = super::tree().join("tests/it/platforms/collection");
    let mut all = BTreeMap::new();
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let node = Node::read(&path.display().to_string(), &text)
            .unwrap_or_else(|e| panic!("{}", super::reports(&e)));
        let platform = path.file_stem().unwrap().to_str().unwrap();
        for (name, expected) in node.entries("the file").unwrap() {
            let expected = expected.decode().unwrap_or_else(|error| panic!("{}", error.report()));
            all.insert(format!("{platform}/{}", name.text().unwrap()), expected);
        }
    }
    all
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<String>().replace('"', "")
}

fn ours(records: &Records, row: &[Cell], name: &str) -> String {
    let index = records.header.iter().position(|header| header == name);
    match &row[index.unwrap_or_else(|| panic!("no value {name}"))] {
        Cell::Text(text) => squeeze(text),
        Cell::List(items) => squeeze(&items.iter().flatten().cloned().collect::<String>()),
        Cell::Maps(_) => panic!("{name} is a list of maps"),
    }
}

fn theirs(row: &Node, name: &str) -> String {
    match row.get(name).map(Node::value) {
        None | Some(Value::Null) => String::new(),
        Some(Value::List(items)) => squeeze(&items.iter().filter_map(Node::text).collect::<String>()),
        Some(_) => squeeze(row.get(name).unwrap().text().unwrap()),
    }
}

/// Every source of every verb of a platform that uses this parser.
fn sources<'a>(all: impl IntoIterator<Item = &'a Source>, parser: &str) -> Vec<&'a Source> {
    let mut found = Vec::new();
    for source in all {
        found.extend((source.parser == parser).then_some(source));
        found.extend(sources(source.also.iter().chain(&source.join).chain(&source.otherwise), parser));
    }
    found
}

/// What is not the same in records of ours and of theirs.
fn same_values(same: &BTreeMap<String, String>, records: &Records, expected: &[Node]) -> Vec<String> {
    let mut differences = Vec::new();
    for (our, their) in same {
        for (index, (row, expected)) in records.rows.iter().zip(expected).enumerate() {
            // What a template of another folder does not know at all cannot be compared.
            if expected.get(their).is_none() {
                continue;
            }
            let (our_text, their_text) = (ours(records, row, our), theirs(expected, their));
            if our_text != their_text {
                differences.push(format!("record {index}: {our} is `{our_text}`, {their} is `{their_text}`"));
            }
        }
    }
    differences
}

struct Collection {
    catalogue: Catalogue,
    directory: PathBuf,
    expectations: BTreeMap<String, Expected>,
    wrong: Vec<String>,
    used: BTreeSet<String>,
}

impl Collection {
    /// None, with a word about it, where it is not there.
    fn find() -> Option<Self> {
        let directory = std::env::var_os("NOCBOT_NTC_TESTS").map(PathBuf::from).filter(|path| path.is_dir());
        if directory.is_none() {
            crate::support::left_out("the public collection: eval \"$(tests/reference/prepare)\"");
        }
        let config = super::config_of_the_tree();
        let loaded = Catalogue::load(&config, &Environment::empty());
        let catalogue = loaded.unwrap_or_else(|errors| panic!("{}", super::reports(&errors))).catalogue;
        let expectations = expectations();
        Some(Self {
            catalogue,
            directory: directory?,
            expectations,
            wrong: Vec::new(),
            used: BTreeSet::new(),
        })
    }

    /// The outputs of one of the collection's commands.
    fn outputs(&self, command: &str) -> Vec<PathBuf> {
        let Ok(files) = std::fs::read_dir(self.directory.join(command)) else { return Vec::new() };
        let files = files.map(|file| file.unwrap().path());
        let mut files: Vec<PathBuf> =
            files.filter(|path| path.extension().is_some_and(|e| e == "raw")).collect();
        files.sort();
        files
    }

    fn compare(&mut self, parser: &str, path: &Path) {
        let case = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let expected = std::fs::read_to_string(path.with_extension("yml")).unwrap();
        let expected = Node::read("yml", &expected).unwrap_or_else(|_| panic!("{case}.yml"));
        let expected = expected.get("parsed_sample").unwrap().items("the sample").unwrap().to_vec();
        let template = self.catalogue.parser(parser).unwrap().reader().unwrap();

        let none = Expected::default();
        let comparison = self.expectations.get(parser).unwrap_or(&none);
        let (refused, other) = (comparison.refused.get(&case), comparison.records.get(&case));
        if refused.is_some() || other.is_some() {
            self.used.insert(format!("{parser} {case}"));
        }
        let records = match (template.parse(&text), refused) {
            (Err(_), Some(_)) => return,
            (Err(error), None) => return self.wrong.push(format!("{parser} refuses {case}: {error}")),
            (Ok(_), Some(why)) => {
                return self.wrong.push(format!("{parser} reads {case}, which it should not: {why}"));
            }
            (Ok(records), None) => records,
        };
        let count = other.map_or(expected.len(), |other| other.count);
        if records.rows.len() != count {
            self.wrong.push(format!("{parser} makes {} records of {case}, not {count}", records.rows.len()));
        } else if other.is_none() {
            let differences = same_values(&comparison.same, &records, &expected);
            self.wrong.extend(
                differences.into_iter().map(|difference| format!("{parser} of {case}, {difference}")),
            );
        }
        self.fits(parser, &case, &records);
    }

    /// Every cell of every verb's table is of its column's type.
    fn fits(&mut self, parser: &str, case: &str, records: &Records) {
        let platform = self.catalogue.platform(parser.split('/').next().unwrap()).unwrap();
        for (verb, all) in &platform.verbs {
            for source in sources(all, parser) {
                let mapped = rows::rows(&self.catalogue.verbs[verb], source, records);
                let notes = mapped.notes.iter().map(|note| format!("{verb} by {parser} of {case}: {note}"));
                self.wrong.extend(notes);
            }
        }
    }
}

#[test]
fn outputs_of_others_make_their_rows() {
    let Some(mut collection) = Collection::find() else { return };
    let own = collection.catalogue.parsers.keys().map(|name| (name.clone(), name.clone()));
    let other: Vec<(String, String)> = collection
        .expectations
        .iter()
        .flat_map(|(name, expected)| expected.of.iter().map(move |folder| (name, folder)))
        .map(|(name, folder)| {
            let platform = name.split('/').next().unwrap();
            (name.clone(), if folder.contains('/') { folder.clone() } else { format!("{platform}/{folder}") })
        })
        .collect();
    let commands: Vec<(String, String)> = own.chain(other).collect();
    let mut read: BTreeMap<String, usize> = BTreeMap::new();
    for (parser, command) in commands {
        for path in collection.outputs(&command) {
            collection.compare(&parser, &path);
            *read.entry(parser.clone()).or_default() += 1;
        }
    }
    assert!(read.values().sum::<usize>() >= 173, "few outputs: {read:?}");
    assert!(collection.wrong.is_empty(), "{}", collection.wrong.join("\n"));
    let known = collection.expectations.iter().flat_map(|(parser, expected)| {
        let cases = expected.refused.keys().chain(expected.records.keys());
        cases.map(move |case| format!("{parser} {case}"))
    });
    let stale: Vec<String> = known.filter(|case| !collection.used.contains(case)).collect();
    assert!(stale.is_empty(), "not in the collection any more: {stale:?}");
    let untested: Vec<&String> =
        collection.expectations.keys().filter(|name| !read.contains_key(*name)).collect();
    assert!(untested.is_empty(), "no output for {untested:?}");
}
