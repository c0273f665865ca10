//! The WebSocket's protocol and its bounds.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nocbot::web::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::console;

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn ask(&mut self, id: &str, text: &str) {
        self.say(&json!({"ask": {"id": id, "text": text}})).await;
    }

    /// The next message of ours: its name and its content.
    pub async fn next(&mut self) -> (String, Value) {
        loop {
            let message = timeout(Duration::from_secs(10), self.0.next()).await.unwrap().unwrap().unwrap();
            if let Message::Text(text) = message {
                let Value::Object(mut object) = serde_json::from_str(&text).unwrap() else {
                    panic!("{text}")
                };
                assert_eq!(object.len(), 1, "{text}");
                let name = object.keys().next().unwrap().clone();
                let content = object.remove(&name).unwrap();
                return (name, content);
            }
        }
    }

    /// The next message of this name.
    pub async fn until(&mut self, name: &str) -> Value {
        loop {
            let (found, content) = self.next().await;
            if found == name {
                return content;
            }
        }
    }

    /// The close code with which the other side ended, `None` when it just dropped the connection.
    pub async fn ended(&mut self) -> Option<u16> {
        loop {
            match timeout(Duration::from_secs(10), self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

pub async fn open_with(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}/socket").into_client_request().unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    connect_async(request).await.map(|(socket, _)| Socket(socket))
}

pub async fn open(address: SocketAddr) -> Socket {
    open_with(address, &[]).await.unwrap()
}

/// The status with which a WebSocket is refused.
pub async fn refusal(address: SocketAddr, headers: &[(&str, &str)]) -> u16 {
    match open_with(address, headers).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn hello_tells_what_can_be_said() {
    let console = console(None, Limits::default()).await;
    let (name, hello) = open(console.address).await.next().await;
    assert_eq!(name, "hello");
    assert_eq!(hello["devices"], 6);
    assert_eq!(hello["verbs"][4]["name"], "vrf");
    assert_eq!(hello["verbs"][4]["examples"][0], "vrf r1");
    assert_eq!((&hello["message"], &hello["questions"]), (&json!(16384), &json!(8)));
}

#[tokio::test]
async fn a_foreign_page_has_no_socket() {
    let console = console(None, Limits::default()).await;
    for foreign in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("host", "rebound.example"),
        ("origin", "http://127.0.0.1:1"),
    ] {
        assert_eq!(refusal(console.address, &[foreign]).await, 403, "{foreign:?}");
    }
    let own = format!("http://{}", console.address);
    assert!(open_with(console.address, &[("origin", &own)]).await.is_ok());
}

#[tokio::test]
async fn a_question_has_one_answer() {
    let console = console(None, Limits::default()).await;
    let mut socket = open(console.address).await;
    socket.ask("c1", "vrf r1").await;
    let answer = socket.until("answer").await;
    assert_eq!(answer["id"], "c1");
    let table = &answer["answer"]["blocks"][0]["table"];
    assert_eq!(table["columns"][1], json!({"name": "vrf", "type": "text"}));
    assert_eq!(table["rows"][0][1], json!({"type": "text", "value": "BLUE"}));
    socket.ask("c2", "nonsense").await;
    let refused = socket.until("answer").await;
    assert_eq!(refused["answer"]["status"], "refused");
    assert_eq!(refused["answer"]["blocks"][0]["place"]["column"], 1);
}

#[tokio::test]
async fn progress_comes_first_and_cancel_keeps_what_there_is() {
    let console = console(None, Limits::default()).await;
    let mut socket = open(console.address).await;
    socket.ask("c1", "slow all").await;
    let progress = socket.until("progress").await;
    assert_eq!((&progress["id"], &progress["total"]), (&json!("c1"), &json!(6)));
    socket.say(&json!({"cancel": {"id": "c1"}})).await;
    let answer = socket.until("answer").await;
    assert_eq!(answer["answer"]["failures"][0]["kind"], "cancelled");
    assert_eq!(answer["answer"]["blocks"][0]["block"], "table");
    // Too late, and of a question that never was: no harm.
    socket.say(&json!({"cancel": {"id": "c1"}})).await;
    socket.ask("c1", "vrf r1").await;
    assert_eq!(socket.until("answer").await["answer"]["status"], "ok");
}

#[tokio::test]
async fn questions_in_flight_are_bounded_and_do_not_wait_for_each_other() {
    let console = console(None, Limits { questions: 2, ..Limits::default() }).await;
    let mut socket = open(console.address).await;
    socket.ask("a", "slow all").await;
    socket.ask("b", "vrf r1").await;
    assert_eq!(socket.until("answer").await["id"], "b");
    socket.ask("b", "slow all").await;
    socket.ask("c", "vrf r1").await;
    let error = socket.until("error").await;
    assert_eq!((&error["id"], &error["message"]), (&json!("c"), &json!("2 questions are already in flight")));
    socket.ask("a", "vrf r1").await;
    let error = socket.until("error").await;
    assert_eq!(
        (&error["id"], &error["message"]),
        (&Value::Null, &json!("a question `a` is already in flight"))
    );
}

#[tokio::test]
async fn a_closed_page_cancels_its_questions() {
    let console = console(None, Limits::default()).await;
    let mut socket = open(console.address).await;
    socket.ask("a", "slow all").await;
    socket.until("progress").await;
    drop(socket);
    for _ in 0..100 {
        if console.desk.cancelled.load(Ordering::SeqCst) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the question is still running");
}

#[tokio::test]
async fn completions_are_offered() {
    let console = console(None, Limits::default()).await;
    let mut socket = open(console.address).await;
    socket.say(&json!({"complete": {"id": "k1", "text": "vrf r"}})).await;
    let found = socket.until("completions").await;
    assert_eq!(found["id"], "k1");
    assert_eq!(found["items"][0], json!({"text": "r1", "start": 4, "help": "10.0.0.1, frr"}));
}

#[tokio::test]
async fn nonsense_is_answered_and_does_not_end_the_socket() {
    let console = console(None, Limits::default()).await;
    let mut socket = open(console.address).await;
    let long = "x".repeat(20_000);
    let emoji = "🦀".repeat(10_000);
    for message in [
        json!({"shout": {}}),
        json!([]),
        json!({"ask": {"id": "", "text": "vrf r1"}}),
        json!({"ask": {"id": "x".repeat(65), "text": "vrf r1"}}),
        json!({"ask": {"id": "long", "text": long}}),
        json!({"ask": {"id": "emoji", "text": emoji}}),
    ] {
        socket.say(&message).await;
        let error = socket.until("error").await;
        let expected = if message["ask"]["text"] == "vrf r1" { &Value::Null } else { &message["ask"]["id"] };
        assert_eq!(&error["id"], expected, "{error}");
    }
    socket.0.send(Message::binary(vec![0, 1, 2])).await.unwrap();
    socket.until("error").await;
    socket.0.send(Message::text("{\"ask\"")).await.unwrap();
    socket.until("error").await;
    socket.ask("null", "\0\u{202e}; reload | redirect").await;
    assert_eq!(socket.until("answer").await["answer"]["status"], "refused");
    // Far over the limit nothing is read any more.
    let _ = socket.0.send(Message::text("x".repeat(300_000))).await;
    socket.ended().await;
}

#[tokio::test]
async fn a_fault_of_ours_is_told() {
    let console = console(None, Limits::default()).await;
    let mut socket = open(console.address).await;
    socket.ask("a", "panic").await;
    assert_eq!(socket.until("error").await["id"], "a");
    socket.ask("a", "vrf r1").await;
    socket.until("answer").await;
}

#[tokio::test]
async fn a_page_that_answers_no_ping_is_dropped() {
    let limits = Limits {
        heartbeat: Duration::from_millis(50),
        silence: Duration::from_millis(300),
        ..Limits::default()
    };
    let console = console(None, limits).await;
    // Answers pings for longer than the silence that is allowed, so it stays.
    let mut alive = open(console.address).await;
    alive.until("hello").await;
    let _ = timeout(Duration::from_millis(900), alive.0.next()).await;
    let pings = timeout(Duration::from_millis(900), async { while alive.0.next().await.is_some() {} }).await;
    assert!(pings.is_err(), "a living page was dropped");

    let mut mute = raw(&console).await;
    let mut rest = Vec::new();
    timeout(Duration::from_secs(5), mute.read_to_end(&mut rest)).await.expect("it was not dropped").unwrap();
}

#[tokio::test]
async fn a_page_that_takes_nothing_is_dropped() {
    let console = console(None, Limits { write: Duration::from_millis(300), ..Limits::default() }).await;
    let mut slow = raw(&console).await;
    // Answers that nobody reads, until the network's buffers are full.
    for n in 0..200_u32 {
        let text = format!("{{\"ask\":{{\"id\":\"{n:04}\",\"text\":\"big 5000\"}}}}");
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        if slow.write_all(&frame).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it was not dropped");
}

#[tokio::test]
async fn sockets_are_bounded() {
    let console = console(None, Limits { sockets: 1, ..Limits::default() }).await;
    let first = open(console.address).await;
    assert_eq!(refusal(console.address, &[]).await, 503);
    drop(first);
    for _ in 0..100 {
        if open_with(console.address, &[]).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the place was not given back");
}

/// A WebSocket whose other end is nobody: it never reads and never answers.
async fn raw(console: &super::Console) -> TcpStream {
    let mut stream = TcpStream::connect(console.address).await.unwrap();
    let request = format!(
        "GET /socket HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        console.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 101");
    stream
}
