//! TextFSM against the reference: CPython 3.11, textfsm 2.1.0 and the public template collection.
//!
//! `eval "$(tests/reference/prepare)"` makes them ready. Without its variables these tests say that they were
//! left out, and fail where `NOCBOT_REQUIRE_LAB=1`.

mod dice;
mod regexes;
mod templates;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nocbot::parse::Cell;
use nocbot::parse::textfsm::Template;
use serde_json::{Value, json};

/// Where the reference is.
struct Reference {
    python: PathBuf,
    templates: PathBuf,
    samples: PathBuf,
}

impl Reference {
    /// None, with a word about it, where it is not prepared.
    fn find() -> Option<Self> {
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
    fn ask(&self, arguments: &[&str], input: &str) -> Vec<Value> {
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
