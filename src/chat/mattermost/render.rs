//! A message as Mattermost's Markdown, within 16,383 characters or what the server takes.

use std::fmt::Write as _;

use super::escape::{self, cell, code, escape};
use crate::answer::Status;
use crate::answer::markdown::{fence, paragraphs};
use crate::answer::pages::{Piece, Shape};
use crate::chat::{Message, parts};
use crate::table::Table;

/// Room is left for the late mark and the follow-ups.
pub(super) const SHAPE: Shape =
    Shape { budget: 13_000, measure, rows: 100, columns: 16, tables: 8, most: 200, width: 100, files: true };

/// What a server takes that does not say, in characters.
pub(super) const MOST: usize = 16_383;
/// No server takes less.
const LEAST: usize = 4000;

/// The shape for a server that takes posts of so many characters: the rest is for the late mark and the
/// follow-ups. Nobody reads longer posts than ours, so a larger limit changes nothing.
pub(super) fn shape(most: usize) -> Shape {
    Shape { budget: (most.clamp(LEAST, MOST) * 4 / 5).min(SHAPE.budget), ..SHAPE }
}

/// The follow-ups' share of a post.
fn follow_ups(most: usize) -> usize {
    most.clamp(LEAST, MOST) / 8
}

/// The plainest form of a post that was refused: its beginning as code, and that the rest is missing.
pub(super) fn plainest(message: &Message) -> String {
    let mut out = self::message(message, MOST);
    out = out.chars().filter(|c| *c != '`' && *c != '@').take(LEAST / 2).collect();
    format!("```\n{out}\n```\nmattermost refused the whole answer; ask for it as a file: `… | csv`")
}

fn measure(piece: &Piece) -> usize {
    written(piece).chars().count() + 2
}

/// The text of a post, for a server that takes posts of so many characters.
pub(super) fn message(message: &Message, most: usize) -> String {
    let mut blocks: Vec<String> = Vec::new();
    if let Some(asked) = &message.late {
        blocks.push(format!("_late: asked {}_", escape(asked)));
    }
    blocks.extend(message.pieces.iter().map(written));
    let mut room = follow_ups(most);
    let typed = message.actions.iter().map(|action| code(&action.text)).filter(|text| {
        let fits = text.chars().count() + 3 <= room;
        room = room.saturating_sub(text.chars().count() + 3);
        fits
    });
    let typed: Vec<String> = typed.collect();
    if parts::typed(&message.actions).is_some() && !typed.is_empty() {
        blocks.push(format!("type: {}", typed.join(" · ")));
    }
    blocks.join("\n\n")
}

fn written(piece: &Piece) -> String {
    match piece {
        Piece::Head { text, status } => {
            let mark = match status {
                Status::Ok => "",
                Status::Partial => ":warning: ",
                Status::Failed | Status::Refused => ":x: ",
            };
            format!("{mark}{}", code(text))
        }
        Piece::Text(text) => paragraphs(text, escape::line).trim_end().to_owned(),
        Piece::Table(rows) => table(rows),
        Piece::Code(text) => fence(text).trim_end().to_owned(),
        Piece::Small(text) => {
            let lines: Vec<String> = text
                .lines()
                .filter(|line| !line.trim().is_empty())
                .map(|line| format!("_{}_", escape::line(line)))
                .collect();
            lines.join("\n")
        }
    }
}

fn table(table: &Table) -> String {
    let mut out = String::from("|");
    for column in &table.columns {
        let _ = write!(out, " {} |", escape(&column.name));
    }
    out.push_str("\n|");
    for column in &table.columns {
        out.push_str(if column.kind.right_aligned() { " ---: |" } else { " --- |" });
    }
    for row in &table.rows {
        out.push_str("\n|");
        for (column, value) in table.columns.iter().zip(row) {
            let text = value.to_string();
            let cell = if column.is_trouble(value) { format!("**{}**", cell(&text)) } else { cell(&text) };
            let _ = write!(out, " {cell} |");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::{Answer, Block};
    use crate::chat::{Capabilities, Part};
    use crate::table::{Column, Type, Value};

    fn posts(answer: &Answer, most: usize) -> Vec<String> {
        let all = Capabilities {
            tables: true,
            buttons: false,
            edits: None,
            threads: true,
            ephemeral: true,
            files: true,
        };
        let parts = parts::parts(answer, &shape(most), all, "nb-1", Vec::new());
        parts
            .iter()
            .filter_map(|part| if let Part::Message(m) = part { Some(message(m, most)) } else { None })
            .collect()
    }

    fn answer(cell: &str, rows: usize, code: &str) -> Answer {
        let mut table = Table::new(vec![Column::new("device", Type::Text), Column::new("n", Type::Int)]);
        for row in 0..rows {
            table.push(vec![Value::text(cell), Value::int(row)]);
        }
        let blocks =
            vec![Block::Table { title: None, table }, Block::Code { title: cell.into(), text: code.into() }];
        Answer { devices: 1, notes: vec![cell.into()], ..Answer::of(cell, blocks) }
    }

    proptest! {
        #[test]
        fn every_post_is_within_the_limit_and_every_row_has_its_cells(
            cell in "[|`@a-z:\\\\ <*]{0,120}|\\PC{0,120}", rows in 0_usize..230, code in "([`~@a-z]{0,40}\n){0,60}",
            most in prop_oneof![Just(4000_usize), Just(16_383), Just(65_535)]
        ) {
            for post in posts(&answer(&cell, rows, &code), most) {
                prop_assert!(post.chars().count() <= most.min(16_383));
                // Outside of code nobody is mentioned.
                let mut fence: Option<String> = None;
                let mut columns = None;
                for line in post.lines() {
                    let ticks: String = line.chars().take_while(|c| *c == '`').collect();
                    match &fence {
                        Some(open) => if line == open { fence = None },
                        None if ticks.len() >= 3 => fence = Some(ticks),
                        None => {
                            let outside: String = line.split('`').step_by(2).collect();
                            let at = outside.find('@').map(|at| &outside[at + 1..]);
                            prop_assert!(at.is_none_or(|rest| rest.starts_with('\u{200b}')), "{}", line);
                            if line.starts_with('|') {
                                let bars = line.replace("\\|", "").matches('|').count();
                                // One bar more than columns; the empty ones are left out.
                                prop_assert!(bars == 2 || bars == 3, "{}", line);
                                prop_assert_eq!(*columns.get_or_insert(bars), bars, "{}", line);
                            }
                        }
                    }
                }
                prop_assert!(fence.is_none());
            }
        }
    }
}
