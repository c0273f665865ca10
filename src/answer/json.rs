//! An answer as JSON for other programs. The shape is a contract: `tests/it/ask.rs` keeps it.

use serde_json::{Map, Value, json};

use super::{Answer, Block, Status};
use crate::error::Error;
use crate::table::{Column, Table};

/// `{"question", "status", "columns": [{"name", "type"}], "rows": [{"device", …}],
/// "errors": [{"device", "kind", "message", "hint"}], "notes", "text", "took_ms"}`.
///
/// Cells are texts, numbers, lists or null; durations are seconds. What is not rows stands in `text`:
/// one object with `title` and `text` per code block. A question that could not be answered has
/// one entry in `errors` whose `device` is null.
pub fn value(answer: &Answer) -> Value {
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    let mut texts = Vec::new();
    let mut errors: Vec<Value> = answer
        .failures
        .iter()
        .map(|row| {
            json!({
                "device": row.device,
                "kind": row.failure.kind.as_str(),
                "message": row.failure.message,
                "hint": row.failure.hint,
                "partial": row.failure.partial,
            })
        })
        .collect();
    for block in &answer.blocks {
        match block {
            Block::Table { table, .. } => {
                merge_columns(&mut columns, table);
                rows.extend(table.rows.iter().map(|row| record(table, row)));
            }
            Block::Code { title, text } => texts.push(json!({ "title": title, "text": text })),
            Block::Text { text } => texts.push(json!({ "title": null, "text": text })),
            Block::Error { message, place, hints } => errors.push(json!({
                "device": null,
                "kind": "question",
                "message": message,
                "hint": hints.join("; "),
                "column": place.as_ref().map(|place| place.column),
            })),
        }
    }
    json!({
        "id": answer.id,
        "question": answer.question,
        "status": answer.status,
        "columns": columns.iter().map(|column| json!({ "name": column.name, "type": column.kind })).collect::<Vec<_>>(),
        "rows": rows,
        "errors": errors,
        "notes": answer.notes,
        "text": texts,
        "devices": answer.devices,
        "took_ms": answer.took_ms,
    })
}

/// [`value`], indented.
pub fn render(answer: &Answer) -> String {
    format!("{:#}\n", value(answer))
}

/// A question that found no bot to answer it, in the same shape: one entry in `errors` for each error of
/// the configuration, with its `place` in a file where it has one.
pub fn unloaded(question: &str, errors: &[Error]) -> String {
    let mut value = value(&Answer { status: Status::Refused, ..Answer::of(question, Vec::new()) });
    let errors: Vec<Value> = errors
        .iter()
        .map(|error| {
            let place = error
                .place()
                .map(|place| json!({ "source": place.source, "line": place.line, "column": place.column }));
            json!({
                "device": null,
                "kind": error.kind(),
                "message": error.message(),
                "hint": error.hints().join("; "),
                "place": place,
            })
        })
        .collect();
    if let Some(slot) = value.get_mut("errors") {
        *slot = Value::Array(errors);
    }
    format!("{value:#}\n")
}

fn merge_columns(columns: &mut Vec<Column>, table: &Table) {
    for column in &table.columns {
        if !columns.iter().any(|known| known.name == column.name) {
            columns.push(column.clone());
        }
    }
}

fn record(table: &Table, row: &[crate::table::Value]) -> Value {
    let cells = table.columns.iter().zip(row);
    Value::Object(cells.map(|(column, cell)| (column.name.clone(), cell.to_json())).collect::<Map<_, _>>())
}
