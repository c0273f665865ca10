//! Records as other programs get them: as the bare engine yields them, or as the public collection's own
//! function returns them.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::{Cell, Records, repr};

/// Records as a list of objects, one per row, columns in their order; written without a copy.
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a>(pub &'a Records);

/// A cell as the engine yields it: a text, a list of texts and nulls, or a list of maps.
#[derive(Debug, Clone, Copy)]
pub struct Bare<'a>(pub &'a Cell);

struct Row<'a>(&'a [String], &'a [Cell]);
struct Pairs<'a>(&'a [(String, Option<String>)]);

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.rows.iter().map(|row| Row(&self.0.header, row)))
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1.iter().map(Bare)))
    }
}

impl Serialize for Bare<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::List(items) => serializer.collect_seq(items),
            Cell::Maps(items) => serializer.collect_seq(items.iter().map(|item| Pairs(item))),
        }
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [(name, text)] = self.0
            && name.is_empty()
        {
            return text.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, text) in self.0 {
            map.serialize_entry(name, text)?;
        }
        map.end()
    }
}

/// The records as the collection's function gives them back: every item of a list is a text, as `str()` of
/// the reference writes it (`None`, and a map in braces).
#[must_use]
pub fn returned(records: Records) -> Records {
    let none = || "None".to_owned();
    let cell = |cell: Cell| match cell {
        Cell::Text(text) => Cell::Text(text),
        Cell::List(items) => {
            Cell::List(items.into_iter().map(|item| item.or_else(|| Some(none()))).collect())
        }
        Cell::Maps(items) => Cell::List(items.iter().map(|item| Some(map(item))).collect()),
    };
    let rows = records.rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect();
    Records { header: records.header, rows }
}

/// The same records with column names in lower case; of two that become the same, the later cells count.
#[must_use]
pub fn lower_case(records: Records) -> Records {
    let mut header: Vec<String> = Vec::with_capacity(records.header.len());
    let mut places = Vec::with_capacity(records.header.len());
    for name in &records.header {
        let name = name.to_lowercase();
        let place = header.iter().position(|known| *known == name).unwrap_or(header.len());
        if place == header.len() {
            header.push(name);
        }
        places.push(place);
    }
    let mut rows = records.rows;
    if header.len() < places.len() {
        for row in &mut rows {
            let mut cells = vec![Cell::Text(String::new()); header.len()];
            for (cell, &place) in row.drain(..).zip(&places) {
                if let Some(slot) = cells.get_mut(place) {
                    *slot = cell;
                }
            }
            *row = cells;
        }
    }
    Records { header, rows }
}

/// A map as the reference's `str()` writes it: `{'port': '1', 'name': None}`.
fn map(pairs: &[(String, Option<String>)]) -> String {
    let none = || "None".to_owned();
    if let [(name, text)] = pairs
        && name.is_empty()
    {
        return text.clone().unwrap_or_else(none);
    }
    let value = |text: &Option<String>| text.as_deref().map_or_else(none, repr::text);
    let pairs: Vec<String> =
        pairs.iter().map(|(name, text)| format!("{}: {}", repr::text(name), value(text))).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn records() -> Records {
        let some = |text: &str| Some(text.to_owned());
        Records {
            header: vec!["A".into(), "B".into()],
            rows: vec![vec![
                Cell::List(vec![some("x"), None]),
                Cell::Maps(vec![
                    vec![("k".into(), some("it's")), ("v".into(), None)],
                    vec![(String::new(), some("whole"))],
                ]),
            ]],
        }
    }

    #[test]
    fn bare_and_as_texts() {
        let bare = json!(Objects(&records()));
        assert_eq!(bare, json!([{ "A": ["x", null], "B": [{ "k": "it's", "v": null }, "whole"] }]));
        let texts = json!(Objects(&lower_case(returned(records()))));
        assert_eq!(texts, json!([{ "a": ["x", "None"], "b": [r#"{'k': "it's", 'v': None}"#, "whole"] }]));
    }

    #[test]
    fn two_names_that_become_one() {
        let cell = |text: &str| Cell::Text(text.to_owned());
        let header = vec!["Port".into(), "STATE".into(), "PORT".into()];
        let both = Records { header, rows: vec![vec![cell("1"), cell("up"), cell("2")]] };
        assert_eq!(json!(Objects(&lower_case(both))), json!([{ "port": "2", "state": "up" }]));
    }
}
