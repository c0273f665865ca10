//! The stages behind bars. All of them are evaluated by nocbot; a device never sees one.

use super::columns::{Columns, is_column};
use super::cursor::{Cursor, is_quote};
use super::fault::{About, Fault};
use super::word::{self, Found};
use super::{Stage, filter, pattern};
use crate::answer::FileFormat;

/// The most stages behind one question.
const MAX_STAGES: usize = 16;
/// The most columns that one stage names.
const MAX_COLUMNS: usize = 64;
/// The greatest N of `top`.
const MAX_TOP: usize = 10_000;

/// Which stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Include,
    Exclude,
    Begin,
    Section,
    Count,
    Where,
    Select,
    Sort,
    Top,
    Uniq,
    Group,
    Json,
    Csv,
    File,
}

/// What people need to know about a stage; parser, help, completion and docs read this.
#[derive(Debug, Clone, Copy)]
pub struct StageInfo {
    pub(super) kind: Kind,
    /// The word.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// How it is written.
    pub usage: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// All stages, in the order of `help`.
pub const STAGES: [StageInfo; 14] = [
    StageInfo {
        kind: Kind::Include,
        name: "include",
        aliases: &["match", "grep"],
        usage: "include RE",
        help: "rows or lines that match",
    },
    StageInfo {
        kind: Kind::Exclude,
        name: "exclude",
        aliases: &["except"],
        usage: "exclude RE",
        help: "rows or lines that do not match",
    },
    StageInfo {
        kind: Kind::Begin,
        name: "begin",
        aliases: &["find"],
        usage: "begin RE",
        help: "everything from the first match on",
    },
    StageInfo {
        kind: Kind::Section,
        name: "section",
        aliases: &["sec"],
        usage: "section RE",
        help: "matching lines with the indented lines below them",
    },
    StageInfo {
        kind: Kind::Count,
        name: "count",
        aliases: &[],
        usage: "count",
        help: "how many rows or lines",
    },
    StageInfo {
        kind: Kind::Where,
        name: "where",
        aliases: &[],
        usage: "where COL = VALUE and …",
        help: "rows for which a condition holds: = != ~ !~ < <= > >= in, and or not",
    },
    StageInfo {
        kind: Kind::Select,
        name: "select",
        aliases: &["columns"],
        usage: "select COL,COL",
        help: "only these columns, in this order",
    },
    StageInfo {
        kind: Kind::Sort,
        name: "sort",
        aliases: &[],
        usage: "sort [-]COL,COL",
        help: "rows in the order of columns, `-` for descending",
    },
    StageInfo {
        kind: Kind::Top,
        name: "top",
        aliases: &[],
        usage: "top N COL",
        help: "the N rows with the greatest values",
    },
    StageInfo {
        kind: Kind::Uniq,
        name: "uniq",
        aliases: &["unique"],
        usage: "uniq COL",
        help: "the first row of each value",
    },
    StageInfo {
        kind: Kind::Group,
        name: "group",
        aliases: &[],
        usage: "group COL",
        help: "how many rows each value has, most first",
    },
    StageInfo {
        kind: Kind::Json,
        name: "json",
        aliases: &[],
        usage: "json",
        help: "the answer as a JSON file",
    },
    StageInfo { kind: Kind::Csv, name: "csv", aliases: &[], usage: "csv", help: "the answer as a CSV file" },
    StageInfo {
        kind: Kind::File,
        name: "file",
        aliases: &[],
        usage: "file",
        help: "the answer as a text file",
    },
];

/// Whether a word is the whole name of a stage, or of another word for one.
pub(super) fn is_name(word: &str) -> bool {
    names().any(|(name, _)| name.eq_ignore_ascii_case(word))
}

fn names() -> impl Iterator<Item = (&'static str, Kind)> {
    STAGES.iter().flat_map(|stage| {
        std::iter::once(stage.name).chain(stage.aliases.iter().copied()).map(move |name| (name, stage.kind))
    })
}

/// The stage that a word names, if it names one.
pub(super) fn named(word: &str) -> Option<Kind> {
    match word::find(word, names()) {
        Found::One(kind) => Some(kind),
        _ => None,
    }
}

/// Reads all stages; the cursor stands at a bar or at the end.
pub(super) fn read(cursor: &mut Cursor<'_>, mut columns: Columns) -> Result<Vec<Stage>, Fault> {
    let mut stages = Vec::new();
    while cursor.take_if('|') {
        if stages.len() == MAX_STAGES {
            return Err(Fault::limit(cursor.column(), format!("there are more than {MAX_STAGES} stages"))
                .hint("one `where` with `and` does the work of many"));
        }
        cursor.skip_blanks();
        let start = cursor.column();
        if let Some(Stage::File(_)) = stages.last() {
            return Err(Fault::new(start, "nothing can follow behind a file")
                .hint("`json`, `csv` and `file` come last")
                .about(About::Stage));
        }
        let kind = kind(cursor)?;
        let stage = one(cursor, kind, &columns)?;
        columns.after(&stage);
        cursor.skip_blanks();
        if !cursor.at_stop() {
            return Err(Fault::new(
                cursor.column(),
                format!("`{}` takes no more than `{}`", name(kind), info(kind).usage),
            )
            .hint("the next stage begins with a bar")
            .about(About::Stage));
        }
        stages.push(stage);
    }
    Ok(stages)
}

fn info(kind: Kind) -> &'static StageInfo {
    STAGES.iter().find(|stage| stage.kind == kind).unwrap_or(&STAGES[0])
}

