//! Pairs of bytes that a text must have, so that most rules are ruled out without a try.
//!
//! A line's pairs are hashed into 128 bits; a pattern's are those of the literals that no match can do without.

use super::ast::Node;

/// A set of pairs of bytes; pairs may share a bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grams([u64; 2]);

impl Grams {
    fn add(&mut self, first: u8, second: u8) {
        let hash = first.wrapping_mul(33).wrapping_add(second);
        // Without a branch and without an address: this is done for every byte of most texts.
        let upper = 0_u64.wrapping_sub(u64::from(hash >> 7));
        let bit = 1_u64 << (hash >> 1 & 63);
        let [low, high] = &mut self.0;
        *low |= bit & !upper;
        *high |= bit & upper;
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
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 2]
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
