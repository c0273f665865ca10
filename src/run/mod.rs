//! Runs a question on its devices, all at once, within its limits.
//!
//! ```text
//!            ┌─ task: device r1 ── permit ── way ── steps ── rows ─┐
//!   jobs ────┼─ task: device r2 ── …                               ├──► events ──► one list of results
//!            └─ task: device rN ── …                               ┘
//! ```
//!
//! A task ends when its device has answered, has failed, ran into the deadline or was cancelled; the
//! set of tasks is owned by [`Runner::run`] and ends with it. One slow device delays nobody else.

mod data;
mod job;
mod reach;
mod rows;
mod shared;
mod task;

pub use job::{Job, Reading, Step, Way};

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::reach::Reach;
use self::shared::Flights;
use self::task::Task;
use crate::catalogue::Catalogue;
use crate::error::{Failure, FailureKind};
use crate::table::{Column, Value};
use crate::transport::Transport;

/// Texts longer than this are worked on off the runtime's threads.
const INLINE: usize = 64 * 1024;
/// Streamed lines that may wait for the asker before new ones are left out.
const LINES: usize = 256;

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
    flights: Arc<Flights>,
    reach: Arc<Reach>,
}

impl Runner {
    /// A runner that begins with at most `parallel` devices at once, over all questions; a device that
    /// is not done soon gives its place to the next one.
    pub fn new(transport: Transport, parallel: usize) -> Self {
        let permits = Arc::new(Semaphore::new(parallel.max(1)));
        Self { transport, permits, flights: Arc::default(), reach: Arc::default() }
    }

    /// What reaches the devices.
    pub fn transport(&self) -> &Transport {
        &self.transport
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
                flights: Arc::clone(&self.flights),
                reach: Arc::clone(&self.reach),
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
