//! One device's task: its ways, and the steps of one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::reach::{Reach, What};
use super::shared::{Flights, Own, Said};
use super::{Gathered, INLINE, Job, LINES, Reading, Step, Way, rows};
use crate::catalogue::Catalogue;
use crate::error::{Failure, FailureKind};
use crate::parse::Reader;
use crate::profile::Platform;
use crate::secret::mask_document;
use crate::text::clean;
use crate::transport::{Ask, Request, Transport};
use crate::verb::{Class, Via};

/// What a transport gets on top of the deadline to hand over its partial output.
const GRACE: Duration = Duration::from_secs(2);
/// A device that takes longer gives its place to the next one and goes on beside it: dead ones must not
/// keep the others from being asked. The transport bounds the sessions that are open all the same.
const PLACE: Duration = Duration::from_secs(2);

/// One device's task.
pub(super) struct Task {
    pub transport: Transport,
    pub permits: Arc<Semaphore>,
    pub flights: Arc<Flights>,
    pub reach: Arc<Reach>,
    pub catalogue: Arc<Catalogue>,
    pub deadline: Instant,
    pub cancel: CancellationToken,
    pub lines: mpsc::Sender<(String, String)>,
}

impl Task {
    pub(super) async fn run(self, job: Job) -> Result<Gathered, Failure> {
        let permit = tokio::select! {
            permit = self.permits.acquire() => permit,
            () = self.cancel.cancelled() => return Err(cancelled()),
            () = tokio::time::sleep_until(self.deadline) => {
                return Err(Failure::new(FailureKind::Timeout, "was not asked: too many other devices were busy")
                    .hint("ask fewer devices, or raise `limits.parallel` in nocbot.yaml"));
            }
        };
        let permit = permit.map_err(|_| cancelled())?;
        let mut work = std::pin::pin!(self.ways(&job));
        if let Ok(result) = tokio::time::timeout(PLACE, &mut work).await {
            return result;
        }
        drop(permit);
        work.await
    }

    /// The first way that can be had; the answer says which others could not.
    async fn ways(&self, job: &Job) -> Result<Gathered, Failure> {
        let device = &job.device.name;
        let mut before: Vec<(Via, String)> = Vec::new();
        for (index, way) in job.ways.iter().enumerate() {
            let last = index + 1 == job.ways.len();
            if let Some(why) = self.reach.down(device, What::Way(way.via)).filter(|_| !last) {
                before.push((way.via, why));
                continue;
            }
            let failure = match self.steps(job, way).await {
                Ok(mut gathered) => {
                    let notes = before
                        .iter()
                        .map(|(via, why)| format!("asked over {}: {via} failed: {why}", way.via));
                    gathered.notes.splice(0..0, notes);
                    return Ok(gathered);
                }
                Err(failure) => failure,
            };
            if last || !self.may_go_on(&failure) {
                return Err(with_ways(failure, &before));
            }
            if !matches!(failure.kind, FailureKind::Rejected | FailureKind::Unsupported) {
                self.reach.failed(device, What::Way(way.via), &failure.message);
            }
            before.push((way.via, failure.message));
        }
        Err(Failure::new(FailureKind::Unsupported, "there is no way to ask this device"))
    }

    /// Whether another way may do where one failed: it could not be had, or the device does not have the data there. An
    /// answer that is not understood is none of these.
    fn may_go_on(&self, failure: &Failure) -> bool {
        match failure.kind {
            FailureKind::Resolve
            | FailureKind::Connect
            | FailureKind::HostKey
            | FailureKind::Certificate
            | FailureKind::Auth
            | FailureKind::Prompt
            | FailureKind::Rejected
            | FailureKind::Unsupported => true,
            // A connection that does not come up ends before the question does.
            FailureKind::Timeout => Instant::now() < self.deadline,
            FailureKind::Parse | FailureKind::Cancelled => false,
        }
    }

