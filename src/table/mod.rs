//! Tables: typed columns, rows of values, and what can be done to them.
//!
//! Every answer that can be rows is a [`Table`]. Nothing here knows devices, chats or parsers.

mod value;

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
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        Self { name: name.into(), kind }
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
}

/// A condition on rows: `state != Established and as in 65001,65002`.
#[derive(Debug, Clone)]
pub enum Filter {
    /// A comparison of one column.
    Compare {
        /// The column, as typed; looked up when the table is there.
        column: String,
        /// The comparison.
        operator: Operator,
        /// What to compare with, as typed; several for `in`.
        values: Vec<String>,
        /// For `~` and `!~`.
        pattern: Option<regex::Regex>,
    },
    /// Both.
    And(Box<Filter>, Box<Filter>),
    /// Either.
    Or(Box<Filter>, Box<Filter>),
    /// The opposite.
    Not(Box<Filter>),
}

/// The comparisons of [`Filter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`, `==`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `~`
    Matches,
    /// `!~`
    NotMatches,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `in`: one of several values, or an address within a prefix.
    In,
}
