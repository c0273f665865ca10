//! Text in, records out. Pure: no device, no file, no clock; a template and a text are all it sees.

pub mod data;
pub mod index;
pub mod json;
pub mod merge;
pub mod paths;
pub mod pyre;
mod reader;
mod repr;
pub mod textfsm;
mod tree;

pub use reader::Reader;

/// A cell of a record, as the TextFSM reference yields it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A text; an unset value is the empty text.
    Text(String),
    /// A `List` value; an item is `None` when its group took no part.
    List(Vec<Option<String>>),
    /// A `List` value whose regex has named inner groups: one map per item. An item on whose own text the
    /// regex does not match again is kept whole, as the one pair with an empty name.
    Maps(Vec<Vec<(String, Option<String>)>>),
}

impl Cell {
    /// Whether there is nothing in it: an empty text or an empty list.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Maps(items) => items.is_empty(),
        }
    }
}

/// What a parser found: a header and rows of as many cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// The values' names, as the template spells them.
    pub header: Vec<String>,
    /// The rows, in the order of the text.
    pub rows: Vec<Vec<Cell>>,
}
