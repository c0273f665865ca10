//! A sample's expected records against what the template made of its text.

use std::fmt::Write as _;

use crate::error::Error;
use crate::parse::{Cell, Records};
use crate::text::did_you_mean;
use crate::yaml::{Node, Value};

/// How many differences of one sample are shown.
const SHOWN: usize = 4;

/// Compares; one error per sample, with the first differences as its hints.
pub(super) fn compare(tree: &Node, header: &[String], found: &Records, errors: &mut Vec<Error>) {
    let before = errors.len();
    tree.unknown_keys(&["records"], errors);
    let Some(list) = tree.get("records") else {
        errors
            .push(tree.error("the key `records` is missing").hint("write `records: []` for an empty table"));
        return;
    };
    let items = match list.items("`records`") {
        Ok(items) => items,
        Err(error) => {
            errors.push(error);
            return;
        }
    };
    let mut expected = Vec::with_capacity(items.len());
    for item in items {
        match record(item, header, errors) {
            Some(row) => expected.push((row, item)),
            None => return,
        }
    }
    if errors.len() > before {
        return;
    }
    let rows: Vec<Vec<String>> = found.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    if expected.len() == rows.len() {
        for (index, ((wanted, place), got)) in expected.iter().zip(&rows).enumerate() {
            let fields = differences(header, wanted, got);
            if !fields.is_empty() {
                let error = place.error(format!("record {} of {} differs", index + 1, rows.len()));
                errors.push(fields.into_iter().take(SHOWN).fold(error, Error::hint));
                return;
            }
        }
        return;
    }
    let wanted: Vec<&Vec<String>> = expected.iter().map(|(row, _)| row).collect();
    let missing = expected.iter().filter(|(row, _)| !rows.contains(row));
    let extra = rows.iter().filter(|row| !wanted.contains(row));
    let place = missing.clone().next().map_or(list, |(_, place)| place);
    let message =
        format!("the template makes {} records of it, but {} are expected", rows.len(), expected.len());
    let missing = missing.map(|(row, _)| format!("missing: {}", shown(header, row)));
    let extra = extra.map(|row| format!("not expected: {}", shown(header, row)));
    errors.push(missing.take(SHOWN).chain(extra.take(SHOWN)).fold(place.error(message), Error::hint));
}

/// One expected record as one comparable text per value of the header.
fn record(item: &Node, header: &[String], errors: &mut Vec<Error>) -> Option<Vec<String>> {
    let entries = item.entries("a record").map_err(|error| errors.push(error)).ok()?;
    let mut row = vec![String::new(); header.len()];
    for (key, value) in entries {
        let name = key.text().unwrap_or_default();
        let Some(slot) = header.iter().position(|known| known == name) else {
            let error = key.error(format!("the template has no value `{name}`"));
            errors.push(match did_you_mean(name, header.iter().map(String::as_str)) {
                Some(hint) => error.hint(hint),
                None => error.hint(format!("its values are {}", header.join(", "))),
            });
            continue;
        };
        if let Some(slot) = row.get_mut(slot) {
            *slot = comparable(value);
        }
    }
    Some(row)
}

