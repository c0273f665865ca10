//! What must survive a restart: the audit log, the history and the open questions of chats, in SQLite.
//!
//! ```text
//!   begin, end, accept … ──► bounded queue (1,024) ──► one writer thread ──► SQLite, WAL
//!                 ◄── one answer each, by oneshot ──┘
//! ```
//!
//! The thread ends when the last [`Store`] is dropped. Whoever finds the queue full waits for a place; after ten
//! seconds the question is refused, instead of asking a device without a trace.

mod audit;
mod chat;

pub use audit::{Entry, Outcome, Past};
pub use chat::Open;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use crate::error::{Error, Kind, Result};

/// How long a question waits for its audit row.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many writes may wait.
const QUEUE: usize = 1024;

type Work = Box<dyn FnOnce(&Connection) + Send>;

/// A handle on the store; clones share the one writer thread.
#[derive(Clone)]
pub struct Store {
    queue: SyncSender<Work>,
    /// The free places of the queue.
    places: Arc<Semaphore>,
    place: PathBuf,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the file, making it and its directory where needed.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(|error| {
                Error::io(format!("cannot make the directory {}", directory.display()), error)
            })?;
        }
        let connection = Connection::open(path).map_err(|error| sql(path, "open", error))?;
        // WAL lets readers go on while a row is written; NORMAL loses no committed row in a crash of nocbot.
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .and_then(|()| connection.pragma_update(None, "synchronous", "NORMAL"))
            .map_err(|error| sql(path, "prepare", error))?;
        Self::start(connection, path.to_owned())
    }

    /// A store that is gone with the process: for `demo`, `ask` without a configuration and tests.
    pub fn in_memory() -> Result<Self> {
        let place = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|error| sql(&place, "open", error))?;
        Self::start(connection, place)
    }

    fn start(connection: Connection, place: PathBuf) -> Result<Self> {
        connection
            .busy_timeout(Duration::from_secs(5))
            .and_then(|()| connection.execute_batch(audit::SCHEMA))
            .and_then(|()| connection.execute_batch(chat::SCHEMA))
            .map_err(|error| sql(&place, "prepare", error))?;
        let (queue, work) = sync_channel::<Work>(QUEUE);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                while let Ok(work) = work.recv() {
                    work(&connection);
                }
            })
            .map_err(|error| Error::io("cannot start the store's thread", error))?;
        Ok(Self { queue, places: Arc::new(Semaphore::new(QUEUE)), place })
    }

    /// Runs `work` on the writer thread and waits for what it gives.
    async fn on_thread<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let doing_it = async {
            let free = Arc::clone(&self.places).acquire_owned().await;
            let work = Box::new(move |connection: &Connection| {
                // Nobody waits any more when the question was given up: then the result is of no use.
                let _ = sender.send(work(connection));
                drop(free);
            });
            self.queue.try_send(work).map_err(|error| match error {
                TrySendError::Full(_) => slow(),
                TrySendError::Disconnected(_) => Error::new(Kind::Internal, "the store has stopped"),
            })?;
            match receiver.await {
                Ok(result) => result.map_err(|error| sql(&self.place, doing, error)),
                Err(_) => Err(Error::new(Kind::Internal, "the store has stopped")),
            }
        };
        tokio::time::timeout(PATIENCE, doing_it).await.unwrap_or_else(|_| Err(slow()))
    }
}

fn slow() -> Error {
    Error::new(Kind::Limit, "the audit log did not answer in 10 s; nothing was sent")
        .hint("try again in a moment; if it stays so, look at the disk of the store")
}

fn sql(place: &Path, doing: &str, error: rusqlite::Error) -> Error {
    Error::new(Kind::Io, format!("the store {}: cannot {doing}: {error}", place.display()))
        .hint("is the directory writable, and is there room on the disk?")
        .with_source(error)
}
