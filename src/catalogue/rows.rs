//! From a parser's records to a verb's rows: the one place where the two meet.

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
pub fn rows(verb: &Verb, source: &Source, records: &Records) -> Mapped {
    let plans: Vec<Plan> = verb.columns.iter().map(|def| Plan::new(def, source, &records.header)).collect();
    let mut misfits: Vec<Vec<String>> = vec![Vec::new(); plans.len()];
    let rows = records
        .rows
        .iter()
        .map(|record| {
            plans.iter().zip(&mut misfits).map(|(plan, misfits)| plan.cell(record, misfits)).collect()
        })
        .collect();
    let notes = plans.iter().zip(misfits).filter(|(_, misfits)| !misfits.is_empty());
    let notes = notes.map(|(plan, misfits)| {
        let first = misfits.first().map_or("", String::as_str);
        let more = if misfits.len() > 1 { format!(" and {} more", misfits.len() - 1) } else { String::new() };
        format!(
            "`{first}`{more} in the column {} cannot be read as {}",
            plan.def.name,
            plan.def.kind.as_str()
        )
    });
    Mapped { notes: notes.collect(), rows }
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
    index: Option<usize>,
}

impl<'a> Plan<'a> {
    fn new(def: &'a ColumnDef, source: &'a Source, header: &[String]) -> Self {
        let mapping = source.columns.get(&def.name);
        let name = match mapping {
            Some(mapping) => mapping.from.as_deref(),
            None => Some(def.name.as_str()),
        };
        let index = name.and_then(|name| header.iter().position(|value| value.eq_ignore_ascii_case(name)));
        Self { def, mapping, index }
    }

    fn cell(&self, record: &[Cell], misfits: &mut Vec<String>) -> Value {
        let cell = self.index.and_then(|index| record.get(index));
        match cell {
            Some(Cell::Text(text)) => self.read(text, misfits),
            Some(Cell::List(items)) if self.def.kind == Type::List => {
                let items = items.iter().flatten().map(|item| self.replaced(item));
                Value::List(items.filter(|item| !item.is_empty()).map(Value::Text).collect())
            }
            Some(Cell::List(items)) => {
                let joined = items.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
                self.read(&joined, misfits)
            }
            Some(maps @ Cell::Maps(_)) => as_is(maps),
            None => self.read("", misfits),
        }
    }

    fn read(&self, text: &str, misfits: &mut Vec<String>) -> Value {
        let text = self.replaced(text);
        Value::read(self.def.kind, &text).unwrap_or_else(|| {
            misfits.push(text.clone());
            Value::Text(text)
        })
    }

    /// The text after `map`, `default` and `unit`, cleaned.
    fn replaced(&self, text: &str) -> String {
        let text = clean_line(text.trim());
        let Some(mapping) = self.mapping else { return text };
        let mapped = mapping.map.iter().find(|(from, _)| from.eq_ignore_ascii_case(&text));
        let text = mapped.map_or(text, |(_, to)| to.clone());
        match (&mapping.default, &mapping.unit) {
            (Some(default), _) if text.is_empty() => default.clone(),
            (_, Some(unit)) if text.parse::<f64>().is_ok() => format!("{text} {unit}"),
            _ => text,
        }
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
