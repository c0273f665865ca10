//! Questions that the bot answers itself, with packets of its own: `ping 10.0.0.0/24`, `trace r1`.
//!
//! ```text
//!   question ─► hosts (inventory, addresses, prefixes) ─► limits ─► audit row ─► names ─► probe ─► rows
//! ```
//!
//! What a verb's `bot:` says decides which probe it is; the files beside this one make rows of what it found.

mod explain;
mod hosts;
mod matrix;
mod ping;
mod servers;
mod sheet;
mod trace;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::hosts::{Host, Wanted};
use super::{Bot, Incoming, Progress, gather, plan, stages};
use crate::answer::{Answer, Block, DeviceFailure, Status};
use crate::catalogue::Catalogue;
use crate::command::{self, Command, Question, Stage};
use crate::config::Probe as Settings;
use crate::error::{Error, Kind, Result};
use crate::probe::{Limits, Pace};
use crate::store::Entry;
use crate::table::Table;
use crate::verb::{ArgumentValue, Arguments, Native, Verb};

/// How many names of awaited hosts and how many lines a progress holds.
const WAITING: usize = 5;
const LINES: usize = 20;

/// What all probes of this process share.
#[derive(Debug)]
pub(super) struct Probing {
    settings: Settings,
    pace: Pace,
}

impl Probing {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, pace: Pace::new(settings.pace) }
    }
}

impl Default for Probing {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

/// A question that the bot answers itself, before anything is sent.
#[derive(Debug)]
pub(super) struct Asked {
    question: String,
    verb: Arc<Verb>,
    native: Native,
    arguments: Arguments,
    stages: Vec<Stage>,
    wanted: Vec<Wanted>,
    catalogue: Arc<Catalogue>,
}

/// What a probe found.
#[derive(Debug)]
struct Found {
    table: Table,
    failures: Vec<DeviceFailure>,
    notes: Vec<String>,
    /// Hosts that are in the question, and those that were asked and gave no answer.
    asked: usize,
    silent: usize,
}

/// What a probe works with.
struct Work<'a> {
    asked: &'a Asked,
    bot: &'a Bot,
    limits: Limits,
    shown: Shown<'a>,
}

impl Asked {
    /// The question, if it is one for the bot itself.
    ///
    /// # Errors
    /// When a target names nothing that could be a host, or there are too many addresses.
    pub(super) fn of(question: &Question, catalogue: &Arc<Catalogue>, bot: &Bot) -> Result<Option<Self>> {
        let Command::Verb { verb, targets, arguments } = &question.command else { return Ok(None) };
        let Some(native) = verb.by_bot(arguments) else { return Ok(None) };
        let most = bot.probing.settings.addresses;
        let wanted = match native {
            // Those who ask are devices; whom they ask is looked at when the plan is made.
            Native::Mping | Native::Mtrace => Vec::new(),
            // What is asked of a name server is a name, never the address of a device.
            Native::Dns => hosts::names(targets, catalogue)?,
            _ => hosts::wanted(targets, catalogue, most)?,
        };
        Ok(Some(Self {
            question: command::canonical(question),
            verb: Arc::clone(verb),
            native,
            arguments: arguments.clone(),
            stages: question.stages.clone(),
            wanted,
            catalogue: Arc::clone(catalogue),
        }))
    }

    /// The plan for the devices, where it is they who send.
    pub(super) fn matrix(&self, question: &Question, bot: &Bot) -> Option<Result<plan::Plan>> {
        self.native.is_matrix().then(|| matrix::plan(question, self, &self.catalogue, bot))
    }

    /// The answer of the devices as a grid.
    pub(super) fn grid(&self, answer: Answer) -> Answer {
        matrix::grid(answer, self.native, !self.stages.is_empty())
    }

    /// The audit row.
    fn entry(&self, incoming: &Incoming) -> Entry {
        Entry {
            way: incoming.who.way.clone(),
            user_id: incoming.who.id.clone(),
            user_name: incoming.who.name.clone(),
            place: incoming.place.clone(),
            text: incoming.text.clone(),
            question: self.question.clone(),
            devices: self.wanted.iter().map(|wanted| wanted.name.clone()).collect(),
            commands: vec![format!("{} by nocbot itself", self.verb.name)],
        }
    }

    fn word(&self, name: &str) -> Option<&str> {
        match self.arguments.get(name)? {
            ArgumentValue::Word(word) => Some(word),
            _ => None,
        }
    }

