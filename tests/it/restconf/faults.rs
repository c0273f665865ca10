//! Servers that cut, lie, hang, flood or want to be left alone.

use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::transport::http::Settings;
use nocbot::transport::restconf::Restconf;
use tokio::time::Instant;

use super::server::{Server, Then, json};
use super::{File, ask, device, get, login, request};

fn raw(text: &str, then: Then) -> (Vec<u8>, Then) {
    (text.as_bytes().to_vec(), then)
}

#[tokio::test]
async fn answers_that_break_off_or_lie_are_failures() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/yang-data+json\r\n";
    for (rest, message) in [
        ("Content-Length: 100\r\n\r\n{\"m:a\": [", "broke off after 9 bytes: the connection ended there"),
        ("Transfer-Encoding: chunked\r\n\r\n9\r\n{\"m:a\": [\r\n", "broke off after 9 bytes"),
        ("Transfer-Encoding: chunked\r\n\r\n20\r\n{\"m:a\": [", "broke off after"),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "broke off after 0 bytes: "),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\n{\"a\": 1}\r\n0\r\n\r\n", "broke off after"),
        ("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}", "broke off after 0 bytes: "),
    ] {
        let server = Server::start(move |_, _| raw(&format!("{HEAD}{rest}"), Then::Cut)).await;
        let failure = ask(&server, "m:a").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Connect, "{rest}: {failure}");
        assert!(failure.message.contains(message), "{rest}: {failure}");
    }
    for (text, message) in [
        ("", "closed the connection without an answer"),
        ("HTTP/1.1 2", "closed the connection without an answer"),
        ("220 ftp ready\r\n\r\n", "does not answer in HTTP"),
    ] {
        let server = Server::start(move |_, _| raw(text, Then::Cut)).await;
        let failure = ask(&server, "m:a").await.unwrap_err();
        assert!(failure.message.contains(message), "{text}: {failure}");
    }
}

#[tokio::test]
async fn twenty_megabytes_come_whole_and_too_much_is_refused() {
    let big = format!("{{\"m:a\": \"{}\"}}", "x".repeat(20 << 20));
    let length = big.len();
    let chunked =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{big}\r\n0\r\n\r\n");
    let server = Server::start(
        move |head, _| if head.contains("m:a") { json(&big) } else { raw(&chunked, Then::Keep) },
    )
    .await;
    assert_eq!(ask(&server, "m:a").await.unwrap().text.len(), length);
    assert_eq!(ask(&server, "m:chunked").await.unwrap().text.len(), length);
    let ca = File::new(&server.ca);
    let small = Restconf::new(Settings { max_body: 1 << 20, ..Settings::default() });
    let device = device(login(&server, &ca));
    for (path, message) in
        [("m:a", "has 20971531 bytes; the limit is 1048576"), ("m:chunked", "is longer; the limit")]
    {
        let failure = get(&small, &device, path).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Rejected);
        assert!(failure.message.contains(message), "{failure}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline_or_when_cancelled() {
    for (text, message) in [
        ("", "did not answer within"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"m:a\"", "did not finish its answer within"),
    ] {
        let server = Server::start(move |_, _| raw(text, Then::Hang)).await;
        let ca = File::new(&server.ca);
        let restconf = Restconf::new(Settings::default());
        let mut asked = request(&device(login(&server, &ca)), "m:a");
        asked.deadline = Instant::now() + Duration::from_millis(700);
        let begun = Instant::now();
        let failure = restconf.get(asked.clone()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert!(failure.message.contains(message), "{failure}");
        assert!(begun.elapsed() < Duration::from_secs(5));

        asked.deadline = Instant::now() + Duration::from_mins(1);
        let cancel = asked.cancel.clone();
        let (failure, ()) = tokio::join!(restconf.get(asked), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            cancel.cancel();
        });
        assert_eq!(failure.unwrap_err().kind, FailureKind::Cancelled);
    }
    // One that does not even finish TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut login = nocbot::inventory::HttpsLogin { unverified: true, ..Default::default() };
    login.port = Some(listener.local_addr().unwrap().port());
    login.connect_timeout = Some(1);
    let failure = get(&Restconf::new(Settings::default()), &device(login), "m:a").await.unwrap_err();
    assert!(failure.message.contains("did not finish the TLS handshake within 1s"), "{failure}");
}

#[tokio::test]
async fn retry_after_is_obeyed_once_and_within_the_deadline() {
    let busy = |after: &str| {
        let head = format!("HTTP/1.1 503 Busy\r\nRetry-After: {after}\r\nContent-Length: 0\r\n\r\n");
        raw(&head, Then::Keep)
    };
    let server = Server::start(move |_, before| if before == 0 { busy("1") } else { json("{}") }).await;
    let begun = Instant::now();
    ask(&server, "m:a").await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    for after in ["Sun, 06 Nov 1994 08:49:37 GMT", "0"] {
        let server = Server::start(move |_, _| busy(after)).await;
        let failure = ask(&server, "m:a").await.unwrap_err();
        assert!(failure.message.contains("too busy for `m:a` (503)"), "{failure}");
        assert_eq!(server.asked().len(), 2, "{after}");
    }
    let server = Server::start(move |_, _| busy("3600")).await;
    let begun = Instant::now();
    ask(&server, "m:a").await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5), "a wait that is too long is not begun");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn connections_stay_warm_are_bounded_and_are_replaced_when_dead() {
    let server =
        Server::start(|head, _| if head.contains("m:last") { (json("{}").0, Then::Cut) } else { json("{}") })
            .await;
    let ca = File::new(&server.ca);
    let settings =
        Settings { keep_warm: Duration::from_millis(400), max_per_device: 2, ..Settings::default() };
    let (restconf, device) = (Restconf::new(settings), device(login(&server, &ca)));
    assert!(!get(&restconf, &device, "m:a").await.unwrap().warm);
    assert!(get(&restconf, &device, "m:a").await.unwrap().warm);
    // After this answer the server closes, which may be seen only when the next request breaks.
    get(&restconf, &device, "m:last").await.unwrap();
    assert!(!get(&restconf, &device, "m:a").await.unwrap().warm);
    assert_eq!(server.connections(), 2);

    let many = futures_util::future::join_all((0..20).map(|_| get(&restconf, &device, "m:a"))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(server.connections(), 3, "two at a time, one of them warm");

    tokio::time::sleep(Duration::from_millis(900)).await;
    assert!(!get(&restconf, &device, "m:a").await.unwrap().warm, "idle for too long");
    restconf.close_all().await;
    assert!(!get(&restconf, &device, "m:a").await.unwrap().warm);
}
