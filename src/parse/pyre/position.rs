//! What the matcher asks of a position: the characters around it, assertions, references.

use super::ast::Assert;
use super::fold::Fold;
use super::matcher::Matcher;
use super::unicode::is_word;

impl Matcher<'_> {
    pub(super) fn char_at(&self, pos: usize) -> Option<char> {
        self.str.get(pos..)?.chars().next()
    }

    pub(super) fn char_before(&self, pos: usize) -> Option<char> {
        self.str.get(..pos)?.chars().next_back()
    }

    /// The start of the character that ends at `pos`.
    pub(super) fn before(&self, pos: usize) -> usize {
        let mut pos = pos.saturating_sub(1);
        if self.text.get(pos).is_some_and(u8::is_ascii) {
            return pos;
        }
        while pos > 0 && !self.str.is_char_boundary(pos) {
            pos -= 1;
        }
        pos
    }

    /// Whether the assertion holds.
    pub(super) fn holds(&self, assert: Assert, pos: usize) -> bool {
        let end = self.text.len();
        match assert {
            Assert::Start => pos == 0,
            Assert::LineStart => pos == 0 || self.text.get(pos - 1) == Some(&b'\n'),
            Assert::TextEnd => pos == end,
            Assert::End => pos == end || pos + 1 == end && self.text.get(pos) == Some(&b'\n'),
            Assert::LineEnd => pos == end || self.text.get(pos) == Some(&b'\n'),
            // In an empty text there is neither a boundary nor, by Python 3.11, a place without one.
            Assert::Word { .. } if end == 0 => false,
            Assert::Word { negated, ascii } => {
                let word = |c: Option<char>| c.is_some_and(|c| is_word(c.into()) && (c.is_ascii() || !ascii));
                (word(self.char_before(pos)) != word(self.char_at(pos))) != negated
            }
        }
    }

    /// Where the text ends that equals what the group took.
    pub(super) fn backref(&self, group: u32, fold: Fold, pos: usize) -> Option<usize> {
        let (start, end) = self.group(group)?;
        let taken = self.str.get(start..end)?;
        let rest = self.str.get(pos..)?;
        if fold == Fold::Exact {
            return rest.starts_with(taken).then(|| pos + taken.len());
        }
        let mut here = rest.chars();
        let mut at = pos;
        for wanted in taken.chars() {
            let c = here.next()?;
            if fold.lower(c.into()) != fold.lower(wanted.into()) {
                return None;
            }
            at += c.len_utf8();
        }
        Some(at)
    }
}
