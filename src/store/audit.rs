//! The audit log: one row per question, written before the first byte goes to a device.

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

use super::Store;
use crate::error::Result;

/// The tables; `IF NOT EXISTS` so that opening twice changes nothing.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    asked TEXT NOT NULL,
    way TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    place TEXT NOT NULL,
    text TEXT NOT NULL,
    question TEXT NOT NULL,
    devices TEXT NOT NULL,
    commands TEXT NOT NULL,
    ended TEXT,
    status TEXT,
    rows INTEGER,
    failures TEXT,
    took_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS audit_by_user ON audit (way, user_id, id);
";

/// A question that is about to be asked.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Entry {
    /// The way in.
    pub way: String,
    /// The asker's identity there.
    pub user_id: String,
    /// The asker's name.
    pub user_name: String,
    /// Where it was asked.
    pub place: String,
    /// As typed.
    pub text: String,
    /// As understood.
    pub question: String,
    /// The devices that will be asked.
    pub devices: Vec<String>,
    /// The command lines that will be sent, each once.
    pub commands: Vec<String>,
}

/// How a question ended.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// `ok`, `partial`, `failed`, `refused`.
    pub status: String,
    /// Rows of the answer.
    pub rows: usize,
    /// `device: kind` of each failure.
    pub failures: Vec<String>,
    /// From question to answer, in milliseconds.
    pub took_ms: u64,
}

/// A question of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Past {
    /// Its number.
    pub id: i64,
    /// When it was asked (RFC 3339, UTC).
    pub asked: String,
    /// As understood, or as typed when it was not.
    pub question: String,
    /// How it ended; empty while it runs.
    pub status: String,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

impl Store {
    /// Writes the row of a question that is about to be asked; gives its number.
    pub async fn begin(&self, entry: Entry) -> Result<i64> {
        self.on_thread("write the audit row", move |connection| {
            connection.execute(
                "INSERT INTO audit (asked, way, user_id, user_name, place, text, question, devices, commands)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    now(),
                    entry.way,
                    entry.user_id,
                    entry.user_name,
                    entry.place,
                    entry.text,
                    entry.question,
                    list(&entry.devices),
                    list(&entry.commands)
                ],
            )?;
            Ok(connection.last_insert_rowid())
        })
        .await
    }

    /// Completes the row of a question that has ended.
    pub async fn end(&self, id: i64, outcome: Outcome) -> Result<()> {
        self.on_thread("complete the audit row", move |connection| {
            connection
                .execute(
                    "UPDATE audit SET ended = ?2, status = ?3, rows = ?4, failures = ?5, took_ms = ?6 WHERE id = ?1",
                    params![
                        id,
                        now(),
                        outcome.status,
                        i64::try_from(outcome.rows).unwrap_or(i64::MAX),
                        list(&outcome.failures),
                        i64::try_from(outcome.took_ms).unwrap_or(i64::MAX)
                    ],
                )
                .map(drop)
        })
        .await
    }

    /// The newest questions of one asker, newest first.
    pub async fn history(&self, way: &str, user_id: &str, count: u32) -> Result<Vec<Past>> {
        let (way, user_id) = (way.to_owned(), user_id.to_owned());
        self.on_thread("read the history", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, asked, CASE question WHEN '' THEN text ELSE question END, coalesce(status, ''),
                 coalesce(took_ms, 0) FROM audit WHERE way = ?1 AND user_id = ?2 ORDER BY id DESC LIMIT ?3",
            )?;
            let rows = statement.query_map(params![way, user_id, count], |row| {
                Ok(Past {
                    id: row.get(0)?,
                    asked: row.get(1)?,
                    question: row.get(2)?,
                    status: row.get(3)?,
                    took_ms: row.get(4)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// A past question by its number, if this asker asked it or it was asked in this place.
    pub async fn question(&self, id: u64, way: &str, user_id: &str, place: &str) -> Result<Option<String>> {
        let (way, user_id, place) = (way.to_owned(), user_id.to_owned(), place.to_owned());
        self.on_thread("read the history", move |connection| {
            connection
                .prepare_cached(
                    "SELECT question FROM audit
                     WHERE id = ?1 AND way = ?2 AND (user_id = ?3 OR place = ?4) AND question <> ''",
                )?
                .query_row(params![i64::try_from(id).unwrap_or(-1), way, user_id, place], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// The asker's last question that went to devices.
    pub async fn last(&self, way: &str, user_id: &str) -> Result<Option<String>> {
        let (way, user_id) = (way.to_owned(), user_id.to_owned());
        self.on_thread("read the history", move |connection| {
            connection
                .query_row(
                    "SELECT question FROM audit WHERE way = ?1 AND user_id = ?2 AND devices <> '[]'
                     ORDER BY id DESC LIMIT 1",
                    params![way, user_id],
                    |row| row.get(0),
                )
                .optional()
        })
        .await
    }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn list(items: &[String]) -> String {
    serde_json::Value::from(items.to_vec()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_is_there_before_it_ends_and_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/nocbot.db");
        let entry = Entry {
            way: "terminal".into(),
            user_id: "u1".into(),
            text: "vrf  r1".into(),
            question: "vrf r1".into(),
            devices: vec!["r1".into()],
            ..Entry::default()
        };
        let store = Store::open(&path).unwrap();
        let id = store.begin(entry).await.unwrap();
        assert_eq!(store.history("terminal", "u1", 5).await.unwrap()[0].status, "");
        store.end(id, Outcome { status: "ok".into(), took_ms: 7, ..Outcome::default() }).await.unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        let past = store.history("terminal", "u1", 5).await.unwrap();
        assert_eq!((past.len(), past[0].status.as_str(), past[0].took_ms), (1, "ok", 7));
        assert_eq!(store.last("terminal", "u1").await.unwrap().as_deref(), Some("vrf r1"));
        assert_eq!(store.last("terminal", "u2").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_opened_says_where() {
        let error = Store::open(std::path::Path::new("/proc/nocbot/x.db")).unwrap_err();
        assert!(error.message().contains("/proc/nocbot"), "{error}");
    }
}
