//! The templates that read one output together.

use std::path::Path;
use std::sync::Arc;

use super::explain;
use super::library::{Compiled, Library, refusal};
use crate::error::{Error, Result};
use crate::parse::Records;
use crate::parse::merge::{Part, merge};

/// One template, or several whose tables are merged.
#[derive(Debug, Clone)]
pub struct Chain {
    parts: Vec<Arc<Compiled>>,
}

impl Chain {
    /// These templates, merged in this order.
    pub fn new(parts: Vec<Arc<Compiled>>) -> Self {
        Self { parts }
    }

    /// The template of a file.
    pub fn of_file(path: &Path) -> Result<Self> {
        Ok(Self::new(vec![Arc::new(Library::read(path)?)]))
    }

    /// Parses a text; `file` is its name in errors.
    pub fn parse(&self, file: &str, text: &str) -> Result<Records> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for compiled in &self.parts {
            let records = compiled.reader.parse(text).map_err(|error| {
                refusal(file, &error)
                    .hint(format!("the parser is {}", compiled.origin))
                    .hint("`--explain` says which rule took which line")
            })?;
            parts.push(Part { records, keys: compiled.reader.keys() });
        }
        merge(parts).map_err(|error| Error::config(format!("{file}: {error}")))
    }

    /// What each template makes of a text, line by line, and whether all of them took it.
    pub fn explain(&self, file: &str, text: &str) -> (String, bool) {
        let explained = self.parts.iter().map(|compiled| explain::explain(compiled, file, text));
        let (texts, taken): (Vec<String>, Vec<bool>) = explained.unzip();
        (texts.join("\n"), taken.into_iter().all(|taken| taken))
    }
}
