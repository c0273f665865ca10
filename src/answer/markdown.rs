//! An answer as GitHub-flavoured Markdown.

use std::fmt::Write as _;

use super::{Answer, Block, footer, table_with_failures};
use crate::table::Table;

/// Writes the whole answer. Device text cannot break a table, a fence or the formatting.
pub fn render(answer: &Answer) -> String {
    let mut parts: Vec<String> = Vec::new();
    for block in &answer.blocks {
        parts.push(match block {
            Block::Table { title, table: rows } => {
                let title =
                    title.as_ref().map(|title| format!("**{}**\n\n", escape(title))).unwrap_or_default();
                format!("{title}{}", table(rows))
            }
            Block::Code { title, text } => format!("**{}**\n\n{}", escape(title), fence(text)),
            Block::Text { text } => paragraphs(text, escape),
            Block::Error { message, place, hints } => {
                let mut out = format!("**{}**\n", escape(message));
                if let Some(place) = place {
                    let caret = " ".repeat(place.column.saturating_sub(1));
                    let _ = write!(out, "\n{}", fence(&format!("{}\n{caret}^", place.excerpt)));
                }
                for hint in hints {
                    let _ = write!(out, "\n- {}", escape(hint));
                }
                out
            }
        });
    }
    if !answer.failures.is_empty() {
        parts.push(table(&table_with_failures(&answer.failures)));
    }
    if let Some(footer) = footer(answer) {
        parts.push(format!("_{}_", escape(&footer)));
    }
    parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// A table; numbers against the right edge.
pub fn table(table: &Table) -> String {
    let shown = table.without_empty_columns();
    if shown.rows.is_empty() {
        return "no rows\n".to_owned();
    }
    let mut out = String::from("|");
    for column in &shown.columns {
        let _ = write!(out, " {} |", escape(&column.name));
    }
    out.push_str("\n|");
    for column in &shown.columns {
        out.push_str(if column.kind.right_aligned() { " ---: |" } else { " --- |" });
    }
    for row in &shown.rows {
        out.push_str("\n|");
        for cell in row {
            let _ = write!(out, " {} |", escape(&cell.to_string()));
        }
    }
    out.push('\n');
    out
}

/// A fenced block with a fence longer than any run of backquotes inside.
pub fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// Lines that begin with two blanks become code, the rest what `written` makes of them.
pub fn paragraphs(text: &str, written: fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut code: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(example) = line.strip_prefix("  ") {
            code.push(example);
            continue;
        }
        if !code.is_empty() {
            let _ = writeln!(out, "\n{}", fence(&code.join("\n")));
            code.clear();
        }
        let _ = writeln!(out, "{}", written(line));
    }
    if !code.is_empty() {
        let _ = write!(out, "\n{}", fence(&code.join("\n")));
    }
    out
}

/// Text in which nothing is markup and nobody is mentioned.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '@' => out.push_str("@\u{200b}"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
