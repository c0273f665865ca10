//! Structured outputs: JSON and XML as one kind of tree, so that one path reads both.
//!
//! Numbers keep their digits as text, the order is that of the document, and keys that stand several times
//! stay several: an XML element's children are such entries.

mod json;
mod xml;
mod yang;

pub use json::documents as json;
pub use xml::document as xml;
pub use yang::{Below, document as yang, local};

/// A value of a structured output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// JSON's `null`, an empty element.
    Null,
    /// A text, a number or a truth value as text.
    Text(String),
    /// Items in their order.
    List(Vec<Tree>),
    /// Entries in their order. An XML attribute is an entry `@name`, the text of an element with
    /// attributes or children is `#text`.
    Map(Vec<(String, Tree)>),
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoDocument {
    /// What is wrong.
    pub message: String,
    /// Where in the text, counted from 1; 0 when it is nowhere.
    pub line: usize,
}

/// How deep a document may be nested.
const MAX_DEPTH: usize = 120;

impl Tree {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.iter().all(Self::is_empty),
            Self::Map(entries) => entries.is_empty(),
        }
    }

    /// The entries of a map; anything else has none.
    pub fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            Self::Null | Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// Calls `each` with every item: one thing and a list of one are the same, and a list in a list too.
    pub fn each<'t>(&'t self, each: &mut dyn FnMut(&'t Self)) {
        match self {
            Self::List(items) => items.iter().for_each(|item| item.each(each)),
            other => each(other),
        }
    }

    /// The text of a leaf: of a text, or of an object that wraps one (`{"data": "x"}`, an element with
    /// attributes).
    pub fn leaf(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Map(entries) => {
                let wrapped = entries.iter().find(|(name, _)| name == "#text" || name == "data");
                wrapped.and_then(
                    |(_, value)| if let Self::Text(text) = value { Some(text.as_str()) } else { None },
                )
            }
            Self::Null | Self::List(_) => None,
        }
    }
}
