//! An answer's rows as CSV (RFC 4180).

use super::{Answer, Block, table_with_failures};
use crate::table::Table;

/// Writes each table with its header; several tables, and the failures, are parted by an empty line.
///
/// A cell that a spreadsheet would take for a formula gets an apostrophe in front.
pub fn render(answer: &Answer) -> String {
    let mut parts: Vec<String> = Vec::new();
    for block in &answer.blocks {
        match block {
            Block::Table { table: rows, .. } => parts.push(table(rows)),
            Block::Code { text, .. } | Block::Text { text } => parts.push(format!("{}\r\n", text.trim_end())),
            Block::Error { .. } => {}
        }
    }
    if !answer.failures.is_empty() {
        parts.push(table(&table_with_failures(&answer.failures)));
    }
    parts.join("\r\n")
}

/// One table with its header.
pub fn table(table: &Table) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let names = table.columns.iter().map(|column| column.name.clone());
    // Writing to memory cannot fail; a row that could not be written would be missing, so say so.
    let rows =
        table.rows.iter().map(|row| row.iter().map(|cell| harmless(cell.to_string())).collect::<Vec<_>>());
    for record in std::iter::once(names.collect()).chain(rows) {
        if let Err(error) = writer.write_record(&record) {
            return format!("this table cannot be written as CSV: {error}\r\n");
        }
    }
    writer.into_inner().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn harmless(cell: String) -> String {
    let number = cell.parse::<f64>().is_ok();
    if !number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}
