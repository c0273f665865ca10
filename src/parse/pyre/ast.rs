//! The tree of a pattern.

use super::class::Class;
use super::fold::Fold;

/// No upper bound of a repeat.
pub(super) const UNBOUNDED: u32 = u32::MAX;

/// In which order a repeat tries its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Most first.
    Greedy,
    /// Fewest first.
    Lazy,
    /// Most, and no other.
    Possessive,
}

/// A test that takes no character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assert {
    /// `^`, `\A`.
    Start,
    /// `^` with flag `m`.
    LineStart,
    /// `$`: the end, or before a newline that ends the text.
    End,
    /// `$` with flag `m`.
    LineEnd,
    /// `\Z`.
    TextEnd,
    /// `\b`, `\B`; `ascii` by flag `a`.
    Word {
        /// `\B`.
        negated: bool,
        /// Word characters are ASCII ones only.
        ascii: bool,
    },
}

/// A part of a pattern; flags are resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Nothing.
    Empty,
    /// Exactly this character.
    Literal(char),
    /// One character of a class.
    Class(Class),
    /// One after the other.
    Seq(Vec<Node>),
    /// The first that fits.
    Alt(Vec<Node>),
    /// `*`, `+`, `?`, `{…}`.
    Repeat {
        /// What is repeated.
        node: Box<Node>,
        /// At least so often.
        min: u32,
        /// At most so often, or [`UNBOUNDED`].
        max: u32,
        /// In which order.
        mode: Mode,
    },
    /// A capturing group, from 1.
    Group(u32, Box<Node>),
    /// `(?:…)`; kept apart because it may be quantified once more.
    Scope(Box<Node>),
    /// `(?>…)`.
    Atomic(Box<Node>),
    /// Look-around; `behind` is the width in characters.
    Look {
        /// Width of a look-behind; none for a look-ahead.
        behind: Option<u32>,
        /// `(?!…)`, `(?<!…)`.
        negative: bool,
        /// What is looked for.
        node: Box<Node>,
    },
    /// A test of the position.
    Assert(Assert),
    /// What the group took.
    Backref(u32, Fold),
    /// `(?(group)yes|no)`.
    Cond {
        /// The group asked for.
        group: u32,
        /// When it took part.
        yes: Box<Node>,
        /// When it did not.
        no: Box<Node>,
    },
}

impl Node {
    /// A sequence without needless wrapping.
    pub(super) fn seq(mut nodes: Vec<Node>) -> Node {
        match nodes.len() {
            0 => Node::Empty,
            1 => nodes.pop().unwrap_or(Node::Empty),
            _ => Node::Seq(nodes),
        }
    }

    /// The node without the brackets of `(?:…)`.
    pub(super) fn bare(&self) -> &Node {
        match self {
            Node::Scope(inner) => inner.bare(),
            other => other,
        }
    }

    /// Least and greatest number of characters taken; `groups` are the widths of the closed groups.
    pub(super) fn width(&self, groups: &[Option<(u64, u64)>]) -> (u64, u64) {
        match self {
            Node::Empty | Node::Look { .. } | Node::Assert(_) => (0, 0),
            Node::Literal(_) | Node::Class(_) => (1, 1),
            Node::Seq(nodes) => nodes.iter().fold((0, 0), |(low, high), node| {
                let (l, h) = node.width(groups);
                (l.saturating_add(low), h.saturating_add(high))
            }),
            Node::Alt(nodes) => widest(nodes.iter().map(|node| node.width(groups))),
            Node::Repeat { node, min, max, .. } => {
                let (low, high) = node.width(groups);
                let max = if *max == UNBOUNDED { u64::MAX } else { u64::from(*max) };
                (low.saturating_mul(u64::from(*min)), high.saturating_mul(max))
            }
            Node::Group(_, node) | Node::Scope(node) | Node::Atomic(node) => node.width(groups),
            Node::Backref(group, _) => {
                groups.get(*group as usize).copied().flatten().unwrap_or((0, u64::MAX))
            }
            Node::Cond { yes, no, .. } => widest([yes.width(groups), no.width(groups)].into_iter()),
        }
    }

    /// Whether it may match without taking a character; a superset.
    pub(super) fn nullable(&self) -> bool {
        match self {
            Node::Literal(_) | Node::Class(_) => false,
            Node::Empty | Node::Look { .. } | Node::Assert(_) | Node::Backref(..) => true,
            Node::Seq(nodes) => nodes.iter().all(Node::nullable),
            Node::Alt(nodes) => nodes.iter().any(Node::nullable),
            Node::Repeat { node, min, .. } => *min == 0 || node.nullable(),
            Node::Group(_, node) | Node::Scope(node) | Node::Atomic(node) => node.nullable(),
            Node::Cond { yes, no, .. } => yes.nullable() || no.nullable(),
        }
    }

    /// Whether the outcome depends on what groups took, so that visited positions prove nothing.
    pub(super) fn remembers(&self) -> bool {
        match self {
            Node::Backref(..) | Node::Cond { .. } => true,
            Node::Empty | Node::Literal(_) | Node::Class(_) | Node::Assert(_) => false,
            Node::Seq(nodes) | Node::Alt(nodes) => nodes.iter().any(Node::remembers),
            Node::Repeat { node, .. }
            | Node::Look { node, .. }
            | Node::Group(_, node)
            | Node::Scope(node)
            | Node::Atomic(node) => node.remembers(),
        }
    }
}

fn widest(widths: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    widths.reduce(|(low, high), (l, h)| (low.min(l), high.max(h))).unwrap_or((0, 0))
}
