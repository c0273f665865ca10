//! The desk: accepts each question once, has it answered, and delivers the answer.
//!
//! ```text
//!   accept ─► store (keys seen? then dropped) ─► the connector confirms
//!     └─► one task per question ── waits for its turn ─► bot ─► parts ─► store ─► deliver.rs ─► closed
//!   resume, at a start: what the store still has
//! ```
//!
//! A task ends with its delivery or with `stop`; then the store still has the question, and the next
//! start answers it. Tasks are bounded by `OPEN`: further questions are in the store and taken up as
//! others end.

mod deliver;
mod work;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Asked, Connector, Partner};
use crate::error::Result;
use crate::metrics::Board;
use crate::store::{Open, Store};

/// The most questions at work; further ones wait in the store.
const OPEN: usize = 4096;
/// Questions to devices at the same time: of all askers, and of one. The bot's own bounds are wider.
const ALL: usize = 48;
const ONE: usize = 4;

/// What all connectors hand their questions to.
pub struct Desk {
    partner: Arc<dyn Partner>,
    store: Store,
    board: Arc<Board>,
    tasks: TaskTracker,
    stop: CancellationToken,
    all: Arc<Semaphore>,
    askers: Mutex<HashMap<String, Arc<Semaphore>>>,
    open: AtomicUsize,
    /// In milliseconds since 1970: what was accepted before is an earlier run's.
    started: i64,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("open", &self.open).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk before `partner`; its tasks end soon after `stop`.
    pub fn new(partner: Arc<dyn Partner>, store: Store, board: Arc<Board>, stop: CancellationToken) -> Self {
        Self {
            partner,
            store,
            board,
            tasks: TaskTracker::new(),
            stop,
            all: Arc::new(Semaphore::new(ALL)),
            askers: Mutex::default(),
            open: AtomicUsize::new(0),
            started: jiff::Timestamp::now().as_millisecond(),
        }
    }

    /// The board of links.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// What connectors note for after a restart.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Takes a question. When this returns, it will be answered even if nocbot is killed; so the platform
    /// may be told that it arrived.
    ///
    /// # Errors
    /// When the store cannot write: then the platform should deliver it again.
    pub async fn accept<C: Connector>(self: &Arc<Self>, connector: &Arc<C>, asked: Asked) -> Result<()> {
        let way = connector.name();
        self.board.event(way);
        let text = serde_json::to_string(&asked).unwrap_or_default();
        let Some(id) = self.store.accept(way, asked.keys.clone(), text.clone()).await? else {
            self.board.update(way, |link| link.duplicates += 1);
            return Ok(());
        };
        self.board.update(way, |link| {
            link.questions += 1;
            link.open += 1;
        });
        let at = jiff::Timestamp::now().as_millisecond();
        let open = Open { id, at, asked: text, parts: None, sent: 0, progress: None };
        self.start(Arc::clone(connector) as Arc<dyn Connector>, open, false);
        Ok(())
    }

    /// Takes up what an earlier run has left.
    pub async fn resume(self: &Arc<Self>, connector: Arc<dyn Connector>) {
        match self.store.open_questions(connector.name()).await {
            Ok(open) => {
                let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
                self.board.update(connector.name(), |link| link.open = count);
                // What came since then is at work already.
                for open in open.into_iter().filter(|open| open.at < self.started) {
                    self.start(Arc::clone(&connector), open, true);
                }
            }
            Err(error) => {
                tracing::error!(platform = connector.name(), %error, "open questions are not taken up");
            }
        }
    }

    fn start(self: &Arc<Self>, connector: Arc<dyn Connector>, open: Open, resumed: bool) {
        if self.open.fetch_add(1, Ordering::SeqCst) >= OPEN {
            self.open.fetch_sub(1, Ordering::SeqCst);
            // It stands in the store; the next start takes it up. So many mean that something floods us.
            tracing::warn!(
                platform = connector.name(),
                "too many questions at once; one waits for a restart"
            );
            return;
        }
        let desk = Arc::clone(self);
        self.tasks.spawn(async move {
            let stop = desk.stop.clone();
            tokio::select! {
                () = desk.work(&*connector, open, resumed) => {}
                () = stop.cancelled() => {}
            }
            desk.open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// The turn of an asker: some of theirs at a time, and some of all.
    fn asker(&self, way: &str, id: &str) -> Arc<Semaphore> {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has nothing open need not be remembered.
        if askers.len() > 256 {
            askers.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        let turns = askers.entry(format!("{way}/{id}")).or_insert_with(|| Arc::new(Semaphore::new(ONE)));
        Arc::clone(turns)
    }

    /// Waits until every task has ended, which they do soon after `stop`.
    pub async fn stopped(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
