//! An answer as plain text: for terminals, files and platforms without tables.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::{Answer, Block, footer, table_with_failures};
use crate::error::Place;
use crate::table::{Column, Table, Type};

/// Writes the whole answer. A table wider than `width` cells keeps the columns that fit, and
/// the other cells of each row stand below it; no width means no limit.
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
                for line in text.trim_end().lines() {
                    out.push_str(&paragraph(line, width));
                }
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
        out.push('\n');
        for line in footer.lines() {
            out.push_str(&paragraph(line, width));
        }
    }
    out
}

/// The line of a question with a caret under the place.
fn excerpt(out: &mut String, place: &Place) {
    let before: String = place.excerpt.chars().take(place.column.saturating_sub(1)).collect();
    let _ = writeln!(out, "  {}\n  {}^", place.excerpt, " ".repeat(before.width()));
}

/// A table in columns; long texts are wrapped where the columns do not fit into `width`, and what cannot
/// be made to fit stands below its row.
pub fn table(table: &Table, width: Option<usize>) -> String {
    let shown = table.without_empty_columns();
    if shown.rows.is_empty() {
        return "no rows\n".to_owned();
    }
    let cells: Vec<Vec<String>> =
        shown.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    let mut kept = shown.columns.len();
    let mut widths: Vec<usize> = shown
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = cells.iter().filter_map(|row| row.get(index)).map(|cell| cell.width());
            cells.max().unwrap_or(0).max(column.name.width())
        })
        .collect();
    if let Some(width) = width {
        let natural = widths.clone();
        while !shrink(&mut widths, &shown.columns, width) {
            kept = widths.len().saturating_sub(1);
            if kept < 2 {
                return records(&shown, &cells);
            }
            widths.clone_from(&natural);
            widths.truncate(kept);
        }
    }
    let mut out = String::new();
    let names: Vec<String> = shown.columns.iter().map(|column| column.name.clone()).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    for (index, row) in [&names, &rule].into_iter().chain(&cells).enumerate() {
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
        if let (Some(width), true) = (width, index > 1) {
            below(&mut out, names.iter().zip(row).skip(kept), width);
        }
    }
    out
}

/// The cells for which a row has no room, as `name value`, on lines of their own.
fn below<'a>(out: &mut String, cells: impl Iterator<Item = (&'a String, &'a String)>, width: usize) {
    const INDENT: &str = "    ";
    let room = width.saturating_sub(INDENT.width());
    let mut lines: Vec<String> = Vec::new();
    for (name, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
        let item = format!("{name} {cell}");
        match lines.last_mut().filter(|line| line.width() + 3 + item.width() <= room) {
            Some(line) => line.extend([" · ", &item]),
            None => lines.push(item),
        }
    }
    for part in lines.iter().flat_map(|line| wrap(line, room)) {
        let _ = writeln!(out, "{INDENT}{part}");
    }
}

/// A line of text, broken at blanks; the rest of a line of two parts stands under its second part.
fn paragraph(line: &str, width: Option<usize>) -> String {
    let body = line.trim_start();
    let lead = line.len().saturating_sub(body.len());
    let head = match body.find("  ") {
        Some(gap) if lead > 0 => line.len() - body.get(gap..).unwrap_or_default().trim_start().len(),
        _ => lead,
    };
    let (first, rest) = line.split_at_checked(head).unwrap_or(("", line));
    let hang = first.width();
    let Some(room) = width.and_then(|width| width.checked_sub(hang)).filter(|room| *room >= 20) else {
        return format!("{line}\n");
    };
    let mut out = String::new();
    for (index, part) in wrap(rest, room).into_iter().enumerate() {
        let indent = if index == 0 { first.to_owned() } else { " ".repeat(hang) };
        let _ = writeln!(out, "{indent}{part}");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Value;

    #[test]
    fn what_has_no_room_stands_below_its_row() {
        let names = ["device", "interface", "mac_address", "in_errors"];
        let mut wide = Table::new(names.map(|name| Column::new(name, Type::Mac)).to_vec());
        wide.push(["r1", "GigabitEthernet0/1", "52:54:00:00:01:02", "17"].map(Value::text).to_vec());
        let text = table(&wide, Some(50));
        assert!(text.lines().all(|line| line.width() <= 50), "{text}");
        assert!(
            text.contains("\nr1      GigabitEthernet0/1  52:54:00:00:01:02\n    in_errors 17\n"),
            "{text}"
        );
        assert!(!table(&wide, None).contains("\n    "));
    }

    #[test]
    fn lines_of_text_break_at_blanks_and_hang() {
        let line = "  site:ams   a key of the inventory: group, platform or name";
        assert_eq!(
            paragraph(line, Some(42)),
            "  site:ams   a key of the inventory:\n             group, platform or name\n"
        );
        assert_eq!(paragraph(line, None), format!("{line}\n"));
        assert_eq!(
            paragraph("one two three four five six seven", Some(20)),
            "one two three four\nfive six seven\n"
        );
        assert_eq!(paragraph("", Some(20)), "\n");
    }
}
