//! Tables: typed columns, rows of values, and what can be done to them.
//!
//! Every answer that can be rows is a [`Table`]. Nothing here knows devices, chats or parsers.

mod filter;
mod order;
mod read;
mod stages;
mod value;

pub use filter::{Filter, Operator, columns_of, known};
pub use order::natural;
pub use value::{Type, Value};

use serde::{Deserialize, Serialize};

/// A column's name and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Lower case, words joined by `_`.
    pub name: String,
    /// What its cells are.
    #[serde(rename = "type")]
    pub kind: Type,
    /// For `state` columns: the words that are fine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good: Vec<String>,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        Self { name: name.into(), kind, good: Vec::new() }
    }

    /// Whether this cell is trouble: a state that is none of the good ones.
    pub fn is_trouble(&self, cell: &Value) -> bool {
        self.kind == Type::State
            && !self.good.is_empty()
            && !cell.is_null()
            && !self.good.iter().any(|good| good.eq_ignore_ascii_case(&cell.to_string()))
    }
}

/// Rows under typed columns; every row has one cell per column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows, in order.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// The index of a column by its name, in any case.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Adds a row: cut or filled with nulls to the number of columns.
    pub fn push(&mut self, mut row: Vec<Value>) {
        row.resize(self.columns.len(), Value::Null);
        self.rows.push(row);
    }

    /// The same rows without the columns in which no row has a value: for people, never for programs.
    #[must_use]
    pub fn without_empty_columns(&self) -> Self {
        let filled: Vec<usize> = (0..self.columns.len())
            .filter(|index| {
                let empty =
                    |cell: &Value| cell.is_null() || matches!(cell, Value::List(items) if items.is_empty());
                self.rows.iter().any(|row| row.get(*index).is_some_and(|cell| !empty(cell)))
            })
            .collect();
        let pick = |row: &Vec<Value>| filled.iter().filter_map(|index| row.get(*index).cloned()).collect();
        Self {
            columns: filled.iter().filter_map(|index| self.columns.get(*index).cloned()).collect(),
            rows: self.rows.iter().map(pick).collect(),
        }
    }
}
