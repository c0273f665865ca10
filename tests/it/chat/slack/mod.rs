//! The Slack connector.
mod block_kit;
mod clients;
pub mod fake;
mod fake_api;
mod fake_people;
mod payloads;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use nocbot::app::Talking;
use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::link::Net;
use nocbot::chat::slack::{Settings, Slack};
use nocbot::metrics::Board;
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::chat::shared::stub::Stub;
use crate::chat::slack::fake::{FakeSlack, Running, start};

pub struct Bot {
    pub running: Running,
    pub stub: Arc<Stub>,
    pub board: Arc<Board>,
    stop: CancellationToken,
    talking: Talking,
}

pub fn settings(running: &Running, allow: &[&str]) -> Settings {
    Settings {
        api_url: format!("http://{}/api", running.server.address),
        bot_token: SecretRef::Plain(Secret::new("xoxb-1")),
        app_token: SecretRef::Plain(Secret::new("xapp-1")),
        allow: allow.iter().map(|id| (*id).to_owned()).collect(),
        net: Net::new(None, None).unwrap(),
    }
}

async fn connect(running: Running, store: Store, allow: &[&str]) -> Bot {
    let settings = settings(&running, allow);
    connect_by(running, store, settings).await
}

pub async fn connect_by(running: Running, store: Store, settings: Settings) -> Bot {
    let _ = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_test_writer().try_init();
    let board = Arc::new(Board::default());
    let connector = Arc::new(Slack::new(settings, Arc::clone(&board))) as Arc<dyn Connector>;
    let (stub, stop) = (Stub::new(), CancellationToken::new());
    let talking =
        chats::run(vec![connector], Arc::clone(&stub) as _, store, Arc::clone(&board), stop.clone());
    running.slack.until("link", 10, |slack| (slack.links() > 0).then_some(())).await;
    Bot { running, stub, board, stop, talking }
}

pub async fn bot() -> Bot {
    connect(start().await, Store::in_memory().unwrap(), &[]).await
}

impl Bot {
    pub fn slack(&self) -> &Arc<FakeSlack> {
        &self.running.slack
    }

    /// Ends everything; no rule of the platform may have been broken.
    pub async fn end(self) -> Running {
        assert_eq!((self.slack().faults(), self.slack().leaks()), (Vec::new(), 0));
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.talking.stopped()).await.expect("it does not end");
        self.running
    }
}

