//! The stand-in for Mattermost before the vendor's own client: where the two disagree, the stand-in is wrong.

use serde_json::{Value, json};

use crate::chat::mattermost::fake::{BOT, TOKEN, id_of, start};
use crate::chat::shared::form::Fate;
use crate::chat::shared::kit::Kit;

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_client_finds_what_it_expects() {
    let running = start().await;
    let server = &running.mattermost;
    let url = format!("http://{}", running.server.address);
    let Some(client) = Kit::node("mattermost.mjs", &[&url, TOKEN, "200"]) else { return };
    client.until("login", 20, |line| line["me"] == BOT).await;
    client.until("hello", 10, |line| line["event"] == "hello").await;
    client.until("login by challenge", 10, |line| line["challenge"].is_string()).await;
    server.until("one link", 5, |it| (it.links() == 1).then_some(())).await;

    let results = [
        ("reply", json!({"root_id": null})),
        ("edit", json!({"message": "second"})),
        ("file", json!({})),
        ("react", json!({"emoji_name": "eyes"})),
        ("type", json!({"status": "OK"})),
        ("twice", json!({})),
        ("longest", json!({"status": 200})),
        ("look", json!({"since": true, "user": id_of("alice")})),
    ];
    let mut roots = Vec::new();
    for (word, expected) in &results {
        let root = server.ask("alice", "c1", word);
        let line = client.until(word, 10, |line| line["did"] == *word).await;
        for (key, value) in expected.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
            assert_eq!(line["result"][key], *value, "{line}");
        }
        roots.push((*word, root));
    }
    let root = |word: &str| roots.iter().find(|(known, _)| *known == word).unwrap().1.clone();
    assert_eq!(server.thread(&root("reply"))[0]["message"], "| a |\n| --- |\n| 1 |");
    assert!(server.thread(&root("edit"))[0]["edit_at"].as_i64().unwrap() > 0);
    let file = server.thread(&root("file"))[0]["file_ids"][0].as_str().unwrap().to_owned();
    assert_eq!(server.file(&file), "answer.csv\na,b\n1,2\n");
    assert_eq!(server.reactions()[0]["post_id"], root("react"));
    assert_eq!(server.typing()[0]["parent_id"], root("type"));
    assert_eq!(server.thread(&root("twice")).len(), 1);
    assert_eq!(server.faults(), Vec::<String>::new());

    // What is not permitted is refused, in the form that the client understands.
    for (word, status, id) in [
        ("long", 400, "model.post.is_valid.message_length.app_error"),
        ("longedit", 400, "model.post.is_valid.message_length.app_error"),
        ("deep", 400, "api.post.create_post.root_id.app_error"),
        ("whisper", 403, "api.context.permissions.app_error"),
    ] {
        server.ask("alice", "c1", word);
        let line = client.until(word, 10, |line| line["did"] == word).await;
        assert_eq!(
            (&line["result"]["status"], &line["result"]["id"]),
            (&json!(status), &json!(id)),
            "{line}"
        );
    }
    server.plan("POST /posts", 1, Fate::Limited(1));
    server.ask("alice", "c1", "limited");
    let line = client.until("limited", 10, |line| line["did"] == "limited").await;
    assert_eq!(line["result"], json!({"first": "no number", "second": 200}));
    assert_eq!(server.faults().len(), 3, "{:?}", server.faults());
    assert!(server.posts().iter().any(|post| post["channel_id"] == id_of("d1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_client_survives_cut_links_without_losing_or_repeating_anything() {
    let running = start().await;
    let server = &running.mattermost;
    let url = format!("http://{}", running.server.address);
    let Some(client) = Kit::node("mattermost.mjs", &[&url, TOKEN, "200"]) else { return };
    client.until("login by challenge", 20, |line| line["challenge"].is_string()).await;
    client.until("hello", 10, |line| line["event"] == "hello").await;
    let heard = |id: &str| {
        let id = id.to_owned();
        move |line: &Value| line["heard"] == id.as_str()
    };
    let mut asked = Vec::new();
    for round in 0..3 {
        for n in 0..10 {
            asked.push(server.ask("alice", "c1", &format!("question {round}{n}")));
            server.noise();
        }
        if round == 1 {
            server.close(1001);
        } else {
            server.cut();
        }
        asked.push(server.ask("alice", "c1", &format!("while away {round}")));
        server.until("link", 5, |it| (it.links() == 1).then_some(())).await;
    }
    // An event that gets lost on its way: the client finds the gap and takes the link up again.
    client.until("last", 10, heard(asked.last().unwrap())).await;
    server.lose_one();
    asked.push(server.ask("alice", "c1", "lost"));
    asked.push(server.ask("alice", "c1", "the next one"));
    client.until("last", 10, heard(asked.last().unwrap())).await;
    assert!(server.resumed() >= 4, "{}", server.resumed());
    let order: Vec<String> =
        client.said().iter().filter_map(|line| line["heard"].as_str().map(str::to_owned)).collect();
    assert_eq!(order, asked);
    assert!(client.said().iter().all(|line| line["missed"].is_null()));
    // More than is kept: a new connection, of which the client says that something was missed.
    server.cut();
    for _ in 0..140 {
        server.noise();
    }
    client.until("loss", 10, |line| line["missed"] == true).await;
    let after = server.post("alice", "d1", "after", &json!({}));
    client.until("last", 10, heard(&after)).await;
    assert_eq!(server.faults(), Vec::<String>::new());
}
