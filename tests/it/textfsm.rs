//! TextFSM against the reference: CPython 3.11, textfsm 2.1.0 and the public template collection.
//!
//! `eval "$(tests/reference/prepare)"` makes them ready. Without its variables these tests say that they were
//! left out, and fail where `NOCBOT_REQUIRE_LAB=1`.

pub mod dice;
mod mutated;
mod regexes;
mod templates;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nocbot::parse::Cell;
use nocbot::parse::index::Index;
use nocbot::parse::merge::{Part, merge};
use nocbot::parse::textfsm::Template;
use serde_json::{Value, json};

/// Where the reference is.
pub struct Reference {
    python: PathBuf,
    pub templates: PathBuf,
    pub samples: PathBuf,
}

impl Reference {
    /// None, with a word about it, where it is not prepared.
    pub fn find() -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.exists());
        let found = (|| {
            Some(Self {
                python: variable("NOCBOT_REFERENCE_PYTHON")?,
                templates: variable("NOCBOT_NTC_TEMPLATES")?,
                samples: variable("NOCBOT_NTC_TESTS")?,
            })
        })();
        if found.is_none() {
            crate::support::left_out("the TextFSM reference: eval \"$(tests/reference/prepare)\"");
        }
        found
    }

    /// Runs `dump.py` with `input` on its standard input; its answers, line by line.
    pub fn ask(&self, arguments: &[&str], input: &str) -> Vec<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/dump.py");
        let mut child = Command::new(&self.python)
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success(), "dump.py {arguments:?} failed");
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn template(&self, name: &str) -> Template {
        let text = std::fs::read_to_string(self.templates.join(name)).unwrap();
        Template::compile(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn sample(&self, name: &str) -> String {
        String::from_utf8(std::fs::read(self.samples.join(name)).unwrap()).unwrap()
    }
}

fn as_json(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => json!(text),
        Cell::List(items) => json!(items),
        Cell::Maps(items) => items
            .iter()
            .map(|item| match item.as_slice() {
                [(name, text)] if name.is_empty() => json!(text),
                pairs => pairs.iter().map(|(name, text)| (name.clone(), json!(text))).collect(),
            })
            .collect(),
    }
}

fn rows(rows: &[Vec<Cell>]) -> Value {
    rows.iter().map(|row| row.iter().map(as_json).collect::<Value>()).collect()
}

#[test]
fn the_whole_collection_gives_the_reference_records() {
    let Some(reference) = Reference::find() else { return };
    let paths = [reference.templates.to_str().unwrap(), reference.samples.to_str().unwrap()];
    let jobs = reference.ask(&["jobs", paths[0], paths[1]], "");
    assert!(jobs.len() >= 1_900, "only {} samples", jobs.len());
    let mut templates: HashMap<String, Template> = HashMap::new();
    let mut wrong = Vec::new();
    for job in &jobs {
        let (name, raw) = (job["template"].as_str().unwrap(), job["raw"].as_str().unwrap());
        let template = templates.entry(name.to_owned()).or_insert_with(|| reference.template(name));
        let same = match template.parse(&reference.sample(raw)) {
            Ok(records) => job.get("rows") == Some(&rows(&records.rows)),
            Err(_) => job.get("error").is_some(),
        };
        if !same {
            wrong.push(format!("{name} on {raw}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), jobs.len(), wrong.join("\n"));
}

/// What the collection's own function returns: an item of no group has become the word `None`.
fn as_returned(cell: &Cell) -> Value {
    match cell {
        Cell::List(items) => items.iter().map(|item| json!(item.as_deref().unwrap_or("None"))).collect(),
        other => as_json(other),
    }
}

#[test]
fn index_and_merge_give_what_the_collection_returns() {
    let Some(reference) = Reference::find() else { return };
    let paths = [reference.templates.to_str().unwrap(), reference.samples.to_str().unwrap()];
    let index = Index::read(&std::fs::read_to_string(reference.templates.join("index")).unwrap()).unwrap();
    assert!(index.dropped().is_empty(), "{:?}", index.dropped());
    let mut templates: HashMap<String, Template> = HashMap::new();
    let mut wrong = Vec::new();
    let outputs = reference.ask(&["outputs", paths[0], paths[1]], "");
    for output in &outputs {
        let text = |name: &str| output[name].as_str().unwrap();
        let found = index.find(&[("Platform", text("platform")), ("Command", text("command"))]);
        let sample = reference.sample(text("raw"));
        let parts = found.unwrap().templates.iter().map(|name| {
            let template = templates.entry(name.clone()).or_insert_with(|| reference.template(name));
            Part { records: template.parse(&sample).unwrap(), keys: template.keys() }
        });
        let table = merge(parts.collect()).unwrap();
        let header: Value = table.header.iter().map(|name| json!(name.to_lowercase())).collect();
        let rows: Value =
            table.rows.iter().map(|row| row.iter().map(as_returned).collect::<Value>()).collect();
        if output["header"] != header || output["rows"] != rows {
            wrong.push(text("raw").to_owned());
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), outputs.len(), wrong.join("\n"));
}

#[test]
fn lookups_find_the_reference_row() {
    let Some(reference) = Reference::find() else { return };
    let text = std::fs::read_to_string(reference.templates.join("index")).unwrap();
    let index = Index::read(&text).unwrap();
    // Commands of the index in full and shortened, each on its own platform and on another.
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split(',').map(str::trim).collect::<Vec<_>>())
        .filter(|row| row.len() == 4 && row[2].chars().all(|c| c.is_alphanumeric() || c == '_'))
        .collect();
    let mut asked = Vec::new();
    for (at, row) in rows.iter().enumerate().step_by(5) {
        let plain = row[3].replace("[[", "").replace("]]", "");
        let short: Vec<&str> = plain.split(' ').map(|word| word.get(..2 + at % 4).unwrap_or(word)).collect();
        for command in
            [plain.clone(), short.join(" "), plain.clone() + " x", format!(" {plain}"), plain.to_uppercase()]
        {
            asked.push((row[2], command.clone()));
            asked.push((rows[at * 31 % rows.len()][2], command));
        }
    }
    let input: String =
        asked.iter().flat_map(|(platform, command)| [platform, "\t", command, "\n"]).collect();
    let answers = reference.ask(&["lookups", reference.templates.to_str().unwrap()], &input);
    assert_eq!(answers.len(), asked.len());
    assert!(answers.iter().filter(|answer| !answer.is_null()).count() > answers.len() / 5);
    for ((platform, command), answer) in asked.iter().zip(&answers) {
        let found = index.find(&[("Platform", platform), ("Command", command)]);
        assert_eq!(json!(found.map(|row| row.templates.join(":"))), *answer, "{platform}: {command}");
    }
}
