//! An answer as plain text: for terminals, files and platforms without tables.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::{Answer, Block, footer, table_with_failures};
use crate::error::Place;
use crate::table::Table;

/// Writes the whole answer. A table wider than `width` cells is written as one record after the
/// other; no width means no limit.
pub fn render(answer: &Answer, width: Option<usize>) -> String {
    let mut out = String::new();
    let mut failures_shown = false;
    for block in &answer.blocks {
        if !out.is_empty() {
            out.push('\n');
        }
        match block {
            Block::Table { title, table: rows } => {
                if let Some(title) = title {
                    let _ = writeln!(out, "{title}");
                }
                out.push_str(&table(rows, width));
                if !failures_shown && !answer.failures.is_empty() {
                    failures_shown = true;
                    out.push('\n');
                    out.push_str(&table(&table_with_failures(&answer.failures), width));
                }
            }
            Block::Code { title, text } => {
                let _ = writeln!(out, "{title}");
                out.push_str(text.trim_end());
                out.push('\n');
            }
            Block::Text { text } => {
                out.push_str(text.trim_end());
                out.push('\n');
            }
            Block::Error { message, place, hints } => {
                let _ = writeln!(out, "{message}");
                if let Some(place) = place {
                    excerpt(&mut out, place);
                }
                for hint in hints {
                    let _ = writeln!(out, "  {hint}");
                }
            }
        }
    }
    if !failures_shown && !answer.failures.is_empty() {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&table(&table_with_failures(&answer.failures), width));
    }
    if let Some(footer) = footer(answer) {
        let _ = writeln!(out, "\n{footer}");
    }
    out
}

/// The line of a question with a caret under the place.
fn excerpt(out: &mut String, place: &Place) {
    let before: String = place.excerpt.chars().take(place.column.saturating_sub(1)).collect();
    let _ = writeln!(out, "  {}\n  {}^", place.excerpt, " ".repeat(before.width()));
}

/// A table in columns, or as records where the columns do not fit into `width`.
pub fn table(table: &Table, width: Option<usize>) -> String {
    let shown = table.without_empty_columns();
    if shown.rows.is_empty() {
        return "no rows\n".to_owned();
    }
    let cells: Vec<Vec<String>> =
        shown.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    let widths: Vec<usize> = shown
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = cells.iter().filter_map(|row| row.get(index)).map(|cell| cell.width());
            cells.max().unwrap_or(0).max(column.name.width())
        })
        .collect();
    let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    if width.is_some_and(|width| total > width) {
        return records(&shown, &cells);
    }
    let mut out = String::new();
    let names: Vec<String> = shown.columns.iter().map(|column| column.name.clone()).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    for row in [&names, &rule].into_iter().chain(&cells) {
        let mut line = String::new();
        for ((cell, width), column) in row.iter().zip(&widths).zip(&shown.columns) {
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            let (left, right) =
                if column.kind.right_aligned() { (pad.as_str(), "") } else { ("", pad.as_str()) };
            let _ = write!(line, "{left}{cell}{right}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// One record after the other, a line per cell; empty cells are left out.
fn records(table: &Table, cells: &[Vec<String>]) -> String {
    let name_width = table.columns.iter().map(|column| column.name.width()).max().unwrap_or(0);
    let mut out = String::new();
    for (index, row) in cells.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for (cell, column) in row.iter().zip(&table.columns).filter(|(cell, _)| !cell.is_empty()) {
            let pad = " ".repeat(name_width.saturating_sub(column.name.width()));
            let _ = writeln!(out, "{}{pad}  {cell}", column.name);
        }
    }
    out
}
