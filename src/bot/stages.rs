//! The bars of a question, evaluated here on rows and on lines; a device never sees one.

use regex::Regex;

use crate::answer::{Answer, Block};
use crate::command::Stage;
use crate::error::{Error, Result};
use crate::table::{Column, Table, Type, Value};

/// The most of one device's text that an answer carries.
const MOST_TEXT: usize = 8 * 1024 * 1024;

/// Applies the stages in order, then keeps texts to a size that a chat and a browser survive.
pub(super) fn apply(mut answer: Answer, stages: &[Stage]) -> Result<Answer> {
    for stage in stages {
        match stage {
            Stage::File(format) => answer.file = Some(*format),
            Stage::Count => count(&mut answer),
            stage => {
                for block in &mut answer.blocks {
                    match block {
                        Block::Table { table, .. } => rows(table, stage)?,
                        Block::Code { text, .. } => *text = lines(text, stage)?,
                        Block::Text { .. } | Block::Error { .. } => {}
                    }
                }
            }
        }
    }
    for block in &mut answer.blocks {
        if let Block::Code { title, text } = block
            && text.len() > MOST_TEXT
        {
            let whole = text.len();
            let end = text.floor_char_boundary(MOST_TEXT);
            text.truncate(end);
            answer.notes.push(format!(
                "{title}: the first {} of {} MB are shown; `| include …` or `| begin …` finds the rest",
                MOST_TEXT / 1_000_000,
                whole / 1_000_000
            ));
        }
    }
    Ok(answer)
}

fn rows(table: &mut Table, stage: &Stage) -> Result<()> {
    match stage {
        Stage::Include(pattern) | Stage::Section(pattern) => table.include(pattern, true),
        Stage::Exclude(pattern) => table.include(pattern, false),
        Stage::Begin(pattern) => table.begin(pattern),
        Stage::Where(filter) => table.retain(filter)?,
        Stage::Select(columns) => table.select(columns)?,
        Stage::Sort(by) => table.sort(by)?,
        Stage::Top(count, column) => table.top(*count, column)?,
        Stage::Uniq(column) => table.uniq(column)?,
        Stage::Group(column) => table.group(column)?,
        Stage::Count | Stage::File(_) => {}
    }
    Ok(())
}

fn lines(text: &str, stage: &Stage) -> Result<String> {
    let keep = |test: &dyn Fn(&str) -> bool| {
        text.lines().filter(|line| test(line)).flat_map(|line| [line, "\n"]).collect::<String>()
    };
    Ok(match stage {
        Stage::Include(pattern) => keep(&|line| pattern.is_match(line)),
        Stage::Exclude(pattern) => keep(&|line| !pattern.is_match(line)),
        Stage::Begin(pattern) => {
            text.lines().skip_while(|line| !pattern.is_match(line)).flat_map(|line| [line, "\n"]).collect()
        }
        Stage::Section(pattern) => section(text, pattern),
        Stage::Count | Stage::File(_) => text.to_owned(),
        Stage::Where(_)
        | Stage::Select(_)
        | Stage::Sort(_)
        | Stage::Top(..)
        | Stage::Uniq(_)
        | Stage::Group(_) => {
            return Err(Error::question("this output has no columns: no parser knows the command")
                .hint("`include`, `exclude`, `begin`, `section` and `count` work on its lines"));
        }
    })
}

/// Each matching line with the deeper indented lines below it.
fn section(text: &str, pattern: &Regex) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut out = String::new();
    let mut open: Option<usize> = None;
    for line in text.lines() {
        if open.is_some_and(|depth| indent(line) <= depth || line.trim().is_empty()) {
            open = None;
        }
        if open.is_none() && pattern.is_match(line) {
            open = Some(indent(line));
        }
        if open.is_some() {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Rows become one number; texts become a table of how many lines each has.
fn count(answer: &mut Answer) {
    let mut counted = Table::new(vec![Column::new("of", Type::Text), Column::new("lines", Type::Int)]);
    answer.blocks.retain_mut(|block| match block {
        Block::Table { table, .. } => {
            table.count();
            true
        }
        Block::Code { title, text } => {
            counted.push(vec![Value::text(title.as_str()), Value::int(text.lines().count())]);
            false
        }
        Block::Text { .. } | Block::Error { .. } => true,
    });
    if !counted.rows.is_empty() {
        answer.blocks.push(Block::Table { title: None, table: counted });
    }
}
