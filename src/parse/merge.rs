//! One table from several templates over the same text.

use super::{Cell, Records};

/// What one template of a chain gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Its records.
    pub records: Records,
    /// Its values with the option `Key`.
    pub keys: Vec<String>,
}

/// A key column that one of the tables does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the templates cannot be merged: the key `{column}` is missing in one of them")]
pub struct MissingKey {
    /// The column.
    pub column: String,
}

/// Merges the tables of a chain of templates, as the reference does.
///
/// The first table gives the rows. Each further one adds its new columns, filled from its first row whose key
/// columns are equal; rows without a partner get empty cells, and rows of the further table without a partner
/// are dropped. The keys are those of the first template so far that has any; without keys the tables are merged row by row.
///
/// # Errors
/// A key column is missing where it would be compared.
pub fn merge(parts: Vec<Part>) -> Result<Records, MissingKey> {
    let mut parts = parts.into_iter();
    let Some(Part { records: mut table, mut keys }) = parts.next() else { return Ok(Records::default()) };
    for part in parts {
        if keys.is_empty() {
            keys = part.keys;
        }
        extend(&mut table, &part.records, &keys)?;
    }
    Ok(table)
}

fn place(records: &Records, name: &str) -> Option<usize> {
    records.header.iter().position(|column| column == name)
}

fn extend(table: &mut Records, other: &Records, keys: &[String]) -> Result<(), MissingKey> {
    let mut pairs = Vec::new();
    for key in keys {
        let missing = || MissingKey { column: key.clone() };
        let own = place(table, key).ok_or_else(missing)?;
        pairs.push((own, place(other, key).ok_or_else(missing)?));
    }
    let added: Vec<usize> =
        (0..).zip(&other.header).filter(|(_, name)| place(table, name).is_none()).map(|(at, _)| at).collect();
    for (at, row) in table.rows.iter_mut().enumerate() {
        let same = |other: &&Vec<Cell>| pairs.iter().all(|&(own, its)| row.get(own) == other.get(its));
        let partner = if pairs.is_empty() { other.rows.get(at) } else { other.rows.iter().find(same) };
        let cell = |column: &usize| partner.and_then(|partner| partner.get(*column)).cloned();
        let cells: Vec<Cell> =
            added.iter().map(|column| cell(column).unwrap_or_else(|| Cell::Text(String::new()))).collect();
        row.extend(cells);
    }
    table.header.extend(added.iter().filter_map(|&column| other.header.get(column).cloned()));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn part(keys: &[&str], header: &[&str], rows: &[&[&str]]) -> Part {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        let rows = rows.iter().map(|row| owned(row).into_iter().map(Cell::Text).collect()).collect();
        Part { records: Records { header: owned(header), rows }, keys: owned(keys) }
    }

    fn merged(parts: Vec<Part>) -> (String, String) {
        let table = merge(parts).unwrap();
        let text = |cell: &Cell| if let Cell::Text(text) = cell { text.clone() } else { "?".into() };
        let row = |row: &Vec<Cell>| row.iter().map(text).collect::<Vec<_>>().join(",");
        (table.header.join(","), table.rows.iter().map(row).collect::<Vec<_>>().join("/"))
    }

    #[test]
    fn by_keys_the_first_partner_counts() {
        let first = part(&["PORT"], &["PORT", "STATE"], &[&["1", "up"], &["2", "down"], &["3", "up"]]);
        let second = part(&[], &["NAME", "PORT"], &[&["b", "2"], &["c", "2"], &["x", "9"], &["a", "1"]]);
        assert_eq!(merged(vec![first, second]), ("PORT,STATE,NAME".into(), "1,up,a/2,down,b/3,up,".into()));
    }

    #[test]
    fn without_keys_row_by_row() {
        let first = part(&[], &["A"], &[&["1"], &["2"]]);
        let second = part(&[], &["A", "B"], &[&["9", "x"]]);
        assert_eq!(merged(vec![first, second]), ("A,B".into(), "1,x/2,".into()));
    }

    #[test]
    fn a_later_template_may_bring_the_keys() {
        let first = part(&[], &["A", "B"], &[&["1", "x"], &["2", "y"]]);
        let second = part(&["A"], &["A", "C"], &[&["2", "z"]]);
        assert_eq!(merged(vec![first, second]), ("A,B,C".into(), "1,x,/2,y,z".into()));
        let error = merge(vec![part(&["A"], &["A"], &[]), part(&[], &["B"], &[])]).unwrap_err();
        assert_eq!(error.column, "A");
        assert_eq!(merged(vec![]), (String::new(), String::new()));
    }
}
