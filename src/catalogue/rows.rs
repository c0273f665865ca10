//! From a parser's records to a verb's rows: the one place where the two meet.

use std::time::SystemTime;

use super::units::{since, with_unit};
use crate::parse::{Cell, Records};
use crate::profile::{Mapping, Source};
use crate::table::{Column, Type, Value};
use crate::text::clean_line;
use crate::verb::{ColumnDef, Verb};

/// Rows under a verb's columns, and what did not fit them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped {
    /// One cell per column of the verb.
    pub rows: Vec<Vec<Value>>,
    /// One sentence per column with cells that are not of its type; they stay as the device wrote
    /// them.
    pub notes: Vec<String>,
}

/// The columns of a verb's table, without the device.
pub fn columns(verb: &Verb) -> Vec<Column> {
    verb.columns
        .iter()
        .map(|def| Column { good: def.good.clone(), ..Column::new(def.name.clone(), def.kind) })
        .collect()
}

/// Maps records to the verb's columns by the source's mappings.
///
/// A record makes one row, or one row for each item where a `List` value stands under a column that is not
/// a list (the addresses of an interface); several such values are walked side by side.
pub fn rows(verb: &Verb, source: &Source, records: &Records) -> Mapped {
    let plans: Vec<Plan> = verb.columns.iter().map(|def| Plan::new(def, source, &records.header)).collect();
    let mut misfits: Vec<Vec<String>> = vec![Vec::new(); plans.len()];
    let overlays = overlays(verb);
    let mut rows = Vec::with_capacity(records.rows.len());
    for record in &records.rows {
        let count = plans.iter().map(|plan| plan.rows(record)).max().unwrap_or(1);
        for row in 0..count {
            let cells = plans.iter().zip(&mut misfits);
            let mut cells: Vec<Value> =
                cells.map(|(plan, misfits)| plan.cell(record, row, misfits)).collect();
            for overlay in &overlays {
                overlay.lay(&mut cells);
            }
            rows.push(cells);
        }
    }
    let notes = plans.iter().zip(misfits).filter(|(_, misfits)| !misfits.is_empty());
    let notes = notes.map(|(plan, misfits)| {
        let first = misfits.first().map_or("", String::as_str);
        let more = if misfits.len() > 1 { format!(" and {} more", misfits.len() - 1) } else { String::new() };
        let name = &plan.def.name;
        if plan.def.values.is_empty() {
            format!("`{first}`{more} in the column {name} cannot be read as {}", plan.def.kind.as_str())
        } else {
            format!("`{first}`{more} in the column {name} is none of {}", plan.def.values.join(", "))
        }
    });
    Mapped { notes: notes.collect(), rows }
}

/// Lays the words that stand instead of a state over rows whose other columns came later, by a join.
pub fn overlay(verb: &Verb, rows: &mut [Vec<Value>]) {
    let overlays = overlays(verb);
    for row in rows {
        for overlay in &overlays {
            overlay.lay(row);
        }
    }
}

/// A word that stands instead of a state where other columns are so.
struct Overlay<'a> {
    column: usize,
    word: &'a str,
    conditions: Vec<(usize, &'a str)>,
}

impl Overlay<'_> {
    fn lay(&self, row: &mut [Value]) {
        let is = |(column, word): &(usize, &str)| {
            row.get(*column).is_some_and(|cell| cell.to_string().eq_ignore_ascii_case(word))
        };
        if self.conditions.iter().all(is)
            && let Some(cell) = row.get_mut(self.column)
        {
            *cell = Value::text(self.word);
        }
    }
}

fn overlays(verb: &Verb) -> Vec<Overlay<'_>> {
    let place = |name: &str| verb.columns.iter().position(|column| column.name == name);
    let mut overlays = Vec::new();
    for (column, def) in verb.columns.iter().enumerate() {
        for (word, conditions) in &def.instead {
            let conditions = conditions.iter().filter_map(|(name, word)| Some((place(name)?, word.as_str())));
            overlays.push(Overlay { column, word, conditions: conditions.collect() });
        }
    }
    overlays
}

