//! What is asked of one device: the ways to ask it, and the steps of each. Plain data.

use std::sync::Arc;
use std::time::Duration;

use crate::catalogue::narrow::Narrow;
use crate::inventory::Device;
use crate::profile::{Platform, Source};
use crate::transport::Ask;
use crate::verb::{Verb, Via};

/// One device's part of a question.
#[derive(Debug, Clone)]
pub struct Job {
    /// The device.
    pub device: Arc<Device>,
    /// Its platform.
    pub platform: Arc<Platform>,
    /// The devices to jump through, outermost first.
    pub jumps: Vec<(Arc<Device>, Arc<Platform>)>,
    /// The ways to ask it, the best first: the next one is taken where one cannot be had.
    pub ways: Vec<Way>,
}

impl Job {
    /// Every step that may be sent.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.ways.iter().flat_map(|way| &way.steps)
    }
}

/// One way to ask a device.
#[derive(Debug, Clone)]
pub struct Way {
    /// Which.
    pub via: Via,
    /// What to send, in order.
    pub steps: Vec<Step>,
}

/// One question of a job.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is asked.
    pub ask: Ask,
    /// The command line, or what is asked as people would write it.
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
    /// The nodes that the answer's document is below of, the last one being its own: see
    /// [`crate::parse::Reader::parse_below`].
    pub below: Vec<String>,
}

impl Step {
    /// A step by itself.
    pub fn new(ask: Ask, command: String, reading: Reading) -> Self {
        Self {
            ask,
            command,
            interrupt: None,
            reading,
            further: false,
            otherwise: Vec::new(),
            narrows: Vec::new(),
            below: Vec::new(),
        }
    }
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
    /// Data of a YANG model: a table where they are a list, else a tree.
    Data,
    /// Text.
    Text,
}
