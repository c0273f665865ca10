//! A message as Block Kit, within its limits, and in two plainer forms for workspaces that refuse it.
//!
//! Device text stands in `raw_text` cells and `rich_text` elements, which are shown literally; in the
//! plain text it is escaped. So it can neither ping nor forge anything.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::answer::pages::{Piece, Shape};
use crate::answer::{Status, text};
use crate::chat::link::put;
use crate::chat::{Action, Message};
use crate::table::Table;

/// The limits: 10,000 characters in the cells of one table, one table and about 13,000 characters in a
/// message; and room for the rest.
pub(super) const SHAPE: Shape =
    Shape { budget: 9000, measure, rows: 99, columns: 20, tables: 1, most: 200, width: 90, files: true };

/// The most of one element; sections have 3,000, and so nobody can object.
const ELEMENT: usize = 2800;
/// The most of a plain text; beyond it the platform cuts, which we never want.
const PLAIN: usize = 39_000;
/// The most of the text of an edit.
const UPDATE: usize = 4000;
/// The most of all blocks of a message: about 13,200 are taken.
const BLOCKS: usize = 12_500;
/// More choices than that are a menu.
const BUTTONS: usize = 5;
/// Labels and values of buttons.
const LABEL: usize = 75;
const VALUE: usize = 2000;
/// The same in a menu.
const OPTION: usize = 75;
const OPTION_VALUE: usize = 150;

/// Characters as the platform counts them, and so much for a block that fifty are never reached.
fn measure(piece: &Piece) -> usize {
    const BLOCK: usize = 200;
    BLOCK
        + match piece {
            Piece::Head { text, .. } | Piece::Text(text) | Piece::Code(text) | Piece::Small(text) => {
                length(text)
            }
            Piece::Table(table) => {
                let names = table.columns.iter().map(|column| length(&column.name));
                let cells = table.rows.iter().flatten().map(|cell| length(&cell.to_string()).max(1));
                names.chain(cells).sum()
            }
        }
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// What becomes the body of a call: native, with code blocks for tables, and as plain text; without the
/// forms that are too long for the platform. What has no form left is a file.
pub(super) fn forms(message: &Message) -> Vec<Value> {
    let summary = line(message);
    let with = |blocks: Vec<Value>| {
        let short = blocks.iter().map(shown).sum::<usize>() <= BLOCKS;
        short.then(|| json!({"text": summary, "blocks": blocks}))
    };
    let mut forms = Vec::new();
    forms.extend(with(blocks(message, true)));
    if message.pieces.iter().any(|piece| matches!(piece, Piece::Table(_))) {
        forms.extend(with(blocks(message, false)));
    }
    let plain = plain(message);
    if length(&plain) <= PLAIN {
        // The blocks are emptied by name: an update without them would keep the old ones.
        forms.push(json!({"text": plain, "blocks": []}));
    }
    forms
}

/// Whether a form may take the place of a message.
pub(super) fn fits_update(form: &Value) -> bool {
    form.get("text").and_then(Value::as_str).is_none_or(|text| length(text) <= UPDATE)
}

/// One line about a message.
pub(super) fn line(message: &Message) -> String {
    let summary = match &message.late {
        Some(asked) => format!("late, asked {asked}: {}", message.summary),
        None => message.summary.clone(),
    };
    let summary = if summary.trim().is_empty() { "nocbot".to_owned() } else { summary };
    escape(&cut(&summary, 700))
}

/// A message as the text of a file.
pub(super) fn whole(message: &Message) -> String {
    let mut out = String::new();
    let mut put = |text: &str| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    if let Some(asked) = &message.late {
        put(&late(asked));
    }
    for piece in &message.pieces {
        match piece {
            Piece::Head { text, .. } | Piece::Text(text) | Piece::Small(text) | Piece::Code(text) => {
                put(text);
            }
            Piece::Table(rows) => put(&text::table(rows, None)),
        }
    }
    if let Some(typed) = crate::chat::parts::typed(&message.actions) {
        put(&typed);
    }
    out
}

/// The characters of a block that are shown: everything that stands under `text`.
fn shown(block: &Value) -> usize {
    match block {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) if key == "text" => length(text),
                other => shown(other),
            })
            .sum(),
        Value::Array(items) => items.iter().map(shown).sum(),
        _ => 0,
    }
}

