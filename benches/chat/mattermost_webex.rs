//! How long a bot is away after its link was cut, and after it went half-open: nocbot's connectors beside the
//! vendor's client for Mattermost and the framework of the field for Webex, in one run, before the stand-ins
//! that the tests use.
//!
//! ```sh
//! eval "$(tests/reference/messaging)"
//! cargo bench --profile dev --bench chat_mattermost_webex          # about three minutes; 3 rounds: `-- 3`
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement may stop at the first surprise, as tests do"
)]

#[path = "../../tests/it/chat/mattermost/fake/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod fake_mattermost;
#[path = "../../tests/it/chat/webex/fake/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod fake_webex;
#[path = "../../tests/it/chat/shared/form.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod form;
#[path = "../../tests/it/chat/shared/kit.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod kit;
#[path = "../../tests/it/chat/shared/server.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod server;

/// As the files of the tests name each other.
mod chat {
    pub(crate) mod shared {
        pub(crate) use crate::{form, server};
    }
}

mod support {
    pub fn left_out(what: &str) {
        eprintln!("left out: {what}");
    }
}

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use nocbot::answer::Answer;
use nocbot::app::{Talking, chats};
use nocbot::bot::{Incoming, Progress};
use nocbot::chat::link::Net;
use nocbot::chat::{Connector, Partner, mattermost, webex};
use nocbot::metrics::Board;
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use fake_mattermost::FakeMattermost;
use fake_webex::FakeWebex;
use kit::Kit;

/// A link that does not come back within this time is given up.
const GIVE_UP: Duration = Duration::from_secs(150);

/// Nobody asks anything here.
struct Nobody;

impl Partner for Nobody {
    fn answer(
        &self,
        incoming: Incoming,
        _: watch::Sender<Progress>,
        _: CancellationToken,
    ) -> BoxFuture<'_, Answer> {
        Box::pin(async move { Answer::of(incoming.text, Vec::new()) })
    }

    fn understands(&self, _: &str) -> bool {
        false
    }

    fn is_heavy(&self, _: &str) -> bool {
        false
    }

    fn choices(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

fn run(connector: Arc<dyn Connector>, board: Arc<Board>) -> Talking {
    let store = Store::in_memory().unwrap();
    chats::run(vec![connector], Arc::new(Nobody), store, board, CancellationToken::new())
}

/// From `end` until `up` is true again, in seconds, so many times; links rest a little between.
async fn away(rounds: usize, end: impl Fn(), up: impl Fn() -> bool) -> Vec<f64> {
    let mut out = Vec::new();
    for _ in 0..rounds {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let from = Instant::now();
        end();
        while !up() && from.elapsed() < GIVE_UP {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        out.push(from.elapsed().as_secs_f64());
    }
    out
}

async fn measure(
    name: &str,
    rounds: usize,
    up: impl Fn() -> bool + Clone,
    cut: impl Fn(),
    half_open: impl Fn(),
) -> String {
    let from = Instant::now();
    while !up() && from.elapsed() < Duration::from_secs(40) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut cuts = away(rounds, cut, up.clone()).await;
    let dead = away(1, half_open, up).await;
    cuts.sort_by(f64::total_cmp);
    let longest = cuts.last().copied().unwrap_or_default();
    let middle = cuts.get(cuts.len() / 2).copied().unwrap_or_default();
    let dead = dead.first().copied().unwrap_or_default();
    format!("{name:<24} {middle:>9.2} s {longest:>9.2} s {dead:>9.1} s")
}

fn of_mattermost(
    name: &'static str,
    rounds: usize,
    it: &Arc<FakeMattermost>,
) -> impl Future<Output = String> + use<> {
    let (up, cut, dead) = (Arc::clone(it), Arc::clone(it), Arc::clone(it));
    measure(name, rounds, move || up.links() > 0, move || cut.cut(), move || dead.half_open())
}

fn of_webex(name: &'static str, rounds: usize, it: &Arc<FakeWebex>) -> impl Future<Output = String> + use<> {
    let (up, cut, dead) = (Arc::clone(it), Arc::clone(it), Arc::clone(it));
    measure(name, rounds, move || up.links() > 0, move || cut.cut(), move || dead.half_open())
}

#[tokio::main]
async fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(9);
    let net = Net::new(None, None).unwrap();
    let (board, other) = (Arc::new(Board::default()), Arc::new(Board::default()));
    let (ours_mm, theirs_mm) = (fake_mattermost::start().await, fake_mattermost::start().await);
    let (ours_wx, theirs_wx) = (fake_webex::start().await, fake_webex::start().await);
    let settings = mattermost::Settings {
        url: format!("http://{}", ours_mm.server.address),
        token: SecretRef::Plain(Secret::new(fake_mattermost::TOKEN)),
        team: None,
        allow: Vec::new(),
        net: net.clone(),
    };
    let _mm = run(Arc::new(mattermost::Mattermost::new(settings, Arc::clone(&board))), board);
    let settings = webex::Settings {
        api_url: format!("http://{}/v1", ours_wx.server.address),
        wdm_url: None,
        u2c_url: Some(format!("http://{}/u2c/api/v1/catalog", ours_wx.server.address)),
        token: SecretRef::Plain(Secret::new(fake_webex::TOKEN)),
        domains: Vec::new(),
        allow: Vec::new(),
        net,
    };
    let _wx = run(Arc::new(webex::Webex::new(settings, Arc::clone(&other))), other);
    let url = format!("http://{}", theirs_mm.server.address);
    let client = Kit::node("mattermost.mjs", &[&url, fake_mattermost::TOKEN]);
    let base = theirs_wx.server.address.to_string();
    let framework = Kit::python("webex_bot_program.py", &[&base, fake_webex::TOKEN]);
    if let Some(client) = &client {
        client.until("start", 30, |line| line["challenge"].is_string()).await;
    }
    println!("{:<24} {:>11} {:>11} {:>11}", "away after", "cut, middle", "cut, most", "half-open");
    let (a, b, c, d) = tokio::join!(
        of_mattermost("mattermost: nocbot", rounds, &ours_mm.mattermost),
        of_mattermost("mattermost: its client", rounds, &theirs_mm.mattermost),
        of_webex("webex: nocbot", rounds, &ours_wx.webex),
        of_webex("webex: webex-bot", rounds, &theirs_wx.webex),
    );
    let rows = [(true, a), (client.is_some(), b), (true, c), (framework.is_some(), d)];
    for (_, row) in rows.into_iter().filter(|(there, _)| *there) {
        println!("{row}");
    }
}
