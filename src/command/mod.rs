//! From chat text to a question, and from a question to devices.
//!
//! Two steps: [`parse()`] turns text into a [`Question`] and knows only the verbs; [`resolve()`] turns
//! its targets into devices and is the only one that knows the inventory.

//!
//! ```text
//!   text ─► normalise ─► parse ─► Question ─► resolve ─► devices
//!           (cursor, targets, arguments, show, stage, filter, pattern)
//! ```

mod arguments;
mod builtin;
mod canonical;
mod columns;
mod complete;
mod cursor;
mod examples;
mod fault;
mod filter;
mod help;
mod normalise;
mod parse;
mod pattern;
mod resolve;
mod select;
mod show;
mod stage;
mod targets;
mod value;
mod word;

pub use builtin::{BUILTINS, BuiltinInfo};
pub use canonical::canonical;
pub use complete::{Completion, complete};
pub use examples::understand;
pub use help::{examples, help, verb_usage};
pub use normalise::{MAX_CHARACTERS, normalise};
pub use parse::parse;
pub use resolve::{resolve, targets_of, term};
pub use stage::{STAGES, StageInfo};
pub use value::{ports, time};

use std::sync::Arc;

use regex::Regex;

use crate::answer::FileFormat;
use crate::verb::{Arguments, Verb};

/// What somebody asked, understood but not yet resolved.
#[derive(Debug, Clone)]
pub struct Question {
    /// The normalised text.
    pub text: String,
    /// What to do.
    pub command: Command,
    /// What to do with the rows, in order.
    pub stages: Vec<Stage>,
}

/// The first part of a question.
#[derive(Debug, Clone)]
pub enum Command {
    /// A verb of the catalogue.
    Verb {
        /// The verb.
        verb: Arc<Verb>,
        /// Who is asked.
        targets: Targets,
        /// Typed arguments.
        arguments: Arguments,
    },
    /// Any read command of the devices.
    Show {
        /// The verb `show` itself.
        verb: Arc<Verb>,
        /// Who is asked.
        targets: Targets,
        /// The command as typed, blanks folded.
        line: String,
    },
    /// `help`, `help <verb>`.
    Help(Option<String>),
    /// `examples`.
    Examples,
    /// `explain <message>`: everything but sending.
    Explain(Box<Question>),
    /// `devices [targets]`: the inventory itself.
    Devices(Option<Targets>),
    /// `cancel`, `cancel <id>`.
    Cancel(Option<String>),
    /// `again`, `!!`.
    Again,
    /// `more 17 41`: answer 17 from row 41 on.
    More {
        /// The number of the answer.
        answer: u64,
        /// The first row, from 1.
        row: usize,
    },
    /// `history`.
    History,
    /// `whoami`.
    Whoami,
    /// `status`.
    Status,
}

/// A target expression: terms joined from left to right.
#[derive(Debug, Clone)]
pub struct Targets {
    /// As typed.
    pub text: String,
    /// The whole question, for the errors of [`resolve()`].
    pub question: Arc<str>,
    /// Column of its first character in the question, from 1.
    pub column: usize,
    /// The terms, at least one; the first is a union.
    pub terms: Vec<Term>,
}

/// One term of a target expression.
#[derive(Debug, Clone)]
pub struct Term {
    /// How it is joined to what stands before it.
    pub join: Join,
    /// What it chooses.
    pub selector: Selector,
    /// Column of its first character in the question, from 1.
    pub column: usize,
}

/// How a term is joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// `,`
    Union,
    /// `&`
    Intersection,
    /// ` - `
    Minus,
}

/// What a term chooses.
#[derive(Debug, Clone)]
pub enum Selector {
    /// `r1`: exact, then in any case, then a unique prefix, a group, an address.
    Name(String),
    /// `r*`, `edge-?`
    Glob(String),
    /// `@core`
    Group(String),
    /// `site:ams`; keys are `group`, `platform`, `name`, `host` and every key of `data`.
    Key(String, String),
    /// `/^r[12]$/`
    Regex(Regex),
    /// `all`
    All,
}

/// What to do with the rows; a bar is evaluated here, never by a device.
#[derive(Debug, Clone)]
pub enum Stage {
    /// `include RE`, `match RE`: rows (or lines) with a cell that matches.
    Include(Regex),
    /// `exclude RE`, `except RE`
    Exclude(Regex),
    /// `begin RE`, `find RE`: from the first match on.
    Begin(Regex),
    /// `section RE`: matching lines with the indented lines below them; for tables as `include`.
    Section(Regex),
    /// `count`
    Count,
    /// `where EXPR`
    Where(crate::table::Filter),
    /// `select a,b`
    Select(Vec<String>),
    /// `sort [-]a,b`
    Sort(Vec<(String, bool)>),
    /// `top N COL`: the N rows with the greatest values.
    Top(usize, String),
    /// `uniq COL`: the first row of each value.
    Uniq(String),
    /// `group COL`: how many rows per value, most first.
    Group(String),
    /// `json`, `csv`, `file`
    File(FileFormat),
}
