//! The Mattermost connector.

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

use super::fake_mattermost::{BOT, FakeMattermost, Running, start};
use super::stub::Stub;

struct Bot {
    running: Running,
    stub: Arc<Stub>,
    board: Arc<Board>,
    stop: CancellationToken,
    talking: Talking,
}

async fn connect(running: Running, store: Store) -> Bot {
    let board = Arc::new(Board::default());
    let settings = Settings {
        url: format!("http://{}", running.server.address),
        token: SecretRef::Plain(Secret::new("mm-token")),
        team: None,
        net: Net::new(None, None).unwrap(),
    };
    let connector = Arc::new(Mattermost::new(settings, Arc::clone(&board))) as Arc<dyn Connector>;
    let (stub, stop) = (Stub::new(), CancellationToken::new());
    let talking =
        chats::run(vec![connector], Arc::clone(&stub) as _, store, Arc::clone(&board), stop.clone());
    running.mattermost.until("link", 10, |it| (it.links() > 0).then_some(())).await;
    Bot { running, stub, board, stop, talking }
}

impl Bot {
    fn server(&self) -> &FakeMattermost {
        &self.running.mattermost
    }

    async fn end(self) -> Running {
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
    server.until("direct message", 5, |it| it.posts().into_iter().find(|p| p["channel_id"] == "d1")).await;
    assert_eq!(server.thread(&root).len(), 0);
    server.may_whisper();
    server.ask("alice", "c1", "vrf");
    let whispered = server.until("ephemeral post", 5, |it| it.ephemeral().into_iter().next()).await;
    assert_eq!(whispered["user_id"], "alice");
    assert!(
        whispered["post"]["message"].as_str().unwrap().contains("type: `vrf r1` · `vrf r2`"),
        "{whispered}"
    );
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
    server.fail("/posts", 2, 503);
    let root = server.ask("alice", "c1", "vrf r1");
    server.answer(&root).await;
    server.fail("/posts", 1, 429);
    let root = server.ask("alice", "c1", "vrf r2");
    server.answer(&root).await;
    server.fail("/posts", 1, 0);
    let root = server.ask("alice", "c1", "vrf r3");
    server.answer(&root).await;
    server.until("delivery", 5, |_| (bot.board.links()["mattermost"].open == 0).then_some(())).await;
    assert_eq!(server.thread(&root).len(), 1);
    let root = server.ask("alice", "c1", "slow 4");
    let first = server.answer(&root).await;
    assert!(first["message"].as_str().unwrap().contains("waiting for r9"));
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
    assert!(body.contains("filename=\"big-300.csv\"") && body.contains("192.0.2.49"), "{body}");
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