/// A stage's word.
pub(super) fn name(kind: Kind) -> &'static str {
    info(kind).name
}

fn kind(cursor: &mut Cursor<'_>) -> Result<Kind, Fault> {
    let column = cursor.column();
    let all = || word::list(STAGES.iter().map(|stage| stage.name));
    let typed = cursor.take_while(|found| found.is_alphanumeric() || matches!(found, '_' | '-'));
    if typed.is_empty() {
        return Err(Fault::new(column, "a stage is missing behind the bar")
            .hint(format!("the stages are {}", all()))
            .about(About::Stage));
    }
    match word::find(&typed, names()) {
        Found::One(kind) => Ok(kind),
        Found::Several(several) => {
            let list = word::list(several.iter().map(String::as_str));
            Err(Fault::new(column, format!("`{typed}` could be {list}"))
                .hint("write one more letter")
                .about(About::Stage))
        }
        Found::None => {
            let near = crate::text::did_you_mean(&typed, names().map(|(name, _)| name));
            let message =
                format!("there is no stage `{typed}`; bars are evaluated by nocbot, a device never sees one");
            Err(Fault::new(column, message)
                .maybe(near)
                .hint(format!("the stages are {}", all()))
                .about(About::Stage))
        }
    }
}

fn one(cursor: &mut Cursor<'_>, kind: Kind, columns: &Columns) -> Result<Stage, Fault> {
    let word = name(kind);
    Ok(match kind {
        Kind::Include => Stage::Include(pattern::read(cursor, word)?),
        Kind::Exclude => Stage::Exclude(pattern::read(cursor, word)?),
        Kind::Begin => Stage::Begin(pattern::read(cursor, word)?),
        Kind::Section => Stage::Section(pattern::read(cursor, word)?),
        Kind::Count => Stage::Count,
        Kind::Where => Stage::Where(filter::read(cursor, columns)?),
        Kind::Select => {
            let names = several(cursor, kind, columns)?;
            if let Some((name, true)) = names.iter().find(|(_, descending)| *descending) {
                return Err(Fault::new(cursor.column(), format!("`-{name}` is an order, not a column"))
                    .hint(format!("`sort -{name}` sorts by it"))
                    .about(About::Stage));
            }
            Stage::Select(names.into_iter().map(|(name, _)| name).collect())
        }
        Kind::Sort => Stage::Sort(several(cursor, kind, columns)?),
        Kind::Top => {
            let count = number(cursor)?;
            Stage::Top(count, single(cursor, kind, columns)?)
        }
        Kind::Uniq => Stage::Uniq(single(cursor, kind, columns)?),
        Kind::Group => Stage::Group(single(cursor, kind, columns)?),
        Kind::Json => Stage::File(FileFormat::Json),
        Kind::Csv => Stage::File(FileFormat::Csv),
        Kind::File => Stage::File(FileFormat::Text),
    })
}

fn number(cursor: &mut Cursor<'_>) -> Result<usize, Fault> {
    cursor.skip_blanks();
    let column = cursor.column();
    let typed = cursor.take_while(|found| found.is_ascii_digit());
    typed.parse().ok().filter(|count| (1..=MAX_TOP).contains(count)).ok_or_else(|| {
        Fault::new(column, format!("`top` needs a number from 1 to {MAX_TOP} and a column"))
            .hint("write it as `top 5 uptime`")
            .about(About::Stage)
    })
}

/// One column, with an optional `by` before it.
fn single(cursor: &mut Cursor<'_>, kind: Kind, columns: &Columns) -> Result<String, Fault> {
    by(cursor);
    column(cursor, kind, columns).map(|(name, _)| name)
}

/// Columns joined by commas or blanks, with whether a `-` stood before each.
fn several(cursor: &mut Cursor<'_>, kind: Kind, columns: &Columns) -> Result<Vec<(String, bool)>, Fault> {
    by(cursor);
    let mut found = Vec::new();
    loop {
        if found.len() == MAX_COLUMNS {
            return Err(Fault::limit(
                cursor.column(),
                format!("`{}` names more than {MAX_COLUMNS} columns", name(kind)),
            )
            .hint("name fewer"));
        }
        cursor.skip_blanks();
        let descending = kind == Kind::Sort && cursor.take_if('-');
        let (name, minus) = column(cursor, kind, columns)?;
        found.push((name, descending || minus));
        cursor.skip_blanks();
        if !cursor.take_if(',') && cursor.at_stop() {
            return Ok(found);
        }
    }
}

/// Skips `by`, if a column follows.
fn by(cursor: &mut Cursor<'_>) {
    cursor.skip_blanks();
    let start = cursor.position();
    if cursor.take_keyword("by") {
        cursor.skip_blanks();
        if cursor.at_stop() {
            cursor.back_to(start);
        }
    }
}

fn column(cursor: &mut Cursor<'_>, kind: Kind, columns: &Columns) -> Result<(String, bool), Fault> {
    cursor.skip_blanks();
    let at = cursor.column();
    let quoted = cursor.peek().is_some_and(is_quote);
    let typed = if quoted { cursor.quoted()? } else { cursor.take_while(is_column) };
    let (typed, minus) = match typed.strip_prefix('-') {
        Some(rest) => (rest.to_owned(), true),
        None => (typed, false),
    };
    if typed.is_empty() || !typed.chars().all(is_column) {
        return Err(Fault::new(at, format!("`{}` needs the name of a column here", name(kind)))
            .hint(format!("write it as `{}`", info(kind).usage))
            .about(About::Stage));
    }
    columns.find(&typed, at).map(|name| (name, minus))
}
