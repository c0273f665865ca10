//! Calls of a platform's HTTP interface: the token in its header, 429 obeyed to the second by everybody
//! who makes the same call, failures sorted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode, Uri};

use super::Trouble;
use super::http::{Http, Reply};
use crate::metrics::Board;
use crate::secret::Secret;

/// What is waited when the platform asks to wait and does not say how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(15);
/// No platform may keep us waiting longer without being asked again.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// One call.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// The whole address, or what follows the base.
    pub path: String,
    /// Content type and body; none for a call without.
    pub body: Option<(String, Bytes)>,
    /// Whether the token is sent.
    pub login: bool,
    /// Calls of one lane share the platform's limit.
    pub lane: &'static str,
}

impl Ask {
    /// A reading call.
    pub fn get(lane: &'static str, path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, login: true, lane }
    }

    /// A call with a JSON body.
    pub fn json(
        lane: &'static str,
        method: Method,
        path: impl Into<String>,
        body: &serde_json::Value,
    ) -> Self {
        let body = Some(("application/json; charset=utf-8".to_owned(), Bytes::from(body.to_string())));
        Self { method, path: path.into(), body, login: true, lane }
    }

    /// A call with a form's body.
    pub fn form(lane: &'static str, path: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let body = Some(("application/x-www-form-urlencoded".to_owned(), Bytes::from(encode(fields))));
        Self { method: Method::POST, path: path.into(), body, login: true, lane }
    }

    /// A form with files (RFC 7578).
    pub fn multipart(lane: &'static str, path: impl Into<String>, parts: &[Part<'_>]) -> Self {
        let longest = parts.iter().map(|part| part.body.len()).sum::<usize>();
        // A boundary that stands in no part.
        let mut boundary = format!("nocbot-{longest:x}");
        while parts.iter().any(|part| memchr::memmem::find(part.body, boundary.as_bytes()).is_some()) {
            boundary.push('x');
        }
        let mut body = Vec::with_capacity(longest + 512);
        for part in parts {
            let file = part.file.map(|(name, _)| format!("; filename=\"{name}\"")).unwrap_or_default();
            let kind = part.file.map(|(_, kind)| format!("\r\nContent-Type: {kind}")).unwrap_or_default();
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{file}{kind}\r\n\r\n",
                part.name
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(part.body);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let body = Some((format!("multipart/form-data; boundary={boundary}"), Bytes::from(body)));
        Self { method: Method::POST, path: path.into(), body, login: true, lane }
    }

    /// The same call without the token: to addresses that carry a ticket of their own.
    #[must_use]
    pub fn without_login(self) -> Self {
        Self { login: false, ..self }
    }
}

/// A part of a multipart body; names are ours, never a device's.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The field.
    pub name: &'a str,
    /// File name and content type, for a file.
    pub file: Option<(&'a str, &'a str)>,
    /// The bytes.
    pub body: &'a [u8],
}

/// A platform's HTTP interface.
#[derive(Debug)]
pub struct Rest {
    http: Http,
    base: String,
    token: RwLock<Option<Secret>>,
    turns: Mutex<HashMap<&'static str, Arc<tokio::sync::Mutex<()>>>>,
    name: &'static str,
    board: Arc<Board>,
}

impl Rest {
    /// The interface at `base` (without a slash at its end) of the link `name`.
    pub fn new(http: Http, base: &str, name: &'static str, board: Arc<Board>) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { http, base, token: RwLock::default(), turns: Mutex::default(), name, board }
    }

