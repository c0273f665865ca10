//! TextFSM with the semantics of the reference implementation (textfsm 2.1.0).

use std::fmt;

use super::Records;

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

/// A compiled template: immutable, shared by any number of threads.
#[derive(Debug)]
pub struct Template {}

impl Template {
    /// Compiles a template's text.
    pub fn compile(_text: &str) -> Result<Self, TemplateError> {
        Ok(Self {})
    }

    /// Parses `text` from a reset machine.
    pub fn parse(&self, _text: &str) -> Result<Records, ParseError> {
        Ok(Records::default())
    }

    /// The values' names, in order.
    pub fn header(&self) -> Vec<String> {
        Vec::new()
    }
}
