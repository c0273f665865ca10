//! An answer in pieces for chats: cut to rows and messages that a platform takes, by rows and not by
//! characters, with the header on each part; what is too much goes into a file.
//!
//! ```text
//!   Answer ─► pieces ─► row budget ("37 more, as file") ─► pages within the budget of a message
//! ```
//!
//! A platform says by [`Shape`] what one message may hold and measures its own way of writing a piece,
//! so that escapes and fences count.

mod later;

pub use later::later;

use serde::{Deserialize, Serialize};

use super::{Answer, Block, DeviceFailure, FileFormat, Status, csv, footer, json, text};
use crate::table::Table;
use crate::text::count;

/// What one message of a platform may hold.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The most of one message, in what `measure` counts.
    pub budget: usize,
    /// How much a piece takes, written for this platform.
    pub measure: fn(&Piece) -> usize,
    /// Rows of one table in one message.
    pub rows: usize,
    /// Columns of a table; a wider one is turned vertical.
    pub columns: usize,
    /// Tables in one message.
    pub tables: usize,
    /// Rows of a whole answer, and lines of one text; the rest goes into the file.
    pub most: usize,
    /// The width of texts in cells, for tables that are turned.
    pub width: usize,
    /// Whether the platform takes files.
    pub files: bool,
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shape")
            .field("budget", &self.budget)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// The first line: the question, and how it went.
    Head {
        /// The question as understood.
        text: String,
        /// How it went; decides mark and colour.
        status: Status,
    },
    /// Sentences. Lines that begin with two blanks are examples or code.
    Text(String),
    /// Rows under their header.
    Table(Table),
    /// A device's own words, or a table that was turned.
    Code(String),
    /// What stands small below.
    Small(String),
}

/// A file beside an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name, of harmless characters.
    pub name: String,
    /// Its content type.
    pub kind: String,
    /// What it holds.
    pub text: String,
}

/// An answer, cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Pages {
    /// The messages, at least one.
    pub pages: Vec<Vec<Piece>>,
    /// What did not go into them, or what was asked for as a file.
    pub file: Option<File>,
    /// The first row (or line) that no message shows, counted from 1 over the whole answer, when there is one.
    pub next: Option<usize>,
}

/// Cuts an answer for a platform.
pub fn cut(answer: &Answer, shape: &Shape) -> Pages {
    let (pieces, short, shown) = pieces(answer, shape);
    let format = match answer.file {
        Some(format) => Some(format),
        // The file came with the first rows.
        None if answer.later.is_some() => None,
        None if short => Some(if answer.table().is_some() { FileFormat::Csv } else { FileFormat::Text }),
        None => None,
    };
    let file = format.filter(|_| shape.files).map(|format| file(answer, format));
    let first = answer.later.as_ref().map_or(1, |later| later.first);
    // Who asked for a file has all of it there.
    let next = (shown < size(answer) && answer.file.is_none()).then(|| first + shown);
    Pages { pages: fill(pieces, shape), file, next }
}

/// An answer as a file.
pub fn file(answer: &Answer, format: FileFormat) -> File {
    let (ending, kind, text) = match format {
        FileFormat::Csv => ("csv", "text/csv", csv::render(answer)),
        FileFormat::Json => ("json", "application/json", json::render(answer)),
        FileFormat::Text => ("txt", "text/plain", text::render(answer, None)),
    };
    let name: String = answer
        .question
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .collect::<String>()
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    let name = name.get(..40).unwrap_or(&name).trim_matches(['-', '.']);
    let name = if name.is_empty() { "answer" } else { name };
    File { name: format!("{name}.{ending}"), kind: kind.to_owned(), text }
}

/// The rows of an answer's tables and the lines of its texts.
fn size(answer: &Answer) -> usize {
    answer.blocks.iter().map(Block::size).sum()
}

