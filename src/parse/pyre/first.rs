//! What may come next: the bytes with which a part of a pattern, and all that follows it, can begin.
//!
//! With it most choices are made by looking at one byte, and a repeat whose characters cannot begin what
//! follows becomes possessive: giving a character back could never help.

use super::ast::{Assert, Node};
use super::program::Peek;
use super::set::kind;

/// A superset of what the text may go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct First {
    /// Bit for each ASCII character.
    pub(super) ascii: u128,
    /// Kinds of characters beyond ASCII.
    pub(super) high: u8,
    /// The end of the text will do.
    pub(super) end: bool,
    /// Whatever comes, it matches.
    pub(super) certain: bool,
}

impl First {
    /// Nothing will do.
    pub(super) const NOTHING: First = First { ascii: 0, high: 0, end: false, certain: false };
    /// Everything may do.
    pub(super) const ANYTHING: First = First { ascii: u128::MAX, high: u8::MAX, end: true, certain: false };
    /// Everything does.
    pub(super) const CERTAIN: First = First { ascii: u128::MAX, high: u8::MAX, end: true, certain: true };

    pub(super) fn add_byte(&mut self, byte: u8) {
        if byte < 0x80 {
            self.ascii |= 1 << byte;
        } else {
            self.high = u8::MAX;
        }
    }

    pub(super) fn add_high(&mut self, kinds: u8) {
        self.high |= kinds;
    }

    pub(super) fn or(self, other: First) -> First {
        First {
            ascii: self.ascii | other.ascii,
            high: self.high | other.high,
            end: self.end || other.end,
            certain: self.certain || other.certain,
        }
    }

    fn and(self, other: First) -> First {
        First {
            ascii: self.ascii & other.ascii,
            high: self.high & other.high,
            end: self.end && other.end,
            certain: false,
        }
    }

    fn uncertain(self) -> First {
        First { certain: false, ..self }
    }

    /// Whether no character belongs to both; the end of the text does not count.
    pub(super) fn disjoint(&self, other: &First) -> bool {
        self.ascii & other.ascii == 0 && self.high & other.high == 0
    }

    /// Whether a text going on with `byte` (none: its end) may do.
    pub fn allows(&self, byte: Option<u8>) -> bool {
        match byte {
            None => self.end,
            Some(byte) if byte < 0x80 => self.ascii >> byte & 1 == 1,
            Some(_) => self.high != 0,
        }
    }

    /// In the form that the matcher asks.
    pub(super) fn peek(&self) -> Peek {
        let high = if self.high == 0 { 0 } else { u64::MAX };
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(u64::MAX);
        Peek { bytes: [half(self.ascii), half(self.ascii >> 64), high, high], end: self.end }
    }
}

/// Resolves a single-character node into what it may be.
pub(super) trait Single {
    /// What a class or a literal may begin with.
    fn single(&mut self, node: &Node) -> First;
    /// Whether the text never holds a newline.
    fn lines(&self) -> bool;
}

/// What `node`, followed by something that begins with `follow`, may begin with.
pub(super) fn first(node: &Node, follow: First, with: &mut impl Single) -> First {
    match node {
        Node::Empty | Node::Repeat { max: 0, .. } => follow,
        Node::Literal(_) | Node::Class(_) => with.single(node),
        Node::Seq(nodes) => nodes.iter().rev().fold(follow, |after, node| first(node, after, with)),
        Node::Alt(nodes) => nodes.iter().fold(First::NOTHING, |all, node| all.or(first(node, follow, with))),
        Node::Repeat { node, min, .. } => {
            let body = first(node, follow, with).uncertain();
            if *min == 0 { body.or(follow) } else { body }
        }
        Node::Group(_, node) | Node::Scope(node) => first(node, follow, with),
        Node::Atomic(node) => first(node, follow, with).uncertain(),
        Node::Look { behind: None, negative: false, node } => first(node, First::ANYTHING, with).and(follow),
        Node::Look { .. } => follow.uncertain(),
        Node::Assert(assert) => position(*assert, follow, with.lines()),
        Node::Backref(..) => First::ANYTHING,
        Node::Cond { yes, no, .. } => first(yes, follow, with).or(first(no, follow, with)).uncertain(),
    }
}

fn position(assert: Assert, follow: First, lines: bool) -> First {
    let newline = First { ascii: if lines { 0 } else { 1 << b'\n' }, ..First::NOTHING };
    match assert {
        Assert::Start | Assert::LineStart | Assert::Word { .. } => follow.uncertain(),
        Assert::End | Assert::LineEnd => follow.and(First { end: true, ..newline }),
        Assert::TextEnd => follow.and(First { end: true, ..First::NOTHING }),
    }
}

/// What a literal character may begin with.
pub(super) fn literal(c: char) -> First {
    let mut first = First::NOTHING;
    match u8::try_from(u32::from(c)) {
        Ok(byte) if byte < 0x80 => first.add_byte(byte),
        _ => first.add_high(kind(u32::from(c))),
    }
    first
}
