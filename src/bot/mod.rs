//! The path of a message: the first file to read.
//!
//! ```text
//!   chat ─► command ─► policy ─► inventory ─► run ─► transport ─► parse ─► table ─► chat
//!            "vrf r1"   gate      r1→Device   jobs     bytes        rows     Answer
//! ```
//!
//! `Bot::path` is that line. Nothing here knows which chat asked (invariant 1).

mod builtins;
mod explain;
mod gather;
mod jobs;
mod kept;
mod native;
mod plan;
mod stages;
mod talk;
mod ways;

pub use jobs::Running;
pub use talk::{Incoming, Progress, Who};

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::catalogue::Catalogue;
use crate::command::{self, Completion};
use crate::error::{Error, Kind, Result};
use crate::metrics::Board;
use crate::run::Runner;
use crate::store::Store;

/// The bounds on one question.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most devices.
    pub devices: usize,
    /// The longest time, unless the verb says otherwise.
    pub timeout: Duration,
}

/// The bot: shared by every way in.
#[derive(Debug)]
pub struct Bot {
    catalogue: RwLock<Arc<Catalogue>>,
    runner: Runner,
    store: Store,
    limits: Limits,
    jobs: jobs::Jobs,
    kept: kept::Kept,
    board: Arc<Board>,
    started: Instant,
    probing: native::Probing,
}

impl Bot {
    /// A bot over these parts.
    pub fn new(catalogue: Arc<Catalogue>, runner: Runner, store: Store, limits: Limits) -> Self {
        let started = Instant::now();
        let (jobs, kept) = (jobs::Jobs::default(), kept::Kept::default());
        let (catalogue, board) = (RwLock::new(catalogue), Arc::default());
        let probing = native::Probing::default();
        Self { catalogue, runner, store, limits, jobs, kept, board, started, probing }
    }

    /// The same bot with other bounds on what it sends itself.
    #[must_use]
    pub fn with_probe(self, settings: crate::config::Probe) -> Self {
        Self { probing: native::Probing::new(settings), ..self }
    }

    /// Answers one message. `progress` is told how far it is; `cancel` ends it early with what it has.
    pub async fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> Answer {
        let started = Instant::now();
        let mut answer = match self.path(&incoming, &progress, &cancel).await {
            Ok(answer) => answer,
            Err(error) => {
                log(&incoming, &error);
                Answer::refused(incoming.text.clone(), &error)
            }
        };
        answer.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.kept.keep(&incoming, answer)
    }

    /// The way of a message, in one screen.
    async fn path(
        &self,
        incoming: &Incoming,
        progress: &watch::Sender<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Answer> {
        let catalogue = self.catalogue();
        let question = command::understand(&incoming.text, &catalogue)?;
        let question = self.repeated(question, &incoming.who, &catalogue).await?;
        if let Some(answer) = self.builtin(&question, incoming, &catalogue).await? {
            return Ok(answer);
        }
        let asked = native::Asked::of(&question, &catalogue, self)?;
        let plan = match asked.as_ref().map(|asked| asked.matrix(&question, self)) {
            None => plan::make(&question, &catalogue, self.limits.devices)?,
            Some(Some(plan)) => plan?,
            Some(None) => return self.native(asked, incoming, progress, cancel).await,
        };
        let job = self.jobs.start(&incoming.who, &plan.question, cancel)?;
        let entry = self.store.begin(plan.entry(incoming)).await?;
        let mut watcher = talk::Watcher::new(progress, &job.id, &plan);
        let deadline = Instant::now() + plan.timeout.unwrap_or(self.limits.timeout);
        let started = Instant::now();
        let done =
            self.runner.run(&catalogue, plan.jobs.clone(), deadline, &job.cancel, |e| watcher.tell(e)).await;
        let answer = gather::answer(&plan, done);
        let answer = asked.iter().fold(answer, |answer, asked| asked.grid(answer));
        let gathered = stages::apply(answer, &question.stages);
        let outcome = gather::outcome(&gathered, started.elapsed());
        self.store.end(entry, outcome).await?;
        gathered.map(|answer| Answer { id: entry.to_string(), ..answer })
    }

    /// An earlier answer by its id, as long as it is kept.
    pub fn kept(&self, id: &str) -> Option<Arc<Answer>> {
        self.kept.get(id)
    }

    /// How the links to chat platforms are doing; whoever holds one writes here.
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// Everything that is counted, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        self.board.exposition(self.jobs.list().len(), self.started.elapsed())
    }

    /// The ways to go on from the text before the cursor.
    pub fn complete(&self, text: &str) -> Vec<Completion> {
        command::complete(&self.catalogue(), text)
    }

    /// The catalogue that questions are answered from.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a new catalogue; questions that run go on with the old one.
    pub fn replace(&self, catalogue: Arc<Catalogue>) {
        *self.catalogue.write().unwrap_or_else(PoisonError::into_inner) = catalogue;
    }
}

/// What the log keeps of a refused question: who, what sort and why; the question itself only in the
/// audit log, since people paste things.
fn log(incoming: &Incoming, error: &Error) {
    let (way, user) = (&incoming.who.way, &incoming.who.id);
    match error.kind() {
        Kind::Internal | Kind::Io => tracing::error!(%way, %user, %error, "a question failed"),
        _ => tracing::info!(%way, %user, %error, "a question was refused"),
    }
}
