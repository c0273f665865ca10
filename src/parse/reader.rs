//! A parser of either kind: a template for screen text, paths for structured output.

use std::sync::Arc;

use super::Records;
use super::paths::Paths;
use super::textfsm::{ParseError, Template};

/// What turns an output into records; cheap to clone.
#[derive(Debug, Clone)]
pub enum Reader {
    /// A TextFSM template.
    Template(Arc<Template>),
    /// Paths through a document.
    Paths(Arc<Paths>),
}

impl Reader {
    /// The values' names, in order.
    pub fn header(&self) -> Vec<String> {
        match self {
            Self::Template(template) => template.header(),
            Self::Paths(paths) => paths.header().to_vec(),
        }
    }

    /// The values with the option `Key`.
    pub fn keys(&self) -> Vec<String> {
        match self {
            Self::Template(template) => template.keys(),
            Self::Paths(_) => Vec::new(),
        }
    }

    /// Reads the records of an output.
    ///
    /// # Errors
    /// The parser refuses a line, or the text is no such document.
    pub fn parse(&self, text: &str) -> Result<Records, ParseError> {
        match self {
            Self::Template(template) => template.parse(text),
            Self::Paths(paths) => paths.parse(text),
        }
    }

    /// The same for a document that is only a part of another one: `below` are the names of the nodes around it, the last
    /// one its own, as RESTCONF leaves them away (RFC 8040, 3.5.3). Screen text has no such thing.
    ///
    /// # Errors
    /// As in [`Self::parse`].
    pub fn parse_below(&self, text: &str, below: &[String]) -> Result<Records, ParseError> {
        match self {
            Self::Template(template) => template.parse(text),
            Self::Paths(paths) => paths.parse_below(text, below),
        }
    }

    /// The first line that no rule took: where a template made no records of it, it did not know the text.
    /// Paths refuse such a document by themselves.
    pub fn ignored(&self, text: &str) -> Option<(usize, String)> {
        let Self::Template(template) = self else { return None };
        let steps = template.explain(text).steps;
        let step = steps.into_iter().find(|step| step.rule.is_none() && !step.text.trim().is_empty())?;
        Some((step.line, step.text))
    }
}
