//! Records as a table, JSON, CSV or YAML.

use std::fmt::Write as _;

use super::super::rows;
use crate::answer;
use crate::parse::json::{Bare, Objects};
use crate::parse::{Cell, Records};
use crate::table::Table;

/// How records are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: columns, cleaned of control characters.
    #[default]
    Table,
    /// A list of objects, cells as the engine yields them.
    Json,
    /// RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe in front.
    Csv,
    /// `records:` and the objects, as a parser's samples have them.
    Yaml,
}

/// The records of several files as one; `several` puts the file's name into a first column.
pub fn joined(parts: Vec<(String, Records)>, several: bool) -> Records {
    let mut parts = parts.into_iter();
    let Some((file, first)) = parts.next() else { return Records::default() };
    if !several {
        return first;
    }
    let mut column = "file".to_owned();
    while first.header.contains(&column) {
        column.push('_');
    }
    let mut all = Records { header: vec![column], rows: Vec::new() };
    all.header.extend(first.header.iter().cloned());
    for (file, records) in std::iter::once((file, first)).chain(parts) {
        all.rows.extend(records.rows.into_iter().map(|mut row| {
            row.insert(0, Cell::Text(file.clone()));
            row
        }));
    }
    all
}

/// Writes records; a table is fitted into `width` columns of a terminal.
pub fn write(records: &Records, format: Format, width: Option<usize>) -> String {
    match format {
        Format::Table => answer::text::table(&table(records), width),
        Format::Csv => answer::csv::table(&table(records)),
        // Texts, lists and maps with text keys can always be written.
        Format::Json => serde_json::to_string_pretty(&Objects(records)).unwrap_or_default() + "\n",
        Format::Yaml => yaml(records),
    }
}

fn table(records: &Records) -> Table {
    let (mut columns, rows) = rows::plain(records);
    for (column, name) in columns.iter_mut().zip(&records.header) {
        column.name.clone_from(name);
    }
    let mut table = Table::new(columns);
    for row in rows {
        table.push(row);
    }
    table
}

/// Values in double quotes, so that no reader takes `NO` or `0123` for anything but a text.
fn yaml(records: &Records) -> String {
    let mut out = String::from(if records.rows.is_empty() { "records: []\n" } else { "records:\n" });
    for row in &records.rows {
        if row.is_empty() {
            out.push_str("  - {}\n");
        }
        for (at, (name, cell)) in records.header.iter().zip(row).enumerate() {
            let mark = if at == 0 { '-' } else { ' ' };
            let _ = writeln!(out, "  {mark} {}: {}", key(name), escaped(&Bare(cell)));
        }
    }
    out
}

/// A name as it is where every reader takes it for a text.
fn key(name: &str) -> String {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.iter().any(|word| name.eq_ignore_ascii_case(word));
    if plain { name.to_owned() } else { escaped(&name) }
}

/// As JSON, which YAML takes, and with what YAML does not print escaped.
fn escaped(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::yaml::Node;

    fn one(name: &str, text: &str) -> Records {
        Records { header: vec![name.to_owned()], rows: vec![vec![Cell::Text(text.to_owned())]] }
    }

    #[test]
    fn yaml_reads_back() {
        for text in ["", "yes", "0123", "a: b #c", "it's \"x\"", "\u{85}\u{7f}\u{1}\t\\", "é中"] {
            let written = write(&one("NO", text), Format::Yaml, None);
            let node = Node::read("x.yaml", &written).unwrap();
            let found = node.nearest(&["records", "0", "NO"]).text().map(str::to_owned);
            assert_eq!(found.as_deref(), Some(text), "{written}");
        }
        assert!(write(&one("NO", "x"), Format::Yaml, None).contains("- \"NO\": \"x\""));
    }

    #[test]
    fn files_stand_in_a_column_of_their_own() {
        let alone = joined(vec![("a".into(), one("X", "1"))], false);
        assert_eq!(write(&alone, Format::Csv, None), "X\r\n1\r\n");
        let both = joined(vec![("a".into(), one("file", "1")), ("b".into(), one("file", "2"))], true);
        assert_eq!(write(&both, Format::Csv, None), "file_,file\r\na,1\r\nb,2\r\n");
    }
}
