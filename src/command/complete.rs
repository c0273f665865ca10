//! What could come next while somebody types.

use serde::Serialize;

use crate::catalogue::Catalogue;

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// Replaces the text from `start` to the cursor.
    pub text: String,
    /// Byte offset in the text as typed.
    pub start: usize,
    /// One line of help.
    pub help: String,
}

/// The ways to go on from the text before the cursor, at most twenty, best first.
pub fn complete(_catalogue: &Catalogue, _text: &str) -> Vec<Completion> {
    Vec::new()
}
