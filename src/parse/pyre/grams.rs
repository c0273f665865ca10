//! Pairs of bytes that a text must have, so that most rules are ruled out without a try.
//!
//! A line's pairs are hashed into 64 bits; a pattern's are those of the literals that no match can do without.

use super::ast::Node;

/// A set of pairs of bytes; pairs may share a bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grams(u64);

impl Grams {
    fn add(&mut self, first: u8, second: u8) {
        // This is done for every byte of most texts.
        let hash = u32::from(first) * 33 + u32::from(second);
        self.0 |= 1_u64 << (hash & 63);
    }

    /// The pairs in a text.
    pub fn in_text(text: &str) -> Self {
        let mut grams = Self::default();
        let mut bytes = text.bytes();
        let Some(mut first) = bytes.next() else { return grams };
        for second in bytes {
            grams.add(first, second);
            first = second;
        }
        grams
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of them are in `others`.
    pub fn within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// The pairs that every match of the tree has.
    pub(super) fn needed(node: &Node) -> Self {
        let mut grams = Self::default();
        match node {
            Node::Seq(nodes) => {
                let mut before: Option<u8> = None;
                for node in nodes {
                    if let Node::Literal(c) = node {
                        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                            if let Some(before) = before.replace(byte) {
                                grams.add(before, byte);
                            }
                        }
                    } else {
                        before = None;
                        grams.0 |= Self::needed(node).0;
                    }
                }
            }
            Node::Alt(nodes) => {
                let both = |all: Self, other: Self| Self(all.0 & other.0);
                grams = nodes.iter().map(Self::needed).reduce(both).unwrap_or_default();
            }
            Node::Repeat { node, min: 1.., .. }
            | Node::Group(_, node)
            | Node::Scope(node)
            | Node::Atomic(node) => {
                grams = Self::needed(node);
            }
            _ => {}
        }
        grams
    }
}