fn blocks(message: &Message, native: bool) -> Vec<Value> {
    static FRESH: AtomicU64 = AtomicU64::new(0);
    let fresh = FRESH.fetch_add(1, Ordering::Relaxed);
    let mut out = Vec::new();
    if let Some(asked) = &message.late {
        out.push(small(&late(asked)));
    }
    for piece in &message.pieces {
        out.push(match piece {
            Piece::Head { text, status } => {
                let text = if text.trim().is_empty() { "nocbot".to_owned() } else { cut(text, ELEMENT) };
                let mut elements = vec![json!({"type": "text", "text": text, "style": {"code": true}})];
                if let Some(mark) = mark(*status) {
                    elements.insert(0, json!({"type": "text", "text": format!("{mark} ")}));
                }
                rich(vec![json!({"type": "rich_text_section", "elements": elements})])
            }
            Piece::Table(rows) if native => table(rows),
            Piece::Table(rows) => rich(code(&text::table(rows, Some(SHAPE.width)))),
            Piece::Code(text) => rich(code(text)),
            Piece::Small(text) if length(text) <= 1500 => small(text),
            Piece::Text(text) | Piece::Small(text) => rich(prose(text)),
        });
    }
    out.extend(follow_ups(&message.actions));
    for (number, block) in out.iter_mut().enumerate() {
        put(block, "block_id", format!("{}.{fresh}.{number}", message.tag));
    }
    out
}

/// Buttons; a menu where there are many, which on a phone would be a wall of them.
fn follow_ups(actions: &[Action]) -> Option<Value> {
    let mut seen = BTreeSet::new();
    let usable = |action: &Action| {
        length(&action.text) <= VALUE && !action.label.trim().is_empty() && !action.text.is_empty()
    };
    let actions = actions.iter().filter(|action| usable(action) && seen.insert(action.text.as_str()));
    let actions: Vec<&Action> = actions.collect();
    let plain =
        |text: &str, most: usize| json!({"type": "plain_text", "text": cut(text, most), "emoji": false});
    let in_menu = |action: &&Action| length(&action.label) <= OPTION && length(&action.text) <= OPTION_VALUE;
    let elements: Vec<Value> = if actions.len() > BUTTONS && actions.iter().all(in_menu) {
        let options = actions
            .iter()
            .take(100)
            .map(|action| json!({"text": plain(&action.label, OPTION), "value": action.text}));
        let options: Vec<Value> = options.collect();
        vec![json!({
            "type": "static_select",
            "action_id": "ask-menu",
            "placeholder": plain("which one?", OPTION),
            "options": options,
        })]
    } else {
        let buttons = actions.iter().take(10).enumerate().map(|(number, action)| {
            json!({
                "type": "button",
                "action_id": format!("ask-{number}"),
                "text": plain(&action.label, LABEL),
                "value": action.text,
            })
        });
        buttons.collect()
    };
    (!elements.is_empty()).then(|| json!({"type": "actions", "elements": elements}))
}

/// Names the thread in which what its buttons ask is to be answered: a message that only one person sees is in
/// none itself.
pub(super) fn lead(body: &mut Value, thread: &str) {
    let blocks = body.get_mut("blocks").and_then(Value::as_array_mut);
    for block in blocks.into_iter().flatten() {
        let elements = block.get_mut("elements").and_then(Value::as_array_mut);
        for element in elements.into_iter().flatten() {
            if let Some(name) = element.get("action_id").and_then(Value::as_str) {
                let name = format!("{name}@{thread}");
                put(element, "action_id", name);
            }
        }
    }
}

fn late(asked: &str) -> String {
    format!("late: asked {asked}")
}

/// How it went, where it did not go well.
fn mark(status: Status) -> Option<&'static str> {
    match status {
        Status::Ok => None,
        Status::Partial => Some("⚠"),
        Status::Failed | Status::Refused => Some("✖"),
    }
}

fn rich(elements: Vec<Value>) -> Value {
    json!({"type": "rich_text", "elements": elements})
}

fn small(text: &str) -> Value {
    json!({"type": "context", "elements": [{"type": "plain_text", "text": text, "emoji": false}]})
}

