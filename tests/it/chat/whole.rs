//! The binary itself before a stand-in of Slack: killed in the middle of its answers, and started again.

use super::fake_slack::start;
use super::process::Nocbot;

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_its_answers_it_answers_each_question_once() {
    let running = start().await;
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
