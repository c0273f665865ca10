//! The backtracker.
//!
//! Alternatives wait on a stack together with the slots to restore on the way back to them. A first run
//! has a budget of steps back; beyond it a plain program is run that remembers each (instruction, position)
//! at which it chose before: what failed there fails again, so the time is linear in the text.

use super::ast::UNBOUNDED;
use super::program::{Inst, Pc, Program, UNSET};
use super::set::Sets;

/// Steps back before a pattern is matched with a memory of visited places.
const BUDGET: u64 = 200;
/// Steps back before a pattern that cannot be matched so is given up.
const HARD_BUDGET: u64 = 5_000_000;
/// Bits of the memory: 32 MiB.
const MAX_VISITED: usize = 1 << 28;

/// The pattern needs more steps for this text than it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the regular expression tries too many ways; make its repeats less ambiguous")]
pub struct Exhausted;

/// The matcher's memory, kept between matches so that none allocates.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) slots: Vec<u32>,
    /// Whether any slot is set.
    dirty: bool,
    pub(super) stack: Vec<Frame>,
    visited: Vec<u64>,
    trail: Vec<usize>,
}

/// What waits on the stack.
#[derive(Debug, Clone, Copy)]
pub(super) enum Frame {
    /// Go on there.
    Alternative { pc: Pc, pos: u32 },
    /// Set a slot back.
    Restore { slot: u32, old: u32 },
    /// Give a character back, down to `low`.
    Greedy { pc: Pc, low: u32, pos: u32 },
    /// Take one character more, at most `left`.
    Lazy { pc: Pc, pos: u32, left: u32 },
}

/// A position as the stack and the slots keep it.
#[allow(clippy::cast_possible_truncation, reason = "longer texts are refused at the start")]
pub(super) fn short(pos: usize) -> u32 {
    pos as u32
}

pub(super) struct Matcher<'m> {
    pub(super) program: &'m Program,
    pub(super) sets: &'m Sets,
    pub(super) str: &'m str,
    pub(super) text: &'m [u8],
    pub(super) scratch: &'m mut Scratch,
    steps: u64,
    budget: u64,
    nested: u32,
}

/// Matches at the start of `text`; the slots are left in `scratch`.
pub(super) fn run(
    program: &Program,
    sets: &Sets,
    text: &str,
    scratch: &mut Scratch,
    remembers: bool,
) -> Result<bool, Exhausted> {
    let budget = if remembers { HARD_BUDGET } else { BUDGET + text.len() as u64 };
    Matcher::start::<false>(program, sets, text, scratch, budget)
}

/// The same for a plain program, in linear time.
pub(super) fn run_plain(
    program: &Program,
    sets: &Sets,
    text: &str,
    scratch: &mut Scratch,
) -> Result<bool, Exhausted> {
    let bits = program.insts.len().saturating_mul(text.len() + 1);
    if bits > MAX_VISITED {
        return Err(Exhausted);
    }
    scratch.visited.clear();
    scratch.visited.resize(bits / 64 + 1, 0);
    scratch.trail.clear();
    Matcher::start::<true>(program, sets, text, scratch, HARD_BUDGET.max(bits as u64))
}

impl<'m> Matcher<'m> {
    fn start<const PLAIN: bool>(
        program: &'m Program,
        sets: &'m Sets,
        str: &'m str,
        scratch: &'m mut Scratch,
        budget: u64,
    ) -> Result<bool, Exhausted> {
        if str.len() >= UNSET as usize {
            return Err(Exhausted);
        }
        scratch.stack.clear();
        if scratch.slots.len() != program.slots {
            scratch.slots.clear();
            scratch.slots.resize(program.slots, UNSET);
        } else if scratch.dirty {
            scratch.slots.fill(UNSET);
        }
        scratch.dirty = false;
        let text = str.as_bytes();
        let mut matcher = Matcher { program, sets, str, text, scratch, steps: 0, budget, nested: 0 };
        let end = matcher.run::<PLAIN>(program.start, 0)?;
        if let Some(end) = end {
            matcher.scratch.dirty = true;
            matcher.write(0, 0);
            matcher.write(1, short(end));
        }
        Ok(end.is_some())
    }

