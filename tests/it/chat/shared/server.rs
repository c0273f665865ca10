//! A small HTTP and WebSocket server on loopback, for the stand-ins of the platforms.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as Upgrade, Response};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path without the query.
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn form(&self) -> BTreeMap<String, String> {
        decode(&String::from_utf8_lossy(&self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// An answer; without a status the connection is cut instead.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("Content-Type".into(), "application/json".into())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    pub fn cut() -> Self {
        Self { status: 0, headers: Vec::new(), body: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }
}

pub fn decode(text: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(out).unwrap()
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (plain(k), plain(v))).collect()
}

/// What a platform's stand-in does.
pub trait Platform: Send + Sync + 'static {
    fn http(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply>;
    /// Whether the upgrade is accepted: `Err` with the status.
    fn admit(&self, request: &Request) -> Result<(), u16>;
    /// `Retry-After` of an upgrade that is refused.
    fn retry_after(&self) -> Option<u64> {
        None
    }
    fn socket(
        self: Arc<Self>,
        request: Request,
        socket: WebSocketStream<TcpStream>,
    ) -> BoxFuture<'static, ()>;
}

pub struct Server {
    pub address: SocketAddr,
    _stop: DropGuard,
}

/// Serves until the value is dropped.
pub async fn serve<P: Platform>(platform: Arc<P>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(token.clone().run_until_cancelled_owned(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = connection(Arc::clone(&platform), stream);
            tokio::spawn(token.clone().run_until_cancelled_owned(connection));
        }
    }));
    Server { address, _stop: stop.drop_guard() }
}

async fn connection<P: Platform>(platform: Arc<P>, mut stream: TcpStream) {
    loop {
        // The head is only looked at: an upgrade is read by the WebSocket's own code.
        let mut buffer = vec![0; 16 * 1024];
        let head = loop {
            let Ok(count) = stream.peek(&mut buffer).await else { return };
            if count == 0 {
                return;
            }
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if let Some(end) = text.find("\r\n\r\n") {
                break text[..end + 4].to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        };
        let mut request = parse(&head);
        if request.header("upgrade").eq_ignore_ascii_case("websocket") {
            let verdict = platform.admit(&request);
            let wait = platform.retry_after();
            #[allow(clippy::result_large_err, reason = "the library's own type")]
            let callback = |upgrade: &Upgrade, mut response: Response| {
                if let Some(protocol) = upgrade.headers().get("sec-websocket-protocol") {
                    response.headers_mut().insert("sec-websocket-protocol", protocol.clone());
                }
                match verdict {
                    Ok(()) => Ok(response),
                    Err(status) => {
                        let mut refused = ErrorResponse::new(None);
                        *refused.status_mut() = status.try_into().unwrap();
                        if let Some(wait) = wait {
                            refused.headers_mut().insert("retry-after", wait.into());
                        }
                        Err(refused)
                    }
                }
            };
            if let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, callback).await {
                platform.socket(request, socket).await;
            }
            return;
        }
        let mut skip = vec![0; head.len()];
        stream.read_exact(&mut skip).await.unwrap();
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body = vec![0; length];
        let read = if request.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            chunks(&mut stream, &mut request.body).await
        } else {
            stream.read_exact(&mut request.body).await.map(drop)
        };
        if read.is_err() {
            return;
        }
        let reply = Arc::clone(&platform).http(request).await;
        if reply.status == 0 {
            return;
        }
        let mut out = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in reply.headers {
            let _ = write!(out, "{name}: {value}\r\n");
        }
        out.push_str("\r\n");
        let mut out = out.into_bytes();
        out.extend(reply.body);
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}

/// A body in chunks (RFC 9112, 7.1), without trailers.
async fn chunks(stream: &mut TcpStream, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(stream.read_u8().await?);
        }
        let size = String::from_utf8_lossy(&line);
        let size = usize::from_str_radix(size.trim().split(';').next().unwrap(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).await?;
        if size == 0 {
            return Ok(());
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

fn parse(head: &str) -> Request {
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let method = first.next().unwrap().to_owned();
    let target = first.next().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Request { method, path: path.to_owned(), query: decode(query), headers, body: Vec::new() }
}
