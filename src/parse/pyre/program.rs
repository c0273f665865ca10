//! What the matcher runs.

use super::ast::Assert;
use super::fold::Fold;
use super::set::SetId;

/// Place of an instruction.
pub(super) type Pc = u32;
/// Place of a remembered position: two for each group, then one for each loop that may turn idle.
pub(super) type Slot = u32;
/// Place of a [`Peek`].
pub(super) type PeekId = u16;

/// A remembered position that is not set.
pub(super) const UNSET: u32 = u32::MAX;

/// One step. Where nothing else is said, the next instruction follows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Inst {
    /// Takes this byte.
    Byte(u8),
    /// Takes these bytes of [`Program::literals`].
    Literal { start: u32, len: u32 },
    /// Takes a character of the set.
    One(SetId),
    /// Takes as many as possible and gives none back.
    Take { set: SetId, min: u32, max: u32 },
    /// Takes as many as possible, and gives back while what follows cannot go on.
    Greedy { set: SetId, peek: PeekId, min: u32, max: u32 },
    /// Takes as few as possible.
    Lazy { set: SetId, peek: PeekId, min: u32, max: u32 },
    /// [`Inst::Save`], [`Inst::Take`] and [`Inst::Save`] of the next slot, in one.
    Capture { slot: u16, set: SetId, min: u16, max: u32 },
    /// [`Inst::Take`] of all there are (with `some`, at least one) and [`Inst::Literal`], in one.
    Then { set: SetId, some: bool, start: u32, len: u16 },
    /// [`Inst::Take`] of all there are, the end of the text, and [`Inst::Match`], in one.
    Tail { set: SetId, some: bool },
    /// Remembers the position.
    Save(Slot),
    /// Tries `first`, then `second`; neither where its peek forbids.
    Split { first: Pc, second: Pc, peek_first: PeekId, peek_second: PeekId },
    /// Goes on there.
    Jump(Pc),
    /// Leaves a loop whose last turn (begun at the position in the slot) took nothing.
    Idle { slot: Slot, out: Pc },
    /// Tests the position.
    Assert(Assert),
    /// Runs what follows to its [`Inst::Match`] without taking anything, then goes on at `after`;
    /// `behind` characters earlier, for a look-behind.
    Look { negative: bool, behind: Option<u16>, after: Pc },
    /// Runs what follows to its [`Inst::AtomicEnd`] and forgets every other way to it.
    Atomic { after: Pc },
    /// The end of an atomic part.
    AtomicEnd { after: Pc },
    /// Takes what the group took.
    Backref { group: u32, fold: Fold },
    /// Goes on at `no` when the group took no part.
    Cond { group: u32, no: Pc },
    /// Done.
    Match,
}

/// The bytes that may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Peek {
    /// Bit for each byte.
    pub(super) bytes: [u64; 4],
    /// Whether the text may end.
    pub(super) end: bool,
}

impl Peek {
    /// Whether the text may go on so.
    pub(super) fn allows(&self, next: Option<&u8>) -> bool {
        match next {
            None => self.end,
            Some(&byte) => {
                self.bytes.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
            }
        }
    }
}

/// A compiled pattern.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) insts: Vec<Inst>,
    pub(super) literals: Vec<u8>,
    pub(super) peeks: Vec<Peek>,
    /// Number of slots.
    pub(super) slots: usize,
    /// Where to begin: behind a `^`, which holds at the start.
    pub(super) start: Pc,
}

impl Program {
    /// Bytes of a literal.
    pub(super) fn literal(&self, start: u32, len: u32) -> &[u8] {
        let start = start as usize;
        self.literals.get(start..start + len as usize).unwrap_or(&[])
    }
}