    /// Runs from `pc` at `pos` to the end of the program or of the nested part; gives where it ended.
    fn run<const PLAIN: bool>(&mut self, mut pc: Pc, mut pos: usize) -> Result<Option<usize>, Exhausted> {
        let base = self.scratch.stack.len();
        let (program, sets) = (self.program, self.sets);
        loop {
            let Some(inst) = program.insts.get(pc as usize) else { return Ok(None) };
            let next = match *inst {
                Inst::Byte(byte) => (self.text.get(pos) == Some(&byte)).then_some(pos + 1),
                Inst::Literal { start, len } => self.literal(pos, program.literal(start, len)),
                Inst::One(set) => sets.get(set).and_then(|set| self.one(set, pos)),
                Inst::Take { set, min, max } => {
                    sets.get(set).and_then(|set| self.take(set, pos, min, max)).map(|(_, end)| end)
                }
                Inst::Capture { slot, set, min, max } => {
                    let taken = sets.get(set).and_then(|set| self.take(set, pos, u32::from(min), max));
                    if let Some((_, end)) = taken {
                        self.save(u32::from(slot), pos);
                        self.save(u32::from(slot) + 1, end);
                    }
                    pc += 2;
                    taken.map(|(_, end)| end)
                }
                Inst::Then { set, some, start, len } => {
                    let end = sets.get(set).and_then(|set| self.take_all(set, pos, some));
                    pc += 1;
                    end.and_then(|end| self.literal(end, program.literal(start, u32::from(len))))
                }
                Inst::Tail { set, some } => {
                    match sets.get(set).and_then(|set| self.take_all(set, pos, some)) {
                        Some(end) if end == self.text.len() => return Ok(Some(end)),
                        _ => None,
                    }
                }
                Inst::Greedy { set, min, max, .. } => {
                    let taken = sets.get(set).and_then(|set| self.take(set, pos, min, max));
                    taken.and_then(|(low, end)| self.give_back(pc, low, end))
                }
                Inst::Lazy { set, min, max, .. } => {
                    let taken = sets.get(set).and_then(|set| self.take(set, pos, min, min));
                    let left = if max == UNBOUNDED { max } else { max - min };
                    taken.and_then(|(_, end)| self.take_more(pc, end, left))
                }
                Inst::Save(slot) => {
                    self.save(slot, pos);
                    Some(pos)
                }
                Inst::Split { first, second, peek_first, peek_second } => {
                    let next = self.text.get(pos);
                    let peeks = &program.peeks;
                    let try_first = peeks.get(usize::from(peek_first)).is_none_or(|peek| peek.allows(next));
                    let try_second = peeks.get(usize::from(peek_second)).is_none_or(|peek| peek.allows(next));
                    if (try_first || try_second) && !(PLAIN && self.visit(pc, pos)) {
                        if try_first && try_second {
                            self.scratch.stack.push(Frame::Alternative { pc: second, pos: short(pos) });
                        }
                        pc = if try_first { first } else { second };
                        continue;
                    }
                    None
                }
                Inst::Jump(to) => {
                    pc = to;
                    continue;
                }
                Inst::Idle { slot, out } => {
                    if self.read(slot) == Some(pos) {
                        pc = out;
                        continue;
                    }
                    Some(pos)
                }
                Inst::Assert(assert) => self.holds(assert, pos).then_some(pos),
                Inst::Look { negative, behind, after } => {
                    if self.look::<PLAIN>(pc + 1, pos, behind, negative)? != negative {
                        pc = after;
                        continue;
                    }
                    None
                }
                Inst::Atomic { after } => {
                    if let Some(end) = self.nested::<PLAIN>(pc + 1, pos, false)? {
                        (pc, pos) = (after, end);
                        continue;
                    }
                    None
                }
                Inst::Backref { group, fold } => self.backref(group, fold, pos),
                Inst::Cond { group, no } => {
                    if self.group(group).is_none() {
                        pc = no;
                        continue;
                    }
                    Some(pos)
                }
                Inst::Match | Inst::AtomicEnd { .. } => return Ok(Some(pos)),
            };
            match next {
                Some(next) => (pc, pos) = (pc + 1, next),
                None => match self.step_back(base)? {
                    Some((to, at)) => (pc, pos) = (to, at),
                    None => return Ok(None),
                },
            }
        }
    }