fn table(message: &Value) -> &Value {
    message["blocks"].as_array().unwrap().iter().find(|block| block["type"] == "table").expect("no table")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_a_direct_message_and_a_command_are_answered_where_they_were_asked() {
    let bot = bot().await;
    let slack = bot.slack();
    let ts = slack.mention("U1", "C1", "vrf\u{a0}<http://r1.example.net|r1.example.net>");
    let answer = slack.answer(&ts).await;
    assert_eq!((answer["channel"].as_str(), answer["thread_ts"].as_str()), (Some("C1"), Some(ts.as_str())));
    assert_eq!(table(&answer)["rows"][0][0]["text"], "device");
    assert_eq!(table(&answer)["rows"][2][0]["text"], "vrf r1.example.net");
    assert_eq!(table(&answer)["column_settings"][3]["align"], "right");
    let asked = bot.stub.last.lock().unwrap().clone().unwrap();
    assert_eq!((asked.who.id.as_str(), asked.who.name.as_str()), ("U1", "name of U1"));
    let ts = slack.direct("U1", "bgp all");
    assert_eq!(slack.answer(&ts).await["channel"], "D1");
    slack.command("U2", "C1", "arp r1");
    slack
        .until("answer", 5, |slack| {
            slack.messages().iter().any(|m| m["text"].as_str().unwrap().starts_with("arp r1")).then_some(())
        })
        .await;
    // In a channel where the bot is not, a command still has its own address.
    slack.command("U2", "CNOT", "mac r1");
    slack
        .until("answer", 5, |slack| {
            slack.ephemeral().iter().any(|m| m["response_url"].is_string()).then_some(())
        })
        .await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_is_the_question_that_it_stands_for() {
    let bot = bot().await;
    let slack = bot.slack();
    let ts = slack.mention("U1", "C1", "bgp all");
    let answer = slack.answer(&ts).await;
    slack.press("U2", &answer, "ping bgp all 192.0.2.0");
    slack.until("second answer", 5, |slack| (slack.thread(&ts).len() == 2).then_some(())).await;
    assert_eq!(bot.stub.last.lock().unwrap().clone().unwrap().who.id, "U2");
    assert_eq!(bot.stub.times("ping bgp all 192.0.2.0"), 1);
    // A question with its end missing: the choices are buttons.
    let ts = slack.mention("U1", "C1", "vrf");
    let refused = slack.until("choices", 5, |slack| slack.ephemeral().into_iter().next()).await;
    // The platform shows it in no thread that is not there yet; but what is asked by it is answered in the thread.
    assert_eq!((refused["user"].as_str(), refused["thread_ts"].as_str()), (Some("U1"), None));
    slack.press("U1", &refused, "vrf r2");
    slack.until("answer", 5, |slack| (slack.thread(&ts).len() == 1).then_some(())).await;
    assert_eq!(bot.stub.times("vrf r2"), 1);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_twice() {
    let bot = bot().await;
    let slack = bot.slack();
    let ts = slack.mention("U1", "C1", "vrf r1");
    // The same message as an event of another sort, an edit of it, our own post, another bot's.
    let event = |more: Value| {
        let mut event = serde_json::json!({"type": "message", "channel_type": "channel", "user": "U1",
            "text": "<@UBOT> vrf r1", "ts": ts, "channel": "C1"});
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    };
    slack.event(event(serde_json::json!({})));
    slack.event(event(serde_json::json!({"subtype": "message_changed", "ts": "9.1"})));
    slack.event(event(serde_json::json!({"edited": {"ts": "9"}, "ts": "9.2"})));
    slack.event(event(serde_json::json!({"user": "UBOT", "ts": "9.3"})));
    slack.event(event(serde_json::json!({"bot_id": "B1", "ts": "9.4"})));
    slack.event(event(serde_json::json!({"text": "vrf r1", "ts": "9.5"})));
    slack.event(event(serde_json::json!({"text": "!unknown thing", "ts": "9.6"})));
    for frame in
        ["no json", "{}", "{\"type\":\"new\"}", "[1]", "{\"type\":\"events_api\",\"envelope_id\":\"x\"}"]
    {
        slack.frame(frame);
    }
    let last = slack.mention("U1", "C1", "vrf r9");
    slack.answer(&last).await;
    slack.until("confirmations", 5, |slack| (slack.unconfirmed() == 0).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((bot.stub.times("vrf r1"), slack.messages().len()), (1, 2));
    // Behind a `!` it is meant for us.
    slack.event(event(serde_json::json!({"text": "!vrf r7", "ts": "9.7"})));
    slack.until("answer", 5, |_| (bot.stub.times("vrf r7") == 1).then_some(())).await;
    assert!(bot.board.links()["slack"].duplicates >= 1);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_link_is_back_within_three_seconds_and_loses_nothing() {
    let bot = bot().await;
    let slack = bot.slack();
    let mut asked = Vec::new();
    for round in 0..4 {
        for n in 0..5 {
            asked.push(slack.mention("U1", "C1", &format!("vrf r{round}{n}")));
        }
        slack.cut();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    for ts in &asked {
        slack.answer(ts).await;
    }
    slack.until("confirmations", 10, |slack| (slack.unconfirmed() == 0).then_some(())).await;
    for ts in &asked {
        assert_eq!(slack.thread(ts).len(), 1);
    }
    assert!(slack.gap() < Duration::from_secs(3), "{:?}", slack.gap());
    assert!(bot.board.links()["slack"].reconnects >= 2);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_leaves_no_gap() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.frame(r#"{"type":"disconnect","reason":"warning","debug_info":{}}"#);
    slack.until("second link", 5, |slack| (slack.links() == 2).then_some(())).await;
    let ts = slack.mention("U1", "C1", "vrf r1");
    slack.answer(&ts).await;
    assert_eq!((slack.gap(), slack.opened()), (Duration::ZERO, 2));
    assert!(bot.board.healthy());
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_has_gone_silent_is_dropped() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.freeze();
    let ts = slack.mention("U1", "C1", "vrf r1");
    slack.until("answer", 40, |slack| slack.thread(&ts).into_iter().next()).await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_obeyed_to_the_second_and_faults_are_ridden_out() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.fail("chat.postMessage", 1, 429);
    let asked: Vec<String> = (0..6).map(|n| slack.mention("U1", "C1", &format!("vrf r{n}"))).collect();
    for ts in &asked {
        slack.answer(ts).await;
    }
    assert!(bot.board.links()["slack"].waits >= 1);
    slack.fail("chat.postMessage", 3, 503);
    let ts = slack.mention("U1", "C1", "bgp r1");
    slack.answer(&ts).await;
    // Carried out, but the answer to the call was lost: it is looked for and not sent again.
    slack.fail("chat.postMessage", 1, 0);
    let ts = slack.mention("U1", "C1", "bgp r2");
    slack.answer(&ts).await;
    slack.until("delivery", 10, |_| (bot.board.links()["slack"].open == 0).then_some(())).await;
    assert_eq!(slack.thread(&ts).len(), 1);
    slack.fail("apps.connections.open", 1, 429);
    slack.cut();
    slack.until("link", 10, |slack| (slack.links() > 0 && slack.opened() > 1).then_some(())).await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_answers_at_once_and_is_edited_into_its_answer() {
    let bot = bot().await;
    let slack = bot.slack();
    let ts = slack.mention("U1", "C1", "slow 5");
    let first = slack.until("progress", 4, |slack| slack.thread(&ts).into_iter().next()).await;
    assert!(first["text"].as_str().unwrap().contains("waiting for r9"), "{first}");
    let whole = slack
        .until("answer", 10, |slack| {
            slack.thread(&ts).into_iter().find(|m| m.to_string().contains("\"table\""))
        })
        .await;
    assert_eq!(whole["ts"], first["ts"]);
    assert_eq!(slack.thread(&ts).len(), 1);
    assert!(slack.edits() >= 2);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_table_is_parts_with_headers_and_a_file() {
    let bot = bot().await;
    let slack = bot.slack();
    let ts = slack.mention("U1", "C1", "big 337");
    let file = slack.until("file", 10, |slack| slack.files().into_iter().next()).await;
    assert_eq!((file["name"].as_str(), file["thread_ts"].as_str()), (Some("big-337.csv"), Some(ts.as_str())));
    assert_eq!(file["text"].as_str().unwrap().lines().count(), 338);
    let thread = slack.thread(&ts);
    assert!(thread.len() >= 3, "{}", thread.len());
    for message in &thread {
        assert_eq!(table(message)["rows"][0][0]["text"], "device");
    }
    assert!(thread.iter().any(|m| m.to_string().contains("137 rows more, as file")));
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_refuses_tables_gets_a_code_block() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.refuse_tables();
    let ts = slack.mention("U1", "C1", "vrf r1");
    let answer = slack.answer(&ts).await;
    assert!(answer.to_string().contains("rich_text_preformatted"), "{answer}");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_text_forges_nothing() {
    let bot = bot().await;
    let slack = bot.slack();
    let ts = slack.mention("U1", "C1", "evil r1");
    let answer = slack.answer(&ts).await;
    assert!(!answer["text"].as_str().unwrap().contains('<'));
    assert_eq!(table(&answer)["rows"][1][0]["type"], "raw_text");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_and_people_not_named_get_no_answer() {
    let bot = connect(start().await, Store::in_memory().unwrap(), &["S1", "U7"]).await;
    let slack = bot.slack();
    for (user, allowed) in [("U1", true), ("U7", true), ("U2", false), ("UGUEST", false)] {
        let before = slack.ephemeral().len();
        let ts = slack.mention(user, "C1", &format!("vrf {user}"));
        slack
            .until("word", 5, |slack| {
                (slack.thread(&ts).len() + slack.ephemeral().len() - before == 1).then_some(())
            })
            .await;
        assert_eq!(bot.stub.times(&format!("vrf {user}")), usize::from(allowed), "{user}");
    }
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_answered_after_a_restart_and_marked_late() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nocbot.db");
    let bot = connect(start().await, Store::open(&path).unwrap(), &[]).await;
    let slack = bot.slack();
    let quick = slack.mention("U1", "C1", "vrf r1");
    slack.answer(&quick).await;
    slack.until("delivery", 5, |_| (bot.board.links()["slack"].open == 0).then_some(())).await;
    let slow = slack.mention("U1", "C1", "slow 3");
    slack.until("start", 5, |_| (bot.stub.times("slow 3") == 1).then_some(())).await;
    // This one is answered, but cannot be delivered before the restart.
    slack.fail("chat.postMessage", 1000, 500);
    let stuck = slack.mention("U1", "C1", "bgp r1");
    slack.until("start", 5, |_| (bot.stub.times("bgp r1") == 1).then_some(())).await;
    slack.until("confirmations", 5, |slack| (slack.unconfirmed() == 0).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let running = bot.end().await;
    running.slack.fail("chat.postMessage", 0, 500);
    let bot = connect(running, Store::open(&path).unwrap(), &[]).await;
    let slack = bot.slack();
    for ts in [&slow, &stuck] {
        let answer = slack
            .until("late answer", 15, |slack| {
                slack.thread(ts).into_iter().find(|m| m.to_string().contains("late: asked"))
            })
            .await;
        assert!(answer.to_string().contains("UTC"), "{answer}");
    }
    slack.until("delivery", 5, |_| (bot.board.links()["slack"].open == 0).then_some(())).await;
    for ts in [&quick, &slow, &stuck] {
        assert_eq!(slack.thread(ts).len(), 1, "{ts}");
    }
    assert_eq!(bot.stub.times("bgp r1"), 0, "an answer that is there is not asked for again");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_trouble_in_some_seconds() {
    let bot = bot().await;
    let slack = bot.slack();
    let mut asked = Vec::new();
    for n in 0..150 {
        asked.push(slack.mention(&format!("U{}", n % 9), &format!("C{}", n % 4), &format!("vrf q{n}")));
        match n {
            20 | 70 | 101 => slack.cut(),
            40 => slack.fail("chat.postMessage", 8, 503),
            55 => slack.frame(r#"{"type":"disconnect","reason":"refresh_requested"}"#),
            80 => slack.fail("chat.postMessage", 2, 429),
            90 => slack.fail("users.info", 2, 500),
            100 => slack.fail("apps.connections.open", 2, 500),
            120 => slack.fail("chat.postMessage", 2, 0),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    for ts in &asked {
        slack.until("answer", 60, |slack| slack.thread(ts).into_iter().next()).await;
    }
    slack.until("delivery", 30, |_| (bot.board.links()["slack"].open == 0).then_some(())).await;
    slack.until("confirmations", 10, |slack| (slack.unconfirmed() == 0).then_some(())).await;
    for (n, ts) in asked.iter().enumerate() {
        assert_eq!(slack.thread(ts).len(), 1, "question {n}");
        assert_eq!(bot.stub.times(&format!("vrf q{n}")), 1);
    }
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_is_missing() {
    let running = start().await;
    running.slack.scopes("chat:write,commands");
    let slack = Slack::new(settings(&running, &[]), Arc::default());
    let findings = slack.check().await;
    let wrong: Vec<&str> = findings.iter().filter(|f| !f.ok).map(|f| f.what.as_str()).collect();
    assert!(wrong.contains(&"scope app_mentions:read is missing"), "{wrong:?}");
    assert!(findings.iter().any(|f| f.ok && f.what.contains("says hello")), "{findings:?}");
    let settings = Settings { app_token: SecretRef::Plain(Secret::new("xoxb-1")), ..settings(&running, &[]) };
    let findings = Slack::new(settings, Arc::default()).check().await;
    assert!(findings.iter().any(|f| !f.ok && f.what.contains("xapp-")), "{findings:?}");
    assert!(!format!("{findings:?}").contains("xoxb-1"));
}
