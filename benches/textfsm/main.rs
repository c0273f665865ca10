//! TextFSM, its reference and the crates of crates.io, side by side over the whole public collection.
//!
//! ```text
//! eval "$(tests/reference/prepare)" && cargo bench --bench textfsm
//! ```
//! Warm: templates compiled, one thread, each job (a template and a sample) with its least time of several rounds.
//! Cold: whole processes, from their start to their last answer. Without the reference's variables it says so and
//! ends. An argument is a number of rounds, or part of a template's name.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark talks and may panic"
)]

mod cold;
mod index;
mod warm;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the collection and the reference are.
struct Collection {
    python: PathBuf,
    templates: PathBuf,
    samples: PathBuf,
}

impl Collection {
    fn find() -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        Some(Self {
            python: variable("NOCBOT_REFERENCE_PYTHON")?,
            templates: variable("NOCBOT_NTC_TEMPLATES")?,
            samples: variable("NOCBOT_NTC_TESTS")?,
        })
    }

    /// What the reference's script says.
    fn reference(&self, what: &str) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/dump.py");
        let mut command = Command::new(&self.python);
        command.arg(script).arg(what).args([&self.templates, &self.samples]);
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A template and a text, by their names in the collection.
struct Job {
    template: String,
    raw: PathBuf,
    text: String,
}

fn jobs(collection: &Collection, only: Option<&str>) -> Vec<Job> {
    let lines = collection.reference("jobs");
    let jobs = lines.lines().map(|line| -> serde_json::Value { serde_json::from_str(line).unwrap() });
    let jobs = jobs.map(|job| {
        let raw = collection.samples.join(job["raw"].as_str().unwrap());
        let text = std::fs::read_to_string(&raw).unwrap();
        Job { template: job["template"].as_str().unwrap().to_owned(), raw, text }
    });
    jobs.filter(|job| only.is_none_or(|only| job.template.contains(only))).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(15);
    let only = arguments.iter().find(|argument| argument.parse::<usize>().is_err());
    let Some(collection) = Collection::find() else {
        println!("left out: the reference is not prepared; eval \"$(tests/reference/prepare)\"");
        return;
    };
    let jobs = jobs(&collection, only.map(String::as_str));
    let ours = warm::ours(&collection, &jobs, rounds);
    if only.is_some() {
        return;
    }
    warm::reference(&collection, ours.iter().sum());
    warm::crates(&collection, &jobs, &ours);
    cold::everything(&collection, &jobs);
    cold::one_file(&collection);
    index::lookups(&collection);
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
