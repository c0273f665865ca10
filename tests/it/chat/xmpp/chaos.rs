//! A bad day: links cut at random, the server killed, the bot killed, while 200 questions are asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::xmpp::{Settings, Xmpp};
use nocbot::metrics::Board;
use nocbot::store::Store;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::server::{Person, Prosody, ROOM, Wire};
use crate::chat::shared::stub::Stub;

const EACH: usize = 100;

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A bot in a runtime of its own, so that it can end as by SIGKILL.
fn bot(settings: &Settings, store: &Path) -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (settings, store): (Settings, PathBuf) = (settings.clone(), store.to_owned());
    runtime.spawn(async move {
        let board = Arc::new(Board::default());
        let connector = Arc::new(Xmpp::new(settings, Arc::clone(&board))) as Arc<dyn Connector>;
        let stop = CancellationToken::new();
        let store = Store::open(&store).unwrap();
        let talking = chats::run(vec![connector], Stub::new() as _, store, board, stop.clone());
        std::future::pending::<()>().await;
        drop((talking, stop));
    });
    runtime
}

/// Asks its questions one after the other, each until the server has surely taken it.
async fn asker(port: u16, user: &'static str, seed: u64) {
    let mut dice = Dice(seed);
    let room = user == "alice";
    let mut client: Option<Person> = None;
    for number in 0..EACH {
        let token = format!("{user}{number:03}");
        let verb = if number % 16 == 7 { "slow 2" } else { "vrf" };
        loop {
            let Some(person) = &mut client else {
                client = Person::try_login(port, user).await;
                if let (true, Some(person)) = (room, &mut client)
                    && person.try_enter(user).await.is_none()
                {
                    client = None;
                }
                if client.is_none() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                continue;
            };
            let said = if room {
                let body = format!("nocbot: {verb} {token}");
                person.try_say(ROOM, "groupchat", &token, &body).await
            } else {
                person.try_say("nocbot@noc.test", "chat", &token, &format!("{verb} {token}")).await
            };
            let ping = format!(
                "<iq xmlns='jabber:client' type='get' to='noc.test' id='p{token}'><ping xmlns='urn:xmpp:ping'/></iq>"
            );
            // It answers in order: what stands before the ping was taken.
            if said.is_some()
                && person.try_send(&ping).await.is_some()
                && person.within(5, &format!("id='p{token}'")).await.is_some()
            {
                break;
            }
            client = None;
        }
        tokio::time::sleep(Duration::from_millis(dice.below(120))).await;
    }
}

/// How often each question was answered, by what the archives have.
async fn answers(port: u16) -> Option<BTreeMap<String, usize>> {
    let mut out = BTreeMap::new();
    for user in ["alice", "bob"] {
        let mut person = Person::try_login(port, user).await?;
        let room = (user == "alice").then_some(ROOM);
        let messages = person.archive(room).await?;
        for number in 0..EACH {
            let token = format!("{user}{number:03}");
            // The answer has the table; what tells of the progress has not.
            let times = messages.iter().filter(|m| m.contains(&token) && m.contains("neighbor")).count();
            out.insert(token, times);
        }
    }
    Some(out)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_hundred_questions_is_answered_exactly_once_on_a_bad_day() {
    let Some(prosody) = Prosody::new() else { return };
    let wire = Wire::to(prosody.secure).await;
    let url = format!("wss://localhost:{}/xmpp-websocket", wire.port);
    let settings = Settings { url, ..prosody.settings("pw-of-it") };
    let (port, store) = (prosody.plain, prosody.directory.path().join("nocbot.db"));
    bad_day(prosody, settings, &wire, port, &store).await;
}

/// With a server that is killed too.
#[allow(clippy::print_stderr, reason = "the seed repeats a failure")]
async fn bad_day(mut server: Prosody, settings: Settings, wire: &Wire, port: u16, store: &Path) {
    let seed = std::env::var("NOCBOT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 16 | u64::from(port));
    eprintln!("NOCBOT_SEED={seed}");
    let mut dice = Dice(seed);
    let mut running = bot(&settings, store);
    // Questions from before the first listening are nobody's.
    let mut watcher = Person::login_at(port, "alice").await;
    assert!(watcher.try_enter("watcher").await.is_some());
    watcher.say(ROOM, "groupchat", "w", "nocbot: vrf first").await;
    for _ in 0..20 {
        if watcher.within(1, "▸ vrf first").await.is_some() {
            break;
        }
        watcher.say(ROOM, "groupchat", &format!("w{}", dice.below(1 << 40)), "nocbot: vrf first").await;
    }
    drop(watcher);
    let began = Instant::now();
    let askers = ["alice", "bob"].map(|user| tokio::spawn(asker(port, user, dice.below(1 << 30))));
    let mut step = 0;
    while !askers.iter().all(tokio::task::JoinHandle::is_finished) {
        assert!(began.elapsed() < Duration::from_secs(30), "seed {seed}: the askers hang");
        tokio::time::sleep(Duration::from_millis(200 + dice.below(900))).await;
        step += 1;
        match step {
            4 => {
                server.kill();
                tokio::time::sleep(Duration::from_millis(dice.below(500))).await;
                server.start();
            }
            9 => {
                running.shutdown_background();
                tokio::time::sleep(Duration::from_millis(dice.below(1000))).await;
                running = bot(&settings, store);
            }
            _ if dice.below(4) == 0 => {
                wire.open(false);
                tokio::time::sleep(Duration::from_millis(dice.below(700))).await;
                wire.open(true);
            }
            _ => wire.cut(),
        }
    }
    assert!(step >= 9, "the day was too short: {step}");
    let asked = began.elapsed();
    let mut found = BTreeMap::new();
    for _ in 0..25 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        found = answers(port).await.unwrap_or_default();
        if found.len() == 2 * EACH && found.values().all(|times| *times > 0) {
            break;
        }
    }
    eprintln!("asked in {asked:?}, all answered after {:?}, {step} steps", began.elapsed());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let found = answers(port).await.unwrap_or(found);
    let wrong: BTreeMap<_, _> = found.into_iter().filter(|(_, times)| *times != 1).collect();
    running.shutdown_background();
    if !wrong.is_empty() {
        let open = Store::open(store).unwrap().open_questions("xmpp").await.unwrap();
        let mut told = Vec::new();
        for (user, room) in [("bob", None), ("nocbot", None), ("alice", Some(ROOM))] {
            let mut person = Person::login_at(port, user).await;
            let messages = person.archive(room).await.unwrap();
            let about = |message: &String| wrong.keys().any(|token| message.contains(token));
            told.extend(messages.into_iter().filter(about).map(|message| format!("{user}: {message}")));
        }
        let log = server.log();
        panic!("seed {seed}: {wrong:?}\nopen: {open:#?}\n{told:#?}\n{log}");
    }
}
