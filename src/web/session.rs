//! The token, the sessions that it opens, and how often it may be guessed.
//!
//! The page posts the token once; what the browser keeps is a random session in a cookie that no
//! script can read. Neither stands in a URL, so neither reaches a log or a history. Sessions live in
//! memory: after a restart the page asks again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::State;
use axum::http::header::{COOKIE, ORIGIN, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use tracing::{info, warn};

use super::Site;
use super::listen::Peer;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// A session ends this long after it was opened.
const LIFE: Duration = Duration::from_hours(24);
/// Sessions at a time; the oldest gives way.
const SESSIONS: usize = 1024;
/// Wrong tokens within [`WINDOW`] from one address, and from all of them together.
const TRIES: usize = 5;
const TRIES_OF_ALL: usize = 100;
const WINDOW: Duration = Duration::from_mins(1);

type Digest = [u8; 32];

/// Who may use the console.
pub(super) struct Sessions {
    /// The token's digest; none when the console is open to whoever reaches it.
    token: Option<Digest>,
    cookie: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Digest of the cookie's value, and since when. Looking a digest up tells nothing by its time.
    open: HashMap<Digest, Instant>,
    /// Wrong tokens of the last [`WINDOW`]; bounded by [`TRIES_OF_ALL`].
    wrong: Vec<(Instant, IpAddr)>,
}

/// How a login went.
#[derive(Debug, PartialEq, Eq)]
enum Login {
    /// The cookie's value.
    Open(String),
    Wrong,
    /// Too many wrong ones; try again after this.
    Wait(Duration),
}

/// A token that nobody guesses: 128 random bits, in a form that a phone's keyboard can bear.
pub(super) fn generate() -> Result<Secret> {
    random::<16>().map(|bytes| Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::new(Kind::Internal, "the operating system gave no random numbers"))?;
    Ok(bytes)
}

fn sha256(text: &str) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    out
}

impl Sessions {
    /// `port` makes the cookie's name: cookies are shared by all ports of a host.
    pub(super) fn new(token: Option<Secret>, port: u16) -> Self {
        Self {
            token: token.map(|token| sha256(token.expose().trim())),
            cookie: format!("nocbot-{port}"),
            inner: Mutex::default(),
        }
    }

    /// Whether a request with these headers may use the console.
    pub(super) fn admit(&self, headers: &HeaderMap) -> bool {
        self.token.is_none() || self.cookies(headers).any(|value| self.is_open(&value, Instant::now()))
    }

    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = Digest> + 'a {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|pairs| pairs.split(';'))
            .filter_map(|pair| pair.trim().strip_prefix(&self.cookie)?.strip_prefix('='))
            .map(sha256)
    }

    fn is_open(&self, session: &Digest, now: Instant) -> bool {
        self.lock().open.get(session).is_some_and(|since| now.duration_since(*since) < LIFE)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn login(&self, given: &str, peer: IpAddr, now: Instant) -> Result<Login> {
        let Some(token) = &self.token else { return Ok(Login::Open(String::new())) };
        let peer = network(peer);
        let mut inner = self.lock();
        inner.wrong.retain(|(at, _)| now.duration_since(*at) < WINDOW);
        let wait = |from: Option<&(Instant, IpAddr)>| {
            Ok(Login::Wait(from.map_or(WINDOW, |(at, _)| WINDOW.saturating_sub(now.duration_since(*at)))))
        };
        if inner.wrong.iter().filter(|(_, address)| *address == peer).count() >= TRIES {
            return wait(inner.wrong.iter().find(|(_, address)| *address == peer));
        }
        if inner.wrong.len() >= TRIES_OF_ALL {
            return wait(inner.wrong.first());
        }
        if verify_slices_are_equal(&sha256(given.trim()), token).is_err() {
            inner.wrong.push((now, peer));
            return Ok(Login::Wrong);
        }
        let session = URL_SAFE_NO_PAD.encode(random::<32>()?);
        inner.open.retain(|_, since| now.duration_since(*since) < LIFE);
        if inner.open.len() >= SESSIONS
            && let Some(oldest) = inner.open.iter().min_by_key(|(_, since)| **since).map(|(key, _)| *key)
        {
            inner.open.remove(&oldest);
        }
        inner.open.insert(sha256(&session), now);
        Ok(Login::Open(session))
    }
}

/// One guesser: an IPv4 address, or the /64 that an IPv6 host has for itself.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
        ip @ IpAddr::V4(_) => ip,
    }
}

/// What the page posts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    token: String,
}

