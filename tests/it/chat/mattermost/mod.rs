//! The Mattermost connector.
mod client;
pub mod fake;

use std::sync::Arc;
use std::time::Duration;

use nocbot::app::Talking;
use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::link::Net;
use nocbot::chat::mattermost::{Mattermost, Settings};
use nocbot::metrics::Board;
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::chat::mattermost::fake::{BOT, FakeMattermost, Running, TOKEN, id_of, start};
use crate::chat::shared::form::Fate;
use crate::chat::shared::stub::Stub;

pub struct Bot {
    running: Running,
    stub: Arc<Stub>,
    board: Arc<Board>,
    stop: CancellationToken,
    talking: Talking,
}

fn settings(running: &Running) -> Settings {
    Settings {
        url: format!("http://{}", running.server.address),
        token: SecretRef::Plain(Secret::new(TOKEN)),
        team: None,
        allow: Vec::new(),
        net: Net::new(None, None).unwrap(),
    }
}

pub async fn connect(running: Running, store: Store) -> Bot {
    let settings = settings(&running);
    connect_as(running, store, settings).await
}

async fn connect_as(running: Running, store: Store, settings: Settings) -> Bot {
    let board = Arc::new(Board::default());
    let connector = Arc::new(Mattermost::new(settings, Arc::clone(&board))) as Arc<dyn Connector>;
    let (stub, stop) = (Stub::new(), CancellationToken::new());
    let talking =
        chats::run(vec![connector], Arc::clone(&stub) as _, store, Arc::clone(&board), stop.clone());
    running.mattermost.until("link", 10, |it| (it.links() > 0).then_some(())).await;
    Bot { running, stub, board, stop, talking }
}

impl Bot {
    pub fn server(&self) -> &FakeMattermost {
        &self.running.mattermost
    }

    async fn delivered(&self) {
        let open = |_: &FakeMattermost| (self.board.links()["mattermost"].open == 0).then_some(());
        self.server().until("delivery", 20, open).await;
    }

