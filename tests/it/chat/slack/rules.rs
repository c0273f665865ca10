//! The Slack connector under every rule of the platform that is easy to break, one after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nocbot::chat::Connector as _;
use nocbot::chat::slack::{Settings, Slack};
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use serde_json::{Value, json};

use super::{Bot, bot, connect_by, settings};
use crate::chat::slack::fake::{Refuse, start};

async fn delivered(bot: &Bot) {
    bot.slack()
        .until("delivery", 30, |slack| {
            (slack.unconfirmed() == 0 && bot.board.links()["slack"].open == 0).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_confirmed_in_time_even_if_the_store_hangs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nocbot.db");
    let running = start().await;
    let settings = settings(&running, &[]);
    let bot = connect_by(running, Store::open(&path).unwrap(), settings).await;
    let slack = bot.slack();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked: Vec<String> = (0..200).map(|n| slack.mention("U1", "C1", &format!("vrf q{n}"))).collect();
    slack.until("confirmations", 4, |slack| (slack.confirmed() == 200).then_some(())).await;
    assert_eq!(bot.stub.times("vrf q0"), 0, "the store hangs");
    other.execute_batch("COMMIT").unwrap();
    for ts in &asked {
        slack.answer(ts).await;
    }
    delivered(&bot).await;
    assert_eq!(slack.messages().len(), 200);
    assert_eq!(slack.calls("users.info"), 1, "one person is looked up once");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_are_obeyed_whatever_their_form() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.retry_after("0.7");
    slack.fail("chat.postMessage", 1, 429);
    slack.fail("users.info", 1, 200);
    let before = Instant::now();
    let ts = slack.mention("U1", "C1", "vrf r1");
    slack.answer(&ts).await;
    assert!(before.elapsed() < Duration::from_secs(6), "the header says less than a second");
    for status in [429, 200] {
        let opened = slack.opened();
        slack.fail("apps.connections.open", 1, status);
        slack.cut();
        slack.until("link", 6, |slack| (slack.links() > 0 && slack.opened() > opened).then_some(())).await;
    }
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_takes_a_message_a_second_gets_a_message_a_second() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.limit(3);
    let asked: Vec<String> = (0..20)
        .map(|n| slack.mention(&format!("U{n}"), &format!("C{}", n % 2), &format!("vrf q{n}")))
        .collect();
    let begun = Instant::now();
    for ts in &asked {
        slack.answer(ts).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(14), "{:?}", begun.elapsed());
    assert!(slack.limited() <= 6, "{} were too early", slack.limited());
    delivered(&bot).await;
    assert_eq!(slack.messages().len(), 20);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_is_not_answered_with_a_storm_and_its_end_is_noticed_soon() {
    let bot = bot().await;
    let slack = bot.slack();
    let calls = slack.calls("apps.connections.open");
    slack.fail("apps.connections.open", 10_000, 503);
    slack.cut();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let calls = slack.calls("apps.connections.open") - calls;
    assert!((2..=12).contains(&calls), "{calls} calls in 5 s");
    slack.fail("apps.connections.open", 0, 503);
    slack.until("link", 9, |slack| (slack.links() > 0).then_some(())).await;
    let ts = slack.mention("U1", "C1", "vrf r1");
    slack.answer(&ts).await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_gives_links_and_takes_them_at_once_is_not_hammered() {
    let bot = bot().await;
    let slack = bot.slack();
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        slack.frame(r#"{"type":"disconnect","reason":"refresh_requested"}"#);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(slack.opened() <= 10, "{} links in 4 s", slack.opened());
    let ts = slack.mention("U1", "C1", "vrf r1");
    slack.answer(&ts).await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_were_rotated_are_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("bot"), directory.path().join("app"));
    std::fs::write(&one, "xoxb-1\n").unwrap();
    std::fs::write(&two, "xapp-1\n").unwrap();
    let running = start().await;
    let settings = Settings {
        bot_token: SecretRef::File(one.clone()),
        app_token: SecretRef::File(two.clone()),
        ..settings(&running, &[])
    };
    let bot = connect_by(running, Store::in_memory().unwrap(), settings).await;
    let slack = bot.slack();
    slack.rotate("xoxb-2", "xapp-2");
    std::fs::write(&one, "xoxb-2\n").unwrap();
    std::fs::write(&two, "xapp-2\n").unwrap();
    let ts = slack.mention("U1", "C1", "vrf r1");
    slack.answer(&ts).await;
    let opened = slack.opened();
    slack.cut();
    slack.until("link", 5, |slack| (slack.links() > 0 && slack.opened() > opened).then_some(())).await;
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_over_the_link_is_survived_and_confirmed() {
    let running = start().await;
    running.slack.bare_hello();
    let settings = settings(&running, &[]);
    let bot = connect_by(running, Store::in_memory().unwrap(), settings).await;
    let slack = bot.slack();
    slack.binary(&[0, 159, 146, 150]);
    for frame in [
        json!({"type": "something_new", "envelope_id": "n1", "payload": {"a": 1}}),
        json!({"type": "events_api", "envelope_id": "n2", "payload": {"type": "app_rate_limited", "minute_rate_limited": 1}}),
        json!({"type": "events_api", "envelope_id": "n3"}),
        json!({"type": "interactive", "envelope_id": "n4", "payload": {"type": "view_submission", "view": {}}}),
        json!({"type": "interactive", "envelope_id": "n5", "payload": {"type": "block_actions", "actions": []}}),
        json!({"type": "slash_commands", "envelope_id": "n6", "payload": null}),
    ] {
        slack.frame(&frame.to_string());
    }
    slack.until("confirmations", 3, |slack| (slack.confirmed() == 6).then_some(())).await;
    // The name in the middle, as a link, quoted by a phone, and in a conversation of two.
    let odd = |text: &str, channel: &str| {
        let ts = slack.mention("U1", channel, "x");
        let ts = format!("{ts}1");
        slack.event(json!({"type": if channel == "D1" { "message" } else { "app_mention" }, "user": "U1",
            "text": text, "ts": ts, "channel": channel, "channel_type": if channel == "D1" { "im" } else { "channel" }}));
        ts
    };
    for (text, channel, meant) in [
        ("vrf <@UBOT|nocbot> r1", "C1", "vrf r1"),
        ("<@UBOT>\u{a0}vrf <http://r2.example.net|r2.example.net>", "C1", "vrf r2.example.net"),
        ("<@UBOT> vrf r3 | include \u{201c}up\u{201d}", "D1", "vrf r3 | include \"up\""),
    ] {
        let ts = odd(text, channel);
        slack.answer(&ts).await;
        assert_eq!(bot.stub.times(meant), 1, "{text}: {:?}", bot.stub.asked);
    }
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refresh_after_the_other_leaves_no_gap() {
    let bot = bot().await;
    let slack = bot.slack();
    let mut asked = Vec::new();
    for round in 0..2 {
        // Announced twice, and then closed.
        slack.refresh("warning", Duration::from_millis(1500));
        slack.refresh("refresh_requested", Duration::from_millis(1500));
        for n in 0..40 {
            asked.push(slack.mention("U1", "C1", &format!("vrf {round}{n}")));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        slack.until("one link", 5, |slack| (slack.links() == 1).then_some(())).await;
    }
    for ts in &asked {
        slack.answer(ts).await;
    }
    delivered(&bot).await;
    assert_eq!((slack.gap(), slack.opened(), slack.messages().len()), (Duration::ZERO, 3, asked.len()));
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_mode_that_is_switched_off_is_said_and_not_asked_for_again_and_again() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.disable(true);
    slack.refresh("link_disabled", Duration::from_millis(100));
    slack.until("end", 5, |slack| (slack.links() == 0).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(slack.calls("apps.connections.open"), 1);
    let error = bot.board.links()["slack"].error.clone().unwrap();
    assert!(error.contains("switched off"), "{error}");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_no_message_may_hold_is_a_file_in_the_thread() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.refuse(Refuse::Messages);
    let ts = slack.mention("U1", "C1", "vrf r1");
    let file = slack.until("file", 5, |slack| slack.files().into_iter().next()).await;
    assert_eq!((file["name"].as_str(), file["thread_ts"].as_str()), (Some("answer.txt"), Some(ts.as_str())));
    assert!(file["text"].as_str().unwrap().contains("Established"), "{file}");
    assert!(file["comment"].as_str().unwrap().starts_with("vrf r1"), "{file}");
    // Carried out, but nobody said so: it is looked for.
    slack.fail("files.completeUploadExternal", 1, 0);
    slack.mention("U1", "C1", "vrf r2");
    delivered(&bot).await;
    assert_eq!((slack.files().len(), bot.board.links()["slack"].failed), (2, 0));
    slack.refuse(Refuse::Nothing);
    slack.fail("files.completeUploadExternal", 1, 0);
    slack.mention("U1", "C1", "big 300");
    slack.until("file", 5, |slack| (slack.files().len() == 3).then_some(())).await;
    delivered(&bot).await;
    assert_eq!(slack.files().len(), 3);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_may_look_a_message_carries_a_key() {
    let running = start().await;
    running.slack.without_scopes(&["channels:history", "groups:history"]);
    let settings = settings(&running, &[]);
    let bot = connect_by(running, Store::in_memory().unwrap(), settings).await;
    let slack = bot.slack();
    slack.fail("chat.postMessage", 1, 0);
    let ts = slack.mention("U1", "C1", "vrf r1");
    delivered(&bot).await;
    assert_eq!((slack.thread(&ts).len(), slack.calls("chat.postMessage")), (1, 2));
    assert!(slack.thread(&ts)[0]["client_msg_id"].is_string());
    // In a conversation of two it may look, and needs no key.
    let ts = slack.direct("U1", "vrf r2");
    assert!(slack.answer(&ts).await["client_msg_id"].is_null());
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_goes_to_the_end_of_a_long_thread() {
    let bot = bot().await;
    let slack = bot.slack();
    let root = slack.mention("U1", "C1", "vrf r1");
    let first = slack.answer(&root).await;
    for n in 0..230 {
        slack.event(json!({"type": "app_mention", "user": "U1", "text": format!("<@UBOT> vrf q{n}"),
            "ts": format!("{root}{n:03}"), "thread_ts": root, "channel": "C1"}));
    }
    slack.until("answers", 30, |slack| (slack.thread(&root).len() == 231).then_some(())).await;
    slack.fail("chat.postMessage", 1, 0);
    slack.press("U2", &first, "again");
    delivered(&bot).await;
    assert_eq!(slack.thread(&root).len(), 232);
    assert_eq!(slack.calls("conversations.replies"), 2, "one page is not enough");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_questions_are_leaves_edits_for_their_answers() {
    let bot = bot().await;
    let slack = bot.slack();
    let asked: Vec<String> =
        (0..24).map(|n| slack.mention(&format!("U{n}"), &format!("C{n}"), "slow 9")).collect();
    for ts in &asked {
        slack
            .until("answer", 30, |slack| {
                slack.thread(ts).into_iter().find(|m| m.to_string().contains("\"table\""))
            })
            .await;
    }
    // Three tellings of each would be 72.
    let tellings = slack.edits() - asked.len();
    assert!((1..=20).contains(&tellings), "{tellings}");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_in_one_way_is_said_in_another() {
    let bot = bot().await;
    let slack = bot.slack();
    // Who has left gets their error in the thread.
    slack.leave("C1", "U9");
    let ts = slack.mention("U9", "C1", "unknown");
    slack.answer(&ts).await;
    // A command's error goes by its address where the bot is not, for its asker alone.
    slack.command("U1", "CNOT", "unknown");
    slack
        .until("error", 5, |slack| slack.ephemeral().into_iter().find(|m| m["response_url"].is_string()))
        .await;
    // More messages than an address takes: the rest comes directly.
    slack.command("U1", "CNOT", "wide 200");
    slack
        .until("rest", 10, |slack| slack.messages().iter().any(|m| m["channel"] == "U1").then_some(()))
        .await;
    delivered(&bot).await;
    assert_eq!((bot.board.links()["slack"].failed, slack.lost()), (0, 0));
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_choices_are_a_menu_and_choosing_is_asking() {
    let bot = bot().await;
    let slack = bot.slack();
    slack.command("U1", "C1", "many");
    let mut asked = slack.until("choices", 5, |slack| slack.ephemeral().into_iter().next()).await;
    assert!(asked["thread_ts"].is_null());
    asked["channel"] = "C1".into();
    slack.press("U1", &asked, "many r7");
    let answer = slack
        .until("answer", 5, |slack| {
            slack.messages().into_iter().find(|m| m["text"].as_str().unwrap().starts_with("many r7"))
        })
        .await;
    // What only one person saw is no root of a thread.
    assert!(answer["thread_ts"].is_null());
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_was_heard_and_which_event_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("nocbot.db")).unwrap();
    let running = start().await;
    let settings = settings(&running, &[]);
    let bot = connect_by(running, store.clone(), settings.clone()).await;
    let ts = bot.slack().mention("U1", "C1", "vrf r1");
    let answer = bot.slack().answer(&ts).await;
    bot.slack().press("U1", &answer, "again");
    delivered(&bot).await;
    let running = bot.end().await;
    let token = Some(SecretRef::Plain(Secret::new("xoxe-1")));
    let checked = Slack::new(settings.clone(), Arc::default()).checking(Some(store), token);
    let whats = |findings: Vec<nocbot::chat::Finding>, ok: bool| -> Vec<String> {
        findings.into_iter().filter(|f| f.ok == ok).map(|f| f.what).collect()
    };
    let mut manifest: Value = json!({
        "features": {"app_home": {"messages_tab_enabled": true}, "slash_commands": [{"command": "/nocbot"}]},
        "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}, "interactivity": {"is_enabled": true},
            "socket_mode_enabled": true},
    });
    running.slack.manifest(manifest.clone());
    let findings = checked.check().await;
    let heard = whats(findings.clone(), true);
    for line in [
        "app_mention: last heard less than a minute ago",
        "button: last heard less than a minute ago",
        "message.im: never heard",
    ] {
        assert!(heard.iter().any(|what| what == line), "{heard:?}");
    }
    assert_eq!(whats(findings, false), ["event message.im is missing"]);
    manifest["settings"]["event_subscriptions"]["bot_events"] = json!(["app_mention", "message.im"]);
    running.slack.manifest(manifest);
    assert_eq!(whats(checked.check().await, false), Vec::<String>::new());
    let old =
        Slack::new(settings, Arc::default()).checking(None, Some(SecretRef::Plain(Secret::new("xoxe-0"))));
    let wrong = whats(old.check().await, false);
    assert!(wrong.len() == 1 && wrong[0].starts_with("`config_token`"), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("xoxe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_reads_what_the_running_nocbot_has_heard() {
    let directory = tempfile::tempdir().unwrap();
    let running = start().await;
    let config = format!(
        "chat:\n  slack: {{api_url: 'http://{}/api', bot_token: xoxb-1, app_token: xapp-1, config_token: xoxe-0}}\n",
        running.server.address
    );
    std::fs::write(directory.path().join("nocbot.yaml"), config).unwrap();
    let check = || crate::support::nocbot(&["slack", "check"], directory.path());
    let before = check();
    assert!(
        !before.out.contains("heard") && before.status.code() == Some(2),
        "{} {}",
        before.out,
        before.err
    );
    assert!(before.out.contains("MISSING `config_token`"), "{}", before.out);
    assert!(!directory.path().join("nocbot.db").exists(), "a check makes no files");
    let store = Store::open(&directory.path().join("nocbot.db")).unwrap();
    let settings = settings(&running, &[]);
    let bot = connect_by(running, store, settings).await;
    let ts = bot.slack().mention("U1", "C1", "vrf r1");
    bot.slack().answer(&ts).await;
    delivered(&bot).await;
    let after = check();
    assert!(after.out.contains("ok      app_mention: last heard less than a minute ago"), "{}", after.out);
    assert!(after.out.contains("button: never heard"), "{}", after.out);
    bot.end().await;
}
