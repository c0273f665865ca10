//! The binary itself before stand-ins of the platforms: killed in the middle of its answers, and started again,
//! while links are cut and calls fail.

use std::time::Duration;

use serde_json::json;

use super::mattermost::fake as fake_mattermost;
use super::slack::fake as fake_slack;
use super::webex::fake as fake_webex;
use crate::chat::shared::form::Fate;
use crate::chat::shared::process::Nocbot;

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_its_answers_it_answers_each_question_once_on_both() {
    let (mm, wx) = (fake_mattermost::start().await, fake_webex::start().await);
    let (mattermost, webex) = (&mm.mattermost, &wx.webex);
    // As a server that was asked so long ago that it does not know repeated posts.
    mattermost.pending(Duration::ZERO);
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        "store: nocbot.db\nchat:\n  mattermost: {{url: 'http://{}', token: {}}}\n  webex: {{api_url: 'http://{}/v1', u2c_url: 'http://{}/u2c/api/v1/catalog', token: {}}}\n",
        mm.server.address,
        fake_mattermost::TOKEN,
        wx.server.address,
        wx.server.address,
        fake_webex::TOKEN
    );
    std::fs::write(directory.path().join("nocbot.yaml"), config).unwrap();
    let mut bot = Nocbot::start(directory.path());
    mattermost.until("link", 20, |it| (it.links() > 0).then_some(())).await;
    webex.until("link", 20, |it| (it.links() > 0).then_some(())).await;
    let (mut roots, mut asked) = (Vec::new(), Vec::new());
    for round in 0..3 {
        for n in 0..12 {
            let question = format!("route r{} 10.255.0.{n}", round + 1);
            roots.push(mattermost.post(
                &format!("user{}", n % 4),
                "c1",
                &format!("@nocbot {question}"),
                &json!({}),
            ));
            asked.push(webex.post_as(&format!("user{}", n % 4), &question, n % 2 == 0, None));
        }
        match round {
            0 => mattermost.cut(),
            1 => {
                mattermost.plan("POST /posts", 3, Fate::FailsAfter(502));
                webex.plan("POST /v1/messages", 2, Fate::FailsAfter(502));
            }
            _ => webex.cut(),
        }
        let before = (mattermost.posts().len(), webex.posted().len());
        mattermost
            .until("some answers", 30, |it| {
                (it.posts().len() > before.0 + 2 && webex.posted().len() > before.1 + 2).then_some(())
            })
            .await;
        drop(bot);
        // Asked while nobody runs, and what would have told of it is lost.
        mattermost.forget();
        webex.lose_one();
        asked.push(webex.post("vrf r1", round == 1));
        roots.push(mattermost.ask("alice", "c1", "vrf r1"));
        bot = Nocbot::start(directory.path());
    }
    for root in &roots {
        mattermost.until("answer", 40, |it| it.thread(root).into_iter().next()).await;
    }
    for id in &asked {
        webex.until("answer", 40, |it| it.thread(id).into_iter().next()).await;
    }
    webex.until("confirmations", 20, |it| (it.unconfirmed() == 0).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (n, root) in roots.iter().enumerate() {
        assert_eq!(mattermost.thread(root).len(), 1, "question {n}: {:#?}", mattermost.thread(root));
    }
    for (n, id) in asked.iter().enumerate() {
        assert_eq!(webex.thread(id).len(), 1, "question {n}: {:#?}", webex.thread(id));
    }
    assert_eq!((mattermost.faults(), webex.faults()), (Vec::new(), Vec::new()));
    assert_eq!(webex.registered(), 1);
    drop(bot);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_its_answers_it_answers_each_question_once() {
    let running = fake_slack::start().await;
    let slack = &running.slack;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("app.token"), "xapp-1\n").unwrap();
    let config = format!(
        "store: nocbot.db\nchat:\n  slack: {{api_url: 'http://{}/api', bot_token: xoxb-1, app_token: 'file:app.token'}}\n",
        running.server.address
    );
    std::fs::write(directory.path().join("nocbot.yaml"), config).unwrap();

    let mut bot = Nocbot::start(directory.path());
    slack.until("link", 20, |slack| (slack.links() > 0).then_some(())).await;
    let first = slack.mention("U1", "C1", "vrf r1");
    let answer = slack.answer(&first).await;
    assert!(answer.to_string().contains("\"table\""), "{answer}");
    let health = bot.get("/healthz").await;
    assert!(health.contains("\"status\":\"ok\"") && health.contains("\"slack\":{\"up\":true"), "{health}");
    let metrics = bot.get("/metrics").await;
    assert!(metrics.contains("nocbot_chat_up{platform=\"slack\"} 1"), "{metrics}");
    let status = slack.mention("U1", "C1", "status");
    assert!(slack.answer(&status).await.to_string().contains("up since"));

    let mut asked = vec![first, status];
    for round in 0..3 {
        for n in 0..12 {
            asked.push(slack.mention(
                &format!("U{}", n % 5),
                "C1",
                &format!("route r{} 10.255.0.{n}", round + 1),
            ));
        }
        let before = slack.messages().len();
        slack.until("some answers", 30, |slack| (slack.messages().len() > before + 2).then_some(())).await;
        drop(bot);
        bot = Nocbot::start(directory.path());
    }
    for ts in &asked {
        slack.until("answer", 60, |slack| slack.thread(ts).into_iter().next()).await;
    }
    slack.until("confirmations", 20, |slack| (slack.unconfirmed() == 0).then_some(())).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    for (n, ts) in asked.iter().enumerate() {
        assert_eq!(slack.thread(ts).len(), 1, "question {n}: {:#?}", slack.thread(ts));
    }
    assert_eq!(slack.faults(), Vec::<String>::new());
    drop(bot);
}
