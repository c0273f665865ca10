//! Runs a question on its devices, all at once, within its limits.
//!
//! ```text
//!            ┌─ task: device r1 ── permit ── session ── steps ── rows ─┐
//!   jobs ────┼─ task: device r2 ── …                                   ├──► events ──► one list of results
//!            └─ task: device rN ── …                                   ┘
//! ```
//!
//! A task ends when its device has answered, has failed, ran into the deadline or was cancelled; the
//! set of tasks is owned by [`Runner::run`] and ends with it. One slow device delays nobody else.

mod rows;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::catalogue::Catalogue;
use crate::catalogue::narrow::Narrow;
use crate::error::{Failure, FailureKind};
use crate::inventory::Device;
use crate::parse::Reader;
use crate::profile::{Platform, Source};
use crate::table::{Column, Value};
use crate::text::clean;
use crate::transport::{Request, Transport};
use crate::verb::Verb;

/// What a transport gets on top of the deadline to hand over its partial output.
const GRACE: Duration = Duration::from_secs(2);
/// Texts longer than this are worked on off the runtime's threads.
const INLINE: usize = 64 * 1024;
/// A device that takes longer gives its place to the next one and goes on beside it: dead ones must not
/// keep the others from being asked. The transport bounds the sessions that are open all the same.
const PLACE: Duration = Duration::from_secs(2);
/// Streamed lines that may wait for the asker before new ones are left out.
const LINES: usize = 256;

/// One device's part of a question.
#[derive(Debug, Clone)]
pub struct Job {
    /// The device.
    pub device: Arc<Device>,
    /// Its platform.
    pub platform: Arc<Platform>,
    /// The devices to jump through, outermost first.
    pub jumps: Vec<(Arc<Device>, Arc<Platform>)>,
    /// What to send, in order.
    pub steps: Vec<Step>,
}

/// One command of a job.
#[derive(Debug, Clone)]
pub struct Step {
    /// The command line.
    pub command: String,
    /// When Ctrl-C ends it, for commands that never end by themselves.
    pub interrupt: Option<Duration>,
    /// What becomes of the output.
    pub reading: Reading,
    /// Adds rows to those of a step before it: where the device refuses it, the answer is what there is, with a note.
    pub further: bool,
    /// What is sent instead, in order, where the device refuses it or does not answer with a document.
    pub otherwise: Vec<Step>,
    /// Which of its rows are meant, where the command could not say it.
    pub narrows: Vec<Narrow>,
}

/// What becomes of an output.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Rows of a verb, by the source's parser and mappings; what does not parse is a failure.
    Verb(Arc<Verb>, Arc<Source>),
    /// Rows that fill empty cells of the rows so far; a failure is only a note.
    Join(Arc<Verb>, Arc<Source>),
    /// Rows as the parser has them; what does not parse stays text.
    Parser(String),
    /// Text.
    Text,
}

/// What one device gave.
#[derive(Debug, Clone)]
pub struct Done {
    /// The device's name.
    pub device: String,
    /// Its rows or texts.
    pub result: Result<Gathered, Failure>,
}

/// Rows and texts of one device.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The columns of the rows, without the device.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// Whether the device was asked for rows (they may be none).
    pub parsed: bool,
    /// Texts with the command that gave them.
    pub texts: Vec<(String, String)>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// Why there is no more than this, where a device that probes stopped answering in between.
    pub failed: Option<Failure>,
}

/// What happens while a question runs.
#[derive(Debug, Clone)]
pub enum Event {
    /// A device is done.
    Done(String),
    /// A device that streams said a line.
    Line(String, String),
}

/// Runs jobs; shared by all questions, so that its bound is one for the whole process.
#[derive(Debug)]
pub struct Runner {
    transport: Transport,
    permits: Arc<Semaphore>,
}

impl Runner {
    /// A runner that begins with at most `parallel` devices at once, over all questions; a device that
    /// is not done soon gives its place to the next one.
    pub fn new(transport: Transport, parallel: usize) -> Self {
        Self { transport, permits: Arc::new(Semaphore::new(parallel.max(1))) }
    }

    /// Runs every job until it is done, `deadline` has passed or `cancel` was called; gives one result
    /// per job, in the jobs' order.
    pub async fn run(
        &self,
        catalogue: &Arc<Catalogue>,
        jobs: Vec<Job>,
        deadline: Instant,
        cancel: &CancellationToken,
        mut tell: impl FnMut(Event) + Send,
    ) -> Vec<Done> {
        let names: Vec<String> = jobs.iter().map(|job| job.device.name.clone()).collect();
        let mut results: Vec<Option<Result<Gathered, Failure>>> = vec![None; jobs.len()];
        let (lines, mut said) = mpsc::channel(LINES);
        let mut tasks = JoinSet::new();
        for (index, job) in jobs.into_iter().enumerate() {
            let task = Task {
                transport: self.transport.clone(),
                permits: Arc::clone(&self.permits),
                catalogue: Arc::clone(catalogue),
                deadline,
                cancel: cancel.clone(),
                lines: lines.clone(),
            };
            tasks.spawn(async move { (index, task.run(job).await) });
        }
        drop(lines);
        loop {
            tokio::select! {
                joined = tasks.join_next() => match joined {
                    Some(Ok((index, result))) => {
                        if let (Some(slot), Some(name)) = (results.get_mut(index), names.get(index)) {
                            *slot = Some(result);
                            tell(Event::Done(name.clone()));
                        }
                    }
                    // Panics are ours; the device's slot stays empty and is reported below.
                    Some(Err(error)) => tracing::error!(%error, "a device task ended abnormally"),
                    None => break,
                },
                Some((device, line)) = said.recv() => tell(Event::Line(device, line)),
            }
        }
        let lost =
            || Err(Failure::new(FailureKind::Prompt, "nocbot failed while it read this device's answer"));
        names
            .into_iter()
            .zip(results)
            .map(|(device, result)| Done { device, result: result.unwrap_or_else(lost) })
            .collect()
    }
}

