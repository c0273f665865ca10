//! The XMPP connector against a real Prosody on loopback, with its own configuration and data.

mod chaos;
mod more;
mod server;

use std::sync::Arc;
use std::time::Duration;

use nocbot::app::Talking;
use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::link::Net;
use nocbot::chat::xmpp::{Settings, Xmpp};
use nocbot::metrics::Board;
use nocbot::store::Store;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::server::{Person, Prosody, ROOM};
use crate::chat::shared::stub::Stub;

struct Bot {
    stub: Arc<Stub>,
    board: Arc<Board>,
    stop: CancellationToken,
    talking: Talking,
}

async fn connect(prosody: &Prosody) -> Bot {
    start(prosody.settings("pw-of-it"), Store::in_memory().unwrap()).await
}

async fn start(settings: Settings, store: Store) -> Bot {
    let board = Arc::new(Board::default());
    let connector = Arc::new(Xmpp::new(settings, Arc::clone(&board))) as Arc<dyn Connector>;
    let (stub, stop) = (Stub::new(), CancellationToken::new());
    let talking =
        chats::run(vec![connector], Arc::clone(&stub) as _, store, Arc::clone(&board), stop.clone());
    let bot = Bot { stub, board, stop, talking };
    bot.up().await;
    bot
}

impl Bot {
    async fn up(&self) {
        for _ in 0..600 {
            if self.board.healthy() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the link is not up: {:?}", self.board.links());
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(5), self.talking.stopped()).await.expect("it does not end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_and_people_over_a_server_that_has_only_what_it_must() {
    let Some(mut prosody) = Prosody::bare() else { return };
    let mut alice = Person::login(&prosody, "alice").await;
    // Said before the bot is there: it is delivered later, with a stamp, and is no question any more.
    alice.say("nocbot@noc.test", "chat", "old", "vrf old").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let bot = connect(&prosody).await;
    alice.enter().await;
    alice.say("nocbot@noc.test", "chat", "m1", "vrf r1").await;
    let answer = alice.until("▸ vrf r1").await;
    assert!(
        answer.contains("neighbor")
            && answer.contains("```")
            && answer.contains("type: vrf r1 · vrf r1 | csv"),
        "{answer}"
    );
    assert_eq!(bot.stub.last.lock().unwrap().clone().unwrap().who.id, "alice@noc.test");

    alice.say(ROOM, "groupchat", "m2", "what a night").await;
    alice.say(ROOM, "groupchat", "m3", "vrf r2").await;
    alice.say(ROOM, "groupchat", "m4", "nocbot: bgp &lt;all&gt; | where a &lt; 5").await;
    let answer = alice.until("▸ bgp").await;
    assert!(
        answer.contains("type='groupchat'") && answer.contains(&format!("from='{ROOM}/nocbot'")),
        "{answer}"
    );
    // A wrong question is answered to the asker alone.
    alice.say(ROOM, "groupchat", "m5", "nocbot: unknown thing").await;
    let error = alice.until("no verb").await;
    assert!(error.contains("type='chat'"), "{error}");
    // The same stanza again is no second question.
    alice.say("nocbot@noc.test", "chat", "m1", "vrf r1").await;
    alice.say("nocbot@noc.test", "chat", "m6", "evil r1").await;
    let evil = alice.until("▸ evil").await;
    assert!(evil.contains("&lt;/body&gt;"), "{evil}");
    for (text, times) in [("vrf old", 0), ("vrf r1", 1), ("vrf r2", 0), ("what a night", 0)] {
        assert_eq!(bot.stub.times(text), times, "{text}");
    }

    prosody.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!bot.board.healthy());
    prosody.start();
    bot.up().await;
    let mut alice = Person::login(&prosody, "alice").await;
    alice.enter().await;
    alice.say(ROOM, "groupchat", "n1", "nocbot, arp r1").await;
    alice.until("▸ arp r1").await;
    alice.say("nocbot@noc.test", "chat", "n2", "mac r1").await;
    alice.until("▸ mac r1").await;
    assert_eq!(bot.board.links()["xmpp"].reconnects, 1);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_is_wrong() {
    let Some(prosody) = Prosody::new() else { return };
    let findings = Xmpp::new(prosody.settings("pw-of-it"), Arc::default()).check().await;
    assert!(findings.iter().all(|f| f.ok) && findings.iter().any(|f| f.what.contains(ROOM)), "{findings:?}");
    let findings = Xmpp::new(prosody.settings("wrong"), Arc::default()).check().await;
    assert!(findings.iter().any(|f| !f.ok && f.what.contains("not-authorized")), "{findings:?}");
    let stranger = Settings { net: Net::new(None, None).unwrap(), ..prosody.settings("pw-of-it") };
    let findings = Xmpp::new(stranger, Arc::default()).check().await;
    assert!(findings.iter().any(|f| !f.ok && f.what.contains("TLS")), "{findings:?}");
}
