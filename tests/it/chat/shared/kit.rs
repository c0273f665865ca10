//! Programs of ours on the vendors' own client libraries (`tests/reference/messaging` installs these): they
//! write a line of JSON for each thing that happens to them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::left_out;

/// A running program; it ends with the value.
pub struct Kit {
    child: Child,
    said: Arc<Mutex<Vec<Value>>>,
}

fn set(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os(name).map(PathBuf::from).filter(|path| path.exists());
    if found.is_none() {
        left_out(&format!("{name}: eval \"$(tests/reference/messaging)\""));
    }
    found
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chat/clients").join(name)
}

impl Kit {
    /// Starts a program under Node; nothing when the libraries are not there.
    pub fn node(name: &str, arguments: &[&str]) -> Option<Self> {
        let modules = set("NOCBOT_MESSAGING_NODE")?;
        let mut command = Command::new("node");
        command.arg(program(name)).args(arguments).env("NOCBOT_MESSAGING_NODE", modules);
        Some(Self::start(command))
    }

    /// Starts a program under Python.
    pub fn python(name: &str, arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new(set("NOCBOT_MESSAGING_PYTHON")?);
        command.arg(program(name)).args(arguments);
        Some(Self::start(command))
    }

    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (lines, kept) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(value) => kept.lock().unwrap().push(value),
                    // Words of the libraries, for whoever reads a failed test.
                    #[allow(clippy::print_stderr)]
                    Err(_) => eprintln!("{line}"),
                }
            }
        });
        Self { child, said }
    }

    /// What it said so far.
    pub fn said(&self) -> Vec<Value> {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has said something.
    pub async fn until(&self, what: &str, seconds: u64, look: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = self.said().into_iter().find(|value| look(value)) {
                return found;
            }
            assert!(Instant::now() < end, "no {what} within {seconds} s; it said {:#?}", self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Gives it all that it reads, and waits for its end: what it said.
    pub fn whole(mut self, input: &Value) -> Vec<Value> {
        self.child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
        assert!(self.child.wait().unwrap().success());
        // The reader of its output may be a moment behind.
        std::thread::sleep(Duration::from_millis(200));
        self.said()
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
