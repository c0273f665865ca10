//! The web console over HTTP and WebSocket.

pub mod desk;
mod http;
pub mod socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use desk::FakeDesk;
use http::{get, send};
use nocbot::secret::Secret;
use nocbot::web::{Limits, Options, Serving, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A console on a free port of loopback; it ends with the value.
pub struct Console {
    pub address: SocketAddr,
    pub desk: Arc<FakeDesk>,
    pub serving: Serving,
    pub stop: DropGuard,
}

pub async fn console(token: Option<&str>, limits: Limits) -> Console {
    let desk = FakeDesk::new();
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        token: token.map(Secret::new),
        limits,
        ..Options::default()
    };
    let shutdown = CancellationToken::new();
    let serving = serve(Arc::clone(&desk), options, shutdown.clone()).await.unwrap();
    Console { address: serving.address, desk, serving, stop: shutdown.drop_guard() }
}

/// Opens a session and gives its cookie.
async fn login(address: SocketAddr, token: &str) -> Result<String, u16> {
    let body = format!("{{\"token\": \"{token}\"}}");
    let response = send(address, "POST /session", &["Content-Type: application/json"], &body).await;
    match response.status {
        204 => Ok(response.header("set-cookie").unwrap().to_owned()),
        status => Err(status),
    }
}

