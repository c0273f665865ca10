//! Probes that the bot sends itself, in networks of namespaces that the tests build.

mod local;
mod net;
mod ping;
mod trace;

use serde_json::Value;

/// The rows of an answer.
fn rows(answer: &Value) -> &Vec<Value> {
    answer["rows"].as_array().unwrap_or_else(|| panic!("no rows: {answer:#}"))
}

/// The cells of one column.
fn column(answer: &Value, name: &str) -> Vec<Value> {
    rows(answer).iter().map(|row| row[name].clone()).collect()
}