/// Lines that begin with two blanks as code, the rest as it is.
fn prose(text: &str) -> Vec<Value> {
    let mut out = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let mut is_code = false;
    let flush = |run: &mut Vec<&str>, is_code: bool, out: &mut Vec<Value>| {
        let text = run.join("\n");
        run.clear();
        if text.trim().is_empty() {
            return;
        }
        if is_code {
            out.extend(code(&text));
        } else {
            let elements = chunks(&text).into_iter().map(|chunk| json!({"type": "text", "text": chunk}));
            out.push(json!({"type": "rich_text_section", "elements": elements.collect::<Vec<_>>()}));
        }
    };
    for line in text.lines() {
        let example = line.starts_with("  ");
        if example != is_code {
            flush(&mut run, is_code, &mut out);
            is_code = example;
        }
        run.push(line.strip_prefix("  ").unwrap_or(line));
    }
    flush(&mut run, is_code, &mut out);
    if out.is_empty() {
        out.push(json!({"type": "rich_text_section", "elements": [{"type": "text", "text": " "}]}));
    }
    out
}

fn code(text: &str) -> Vec<Value> {
    let element = |chunk: String| json!({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": chunk}]});
    chunks(text.trim_end()).into_iter().map(element).collect()
}

/// Pieces of a text that one element takes, torn at line ends where there are some.
fn chunks(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut chunk = String::new();
    let mut size = 0;
    for line in text.split_inclusive('\n') {
        for c in line.chars() {
            if size >= ELEMENT {
                out.push(std::mem::take(&mut chunk));
                size = 0;
            }
            chunk.push(c);
            size += c.len_utf16();
        }
        if size > ELEMENT / 2 {
            out.push(std::mem::take(&mut chunk));
            size = 0;
        }
    }
    if !chunk.is_empty() || out.is_empty() {
        out.push(if chunk.is_empty() { " ".to_owned() } else { chunk });
    }
    out
}

fn table(table: &Table) -> Value {
    let cell = |text: String| {
        // A cell must not be empty.
        let text = if text.trim().is_empty() { "–".to_owned() } else { text };
        json!({"type": "raw_text", "text": text})
    };
    let header: Vec<Value> = table.columns.iter().map(|column| cell(column.name.clone())).collect();
    let rows = table.rows.iter().map(|row| {
        let cells = table.columns.iter().zip(row).map(|(column, value)| {
            if column.is_trouble(value) {
                let element = json!({"type": "text", "text": value.to_string(), "style": {"bold": true}});
                return rich(vec![json!({"type": "rich_text_section", "elements": [element]})]);
            }
            cell(value.to_string())
        });
        Value::Array(cells.collect())
    });
    let rows: Vec<Value> = std::iter::once(Value::Array(header)).chain(rows).collect();
    let settings: Vec<Value> = table
        .columns
        .iter()
        .map(|column| {
            let right = column.kind.right_aligned();
            json!({"align": if right { "right" } else { "left" }, "is_wrapped": !right})
        })
        .collect();
    json!({"type": "table", "rows": rows, "column_settings": settings})
}

/// The whole message without blocks.
fn plain(message: &Message) -> String {
    let mut out = String::new();
    if let Some(asked) = &message.late {
        out.push_str(&escape(&late(asked)));
        out.push('\n');
    }
    for piece in &message.pieces {
        match piece {
            Piece::Head { text, status } => {
                let mark = mark(*status).map(|mark| format!("{mark} ")).unwrap_or_default();
                out.push_str(&mark);
                out.push_str(&literal(text));
            }
            Piece::Text(text) | Piece::Small(text) => out.push_str(&literal(text)),
            Piece::Code(text) => out.push_str(&fenced(text)),
            Piece::Table(rows) => out.push_str(&fenced(&text::table(rows, Some(SHAPE.width)))),
        }
        out.push('\n');
    }
    if let Some(typed) = crate::chat::parts::typed(&message.actions) {
        out.push_str(&literal(&typed));
    }
    out
}

fn fenced(text: &str) -> String {
    format!("```\n{}\n```", literal(text.trim_end()))
}

/// Escaped, and without a run of backquotes, which would begin or end a code block: a blank of no width
/// parts them.
fn literal(text: &str) -> String {
    escape(text).replace("``", "`\u{200b}`\u{200b}")
}

/// What the platform wants escaped, in code as well; nothing else.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// At most so many characters, as the platform counts them.
fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let mut size = 0;
    let kept = text.chars().take_while(|c| {
        size += c.len_utf16();
        size < most
    });
    let mut out: String = kept.collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests;
