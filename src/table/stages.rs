//! What a bar does to rows. Each stage is a method; none knows where the rows came from.

use std::cmp::Ordering;
use std::collections::HashSet;

use regex::Regex;

use super::{Column, Table, Type, Value};
use crate::error::Result;

impl Table {
    fn matches(row: &[Value], pattern: &Regex) -> bool {
        row.iter().any(|cell| pattern.is_match(&cell.to_string()))
    }

    /// Keeps (or drops, for `keep == false`) the rows with a cell that matches.
    pub fn include(&mut self, pattern: &Regex, keep: bool) {
        self.rows.retain(|row| Self::matches(row, pattern) == keep);
    }

    /// Keeps the rows from the first match on.
    pub fn begin(&mut self, pattern: &Regex) {
        let start = self.rows.iter().position(|row| Self::matches(row, pattern)).unwrap_or(self.rows.len());
        self.rows.drain(..start);
    }

    /// Keeps these columns, in this order; `device` stays first where it is not named.
    pub fn select(&mut self, names: &[String]) -> Result<()> {
        let mut indexes = names.iter().map(|name| self.require(name)).collect::<Result<Vec<_>>>()?;
        if let Some(device) = self.column("device")
            && !indexes.contains(&device)
        {
            indexes.insert(0, device);
        }
        let pick = |row: &[Value]| indexes.iter().filter_map(|index| row.get(*index).cloned()).collect();
        self.columns = indexes.iter().filter_map(|index| self.columns.get(*index).cloned()).collect();
        self.rows = self.rows.iter().map(|row| pick(row)).collect();
        Ok(())
    }

    /// Orders rows by these columns, `true` for descending; nulls stay last either way.
    pub fn sort(&mut self, by: &[(String, bool)]) -> Result<()> {
        let keys = by
            .iter()
            .map(|(name, descending)| Ok((self.require(name)?, *descending)))
            .collect::<Result<Vec<_>>>()?;
        self.rows.sort_by(|a, b| {
            keys.iter()
                .map(|(index, descending)| match (a.get(*index), b.get(*index)) {
                    (Some(x), Some(y)) if *descending && !x.is_null() && !y.is_null() => y.order(x),
                    (Some(x), Some(y)) => x.order(y),
                    _ => Ordering::Equal,
                })
                .find(|ordering| *ordering != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        });
        Ok(())
    }

    /// The `count` rows with the greatest values of a column.
    pub fn top(&mut self, count: usize, column: &str) -> Result<()> {
        self.sort(&[(column.to_owned(), true)])?;
        self.rows.truncate(count);
        Ok(())
    }

    /// The first row of each value of a column.
    pub fn uniq(&mut self, column: &str) -> Result<()> {
        let index = self.require(column)?;
        let mut seen = HashSet::new();
        self.rows.retain(|row| seen.insert(row.get(index).map(ToString::to_string)));
        Ok(())
    }

    /// How many rows each value of a column has, most first.
    pub fn group(&mut self, column: &str) -> Result<()> {
        let index = self.require(column)?;
        let mut groups: Vec<(Value, usize)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for row in &mut self.rows {
            let value = row.get_mut(index).map(std::mem::take).unwrap_or_default();
            let place = *places.entry(value.to_string()).or_insert_with(|| {
                groups.push((value, 0));
                groups.len() - 1
            });
            if let Some((_, count)) = groups.get_mut(place) {
                *count += 1;
            }
        }
        groups.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.order(b)));
        let column = self.columns.get(index).cloned().unwrap_or_else(|| Column::new(column, Type::Text));
        self.columns = vec![column, Column::new("rows", Type::Int)];
        self.rows = groups.into_iter().map(|(value, count)| vec![value, Value::int(count)]).collect();
        Ok(())
    }

    /// One row: how many there were.
    pub fn count(&mut self) {
        let count = Value::int(self.rows.len());
        self.columns = vec![Column::new("rows", Type::Int)];
        self.rows = vec![vec![count]];
    }
}
