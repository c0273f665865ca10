//! How soon a Socket Mode client is back after its link was lost: nocbot and the vendor's own clients, each
//! before a stand-in of its own, all at the same time.
//!
//! ```text
//! eval "$(tests/reference/slack)" && cargo bench --bench chat_slack
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    unused_imports,
    reason = "a benchmark fails by panicking and prints; the stand-ins have more than it needs"
)]

#[path = "../../tests/it/chat/slack/block_kit.rs"]
mod block_kit;
#[path = "../../tests/it/chat/slack/fake.rs"]
mod fake;
#[path = "../../tests/it/chat/slack/fake_api.rs"]
mod fake_api;
#[path = "../../tests/it/chat/slack/fake_people.rs"]
mod fake_people;
#[path = "../../tests/it/chat/shared/server.rs"]
mod server;
#[path = "../../tests/it/chat/shared/stub.rs"]
mod stub;

/// As the files of the tests name each other.
mod chat {
    pub(crate) mod shared {
        pub(crate) use crate::{server, stub};
    }
    pub(crate) mod slack {
        pub(crate) use crate::{block_kit, fake, fake_api, fake_people};
    }
}

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::link::Net;
use nocbot::chat::slack::{Settings, Slack};
use nocbot::metrics::Board;
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use fake::{FakeSlack, start};

/// How often each loss is tried.
const ROUNDS: u32 = 5;
/// Between two losses, and a little more each time: clients look at their links at intervals.
const QUIET: Duration = Duration::from_millis(6_100);

/// How soon a new link has said hello, sorted.
async fn rounds(slack: &FakeSlack, lose: impl Fn(&FakeSlack)) -> Vec<Duration> {
    let mut out = Vec::new();
    for round in 0..ROUNDS {
        tokio::time::sleep(QUIET + Duration::from_millis(970) * round).await;
        let (opened, begun) = (slack.opened(), Instant::now());
        lose(slack);
        while slack.opened() == opened {
            assert!(begun.elapsed() < Duration::from_mins(3), "it does not come back");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        out.push(begun.elapsed());
    }
    out.sort();
    out
}

async fn measure(slack: &FakeSlack) -> [Vec<Duration>; 2] {
    slack.until("link", 30, |slack| (slack.links() > 0).then_some(())).await;
    [rounds(slack, FakeSlack::cut).await, rounds(slack, FakeSlack::freeze).await]
}

async fn ours() -> [Vec<Duration>; 2] {
    let running = start().await;
    let settings = Settings {
        api_url: format!("http://{}/api", running.server.address),
        bot_token: SecretRef::Plain(Secret::new("xoxb-1")),
        app_token: SecretRef::Plain(Secret::new("xapp-1")),
        allow: Vec::new(),
        net: Net::new(None, None).unwrap(),
    };
    let (board, stop) = (Arc::new(Board::default()), CancellationToken::new());
    let connector = Arc::new(Slack::new(settings, Arc::clone(&board))) as Arc<dyn Connector>;
    let store = Store::in_memory().unwrap();
    let talking = chats::run(vec![connector], stub::Stub::new() as _, store, board, stop.clone());
    let measured = measure(&running.slack).await;
    stop.cancel();
    talking.stopped().await;
    measured
}

async fn theirs(mut command: Command) -> [Vec<Duration>; 2] {
    let running = start().await;
    let mut child = command
        .env("SLACK_API_URL", format!("http://{}/api/", running.server.address))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let measured = measure(&running.slack).await;
    let _ = child.kill().await;
    measured
}

fn installed(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os(name).map(PathBuf::from).filter(|path| path.exists());
    if found.is_none() {
        eprintln!("left out: {name} is not set; eval \"$(tests/reference/slack)\"");
    }
    found
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/chat").join(name)
}

#[tokio::main]
async fn main() {
    let python = installed("NOCBOT_SLACK_PYTHON").map(|python| {
        let mut command = Command::new(python);
        command.arg(program("socket_mode.py"));
        tokio::spawn(theirs(command))
    });
    let node = installed("NOCBOT_SLACK_NODE").map(|node| {
        let mut command = Command::new("node");
        command.env("NOCBOT_SLACK_NODE", node).arg(program("socket_mode.mjs"));
        tokio::spawn(theirs(command))
    });
    let all = [("nocbot", Some(tokio::spawn(ours()))), ("slack_sdk", python), ("@slack/socket-mode", node)];
    println!("{:20} {:>34} {:>34}", "", "cut: least, median, most", "half-open: least, median, most");
    for (name, measured) in all {
        let Some(measured) = measured else { continue };
        let cells = measured.await.unwrap().map(|times| {
            let at = |index: usize| format!("{:.3} s", times[index].as_secs_f64());
            format!("{} {} {}", at(0), at(times.len() / 2), at(times.len() - 1))
        });
        println!("{name:20} {:>34} {:>34}", cells[0], cells[1]);
    }
}
