//! Templates compiled, one thread.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nocbot::parse::textfsm::Template;

use crate::{Collection, Job, millis};

/// Our least time of each job.
pub fn ours(collection: &Collection, jobs: &[Job], rounds: usize) -> Vec<Duration> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut sources = Vec::new();
    for job in jobs {
        places.entry(&job.template).or_insert_with(|| {
            sources.push(std::fs::read_to_string(collection.templates.join(&job.template)).unwrap());
            sources.len() - 1
        });
    }
    let before = resident();
    let start = Instant::now();
    let compiled: Vec<Template> = sources.iter().map(|text| Template::compile(text).unwrap()).collect();
    println!("compile {} templates: {:.1} ms", compiled.len(), millis(start.elapsed()));
    println!("memory of the compiled templates: {:.1} MB", resident().saturating_sub(before) as f64 / 1000.0);

    let start = Instant::now();
    let parse = |job: &Job| compiled[places[job.template.as_str()]].parse(black_box(&job.text)).unwrap();
    let rows: usize = jobs.iter().map(|job| parse(job).rows.len()).sum();
    println!("first pass: {:.1} ms", millis(start.elapsed()));

    // As the reference is timed: the rounds of a job follow each other, the freeing of its rows counts.
    let least = jobs.iter().map(|job| {
        let round = |_| {
            let start = Instant::now();
            drop(black_box(parse(job)));
            start.elapsed()
        };
        (0..rounds).map(round).min().unwrap_or_default()
    });
    let least: Vec<Duration> = least.collect();
    let bytes: usize = jobs.iter().map(|job| job.text.len()).sum();
    let total = least.iter().sum();
    println!("{} jobs, {} kB, {rows} rows: {:.2} ms", jobs.len(), bytes / 1000, millis(total));
    least
}

/// The reference's.
pub fn reference(collection: &Collection, ours: Duration) {
    let answer: serde_json::Value = serde_json::from_str(collection.reference("bench").trim()).unwrap();
    let (all, hard) = (answer["ms"].as_f64().unwrap(), answer["pathological_ms"].as_f64().unwrap());
    println!("reference: {all:.0} ms, of which {hard:.0} in samples of more than half a second");
    println!(
        "times the reference: {:.1} without those, {:.1} with them",
        (all - hard) / millis(ours),
        all / millis(ours)
    );
}

/// The crates', each beside our time of the jobs that it can do.
pub fn crates(collection: &Collection, jobs: &[Job], ours: &[Duration]) {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/crates/Cargo.toml");
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench-crates");
    let mut child = Command::new(env!("CARGO"))
        .args(["run", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", target])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for job in jobs {
        let template = collection.templates.join(&job.template);
        writeln!(input, "{}\t{}", template.display(), job.raw.display()).unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    // One of them talks on standard output, too.
    for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| line.starts_with("{\"crate"))
    {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let done = answer["jobs"].as_array().unwrap();
        let same: Duration =
            done.iter().map(|job| ours[usize::try_from(job.as_u64().unwrap()).unwrap()]).sum();
        let theirs = answer["ms"].as_f64().unwrap();
        println!(
            "{}: compiles in {:.0} ms but for {} templates; {} of {} jobs without an error in {theirs:.0} ms, nocbot {:.1} ms: {:.1} times",
            answer["crate"].as_str().unwrap(),
            answer["compile_ms"].as_f64().unwrap(),
            answer["templates_refused"],
            done.len(),
            jobs.len(),
            millis(same),
            theirs / millis(same),
        );
    }
}

/// This process's memory in kB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
