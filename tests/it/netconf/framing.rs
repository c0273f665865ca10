//! Servers whose framing is at fault: right text or one clear error, and no wait.

use std::time::{Duration, Instant};

use nocbot::error::FailureKind;
use nocbot::transport::netconf::{Operation, Settings};

use super::server::{BASE, Server, reply};
use super::{ask, netconf, netconf_with, settings};

fn get() -> Operation {
    Operation::get(None)
}

/// A server that answers the first request with these bytes, and then waits or goes.
async fn bytes(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + Clone + 'static, hold: bool) -> Server {
    Server::start(move |mut peer| {
        let answer = answer.clone();
        async move {
            peer.hello(&[]).await;
            let Some(id) = peer.request().await else { return };
            peer.raw(answer(&id)).await;
            if hold {
                peer.gone().await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn any_chunks_and_any_pieces_make_the_same_reply() {
    let text = "<data>&lt;ü&gt; <![CDATA[ ]]>]]&gt;]]&gt; \n##\n \n#4\n </data>";
    let server = Server::start(move |mut peer| async move {
        peer.hello(&[]).await;
        let id = peer.request().await.unwrap();
        let message = reply(&id, text);
        // Chunks of three bytes, which cut the letters of UTF-8 as well, byte by byte on the wire.
        let mut framed = Vec::new();
        for chunk in message.as_bytes().chunks(3) {
            framed.extend(format!("\n#{}\n", chunk.len()).bytes());
            framed.extend(chunk);
        }
        framed.extend(b"\n##\n");
        for piece in framed.chunks(7) {
            peer.raw(piece).await;
        }
        let id = peer.request().await.unwrap();
        peer.reply(id, "<ok/>").await;
        peer.gone().await;
    })
    .await;
    let netconf = netconf();
    assert_eq!(ask(&netconf, server.port, get()).await.unwrap().text, reply(1, text));
    let second = ask(&netconf, server.port, get()).await.unwrap();
    assert_eq!((second.text, second.warm), (reply(2, "<ok/>"), true));
}

#[tokio::test]
async fn cut_in_the_middle_of_a_chunk() {
    let server = bytes(|id| format!("\n#1000\n{}", reply(id, "<data>")).into_bytes(), false).await;
    let failure = ask(&netconf(), server.port, get()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(
        failure.message.contains("in the middle of a chunk") && failure.message.contains("announced"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_chunk_header_that_lies() {
    // Too small: what follows is no header.
    let small = bytes(|id| format!("\n#30\n{}\n##\n", reply(id, "<data/>")).into_bytes(), true).await;
    let begun = Instant::now();
    let failure = ask(&netconf(), small.port, get()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Parse);
    assert!(failure.message.contains("where a chunk header must be"), "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(2));

    // Too great: the server owes the rest and stays silent.
    let great = bytes(|id| format!("\n#500\n{}\n##\n", reply(id, "<data/>")).into_bytes(), true).await;
    let netconf = netconf_with(Settings { idle_timeout: Duration::from_millis(400), ..settings() });
    let failure = ask(&netconf, great.port, get()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("in the middle of a chunk"), "{failure}");
    assert!(failure.hint.unwrap().contains("may promise more"));

    // No number at all.
    for header in ["\n#0\n", "\n#-5\n", "\n#99999999999\n", "\n#x\n", "HTTP/1.1 400\r\n"] {
        let server = bytes(move |id| format!("{header}{}", reply(id, "<ok/>")).into_bytes(), true).await;
        let failure = ask(&netconf, server.port, get()).await.unwrap_err();
        assert!(failure.message.contains("where a chunk header must be"), "{header}: {failure}");
    }
}

#[tokio::test]
async fn a_reply_that_is_too_long_is_refused_at_once() {
    let tight = || netconf_with(Settings { max_message: 100_000, ..settings() });
    let server = bytes(|_| b"\n#4000000000\n<".to_vec(), true).await;
    let failure = ask(&tight(), server.port, get()).await.unwrap_err();
    assert!(failure.message.contains("longer than the limit of 100000 bytes"), "{failure}");
    assert!(failure.hint.unwrap().contains("filter"));

    // Without a header the bytes themselves tell.
    let server = Server::start(|mut peer| async move {
        peer.hello_of(&["urn:ietf:params:netconf:base:1.0"]).await;
        loop {
            peer.raw([b'x'; 1000]).await;
            tokio::task::yield_now().await;
        }
    })
    .await;
    let failure = ask(&tight(), server.port, get()).await.unwrap_err();
    assert!(failure.message.contains("longer than the limit"), "{failure}");
}

#[tokio::test]
async fn twenty_megabytes() {
    let row = "<interface><name>eth&amp;1</name><mtu>1500</mtu></interface>";
    let data = format!("<data>{}</data>", row.repeat(20 * 1024 * 1024 / row.len()));
    let wanted = reply(1, &data);
    let server = Server::answering(&[], move |_| data.clone()).await;
    let got = ask(&netconf(), server.port, get()).await.unwrap();
    assert!(got.text == wanted, "{} bytes", got.text.len());
}

#[tokio::test]
async fn the_end_mark_inside_of_a_message() {
    let inside = "<data><![CDATA[ a ]]>]]><![CDATA[ b ]]></data>";
    // Between chunks' headers it is only text.
    let server = Server::answering(&[], move |_| inside.to_owned()).await;
    assert_eq!(ask(&netconf(), server.port, get()).await.unwrap().text, reply(1, inside));

    // An old server that does so has cut its own message; also in a comment, where XML allows it.
    for text in [inside, "<data><!-- ]]>]]> --><a/></data>"] {
        let server = Server::start(move |mut peer| async move {
            peer.hello_of(&[&format!("{BASE}1.0")]).await;
            let id = peer.request().await.unwrap();
            peer.reply(id, text).await;
            peer.gone().await;
        })
        .await;
        let failure = ask(&netconf(), server.port, get()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Parse);
        assert!(failure.message.contains("sent a message that is no"), "{failure}");
    }
}
