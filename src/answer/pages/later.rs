//! The later rows of an answer that was too long for one look.

use crate::answer::{Answer, Block, Later};

/// `answer` from its row (or line of text) `first` on, counted from 1 over all its tables and texts. Sentences,
/// failures and notes stood with the first rows and are not repeated.
pub fn later(answer: &Answer, first: usize) -> Answer {
    let first = first.max(1);
    let mut skip = first - 1;
    let mut blocks = Vec::new();
    for block in &answer.blocks {
        let size = block.size();
        if size <= skip {
            skip -= size;
            continue;
        }
        blocks.push(match block.clone() {
            Block::Table { title, mut table } => {
                table.rows.drain(..skip);
                Block::Table { title, table }
            }
            Block::Code { title, text } => {
                let rest: Vec<&str> = text.trim_end().lines().skip(skip).collect();
                Block::Code { title, text: rest.join("\n") }
            }
            other => other,
        });
        skip = 0;
    }
    blocks.retain(|block| block.size() > 0);
    Answer {
        later: Some(Later { of: answer.id.clone(), first }),
        devices: answer.devices,
        ..Answer::of(format!("{}, from {first} on", answer.question), blocks)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::pages::{self, Piece, Shape};
    use crate::table::{Column, Table, Type, Value};

    fn answer(rows: usize, lines: usize, more: usize) -> Answer {
        let table = |from: usize, rows: usize| {
            let mut table = Table::new(vec![Column::new("n", Type::Int)]);
            (from..from + rows).for_each(|n| table.push(vec![Value::int(n)]));
            Block::Table { title: None, table }
        };
        let text: Vec<String> = (rows..rows + lines).map(|n| format!("line {n}")).collect();
        let blocks = vec![
            Block::Text { text: "a sentence".into() },
            table(0, rows),
            Block::Code { title: "r1".into(), text: text.join("\n") },
            table(rows + lines, more),
        ];
        Answer { id: "7".into(), devices: 1, ..Answer::of("vrf all", blocks) }
    }

    /// The numbers that an answer shows, row by row and line by line.
    fn shown(pages: &[Vec<Piece>]) -> Vec<String> {
        let mut out = Vec::new();
        for piece in pages.iter().flatten() {
            match piece {
                Piece::Table(table) => out.extend(table.rows.iter().map(|row| row[0].to_string())),
                Piece::Code(text) => out.extend(text.lines().map(|line| line.replace("line ", ""))),
                _ => {}
            }
        }
        out
    }

    proptest! {
        #[test]
        fn page_after_page_shows_each_row_once(
            rows in 0_usize..90, lines in 0_usize..40, more in 0_usize..40, most in 1_usize..30
        ) {
            let whole = answer(rows, lines, more);
            let shape = Shape { budget: 300, measure: |piece| match piece {
                Piece::Table(table) => 10 + table.rows.len() * 6,
                Piece::Code(text) | Piece::Text(text) | Piece::Small(text) => 10 + text.len(),
                Piece::Head { text, .. } => text.len(),
            }, rows: 100, columns: 9, tables: 1, most, width: 40, files: true };
            let mut seen = Vec::new();
            let mut cut = pages::cut(&whole, &shape);
            let mut looks = 0;
            loop {
                seen.extend(shown(&cut.pages));
                let Some(next) = cut.next else { break };
                prop_assert_eq!(next, seen.len() + 1);
                cut = pages::cut(&later(&whole, next), &shape);
                prop_assert!(cut.file.is_none());
                looks += 1;
                prop_assert!(looks < 200);
            }
            let all: Vec<String> = (0..rows + lines + more).map(|n| n.to_string()).collect();
            prop_assert_eq!(seen, all);
        }
    }

    #[test]
    fn behind_the_end_there_is_nothing() {
        let rest = later(&answer(3, 0, 0), 4);
        assert!(rest.blocks.is_empty());
        assert_eq!(rest.later, Some(Later { of: "7".into(), first: 4 }));
    }
}
