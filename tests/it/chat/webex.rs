//! The Webex connector.

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
use tokio_util::sync::CancellationToken;

use super::fake_webex::{FakeWebex, Running, start};
use super::stub::Stub;

struct Bot {
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
        wdm_url: Some(format!("http://{base}/wdm")),
        token: SecretRef::Plain(Secret::new("wx-token")),
        domains: vec!["NOC.example".into()],
        net: Net::new(None, None).unwrap(),
    }
}

async fn bot() -> Bot {
    let running = start().await;
    let board = Arc::new(Board::default());
    let connector = Arc::new(Webex::new(settings(&running), Arc::clone(&board))) as Arc<dyn Connector>;
    let (stub, stop) = (Stub::new(), CancellationToken::new());
    let store = Store::in_memory().unwrap();
    let talking =
        chats::run(vec![connector], Arc::clone(&stub) as _, store, Arc::clone(&board), stop.clone());
    running.webex.until("link", 10, |it| (it.links() > 0).then_some(())).await;
    Bot { running, stub, board, stop, talking }
}

impl Bot {
    fn webex(&self) -> &FakeWebex {
        &self.running.webex
    }

    async fn end(self) {
        assert_eq!(self.webex().faults(), Vec::<String>::new());
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.talking.stopped()).await.expect("it does not end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_and_direct_messages_are_answered_in_their_threads() {
    let bot = bot().await;
    let webex = bot.webex();
    let id = webex.post("vrf r1", false);
    let answer = webex.answer(&id).await;
    assert_eq!(answer["roomId"], "ROOM-1");
    assert!(answer["markdown"].as_str().unwrap().contains("```\ndevice"), "{answer}");
    let card = &answer["attachments"][0]["content"];
    assert_eq!(card["version"], "1.3");
    super::schema::valid("adaptive-card-1.3.0.schema.json", card);
    assert_eq!(
        (bot.stub.times("vrf r1"), bot.stub.last.lock().unwrap().clone().unwrap().who.id),
        (1, "PERSON-1".into())
    );
    // A press is the question that the button stands for; its answer goes to the root of the thread.
    webex.press(&answer, "ping vrf r1 192.0.2.0");
    webex.until("second answer", 5, |it| (it.thread(&id).len() == 2).then_some(())).await;
    assert_eq!(bot.stub.last.lock().unwrap().clone().unwrap().who.id, "PERSON-2");
    webex.repeat();
    let direct = webex.post("big 40", true);
    let answer = webex.answer(&direct).await;
    assert!(answer["attachments"].is_null(), "{answer}");
    webex.until("confirmations", 5, |it| (it.unconfirmed() == 0).then_some(())).await;
    assert_eq!(bot.stub.times("ping vrf r1 192.0.2.0"), 1);
    assert_eq!(webex.thread(&id).len(), 2);
    let id = webex.post("vrf", false);
    let choices = webex.answer(&id).await;
    assert_eq!(choices["attachments"][0]["content"]["actions"][1]["data"]["ask"], "vrf r2");
    super::schema::valid("adaptive-card-1.3.0.schema.json", &choices["attachments"][0]["content"]);
    let long = webex.post("big 200", true);
    webex
        .until("file", 10, |it| {
            it.posted()
                .iter()
                .any(|m| m["file"].as_str().is_some_and(|f| f.contains("big-200.csv") && f.contains(&long)))
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
        match n {
            4 => webex.cut(),
            8 => webex.fail("POST /v1/messages", 3, 503),
            12 => webex.forget_devices(),
            16 => webex.fail("POST /v1/messages", 1, 429),
            20 => webex.fail("POST /v1/messages", 1, 0),
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
async fn check_registers_a_device() {
    let running = start().await;
    let findings = Webex::new(settings(&running), Arc::default()).check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    let wrong = Settings { token: SecretRef::Plain(Secret::new("other")), ..settings(&running) };
    let findings = Webex::new(wrong, Arc::default()).check().await;
    assert!(!findings[0].ok && findings[0].hint.is_some(), "{findings:?}");
}
