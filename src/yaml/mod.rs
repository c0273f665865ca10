//! YAML files, read with line, column and excerpt in every error.
//!
//! [`Node::read`] makes a tree of a file; every node knows where it stands, and a scalar keeps the
//! text as it was written, so that a password `0123` or `yes` stays what the operator meant.
//! [`Node::decode`] turns a node into a type that derives `Deserialize`. Loaders that want several
//! errors of one file at once walk the tree and decode its parts.
//!
//! Strict: unknown keys, duplicate keys, several documents, tags without a meaning here and values
//! of the wrong type are errors. Bounded: depth, number of nodes and aliases.
//!
//! An excerpt never shows a secret: what follows a key such as `password` is masked.

mod decode;
mod excerpt;
mod expand;
mod tree;

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::{Error, Place, Result};
use crate::text::did_you_mean;

/// A file's name and text, shared by the nodes read from it.
struct Source {
    name: String,
    text: String,
}

/// A value of a YAML file and where it stands.
#[derive(Clone)]
pub struct Node {
    value: Value,
    source: Arc<Source>,
    line: usize,
    column: usize,
}

/// Where it stands and what it is, never its text: that may be a secret.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}:{}:{}", self.describe(), self.source.name, self.line, self.column)
    }
}

/// What a node is.
#[derive(Clone)]
pub enum Value {
    /// Nothing: an empty plain scalar, `~` or `null`.
    Null,
    /// A scalar as written, without its quotes and with escapes undone.
    Scalar {
        /// The text.
        text: String,
        /// Written without quotes, so that `1` may be a number and `true` a truth value.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the file; keys are unique.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// Reads the one document of `text`; `name` is the file as the operator named it. An empty file
    /// is [`Value::Null`]. All duplicate keys are reported at once.
    pub fn read(name: &str, text: &str) -> Result<Self, Vec<Error>> {
        tree::read(Arc::new(Source { name: name.to_owned(), text: text.to_owned() }))
    }

    /// What it is.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The same place with another value.
    #[must_use]
    pub fn with_value(&self, value: Value) -> Self {
        Self { value, source: Arc::clone(&self.source), line: self.line, column: self.column }
    }

    /// Line and column, both from 1.
    pub fn position(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    /// The file's name as it was given.
    pub fn source(&self) -> &str {
        &self.source.name
    }

    /// Where it stands, with the excerpt: reads the file's text up to there.
    pub fn place(&self) -> Place {
        Place {
            source: self.source.name.clone(),
            line: self.line,
            column: self.column,
            excerpt: excerpt::line(&self.source.text, self.line, self.column),
        }
    }

    /// An error that stands here.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::config(message).at(self.place())
    }

    /// The same problem as `error`, told to stand here.
    pub fn place_error(&self, error: Error) -> Error {
        if error.place().is_some() { error } else { error.at(self.place()) }
    }

    /// Whether it is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The text of a scalar, as written.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar, or an error that says what it is instead.
    pub fn scalar(&self, what: &str) -> Result<&str> {
        self.text().ok_or_else(|| self.error(format!("{what} must be a text, not {}", self.describe())))
    }

    /// The entries of a mapping; nothing is an empty mapping.
    pub fn entries(&self, what: &str) -> Result<&[(Node, Node)]> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            Value::Null => Ok(&[]),
            _ => Err(self.error(format!("{what} must be a mapping, not {}", self.describe()))),
        }
    }

    /// The items of a list; nothing is an empty list.
    pub fn items(&self, what: &str) -> Result<&[Node]> {
        match &self.value {
            Value::List(items) => Ok(items),
            Value::Null => Ok(&[]),
            _ => Err(self.error(format!("{what} must be a list, not {}", self.describe()))),
        }
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key and its value, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _)| name.text() == Some(key)),
            _ => None,
        }
    }

    /// Follows keys and list indices as far as they exist: the best place for an error about the rest.
    pub fn nearest(&self, path: &[&str]) -> &Node {
        let mut node = self;
        for step in path {
            let next = match &node.value {
                Value::List(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                _ => node.get(step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// One error for each key that is none of `known`, each with what may have been meant.
    pub fn unknown_keys(&self, known: &[&str], errors: &mut Vec<Error>) {
        if let Value::Map(entries) = &self.value {
            for (key, _) in entries {
                let name = key.text().unwrap_or_default();
                if !known.contains(&name) {
                    errors.push(unknown_key(name, known).at(key.place()));
                }
            }
        }
    }

    /// This node as a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        decode::decode(self)
    }

    /// What it is, for messages: never its text, which may be a secret.
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

fn unknown_key(name: &str, known: &[&str]) -> Error {
    let error = Error::config(format!("there is no key `{name}` here"));
    match did_you_mean(name, known.iter().copied()) {
        Some(hint) => error.hint(hint),
        None if known.is_empty() => error,
        None => error.hint(format!("the keys here are {}", known.join(", "))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests;
