//! A message as Webex Markdown within 7,439 bytes, or as an Adaptive Card 1.3 where it is small and has
//! buttons.

use serde_json::{Value, json};

use crate::answer::pages::{Piece, Shape};
use crate::answer::{Status, text};
use crate::chat::{Message, parts};
use crate::table::Table;

/// Room is left for the late mark and the follow-ups.
pub(super) const SHAPE: Shape = Shape {
    budget: 5600,
    measure,
    rows: 60,
    columns: usize::MAX,
    tables: 4,
    most: 120,
    width: WIDTH,
    files: true,
};

/// The most of a text, in bytes of UTF-8.
const MOST: usize = 7439;
/// What a code block shows on a desktop without wrapping.
const WIDTH: usize = 72;
/// What a card may hold: rows, columns, bytes.
const CARD_ROWS: usize = 20;
const CARD_COLUMNS: usize = 6;
const CARD_BYTES: usize = 20_000;
/// The end of the tag of messages that tell of the progress.
const PROGRESS: &str = "-w";
/// The most buttons of a card, and the most characters on one.
const BUTTONS: usize = 5;
const TITLE: usize = 40;
/// What the follow-ups may take.
const FOLLOW_UPS: usize = 1200;

fn measure(piece: &Piece) -> usize {
    written(piece).len() + 2
}

/// What goes into the body of a call: the card where there is one, and the plain form.
pub(super) fn forms(message: &Message) -> Vec<Value> {
    let markdown = markdown(message);
    let mut forms = Vec::new();
    if let Some(card) = card(message) {
        let attachment = json!({"contentType": "application/vnd.microsoft.card.adaptive", "content": card});
        // What is shown where cards are not, and found again by its mark.
        forms.push(json!({"markdown": markdown, "text": plain(message), "attachments": [attachment]}));
    }
    forms.push(json!({"markdown": markdown, "text": plain(message)}));
    forms
}

/// The end of a message by which it is found again: a comment that nobody sees.
pub(super) fn mark_of(tag: &str) -> String {
    // Characters of no width, a bit each.
    let digest: u64 = tag
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (0..32).map(|bit| if digest >> bit & 1 == 1 { '\u{200b}' } else { '\u{200c}' }).collect()
}

/// The text of a message.
pub(super) fn markdown(message: &Message) -> String {
    let mut blocks: Vec<String> = Vec::new();
    if let Some(asked) = &message.late {
        blocks.push(format!("_late: asked {}_", escape(asked)));
    }
    blocks.extend(message.pieces.iter().map(written));
    if let Some(typed) = parts::typed(&message.actions).filter(|typed| escape(typed).len() <= FOLLOW_UPS) {
        blocks.push(format!("type: {}", escape(&typed)));
    }
    // On a line of its own: behind a fence it would keep the fence open.
    blocks.push(mark_of(&message.tag));
    blocks.join("\n\n")
}

/// The fallback for notifications and old clients.
fn plain(message: &Message) -> String {
    let late = message.late.as_ref().map(|asked| format!("late, asked {asked}: ")).unwrap_or_default();
    let mut out: String = format!("{late}{}", message.summary).chars().take(1000).collect();
    out.truncate(out.floor_char_boundary(MOST - 200));
    if out.trim().is_empty() {
        out.push_str("nocbot");
    }
    out.push_str(&mark_of(&message.tag));
    out
}

fn sign(status: Status) -> &'static str {
    match status {
        Status::Ok => "",
        Status::Partial => "⚠ ",
        Status::Failed | Status::Refused => "✖ ",
    }
}

fn written(piece: &Piece) -> String {
    match piece {
        Piece::Head { text, status } => format!("{}**{}**", sign(*status), escape(text)),
        Piece::Text(text) => prose(text),
        Piece::Table(rows) => fence(&text::table(rows, Some(WIDTH))),
        Piece::Code(text) => fence(text),
        Piece::Small(text) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines.map(|line| format!("_{}_", escape(line.trim()))).collect::<Vec<_>>().join("  \n")
        }
    }
}

