//! From what the devices gave to one answer: one table with a `device` column, worst first.

use std::cmp::Ordering;
use std::time::Duration;

use super::plan::Plan;
use crate::answer::{Answer, Block, DeviceFailure, Status};
use crate::error::{Failure, FailureKind, Result};
use crate::run::{Done, Gathered};
use crate::store::Outcome;
use crate::table::{Column, Table, Type, Value, natural};
use crate::verb::{Arguments, Verb};

/// Puts the devices' results together.
pub(super) fn answer(plan: &Plan, done: Vec<Done>) -> Answer {
    let asked = done.len() + plan.unable.len();
    let mut failures = plan.unable.clone();
    let mut table = Table::new(vec![Column::new("device", Type::Text)]);
    let mut parsed = false;
    let mut texts = Vec::new();
    let mut notes = Vec::new();
    let mut without: Vec<String> = Vec::new();
    for Done { device, result } in done {
        match result {
            Ok(mut gathered) => {
                if let Some(failure) = gathered.failed.take() {
                    failures.push(DeviceFailure { device: device.clone(), failure });
                }
                if let Some(newest) = plan.newest {
                    gathered.rows.drain(..gathered.rows.len().saturating_sub(newest));
                }
                parsed |= gathered.parsed;
                if gathered.parsed && gathered.rows.is_empty() {
                    without.push(device.clone());
                }
                notes.extend(gathered.notes.iter().map(|note| format!("{device}: {note}")));
                texts.extend(gathered.texts.iter().map(|(command, text)| Block::Code {
                    title: format!("{device}: {command}"),
                    text: text.clone(),
                }));
                append(&mut table, &device, gathered);
            }
            Err(failure) => failures.push(DeviceFailure { device, failure }),
        }
    }
    failures.sort_by(|a, b| natural(&a.device, &b.device));
    if !table.rows.is_empty() && !without.is_empty() {
        notes.push(format!("no rows from {}", named(&mut without)));
    }
    if parsed && !plan.verb.columns.is_empty() {
        fill_given(&mut table, &plan.given);
        worst_first(&mut table, &plan.verb);
    }
    texts.extend(failures.iter().filter_map(partial));
    let status = match failures.len() {
        0 => Status::Ok,
        failed if failed == asked => Status::Failed,
        _ => Status::Partial,
    };
    let mut blocks = Vec::new();
    if parsed {
        blocks.push(Block::Table { title: None, table });
    }
    blocks.extend(texts);
    Answer { status, failures, notes, devices: asked, ..Answer::of(plan.question.clone(), blocks) }
}

/// Some names, and how many more there are.
fn named(devices: &mut [String]) -> String {
    const SHOWN: usize = 8;
    devices.sort_by(|a, b| natural(a, b));
    let shown = devices.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match devices.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What the audit row says about an answer.
pub(super) fn outcome(answer: &Result<Answer>, took: Duration) -> Outcome {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match answer {
        Ok(answer) => Outcome {
            status: status_word(answer.status).to_owned(),
            rows: answer.table().map_or(0, |table| table.rows.len()),
            failures: answer.failures.iter().map(|f| format!("{}: {}", f.device, f.failure.kind)).collect(),
            took_ms,
        },
        Err(_) => Outcome { status: "refused".to_owned(), took_ms, ..Outcome::default() },
    }
}

/// The word for a status.
pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Partial => "partial",
        Status::Failed => "failed",
        Status::Refused => "refused",
    }
}

/// What a failed device had said, as a block of its own.
fn partial(
    DeviceFailure { device, failure: Failure { kind, partial, .. } }: &DeviceFailure,
) -> Option<Block> {
    let text = partial.clone()?;
    let what = match kind {
        FailureKind::Parse => "its answer, as printed",
        FailureKind::Rejected => "what it said",
        _ => "incomplete answer",
    };
    Some(Block::Code { title: format!("{device}: {what}"), text })
}

/// Adds a device's rows under the union of all columns.
fn append(table: &mut Table, device: &str, gathered: Gathered) {
    let mut places = Vec::with_capacity(gathered.columns.len());
    for column in gathered.columns {
        // A parser's own column may be called `device` too; the first one is ours.
        let known = table.columns.iter().skip(1).position(|known| known.name == column.name);
        places.push(known.map_or(table.columns.len(), |index| index + 1));
        if known.is_none() {
            let name = if column.name == "device" { "device_name".to_owned() } else { column.name.clone() };
            table.columns.push(Column { name, ..column });
            table.rows.iter_mut().for_each(|row| row.push(Value::Null));
        }
    }
    for cells in gathered.rows {
        let mut row = vec![Value::Null; table.columns.len()];
        for (cell, place) in cells.into_iter().zip(&places) {
            if let Some(slot) = row.get_mut(*place) {
                *slot = cell;
            }
        }
        if let Some(first) = row.first_mut() {
            *first = Value::text(device);
        }
        table.rows.push(row);
    }
}

/// Devices asked about one VRF or one host do not say it again in each row: the question did.
fn fill_given(table: &mut Table, given: &Arguments) {
    for (index, column) in table.columns.iter().enumerate().skip(1) {
        let Some(value) = given.get(&column.name) else { continue };
        let value = Value::read(column.kind, &value.to_string()).unwrap_or_default();
        for cell in table.rows.iter_mut().filter_map(|row| row.get_mut(index)).filter(|cell| cell.is_null()) {
            cell.clone_from(&value);
        }
    }
}

/// Rows in trouble first, then what the verb wants descending, then by device and the verb's order.
pub(super) fn worst_first(table: &mut Table, verb: &Verb) {
    let find = |name: &str| table.columns.iter().position(|column| column.name == name);
    let descending: Vec<usize> = verb.sort.iter().filter_map(|name| find(name.strip_prefix('-')?)).collect();
    let ascending: Vec<usize> = std::iter::once("device")
        .chain(verb.sort.iter().map(String::as_str).filter(|name| !name.starts_with('-')))
        .filter_map(find)
        .collect();
    let columns = table.columns.clone();
    let trouble = |row: &[Value]| columns.iter().zip(row).any(|(column, cell)| column.is_trouble(cell));
    let by = |indexes: &[usize], a: &[Value], b: &[Value], worst: bool| {
        indexes
            .iter()
            .filter_map(|index| Some((a.get(*index)?, b.get(*index)?)))
            .map(|(x, y)| if worst && !x.is_null() && !y.is_null() { y.order(x) } else { x.order(y) })
            .find(|ordering| *ordering != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    };
    table.rows.sort_by(|a, b| {
        trouble(b)
            .cmp(&trouble(a))
            .then_with(|| by(&descending, a, b, true))
            .then_with(|| by(&ascending, a, b, false))
    });
}
