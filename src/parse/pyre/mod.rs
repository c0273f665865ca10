//! Regular expressions with the semantics of Python's `re` (CPython 3.11, `str` patterns, `match`).
//!
//! TextFSM templates are written for that engine, and no crate has its semantics: leftmost alternative
//! first, look-around of every kind, back-references, conditionals, atomic groups, `\Z`, `{` as a literal,
//! sets without nesting, `\s` and `\w` by Python's tables.
//!
//! ```text
//! pattern ─ parser ─► Node ─ compile ─► Program ─ matcher ─► captures
//!           escape             first: what may come next
//!           group              (turns most repeats possessive)
//!           class
//! ```
//!
//! The matcher is a backtracker that seldom backtracks. Where it does so too often, the pattern is
//! compiled once more without shortcuts and matched with a memory of visited (instruction, position)
//! pairs, which takes linear time. A pattern with back-references or conditionals cannot be matched that way:
//! for it a larger budget ends in [`Exhausted`], never in a hang.
//!
//! Not taken, though Python takes them: `\N{…}` (it needs the table of character names), the flag `t`, and
//! counted repeats of groups that unroll to more than [`MAX_PROGRAM`] instructions.

mod ast;
mod class;
mod compile;
mod entry;
mod escape;
mod first;
mod fold;
mod fuse;
mod grams;
mod group;
mod matcher;
mod parser;
mod pattern;
mod position;
mod program;
mod set;
mod spans;
#[allow(clippy::unreadable_literal, reason = "a generated table")]
mod tables;
mod unicode;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;

pub use compile::MAX_PROGRAM;
pub use entry::{Entry, Prefix};
pub use first::First;
pub use grams::Grams;
pub use matcher::{Exhausted, Scratch};
pub use pattern::{Kind, Pattern, Regex};
pub use set::Sets;
pub use unicode::{is_printable, is_space, is_word};

use std::fmt;

/// What is wrong with a pattern, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// Offset in the pattern, in characters from 0.
    pub at: usize,
    /// What is wrong, in half a sentence.
    pub message: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.message, self.at)
    }
}

impl std::error::Error for PatternError {}