/// Lines that begin with two blanks as code, the rest as text with its line ends.
fn prose(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut code: Vec<&str> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(example) = line.strip_prefix("  ") {
            if !lines.is_empty() {
                out.push(std::mem::take(&mut lines).join("  \n"));
            }
            code.push(example);
        } else {
            if !code.is_empty() {
                out.push(fence(&std::mem::take(&mut code).join("\n")));
            }
            lines.push(escape(line));
        }
    }
    if !lines.is_empty() {
        out.push(lines.join("  \n"));
    }
    if !code.is_empty() {
        out.push(fence(&code.join("\n")));
    }
    out.join("\n\n")
}

/// A code block that no line of the text ends: a blank of no width parts runs of backquotes.
fn fence(text: &str) -> String {
    format!("```\n{}\n```", text.trim_end().replace("``", "`\u{200b}`\u{200b}"))
}

/// Text in which nothing is markup and nobody is mentioned (`<@all>` begins with `<`).
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '|' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The message as a card, where it has buttons and is small enough to be read as one.
pub(super) fn card(message: &Message) -> Option<Value> {
    // What tells of the progress is edited, and cards cannot be.
    if message.actions.is_empty() || message.tag.ends_with(PROGRESS) {
        return None;
    }
    let mut body = Vec::new();
    if let Some(asked) = &message.late {
        body.push(line(&format!("late: asked {asked}"), &json!({"isSubtle": true})));
    }
    for piece in &message.pieces {
        match piece {
            Piece::Head { text, status } => {
                let color = match status {
                    Status::Ok => "Default",
                    Status::Partial => "Warning",
                    Status::Failed | Status::Refused => "Attention",
                };
                let text = format!("{}{text}", sign(*status));
                body.push(line(&text, &json!({"weight": "Bolder", "color": color})));
            }
            Piece::Text(text) => {
                for part in text.lines().filter(|part| !part.trim().is_empty()) {
                    let font = if part.starts_with("  ") { "Monospace" } else { "Default" };
                    body.push(line(part.trim(), &json!({"fontType": font})));
                }
            }
            Piece::Table(rows) => body.push(columns(rows)?),
            Piece::Code(text) if text.lines().count() <= 4 => {
                for part in text.lines() {
                    // Blanks at the start and in a row would be folded.
                    let part = part.replace(' ', "\u{a0}");
                    body.push(line(&part, &json!({"fontType": "Monospace"})));
                }
            }
            Piece::Code(_) => return None,
            Piece::Small(text) => {
                for part in text.lines().filter(|part| !part.trim().is_empty()) {
                    body.push(line(part, &json!({"isSubtle": true, "size": "Small"})));
                }
            }
        }
    }
    let actions = if message.actions.len() > BUTTONS { form(message, &mut body) } else { buttons(message) };
    let card = json!({
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.3",
        "body": body,
        "actions": actions,
    });
    (card.to_string().len() <= CARD_BYTES).then_some(card)
}

/// A button for each follow-up.
fn buttons(message: &Message) -> Vec<Value> {
    let button = |action: &parts::Action| {
        let title: String = action.label.chars().take(TITLE).collect();
        json!({"type": "Action.Submit", "title": title, "data": {"ask": action.text}})
    };
    message.actions.iter().map(button).collect()
}

/// Many follow-ups as a menu, with the button that sends its choice.
fn form(message: &Message, body: &mut Vec<Value>) -> Vec<Value> {
    let choice = |action: &parts::Action| json!({"title": action.label, "value": action.text});
    let choices: Vec<Value> = message.actions.iter().map(choice).collect();
    body.push(json!({"type": "Input.ChoiceSet", "id": "ask", "style": "compact", "choices": choices,
        "label": "which one?", "isRequired": true, "errorMessage": "choose one", "placeholder": "choose one"}));
    vec![json!({"type": "Action.Submit", "title": "ask"})]
}

/// A line of text; its Markdown is escaped, because a card reads some.
fn line(text: &str, more: &Value) -> Value {
    let mut block = json!({"type": "TextBlock", "text": shown(text), "wrap": true, "spacing": "Small"});
    if let (Some(block), Some(more)) = (block.as_object_mut(), more.as_object()) {
        block.extend(more.clone());
    }
    block
}

