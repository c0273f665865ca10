//! The backtracker.
//!
//! Alternatives wait on a stack together with the slots to restore on the way back to them. A first run
//! has a budget of steps back; beyond it a plain program is run that remembers each (instruction, position)
//! at which it chose before: what failed there fails again, so the time is linear in the text.

use super::ast::{Assert, UNBOUNDED};
use super::fold::Fold;
use super::program::{Inst, Pc, Program, UNSET};
use super::set::{ASK, NO, Set, Sets, YES};
use super::unicode::is_word;

/// Steps back before a pattern is matched with a memory of visited places.
const BUDGET: u64 = 5_000;
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
    stack: Vec<Frame>,
    visited: Vec<u64>,
    trail: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Frame {
    /// Go on there.
    Alternative { pc: Pc, pos: u32 },
    /// Set a slot back.
    Restore { slot: u32, old: u32 },
    /// Give a character back, down to `low`.
    Greedy { pc: Pc, low: u32, pos: u32 },
    /// Take one character more, at most `left`.
    Lazy { pc: Pc, pos: u32, left: u32 },
}

pub(super) struct Matcher<'m> {
    program: &'m Program,
    sets: &'m Sets,
    str: &'m str,
    text: &'m [u8],
    scratch: &'m mut Scratch,
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
        scratch.slots.clear();
        scratch.slots.resize(program.slots, UNSET);
        let text = str.as_bytes();
        let mut matcher = Matcher { program, sets, str, text, scratch, steps: 0, budget, nested: 0 };
        let end = matcher.run::<PLAIN>(0, 0)?;
        if let Some(end) = end {
            matcher.write(0, 0);
            matcher.write(1, end as u32);
        }
        Ok(end.is_some())
    }

    /// Runs from `pc` at `pos` to the end of the program or of the nested part; gives where it ended.
    fn run<const PLAIN: bool>(&mut self, mut pc: Pc, mut pos: usize) -> Result<Option<usize>, Exhausted> {
        let base = self.scratch.stack.len();
        loop {
            let Some(&inst) = self.program.insts.get(pc as usize) else { return Ok(None) };
            let went_on = match inst {
                Inst::Byte(byte) => {
                    let here = self.text.get(pos) == Some(&byte);
                    pos += 1;
                    here
                }
                Inst::Literal { start, len } => {
                    let wanted = self.program.literal(start, len);
                    let here = self.text.get(pos..).is_some_and(|rest| rest.starts_with(wanted));
                    pos += wanted.len();
                    here
                }
                Inst::One(set) => match self.sets.get(set).and_then(|set| self.one(set, pos)) {
                    Some(next) => {
                        pos = next;
                        true
                    }
                    None => false,
                },
                Inst::Take { set, min, max } => {
                    match self.sets.get(set).and_then(|set| self.take(set, pos, min, max)) {
                        Some((_, end)) => {
                            pos = end;
                            true
                        }
                        None => false,
                    }
                }
                Inst::Greedy { set, min, max, .. } => {
                    match self.sets.get(set).and_then(|set| self.take(set, pos, min, max)) {
                        Some((low, end)) => match self.give_back(pc, low, end) {
                            Some(next) => {
                                pos = next;
                                true
                            }
                            None => false,
                        },
                        None => false,
                    }
                }
                Inst::Lazy { set, min, max, .. } => {
                    match self.sets.get(set).and_then(|set| self.take(set, pos, min, min)) {
                        Some((_, end)) => match self.take_more(pc, end, max.saturating_sub(min)) {
                            Some(next) => {
                                pos = next;
                                true
                            }
                            None => false,
                        },
                        None => false,
                    }
                }
                Inst::Save(slot) => {
                    self.save(slot, pos);
                    true
                }
                Inst::Split { first, second, peek_first, peek_second } => {
                    let next = self.text.get(pos);
                    let peeks = &self.program.peeks;
                    let try_first = peeks.get(usize::from(peek_first)).is_none_or(|peek| peek.allows(next));
                    let try_second = peeks.get(usize::from(peek_second)).is_none_or(|peek| peek.allows(next));
                    if PLAIN && self.visit(pc, pos) {
                        false
                    } else if try_first {
                        if try_second {
                            self.scratch.stack.push(Frame::Alternative { pc: second, pos: pos as u32 });
                        }
                        pc = first;
                        continue;
                    } else if try_second {
                        pc = second;
                        continue;
                    } else {
                        false
                    }
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
                    true
                }
                Inst::Assert(assert) => self.holds(assert, pos),
                Inst::Look { negative, behind, after } => {
                    if self.look::<PLAIN>(pc + 1, pos, behind, negative)? == negative {
                        false
                    } else {
                        pc = after;
                        continue;
                    }
                }
                Inst::Atomic { after } => match self.nested::<PLAIN>(pc + 1, pos, false)? {
                    Some(end) => {
                        pos = end;
                        pc = after;
                        continue;
                    }
                    None => false,
                },
                Inst::Backref { group, fold } => match self.backref(group, fold, pos) {
                    Some(end) => {
                        pos = end;
                        true
                    }
                    None => false,
                },
                Inst::Cond { group, no } => {
                    if self.group(group).is_none() {
                        pc = no;
                        continue;
                    }
                    true
                }
                Inst::Match | Inst::AtomicEnd { .. } => return Ok(Some(pos)),
            };
            if went_on {
                pc += 1;
            } else {
                match self.step_back(base)? {
                    Some((to, at)) => (pc, pos) = (to, at),
                    None => return Ok(None),
                }
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

    /// Gives back from `pos` to where what follows may go on, and leaves word that more can be given.
    fn give_back(&mut self, pc: Pc, low: usize, mut pos: usize) -> Option<usize> {
        let Some(&Inst::Greedy { peek, .. }) = self.program.insts.get(pc as usize) else { return None };
        let peek = self.program.peeks.get(usize::from(peek))?;
        while !peek.allows(self.text.get(pos)) {
            if pos <= low {
                return None;
            }
            pos = self.before(pos);
        }
        if pos > low {
            self.scratch.stack.push(Frame::Greedy { pc, low: low as u32, pos: pos as u32 });
        }
        Some(pos)
    }

    /// Takes from `pos` to where what follows may go on, and leaves word that more can be taken.
    fn take_more(&mut self, pc: Pc, mut pos: usize, mut left: u32) -> Option<usize> {
        let Some(&Inst::Lazy { set, peek, .. }) = self.program.insts.get(pc as usize) else { return None };
        let peek = self.program.peeks.get(usize::from(peek))?;
        let set = self.sets.get(set)?;
        while !peek.allows(self.text.get(pos)) {
            if left == 0 {
                return None;
            }
            pos = self.one(set, pos)?;
            if left != UNBOUNDED {
                left -= 1;
            }
        }
        self.scratch.stack.push(Frame::Lazy { pc, pos: pos as u32, left });
        Some(pos)
    }

    /// Where the character of the set at `pos` ends.
    fn one(&self, set: &Set, pos: usize) -> Option<usize> {
        let &byte = self.text.get(pos)?;
        match set.hit(byte) {
            NO => None,
            YES if byte < 0x80 => Some(pos + 1),
            hit => {
                let c = self.char_at(pos)?;
                (hit == YES || set.has(c)).then(|| pos + c.len_utf8())
            }
        }
    }

    /// Where `min` characters of the set end, and where the last one up to `max` does.
    fn take(&self, set: &Set, start: usize, min: u32, max: u32) -> Option<(usize, usize)> {
        let mut pos = start;
        let mut low = start;
        if min > 0 || max != UNBOUNDED {
            let mut count = 0;
            while count < min {
                pos = self.one(set, pos)?;
                count += 1;
            }
            low = pos;
            if max != UNBOUNDED {
                while count < max {
                    let Some(next) = self.one(set, pos) else { break };
                    pos = next;
                    count += 1;
                }
                return Some((low, pos));
            }
        }
        loop {
            let rest = self.text.get(pos..).unwrap_or(&[]);
            pos += rest.iter().position(|&byte| set.hit(byte) != YES).unwrap_or(rest.len());
            match self.text.get(pos) {
                Some(&byte) if set.hit(byte) == ASK => match self.one(set, pos) {
                    Some(next) => pos = next,
                    None => break,
                },
                _ => break,
            }
        }
        Some((low, pos))
    }

    fn char_at(&self, pos: usize) -> Option<char> {
        self.str.get(pos..)?.chars().next()
    }

    fn char_before(&self, pos: usize) -> Option<char> {
        self.str.get(..pos)?.chars().next_back()
    }

    /// The start of the character that ends at `pos`.
    fn before(&self, pos: usize) -> usize {
        let mut pos = pos.saturating_sub(1);
        while pos > 0 && !self.str.is_char_boundary(pos) {
            pos -= 1;
        }
        pos
    }

    fn read(&self, slot: u32) -> Option<usize> {
        self.scratch.slots.get(slot as usize).filter(|&&value| value != UNSET).map(|&value| value as usize)
    }

    /// Where a group that took part began and ended.
    fn group(&self, group: u32) -> Option<(usize, usize)> {
        let (start, end) = (self.read(group * 2)?, self.read(group * 2 + 1)?);
        (start <= end).then_some((start, end))
    }

    fn write(&mut self, slot: u32, value: u32) {
        if let Some(place) = self.scratch.slots.get_mut(slot as usize) {
            *place = value;
        }
    }

    fn save(&mut self, slot: u32, pos: usize) {
        if let Some(place) = self.scratch.slots.get_mut(slot as usize) {
            let old = std::mem::replace(place, pos as u32);
            if self.nested > 0 || !self.scratch.stack.is_empty() {
                self.scratch.stack.push(Frame::Restore { slot, old });
            }
        }
    }

    fn holds(&self, assert: Assert, pos: usize) -> bool {
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

    fn backref(&self, group: u32, fold: Fold, pos: usize) -> Option<usize> {
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
