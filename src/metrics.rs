//! How the links to chat platforms are doing, for `status`, `/healthz` and `/metrics`: one board,
//! written by whoever holds a link, read by everybody.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

/// One link to a chat platform.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Link {
    /// Whether the platform has said hello on it.
    pub up: bool,
    /// Since when it is as it is (RFC 3339, UTC).
    pub since: String,
    /// When something came over it last (RFC 3339, UTC); nothing before the first.
    pub last_event: Option<String>,
    /// How often it came back after having been up.
    pub reconnects: u64,
    /// Why it is down; nothing while it is up.
    pub error: Option<String>,
    /// Questions accepted.
    pub questions: u64,
    /// Answers delivered.
    pub answers: u64,
    /// Answers given up, because the platform refuses them for good.
    pub failed: u64,
    /// Events that came a second time and were dropped.
    pub duplicates: u64,
    /// Times that the platform asked to wait (HTTP 429).
    pub waits: u64,
    /// Accepted questions whose answer is not yet delivered.
    pub open: u64,
    /// Whether it has been up before; a link's first hello is no reconnect.
    #[serde(skip)]
    known: bool,
}

/// The links by name, and which of their calls a platform wants to be left until later.
#[derive(Debug, Default)]
pub struct Board {
    links: Mutex<BTreeMap<String, Link>>,
    closed: Mutex<Closed>,
    changed: Notify,
}

/// Until when a link's calls of one sort are left, in milliseconds since 1970, by `link/sort`.
pub type Closed = BTreeMap<String, i64>;

impl Board {
    /// The platform of a link wants calls of one sort to be left until then (milliseconds since 1970).
    pub fn close(&self, name: &str, lane: &str, until: i64) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = closed.entry(format!("{name}/{lane}")).or_insert(until);
        *entry = until.max(*entry);
        drop(closed);
        self.changed.notify_one();
    }

    /// Until when calls of one sort are left; nothing when they may be made.
    pub fn closed(&self, name: &str, lane: &str) -> Option<i64> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{name}/{lane}");
        let until = closed.get(&key).copied()?;
        if until <= jiff::Timestamp::now().as_millisecond() {
            closed.remove(&key);
            return None;
        }
        Some(until)
    }

    /// All that is left until later, after the next change: to be known after a restart.
    pub async fn closes(&self) -> Closed {
        self.changed.notified().await;
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What an earlier run was told.
    pub fn recall(&self, closed: Closed) {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).extend(closed);
    }

    /// Changes what stands about a link; the first time it is put on the board.
    pub fn update(&self, name: &str, change: impl FnOnce(&mut Link)) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let link = links.entry(name.to_owned()).or_insert_with(|| Link {
            since: now(),
            error: Some("connecting".into()),
            ..Link::default()
        });
        change(link);
    }

    /// The platform said hello.
    pub fn up(&self, name: &str) {
        self.update(name, |link| {
            if !link.up {
                link.since = now();
                link.reconnects += u64::from(link.known);
            }
            (link.up, link.known, link.error) = (true, true, None);
            link.last_event = Some(now());
        });
    }

    /// The link was lost, or could not be made.
    pub fn down(&self, name: &str, why: impl Into<String>) {
        self.update(name, |link| {
            if link.up {
                link.since = now();
            }
            link.up = false;
            link.error = Some(why.into());
        });
    }

    /// Something came over the link.
    pub fn event(&self, name: &str) {
        self.update(name, |link| link.last_event = Some(now()));
    }

    /// All links as they are now.
    pub fn links(&self) -> BTreeMap<String, Link> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether every link is up; true without links.
    pub fn healthy(&self) -> bool {
        self.links().values().all(|link| link.up)
    }

    /// In Prometheus' text format (version 0.0.4).
    pub fn exposition(&self, running: usize, up: Duration) -> String {
        type Read = fn(&Link) -> u64;
        const SERIES: [(&str, &str, &str, Read); 8] = [
            ("up", "gauge", "Whether the link is up", |link| u64::from(link.up)),
            ("reconnects_total", "counter", "Times the link came back", |link| link.reconnects),
            ("questions_total", "counter", "Questions accepted", |link| link.questions),
            ("answers_total", "counter", "Answers delivered", |link| link.answers),
            ("answers_failed_total", "counter", "Answers that the platform refused for good", |link| {
                link.failed
            }),
            ("duplicates_total", "counter", "Events dropped because they came before", |link| {
                link.duplicates
            }),
            ("rate_limited_total", "counter", "Times the platform asked to wait", |link| link.waits),
            ("open", "gauge", "Questions whose answer is not yet delivered", |link| link.open),
        ];
        let links = self.links();
        let mut out = String::new();
        let _ =
            writeln!(out, "# HELP nocbot_uptime_seconds Since the start\n# TYPE nocbot_uptime_seconds gauge");
        let _ = writeln!(out, "nocbot_uptime_seconds {}", up.as_secs());
        let _ = writeln!(out, "# HELP nocbot_questions_running Questions being answered");
        let _ = writeln!(out, "# TYPE nocbot_questions_running gauge\nnocbot_questions_running {running}");
        for (name, kind, help, read) in SERIES {
            if links.is_empty() {
                continue;
            }
            let _ = writeln!(out, "# HELP nocbot_chat_{name} {help}\n# TYPE nocbot_chat_{name} {kind}");
            for (link, state) in &links {
                let _ = writeln!(out, "nocbot_chat_{name}{{platform=\"{link}\"}} {}", read(state));
            }
        }
        if !links.is_empty() {
            let _ = writeln!(out, "# HELP nocbot_chat_last_event_timestamp_seconds Last event of the link");
            let _ = writeln!(out, "# TYPE nocbot_chat_last_event_timestamp_seconds gauge");
        }
        for (link, state) in &links {
            let at = state.last_event.as_ref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
            if let Some(at) = at {
                let _ = writeln!(
                    out,
                    "nocbot_chat_last_event_timestamp_seconds{{platform=\"{link}\"}} {}",
                    at.as_second()
                );
            }
        }
        out
    }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hello_is_no_reconnect() {
        let board = Board::default();
        board.down("slack", "no route");
        assert!(!board.healthy());
        board.up("slack");
        board.down("slack", "cut");
        board.up("slack");
        let link = board.links()["slack"].clone();
        assert!(link.up && link.error.is_none() && link.reconnects == 1);
        let text = board.exposition(2, Duration::from_secs(5));
        assert!(text.contains("nocbot_chat_up{platform=\"slack\"} 1\n"), "{text}");
        assert!(text.contains("nocbot_questions_running 2\n"));
    }
}
