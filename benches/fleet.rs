//! How long a question over many devices takes: `cargo bench --bench fleet`.
//!
//! One simulated network, one process. Cold: every session is dialled. Warm: the sessions are open. Alone: the
//! devices are asked one after the other, warm, as a script would.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks and may fail")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use nocbot::answer::Status;
use nocbot::bot::{Bot, Incoming, Limits, Progress, Who};
use nocbot::catalogue::Catalogue;
use nocbot::run::Runner;
use nocbot::sim;
use nocbot::store::Store;
use nocbot::transport::Transport;
use nocbot::transport::ssh::{HostKeyPolicy, Settings, Ssh};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often each warm question is asked.
const ROUNDS: usize = 15;

async fn ask(bot: &Bot, text: &str) -> (Duration, usize) {
    let who = Who { way: "bench".into(), id: "bench".into(), name: "bench".into() };
    let incoming = Incoming { who, place: "bench".into(), text: text.into() };
    let (progress, _) = watch::channel(Progress::default());
    let started = Instant::now();
    let answer = bot.answer(incoming, progress, CancellationToken::new()).await;
    assert_eq!(answer.status, Status::Ok, "{:?} {:?}", answer.failures, answer.blocks);
    (started.elapsed(), answer.table().map_or(0, |table| table.rows.len()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[tokio::main]
async fn main() {
    println!("devices  question          rows       cold  warm median   one by one");
    for devices in [6, 50, 200] {
        let network =
            sim::Network::builtin(Some(devices)).unwrap().start(sim::Options::default()).await.unwrap();
        let settings = Settings {
            known: network.known_hosts(),
            host_keys: HostKeyPolicy::Strict,
            connect_timeout: Duration::from_mins(1),
            prompt_timeout: Duration::from_mins(1),
            max_sessions: 500,
            ..Settings::default()
        };
        let ssh = Arc::new(Ssh::new(settings));
        let catalogue = Arc::new(Catalogue::builtin_with(network.inventory()).unwrap());
        let runner = Runner::new(
            Transport::new(
                Arc::clone(&ssh),
                nocbot::transport::netconf::Settings::default(),
                nocbot::transport::http::Settings::default(),
            ),
            500,
        );
        let limits = Limits { devices: 1000, timeout: Duration::from_mins(2) };
        let bot = Bot::new(catalogue, runner, Store::in_memory().unwrap(), limits);
        let names: Vec<String> = network.inventory().devices().map(|device| device.name.clone()).collect();
        for question in ["version all", "interfaces all"] {
            let (cold, rows) = ask(&bot, question).await;
            let mut warm = Vec::new();
            for _ in 0..ROUNDS {
                warm.push(ask(&bot, question).await.0);
            }
            let started = Instant::now();
            for name in &names {
                ask(&bot, &question.replace("all", name)).await;
            }
            let alone = started.elapsed();
            ssh.close_all().await;
            println!(
                "{devices:>7}  {question:<15}  {rows:>5}  {cold:>9.1?}  {:>11.1?}  {alone:>11.1?}",
                median(warm)
            );
        }
        network.stop().await;
    }
}
