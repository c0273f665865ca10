//! `where`: conditions on rows.

use std::cmp::Ordering;

use ipnetwork::IpNetwork;
use regex::Regex;

use super::{Column, Table, Type, Value};
use crate::error::{Error, Result};
use crate::text;

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
        pattern: Option<Regex>,
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

impl Table {
    /// Keeps the rows for which `filter` holds; an unknown column or a value that does not fit its
    /// column's type is an error, never an empty table.
    pub fn retain(&mut self, filter: &Filter) -> Result<()> {
        let test = Test::build(filter, self)?;
        self.rows.retain(|row| test.holds(row));
        Ok(())
    }

    /// The index of a column, or an error with the nearest names.
    pub fn require(&self, name: &str) -> Result<usize> {
        self.column(name).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            let error = Error::question(format!("there is no column `{name}` here"));
            let error = match text::did_you_mean(name, names.iter().copied()) {
                Some(hint) => error.hint(hint),
                None => error,
            };
            error.hint(format!("the columns are {}", names.join(", ")))
        })
    }
}

/// A filter with its columns found and its values read.
enum Test {
    Compare { index: usize, operator: Operator, values: Vec<Operand>, pattern: Option<Regex> },
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Not(Box<Test>),
}

/// A value to compare with: as typed, as the column's type, and as a network.
struct Operand {
    text: String,
    value: Option<Value>,
    network: Option<IpNetwork>,
}

impl Test {
    fn build(filter: &Filter, table: &Table) -> Result<Self> {
        Ok(match filter {
            Filter::And(a, b) => {
                Self::And(Box::new(Self::build(a, table)?), Box::new(Self::build(b, table)?))
            }
            Filter::Or(a, b) => Self::Or(Box::new(Self::build(a, table)?), Box::new(Self::build(b, table)?)),
            Filter::Not(a) => Self::Not(Box::new(Self::build(a, table)?)),
            Filter::Compare { column, operator, values, pattern } => {
                let index = table.require(column)?;
                let kind = table.columns.get(index).map_or(Type::Text, |column| column.kind);
                let values = values.iter().map(|text| Operand::read(kind, text)).collect::<Vec<_>>();
                let ordered = matches!(
                    operator,
                    Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
                );
                if let Some(wrong) = values.iter().find(|operand| operand.value.is_none())
                    && ordered
                {
                    return Err(Error::question(format!(
                        "`{}` is not {} and cannot be compared with the column `{column}`",
                        wrong.text,
                        kind.as_str()
                    ))
                    .hint(format!("the column `{column}` holds {}", kind.as_str())));
                }
                Self::Compare { index, operator: *operator, values, pattern: pattern.clone() }
            }
        })
    }

    fn holds(&self, row: &[Value]) -> bool {
        match self {
            Self::And(a, b) => a.holds(row) && b.holds(row),
            Self::Or(a, b) => a.holds(row) || b.holds(row),
            Self::Not(a) => !a.holds(row),
            Self::Compare { index, operator, values, pattern } => {
                let Some(cell) = row.get(*index) else { return false };
                let any =
                    |test: fn(&Operand, &Value) -> bool| values.iter().any(|operand| test(operand, cell));
                let matches = || pattern.as_ref().is_some_and(|pattern| pattern.is_match(&cell.to_string()));
                match operator {
                    Operator::Equal => any(Operand::equals),
                    Operator::NotEqual => !any(Operand::equals),
                    Operator::In => any(Operand::contains),
                    Operator::Matches => matches(),
                    Operator::NotMatches => !matches(),
                    Operator::Less => any(|o, c| o.order(c) == Some(Ordering::Less)),
                    Operator::Greater => any(|o, c| o.order(c) == Some(Ordering::Greater)),
                    Operator::LessOrEqual => {
                        any(|o, c| matches!(o.order(c), Some(Ordering::Less | Ordering::Equal)))
                    }
                    Operator::GreaterOrEqual => {
                        any(|o, c| matches!(o.order(c), Some(Ordering::Greater | Ordering::Equal)))
                    }
                }
            }
        }
    }
}

impl Operand {
    fn read(kind: Type, text: &str) -> Self {
        let kind = if kind == Type::List { Type::Text } else { kind };
        Self { text: text.to_owned(), value: Value::read(kind, text), network: text.parse().ok() }
    }

    /// Equal as values, as texts without case, as one item of a list, or empty both.
    fn equals(&self, cell: &Value) -> bool {
        match cell {
            Value::Null => self.text.is_empty(),
            Value::List(items) => {
                items.iter().any(|item| self.equals(item)) || (items.is_empty() && self.text.is_empty())
            }
            Value::Prefix(prefix) => match self.text.parse::<std::net::IpAddr>() {
                Ok(ip) => prefix.ip() == ip,
                Err(_) => self.network == Some(*prefix),
            },
            _ => {
                self.value.as_ref() == Some(cell)
                    || self.text.to_lowercase() == cell.to_string().to_lowercase()
            }
        }
    }

    /// Equal, or an address or prefix within the network.
    fn contains(&self, cell: &Value) -> bool {
        let inside = |ip, length| self.network.is_some_and(|net| net.contains(ip) && net.prefix() <= length);
        match cell {
            Value::Ip(ip) => inside(*ip, if ip.is_ipv4() { 32 } else { 128 }) || self.equals(cell),
            Value::Prefix(prefix) => inside(prefix.ip(), prefix.prefix()),
            Value::List(items) => items.iter().any(|item| self.contains(item)),
            _ => self.equals(cell),
        }
    }

    /// How the cell stands to this value; nothing for an empty cell or another type.
    fn order(&self, cell: &Value) -> Option<Ordering> {
        let value = self.value.as_ref()?;
        let comparable = std::mem::discriminant(value) == std::mem::discriminant(cell);
        (comparable && !cell.is_null()).then(|| cell.order(value))
    }
}

/// The columns that a filter names, in order.
pub fn columns_of(filter: &Filter) -> Vec<&str> {
    match filter {
        Filter::Compare { column, .. } => vec![column],
        Filter::And(a, b) | Filter::Or(a, b) => [columns_of(a), columns_of(b)].concat(),
        Filter::Not(a) => columns_of(a),
    }
}

/// A column by name in a list of columns, for checks before there is a table.
pub fn known(columns: &[Column], name: &str) -> bool {
    columns.iter().any(|column| column.name.eq_ignore_ascii_case(name))
}
