//! TextFSM and its reference, side by side: the whole public collection, templates compiled, one thread.
//!
//! ```text
//! eval "$(tests/reference/prepare)" && cargo bench --bench textfsm
//! ```
//! Each job (a template and a sample) counts with its least time of several rounds, the freeing of its rows
//! counted on both sides. Without the reference's
//! variables it says so and ends. An argument is a number of rounds, or part of a template's name.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark talks and may panic"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use nocbot::parse::textfsm::Template;

struct Job {
    template: usize,
    text: String,
    least: Duration,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(15);
    let only = arguments.iter().find(|argument| argument.parse::<usize>().is_err());
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(python), Some(templates), Some(samples)) =
        (variable("NOCBOT_REFERENCE_PYTHON"), variable("NOCBOT_NTC_TEMPLATES"), variable("NOCBOT_NTC_TESTS"))
    else {
        println!("left out: the reference is not prepared; eval \"$(tests/reference/prepare)\"");
        return;
    };
    let reference = |arguments: &[&str]| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/dump.py");
        let output = Command::new(&python).arg(script).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };

    let mut names: HashMap<String, usize> = HashMap::new();
    let mut sources = Vec::new();
    let mut jobs = Vec::new();
    let mut bytes = 0;
    for line in reference(&["jobs", &templates, &samples]).lines() {
        let job: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = job["template"].as_str().unwrap();
        if only.is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let template = *names.entry(name.to_owned()).or_insert_with(|| {
            sources.push(std::fs::read_to_string(format!("{templates}/{name}")).unwrap());
            sources.len() - 1
        });
        let text = std::fs::read_to_string(format!("{samples}/{}", job["raw"].as_str().unwrap())).unwrap();
        bytes += text.len();
        jobs.push(Job { template, text, least: Duration::MAX });
    }

    let start = Instant::now();
    let compiled: Vec<Template> = sources.iter().map(|text| Template::compile(text).unwrap()).collect();
    println!("compile {} templates: {:.1} ms", compiled.len(), millis(start.elapsed()));

    let start = Instant::now();
    let mut rows = 0;
    for job in &jobs {
        rows += compiled[job.template].parse(&job.text).unwrap().rows.len();
    }
    println!("first pass: {:.1} ms", millis(start.elapsed()));

    // As the reference is timed: the rounds of a job follow each other.
    for job in &mut jobs {
        for _ in 0..rounds {
            let start = Instant::now();
            drop(black_box(compiled[job.template].parse(black_box(&job.text))));
            job.least = job.least.min(start.elapsed());
        }
    }
    let ours: Duration = jobs.iter().map(|job| job.least).sum();
    println!("{} jobs, {} kB, {rows} rows: {:.2} ms", jobs.len(), bytes / 1000, millis(ours));
    if only.is_some() {
        return;
    }

    let answer: serde_json::Value =
        serde_json::from_str(reference(&["bench", &templates, &samples]).trim()).unwrap();
    let (all, hard) = (answer["ms"].as_f64().unwrap(), answer["pathological_ms"].as_f64().unwrap());
    println!("reference: {all:.0} ms, of which {hard:.0} in samples of more than half a second");
    println!(
        "times the reference: {:.1} without those, {:.1} with them",
        (all - hard) / millis(ours),
        all / millis(ours)
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
