//! What a full server has: sessions that go on, archives, files; and rooms that come and go.

use std::path::Path;
use std::time::Duration;

use hyper::Method;
use hyper::header::HeaderMap;
use nocbot::chat::link::http::Http;
use nocbot::chat::xmpp::Settings;
use nocbot::store::Store;

use super::server::{Ejabberd, Person, Prosody, ROOM, Wire};
use super::start;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_while_the_link_was_cut_or_the_bot_away_is_answered_once() {
    let Some(prosody) = Prosody::new() else { return };
    let wire = Wire::to(prosody.secure).await;
    let url = format!("wss://localhost:{}/xmpp-websocket", wire.port);
    let settings = Settings { url, ..prosody.settings("pw-of-it") };
    missed(settings, &wire, prosody.plain, prosody.directory.path()).await;
    assert!(!prosody.log().contains("Client acknowledged"), "{}", prosody.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_another_server() {
    let Some(server) = Ejabberd::new() else { return };
    let wire = Wire::to(server.port).await;
    let url = format!("ws://localhost:{}/xmpp-websocket", wire.port);
    missed(Settings { url, ..server.settings() }, &wire, server.port, server.directory.path()).await;
    long_and_big(server.settings(), server.port).await;
}

/// Rooms keep a history, and servers keep direct messages, without any archive.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_a_server_that_has_only_what_it_must() {
    let Some(prosody) = Prosody::bare() else { return };
    let wire = Wire::to(prosody.secure).await;
    let url = format!("wss://localhost:{}/xmpp-websocket", wire.port);
    let settings = Settings { url, ..prosody.settings("pw-of-it") };
    missed(settings, &wire, prosody.plain, prosody.directory.path()).await;
}

async fn missed(settings: Settings, wire: &Wire, port: u16, directory: &Path) {
    let mut alice = Person::login_at(port, "alice").await;
    alice.enter().await;
    // Said before anybody had ever listened.
    alice.say(ROOM, "groupchat", "a0", "nocbot: vrf never").await;
    alice.say("nocbot@noc.test", "chat", "b0", "vrf never").await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let file = directory.join("nocbot.db");
    let bot = start(settings.clone(), Store::open(&file).unwrap()).await;
    alice.until(&format!("{ROOM}/nocbot")).await;
    alice.say(ROOM, "groupchat", "a1", "nocbot: vrf r1").await;
    alice.until("▸ vrf r1").await;

    wire.open(false);
    alice.say(ROOM, "groupchat", "a2", "nocbot: vrf r2").await;
    alice.say("nocbot@noc.test", "chat", "b2", "arp r2").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    wire.open(true);
    alice.until_all(&["▸ vrf r2", "▸ arp r2"]).await;

    bot.end().await;
    alice.say(ROOM, "groupchat", "a3", "nocbot: vrf r3").await;
    alice.say("nocbot@noc.test", "chat", "b3", "arp r3").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let bot = start(settings, Store::open(&file).unwrap()).await;
    alice.until_all(&["▸ vrf r3", "▸ arp r3"]).await;
    assert_eq!(bot.stub.last.lock().unwrap().clone().unwrap().who.id, "alice@noc.test");
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (text, times) in [("vrf r1", 0), ("vrf r2", 0), ("vrf r3", 1), ("arp r3", 1), ("vrf never", 0)] {
        assert_eq!(bot.stub.times(text), times, "{text}");
    }
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_runs_are_corrected_and_big_answers_are_files() {
    let Some(prosody) = Prosody::new() else { return };
    long_and_big(prosody.settings("pw-of-it"), prosody.plain).await;
}

async fn long_and_big(settings: Settings, port: u16) {
    let net = settings.net.clone();
    let mut alice = Person::login_at(port, "alice").await;
    alice.enter().await;
    let bot = start(settings, Store::in_memory().unwrap()).await;
    // Before the bot's first time in the room, nothing counts as missed.
    alice.until(&format!("{ROOM}/nocbot")).await;
    alice.say(ROOM, "groupchat", "a1", "nocbot: slow 3 r1").await;
    alice.until("<composing").await;
    let first = alice.until("asked 3 devices").await;
    let id = first.split("id='").nth(1).unwrap().split('\'').next().unwrap();
    assert!(first.contains("urn:xmpp:reply:0") && id.ends_with("-w"), "{first}");
    let answer = alice.until("neighbor").await;
    assert!(answer.contains("message-correct:0") && answer.contains(&format!("id='{id}'")), "{answer}");

    alice.say("nocbot@noc.test", "chat", "a2", "big 300").await;
    let file = alice.until("jabber:x:oob").await;
    let address = file.split("<url>").nth(1).unwrap().split('<').next().unwrap();
    assert!(file.contains(&format!("<body>{address}</body>")), "{file}");
    let reply = Http::new(net)
        .send(Method::GET, &address.parse().unwrap(), HeaderMap::new(), hyper::body::Bytes::new())
        .await
        .unwrap();
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    assert_eq!((reply.status.as_u16(), text.lines().count()), (200, 301), "{text}");
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_goes_away_is_entered_again_and_strangers_are_told_so() {
    let Some(prosody) = Prosody::new() else { return };
    let mut alice = Person::login(&prosody, "alice").await;
    alice.enter().await;
    let allow = vec!["alice@noc.test".to_owned()];
    let settings = Settings { allow, nick: "alice".into(), ..prosody.settings("pw-of-it") };
    let bot = start(settings, Store::in_memory().unwrap()).await;
    // Somebody has the name; the bot is called by it all the same.
    alice.until("/alice_").await;
    alice.say(ROOM, "groupchat", "a1", "alice_: vrf r1").await;
    alice.until("▸ vrf r1").await;
    let mut bob = Person::login(&prosody, "bob").await;
    bob.say("nocbot@noc.test", "chat", "b1", "vrf r1").await;
    bob.until("not among those who may ask").await;
    // A question that asks for a receipt, by a client that asks who we are.
    alice
        .send(
            "<message xmlns='jabber:client' to='nocbot@noc.test' type='chat' id='r1'><body>arp r1</body>\
             <request xmlns='urn:xmpp:receipts'/></message>",
        )
        .await;
    alice.until("<received").await;
    let answer = alice.until("▸ arp r1").await;
    let from = answer.split("from='").nth(1).unwrap().split('\'').next().unwrap();
    for (id, query) in [
        ("i1", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
        ("i2", "<ping xmlns='urn:xmpp:ping'/>"),
        ("i3", "<query xmlns='jabber:iq:last'/>"),
    ] {
        alice.send(&format!("<iq xmlns='jabber:client' to='{from}' type='get' id='{id}'>{query}</iq>")).await;
        let said = alice.until(&format!("id='{id}'")).await;
        let right = match id {
            "i1" => said.contains("message-correct:0"),
            "i2" => said.contains("type='result'"),
            _ => said.contains("service-unavailable"),
        };
        assert!(right, "{said}");
    }

    alice
        .send(&format!(
            "<iq xmlns='jabber:client' to='{ROOM}' type='set' id='d'>\
             <query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>"
        ))
        .await;
    alice.until("<destroy").await;
    // The bot makes it anew; then it has its name.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(alice.try_enter("ally").await.is_some());
    alice.say(ROOM, "groupchat", "a2", "alice: mac r1").await;
    alice.until("▸ mac r1").await;
    bot.end().await;
}
