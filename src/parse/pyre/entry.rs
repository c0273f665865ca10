//! Which lines a pattern can match at all: by whether they are indented, and by their first other byte.

use super::ast::{Assert, Node};
use super::first::First;
use super::grams::Grams;
use super::program::{Inst, Pc, Program};
use super::set::Sets;

/// What a line must begin with. Blanks are spaces and tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The first byte of a line that is not indented; its `end` stands for the empty line.
    pub flush: First,
    /// The first byte behind the blanks of an indented line; its `end` stands for a line of blanks only.
    pub indented: First,
    /// Bytes that must stand from there on, if the first of them is a visible ASCII character.
    pub prefix: Prefix,
    /// Pairs of bytes that must be in it.
    pub grams: Grams,
}

/// Up to eight bytes that a text must begin with, compared in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefix {
    bytes: u64,
    mask: u64,
}

impl Prefix {
    /// The first eight bytes of `text` behind `indent`, as [`Prefix::allows`] wants them.
    pub fn word(text: &[u8], indent: usize) -> u64 {
        let rest = text.get(indent..).unwrap_or(&[]);
        match rest.first_chunk::<8>() {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        }
    }

    /// Whether it asks for nothing.
    pub fn is_empty(self) -> bool {
        self.mask == 0
    }

    /// Whether a text beginning with `word` may match.
    pub fn allows(self, word: u64) -> bool {
        // A first byte that is no visible character may be a blank to the pattern.
        word & self.mask == self.bytes || !matches!(word & 0xff, 0x21..=0x7e)
    }

    /// The literal behind the blanks with which a program begins.
    fn of(program: &Program, sets: &Sets) -> Self {
        let mut prefix = Self::default();
        let mut shift = 0;
        for inst in &program.insts {
            let bytes = match inst {
                Inst::Assert(Assert::Start) | Inst::Save(_) => continue,
                Inst::Take { set, .. } | Inst::Greedy { set, .. } | Inst::One(set) if shift == 0 => {
                    // Only sets of blanks (and of what is no visible character) may stand before.
                    match sets.get(*set) {
                        Some(set) if set.first.ascii >> 0x21 & (u128::MAX >> (128 - 0x5e)) == 0 => continue,
                        _ => break,
                    }
                }
                Inst::Byte(byte) => std::slice::from_ref(byte),
                Inst::Literal { start, len } => program.literal(*start, *len),
                _ => break,
            };
            for &byte in bytes {
                if shift == 0 && is_blank(byte) {
                    continue;
                }
                if shift < 64 {
                    prefix.bytes |= u64::from(byte) << shift;
                    prefix.mask |= 0xff << shift;
                    shift += 8;
                }
            }
        }
        prefix
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Flush,
    Indented,
}

struct Walk<'p> {
    program: &'p Program,
    sets: &'p Sets,
    entry: Entry,
    seen: Vec<[bool; 2]>,
    open: Vec<(Pc, Phase)>,
}

/// Walks every way through the program up to the first byte that is no blank.
pub(super) fn entry(node: &Node, program: &Program, sets: &Sets) -> Entry {
    let seen = vec![[false; 2]; program.insts.len()];
    let prefix = Prefix::of(program, sets);
    let entry = Entry { flush: First::NOTHING, indented: First::NOTHING, prefix, grams: Grams::needed(node) };
    let mut walk = Walk { program, sets, entry, seen, open: vec![(0, Phase::Flush)] };
    while let Some((pc, phase)) = walk.open.pop() {
        let Some(seen) = walk.seen.get_mut(pc as usize) else { continue };
        let [flush, indented] = seen;
        let seen = if phase == Phase::Flush { flush } else { indented };
        if !std::mem::replace(seen, true) {
            walk.visit(pc, phase);
        }
    }
    walk.entry
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl Walk<'_> {
    fn at(&mut self, phase: Phase) -> &mut First {
        match phase {
            Phase::Flush => &mut self.entry.flush,
            Phase::Indented => &mut self.entry.indented,
        }
    }

    /// From here on anything may follow.
    fn anything(&mut self, phase: Phase) {
        if phase == Phase::Flush {
            self.entry.flush = First::ANYTHING;
        }
        self.entry.indented = First::ANYTHING;
    }

    fn visit(&mut self, pc: Pc, phase: Phase) {
        let Some(&inst) = self.program.insts.get(pc as usize) else { return };
        match inst {
            Inst::Byte(byte) => self.bytes(&[byte], pc, phase),
            Inst::Literal { start, len } => self.bytes(self.program.literal(start, len), pc, phase),
            Inst::One(set) => self.set(set, (1, 1), pc, phase),
            Inst::Take { set, min, max }
            | Inst::Greedy { set, min, max, .. }
            | Inst::Lazy { set, min, max, .. } => {
                self.set(set, (min, max), pc, phase);
            }
            Inst::Save(_) | Inst::Atomic { .. } | Inst::Assert(Assert::Word { .. }) => {
                self.open.push((pc + 1, phase));
            }
            Inst::Split { first, second, .. } => self.open.extend([(first, phase), (second, phase)]),
            Inst::Jump(to) | Inst::AtomicEnd { after: to } | Inst::Look { after: to, .. } => {
                self.open.push((to, phase));
            }
            Inst::Idle { out, .. } => self.open.extend([(pc + 1, phase), (out, phase)]),
            Inst::Cond { no, .. } => self.open.extend([(pc + 1, phase), (no, phase)]),
            Inst::Assert(Assert::Start | Assert::LineStart) => {
                if phase == Phase::Flush {
                    self.open.push((pc + 1, phase));
                }
            }
            Inst::Assert(Assert::End | Assert::TextEnd | Assert::LineEnd) => self.at(phase).end = true,
            // The first three are made only after this walk; to know nothing is always right.
            Inst::Capture { .. }
            | Inst::Then { .. }
            | Inst::Tail { .. }
            | Inst::Backref { .. }
            | Inst::Match => {
                self.anything(phase);
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8], pc: Pc, mut phase: Phase) {
        for &byte in bytes {
            if !is_blank(byte) {
                self.at(phase).add_byte(byte);
                return;
            }
            phase = Phase::Indented;
        }
        self.open.push((pc + 1, phase));
    }

    fn set(&mut self, set: u16, counts: (u32, u32), pc: Pc, phase: Phase) {
        let (min, max) = counts;
        let first = self.sets.get(set).map_or(First::ANYTHING, |set| set.first);
        let others = First { ascii: first.ascii & !(1 << b' ' | 1 << b'\t'), ..first };
        let blanks = others.ascii != first.ascii;
        *self.at(phase) = self.at(phase).or(others);
        if blanks {
            self.open.push((pc + 1, Phase::Indented));
            if max > 1 {
                self.entry.indented = self.entry.indented.or(others);
            }
        }
        if min == 0 {
            self.open.push((pc + 1, phase));
        }
    }
}