/// `GET /session`: 204 when the page may go on, 401 when it must ask for the token.
pub(super) async fn known(State(site): State<Arc<Site>>, headers: HeaderMap) -> StatusCode {
    if site.sessions.admit(&headers) { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
}

/// `POST /session {"token": …}`: 204 with the cookie, 401 for a wrong token, 429 after too many.
pub(super) async fn open(
    State(site): State<Arc<Site>>,
    axum::Extension(Peer(peer)): axum::Extension<Peer>,
    headers: HeaderMap,
    Json(Token { token }): Json<Token>,
) -> Response {
    let token = Secret::new(token);
    match site.sessions.login(token.expose(), peer.ip(), Instant::now()) {
        Ok(Login::Open(session)) => {
            info!(peer = %peer.ip(), "console session opened");
            (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie(&site, &headers, &session, LIFE))]).into_response()
        }
        Ok(Login::Wrong) => {
            warn!(peer = %peer.ip(), "wrong console token");
            (StatusCode::UNAUTHORIZED, "that is not the token\n").into_response()
        }
        Ok(Login::Wait(time)) => {
            let seconds = (time.as_secs() + 1).to_string();
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)], "too many wrong tokens\n")
                .into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// `DELETE /session`: ends the session, here and in the browser.
pub(super) async fn close(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let ended: Vec<Digest> = site.sessions.cookies(&headers).collect();
    site.sessions.lock().open.retain(|session, _| !ended.contains(session));
    (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie(&site, &headers, "", Duration::ZERO))]).into_response()
}

/// `Secure` where the page came over TLS, which only a proxy in front of us can have done.
fn cookie(site: &Site, headers: &HeaderMap, value: &str, life: Duration) -> String {
    let tls = headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
        site.sessions.cookie,
        life.as_secs(),
        if tls { "; Secure" } else { "" }
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn with_cookie(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, value.parse().unwrap())])
    }

    fn sessions() -> Sessions {
        Sessions::new(Some(Secret::new("correct horse")), 8008)
    }

    #[test]
    fn a_session_is_opened_by_the_token_alone_and_ends() {
        let sessions = sessions();
        let (peer, now) = ("192.0.2.1".parse().unwrap(), Instant::now());
        assert_eq!(sessions.login("correct hors", peer, now).unwrap(), Login::Wrong);
        let Login::Open(value) = sessions.login("correct horse", peer, now).unwrap() else { panic!() };
        assert!(sessions.admit(&with_cookie(&format!("a=b; nocbot-8008={value}"))));
        assert!(!sessions.admit(&with_cookie(&format!("nocbot-8009={value}"))));
        assert!(!sessions.admit(&with_cookie("nocbot-8008=")));
        assert!(!sessions.admit(&HeaderMap::new()));
        assert!(!sessions.is_open(&sha256(&value), now + LIFE));
    }

    #[test]
    fn guessing_is_slow_for_one_and_for_many() {
        let sessions = sessions();
        let now = Instant::now();
        let peer: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbor: IpAddr = "2001:db8::ffff:2".parse().unwrap();
        for _ in 0..TRIES {
            assert_eq!(sessions.login("wrong", peer, now).unwrap(), Login::Wrong);
        }
        // The right token does not help either, or a guesser would learn of it.
        assert!(matches!(sessions.login("correct horse", neighbor, now).unwrap(), Login::Wait(_)));
        assert!(matches!(sessions.login("correct horse", peer, now + WINDOW).unwrap(), Login::Open(_)));

        let later = now + WINDOW;
        for host in 0..TRIES_OF_ALL {
            let peer = IpAddr::V4((0x0a00_0000 + u32::try_from(host).unwrap()).into());
            assert_eq!(sessions.login("wrong", peer, later).unwrap(), Login::Wrong);
        }
        let fresh: IpAddr = "192.0.2.9".parse().unwrap();
        assert!(matches!(sessions.login("wrong", fresh, later).unwrap(), Login::Wait(_)));
        assert_eq!(sessions.lock().wrong.len(), TRIES_OF_ALL);
    }

    #[test]
    fn sessions_are_bounded() {
        let sessions = sessions();
        let (peer, now) = ("192.0.2.1".parse().unwrap(), Instant::now());
        for number in 0..SESSIONS + 10 {
            let at = now + Duration::from_millis(u64::try_from(number).unwrap());
            sessions.login("correct horse", peer, at).unwrap();
        }
        assert_eq!(sessions.lock().open.len(), SESSIONS);
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(generate().unwrap(), generate().unwrap());
        assert!(generate().unwrap().expose().len() >= 22);
    }
}
