//! What went wrong while reading, before it becomes an [`Error`].

use crate::error::{Error, Kind, Place};

/// A fault at a column; the reader adds an example to it and turns it into an [`Error`].
#[derive(Debug)]
pub(super) struct Fault {
    kind: Kind,
    pub(super) message: String,
    /// From 1, in characters of the normalised text.
    pub(super) column: usize,
    pub(super) hints: Vec<String>,
    /// What exactly it was, where the inventory can say more about it.
    pub(super) about: About,
}

/// The faults that somebody who knows the inventory can say more about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// No devices were named.
    NoTargets,
    /// The first word is no verb.
    NoVerb,
    /// A word after the targets was not understood.
    Extra,
    /// A stage was not understood; an example with a stage helps more.
    Stage,
    /// Anything else.
    Other,
}

impl Fault {
    pub(super) fn new(column: usize, message: impl Into<String>) -> Self {
        Self { kind: Kind::Question, message: message.into(), column, hints: Vec::new(), about: About::Other }
    }

    pub(super) fn limit(column: usize, message: impl Into<String>) -> Self {
        Self { kind: Kind::Limit, ..Self::new(column, message) }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    #[must_use]
    pub(super) fn maybe(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    #[must_use]
    pub(super) fn about(mut self, about: About) -> Self {
        self.about = about;
        self
    }

    /// The error, with `text` as its excerpt.
    pub(super) fn into_error(self, text: &str) -> Error {
        let error = Error::new(self.kind, self.message).at(place(text, self.column));
        self.hints.into_iter().fold(error, Error::hint)
    }
}

/// A place in a question; the column never leaves the text by more than one.
pub(super) fn place(text: &str, column: usize) -> Place {
    let excerpt = text.replace('\n', " ");
    let column = column.clamp(1, excerpt.chars().count() + 1);
    Place { source: "question".into(), line: 1, column, excerpt }
}
