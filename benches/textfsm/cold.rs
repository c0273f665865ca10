//! Whole processes, from their start to their last answer.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Collection, Job, millis};

const NOCBOT: &str = env!("CARGO_BIN_EXE_nocbot");
const ROUNDS: usize = 5;

/// A process that compiles every template and parses everything, once.
pub fn everything(collection: &Collection, jobs: &[Job]) {
    let mut lines = String::new();
    for job in jobs {
        let template = collection.templates.join(&job.template);
        let _ = writeln!(lines, "{}", serde_json::json!({ "template": template, "raw": job.raw }));
    }
    let ours = (0..ROUNDS).map(|_| timed(Command::new(NOCBOT).args(["parse", "--batch"]), &lines)).min();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/dump.py");
    let mut python = Command::new(&collection.python);
    python.arg(script).arg("batch");
    let theirs = timed(&mut python, &lines);
    let ours = ours.unwrap_or_default();
    println!(
        "cold process, every template and every sample: {:.0} ms, reference {:.0} ms: {:.1} times",
        millis(ours),
        millis(theirs),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}

/// `nocbot parse` of one file.
pub fn one_file(collection: &Collection) {
    let raw = collection.samples.join("cisco_ios/show_version/cisco_ios_show_version.raw");
    let template = collection.templates.join("cisco_ios_show_version.textfsm");
    let config = std::env::temp_dir().join(format!("nocbot-bench-{}.yaml", std::process::id()));
    std::fs::write(&config, format!("parsers: [{}]\n", collection.templates.display())).unwrap();
    let by_template = ["--template".as_ref(), template.as_os_str()];
    let by_command = ["--platform", "cisco_ios", "--command", "show version"].map(AsRef::as_ref);
    let with_collection =
        ["-c".as_ref(), config.as_os_str(), by_command[0], by_command[1], by_command[2], by_command[3]];
    let ways: [(&str, &[&std::ffi::OsStr]); 3] = [
        ("a template", &by_template),
        ("a platform and a command", &by_command),
        ("the same with the collection configured", &with_collection),
    ];
    for (way, arguments) in ways {
        let run = |_| timed(Command::new(NOCBOT).arg("parse").args(arguments).arg(&raw), "");
        let mut times: Vec<Duration> = (0..20).map(run).collect();
        times.sort();
        println!("cold process, one file by {way}: {:.1} ms (median of 20)", millis(times[times.len() / 2]));
    }
    let _ = std::fs::remove_file(config);
}

fn timed(command: &mut Command, input: &str) -> Duration {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || to.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty());
    });
    start.elapsed()
}