    /// The token of further calls.
    pub fn set_token(&self, token: Secret) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    /// Makes one call, after those of its lane that came before. Waits while the lane is closed; a 429 closes it for exactly as long as the
    /// platform says, and is given back as [`Trouble::Wait`].
    ///
    /// # Errors
    /// Everything but 2xx, sorted.
    pub async fn call(&self, ask: Ask) -> Result<Reply, Trouble> {
        // One call of a lane at a time: none is under way when the platform says to wait.
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(ask.lane).or_default())
        };
        let _turn = turn.lock().await;
        self.open(ask.lane).await;
        let uri = if ask.path.starts_with("http://") || ask.path.starts_with("https://") {
            ask.path.clone()
        } else {
            format!("{}{}", self.base, ask.path)
        };
        let uri: Uri =
            uri.parse().map_err(|_| Trouble::Refused("the call's address cannot be sent".into()))?;
        let mut headers = HeaderMap::new();
        if ask.login
            && let Some(token) = self.token.read().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|_| Trouble::Login("the token has characters that no header may hold".into()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let (kind, body) = ask.body.unwrap_or_default();
        if let Ok(kind) = HeaderValue::from_str(&kind)
            && !kind.is_empty()
        {
            headers.insert(CONTENT_TYPE, kind);
        }
        let reply = self.http.send(ask.method, &uri, headers, body).await?;
        self.judge(ask.lane, reply)
    }

    fn judge(&self, lane: &'static str, reply: Reply) -> Result<Reply, Trouble> {
        let status = reply.status;
        if status.is_success() {
            return Ok(reply);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::LOCKED {
            return Err(self.close(lane, wait_of(&reply.headers)));
        }
        let said = said(&reply.body);
        let why = format!("{} answered {}{said}", self.name, status.as_u16());
        Err(match status {
            StatusCode::UNAUTHORIZED => Trouble::Login(why),
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Trouble::Form(why),
            // The server failed, and does not say whether before or after doing it.
            _ if status.is_server_error() => Trouble::Unreachable { why, sent: true },
            _ => Trouble::Refused(why),
        })
    }

    /// Closes a lane for this long, also for the next run.
    pub fn close(&self, lane: &'static str, wait: Duration) -> Trouble {
        let wait = wait.min(LONGEST_WAIT);
        let milliseconds = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        self.board.close(self.name, lane, now().saturating_add(milliseconds).saturating_add(1));
        self.board.update(self.name, |link| link.waits += 1);
        Trouble::Wait(wait)
    }

    /// Waits until a lane is open.
    async fn open(&self, lane: &'static str) {
        while let Some(until) = self.board.closed(self.name, lane) {
            let left = u64::try_from(until - now()).unwrap_or(0);
            // A clock that was set back must not keep us waiting for a year.
            tokio::time::sleep(Duration::from_millis(left.max(1)).min(LONGEST_WAIT)).await;
        }
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// `Retry-After` in seconds (RFC 9110, 10.2.3).
pub fn wait_of(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    match seconds {
        // A little later than asked: clocks differ, and a request that is early counts again.
        Some(seconds) if (0.0..=1e6).contains(&seconds) => {
            (Duration::from_secs_f64(seconds) + Duration::from_millis(50)).min(LONGEST_WAIT)
        }
        _ => DEFAULT_WAIT,
    }
}

/// What a platform said about a refusal, for the log: its `message` and trace, nothing else.
fn said(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else { return String::new() };
    let mut out = String::new();
    for key in ["id", "message", "error", "trackingId"] {
        if let Some(text) = value.get(key).and_then(serde_json::Value::as_str) {
            let text: String = crate::text::clean_line(text).chars().take(200).collect();
            out.push_str(if out.is_empty() { ": " } else { ", " });
            out.push_str(&text);
        }
    }
    out
}

/// Sets a key of a JSON object; anything else stays as it is.
pub fn put(body: &mut serde_json::Value, key: &str, value: impl Into<serde_json::Value>) {
    if let Some(map) = body.as_object_mut() {
        map.insert(key.to_owned(), value.into());
    }
}

/// `application/x-www-form-urlencoded`.
pub fn encode(fields: &[(&str, &str)]) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        let _ = write!(out, "{name}=");
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_shorter_than_asked() {
        let mut headers = HeaderMap::new();
        assert_eq!(wait_of(&headers), DEFAULT_WAIT);
        headers.insert(RETRY_AFTER, HeaderValue::from_static("3"));
        assert!(wait_of(&headers) > Duration::from_secs(3));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        assert_eq!(wait_of(&headers), DEFAULT_WAIT);
    }

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(encode(&[("a", "b c&d"), ("e", "é")]), "a=b%20c%26d&e=%C3%A9");
    }

    #[test]
    fn a_boundary_stands_in_no_part() {
        let body = b"nocbot-8";
        let ask = Ask::multipart("x", "/", &[Part { name: "f", file: Some(("a.csv", "text/csv")), body }]);
        let (kind, sent) = ask.body.unwrap();
        assert!(kind.ends_with("boundary=nocbot-8x"), "{kind}");
        assert!(sent.ends_with(b"--nocbot-8x--\r\n"));
    }
}
