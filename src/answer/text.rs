//! An answer as plain text: for terminals, files and platforms without tables.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::{Answer, Block, footer, table_with_failures};
use crate::error::Place;
use crate::table::{Column, Table, Type};

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

/// A table in columns; long texts are wrapped where the columns do not fit into `width`, and what cannot
/// be made to fit is written as records.
pub fn table(table: &Table, width: Option<usize>) -> String {
    let shown = table.without_empty_columns();
    if shown.rows.is_empty() {
        return "no rows\n".to_owned();
    }
    let cells: Vec<Vec<String>> =
        shown.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    let mut widths: Vec<usize> = shown
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = cells.iter().filter_map(|row| row.get(index)).map(|cell| cell.width());
            cells.max().unwrap_or(0).max(column.name.width())
        })
        .collect();
    if width.is_some_and(|width| !shrink(&mut widths, &shown.columns, width)) {
        return records(&shown, &cells);
    }
    let mut out = String::new();
    let names: Vec<String> = shown.columns.iter().map(|column| column.name.clone()).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    for row in [&names, &rule].into_iter().chain(&cells) {
        let wrapped: Vec<Vec<&str>> =
            row.iter().zip(&widths).map(|(cell, width)| wrap(cell, *width)).collect();
        for line in 0..wrapped.iter().map(Vec::len).max().unwrap_or(1) {
            let mut text = String::new();
            for ((lines, width), column) in wrapped.iter().zip(&widths).zip(&shown.columns) {
                let cell = lines.get(line).copied().unwrap_or_default();
                let pad = " ".repeat(width.saturating_sub(cell.width()));
                let (left, right) =
                    if column.kind.right_aligned() { (pad.as_str(), "") } else { ("", pad.as_str()) };
                let _ = write!(text, "{left}{cell}{right}  ");
            }
            let _ = writeln!(out, "{}", text.trim_end());
        }
    }
    out
}

/// Narrows the widest columns of texts until all fit into `width`; `false` when they cannot.
fn shrink(widths: &mut [usize], columns: &[Column], width: usize) -> bool {
    /// A column is not made narrower than this.
    const LEAST: usize = 24;
    let gaps = 2 * widths.len().saturating_sub(1);
    loop {
        let total = widths.iter().sum::<usize>() + gaps;
        let Some(over) = total.checked_sub(width).filter(|over| *over > 0) else { return true };
        let texts = widths
            .iter_mut()
            .zip(columns)
            .filter(|(_, column)| matches!(column.kind, Type::Text | Type::List));
        let Some((widest, _)) = texts.max_by_key(|(width, _)| **width).filter(|(width, _)| **width > LEAST)
        else {
            return false;
        };
        // A column at a time, and not below the next one: long columns share what is missing.
        *widest = widest.saturating_sub(over.min(8)).max(LEAST);
    }
}

/// The lines of a cell, broken at blanks where there are some.
fn wrap(cell: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = cell;
    while rest.width() > width.max(1) {
        let mut end = 0;
        let mut blank = None;
        let mut used = 0;
        for (at, c) in rest.char_indices() {
            used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
            if c == ' ' {
                blank = Some(at);
            }
            if used > width.max(1) && end > 0 {
                break;
            }
            end = at + c.len_utf8();
        }
        let cut = blank.filter(|at| *at > 0 && *at <= end).unwrap_or(end);
        let (line, tail) = rest.split_at_checked(cut).unwrap_or((rest, ""));
        lines.push(line.trim_end());
        rest = tail.trim_start();
    }
    lines.push(rest);
    lines
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
