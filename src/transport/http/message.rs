//! What is asked over HTTPS, and what comes back.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderName;
use hyper::{HeaderMap, Method, StatusCode};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The method; only GET, HEAD and OPTIONS are repeated when a warm connection turns out to be dead.
    pub method: Method,
    /// Path and query, percent-encoded.
    pub path: String,
    /// The media types wanted.
    pub accept: &'static str,
    /// The body and its media type.
    pub body: Option<(Bytes, String)>,
    /// When to give up.
    pub deadline: Instant,
    /// Ends the request at once when cancelled.
    pub cancel: CancellationToken,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// From the first byte sent to the last one received; without connecting.
    pub took: Duration,
    /// Whether the connection had been open already.
    pub warm: bool,
}

impl Answer {
    /// A header's text; empty when there is none.
    pub fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// How far a request has come, for the failure when its time is up.
#[derive(Debug, Default)]
pub(super) struct Progress {
    stage: AtomicU8,
    received: AtomicUsize,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Others are before it.
    Waiting,
    /// TCP.
    Connecting,
    /// TLS.
    Securing,
    /// Sent; no word of the answer yet.
    Asked,
    /// In the body.
    Reading,
    /// The server wants to be asked again later.
    Pausing,
}

impl Progress {
    pub(super) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Waiting,
            1 => Stage::Connecting,
            2 => Stage::Securing,
            3 => Stage::Asked,
            4 => Stage::Reading,
            _ => Stage::Pausing,
        }
    }

    pub(super) fn receive(&self, bytes: usize) {
        self.received.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }
}
