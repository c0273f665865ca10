//! What ways in and the bot say to each other beside answers.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::plan::Plan;
use crate::run::Event;

/// How many names of awaited devices and how many streamed lines a progress holds.
const WAITING: usize = 5;
const LINES: usize = 20;

/// A message that somebody typed, wherever.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Incoming {
    /// Who asked.
    pub who: Who,
    /// Where the answer goes.
    pub place: String,
    /// What was typed.
    pub text: String,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The way in (`console`, `terminal`, a chat platform's name).
    pub way: String,
    /// Their identity there.
    pub id: String,
    /// Their name for people.
    pub name: String,
}

/// How far a question has come; sent as it happens, the last one standing for all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The job's id, which `cancel` takes.
    pub job: String,
    /// The question as understood.
    pub question: String,
    /// Devices that are done.
    pub done: usize,
    /// Devices asked.
    pub total: usize,
    /// The names of those still awaited, at most five.
    pub waiting: Vec<String>,
    /// The newest lines of a command that streams, at most twenty.
    pub lines: Vec<String>,
}

/// Turns the runner's events into progress.
pub(super) struct Watcher<'a> {
    sender: &'a watch::Sender<Progress>,
    progress: Progress,
    waiting: Vec<String>,
    lines: VecDeque<String>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(sender: &'a watch::Sender<Progress>, job: &str, plan: &Plan) -> Self {
        let waiting: Vec<String> = plan.jobs.iter().map(|job| job.device.name.clone()).collect();
        let progress = Progress {
            job: job.to_owned(),
            question: plan.question.clone(),
            total: plan.jobs.len(),
            ..Progress::default()
        };
        let watcher = Self { sender, progress, waiting, lines: VecDeque::new() };
        watcher.send();
        watcher
    }

    pub(super) fn tell(&mut self, event: Event) {
        match event {
            Event::Done(device) => {
                self.waiting.retain(|name| *name != device);
                self.progress.done += 1;
            }
            Event::Line(device, line) => {
                let line = crate::text::clean_line(&line);
                let line = if self.progress.total > 1 { format!("{device}: {line}") } else { line };
                if self.lines.len() == LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(line);
            }
        }
        self.send();
    }

    fn send(&self) {
        self.sender.send_replace(Progress {
            waiting: self.waiting.iter().take(WAITING).cloned().collect(),
            lines: self.lines.iter().cloned().collect(),
            ..self.progress.clone()
        });
    }
}
