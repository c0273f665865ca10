//! Pairs of bytes that a text must have, so that most rules are ruled out without a try.
//!
//! A line's pairs are hashed into 256 bits; a pattern's are those of the literals that no match can do without.

use super::ast::Node;

/// A set of pairs of bytes; pairs may share a bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grams([u64; 4]);

impl Grams {
    fn add(&mut self, first: u8, second: u8) {
        let hash = first.wrapping_mul(167) ^ second.wrapping_mul(59);
        if let Some(word) = self.0.get_mut(usize::from(hash >> 6)) {
            *word |= 1 << (hash & 63);
        }
    }

    /// The pairs in a text.
    pub fn in_text(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut grams = Self::default();
        for (&first, &second) in bytes.iter().zip(bytes.iter().skip(1)) {
            grams.add(first, second);
        }
        grams
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// Whether all of them are in `others`.
    pub fn within(&self, others: &Self) -> bool {
        self.0.iter().zip(&others.0).all(|(own, other)| own & !other == 0)
    }

    fn join(&mut self, other: &Self, by: impl Fn(u64, u64) -> u64) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own = by(*own, *other);
        }
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
                        grams.join(&Self::needed(node), |own, other| own | other);
                    }
                }
            }
            Node::Alt(nodes) => {
                let mut all = nodes.iter().map(Self::needed);
                grams = all.next().unwrap_or_default();
                all.for_each(|other| grams.join(&other, |own, other| own & other));
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