#[tokio::test]
async fn the_page_is_served_with_its_headers() {
    let console = console(None, Limits::default()).await;
    let page = get(console.address, "/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");

    let script = get(console.address, "/app.js").await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(
        get(console.address, "/style.css").await.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    for path in
        ["/nothing", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/tsconfig.json", "/index", "//", "/answers"]
    {
        let response = get(console.address, path).await;
        assert_eq!(response.status, 404, "{path}");
        assert!(response.header("content-security-policy").is_some());
    }
    assert_eq!(send(console.address, "DELETE /", &[], "").await.status, 405);
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let console = console(None, Limits::default()).await;
    let first = get(console.address, "/app.js").await;
    let tag = first.header("etag").unwrap();
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let again = send(console.address, "GET /app.js", &[&format!("If-None-Match: {tag}")], "").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = send(console.address, "GET /app.js", &["If-None-Match: \"other\""], "").await;
    assert_eq!((other.status, other.body.len()), (200, first.body.len()));
    let head = send(console.address, "HEAD /app.js", &[], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_everywhere() {
    let console = console(None, Limits::default()).await;
    let origin = format!("Origin: http://{}", console.address);
    for path in ["/", "/socket", "/session", "/answers/1.csv", "/healthz", "/app.js"] {
        let request = format!("GET {path}");
        for foreign in
            ["Host: rebound.example", "Host: 192.0.2.1", "Origin: http://evil.example", "Origin: null"]
        {
            let response = send(console.address, &request, &[foreign], "").await;
            assert_eq!(response.status, 403, "{path} {foreign}");
            assert!(response.text().starts_with("refused: "), "{}", response.text());
        }
        assert_ne!(send(console.address, &request, &[&origin], "").await.status, 403, "{path}");
    }
    let response = send(console.address, "GET /", &["Host: noc.example.net:8008"], "").await;
    assert!(response.text().contains("`noc.example.net`") && response.text().contains("console.hosts"));
}

#[tokio::test]
async fn health_needs_no_token() {
    let console = console(Some("correct horse"), Limits::default()).await;
    let health = get(console.address, "/healthz").await;
    assert_eq!((health.status, health.text()), (200, "{\"status\":\"ok\"}"));
    assert_eq!(get(console.address, "/").await.status, 200);
    assert_eq!(get(console.address, "/session").await.status, 401);
}

#[tokio::test]
async fn answers_are_downloaded_as_files() {
    let console = console(None, Limits::default()).await;
    assert_eq!(get(console.address, "/answers/1.csv").await.status, 404);
    let mut socket = socket::open(console.address).await;
    socket.ask("c1", "vrf r1").await;
    let answer = socket.until("answer").await;
    let id = answer["answer"]["id"].as_str().unwrap();
    let csv = get(console.address, &format!("/answers/{id}.csv")).await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(
        csv.header("content-disposition"),
        Some(format!("attachment; filename=\"nocbot-{id}.csv\"").as_str())
    );
    assert!(csv.text().starts_with("device,vrf,rd,protocols,interfaces\r\n"), "{}", csv.text());
    let json = get(console.address, &format!("/answers/{id}.json")).await;
    let value: serde_json::Value = serde_json::from_str(json.text()).unwrap();
    assert_eq!(value["rows"][0]["vrf"], "BLUE");
    assert!(get(console.address, &format!("/answers/{id}.txt")).await.text().contains("BLUE"));
    assert_eq!(get(console.address, "/answers/..%2f1.csv").await.status, 404);
}

#[tokio::test]
async fn the_token_guards_everything_but_the_page() {
    let console = console(Some("correct horse"), Limits::default()).await;
    let address = console.address;
    assert_eq!(get(address, "/answers/1.csv").await.status, 401);
    assert_eq!(socket::refusal(address, &[]).await, 401);
    assert_eq!(login(address, "battery staple").await, Err(401));

    let cookie = login(address, "correct horse").await.unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let header = format!("Cookie: {}", cookie.split(';').next().unwrap());
    assert_eq!(send(address, "GET /session", &[&header], "").await.status, 204);
    assert_eq!(send(address, "GET /answers/1.csv", &[&header], "").await.status, 404);
    let mut socket = socket::open_with(address, &[("cookie", &header[8..])]).await.unwrap();
    socket.ask("c1", "vrf r1").await;
    socket.until("answer").await;

    assert_eq!(send(address, "DELETE /session", &[&header], "").await.status, 204);
    assert_eq!(send(address, "GET /session", &[&header], "").await.status, 401);
}

#[tokio::test]
async fn guessing_the_token_is_slowed_down() {
    let console = console(Some("correct horse"), Limits::default()).await;
    for _ in 0..5 {
        assert_eq!(login(console.address, "wrong").await, Err(401));
    }
    assert_eq!(login(console.address, "correct horse").await, Err(429));
}

#[tokio::test]
async fn a_login_is_json_of_our_page() {
    let console = console(Some("correct horse"), Limits::default()).await;
    let body = "{\"token\": \"correct horse\"}";
    // A foreign form can send text/plain without asking; it cannot send JSON.
    let plain = send(console.address, "POST /session", &["Content-Type: text/plain"], body).await;
    assert_eq!(plain.status, 415);
    let huge = format!("{{\"token\": \"{}\"}}", "x".repeat(10_000));
    let json = ["Content-Type: application/json"];
    assert_eq!(send(console.address, "POST /session", &json, &huge).await.status, 413);
    assert_eq!(send(console.address, "POST /session", &json, "{").await.status, 400);
}

#[tokio::test]
async fn a_token_is_made_where_others_can_connect() {
    let options = Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::default() };
    let stop = CancellationToken::new();
    let serving = serve(FakeDesk::new(), options.clone(), stop.clone()).await.unwrap();
    assert!(serving.generated);
    assert_eq!(serving.url(), format!("http://127.0.0.1:{}/", serving.address.port()));
    let token = serving.token.clone().unwrap();
    assert!(!format!("{serving:?}").contains(token.expose()));
    let address = SocketAddr::from(([127, 0, 0, 1], serving.address.port()));
    assert_eq!(get(address, "/session").await.status, 401);
    assert!(login(address, token.expose()).await.is_ok());
    stop.cancel();
    serving.stopped().await;

    let empty = Options { token: Some(Secret::new(" ")), ..options };
    let error = serve(FakeDesk::new(), empty, CancellationToken::new()).await.unwrap_err();
    assert!(error.report().contains("console.token"), "{}", error.report());
}

#[tokio::test]
async fn an_address_in_use_is_told_with_its_address() {
    let console = console(None, Limits::default()).await;
    let options = Options { listen: console.address, ..Options::default() };
    let error = serve(FakeDesk::new(), options, CancellationToken::new()).await.unwrap_err();
    assert!(error.message().contains(&console.address.to_string()), "{error}");
    assert!(error.report().contains("console.listen"));
}

#[tokio::test]
async fn a_client_that_says_nothing_is_dropped_and_a_full_house_waits() {
    let limits = Limits { connections: 2, head: Duration::from_millis(300), ..Limits::default() };
    let console = console(None, limits).await;
    let mut idle = TcpStream::connect(console.address).await.unwrap();
    let mut half = TcpStream::connect(console.address).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    // Both slots are taken; the third is served as soon as one of them has been dropped.
    let page = timeout(Duration::from_secs(5), get(console.address, "/")).await.unwrap();
    assert_eq!(page.status, 200);
    let mut rest = Vec::new();
    timeout(Duration::from_secs(5), half.read_to_end(&mut rest)).await.unwrap().unwrap();
    timeout(Duration::from_secs(5), idle.read_to_end(&mut rest)).await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_ends_every_connection() {
    let Console { address, desk, serving, stop } = console(None, Limits::default()).await;
    let mut socket = socket::open(address).await;
    socket.ask("c1", "slow all").await;
    socket.until("progress").await;
    drop(stop);
    let answer = socket.until("answer").await;
    assert_eq!(answer["answer"]["status"], "partial");
    assert_eq!(socket.ended().await, Some(1001));
    timeout(Duration::from_secs(5), serving.stopped()).await.unwrap();
    assert_eq!(desk.busy.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert!(TcpStream::connect(address).await.is_err());
}