/// One device's task.
struct Task {
    transport: Transport,
    permits: Arc<Semaphore>,
    catalogue: Arc<Catalogue>,
    deadline: Instant,
    cancel: CancellationToken,
    lines: mpsc::Sender<(String, String)>,
}

impl Task {
    async fn run(self, job: Job) -> Result<Gathered, Failure> {
        let permit = tokio::select! {
            permit = self.permits.acquire() => permit,
            () = self.cancel.cancelled() => return Err(cancelled()),
            () = tokio::time::sleep_until(self.deadline) => {
                return Err(Failure::new(FailureKind::Timeout, "was not asked: too many other devices were busy")
                    .hint("ask fewer devices, or raise `limits.parallel` in nocbot.yaml"));
            }
        };
        let permit = permit.map_err(|_| cancelled())?;
        let mut work = std::pin::pin!(self.steps(&job));
        if let Ok(result) = tokio::time::timeout(PLACE, &mut work).await {
            return result;
        }
        drop(permit);
        work.await
    }

    /// The job's commands, one after the other.
    async fn steps(&self, job: &Job) -> Result<Gathered, Failure> {
        let mut gathered = Gathered::default();
        for step in &job.steps {
            let mut read = self.ask(job, step, &mut gathered).await;
            for other in &step.otherwise {
                match &read {
                    Err(failure) if self.may_ask_otherwise(step, failure) => {
                        read = self.ask(job, other, &mut gathered).await;
                    }
                    _ => break,
                }
            }
            let join = matches!(step.reading, Reading::Join(..));
            match read {
                // What only adds to rows that are there may be missing, and the answer says so.
                Err(failure) if join || step.further && failure.kind == FailureKind::Rejected => {
                    let note = format!("without what `{}` would add: {}", step.command, failure.message);
                    gathered.notes.push(note);
                }
                Err(failure) if rows::is_probe(step) && !gathered.rows.is_empty() => {
                    gathered.failed = Some(failure);
                    return Ok(gathered);
                }
                read => read?,
            }
        }
        Ok(gathered)
    }

    /// Sends one command and reads what comes.
    async fn ask(&self, job: &Job, step: &Step, gathered: &mut Gathered) -> Result<(), Failure> {
        match self.send(job, step).await {
            Ok(text) => rows::read(&self.catalogue, step, text, gathered).await,
            Err(failure) => Err(rows::begun(&self.catalogue, step, failure, gathered).await),
        }
    }

    /// Whether another command may do: this one was refused, or its answer is no document.
    fn may_ask_otherwise(&self, step: &Step, failure: &Failure) -> bool {
        let structured = || {
            let (Reading::Verb(_, source) | Reading::Join(_, source)) = &step.reading else { return false };
            let reader = self.catalogue.parser(&source.parser).and_then(|parser| parser.reader().ok());
            matches!(reader, Some(Reader::Paths(_)))
        };
        match failure.kind {
            FailureKind::Rejected => true,
            FailureKind::Parse => structured(),
            _ => false,
        }
    }

    /// Device text as anyone may see it: without what a screen would act on, and without secrets.
    async fn shown(&self, job: &Job, text: String) -> String {
        let platform = Arc::clone(&job.platform);
        let short = text.len() <= INLINE;
        let work = move || platform.masked(&clean(&text)).into_owned();
        if short { work() } else { tokio::task::spawn_blocking(work).await.unwrap_or_default() }
    }

    /// Sends one command; the transport keeps the deadline, this keeps the transport to it.
    async fn send(&self, job: &Job, step: &Step) -> Result<String, Failure> {
        let (stream, mut streamed) = mpsc::channel::<String>(LINES);
        let request = Request {
            device: Arc::clone(&job.device),
            platform: Arc::clone(&job.platform),
            jumps: job.jumps.clone(),
            command: step.command.clone(),
            interrupt: step.interrupt,
            deadline: self.deadline,
            cancel: self.cancel.clone(),
            stream: Some(stream),
        };
        let forward = async {
            while let Some(line) = streamed.recv().await {
                let line = job.platform.masked(&line).into_owned();
                // A full channel means that nobody reads that fast: the line is in the answer anyway.
                let _ = self.lines.try_send((job.device.name.clone(), line));
            }
            std::future::pending::<()>().await;
        };
        let answer = timeout_at(self.deadline + GRACE, self.transport.run(request));
        let output = tokio::select! {
            output = answer => output,
            () = forward => return Err(cancelled()),
        };
        match output {
            Ok(Ok(output)) => Ok(self.shown(job, output.text).await),
            Ok(Err(failure)) => {
                let partial = match failure.partial {
                    Some(partial) => Some(self.shown(job, partial).await),
                    None => None,
                };
                Err(Failure { partial, message: clean(&job.platform.masked(&failure.message)), ..failure })
            }
            Err(_) => Err(Failure::new(FailureKind::Timeout, "gave no answer in time")),
        }
    }
}

fn cancelled() -> Failure {
    Failure::new(FailureKind::Cancelled, "was cancelled before it answered")
}
