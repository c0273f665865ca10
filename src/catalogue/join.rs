//! Rows of a second command beside those of the first: the cells that the first one left empty.

use crate::table::{Type, Value};
use crate::verb::Verb;

/// Fills empty cells of `rows` from the rows of `more` with the same key.
///
/// A key column that is empty on one side matches everything there. Of several matching rows the lists are
/// put together; any other cell is taken only where all of them agree: a guess would make a wrong table.
pub fn fill(verb: &Verb, rows: &mut [Vec<Value>], more: &[Vec<Value>]) {
    let is_key =
        |index: &usize| verb.columns.get(*index).is_some_and(|column| verb.key.contains(&column.name));
    let keys: Vec<usize> = (0..verb.columns.len()).filter(is_key).collect();
    for row in rows {
        let matching: Vec<&Vec<Value>> =
            more.iter().filter(|other| keys.iter().all(|key| same(row.get(*key), other.get(*key)))).collect();
        for (index, cell) in row.iter_mut().enumerate().filter(|(_, cell)| empty(cell)) {
            let cells: Vec<&Value> = matching.iter().filter_map(|other| other.get(index)).collect();
            if verb.columns.get(index).is_some_and(|column| column.kind == Type::List) {
                *cell = Value::List(cells.into_iter().flat_map(items).collect());
            } else if let [first, rest @ ..] = cells.as_slice()
                && rest.iter().all(|other| other == first)
            {
                cell.clone_from(first);
            }
        }
    }
}

fn items(cell: &Value) -> Vec<Value> {
    match cell {
        Value::List(items) => items.clone(),
        Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => empty(one) || empty(other) || one == other,
        _ => true,
    }
}

fn empty(cell: &Value) -> bool {
    cell.is_null() || matches!(cell, Value::List(items) if items.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verb() -> Verb {
        let text = r#"{"verb": "vrf", "help": "", "examples": [], "key": ["vrf"],
            "columns": [{"name": "vrf"}, {"name": "rd"}, {"name": "interfaces", "type": "list"}]}"#;
        serde_json::from_str(text).unwrap()
    }

    fn row(vrf: &str, rd: &str, interfaces: &[&str]) -> Vec<Value> {
        vec![
            Value::text(vrf),
            Value::text(rd),
            Value::List(interfaces.iter().map(|name| Value::text(*name)).collect()),
        ]
    }

    #[test]
    fn empty_cells_are_filled_by_key_and_nothing_is_overwritten() {
        let mut rows = vec![row("RED", "", &[]), row("BLUE", "1:1", &["eth9"]), row("GREEN", "", &[])];
        let more =
            [row("RED", "2:2", &["eth1"]), row("BLUE", "3:3", &["eth2"]), row("default", "", &["eth0"])];
        fill(&verb(), &mut rows, &more);
        assert_eq!(
            rows,
            [row("RED", "2:2", &["eth1"]), row("BLUE", "1:1", &["eth9"]), row("GREEN", "", &[])]
        );
    }

    #[test]
    fn of_several_rows_lists_are_put_together_and_the_rest_must_agree() {
        let mut rows = vec![row("RED", "", &[])];
        fill(&verb(), &mut rows, &[row("RED", "1:1", &["eth1"]), row("RED", "2:2", &["eth2"])]);
        assert_eq!(rows, [row("RED", "", &["eth1", "eth2"])]);
        fill(&verb(), &mut rows, &[row("", "3:3", &["eth3"])]);
        assert_eq!(rows, [row("RED", "3:3", &["eth1", "eth2"])]);
    }
}