/// The pieces of an answer within its budget of rows and lines, whether something was left out, and how many
/// rows and lines are there.
fn pieces(answer: &Answer, shape: &Shape) -> (Vec<Piece>, bool, usize) {
    let mut out = vec![Piece::Head { text: answer.question.clone(), status: answer.status }];
    let mut room = shape.most;
    let mut short = false;
    // Who wanted a file gets a preview.
    if answer.file.is_some() && shape.files {
        room = room.min(10);
    }
    let all = room;
    let rest = |more: usize, one: &str| {
        if answer.later.is_some() {
            format!("{} more", count(more, one))
        } else if shape.files {
            format!("{} more, as file", count(more, one))
        } else {
            format!("{} more: narrow it, for instance by `| include …` or `| top 20 …`", count(more, one))
        }
    };
    for block in &answer.blocks {
        match block {
            Block::Table { title, table } => {
                out.extend(title.clone().map(Piece::Text));
                let mut shown = table.without_empty_columns();
                if shown.rows.is_empty() {
                    out.push(Piece::Text("no rows".into()));
                    continue;
                }
                let more = shown.rows.len().saturating_sub(room);
                shown.rows.truncate(room);
                room -= shown.rows.len();
                if shown.columns.len() > shape.columns {
                    out.push(Piece::Code(text::table(&shown, Some(shape.width))));
                } else if !shown.rows.is_empty() {
                    out.push(Piece::Table(shown));
                }
                if more > 0 {
                    short = true;
                    out.push(Piece::Small(rest(more, "row")));
                }
            }
            Block::Code { title, text } => {
                let lines = text.trim_end().lines().count();
                let kept: Vec<&str> = text.trim_end().lines().take(room).collect();
                room -= kept.len();
                out.push(Piece::Text(title.clone()));
                if !kept.is_empty() {
                    out.push(Piece::Code(kept.join("\n")));
                }
                if lines > kept.len() {
                    short = true;
                    out.push(Piece::Small(rest(lines - kept.len(), "line")));
                }
            }
            Block::Text { text } => out.push(Piece::Text(text.trim_end().to_owned())),
            Block::Error { message, place, hints } => {
                out.push(Piece::Text(message.clone()));
                if let Some(place) = place {
                    let caret = " ".repeat(place.column.saturating_sub(1));
                    out.push(Piece::Code(format!("{}\n{caret}^", place.excerpt)));
                }
                if !hints.is_empty() {
                    out.push(Piece::Text(hints.join("\n")));
                }
            }
        }
    }
    let shown = answer.failures.len().min(shape.most.max(5));
    let lines: Vec<String> = answer.failures.iter().take(shown).map(failure).collect();
    if !lines.is_empty() {
        out.push(Piece::Text(lines.join("\n")));
    }
    if answer.failures.len() > shown {
        short = true;
        out.push(Piece::Small(rest(answer.failures.len() - shown, "failure")));
    }
    out.extend(footer(answer).map(Piece::Small));
    out.retain(|piece| !matches!(piece, Piece::Text(text) | Piece::Code(text) | Piece::Small(text) if text.trim().is_empty()));
    (out, short, all - room)
}

fn failure(failed: &DeviceFailure) -> String {
    let DeviceFailure { device, failure } = failed;
    let message = if failure.message.starts_with(device.as_str()) {
        failure.message.clone()
    } else {
        format!("{device}: {}", failure.message)
    };
    let hint = failure.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("✖ {} {message}{hint}", failure.kind)
}

/// Puts the pieces into messages. Every loop takes something from the piece, so it ends.
fn fill(pieces: Vec<Piece>, shape: &Shape) -> Vec<Vec<Piece>> {
    let mut pages: Vec<Vec<Piece>> = Vec::new();
    let mut page: Vec<Piece> = Vec::new();
    let mut used = 0;
    let mut tables = 0;
    let budget = shape.budget.max(64);
    for piece in pieces {
        let mut rest = Some(piece);
        while let Some(piece) = rest.take() {
            let full = matches!(piece, Piece::Table(_)) && tables >= shape.tables;
            let room = if full { 0 } else { budget.saturating_sub(used) };
            let (fits, left) = split(piece, room, shape);
            rest = left;
            if let Some(fits) = fits {
                used += (shape.measure)(&fits);
                tables += usize::from(matches!(fits, Piece::Table(_)));
                page.push(fits);
                if rest.is_none() {
                    continue;
                }
            } else if page.is_empty() {
                // Not even one row or character fits into a message of its own: a row becomes a text.
                rest = rest.and_then(|piece| smaller(piece, shape));
                continue;
            }
            pages.push(std::mem::take(&mut page));
            (used, tables) = (0, 0);
        }
    }
    if !page.is_empty() || pages.is_empty() {
        pages.push(page);
    }
    pages
}

