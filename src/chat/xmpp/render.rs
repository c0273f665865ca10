//! A message as plain text: aligned tables in the fences of XEP-0393, which clients without it show as
//! they are.

use crate::answer::pages::{Piece, Shape};
use crate::answer::{Status, text};
use crate::chat::{Message, parts};

/// Servers take stanzas of 64 kB and more; a message longer than this is hard to read.
pub(super) const SHAPE: Shape = Shape {
    budget: 6000,
    measure,
    rows: 80,
    columns: usize::MAX,
    tables: 8,
    most: 200,
    width: WIDTH,
    files: false,
};

const WIDTH: usize = 78;

fn measure(piece: &Piece) -> usize {
    written(piece).len() + 1
}

/// The body of a message. It begins with a sign of ours, so that it is never a command (`/me`), nor
/// speaks to anybody.
pub(super) fn body(message: &Message) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(asked) = &message.late {
        lines.push(format!("▸ late: asked {asked}"));
    }
    let headed = matches!(message.pieces.first(), Some(Piece::Head { .. }));
    if !headed {
        lines.push("▸ …".to_owned());
    }
    lines.extend(message.pieces.iter().map(written));
    if let Some(typed) = parts::typed(&message.actions) {
        lines.push(format!("type: {}", one_line(&typed)));
    }
    lines.join("\n")
}

fn written(piece: &Piece) -> String {
    match piece {
        Piece::Head { text, status } => {
            let mark = match status {
                Status::Ok => "▸",
                Status::Partial => "▸ ⚠",
                Status::Failed | Status::Refused => "▸ ✖",
            };
            format!("{mark} {}", one_line(text))
        }
        Piece::Text(text) | Piece::Small(text) => plain(text),
        Piece::Table(rows) => fence(&text::table(rows, Some(WIDTH))),
        Piece::Code(text) => fence(text),
    }
}

fn one_line(text: &str) -> String {
    crate::text::clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nothing in it begins a fence, a command or a message.
fn plain(text: &str) -> String {
    // First without what is not sent or not seen: it would hide the beginning of a line.
    let text = crate::text::clean(text);
    let lines = text.trim_end().lines().map(|line| {
        let begins = ["```", ">", "/me", "▸"].into_iter().any(|sign| line.starts_with(sign));
        if begins { format!("\u{200b}{line}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn fence(text: &str) -> String {
    format!("```\n{}\n```", plain(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::{Answer, Block};
    use crate::chat::{Capabilities, Part};
    use crate::table::{Column, Table, Type, Value};

    proptest! {
        #[test]
        fn bodies_are_short_and_their_fences_whole(
            cell in "[`/me> a-z\r\u{1}▸]{0,90}|\\PC{0,90}", rows in 0_usize..230,
            code in "([\r\u{1}\u{200b}▸`>/a-z]{0,40}\n){0,60}"
        ) {
            let mut table = Table::new(vec![Column::new("device", Type::Text), Column::new("n", Type::Int)]);
            for row in 0..rows {
                table.push(vec![Value::text(&cell), Value::int(row)]);
            }
            let blocks = vec![Block::Table { title: None, table }, Block::Code { title: cell.clone(), text: code }];
            let answer = Answer { devices: 1, notes: vec![cell.clone()], ..Answer::of(cell, blocks) };
            let none = Capabilities { tables: false, buttons: false, edits: None, threads: false, ephemeral: true, files: false };
            for part in parts::parts(&answer, &SHAPE, none, "nb-1", Vec::new()) {
                let Part::Message(message) = part else { panic!("a file where there are none") };
                // As it arrives: what XML cannot hold is gone.
                let body = quick_xml::escape::unescape(&crate::chat::xmpp::escape(&body(&message))).unwrap().into_owned();
                prop_assert!(body.len() <= 9000 && body.starts_with('▸'));
                let marks = body.lines().filter(|line| line.starts_with("```")).count();
                prop_assert_eq!(marks % 2, 0);
                prop_assert!(body.lines().all(|line| !line.starts_with("```") || line == "```"));
                let heads = body.lines().filter(|line| line.starts_with('▸')).count();
                prop_assert!(heads <= 1, "a message within a message: {body}");
            }
        }
    }
}
