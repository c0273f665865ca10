//! Devices that do everything wrong, asked through the whole path: each is a row of its own, within its
//! timeout, and nobody else's rows wait for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nocbot::answer::{Answer, Block, Status};
use nocbot::bot::{Bot, Incoming, Limits, Progress, Who};
use nocbot::catalogue::Catalogue;
use nocbot::error::FailureKind;
use nocbot::run::Runner;
use nocbot::sim::{Fault, Network, Options, Running};
use nocbot::store::Store;
use nocbot::transport::Transport;
use nocbot::transport::ssh::{HostKeyPolicy, Settings, Ssh};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::{ask, bot_over};

/// The demo network with faults, and a bot that gives a question so much time.
async fn network(faults: &[(&str, Fault)], timeout: u64) -> (Running, Arc<Bot>) {
    let mut by_device: BTreeMap<String, Vec<Fault>> = BTreeMap::new();
    for (device, fault) in faults {
        by_device.entry((*device).to_owned()).or_default().push(fault.clone());
    }
    let options = Options { faults: by_device, ..Options::default() };
    let running = Network::builtin(None).unwrap().start(options).await.unwrap();
    let settings = Settings {
        known: running.known_hosts(),
        host_keys: HostKeyPolicy::Strict,
        max_output: 64 * 1024 * 1024,
        ..Settings::default()
    };
    let catalogue = Arc::new(Catalogue::builtin_with(running.inventory()).unwrap());
    (running, Arc::new(bot_over(catalogue, settings, Duration::from_secs(timeout))))
}

fn failure(answer: &Answer, device: &str) -> (FailureKind, Option<String>) {
    let row = answer.failures.iter().find(|row| row.device == device);
    let row = row.unwrap_or_else(|| panic!("{device} should have failed: {:?}", answer.failures));
    (row.failure.kind, row.failure.partial.clone())
}