    /// The steps of a way, one after the other.
    async fn steps(&self, job: &Job, way: &Way) -> Result<Gathered, Failure> {
        let mut gathered = Gathered::default();
        for step in &way.steps {
            let read = self.ask_or_otherwise(job, step, &mut gathered).await;
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
        gathered.rows.retain(|row| way.narrows.iter().all(|narrow| narrow.keeps(row)));
        Ok(gathered)
    }

    /// Asks a step, or what stands for it; what was refused a while ago is not asked again where there is something else.
    async fn ask_or_otherwise(&self, job: &Job, step: &Step, gathered: &mut Gathered) -> Result<(), Failure> {
        let device = &job.device.name;
        let mut asked = vec![step];
        asked.extend(&step.otherwise);
        let Some((last, before)) = asked.split_last() else { return Ok(()) };
        // A model that a server does not have looks like one without data: then what stands for it is asked, too, and the
        // empty answer stands where that is refused.
        let rows = gathered.rows.len();
        let mut empty = false;
        for step in before {
            let what = What::Command(step.ask.via(), step.command.clone());
            if self.reach.down(device, what.clone()).is_some() {
                continue;
            }
            match self.ask(job, step, gathered).await {
                Err(failure) if self.may_ask_otherwise(step, &failure) => {
                    // A document that was no document may be one the next time.
                    if failure.kind != FailureKind::Parse {
                        self.reach.failed(device, what, &failure.message);
                    }
                }
                Ok(()) if step.is_data() && gathered.rows.len() == rows => empty = true,
                done => return done,
            }
        }
        match self.ask(job, last, gathered).await {
            Err(failure) if empty && self.may_ask_otherwise(step, &failure) => Ok(()),
            done => done,
        }
    }

    /// Sends one command and reads what comes.
    async fn ask(&self, job: &Job, step: &Step, gathered: &mut Gathered) -> Result<(), Failure> {
        let said = match self.shared(job, step).await {
            Ok(said) => said,
            Err(failure) => return Err(rows::begun(&self.catalogue, step, failure, gathered).await),
        };
        for note in said.notes {
            if !gathered.notes.contains(&note) {
                gathered.notes.push(note);
            }
        }
        rows::read(&self.catalogue, step, said.text, gathered).await
    }

    /// Whether another command may do: this one was refused, or its answer is no document.
    fn may_ask_otherwise(&self, step: &Step, failure: &Failure) -> bool {
        let structured = || {
            let (Reading::Verb(_, source) | Reading::Join(_, source)) = &step.reading else { return false };
            let reader = self.catalogue.parser(&source.parser).and_then(|parser| parser.reader().ok());
            matches!(reader, Some(Reader::Paths(_)))
        };
        match failure.kind {
            FailureKind::Rejected | FailureKind::Unsupported => true,
            FailureKind::Parse => structured(),
            _ => false,
        }
    }

    /// Device text as anyone may see it: without what a screen would act on, and without secrets.
    async fn shown(&self, job: &Job, ask: &Ask, text: String) -> String {
        let platform = Arc::clone(&job.platform);
        let short = text.len() <= INLINE;
        let mask: fn(&Platform, &str) -> String = match ask {
            Ask::Command => |platform, text| platform.masked(text).into_owned(),
            // A model holds no secrets, and speaks of passwords and keys.
            Ask::Schema(..) | Ask::Modules(_) => |_, text| text.to_owned(),
            // The platform's patterns are for lines: of a document they could take away its signs.
            Ask::Jsonrpc | Ask::Restconf(..) | Ask::Netconf(_) => |_, text| mask_document(text).into_owned(),
        };
        let work = move || mask(&platform, &clean(&text));
        if short { work() } else { tokio::task::spawn_blocking(work).await.unwrap_or_default() }
    }

    /// Sends one command, or takes part in the same one that is under way.
    async fn shared(&self, job: &Job, step: &Step) -> Result<Said, Failure> {
        let probes = match &step.reading {
            Reading::Verb(verb, _) | Reading::Join(verb, _) => verb.class == Class::Probe,
            Reading::Parser(_) | Reading::Data | Reading::Text => false,
        };
        // Each asker has probes, and the lines of them as they come, of its own.
        if probes || step.interrupt.is_some() {
            return self.send(job, step).await;
        }
        // The same device is the one of the same catalogue: logins may differ between two.
        let key = format!("{:p} {:?} {}", Arc::as_ptr(&job.device), step.ask, step.command);
        let asking = async {
            match self.send(job, step).await {
                Err(failure) if failure.kind == FailureKind::Cancelled => Err(Own(failure)),
                Err(failure) if failure.kind == FailureKind::Timeout && Instant::now() >= self.deadline => {
                    Err(Own(failure))
                }
                said => Ok(said),
            }
        };
        tokio::select! {
            said = self.flights.ask(key, asking) => said,
            // Who waits for another asker has a time of its own; who asks hears it from the transport first.
            () = tokio::time::sleep_until(self.deadline + 2 * GRACE) => Err(late()),
        }
    }

    /// Sends one command; the transport keeps the deadline, this keeps the transport to it.
    async fn send(&self, job: &Job, step: &Step) -> Result<Said, Failure> {
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
        let answer = timeout_at(self.deadline + GRACE, Box::pin(self.transport.run(&step.ask, request)));
        let output = tokio::select! {
            output = answer => output,
            () = forward => return Err(cancelled()),
        };
        match output {
            Ok(Ok(output)) => {
                let notes = output.notes.iter().map(|note| clean(&job.platform.masked(note))).collect();
                Ok(Said { text: self.shown(job, &step.ask, output.text).await.into(), notes })
            }
            Ok(Err(failure)) => {
                let partial = match failure.partial {
                    Some(partial) => Some(self.shown(job, &step.ask, partial).await),
                    None => None,
                };
                Err(Failure { partial, message: clean(&job.platform.masked(&failure.message)), ..failure })
            }
            Err(_) => Err(late()),
        }
    }
}

/// A failure of the last way that was tried, with what had become of the others.
fn with_ways(failure: Failure, before: &[(Via, String)]) -> Failure {
    before.iter().fold(failure, |failure, (via, why)| {
        let message = format!("{}; before that, {via} failed: {why}", failure.message);
        Failure { message, ..failure }
    })
}

fn late() -> Failure {
    Failure::new(FailureKind::Timeout, "gave no answer in time")
}

fn cancelled() -> Failure {
    Failure::new(FailureKind::Cancelled, "was cancelled before it answered")
}
