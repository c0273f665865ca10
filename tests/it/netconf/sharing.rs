//! One session for many: pipelining, matching, one query for the same question, bounds, warmth.

use std::sync::atomic::Ordering;
use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::transport::netconf::{Filter, Operation, Settings};

use super::server::Server;
use super::{ask, element, netconf, netconf_with, request, settings};

/// A question that no other is the same as.
fn question(number: usize) -> Operation {
    Operation::get(Filter::Subtree(vec![element(&format!("<q>{number}</q>"))]))
}

/// A server that waits for `many` requests and then answers them, last first.
async fn backwards(many: usize) -> Server {
    Server::start(move |mut peer| async move {
        peer.hello(&[]).await;
        loop {
            let mut asked = Vec::new();
            while asked.len() < many {
                let Some(message) = peer.message().await else { return };
                asked.push(message);
            }
            for message in asked.iter().rev() {
                let id = message.split("message-id=\"").nth(1).unwrap().split('"').next().unwrap();
                let what = message.split("<q>").nth(1).unwrap().split('<').next().unwrap();
                peer.reply(id, &format!("<data>answer {what}</data>")).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn pipelined_requests_get_their_own_answers() {
    let server = backwards(8).await;
    let netconf = netconf();
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let (netconf, port) = (netconf.clone(), server.port);
            tokio::spawn(async move { ask(&netconf, port, question(number)).await })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        let text = task.await.unwrap().unwrap().text;
        assert!(text.contains(&format!("answer {number}<")), "{text}");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_same_question_is_asked_once() {
    let server = Server::start(|mut peer| async move {
        peer.hello(&[]).await;
        while let Some(id) = peer.request().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
            peer.reply(id, "<data/>").await;
        }
    })
    .await;
    let netconf = netconf();
    let many = |operation: Operation| {
        let tasks = (0..6).map(|_| ask(&netconf, server.port, operation.clone()));
        futures_util::future::join_all(tasks)
    };
    assert!(many(question(1)).await.iter().all(Result::is_ok));
    assert_eq!(server.count("<q>1</q>"), 1);
    // What a device's own RPC does is not known: each is sent.
    assert!(many(Operation::Rpc(element("<clear-counters/>"))).await.iter().all(Result::is_ok));
    assert_eq!(server.count("<clear-counters/>"), 6);
}

#[tokio::test]
async fn another_session_is_opened_when_all_are_full_and_a_crowd_is_refused() {
    let server = Server::start(|mut peer| async move {
        peer.hello(&[]).await;
        peer.gone().await;
    })
    .await;
    let netconf = netconf_with(Settings { pipeline: 2, max_per_device: 2, max_waiting: 1, ..settings() });
    // One deadline for all: who waits shall not outlive the others and get a place after all.
    let deadline = tokio::time::Instant::now() + Duration::from_millis(2500);
    let asked = |number| {
        let mut request = request(server.port, question(number));
        request.deadline = deadline;
        let netconf = netconf.clone();
        tokio::spawn(async move { netconf.request(request).await })
    };
    // Two on each session, and one that waits for a place.
    let tasks: Vec<_> = (0..5).map(asked).collect();
    let begun = std::time::Instant::now();
    while server.count("<q>") < 4 {
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", server.heard.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    let crowded = asked(9).await.unwrap().unwrap_err();
    assert!(crowded.message.contains("too many requests wait for r1"), "{crowded}");
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap_err().kind, FailureKind::Timeout);
    }
    assert_eq!(server.count("<q>"), 4, "{:#?}", server.heard.lock().unwrap().clone());
    netconf.close_all().await;
}

#[tokio::test]
async fn a_warm_session_that_died_is_replaced_for_questions_only() {
    // Each session answers once and ends at the second request.
    let server = Server::start(|mut peer| async move {
        peer.hello(&[]).await;
        let Some(id) = peer.request().await else { return };
        peer.reply(id, "<data/>").await;
        let _ = peer.request().await;
    })
    .await;
    let netconf = netconf();
    assert!(!ask(&netconf, server.port, question(1)).await.unwrap().warm);
    assert!(!ask(&netconf, server.port, question(2)).await.unwrap().warm);
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    let failure = ask(&netconf, server.port, Operation::Rpc(element("<reboot/>"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.message.contains("ended the NETCONF session"), "{failure}");
    assert!(failure.hint.unwrap().contains("unknown"));
    assert_eq!(server.count("<reboot/>"), 1);
}

#[tokio::test]
async fn idle_sessions_say_goodbye() {
    let answer = || Server::answering(&[], |_| "<ok/>".to_owned());
    let (one, two, three) = (answer().await, answer().await, answer().await);
    let netconf =
        netconf_with(Settings { keep_warm: Duration::from_millis(300), max_sessions: 1, ..settings() });
    ask(&netconf, one.port, question(1)).await.unwrap();
    assert!(ask(&netconf, one.port, question(2)).await.unwrap().warm);
    // There is room for one session: the idle one goes.
    ask(&netconf, two.port, question(1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(one.count("<close-session/>"), 1);
    // Too long without work.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(two.count("<close-session/>"), 1);
    // At the end.
    ask(&netconf, three.port, question(1)).await.unwrap();
    netconf.close_all().await;
    assert_eq!(three.count("<close-session/>"), 1);
}

#[tokio::test]
async fn one_login_is_tried_for_all_who_wait() {
    let server = Server::without().await;
    let netconf = netconf();
    let tasks = (0..6).map(|number| ask(&netconf, server.port, question(number)));
    let failures = futures_util::future::join_all(tasks).await;
    assert!(failures.iter().all(|one| one.as_ref().unwrap_err().kind == FailureKind::Unsupported));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}
