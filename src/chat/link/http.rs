//! HTTP/1.1 (RFC 9112) to a platform: connections are kept and used again, one request at a time each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::{Net, Trouble};

/// From the request to the last byte of its answer.
const WHOLE: Duration = Duration::from_secs(20);
/// The longest answer that is read.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// Connections without work that are kept, over all hosts.
const KEPT: usize = 16;
/// For how long: address translators forget a silent connection after a minute or more, and tell nobody.
const IDLE: Duration = Duration::from_secs(45);
const AGENT: &str = concat!("nocbot/", env!("CARGO_PKG_VERSION"));

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A connection without work.
#[derive(Debug)]
struct Kept {
    /// Where it leads.
    key: String,
    sender: SendRequest<Full<Bytes>>,
    since: Instant,
}

/// An HTTP client; clones share its connections.
#[derive(Clone, Debug)]
pub struct Http {
    net: Net,
    kept: Arc<Mutex<Vec<Kept>>>,
}

impl Http {
    /// A client that connects by `net`.
    pub fn new(net: Net) -> Self {
        Self { net, kept: Arc::default() }
    }

    /// One request and its whole answer, whatever its status.
    ///
    /// # Errors
    /// [`Trouble::Unreachable`] alone; it says whether the request may have been carried out.
    pub async fn send(
        &self,
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Reply, Trouble> {
        let host = uri.authority().map_or("", |authority| authority.as_str()).to_owned();
        let host = host.rsplit_once('@').map_or(host.as_str(), |(_, host)| host).to_owned();
        let doing = async {
            let mut request = Request::new(Full::new(body));
            *request.method_mut() = method;
            let path = uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
            *request.uri_mut() =
                path.parse().map_err(|_| Trouble::unsent("the request's path cannot be sent"))?;
            *request.headers_mut() = headers;
            request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
            let value = HeaderValue::from_str(&host).map_err(|_| Trouble::unsent("no such host"))?;
            request.headers_mut().insert(HOST, value);
            let key = format!("{}://{host}", uri.scheme_str().unwrap_or("https"));
            self.exchange(key, uri, request).await
        };
        tokio::time::timeout(WHOLE, doing).await.unwrap_or_else(|_| {
            Err(Trouble::Unreachable { why: format!("{host} gave no whole answer in 20 s"), sent: true })
        })
    }

    async fn exchange(
        &self,
        key: String,
        uri: &Uri,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Reply, Trouble> {
        loop {
            let (mut sender, old) = match self.take(&key) {
                Some(sender) => (sender, true),
                None => (self.open(uri).await?, false),
            };
            if sender.ready().await.is_err() {
                if old {
                    continue;
                }
                return Err(Trouble::unsent(format!("{key} closed the connection")));
            }
            let broken = |error: &hyper::Error| Trouble::Unreachable {
                why: format!("{key}: the connection broke: {error}"),
                sent: true,
            };
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => match error.take_message() {
                    // The server had closed a kept connection; nothing of the request was written.
                    Some(unsent) if old => {
                        request = unsent;
                        continue;
                    }
                    Some(_) => return Err(Trouble::unsent(format!("{key}: the connection broke"))),
                    None => return Err(broken(&error.into_error())),
                },
            };
            let (head, mut incoming) = response.into_parts();
            let mut body = BytesMut::new();
            while let Some(frame) = incoming.frame().await {
                let frame = frame.map_err(|error| broken(&error))?;
                if let Ok(data) = frame.into_data() {
                    if body.len() + data.len() > MAX_BODY {
                        return Err(Trouble::Refused(format!("{key}: the answer is longer than 8 MB")));
                    }
                    body.extend_from_slice(&data);
                }
            }
            self.keep(key, sender);
            return Ok(Reply { status: head.status, headers: head.headers, body: body.freeze() });
        }
    }

    async fn open(&self, uri: &Uri) -> Result<SendRequest<Full<Bytes>>, Trouble> {
        let stream = self.net.connect(uri).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Trouble::unsent(format!("no HTTP: {error}")))?;
        // Ends when the sender is dropped or the server closes.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn take(&self, key: &str) -> Option<SendRequest<Full<Bytes>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| !kept.sender.is_closed() && kept.since.elapsed() < IDLE);
        let at = kept.iter().rposition(|kept| kept.key == key)?;
        Some(kept.remove(at).sender)
    }

    fn keep(&self, key: String, sender: SendRequest<Full<Bytes>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(Kept { key, sender, since: Instant::now() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_was_silent_for_long_is_not_used_again() {
        let http = Http::new(Net::new(None, None).unwrap());
        let open = || async {
            let (near, far) = tokio::io::duplex(64);
            let (sender, connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
            let held = tokio::spawn(async move {
                let _far = far;
                let _ = connection.await;
            });
            (sender, held)
        };
        let (sender, _first) = open().await;
        http.keep("https://a".into(), sender);
        assert!(http.take("https://b").is_none());
        let sender = http.take("https://a").expect("it is kept");
        http.keep("https://a".into(), sender);
        let long_ago = Instant::now().checked_sub(IDLE).unwrap();
        http.kept.lock().unwrap()[0].since = long_ago;
        assert!(http.take("https://a").is_none());
    }
}
