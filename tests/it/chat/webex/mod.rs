//! The Webex connector.
mod client;
pub mod fake;

use std::sync::Arc;
use std::time::Duration;

use nocbot::app::Talking;
use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::link::Net;
use nocbot::chat::webex::{Settings, Webex};
use nocbot::metrics::Board;
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::chat::shared::form::Fate;
use crate::chat::shared::stub::Stub;
use crate::chat::webex::fake::{FakeWebex, Running, TOKEN, person, room, start};

pub struct Bot {
    running: Running,
    stub: Arc<Stub>,
    board: Arc<Board>,
    stop: CancellationToken,
    talking: Talking,
}

fn settings(running: &Running) -> Settings {
    let base = running.server.address;
    Settings {
        api_url: format!("http://{base}/v1"),
        wdm_url: None,
        u2c_url: Some(format!("http://{base}/u2c/api/v1/catalog")),
        token: SecretRef::Plain(Secret::new(TOKEN)),
        domains: vec!["NOC.example".into()],
        allow: Vec::new(),
        net: Net::new(None, None).unwrap(),
    }
}

pub async fn bot() -> Bot {
    let running = start().await;
    let settings = settings(&running);
    connect(running, Store::in_memory().unwrap(), settings).await
}

async fn connect(running: Running, store: Store, settings: Settings) -> Bot {
    let board = Arc::new(Board::default());
    let connector = Arc::new(Webex::new(settings, Arc::clone(&board))) as Arc<dyn Connector>;
    let (stub, stop) = (Stub::new(), CancellationToken::new());
    let talking =
        chats::run(vec![connector], Arc::clone(&stub) as _, store, Arc::clone(&board), stop.clone());
    running.webex.until("link", 10, |it| (it.links() > 0).then_some(())).await;
    Bot { running, stub, board, stop, talking }
}

impl Bot {
    pub fn webex(&self) -> &FakeWebex {
        &self.running.webex
    }

    async fn delivered(&self) {
        let open = |_: &FakeWebex| (self.board.links()["webex"].open == 0).then_some(());
        self.webex().until("delivery", 20, open).await;
    }

    async fn linked(&self) {
        self.webex().until("link", 10, |it| (it.links() > 0).then_some(())).await;
    }