    fn int<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        match self.arguments.get(name)? {
            ArgumentValue::Int(number) => T::try_from(*number).ok(),
            _ => None,
        }
    }

    fn time(&self, name: &str, default: Duration) -> Duration {
        self.word(name).and_then(command::time).unwrap_or(default)
    }

    fn flag(&self, name: &str) -> bool {
        self.arguments.contains_key(name)
    }
}

impl Bot {
    /// Answers a question with packets of the bot's own.
    pub(super) async fn native(
        &self,
        asked: Option<Asked>,
        incoming: &Incoming,
        progress: &watch::Sender<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Answer> {
        let asked = asked.ok_or_else(|| Error::new(Kind::Internal, "there is nothing to send"))?;
        let job = self.jobs.start(&incoming.who, &asked.question, cancel)?;
        let entry = self.store.begin(asked.entry(incoming)).await?;
        let started = Instant::now();
        let time = asked.verb.timeout.map_or(self.limits.timeout, Duration::from_secs);
        let limits = Limits { deadline: started + time, cancel: job.cancel.clone() };
        let shown = Shown::new(progress, &job.id, &asked.question);
        let mut work = Work { asked: &asked, bot: self, limits, shown };
        let found = work.run().await;
        let cancelled = job.cancel.is_cancelled();
        let answer = found.and_then(|found| stages::apply(asked.answer(found, cancelled), &asked.stages));
        self.store.end(entry, gather::outcome(&answer, started.elapsed())).await?;
        answer.map(|answer| Answer { id: entry.to_string(), ..answer })
    }
}

impl Asked {
    fn answer(&self, mut found: Found, cancelled: bool) -> Answer {
        gather::worst_first(&mut found.table, &self.verb);
        let failed = found.silent + found.failures.len();
        let asked = found.asked;
        let status = match failed {
            0 => Status::Ok,
            failed if failed >= asked => Status::Failed,
            _ => Status::Partial,
        };
        if cancelled {
            found.notes.push("cancelled: this is what there was until then".to_owned());
        }
        let (failures, notes) = (found.failures, found.notes);
        let blocks = vec![Block::Table { title: None, table: found.table }];
        Answer { status, failures, notes, devices: asked, ..Answer::of(self.question.clone(), blocks) }
    }
}

impl Work<'_> {
    async fn run(&mut self) -> Result<Found> {
        match self.asked.native {
            Native::Ping => self.ping().await,
            Native::Trace => self.trace().await,
            Native::Mtr => self.mtr().await,
            Native::Pmtu => self.pmtu().await,
            Native::Tcp => self.tcp().await,
            Native::Dns => self.dns().await,
            Native::Tls => self.tls().await,
            Native::Mping | Native::Mtrace => Err(Error::new(Kind::Internal, "a matrix is asked of devices")),
        }
    }

    fn pace(&self) -> &Pace {
        &self.bot.probing.pace
    }

    fn settings(&self) -> Settings {
        self.bot.probing.settings
    }

    /// The addresses of all hosts; those without one are failures.
    async fn hosts(&self) -> (Vec<Host>, Vec<DeviceFailure>, Vec<String>) {
        let families = (self.asked.flag("v4"), self.asked.flag("v6"));
        hosts::resolve(&self.asked.wanted, families, self.settings().addresses, &self.limits).await
    }
}

/// What the asker sees while it runs.
struct Shown<'a> {
    sender: &'a watch::Sender<Progress>,
    progress: Progress,
}

impl<'a> Shown<'a> {
    fn new(sender: &'a watch::Sender<Progress>, job: &str, question: &str) -> Self {
        let progress = Progress { job: job.to_owned(), question: question.to_owned(), ..Progress::default() };
        sender.send_replace(progress.clone());
        Self { sender, progress }
    }

    /// How many of how many are done, who is awaited, and lines in place of those before.
    fn tell<'n>(&mut self, done: usize, total: usize, waiting: impl Iterator<Item = &'n str>, lines: &str) {
        self.progress.done = done;
        self.progress.total = total;
        self.progress.waiting = waiting.take(WAITING).map(str::to_owned).collect();
        self.progress.lines = lines.lines().take(LINES).map(str::to_owned).collect();
        self.sender.send_replace(self.progress.clone());
    }
}

/// Names as they are, each once.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.collect()
}
