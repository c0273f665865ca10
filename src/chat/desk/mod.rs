//! The desk: accepts each question once, has it answered, and delivers the answer.
//!
//! ```text
//!   accept ─► store (keys seen? then dropped) ─► the connector confirms
//!     └─► one task per question ── waits for its turn ─► bot ─► parts ─► store ─► deliver.rs ─► closed
//!   resume, at a start: what the store still has
//! ```
//!
//! A task ends with its delivery or with `stop`; then the store still has the question, and the next
//! start answers it. Tasks are bounded by `OPEN`: further questions stand in the store, and are taken up
//! when half of the others have ended.

mod deliver;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Asked, Connector, How, Partner};
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
    work: Mutex<Work>,
    /// The most questions at work.
    most: usize,
    /// In milliseconds since 1970: what was accepted before is an earlier run's.
    started: i64,
}

/// What is being done.
#[derive(Default)]
struct Work {
    /// The numbers of the questions at work.
    open: HashSet<i64>,
    /// The connectors that have more of them in the store.
    behind: HashMap<&'static str, Arc<dyn Connector>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("open", &self.work().open.len()).finish_non_exhaustive()
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
            work: Mutex::default(),
            most: OPEN,
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
        // What people say to each other is not written down. (An empty text is still to be fetched.)
        if asked.how == How::Overheard && !asked.text.is_empty() && !asked.text.trim_start().starts_with('!')
        {
            return Ok(());
        }
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
        self.start(Arc::clone(connector) as Arc<dyn Connector>, id, Some(open), false);
        Ok(())
    }

    /// Takes up what an earlier run has left.
    pub async fn resume(self: &Arc<Self>, connector: Arc<dyn Connector>) {
        self.take_up(connector, true).await;
    }

    /// Takes up what stands in the store. `first` says that nothing of an earlier run is counted as open yet.
    async fn take_up(self: &Arc<Self>, connector: Arc<dyn Connector>, first: bool) {
        let way = connector.name();
        let open = match self.store.open_questions(way).await {
            Ok(open) => open,
            Err(error) => {
                tracing::error!(platform = way, %error, "open questions are not taken up");
                return;
            }
        };
        if first {
            let left = open.iter().filter(|(_, at)| *at < self.started).count();
            self.board.update(way, |link| link.open += u64::try_from(left).unwrap_or(u64::MAX));
        }
        for (id, at) in open {
            // What came since the start was not sent by an earlier run.
            self.start(Arc::clone(&connector), id, None, at < self.started);
        }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to work on a question, unless somebody does; past the bound it waits in the store. `new` is the
    /// question where it has just come; another one is read from the store, which no longer has it if it was
    /// answered meanwhile.
    fn start(self: &Arc<Self>, connector: Arc<dyn Connector>, id: i64, new: Option<Open>, resumed: bool) {
        {
            let mut work = self.work();
            if work.open.contains(&id) {
                return;
            }
            if work.open.len() >= self.most {
                if work.behind.insert(connector.name(), Arc::clone(&connector)).is_none() {
                    tracing::warn!(platform = connector.name(), "so many questions are open that some wait");
                }
                return;
            }
            work.open.insert(id);
        }
        let desk = Arc::clone(self);
        self.tasks.spawn(async move {
            let stop = desk.stop.clone();
            let working = async {
                let open = match new {
                    Some(open) => Ok(Some(open)),
                    None => desk.store.open_question(id).await,
                };
                match open {
                    Ok(Some(open)) => desk.work_on(&*connector, open, resumed).await,
                    Ok(None) => {}
                    Err(error) => {
                        tracing::error!(platform = connector.name(), %error, "a question waits for a restart");
                    }
                }
            };
            if stop.run_until_cancelled(working).await.is_none() {
                return;
            }
            let behind: Vec<_> = {
                let mut work = desk.work();
                work.open.remove(&id);
                let few = work.open.len() <= desk.most / 2;
                if few { work.behind.drain().map(|(_, connector)| connector).collect() } else { Vec::new() }
            };
            for connector in behind {
                desk.take_up(connector, false).await;
            }
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

#[cfg(test)]
mod tests;