    pub async fn end(self) -> Running {
        assert_eq!(self.webex().faults(), Vec::<String>::new());
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.talking.stopped()).await.expect("it does not end");
        self.running
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_and_direct_messages_are_answered_in_their_threads() {
    let bot = bot().await;
    let webex = bot.webex();
    let id = webex.post("vrf r1", false);
    let answer = webex.answer(&id).await;
    assert_eq!(answer["roomId"], room(false));
    assert!(answer["markdown"].as_str().unwrap().contains("```\ndevice"), "{answer}");
    let card = &answer["attachments"][0]["content"];
    assert_eq!(card["version"], "1.3");
    crate::chat::schema::valid("adaptive-card-1.3.0.schema.json", card);
    assert_eq!(
        (bot.stub.times("vrf r1"), bot.stub.last.lock().unwrap().clone().unwrap().who.id),
        (1, person("alice"))
    );
    // A press is the question that the button stands for; its answer goes to the root of the thread.
    webex.press(&answer, "ping vrf r1 192.0.2.0", &json!({}));
    webex.until("second answer", 5, |it| (it.thread(&id).len() == 2).then_some(())).await;
    assert_eq!(bot.stub.last.lock().unwrap().clone().unwrap().who.id, person("bob"));
    webex.repeat(&id);
    let direct = webex.post("big 40", true);
    let answer = webex.answer(&direct).await;
    assert!(answer["attachments"].is_null(), "{answer}");
    webex.until("confirmations", 5, |it| (it.unconfirmed() == 0).then_some(())).await;
    assert_eq!(bot.stub.times("ping vrf r1 192.0.2.0"), 1);
    assert_eq!(webex.thread(&id).len(), 2);
    let id = webex.post("vrf", false);
    let choices = webex.answer(&id).await;
    assert_eq!(choices["attachments"][0]["content"]["actions"][1]["data"]["ask"], "vrf r2");
    crate::chat::schema::valid("adaptive-card-1.3.0.schema.json", &choices["attachments"][0]["content"]);
    // More than a card has buttons for: a menu, whose choice is asked as if it were typed.
    let id = webex.post("many", false);
    let menu = webex.answer(&id).await;
    let card = &menu["attachments"][0]["content"];
    crate::chat::schema::valid("adaptive-card-1.3.0.schema.json", card);
    let input = card["body"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (input["type"].as_str(), input["choices"].as_array().unwrap().len()),
        (Some("Input.ChoiceSet"), 8)
    );
    webex.press(&menu, "ask", &json!({"ask": "vrf r7"}));
    webex.until("answer of the menu", 5, |it| (it.thread(&id).len() == 2).then_some(())).await;
    assert_eq!(bot.stub.times("vrf r7"), 1);
    // A question inside of a thread is answered at its root.
    let inner = webex.post_as("alice", "vrf r8", false, Some(&id));
    webex.until("answer in the thread", 5, |it| (it.thread(&id).len() == 3).then_some(())).await;
    assert!(webex.thread(&inner).is_empty());
    let long = webex.post("big 200", true);
    webex
        .until("file", 10, |it| {
            it.posted()
                .iter()
                .any(|m| {
                    m["file"].as_str().is_some_and(|f| f.starts_with("big-200.csv\n"))
                        && m["parentId"] == long.as_str()
                })
                .then_some(())
        })
        .await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_links_stale_devices_and_faults_lose_nothing() {
    let bot = bot().await;
    let webex = bot.webex();
    let mut asked = Vec::new();
    for n in 0..24 {
        asked.push(webex.post(&format!("vrf r{n}"), true));
        bot.linked().await;
        match n {
            4 => webex.cut(),
            8 => webex.plan("POST /v1/messages", 3, Fate::Fails(503)),
            12 => webex.forget_devices(),
            16 => webex.plan("POST /v1/messages", 1, Fate::Limited(1)),
            20 => webex.plan("POST /v1/messages", 1, Fate::CutAfter),
            22 => webex.close(1001),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for id in &asked {
        webex.answer(id).await;
    }
    webex.until("delivery", 20, |_| (bot.board.links()["webex"].open == 0).then_some(())).await;
    webex.until("confirmations", 10, |it| (it.unconfirmed() == 0).then_some(())).await;
    for (n, id) in asked.iter().enumerate() {
        assert_eq!(webex.thread(id).len(), 1, "question {n}");
    }
    // One device at the start and one when that was gone: none for each link.
    assert_eq!(webex.registered(), 2);
    assert!(bot.board.links()["webex"].reconnects >= 3);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_is_edited_and_a_second_instance_is_respected() {
    let bot = bot().await;
    let webex = bot.webex();
    let id = webex.post("slow 5", true);
    let first = webex.answer(&id).await;
    assert!(first["markdown"].as_str().unwrap().contains("waiting for r9"), "{first}");
    let whole = webex
        .until("answer", 10, |it| {
            it.thread(&id).into_iter().find(|m| m["markdown"].as_str().unwrap().contains("neighbor"))
        })
        .await;
    // What has buttons is a card, and cards are not edited in: the first message goes.
    assert_ne!(whole["id"], first["id"]);
    webex.until("one message", 5, |it| (it.thread(&id).len() == 1).then_some(())).await;
    webex.close(4000);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(webex.links(), 0);
    assert!(bot.board.links()["webex"].error.as_deref().unwrap().contains("another nocbot"));
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_sent_is_looked_for_in_spaces_too() {
    let bot = bot().await;
    let webex = bot.webex();
    // In a space a bot may list only what mentions it; its own message comes back over the link.
    for (direct, fate) in [
        (false, Fate::CutAfter),
        (true, Fate::CutAfter),
        (false, Fate::FailsAfter(502)),
        (true, Fate::FailsAfter(503)),
    ] {
        webex.plan("POST /v1/messages", 1, fate);
        let id = webex.post("vrf r1", direct);
        webex.answer(&id).await;
        bot.delivered().await;
        assert_eq!(webex.thread(&id).len(), 1, "{direct} {fate:?}");
    }
    // It was not carried out: it is sent again.
    webex.plan("POST /v1/messages", 1, Fate::Fails(503));
    let id = webex.post("vrf r1", false);
    webex.answer(&id).await;
    // The file beside the answer.
    let id = webex.post("big 200", false);
    webex.answer(&id).await;
    webex.plan("POST /v1/messages", 1, Fate::CutAfter);
    bot.delivered().await;
    webex.until("confirmations", 5, |it| (it.unconfirmed() == 0).then_some(())).await;
    assert_eq!(webex.thread(&id).iter().filter(|message| message["file"].is_string()).count(), 1);
    // Where nothing comes back either, a second copy is better than none.
    webex.deaf_to_own();
    webex.plan("POST /v1/messages", 1, Fate::CutAfter);
    let id = webex.post("vrf r1", false);
    webex.until("second copy", 10, |it| (it.thread(&id).len() == 2).then_some(())).await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_looked_up_and_stale_devices_are_replaced() {
    let bot = bot().await;
    let webex = bot.webex();
    let mut asked = vec![webex.post("vrf r0", false)];
    webex.answer(&asked[0]).await;
    // An event that never came is noticed by the number of the next one.
    webex.lose_one();
    asked.push(webex.post("vrf r1", false));
    asked.push(webex.post("vrf r2", true));
    // While the link is down, and not sent again.
    webex.plan("GET /v1/rooms", 1, Fate::Fails(503));
    webex.cut();
    webex.lose_one();
    asked.push(webex.post("vrf r3", true));
    bot.linked().await;
    for id in &asked {
        webex.answer(id).await;
    }
    // The same where the spaces are not told: those where it was asked are known.
    webex.plan("GET /v1/rooms", 1, Fate::Fails(403));
    webex.cut();
    webex.lose_one();
    asked.push(webex.post("vrf r6", false));
    webex.answer(&asked[4]).await;
    // Told of before it can be fetched.
    webex.late(2);
    asked.push(webex.post("vrf r4", true));
    webex.answer(&asked[5]).await;
    // The registration lists a device that Mercury does not know any more.
    webex.stale_devices();
    bot.linked().await;
    assert_eq!((webex.registered(), webex.devices("nocbot")), (2, 1));
    asked.push(webex.post("vrf r5", true));
    webex.answer(&asked[6]).await;
    bot.delivered().await;
    for (n, id) in asked.iter().enumerate() {
        assert_eq!(webex.thread(id).len(), 1, "question {n}");
    }
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_used_again_after_a_restart_and_what_was_asked_meanwhile_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nocbot.db");
    let running = start().await;
    running.webex.fill("other", 3);
    let own = settings(&running);
    let bot = connect(running, Store::open(&path).unwrap(), own.clone()).await;
    let first = bot.webex().post("vrf r1", true);
    bot.webex().answer(&first).await;
    bot.webex().until("confirmations", 5, |it| (it.unconfirmed() == 0).then_some(())).await;
    let running = bot.end().await;
    running.webex.lose_one();
    let missed = running.webex.post("vrf r2", false);
    let bot = connect(running, Store::open(&path).unwrap(), own).await;
    bot.webex().answer(&missed).await;
    bot.delivered().await;
    assert_eq!((bot.webex().thread(&first).len(), bot.webex().thread(&missed).len()), (1, 1));
    assert_eq!(
        (bot.webex().registered(), bot.webex().devices("nocbot"), bot.webex().devices("other")),
        (1, 1, 3)
    );
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_back_within_three_seconds_whatever_ended_it() {
    let bot = bot().await;
    let webex = bot.webex();
    let opened = webex.opened().len();
    for frame in [
        "",
        "no JSON",
        "[]",
        "null",
        "{\"id\":null,\"data\":null}",
        "{\"id\":\"f1\",\"type\":\"news\"}",
        "{\"id\":\"f2\",\"data\":{\"eventType\":\"conversation.activity\",\"activity\":{\"verb\":\"post\",\"id\":7,\"actor\":null}}}",
    ] {
        webex.raw(frame);
    }
    webex.raw(&json!({"id": "f3", "data": {"eventType": "x", "much": "x".repeat(1 << 20)}}).to_string());
    let id = webex.post("vrf r1", true);
    webex.answer(&id).await;
    assert_eq!(webex.opened().len(), opened);
    for code in [0_u16, 1001, 1011, 1003, 4400, 4401, 1008] {
        let from = std::time::Instant::now();
        if code == 0 {
            webex.cut();
        } else {
            webex.close(code);
        }
        webex.until("link", 3, |it| (it.links() > 0).then_some(())).await;
        assert!(from.elapsed() < Duration::from_secs(3), "{code}");
    }
    // A busy platform is given the time that it asks for, to the second.
    webex.refuse(2, 429, Some(2));
    let before = webex.opened().len();
    webex.cut();
    bot.linked().await;
    let tries = webex.opened()[before..].to_vec();
    assert_eq!(tries.len(), 3);
    for pair in tries.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_secs(2), "{tries:?}");
    }
    webex.refuse(0, 429, None);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_work_any_more_is_said_and_not_hammered() {
    let bot = bot().await;
    let webex = bot.webex();
    webex.token("rotated");
    webex.cut();
    let said = |_: &FakeWebex| bot.board.links()["webex"].error.clone().filter(|error| error.contains("401"));
    webex.until("the reason", 10, said).await;
    assert!(webex.opened().len() < 5);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_of_the_configuration_may_ask() {
    let running = start().await;
    running.webex.join(&room(false), "bob");
    let settings = Settings {
        domains: vec!["elsewhere.example".into()],
        allow: vec![person("alice"), room(false)],
        ..settings(&running)
    };
    let bot = connect(running, Store::in_memory().unwrap(), settings).await;
    let webex = bot.webex();
    for (who, may) in [("alice", true), ("bob", true), ("mallory", false)] {
        let id = webex.post_as(who, "vrf r1", true, None);
        let answer = webex.answer(&id).await;
        let refused = answer["markdown"].as_str().unwrap().contains("people of its configuration only");
        assert_eq!(refused, !may, "{answer}");
    }
    // The rights of whoever presses a button count, and not those of whoever asked.
    let id = webex.post("vrf r2", true);
    let answer = webex.answer(&id).await;
    webex.press(&answer, "again", &json!({}));
    webex.until("answer", 5, |it| (it.thread(&id).len() == 2).then_some(())).await;
    assert_eq!((bot.stub.times("vrf r1"), bot.stub.times("vrf r2")), (2, 2));
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_registers_a_device() {
    let running = start().await;
    let findings = Webex::new(settings(&running), Arc::default()).check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    let wrong = Settings { token: SecretRef::Plain(Secret::new("other")), ..settings(&running) };
    let findings = Webex::new(wrong, Arc::default()).check().await;
    assert!(!findings[0].ok && findings[0].hint.is_some(), "{findings:?}");
}

/// What the stand-in itself does with clients that break the rules of the link.
#[tokio::test(flavor = "multi_thread")]
async fn the_stand_in_closes_links_as_it_is_documented() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;
    let running = start().await;
    let webex = &running.webex;
    webex.fill("x", 1);
    webex.authorization(Duration::from_millis(300));
    let device = webex.device("x");
    let open = || async {
        tokio_tungstenite::connect_async(format!("ws://{}/mercury/{device}", running.server.address)).await
    };
    let login = |token: &str| {
        Message::text(
            json!({"id": "1", "type": "authorization", "data": {"token": format!("Bearer {token}")}})
                .to_string(),
        )
    };
    for (frames, code) in [
        (vec![], 1008_u16),
        (vec![login("wrong")], 4401),
        (vec![Message::text("{\"type\":\"ping\",\"id\":\"1\"}")], 4400),
        (vec![login(TOKEN), Message::text("{\"type\":\"hello\"}")], 1003),
    ] {
        let (mut socket, _) = open().await.unwrap();
        for frame in frames {
            socket.send(frame).await.unwrap();
        }
        let mut closed = None;
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(Some(frame)) = message {
                closed = Some(u16::from(frame.code));
            }
        }
        assert_eq!(closed, Some(code));
    }
    let (mut first, _) = open().await.unwrap();
    first.send(login(TOKEN)).await.unwrap();
    let mut seen = 0;
    webex.post("vrf r1", true);
    while seen < 3 {
        seen += usize::from(first.next().await.unwrap().unwrap().is_text());
    }
    // What was not confirmed comes again on the next link, which takes the place of this one.
    let (mut second, _) = open().await.unwrap();
    second.send(login(TOKEN)).await.unwrap();
    for _ in 0..2 {
        second.next().await;
    }
    let again = second.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(again.contains("conversation.activity") && !again.contains("vrf r1"), "{again}");
    let closed = first.next().await.unwrap().unwrap();
    assert!(matches!(closed, Message::Close(Some(frame)) if u16::from(frame.code) == 4000));
    assert_eq!(webex.unconfirmed(), 1);
    assert_eq!(webex.faults().len(), 2, "{:?}", webex.faults());
    let unknown =
        tokio_tungstenite::connect_async(format!("ws://{}/mercury/nobody", running.server.address)).await;
    assert!(unknown.unwrap_err().to_string().contains("404"));
}

/// Together, because half of a minute is spent on waiting.
#[tokio::test(flavor = "multi_thread")]
async fn half_open_links_are_noticed_and_nothing_is_lost() {
    use crate::chat::mattermost;
    use crate::chat::mattermost::fake as fake_mattermost;
    let mattermost = mattermost::connect(fake_mattermost::start().await, Store::in_memory().unwrap()).await;
    let (webex, from) = (bot().await, std::time::Instant::now());
    // They deliver no error, and what is said on them goes nowhere.
    mattermost.server().half_open();
    webex.webex().half_open();
    let (one, other) = (mattermost.server().ask("alice", "c1", "vrf r2"), webex.webex().post("vrf r2", true));
    tokio::join!(mattermost.server().answer(&one), webex.webex().answer(&other));
    assert!(from.elapsed() < Duration::from_secs(19), "{:?}", from.elapsed());
    assert_eq!((mattermost.server().thread(&one).len(), webex.webex().thread(&other).len()), (1, 1));
    mattermost.end().await;
    webex.end().await;
}