    /// The nearest place to go on from, above `base` on the stack.
    fn step_back(&mut self, base: usize) -> Result<Option<(Pc, usize)>, Exhausted> {
        while self.scratch.stack.len() > base {
            let Some(frame) = self.scratch.stack.pop() else { break };
            if let Frame::Restore { slot, old } = frame {
                self.write(slot, old);
                continue;
            }
            self.steps += 1;
            if self.steps > self.budget {
                return Err(Exhausted);
            }
            let next = match frame {
                Frame::Restore { .. } => None,
                Frame::Alternative { pc, pos } => return Ok(Some((pc, pos as usize))),
                Frame::Greedy { pc, low, pos } => {
                    let before = self.before(pos as usize);
                    self.give_back(pc, low as usize, before).map(|pos| (pc + 1, pos))
                }
                Frame::Lazy { pc, pos, left } => match (left, self.program.insts.get(pc as usize)) {
                    (1.., Some(&Inst::Lazy { set, .. })) => {
                        let next = self.sets.get(set).and_then(|set| self.one(set, pos as usize));
                        let left = if left == UNBOUNDED { left } else { left - 1 };
                        next.and_then(|next| self.take_more(pc, next, left)).map(|pos| (pc + 1, pos))
                    }
                    _ => None,
                },
            };
            if next.is_some() {
                return Ok(next);
            }
        }
        Ok(None)
    }

    fn read(&self, slot: u32) -> Option<usize> {
        self.scratch.slots.get(slot as usize).filter(|&&value| value != UNSET).map(|&value| value as usize)
    }

    /// Where a group that took part began and ended.
    pub(super) fn group(&self, group: u32) -> Option<(usize, usize)> {
        let (start, end) = (self.read(group * 2)?, self.read(group * 2 + 1)?);
        (start <= end).then_some((start, end))
    }

    fn write(&mut self, slot: u32, value: u32) {
        if let Some(place) = self.scratch.slots.get_mut(slot as usize) {
            *place = value;
        }
    }

    fn save(&mut self, slot: u32, pos: usize) {
        self.scratch.dirty = true;
        if let Some(place) = self.scratch.slots.get_mut(slot as usize) {
            let old = std::mem::replace(place, short(pos));
            if self.nested > 0 || !self.scratch.stack.is_empty() {
                self.scratch.stack.push(Frame::Restore { slot, old });
            }
        }
    }

    /// Whether the part at `pc` matches here, or so many characters back.
    fn look<const PLAIN: bool>(
        &mut self,
        pc: Pc,
        pos: usize,
        behind: Option<u16>,
        negative: bool,
    ) -> Result<bool, Exhausted> {
        let mut from = pos;
        for _ in 0..behind.unwrap_or(0) {
            if from == 0 {
                return Ok(false);
            }
            from = self.before(from);
        }
        Ok(self.nested::<PLAIN>(pc, from, negative)?.is_some())
    }

    /// Runs a nested part; what it leaves on the stack is undone, or else only the slots to restore are kept.
    fn nested<const PLAIN: bool>(
        &mut self,
        pc: Pc,
        pos: usize,
        undo: bool,
    ) -> Result<Option<usize>, Exhausted> {
        let base = self.scratch.stack.len();
        let trail = self.scratch.trail.len();
        self.nested += 1;
        let end = self.run::<PLAIN>(pc, pos)?;
        self.nested -= 1;
        if end.is_none() {
            return Ok(None);
        }
        if PLAIN {
            // The places on the way to a success are no failures.
            for bit in self.scratch.trail.drain(trail..) {
                if let Some(word) = self.scratch.visited.get_mut(bit / 64) {
                    *word &= !(1 << (bit % 64));
                }
            }
        }
        if undo {
            while self.scratch.stack.len() > base {
                if let Some(Frame::Restore { slot, old }) = self.scratch.stack.pop() {
                    self.write(slot, old);
                }
            }
        } else {
            let mut kept = base;
            for index in base..self.scratch.stack.len() {
                if matches!(self.scratch.stack.get(index), Some(Frame::Restore { .. })) {
                    self.scratch.stack.swap(kept, index);
                    kept += 1;
                }
            }
            self.scratch.stack.truncate(kept);
        }
        Ok(end)
    }

    /// Whether this choice was made here before; remembers it.
    fn visit(&mut self, pc: Pc, pos: usize) -> bool {
        let bit = pc as usize * (self.text.len() + 1) + pos;
        let Some(word) = self.scratch.visited.get_mut(bit / 64) else { return true };
        let seen = *word >> (bit % 64) & 1 == 1;
        *word |= 1 << (bit % 64);
        if !seen && self.nested > 0 {
            self.scratch.trail.push(bit);
        }
        seen
    }
}