/// Text blocks know emphasis, lists, links, `{{DATE(…)}}` and nothing else; a blank of no width keeps them off.
fn shown(text: &str) -> String {
    let text = if text.trim().is_empty() { "–" } else { text };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '_' | '[' | '{' => out.extend([c, '\u{200b}']),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A table as columns of cells: cards of version 1.3 have no tables.
fn columns(table: &Table) -> Option<Value> {
    if table.rows.len() > CARD_ROWS || table.columns.len() > CARD_COLUMNS {
        return None;
    }
    let columns = table.columns.iter().enumerate().map(|(index, column)| {
        let align = if column.kind.right_aligned() { "Right" } else { "Left" };
        let cell = |text: &str, more: Value| {
            let mut block = json!({"type": "TextBlock", "text": shown(text), "wrap": false, "spacing": "None",
                "fontType": "Monospace", "size": "Small", "horizontalAlignment": align});
            if let (Some(block), Some(more)) = (block.as_object_mut(), more.as_object()) {
                block.extend(more.clone());
            }
            block
        };
        let mut items = vec![cell(&column.name, json!({"weight": "Bolder"}))];
        items.extend(table.rows.iter().filter_map(|row| row.get(index)).map(|value| {
            let more = if column.is_trouble(value) { json!({"color": "Attention"}) } else { json!({}) };
            cell(&value.to_string(), more)
        }));
        json!({"type": "Column", "width": "auto", "items": items})
    });
    Some(json!({"type": "ColumnSet", "columns": columns.collect::<Vec<_>>()}))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::{Answer, Block};
    use crate::chat::{Capabilities, Part};
    use crate::table::{Column, Type, Value as Cell};

    fn messages(cell: &str, rows: usize, code: &str) -> Vec<Message> {
        let mut table = Table::new(vec![Column::new("device", Type::Text), Column::new("n", Type::Int)]);
        for row in 0..rows {
            table.push(vec![Cell::text(cell), Cell::int(row)]);
        }
        let mut blocks = vec![Block::Table { title: None, table }];
        if !code.is_empty() {
            blocks.push(Block::Code { title: cell.into(), text: code.into() });
        }
        let answer = Answer { devices: 1, notes: vec![cell.into()], ..Answer::of(cell, blocks) };
        let all = Capabilities {
            tables: false,
            buttons: true,
            edits: None,
            threads: true,
            ephemeral: false,
            files: true,
        };
        let parts = parts::parts(&answer, &SHAPE, all, "nb-1", Vec::new());
        parts
            .into_iter()
            .filter_map(|part| if let Part::Message(m) = part { Some(m) } else { None })
            .collect()
    }

    proptest! {
        #[test]
        fn every_message_is_within_the_limit_and_mentions_nobody(
            cell in "[<@al>`*_\\[{ é]{0,120}|\\PC{0,120}", rows in 0_usize..140, code in "([`<@a-zé]{0,40}\n){0,40}"
        ) {
            for mut message in messages(&cell, rows, &code) {
                message.late = Some("14:03:05 UTC".into());
                let markdown = markdown(&message);
                prop_assert!(markdown.len() <= MOST, "{}", markdown.len());
                prop_assert!(plain(&message).len() <= MOST);
                prop_assert_eq!(markdown.matches("```").count() % 2, 0);
                // Inside of code a `<` is only a `<`.
                let outside: String = markdown.split("```").step_by(2).collect();
                prop_assert!(!outside.contains('<'), "{}", outside);
            }
        }
    }

    #[test]
    fn a_small_answer_is_a_card_and_a_large_one_is_not() {
        let small = &messages("r1", 3, "")[0];
        let card = card(small).unwrap();
        assert_eq!(
            (card["version"].as_str(), card["actions"][1]["data"]["ask"].as_str()),
            (Some("1.3"), Some("r1 | csv"))
        );
        assert!(messages("r1", 40, "").iter().all(|message| super::card(message).is_none()));
        assert_eq!(mark_of("a").chars().count(), 32);
        assert_ne!(mark_of("nb-1-0"), mark_of("nb-1-1"));
    }
}