    pub async fn end(self) -> Running {
        assert_eq!(self.server().faults(), Vec::<String>::new());
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.talking.stopped()).await.expect("it does not end");
        self.running
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_and_direct_messages_are_answered_in_their_threads() {
    let bot = connect(start().await, Store::in_memory().unwrap()).await;
    let server = bot.server();
    let root = server.ask("alice", "c1", "vrf r1");
    let answer = server.answer(&root).await;
    let text = answer["message"].as_str().unwrap();
    assert!(text.contains("| device | neighbor | state | n |\n| --- | --- | --- | ---: |"), "{text}");
    assert!(text.contains("**Active**") && text.contains("type: `vrf r1` · `vrf r1 | csv`"), "{text}");
    assert_eq!(bot.stub.last.lock().unwrap().clone().unwrap().who.name, "alice");
    let inner = server.post("alice", "c1", "@NocBot, bgp r1", &json!({"root_id": root}));
    server.until("answer in the thread", 5, |it| (it.thread(&root).len() == 2).then_some(())).await;
    assert_eq!(server.thread(&inner).len(), 0);
    let direct = server.post("alice", "d1", "arp r1", &json!({}));
    server.answer(&direct).await;
    for (text, more) in [
        ("@all vrf r8", json!({})),
        ("vrf r8", json!({})),
        ("@nocbot vrf r8", json!({"edit_at": 5})),
        ("@nocbot vrf r8", json!({"props": {"from_bot": "true"}})),
        ("@nocbot vrf r8", json!({"type": "system_add_to_channel"})),
        ("@nocbot vrf r8", json!({"user_id": BOT})),
    ] {
        server.post("bob", "c1", text, &more);
    }
    let last = server.ask("bob", "c1", "vrf r9");
    server.answer(&last).await;
    assert_eq!(bot.stub.times("vrf r8"), 0);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_for_the_asker_where_that_is_permitted() {
    let bot = connect(start().await, Store::in_memory().unwrap()).await;
    let server = bot.server();
    let root = server.ask("alice", "c1", "unknown thing");
    server
        .until("direct message", 5, |it| it.posts().into_iter().find(|p| p["channel_id"] == id_of("d1")))
        .await;
    assert_eq!(server.thread(&root).len(), 0);
    assert_eq!(server.calls("POST /posts/ephemeral"), 1);
    // What is not permitted is not tried with each error.
    server.ask("alice", "c1", "unknown thing");
    server.until("direct message", 5, |it| (it.posts().len() == 2).then_some(())).await;
    assert_eq!(server.calls("POST /posts/ephemeral"), 1);
    bot.end().await;

    let running = start().await;
    running.mattermost.may_whisper();
    let bot = connect(running, Store::in_memory().unwrap()).await;
    let server = bot.server();
    // The call is carried out and its answer gets lost: the asker sees one post all the same.
    server.plan("POST /posts/ephemeral", 1, Fate::CutAfter);
    server.ask("alice", "c1", "vrf");
    let whispered = server.until("ephemeral post", 5, |it| it.ephemeral().into_iter().next()).await;
    assert_eq!(whispered["user_id"], id_of("alice"));
    assert!(
        whispered["post"]["message"].as_str().unwrap().contains("type: `vrf r1` · `vrf r2`"),
        "{whispered}"
    );
    bot.delivered().await;
    assert_eq!((server.ephemeral().len(), server.calls("POST /posts/ephemeral")), (1, 2));
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_link_is_resumed_and_nothing_is_lost_or_repeated() {
    let bot = connect(start().await, Store::in_memory().unwrap()).await;
    let server = bot.server();
    let mut asked = Vec::new();
    for round in 0..4 {
        for n in 0..5 {
            asked.push(server.ask("alice", "c1", &format!("vrf r{round}{n}")));
            server.noise();
        }
        server.cut();
        asked.push(server.ask("alice", "c1", &format!("vrf x{round}")));
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    for root in &asked {
        server.answer(root).await;
    }
    assert!(server.resumed() >= 2);
    // An event that gets lost is noticed by its number.
    server.lose_one();
    let lost = server.ask("alice", "c1", "vrf lost");
    server.noise();
    server.answer(&lost).await;
    // A server that knows nothing of the link any more: what came meanwhile is looked up.
    server.forget();
    let forgotten = server.ask("alice", "c1", "vrf forgotten");
    server.answer(&forgotten).await;
    asked.extend([lost, forgotten]);
    server.until("delivery", 5, |_| (bot.board.links()["mattermost"].open == 0).then_some(())).await;
    for root in &asked {
        assert_eq!(server.thread(root).len(), 1);
    }
    assert!(bot.board.links()["mattermost"].reconnects >= 3);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_limits_progress_and_files() {
    let bot = connect(start().await, Store::in_memory().unwrap()).await;
    let server = bot.server();
    server.plan("POST /posts", 2, Fate::Fails(503));
    let root = server.ask("alice", "c1", "vrf r1");
    server.answer(&root).await;
    server.plan("POST /posts", 1, Fate::Limited(1));
    let root = server.ask("alice", "c1", "vrf r2");
    server.answer(&root).await;
    server.plan("POST /posts", 1, Fate::CutAfter);
    let root = server.ask("alice", "c1", "vrf r3");
    server.answer(&root).await;
    bot.delivered().await;
    assert_eq!(server.thread(&root).len(), 1);
    let root = server.ask("alice", "c1", "slow 4");
    let first = server.answer(&root).await;
    assert!(first["message"].as_str().unwrap().contains("waiting for r9"));
    let typed = server.typing();
    assert_eq!((&typed[0]["channel_id"], &typed[0]["parent_id"]), (&json!(id_of("c1")), &json!(root)));
    let whole = server
        .until("answer", 10, |it| {
            it.thread(&root).into_iter().find(|p| p["message"].as_str().unwrap().contains("| device |"))
        })
        .await;
    assert_eq!((whole["id"].clone(), server.thread(&root).len()), (first["id"].clone(), 1));
    let root = server.ask("alice", "c1", "big 300");
    let file =
        server.until("file", 10, |it| it.thread(&root).into_iter().find(|p| p["file_ids"].is_array())).await;
    let body = server.file(file["file_ids"][0].as_str().unwrap());
    assert!(body.starts_with("big-300.csv\n") && body.contains("192.0.2.49"), "{body}");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_while_nobody_listened_is_answered_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nocbot.db");
    let bot = connect(start().await, Store::open(&path).unwrap()).await;
    let first = bot.server().ask("alice", "c1", "vrf r1");
    bot.server().answer(&first).await;
    let cut = bot.server().ask("alice", "c1", "slow 3");
    bot.server().until("start", 5, |_| (bot.stub.times("slow 3") == 1).then_some(())).await;
    let running = bot.end().await;
    let missed = running.mattermost.ask("alice", "c1", "vrf r2");
    let bot = connect(running, Store::open(&path).unwrap()).await;
    let server = bot.server();
    server.answer(&missed).await;
    server
        .until("late answer", 15, |it| {
            it.thread(&cut).into_iter().find(|p| p["message"].as_str().unwrap().contains("late: asked"))
        })
        .await;
    for root in [&first, &cut, &missed] {
        assert_eq!(server.thread(root).len(), 1);
    }
    assert_eq!(bot.stub.times("vrf r1"), 0);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_sent_is_looked_for_before_it_is_sent_again() {
    let bot = connect(start().await, Store::in_memory().unwrap()).await;
    let server = bot.server();
    // As after the half minute for which the server knows repeated posts.
    server.pending(Duration::ZERO);
    let mut roots = Vec::new();
    for fate in [Fate::CutAfter, Fate::FailsAfter(500), Fate::FailsAfter(504)] {
        server.plan("POST /posts", 1, fate);
        let root = server.ask("alice", "c1", "vrf r1");
        server.answer(&root).await;
        bot.delivered().await;
        roots.push(root);
    }
    for root in &roots {
        assert_eq!(server.thread(root).len(), 1);
    }
    // The answer, and then the file beside it.
    let root = server.ask("alice", "c1", "big 300");
    server.answer(&root).await;
    server.plan("POST /posts", 2, Fate::FailsAfter(502));
    bot.delivered().await;
    let files = server.thread(&root).into_iter().filter(|post| post["file_ids"].is_array()).count();
    assert_eq!(files, 1);
    // For one pair of eyes, as a direct message.
    server.plan("POST /posts", 1, Fate::CutAfter);
    server.ask("alice", "c1", "unknown thing");
    server
        .until("direct message", 5, |it| it.posts().into_iter().find(|p| p["channel_id"] == id_of("d1")))
        .await;
    bot.delivered().await;
    assert_eq!(server.posts().iter().filter(|p| p["channel_id"] == id_of("d1")).count(), 1);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_looked_up_until_that_works() {
    let bot = connect(start().await, Store::in_memory().unwrap()).await;
    let server = bot.server();
    let first = server.ask("alice", "c1", "vrf r0");
    server.answer(&first).await;
    server.plan("GET /users/me/channels", 2, Fate::Fails(503));
    server.forget();
    let mut roots = vec![first, server.ask("alice", "c1", "vrf r1")];
    server.until("link", 5, |it| (it.links() > 0).then_some(())).await;
    // A newer question must not make the older one forgotten.
    roots.push(server.ask("bob", "c1", "vrf r2"));
    roots.push(server.post("alice", "d1", "vrf r3", &json!({})));
    for root in &roots {
        server.answer(root).await;
    }
    // More than the server keeps for a link: it begins afresh, and REST has the rest.
    server.cut();
    roots.push(server.ask("alice", "c1", "vrf r4"));
    for _ in 0..140 {
        server.noise();
    }
    server.answer(&roots[4]).await;
    // The same where the channels are not told: those where it was asked are known.
    server.plan("GET /users/me/channels", 1, Fate::Fails(404));
    server.forget();
    roots.push(server.ask("alice", "c1", "vrf r5"));
    server.answer(&roots[5]).await;
    bot.delivered().await;
    for root in &roots {
        assert_eq!(server.thread(root).len(), 1);
    }
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_back_within_three_seconds_and_frames_of_any_kind_do_not_end_it() {
    let bot = connect(start().await, Store::in_memory().unwrap()).await;
    let server = bot.server();
    let opened = server.opened();
    for frame in [
        "",
        "no JSON",
        "[]",
        "null",
        "{\"event\":null,\"seq\":null}",
        "{\"seq_reply\":99,\"status\":\"FAIL\"}",
    ] {
        server.raw(frame);
    }
    for data in
        [json!(null), json!({"post": null}), json!({"post": "{"}), json!({"post": "null", "mentions": "x"})]
    {
        server.event("posted", &data);
        server.event("an_event_of_next_year", &data);
    }
    server.event("custom_plugin", &json!({"much": "x".repeat(1 << 20)}));
    let root = server.ask("alice", "c1", "vrf r1");
    server.answer(&root).await;
    assert_eq!(server.opened(), opened);
    for _ in 0..3 {
        let from = std::time::Instant::now();
        server.cut();
        server.until("link", 3, |it| (it.links() > 0).then_some(())).await;
        assert!(from.elapsed() < Duration::from_secs(3));
    }
    server.close(1001);
    server.until("link", 3, |it| (it.links() > 0).then_some(())).await;
    // A busy server is given the time that it asks for, to the second.
    server.refuse(2, 429, Some(2));
    let before = server.upgrades().len();
    server.cut();
    server.until("link", 10, |it| (it.links() > 0).then_some(())).await;
    let upgrades = server.upgrades()[before..].to_vec();
    assert_eq!(upgrades.len(), 3);
    for pair in upgrades.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_secs(2), "{upgrades:?}");
    }
    server.refuse(0, 429, None);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_work_any_more_is_said_and_not_hammered() {
    let running = start().await;
    running.mattermost.pings(Duration::from_millis(200), Duration::from_secs(1));
    let bot = connect(running, Store::in_memory().unwrap()).await;
    let server = bot.server();
    // Pings of the server are answered; a silent client would have been cut off.
    server.until("pongs", 5, |it| (it.pongs() > 6).then_some(())).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    server.token("rotated");
    server.cut();
    let said = |_: &FakeMattermost| {
        bot.board.links()["mattermost"].error.clone().filter(|error| error.contains("401"))
    };
    // The server lets a link in and hangs up after five seconds; REST says why.
    server.until("the reason", 15, said).await;
    assert!(server.upgrades().len() < 6);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_of_the_configuration_may_ask() {
    let running = start().await;
    running.mattermost.join("c1", "bob");
    running.mattermost.join("t1", "carol");
    running.mattermost.join("c1", "dora");
    running.mattermost.leave("c1", "dora");
    let settings = Settings {
        allow: vec![id_of("alice"), id_of("c1"), id_of("t1"), id_of("nobody")],
        team: Some("noc".into()),
        ..settings(&running)
    };
    let connector = Mattermost::new(settings.clone(), Arc::default());
    let findings = connector.check().await;
    assert!(findings.iter().any(|it| !it.ok && it.what.contains("nobody")), "{findings:?}");
    let bot = connect_as(running, Store::in_memory().unwrap(), settings).await;
    let server = bot.server();
    for (user, may) in [("alice", true), ("bob", true), ("carol", true), ("dora", false)] {
        let root = server.post(user, "c1", "@nocbot vrf r1", &json!({}));
        if may {
            server.answer(&root).await;
        } else {
            let found = server
                .until("refusal", 10, |it| it.posts().into_iter().find(|p| p["channel_id"] != id_of("c1")));
            assert!(found.await["message"].as_str().unwrap().contains("people of its configuration only"));
        }
    }
    assert_eq!(bot.stub.times("vrf r1"), 3);
    // A bot is not answered, even if the server does not say that it is one.
    let robot = server.post("robot", "c1", "@nocbot vrf r1", &json!({}));
    // People who speak among themselves are not looked up, nor told anything.
    let root = server.post("mallory", "c1", "vrf r1", &json!({}));
    let last = server.ask("alice", "c1", "vrf r2");
    server.answer(&last).await;
    assert!(server.thread(&root).is_empty() && server.thread(&robot).is_empty());
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_are_as_short_as_the_server_wants_them() {
    let running = start().await;
    running.mattermost.most(4000);
    let bot = connect(running, Store::in_memory().unwrap()).await;
    let server = bot.server();
    let root = server.ask("alice", "c1", "big 180");
    server.until("all parts", 10, |it| (it.thread(&root).len() > 2).then_some(())).await;
    bot.delivered().await;
    let rows: usize = server
        .thread(&root)
        .iter()
        .map(|p| p["message"].as_str().unwrap().matches("| 192.0.2.").count())
        .sum();
    assert_eq!(rows, 180);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_questions_through_cuts_and_storms_are_answered_once_each() {
    let bot = connect(start().await, Store::in_memory().unwrap()).await;
    let server = bot.server();
    let mut roots = Vec::new();
    for n in 0..300 {
        roots.push(server.ask(&format!("user{}", n % 20), "c1", &format!("vrf r{n}")));
        match n {
            40 | 200 => server.cut(),
            80 => server.plan("POST /posts", 20, Fate::Fails(503)),
            120 => server.forget(),
            160 => server.plan("POST /posts", 10, Fate::FailsAfter(502)),
            240 => server.plan("POST /posts", 1, Fate::Limited(1)),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for root in &roots {
        server.answer(root).await;
    }
    bot.delivered().await;
    for (n, root) in roots.iter().enumerate() {
        assert_eq!(server.thread(root).len(), 1, "question {n}");
    }
    bot.end().await;
}