/// The records as they are, every value a text: for `show`, whose columns the parser decides.
pub fn plain(records: &Records) -> (Vec<Column>, Vec<Vec<Value>>) {
    let lists: Vec<bool> = (0..records.header.len())
        .map(|index| records.rows.iter().any(|row| !matches!(row.get(index), Some(Cell::Text(_)) | None)))
        .collect();
    let kind = |list: &bool| if *list { Type::List } else { Type::Text };
    let columns = records
        .header
        .iter()
        .zip(&lists)
        .map(|(name, list)| Column::new(name.to_lowercase(), kind(list)))
        .collect();
    let rows = records.rows.iter().map(|record| record.iter().map(as_is).collect()).collect();
    (columns, rows)
}

/// How one column is filled.
struct Plan<'a> {
    def: &'a ColumnDef,
    mapping: Option<&'a Mapping>,
    parts: Vec<Part<'a>>,
    /// Where the device's time stands.
    clock: Option<usize>,
}

/// A piece of the text of a cell.
enum Part<'a> {
    /// The parser's value at this index of a record.
    Value(usize),
    /// As the mapping has it.
    Text(&'a str),
}

impl Part<'_> {
    fn is_list(&self, record: &[Cell]) -> bool {
        matches!(self, Part::Value(index) if matches!(record.get(*index), Some(Cell::List(_))))
    }
}

impl<'a> Plan<'a> {
    fn new(def: &'a ColumnDef, source: &'a Source, header: &[String]) -> Self {
        let mapping = source.columns.get(&def.name);
        let from = match mapping {
            Some(mapping) => mapping.from.as_deref(),
            None => Some(def.name.as_str()),
        };
        let clock = mapping.and_then(Mapping::clock);
        let clock = clock.and_then(|name| header.iter().position(|value| value.eq_ignore_ascii_case(name)));
        Self { def, mapping, parts: from.map(|from| parts(from, header)).unwrap_or_default(), clock }
    }

    /// How many rows this column needs for the record.
    fn rows(&self, record: &[Cell]) -> usize {
        if self.def.kind == Type::List {
            return 1;
        }
        let counts = self.parts.iter().map(|part| match part {
            Part::Value(index) => match record.get(*index) {
                Some(Cell::List(items)) => items.len(),
                _ => 1,
            },
            Part::Text(_) => 1,
        });
        counts.max().unwrap_or(1)
    }

    fn cell(&self, record: &[Cell], row: usize, misfits: &mut Vec<String>) -> Value {
        if let [Part::Value(index)] = self.parts.as_slice()
            && let Some(maps @ Cell::Maps(_)) = record.get(*index)
        {
            return as_is(maps);
        }
        let several = || {
            // `{A}, {B}` is a list also where each has one item or none.
            self.parts.len() > 1
                && self.parts.iter().all(|part| matches!(part, Part::Value(_) | Part::Text(", " | ",")))
        };
        if self.def.kind == Type::List && (self.parts.iter().any(|part| part.is_list(record)) || several()) {
            return self.list(record);
        }
        let mut text = String::new();
        for part in &self.parts {
            let piece = match part {
                Part::Value(index) => item(record.get(*index), row),
                Part::Text(text) => text,
            };
            if piece.is_empty() {
                text.clear();
                break;
            }
            text.push_str(piece);
        }
        if self.mapping.is_some_and(|mapping| mapping.since.is_some()) {
            let clock = self.clock.map(|index| item(record.get(index), row));
            text = since(&text, clock).unwrap_or(text);
        }
        self.read(&text, misfits)
    }

