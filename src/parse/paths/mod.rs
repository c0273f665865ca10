//! Parsers for outputs that have a structure: JSON and XML. A file `template.yaml` says where in the document the
//! records are and where in each record its values.
//!
//! ```yaml
//! format: json
//! rows: /vrfs/{VRF}/routes/{PREFIX}/vias?
//! values:
//!   PROTOCOL: ../routeType
//!   NEXT_HOP: nexthopAddr
//!   INTERFACE: [interface, vrfName]
//!   FAMILY: '=ipv4 unicast'
//! empty: [/warning, '^% BGP instance not found']
//! ```
//!
//! `format: yang` reads data of YANG models, from NETCONF or RESTCONF, XML or JSON alike, always from the root of the
//! datastore. What is empty is left away there, so `key` names the values that every record has: a record without one is an error.
//!
//! Lists are walked by themselves: one thing and a list of one are the same. A document without the entries that
//! `rows` begins with is an error, never an empty table.

mod load;
mod step;
mod walk;

use regex::Regex;

use self::step::Path;
use self::walk::{Place, begins, leads, texts, walk};
use super::textfsm::ParseError;
use super::tree::{self, NoDocument, Tree};
use super::{Cell, Records};

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    Json,
    Xml,
    /// Data of YANG models.
    Yang,
}

/// A parser of structured outputs. Immutable; shared by all who need it.
#[derive(Debug)]
pub struct Paths {
    format: Format,
    /// The values' names: keys first met come first.
    header: Vec<String>,
    tables: Vec<Rows>,
    empty: Vec<Empty>,
    /// The values that no record is without.
    keys: Vec<usize>,
}

/// Records of one kind.
#[derive(Debug)]
struct Rows {
    rows: Path,
    values: Vec<(usize, Vec<Source>)>,
}

/// Where a value comes from.
#[derive(Debug)]
enum Source {
    Path(Path),
    /// Names of identities (RFC 7950, 9.10), whose prefixes are taken off.
    Identity(Path),
    Constant(String),
}

/// What means that there is nothing to show.
#[derive(Debug)]
enum Empty {
    Line(Regex),
    Entry(Path),
}

impl Paths {
    /// The values' names, in order.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Reads the records of an output.
    ///
    /// # Errors
    /// It is no such document, or has not the entries that all of `rows` begin with.
    pub fn parse(&self, text: &str) -> Result<Records, ParseError> {
        self.parse_below(text, &[])
    }

    /// The same for a part of a document: see [`super::Reader::parse_below`].
    ///
    /// # Errors
    /// As in [`Self::parse`].
    pub fn parse_below(&self, text: &str, below: tree::Below<'_>) -> Result<Records, ParseError> {
        let header = self.header.clone();
        if text.trim().is_empty() {
            return Ok(Records { header, rows: Vec::new() });
        }
        let read = match self.format {
            Format::Json => tree::json(text),
            Format::Xml => tree::xml(text).map(|document| vec![document]),
            Format::Yang => tree::yang(text, below).map(|document| vec![document]),
        };
        let documents = match read {
            Ok(documents) => documents,
            Err(_) if self.says_nothing(text) => return Ok(Records { header, rows: Vec::new() }),
            Err(NoDocument { message, line }) => return Err(refused(text, line, message)),
        };
        let mut rows = Vec::new();
        let mut known = false;
        for document in &documents {
            for table in &self.tables {
                known |= match self.format {
                    // Empty containers are not there (RFC 7950, 7.5.7), however deep.
                    Format::Yang => begins(document, &table.rows),
                    Format::Json | Format::Xml => leads(document, &table.rows),
                };
                self.read(document, table, &mut rows);
            }
            let mut place = Place { around: vec![document], keys: Vec::new() };
            known |= self.empty.iter().any(|empty| match empty {
                Empty::Entry(path) => {
                    let mut found = false;
                    walk(&mut place, path, &mut |_| found = true);
                    found
                }
                Empty::Line(_) => false,
            });
        }
        if !known {
            let message = format!("the document has nothing at {}", self.places());
            return Err(refused(text, 1, message));
        }
        if let Some(name) = self.lacking(&rows) {
            let message = format!("a record at {} has no {name}", self.places());
            return Err(refused(text, 1, message));
        }
        Ok(Records { header, rows })
    }

    /// The key that a record is without.
    fn lacking(&self, rows: &[Vec<Cell>]) -> Option<&str> {
        let lacks = |key: &&usize| rows.iter().any(|row| row.get(**key).is_none_or(Cell::is_empty));
        self.keys.iter().find(lacks).and_then(|key| self.header.get(*key)).map(String::as_str)
    }

    /// What each `rows` and each value finds in a text, for the author.
    pub fn explain(&self, text: &str) -> String {
        use std::fmt::Write as _;
        let records = match self.parse(text) {
            Ok(records) => records,
            Err(error) => return format!("no records: {}\n", error.message),
        };
        let mut out = format!("{} at {}\n", crate::text::count(records.rows.len(), "record"), self.places());
        for (column, name) in self.header.iter().enumerate() {
            let filled =
                records.rows.iter().filter(|row| row.get(column).is_some_and(|cell| !cell.is_empty()));
            let _ = writeln!(out, "  {name}: found in {}", filled.count());
        }
        out
    }

    fn places(&self) -> String {
        self.tables.iter().map(|table| format!("`{}`", table.rows)).collect::<Vec<_>>().join(" or ")
    }

    fn says_nothing(&self, text: &str) -> bool {
        self.empty.iter().any(|empty| match empty {
            Empty::Line(line) => text.lines().any(|found| line.is_match(found.trim())),
            Empty::Entry(_) => false,
        })
    }

    fn read(&self, document: &Tree, table: &Rows, rows: &mut Vec<Vec<Cell>>) {
        let mut place = Place { around: vec![document], keys: Vec::new() };
        walk(&mut place, &table.rows, &mut |place| {
            let mut row = vec![Cell::Text(String::new()); self.header.len()];
            for (key, text) in &place.keys {
                let slot = self.header.iter().position(|name| name == key).and_then(|at| row.get_mut(at));
                if let Some(slot) = slot {
                    *slot = Cell::Text((*text).to_owned());
                }
            }
            for (column, sources) in &table.values {
                let cell = sources.iter().map(|source| cell(place, source)).find(|cell| !cell.is_empty());
                if let (Some(slot), Some(cell)) = (row.get_mut(*column), cell) {
                    *slot = cell;
                }
            }
            rows.push(row);
        });
    }
}

fn cell(place: &Place<'_>, source: &Source) -> Cell {
    match source {
        Source::Constant(text) => Cell::Text(text.clone()),
        Source::Path(path) => collected(&texts(place, path)),
        Source::Identity(path) => {
            let names: Vec<&str> = texts(place, path).into_iter().map(tree::local).collect();
            collected(&names)
        }
    }
}

fn collected(texts: &[&str]) -> Cell {
    match texts {
        [] => Cell::Text(String::new()),
        [one] => Cell::Text((*one).to_owned()),
        several => Cell::List(several.iter().map(|text| Some((*text).to_owned())).collect()),
    }
}

fn refused(text: &str, line: usize, message: String) -> ParseError {
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    ParseError { line, text: shown.to_owned(), message }
}

#[cfg(test)]
mod tests;
