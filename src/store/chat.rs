//! Accepted questions of chats until their answer is delivered, and which events have been seen.
//!
//! A question stands here before its receipt is confirmed to the platform, and leaves when the last part
//! of its answer was taken by the platform. What stands here at a start is answered or delivered then.

use rusqlite::{OptionalExtension as _, params};

use super::Store;
use crate::error::Result;

/// The tables.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS chat_seen (
    way TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (way, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chat_seen_by_age ON chat_seen (at);
CREATE TABLE IF NOT EXISTS chat_open (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    way TEXT NOT NULL,
    at INTEGER NOT NULL,
    asked TEXT NOT NULL,
    parts TEXT,
    sent INTEGER NOT NULL DEFAULT 0,
    progress TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS chat_note (
    way TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (way, key)
) STRICT, WITHOUT ROWID;
";

/// For how long the keys of events are kept, in milliseconds: no platform delivers again after a day.
const SEEN: i64 = 24 * 3600 * 1000;

/// An accepted question whose answer is not yet delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its number.
    pub id: i64,
    /// When it was accepted, in milliseconds since 1970.
    pub at: i64,
    /// The question, as the connector wrote it down.
    pub asked: String,
    /// The parts of the answer, once there is one.
    pub parts: Option<String>,
    /// How many of them the platform has taken.
    pub sent: usize,
    /// The message that tells how far it is, to be edited into the answer.
    pub progress: Option<String>,
}

impl Store {
    /// Takes a question, unless one of its keys has been seen; gives its number.
    pub async fn accept(&self, way: &str, keys: Vec<String>, asked: String) -> Result<Option<i64>> {
        let way = way.to_owned();
        self.on_thread("accept a question", move |connection| {
            let now = now();
            let transaction = connection.unchecked_transaction()?;
            let mut new = true;
            for key in &keys {
                let inserted = transaction
                    .prepare_cached("INSERT OR IGNORE INTO chat_seen (way, key, at) VALUES (?1, ?2, ?3)")?
                    .execute(params![way, key, now])?;
                new &= inserted == 1;
            }
            let mut id = None;
            if new {
                transaction
                    .prepare_cached("INSERT INTO chat_open (way, at, asked) VALUES (?1, ?2, ?3)")?
                    .execute(params![way, now, asked])?;
                let row = transaction.last_insert_rowid();
                if row % 256 == 0 {
                    transaction.execute("DELETE FROM chat_seen WHERE at < ?1", [now - SEEN])?;
                }
                id = Some(row);
            }
            transaction.commit()?;
            Ok(id)
        })
        .await
    }

    /// Keeps a key for a day, as those of events are.
    pub async fn mark(&self, way: &str, key: String) -> Result<()> {
        let way = way.to_owned();
        self.on_thread("keep a key", move |connection| {
            connection
                .prepare_cached("INSERT OR IGNORE INTO chat_seen (way, key, at) VALUES (?1, ?2, ?3)")?
                .execute(params![way, key, now()])
                .map(drop)
        })
        .await
    }

    /// The kept keys that begin so, at most a hundred.
    pub async fn marked(&self, way: &str, beginning: String) -> Result<Vec<String>> {
        let way = way.to_owned();
        self.on_thread("read keys", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key FROM chat_seen WHERE way = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2 LIMIT 100",
            )?;
            let rows = statement.query_map(params![way, beginning], |row| row.get(0))?;
            rows.collect()
        })
        .await
    }

    /// The answer is there, in parts.
    pub async fn answered(&self, id: i64, parts: String) -> Result<()> {
        self.change(id, "UPDATE chat_open SET parts = ?2, sent = 0 WHERE id = ?1", parts).await
    }

    /// The platform has taken this many parts.
    pub async fn delivered(&self, id: i64, sent: usize) -> Result<()> {
        let sent = i64::try_from(sent).unwrap_or(i64::MAX);
        self.change(id, "UPDATE chat_open SET sent = ?2 WHERE id = ?1", sent).await
    }

    /// The message that tells how far it is.
    pub async fn progressing(&self, id: i64, message: String) -> Result<()> {
        self.change(id, "UPDATE chat_open SET progress = ?2 WHERE id = ?1", message).await
    }

    /// Everything is delivered, or never will be.
    pub async fn close(&self, id: i64) -> Result<()> {
        self.change(id, "DELETE FROM chat_open WHERE id = ?1 AND ?2", true).await
    }

    async fn change<V>(&self, id: i64, sql: &'static str, value: V) -> Result<()>
    where
        V: rusqlite::ToSql + Send + 'static,
    {
        self.on_thread("note how far an answer is", move |connection| {
            connection.prepare_cached(sql)?.execute(params![id, value]).map(drop)
        })
        .await
    }

    /// The numbers of a way's open questions, oldest first, and when each was accepted (milliseconds since 1970).
    pub async fn open_questions(&self, way: &str) -> Result<Vec<(i64, i64)>> {
        let way = way.to_owned();
        self.on_thread("read the open questions", move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT id, at FROM chat_open WHERE way = ?1 ORDER BY id")?;
            let rows = statement.query_map([way], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .await
    }

    /// An open question by its number; nothing when it is done with.
    pub async fn open_question(&self, id: i64) -> Result<Option<Open>> {
        self.on_thread("read an open question", move |connection| {
            connection
                .prepare_cached("SELECT at, asked, parts, sent, progress FROM chat_open WHERE id = ?1")?
                .query_row([id], |row| {
                    Ok(Open {
                        id,
                        at: row.get(0)?,
                        asked: row.get(1)?,
                        parts: row.get(2)?,
                        sent: usize::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
                        progress: row.get(4)?,
                    })
                })
                .optional()
        })
        .await
    }

    /// What a connector has noted under a key.
    pub async fn note(&self, way: &str, key: &str) -> Result<Option<String>> {
        let (way, key) = (way.to_owned(), key.to_owned());
        self.on_thread("read a note", move |connection| {
            connection
                .prepare_cached("SELECT value FROM chat_note WHERE way = ?1 AND key = ?2")?
                .query_row([way, key], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Notes something for after a restart.
    pub async fn set_note(&self, way: &str, key: &str, value: String) -> Result<()> {
        let (way, key) = (way.to_owned(), key.to_owned());
        self.on_thread("write a note", move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO chat_note (way, key, value) VALUES (?1, ?2, ?3)")?
                .execute(params![way, key, value])
                .map(drop)
        })
        .await
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn more_than_the_queue_holds_waits_and_is_not_refused() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("nocbot.db")).unwrap();
        let accepted = (0..3000).map(|n| store.accept("slack", vec![format!("Ev{n}")], String::new()));
        let accepted = futures_util::future::join_all(accepted).await;
        assert!(accepted.iter().all(|id| matches!(id, Ok(Some(_)))));
        assert_eq!(store.open_questions("slack").await.unwrap().len(), 3000);
    }

    #[tokio::test]
    async fn a_question_is_accepted_once_by_any_of_its_keys_also_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nocbot.db");
        let store = Store::open(&path).unwrap();
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let id = store.accept("slack", keys(&["Ev1", "C1:1.0"]), "a".into()).await.unwrap().unwrap();
        assert_eq!(store.accept("slack", keys(&["Ev2", "C1:1.0"]), "a".into()).await.unwrap(), None);
        assert!(store.accept("webex", keys(&["Ev1"]), "b".into()).await.unwrap().is_some());
        store.answered(id, "[1,2]".into()).await.unwrap();
        store.delivered(id, 1).await.unwrap();
        store.progressing(id, "ts".into()).await.unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        // The second event's other key has been seen with it.
        assert_eq!(store.accept("slack", keys(&["Ev2"]), "a".into()).await.unwrap(), None);
        let ids = store.open_questions("slack").await.unwrap();
        assert_eq!((ids.len(), ids[0].0), (1, id));
        let open = store.open_question(id).await.unwrap().unwrap();
        assert_eq!((open.at, open.sent, open.parts.as_deref()), (ids[0].1, 1, Some("[1,2]")));
        assert_eq!(open.progress.as_deref(), Some("ts"));
        store.close(id).await.unwrap();
        assert!(store.open_questions("slack").await.unwrap().is_empty());
        assert_eq!(store.open_question(id).await.unwrap(), None);
        store.mark("webex", "own a 1".into()).await.unwrap();
        store.mark("webex", "own a 1".into()).await.unwrap();
        store.mark("webex", "own b 2".into()).await.unwrap();
        assert_eq!(store.marked("webex", "own a ".into()).await.unwrap(), ["own a 1"]);
        store.set_note("slack", "k", "1".into()).await.unwrap();
        store.set_note("slack", "k", "2".into()).await.unwrap();
        assert_eq!(store.note("slack", "k").await.unwrap().as_deref(), Some("2"));
    }
}