    /// The items of all values; where there are several values, each item once.
    fn list(&self, record: &[Cell]) -> Value {
        let values = self.parts.iter().filter(|part| matches!(part, Part::Value(_))).count();
        let mut found: Vec<String> = Vec::new();
        for part in &self.parts {
            let Part::Value(index) = part else { continue };
            let items: Vec<&str> = match record.get(*index) {
                Some(Cell::List(items)) => items.iter().flatten().map(String::as_str).collect(),
                Some(Cell::Text(text)) => vec![text],
                _ => Vec::new(),
            };
            let items = items.into_iter().flat_map(|item| item.split(',')).map(|item| self.replaced(item));
            for item in items.filter(|item| !item.is_empty()) {
                if values < 2 || !found.contains(&item) {
                    found.push(item);
                }
            }
        }
        Value::List(found.into_iter().map(Value::Text).collect())
    }

    fn read(&self, text: &str, misfits: &mut Vec<String>) -> Value {
        let text = self.replaced(text);
        if !self.def.values.is_empty() && !text.is_empty() {
            let known = self.def.values.iter().find(|value| value.eq_ignore_ascii_case(&text));
            return Value::Text(known.cloned().unwrap_or_else(|| {
                misfits.push(text.clone());
                text
            }));
        }
        Value::read(self.def.kind, &text).unwrap_or_else(|| {
            misfits.push(text.clone());
            Value::Text(text)
        })
    }

    /// The text after `map`, `default` and `unit`, cleaned.
    fn replaced(&self, text: &str) -> String {
        let text = clean_line(text.trim());
        let Some(mapping) = self.mapping else { return text };
        let text = match &mapping.pattern {
            Some(pattern) => pattern.group(&text).unwrap_or_default().to_owned(),
            None => text,
        };
        let text = mapping.begun(text);
        let mapped = mapping.map.get(&text).or_else(|| {
            let any_case = mapping.map.iter().find(|(from, _)| from.eq_ignore_ascii_case(&text));
            any_case.map(|(_, to)| to)
        });
        let text = mapped.cloned().unwrap_or(text);
        match (&mapping.default, &mapping.unit) {
            (Some(default), _) if text.is_empty() => default.clone(),
            (_, Some(unit)) => with_unit(&text, unit, self.def.kind, SystemTime::now()),
            _ => text,
        }
    }
}

/// `NAME`, or a text with values in braces: `{ADDRESS}/{LENGTH}`. Values that the template does not have
/// stay empty.
fn parts<'a>(from: &'a str, header: &[String]) -> Vec<Part<'a>> {
    let value = |name: &str| {
        let found = header.iter().position(|value| value.eq_ignore_ascii_case(name));
        Part::Value(found.unwrap_or(usize::MAX))
    };
    if !from.contains('{') {
        return vec![value(from)];
    }
    let mut parts = Vec::new();
    for (index, piece) in from.split('{').enumerate() {
        match piece.split_once('}') {
            Some((name, text)) if index > 0 => parts.extend([value(name), Part::Text(text)]),
            _ => parts.push(Part::Text(piece)),
        }
    }
    parts.retain(|part| !matches!(part, Part::Text("")));
    parts
}

/// The text of a cell for one row: a single value stands in every row of its record.
fn item(cell: Option<&Cell>, row: usize) -> &str {
    match cell {
        Some(Cell::Text(text)) => text,
        Some(Cell::List(items)) => items.get(row).and_then(Option::as_deref).unwrap_or(""),
        _ => "",
    }
}

fn as_is(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => Value::text(clean_line(text)),
        Cell::List(items) => Value::List(
            items
                .iter()
                .map(|item| item.as_deref().map_or(Value::Null, |item| Value::text(clean_line(item))))
                .collect(),
        ),
        Cell::Maps(items) => Value::List(
            items
                .iter()
                .map(|map| {
                    let pairs =
                        map.iter().map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("")));
                    Value::text(clean_line(&pairs.collect::<Vec<_>>().join(" ")))
                })
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests;
