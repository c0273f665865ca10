//! Rows of a second command beside those of the first: the cells that the first one left empty.

use crate::table::Value;
use crate::verb::Verb;

/// Fills empty cells of `rows` from the one row of `more` with the same key.
///
/// A key column that is empty on one side matches everything there. Where several rows would match,
/// none is taken: a guess would make a wrong table.
pub fn fill(verb: &Verb, rows: &mut [Vec<Value>], more: &[Vec<Value>]) {
    let keys: Vec<usize> = (0..verb.columns.len())
        .filter(|index| verb.columns.get(*index).is_some_and(|c| verb.key.contains(&c.name)))
        .collect();
    for row in rows {
        let mut matching =
            more.iter().filter(|other| keys.iter().all(|key| same(row.get(*key), other.get(*key))));
        let (Some(found), None) = (matching.next(), matching.next()) else { continue };
        for (cell, other) in row.iter_mut().zip(found).filter(|(cell, _)| empty(cell)) {
            cell.clone_from(other);
        }
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
    fn two_candidates_are_none() {
        let mut rows = vec![row("RED", "", &[])];
        fill(&verb(), &mut rows, &[row("RED", "1:1", &[]), row("RED", "2:2", &[])]);
        assert_eq!(rows, [row("RED", "", &[])]);
        fill(&verb(), &mut rows, &[row("", "3:3", &["eth1"])]);
        assert_eq!(rows, [row("RED", "3:3", &["eth1"])]);
    }
}