fn rows_of(answer: &Answer, device: &str) -> usize {
    answer.table().map_or(0, |table| table.rows.iter().filter(|row| row[0].to_string() == device).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_device_of_each_sort_delays_nobody_elses_rows() {
    let faults = [
        ("r2", Fault::Hang),
        ("r3", Fault::Stall { after: 400 }),
        ("r4", Fault::Drop { after: 300 }),
        ("r5", Fault::Slow { ms: 700 }),
        ("r6", Fault::Refuse),
    ];
    let (running, bot) = network(&faults, 6).await;
    let started = Instant::now();
    let answer = ask(&bot, "interfaces all via=ssh").await;
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    assert_eq!(answer.status, Status::Partial);
    assert!(rows_of(&answer, "r1") > 3 && rows_of(&answer, "r5") > 3, "{:?}", answer.failures);
    assert!(matches!(failure(&answer, "r2").0, FailureKind::Connect | FailureKind::Timeout));
    let (kind, partial) = failure(&answer, "r3");
    assert_eq!(kind, FailureKind::Timeout);
    assert!(partial.is_some_and(|partial| partial.contains("hysical")), "what had come is kept");
    assert_eq!(failure(&answer, "r4").0, FailureKind::Connect);
    assert_eq!(failure(&answer, "r6").0, FailureKind::Connect);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_devices_do_not_keep_the_others_from_being_asked() {
    let dead = ["r1", "r2", "r3", "r4"].map(|device| (device, Fault::Hang));
    let (running, _) = network(&dead, 8).await;
    let settings = Settings { known: running.known_hosts(), ..Settings::default() };
    let catalogue = Arc::new(Catalogue::builtin_with(running.inventory()).unwrap());
    // Fewer at once than there are dead ones, and these come first.
    let runner = Runner::new(
        Transport::new(
            Arc::new(Ssh::new(settings)),
            nocbot::transport::netconf::Settings::default(),
            nocbot::transport::http::Settings::default(),
        ),
        4,
    );
    let limits = Limits { devices: 100, timeout: Duration::from_secs(8) };
    let bot = Bot::new(catalogue, runner, Store::in_memory().unwrap(), limits);
    let answer = ask(&bot, "interfaces all").await;
    assert!(rows_of(&answer, "r5") > 3 && rows_of(&answer, "r6") > 3, "{:?}", answer.failures);
    assert_eq!(answer.failures.len(), 4);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn awkward_devices_answer_right() {
    let plain = network(&[], 20).await;
    let faults = [
        ("r1", Fault::KeyboardInteractiveOnly),
        ("r1", Fault::StuckPager),
        ("r2", Fault::PromptInOutput),
        ("r5", Fault::StuckPager),
        ("r6", Fault::KeyboardInteractiveOnly),
    ];
    let awkward = network(&faults, 20).await;
    for question in ["interfaces all", "vrf all", "route r1,r5,r6"] {
        let (right, answer) = (ask(&plain.1, question).await, ask(&awkward.1, question).await);
        for device in ["r1", "r5", "r6"] {
            assert_eq!(
                rows_of(&answer, device),
                rows_of(&right, device),
                "{question} on {device}: {:?}",
                answer.failures
            );
        }
        // A line that looks like a prompt is no row and no end: either all rows, or a clear failure.
        if question != "route r1,r5,r6" && rows_of(&answer, "r2") != rows_of(&right, "r2") {
            assert_eq!(failure(&answer, "r2").0, FailureKind::Parse, "{question}");
        }
    }
    plain.0.stop().await;
    awkward.0.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_are_an_answer() {
    let (running, bot) = network(&[("r1", Fault::Huge { megabytes: 50 })], 60).await;
    let answer = ask(&bot, "show r1 running-config | count").await;
    assert_eq!(answer.status, Status::Ok, "{:?}", answer.failures);
    let lines = answer.table().unwrap().rows[0][1].to_string().parse::<usize>().unwrap();
    assert!(lines > 100_000, "{lines}");
    let answer = ask(&bot, "show r1 running-config").await;
    let Some(Block::Code { text, .. }) = answer.blocks.first() else { panic!("{:?}", answer.failures) };
    assert!(text.len() < 9_000_000 && answer.notes[0].contains("MB are shown"), "{:?}", answer.notes);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_a_wrong_password_are_failures_of_their_own() {
    let faults = [
        ("r1", Fault::Garbage { bytes: 200 }),
        ("r2", Fault::WrongPassword),
        ("r3", Fault::SilentAfterLogin),
    ];
    let (running, bot) = network(&faults, 8).await;
    let answer = ask(&bot, "vrf r1,r2,r3,r4").await;
    assert_eq!(failure(&answer, "r2").0, FailureKind::Auth);
    assert!(matches!(failure(&answer, "r3").0, FailureKind::Timeout | FailureKind::Prompt));
    assert!(rows_of(&answer, "r4") > 0);
    // Garbage in front of the table is refused by the parser, never read as a row.
    if rows_of(&answer, "r1") == 0 {
        assert_eq!(failure(&answer, "r1").0, FailureKind::Parse);
    } else {
        assert_eq!(rows_of(&answer, "r1"), 3);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_keeps_what_there_is() {
    let (running, bot) = network(&[("r3", Fault::Slow { ms: 20_000 })], 30).await;
    let who = Who { way: "test".into(), id: "alice".into(), name: "Alice".into() };
    let (sender, mut progress) = watch::channel(Progress::default());
    let incoming = Incoming { who: who.clone(), place: "test".into(), text: "vrf all".into() };
    let asked = Arc::clone(&bot);
    let task = tokio::spawn(async move { asked.answer(incoming, sender, CancellationToken::new()).await });
    let waited =
        tokio::time::timeout(Duration::from_secs(15), progress.wait_for(|p| p.total == 6 && p.done == 5));
    let job = waited.await.unwrap().unwrap().job.clone();
    let stranger = Who { id: "mallory".into(), ..who.clone() };
    let say = |who: Who, text: String| {
        let incoming = Incoming { who, place: "test".into(), text };
        bot.answer(incoming, watch::channel(Progress::default()).0, CancellationToken::new())
    };
    assert_eq!(say(stranger, format!("cancel {job}")).await.status, Status::Refused);
    assert_eq!(say(who, "cancel".to_owned()).await.status, Status::Ok);
    let answer = tokio::time::timeout(Duration::from_secs(5), task).await.unwrap().unwrap();
    assert_eq!(answer.status, Status::Partial);
    assert_eq!(failure(&answer, "r3").0, FailureKind::Cancelled);
    assert!(rows_of(&answer, "r1") > 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_shown_without_its_secrets() {
    let (running, bot) = network(&[], 20).await;
    let questions =
        ["show r1,r2,r4 running-config", "show r3 configuration", "show r1 running-config | include secret"];
    for question in questions {
        let answer = ask(&bot, question).await;
        assert_eq!(answer.status, Status::Ok, "{:?}", answer.failures);
        for block in &answer.blocks {
            let Block::Code { title, text } = block else { panic!("{question}: {block:?}") };
            assert!(text.contains("***"), "{title}");
            assert!(!text.contains("secretOfTheDemo") && !text.contains("05080F1C2243"), "{title}: {text}");
        }
    }
    running.stop().await;
}
