//! Through an HTTP CONNECT proxy: Web API and WebSocket alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nocbot::app::chats;
use nocbot::chat::Connector;
use nocbot::chat::link::Net;
use nocbot::chat::slack::{Settings, Slack};
use nocbot::metrics::Board;
use nocbot::secret::{Secret, SecretRef};
use nocbot::store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::chat::shared::stub::Stub;
use crate::chat::slack::fake::start;

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_through_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://noc:pw@{}", listener.local_addr().unwrap());
    let passed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&passed);
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                if !head.contains("Proxy-Authorization: Basic bm9jOnB3\r\n") {
                    stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
                    return;
                }
                let target = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap().to_owned();
                let mut behind = TcpStream::connect(target).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let _ = copy_bidirectional(&mut stream, &mut behind).await;
            });
        }
    });
    let running = start().await;
    let settings = |proxy: &str| Settings {
        api_url: format!("http://{}/api", running.server.address),
        bot_token: SecretRef::Plain(Secret::new("xoxb-1")),
        app_token: SecretRef::Plain(Secret::new("xapp-1")),
        allow: Vec::new(),
        net: Net::new(None, Some(proxy)).unwrap(),
    };
    let board = Arc::new(Board::default());
    let connector = Arc::new(Slack::new(settings(&proxy), Arc::clone(&board))) as Arc<dyn Connector>;
    let stop = CancellationToken::new();
    let store = Store::in_memory().unwrap();
    let talking = chats::run(vec![connector], Stub::new() as _, store, board, stop.clone());
    running.slack.until("link", 10, |slack| (slack.links() > 0).then_some(())).await;
    let ts = running.slack.mention("U1", "C1", "vrf r1");
    running.slack.answer(&ts).await;
    assert!(passed.load(Ordering::SeqCst) >= 2, "the WebSocket and the Web API");
    // A proxy that refuses is named; its password is not.
    let wrong = Slack::new(settings(&proxy.replace(":pw@", ":hunter2@")), Arc::default());
    let findings = wrong.check().await;
    assert!(findings.iter().any(|f| !f.ok && f.what.contains("407")), "{findings:?}");
    assert!(!format!("{findings:?}").contains("hunter2"));
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), talking.stopped()).await.unwrap();
    serving.abort();
}

#[tokio::test]
async fn one_that_cannot_be_made_does_not_keep_the_others_from_running() {
    let text = "chat:\n  slack: {bot_token: b, app_token: a, ca_file: no-such.pem}\n  mattermost: {url: 'http://127.0.0.1:9', token: t}\n";
    let environment = nocbot::secret::Environment::default();
    let config =
        nocbot::config::Config::read("nocbot.yaml", text, "/nowhere".as_ref(), &environment).unwrap();
    let built = chats::connectors(&config.chat, &Arc::default(), None).await;
    let [("slack", Err(error)), ("mattermost", Ok(mattermost))] = built.as_slice() else {
        panic!("{:?}", built.iter().map(|(name, built)| (name, built.is_ok())).collect::<Vec<_>>())
    };
    assert!(error.to_string().contains("/nowhere/no-such.pem"), "{error}");
    assert_eq!(mattermost.name(), "mattermost");
}