/// The first row of a table as text; nothing for what cannot be made smaller.
fn smaller(piece: Piece, shape: &Shape) -> Option<Piece> {
    match piece {
        Piece::Table(table) => Some(Piece::Code(text::table(&table, Some(shape.width)))),
        _ => None,
    }
}

/// What of a piece fits into `room`, and what is left of it.
fn split(piece: Piece, room: usize, shape: &Shape) -> (Option<Piece>, Option<Piece>) {
    let within = !matches!(&piece, Piece::Table(table) if table.rows.len() > shape.rows);
    if within && (shape.measure)(&piece) <= room {
        return (Some(piece), None);
    }
    match piece {
        Piece::Table(mut table) => {
            let part = |rows: usize| {
                let rows = table.rows.get(..rows).unwrap_or_default().to_vec();
                Piece::Table(Table { columns: table.columns.clone(), rows })
            };
            let rows = most(table.rows.len().min(shape.rows), |rows| (shape.measure)(&part(rows)) <= room);
            if rows == 0 {
                return (None, Some(Piece::Table(table)));
            }
            let fits = part(rows);
            table.rows.drain(..rows);
            (Some(fits), (!table.rows.is_empty()).then_some(Piece::Table(table)))
        }
        Piece::Head { text, status } => {
            let (fits, _) = shorten(&text, room, |text| (shape.measure)(&Piece::Head { text, status }));
            // The question is only repeated here: its end can go.
            (fits.map(|text| Piece::Head { text, status }), None)
        }
        Piece::Text(text) => parts(&text, room, shape, Piece::Text),
        Piece::Code(text) => parts(&text, room, shape, Piece::Code),
        Piece::Small(text) => parts(&text, room, shape, Piece::Small),
    }
}

fn parts(
    text: &str,
    room: usize,
    shape: &Shape,
    make: fn(String) -> Piece,
) -> (Option<Piece>, Option<Piece>) {
    let (fits, left) = shorten(text, room, |text| (shape.measure)(&make(text)));
    (fits.map(make), left.map(make))
}

/// The longest beginning that fits, whole lines where one is there, and the rest.
fn shorten(text: &str, room: usize, measure: impl Fn(String) -> usize) -> (Option<String>, Option<String>) {
    let ends: Vec<usize> = text.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
    let fits = |chars: usize| {
        let end = chars.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or(0);
        measure(text.get(..end).unwrap_or_default().to_owned()) <= room
    };
    let chars = most(ends.len(), fits);
    let Some(end) = chars.checked_sub(1).and_then(|last| ends.get(last)).copied() else {
        return (None, Some(text.to_owned()));
    };
    let head = text.get(..end).unwrap_or_default();
    // A line is not torn unless it is longer than a message.
    let end = if end == text.len() { end } else { head.rfind('\n').filter(|at| *at > 0).unwrap_or(end) };
    let (head, tail) = text.split_at_checked(end).unwrap_or((text, ""));
    let tail = tail.strip_prefix('\n').unwrap_or(tail);
    let fits = (!head.trim().is_empty()).then(|| head.to_owned());
    match fits {
        Some(head) => (Some(head), (!tail.is_empty()).then(|| tail.to_owned())),
        // A run of empty lines takes no message.
        None if !tail.trim().is_empty() => (None, Some(tail.trim_start_matches('\n').to_owned())),
        None => (None, None),
    }
}

/// The greatest number up to `bound` for which `fits` holds; it must hold for all smaller ones.
fn most(bound: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, bound);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests;
