//! TextFSM with the semantics of the reference implementation (textfsm 2.1.0).
//!
//! ```text
//! template text ─ template ─► values, states, rules ─ dispatch ─► a table of rules per state
//!                 value, rule, action, substitute
//! text ─ lines ─► machine ─► record ─► Records
//!                 └ explain: which rule took which line
//! ```
//!
//! A template that the reference refuses is refused here, with line and column. What the reference does
//! where it is surprising is written down at the function that does it.

mod action;
mod dispatch;
mod explain;
mod lines;
mod machine;
mod record;
mod rule;
mod substitute;
mod template;
mod value;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;

pub use explain::{Explanation, Step};
pub use template::Template;

use std::fmt;

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Line of the template, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Why a text could not be parsed: an `Error` action, or a regex out of its step budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Line of the text, from 1; 0 when it concerns no line.
    pub line: usize,
    /// The line itself.
    pub text: String,
    /// What the template says about it.
    pub message: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for TemplateError {}
impl std::error::Error for ParseError {}
