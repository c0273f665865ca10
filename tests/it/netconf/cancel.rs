//! What becomes of a session whose question nobody waits for any more.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nocbot::error::FailureKind;
use nocbot::transport::netconf::{Filter, Operation};

use super::server::Server;
use super::{ask, element, netconf, request};

fn question(name: &str) -> Operation {
    Operation::get(Filter::Subtree(vec![element(&format!("<{name}/>"))]))
}

/// A server that answers everything but `slow`.
async fn server() -> Server {
    Server::start(|mut peer| async move {
        peer.hello(&[]).await;
        while let Some(message) = peer.message().await {
            let id = message.split("message-id=\"").nth(1).unwrap().split('"').next().unwrap();
            if message.contains("<quick/>") {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            if !message.contains("<slow/>") {
                peer.reply(id, "<ok/>").await;
            }
        }
    })
    .await
}

async fn wait_for(server: &Server, text: &str) {
    let begun = Instant::now();
    while server.count(text) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "no {text}: {:?}", server.heard.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_cancelled_question_kills_its_session() {
    let server = server().await;
    let netconf = netconf();
    let slow = request(server.port, question("slow"));
    let cancel = slow.cancel.clone();
    let task = tokio::spawn({
        let netconf = netconf.clone();
        async move { netconf.request(slow).await }
    });
    wait_for(&server, "<slow/>").await;
    let begun = Instant::now();
    cancel.cancel();
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    wait_for(&server, "<kill-session><session-id>1</session-id></kill-session>").await;
    // The second session was one more channel, not one more login.
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert!(ask(&netconf, server.port, question("other")).await.is_ok());
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn others_on_the_same_session_get_their_answers_first() {
    let server = server().await;
    let netconf = netconf();
    let mut slow = request(server.port, question("slow"));
    slow.deadline = tokio::time::Instant::now() + Duration::from_millis(400);
    let slow = tokio::spawn({
        let netconf = netconf.clone();
        async move { netconf.request(slow).await }
    });
    wait_for(&server, "<slow/>").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let quick = ask(&netconf, server.port, question("quick")).await;
    assert_eq!(slow.await.unwrap().unwrap_err().kind, FailureKind::Timeout);
    assert!(quick.is_ok());
    wait_for(&server, "<kill-session>").await;
    let order = server.heard.lock().unwrap().iter().position(|text| text.contains("<kill-session>"));
    assert!(order > server.heard.lock().unwrap().iter().position(|text| text.contains("<quick/>")));
}

#[tokio::test]
async fn who_shares_a_question_keeps_it_when_another_gives_up() {
    let server = Server::start(|mut peer| async move {
        peer.hello(&[]).await;
        while let Some(id) = peer.request().await {
            tokio::time::sleep(Duration::from_millis(400)).await;
            peer.reply(id, "<ok/>").await;
        }
    })
    .await;
    let netconf = netconf();
    let mut first = request(server.port, question("same"));
    first.deadline = tokio::time::Instant::now() + Duration::from_millis(200);
    let (first, second) = tokio::join!(netconf.request(first), ask(&netconf, server.port, question("same")));
    assert!(first.is_err() && second.is_ok());
    assert!(ask(&netconf, server.port, question("next")).await.unwrap().warm);
    assert_eq!(server.count("<same/>"), 1);
    assert_eq!(server.count("kill-session"), 0);
}
