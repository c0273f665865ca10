//! Answers: what a question brings back, before anyone writes it down for a screen.
//!
//! An [`Answer`] is plain data. The files beside this one write it as text, Markdown, JSON and CSV;
//! chat connectors and the web console write it in their own ways.

pub mod csv;
pub mod json;
pub mod markdown;
pub mod pages;
pub mod text;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Failure, Kind, Place};
use crate::table::{Column, Table, Type, Value};
use crate::text::count;

/// How it went; decides exit code and colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every device answered, or no device was needed.
    Ok,
    /// Some devices failed; what the others said is here.
    Partial,
    /// No device answered.
    Failed,
    /// The question itself could not be answered.
    Refused,
}

/// A device's failure as a row of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFailure {
    /// The device.
    pub device: String,
    /// What failed.
    #[serde(flatten)]
    pub failure: Failure,
}

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "block")]
pub enum Block {
    /// Rows.
    Table {
        /// What stands over it, if several blocks need telling apart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// The table.
        table: Table,
    },
    /// A device's own words, cleaned.
    Code {
        /// What stands over it: the device and the command.
        title: String,
        /// The text.
        text: String,
    },
    /// A sentence or a few.
    Text {
        /// Plain text; lines beginning with two blanks are examples or code.
        text: String,
    },
    /// A question that could not be answered.
    Error {
        /// What failed.
        message: String,
        /// Where in the question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Place>,
        /// What to try.
        hints: Vec<String>,
    },
}

impl Block {
    /// The rows of a table, the lines of a device's words.
    pub fn size(&self) -> usize {
        match self {
            Self::Table { table, .. } => table.rows.len(),
            Self::Code { text, .. } => text.trim_end().lines().count(),
            Self::Text { .. } | Self::Error { .. } => 0,
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Its number in the history; links to its CSV and JSON are made of it.
    pub id: String,
    /// The question as understood.
    pub question: String,
    /// How it went.
    pub status: Status,
    /// The parts, in order.
    pub blocks: Vec<Block>,
    /// The devices without rows.
    pub failures: Vec<DeviceFailure>,
    /// What the reader should know about the rows (`r1: answered by RESTCONF`).
    pub notes: Vec<String>,
    /// How many devices were asked.
    pub devices: usize,
    /// From question to answer, in milliseconds.
    pub took_ms: u64,
    /// A file that the asker wanted instead of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileFormat>,
    /// Set when these are the later rows of an earlier answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
}

/// Which rows of an earlier answer these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// The number of the whole answer.
    pub of: String,
    /// The first row (or line of text) here, counted from 1 over the whole answer.
    pub first: usize,
}

/// The formats of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// Comma-separated values (RFC 4180).
    Csv,
    /// JSON (RFC 8259).
    Json,
    /// Plain text.
    Text,
}

impl Answer {
    /// An answer that needs no device.
    pub fn of(question: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self {
            id: String::new(),
            question: question.into(),
            status: Status::Ok,
            blocks,
            failures: Vec::new(),
            notes: Vec::new(),
            devices: 0,
            took_ms: 0,
            file: None,
            later: None,
        }
    }

    /// The answer to a question that could not be answered.
    pub fn refused(question: impl Into<String>, error: &Error) -> Self {
        let block = Block::Error {
            message: error.message().to_owned(),
            place: error.place().cloned(),
            hints: error.hints().to_vec(),
        };
        let status = if error.kind() == Kind::Cancelled { Status::Failed } else { Status::Refused };
        Self { status, ..Self::of(question, vec![block]) }
    }

    /// The first table, if there is one.
    pub fn table(&self) -> Option<&Table> {
        self.blocks.iter().find_map(|block| match block {
            Block::Table { table, .. } => Some(table),
            _ => None,
        })
    }
}

/// The failures as a table of their own, for renderers without a better way.
pub fn table_with_failures(failures: &[DeviceFailure]) -> Table {
    let columns = ["device", "failed", "why", "hint"].map(|name| Column::new(name, Type::Text)).to_vec();
    let mut table = Table::new(columns);
    for DeviceFailure { device, failure } in failures {
        table.push(vec![
            Value::text(device.as_str()),
            Value::text(failure.kind.as_str()),
            Value::text(failure.message.as_str()),
            failure.hint.as_deref().map_or(Value::Null, Value::text),
        ]);
    }
    table
}

/// The line under an answer: rows, devices, time, notes. Nothing for answers that asked no device.
pub fn footer(answer: &Answer) -> Option<String> {
    let mut parts = Vec::new();
    if answer.devices > 0 {
        if let Some(table) = answer.table() {
            parts.push(count(table.rows.len(), "row"));
        }
        parts.push(count(answer.devices, "device"));
        if !answer.failures.is_empty() {
            parts.push(format!("{} failed", answer.failures.len()));
        }
        parts.push(format!("{} ms", answer.took_ms));
    }
    let mut out = parts.join(" · ");
    for note in &answer.notes {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(note);
    }
    (!out.is_empty()).then_some(out)
}
