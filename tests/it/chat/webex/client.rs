//! The stand-in for Webex before the framework that people use there: where the two disagree, the stand-in
//! is wrong.

use serde_json::{Value, json};

use crate::chat::shared::form::Fate;
use crate::chat::shared::kit::Kit;
use crate::chat::webex::fake::{TOKEN, room, start};

#[tokio::test(flavor = "multi_thread")]
async fn the_framework_of_the_field_finds_what_it_expects() {
    let running = start().await;
    let webex = &running.webex;
    let base = running.server.address.to_string();
    let Some(client) = Kit::python("webex_bot_program.py", &[&base, TOKEN]) else { return };
    client.until("start", 30, |line| line["ready"] == true).await;
    webex.until("link", 10, |it| (it.links() == 1).then_some(())).await;
    assert_eq!(webex.registered(), 1);

    let id = webex.post("answer", false);
    assert_eq!(webex.answer(&id).await["markdown"], "```\nan answer\n```");
    let id = webex.post("answer", true);
    assert_eq!(webex.answer(&id).await["roomId"], room(true));
    let id = webex.post("cardplease", true);
    let card = webex.answer(&id).await;
    crate::chat::schema::valid("adaptive-card-1.3.0.schema.json", &card["attachments"][0]["content"]);
    webex.press(&card, "ask", &json!({"text": "r1"}));
    webex
        .until("answer of the card", 10, |it| {
            it.posted().into_iter().find(|message| message["markdown"] == "pressed with r1")
        })
        .await;
    let id = webex.post("attach", false);
    assert!(webex.answer(&id).await["file"].as_str().unwrap().ends_with("a,b\n1,2\n"));
    let id = webex.post("rewrite", false);
    client.until("edit", 10, |line| line["did"] == "rewrite").await;
    assert_eq!(webex.thread(&id)[0]["markdown"], "**second**");
    // The kit waits as long as it is told.
    webex.plan("POST /v1/messages", 1, Fate::Limited(2));
    let id = webex.post("answer", false);
    webex.answer(&id).await;
    assert_eq!(webex.faults(), Vec::<String>::new());

    // What is not permitted is refused, in the form that the kit understands.
    for (word, status) in [("toolong", 400), ("nothing", 400), ("deep", 400)] {
        webex.post(word, false);
        let line = client.until(word, 10, |line| line["did"] == word).await;
        assert_eq!(line["status"], status, "{line}");
    }
    assert_eq!(webex.faults().len(), 3, "{:?}", webex.faults());
    let id = webex.post("look", false);
    let line = client.until("look", 10, |line| line["did"] == "look").await;
    assert_eq!(line["status"], 403);
    assert!(line["found"].as_array().unwrap().contains(&json!(id)));

    // A cut link: what came meanwhile is sent on the next one, once, and then confirmed.
    webex.until("confirmations", 5, |it| (it.unconfirmed() == 0).then_some(())).await;
    webex.cut();
    let missed = webex.post("answer", true);
    webex.answer(&missed).await;
    webex.until("confirmations", 5, |it| (it.unconfirmed() == 0).then_some(())).await;
    assert_eq!(webex.thread(&missed).len(), 1);
    // A device that is gone: the framework registers another one.
    webex.forget_devices();
    let again = webex.post("answer", true);
    webex.answer(&again).await;
    assert_eq!((webex.thread(&again).len(), webex.registered()), (1, 2));
    let heard = |line: &Value| line["heard"].as_str().map(str::to_owned);
    let mut heard: Vec<String> = client.said().iter().filter_map(heard).collect();
    let all = heard.len();
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), all);
}
