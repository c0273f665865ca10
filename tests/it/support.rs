//! What several test modules need.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nocbot::answer::Answer;
use nocbot::bot::{Bot, Incoming, Limits, Progress, Who};
use nocbot::catalogue::Catalogue;
use nocbot::run::Runner;
use nocbot::store::Store;
use nocbot::transport::Transport;
use nocbot::transport::ssh::{Settings, Ssh};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A bot over a catalogue, with SSH as it is by default and a store in memory.
pub fn bot(catalogue: Arc<Catalogue>) -> Bot {
    bot_over(catalogue, Settings::default(), Duration::from_secs(20))
}

/// [`bot`] with other SSH settings and another time limit.
pub fn bot_over(catalogue: Arc<Catalogue>, settings: Settings, timeout: Duration) -> Bot {
    let runner = Runner::new(
        Transport::new(
            Arc::new(Ssh::new(settings)),
            nocbot::transport::netconf::Settings::default(),
            nocbot::transport::http::Settings::default(),
        ),
        100,
    );
    let limits = Limits { devices: 1000, timeout };
    Bot::new(catalogue, runner, Store::in_memory().unwrap(), limits)
}

/// Asks a bot and waits for the answer.
pub async fn ask(bot: &Bot, text: &str) -> Answer {
    let who = Who { way: "test".into(), id: "test".into(), name: "test".into() };
    let incoming = Incoming { who, place: "test".into(), text: text.into() };
    bot.answer(incoming, watch::channel(Progress::default()).0, CancellationToken::new()).await
}

/// What a run of the `nocbot` binary gave.
pub struct Run {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

/// Runs the binary in a directory and waits for its end.
pub fn nocbot(arguments: &[&str], directory: &Path) -> Run {
    nocbot_with(arguments, directory, &[])
}

/// [`nocbot`] with further environment variables.
pub fn nocbot_with(arguments: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_nocbot"))
        .args(arguments)
        .current_dir(directory)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Run {
        status: output.status,
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[allow(clippy::print_stderr, reason = "whoever reads the run must see it")]
/// A part of the tests that this machine cannot run is named; where everything is required, that fails.
pub fn left_out(what: &str) {
    assert!(std::env::var("NOCBOT_REQUIRE_LAB").as_deref() != Ok("1"), "left out, but required: {what}");
    eprintln!("left out: {what}");
}