/// A node in the same writing as [`cell`].
fn comparable(node: &Node) -> String {
    match node.value() {
        Value::Null => String::new(),
        Value::Scalar { text, .. } => text.clone(),
        Value::List(items) if items.is_empty() => String::new(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        Value::Map(_) => quoted(node),
    }
}

fn quoted(node: &Node) -> String {
    match node.value() {
        Value::Null => "~".to_owned(),
        Value::Scalar { text, .. } => format!("{text:?}"),
        Value::List(_) => comparable(node),
        Value::Map(entries) => {
            let fields = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", key.text().unwrap_or_default(), quoted(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

fn cell(cell: &Cell) -> String {
    let item =
        |item: &Option<String>| item.as_ref().map_or_else(|| "~".to_owned(), |text| format!("{text:?}"));
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::List(items) if items.is_empty() => String::new(),
        Cell::Maps(items) if items.is_empty() => String::new(),
        Cell::List(items) => format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(", ")),
        Cell::Maps(items) => {
            let items = items.iter().map(|fields| {
                let fields = fields.iter().map(|(name, value)| format!("{name}: {}", item(value)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            });
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
    }
}

fn differences(header: &[String], wanted: &[String], got: &[String]) -> Vec<String> {
    header
        .iter()
        .zip(wanted.iter().zip(got))
        .filter(|(_, (wanted, got))| wanted != got)
        .map(|(name, (wanted, got))| format!("{name}: `{wanted}` is expected, the template found `{got}`"))
        .collect()
}

fn shown(header: &[String], row: &[String]) -> String {
    let fields = header.iter().zip(row).filter(|(_, text)| !text.is_empty());
    let fields: Vec<String> = fields.map(|(name, text)| format!("{name}: {text}")).collect();
    format!("{{{}}}", fields.join(", "))
}

/// Records in the form of a sample's `.yaml`: the start of a new sample, to be read over by eye.
pub fn expected_yaml(records: &Records) -> String {
    let mut out = String::from(if records.rows.is_empty() { "records: []\n" } else { "records:\n" });
    for row in &records.rows {
        let mut first = true;
        for (name, value) in records.header.iter().zip(row) {
            let text = match value {
                Cell::Text(text) if text.is_empty() => continue,
                Cell::Text(text) => single_quoted(text),
                Cell::List(items) if items.is_empty() => continue,
                Cell::Maps(items) if items.is_empty() => continue,
                Cell::List(items) => {
                    let items =
                        items.iter().map(|item| item.as_deref().map_or("~".to_owned(), single_quoted));
                    format!("[{}]", items.collect::<Vec<_>>().join(", "))
                }
                Cell::Maps(items) => {
                    let items = items.iter().map(|fields| {
                        let fields = fields.iter().map(|(name, value)| {
                            format!("{name}: {}", value.as_deref().map_or("~".to_owned(), single_quoted))
                        });
                        format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
                    });
                    format!("[{}]", items.collect::<Vec<_>>().join(", "))
                }
            };
            let _ = writeln!(out, "  {} {name}: {text}", if first { '-' } else { ' ' });
            first = false;
        }
        if first {
            out.push_str("  - {}\n");
        }
    }
    out
}

fn single_quoted(text: &str) -> String {
    if text.contains(char::is_control) {
        format!("{text:?}")
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records(rows: Vec<Vec<Cell>>) -> Records {
        Records { header: vec!["NAME".to_owned(), "LIST".to_owned()], rows }
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn list(items: &[&str]) -> Cell {
        Cell::List(items.iter().map(|item| Some((*item).to_owned())).collect())
    }

    fn compared(yaml: &str, found: &Records) -> String {
        let mut errors = Vec::new();
        compare(&Node::read("one.yaml", yaml).unwrap(), &found.header, found, &mut errors);
        errors.iter().map(Error::report).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn equal_records_are_equal() {
        let found = records(vec![vec![text("a"), list(&["x", "1"])], vec![text("0123"), list(&[])]]);
        assert_eq!(compared("records:\n  - {NAME: a, LIST: [x, 1]}\n  - NAME: 0123\n", &found), "");
        assert_eq!(compared("records: []", &records(Vec::new())), "");
    }

    #[test]
    fn a_difference_is_shown_at_its_record() {
        let found = records(vec![vec![text("a"), list(&["x"])]]);
        let report = compared("records:\n  - {NAME: b, LIST: [x]}\n", &found);
        assert!(report.starts_with("one.yaml:2:5: record 1 of 1 differs"), "{report}");
        assert!(report.contains("NAME: `b` is expected, the template found `a`"), "{report}");
    }

    #[test]
    fn missing_and_extra_records_are_shown() {
        let found = records(vec![vec![text("a"), list(&[])], vec![text("c"), list(&["x"])]]);
        let report = compared("records:\n  - {NAME: a}\n  - {NAME: b}\n  - {NAME: d}\n", &found);
        for part in [
            "makes 2 records of it, but 3",
            "missing: {NAME: b}",
            "missing: {NAME: d}",
            "not expected: {NAME: c, LIST: [\"x\"]}",
        ] {
            assert!(report.contains(part), "{part}\n{report}");
        }
    }

    #[test]
    fn wrong_files_of_records_are_errors() {
        let found = records(vec![vec![text("a"), list(&[])]]);
        assert!(compared("records: [{NAM: a}]", &found).contains("did you mean `NAME`?"));
        assert!(compared("record: []", &found).contains("did you mean `records`?"));
        assert!(compared("", &found).contains("`records` is missing"));
        assert!(compared("records: [a]", &found).contains("a record must be a mapping"));
    }

    proptest! {
        #[test]
        fn what_is_written_down_compares_equal(rows in proptest::collection::vec(("[ -~\t]{0,12}", proptest::collection::vec("[ -~]{0,8}", 0..3)), 0..4)) {
            let rows = rows.iter().map(|(name, items)| {
                let items: Vec<&str> = items.iter().map(String::as_str).collect();
                vec![text(name), list(&items)]
            });
            let found = records(rows.collect());
            prop_assert_eq!(compared(&expected_yaml(&found), &found), "");
        }
    }
}
