//! Every client, how its process is started, and what it says.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::{Job, Measured};

/// The protocols, each with its own table.
pub const PROTOCOLS: [&str; 2] = ["netconf", "restconf"];

/// For one client and all its rounds.
const PATIENCE: Duration = Duration::from_secs(90);

/// What runs a client.
#[derive(Clone, Copy)]
enum Program {
    /// This benchmark.
    Ours,
    /// The package of bare clients.
    Bare,
    /// `clients.py`.
    Python,
}

/// A client by its protocol, the name that its program knows it by, and its name in the table. The first of a protocol is
/// what the others are compared with.
const CLIENTS: [(&str, Program, &str, &str); 17] = [
    ("netconf", Program::Ours, "netconf", "nocbot"),
    ("netconf", Program::Ours, "netconf-records", "nocbot, with records"),
    ("netconf", Program::Bare, "netconf", "bare russh"),
    ("netconf", Program::Python, "ncclient", "ncclient"),
    ("netconf", Program::Python, "scrapli-asyncssh", "scrapli-netconf on asyncssh"),
    ("netconf", Program::Python, "scrapli-paramiko", "scrapli-netconf on paramiko"),
    ("netconf", Program::Python, "scrapli-ssh2", "scrapli-netconf on libssh2"),
    ("restconf", Program::Ours, "restconf", "nocbot"),
    ("restconf", Program::Ours, "restconf-records", "nocbot, with records"),
    ("restconf", Program::Ours, "restconf-discovering", "nocbot, root asked for"),
    ("restconf", Program::Bare, "restconf", "bare reqwest"),
    ("restconf", Program::Bare, "restconf-one", "bare reqwest, HTTP/1.1"),
    ("restconf", Program::Python, "aiohttp", "aiohttp"),
    ("restconf", Program::Python, "aiohttp-uvloop", "aiohttp on uvloop"),
    ("restconf", Program::Python, "aiohttp-json", "aiohttp, with JSON read"),
    ("restconf", Program::Python, "httpx", "httpx, HTTP/2"),
    ("restconf", Program::Python, "httpx-one", "httpx, HTTP/1.1"),
];

/// A client's name and what it measured, or why it was left out.
pub type Row = (&'static str, Result<Measured, String>);

/// Runs the clients of a protocol, one after the other. The first always runs.
pub fn measure(protocol: &str, job: &Job, wanted: &dyn Fn(&str) -> bool) -> Vec<Row> {
    let text = serde_json::to_string(job).unwrap();
    let of = CLIENTS.iter().filter(|client| client.0 == protocol).enumerate();
    let all = of.filter(|(place, client)| *place == 0 || wanted(client.2) || wanted(client.3));
    all.map(|(_, (_, program, name, title))| {
        let measured = command(*program).and_then(|command| run(command, *program, name, &text));
        (*title, measured)
    })
    .collect()
}

fn command(program: Program) -> Result<Command, String> {
    match program {
        Program::Ours => Ok(Command::new(std::env::current_exe().unwrap())),
        Program::Bare => bare().map(Command::new),
        Program::Python => {
            let python = std::env::var_os("NOCBOT_CLIENTS_PYTHON")
                .ok_or("not prepared: eval \"$(tests/reference/clients)\"")?;
            let mut command = Command::new(python);
            command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/structured/clients.py"));
            Ok(command)
        }
    }
}

/// The program of the bare clients, built beside this one: what both need is built once.
fn bare() -> Result<PathBuf, String> {
    let here = std::env::current_exe().unwrap();
    let target = here.ancestors().nth(3).map(Path::to_owned).ok_or("no target directory")?;
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/structured/bare/Cargo.toml");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path", manifest, "--target-dir"])
        .arg(&target)
        .status();
    match built {
        Ok(status) if status.success() => Ok(target.join("release/nocbot-bench-bare")),
        _ => Err("cannot be built".to_owned()),
    }
}

fn run(mut command: Command, program: Program, name: &str, job: &str) -> Result<Measured, String> {
    if matches!(program, Program::Ours) {
        command.arg("client");
    }
    let mut child = command
        .arg(name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut input = child.stdin.take().unwrap();
    // Short enough for a pipe to take all of what a client prints.
    let ended = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(job.as_bytes()));
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        child.kill().unwrap();
        false
    });
    let output = child.wait_with_output().unwrap();
    if !ended {
        return Err(format!("was not done after {PATIENCE:?}"));
    }
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("failed").to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(text.lines().last().unwrap_or_default()).map_err(|error| error.to_string())
}
