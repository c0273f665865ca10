//! How the matcher takes characters, and gives them back.

use super::ast::UNBOUNDED;
use super::matcher::{Frame, Matcher, short};
use super::program::{Inst, Pc};
use super::set::{ASK, NO, Set, YES};

impl<'m> Matcher<'m> {
    /// Where the literal ends.
    pub(super) fn literal(&self, pos: usize, wanted: &[u8]) -> Option<usize> {
        let rest = self.text.get(pos..)?;
        // Most literals differ at once, so that the comparison is worth its call only when they do not.
        (rest.first() == wanted.first() && rest.starts_with(wanted)).then_some(pos + wanted.len())
    }

    /// The literal behind the instruction at `pc`, if one must follow.
    fn following(&self, pc: Pc) -> Option<&'m [u8]> {
        match self.program.insts.get(pc as usize + 1)? {
            Inst::Literal { start, len } => Some(self.program.literal(*start, *len)),
            Inst::Byte(byte) => Some(std::slice::from_ref(byte)),
            _ => None,
        }
    }

    /// Gives back from `pos` to where what follows may go on, and leaves word that more can be given.
    pub(super) fn give_back(&mut self, pc: Pc, low: usize, pos: usize) -> Option<usize> {
        let pos = match self.following(pc) {
            Some(wanted) => self.last(wanted, low, pos)?,
            None => self.last_allowed(pc, low, pos)?,
        };
        if pos > low {
            self.scratch.stack.push(Frame::Greedy { pc, low: short(low), pos: short(pos) });
        }
        Some(pos)
    }

    /// The last place from `pos` down to `low` where the literal stands.
    fn last(&self, wanted: &[u8], low: usize, pos: usize) -> Option<usize> {
        let &first = wanted.first()?;
        let mut end = (pos + 1).min(self.text.len());
        loop {
            let pos = low + memchr::memrchr(first, self.text.get(low..end)?)?;
            if self.text.get(pos..)?.starts_with(wanted) {
                return Some(pos);
            }
            end = pos;
        }
    }

    /// The last place from `pos` down to `low` where what follows the instruction may begin.
    fn last_allowed(&self, pc: Pc, low: usize, mut pos: usize) -> Option<usize> {
        let Some(&Inst::Greedy { peek, .. }) = self.program.insts.get(pc as usize) else { return None };
        let peek = self.program.peeks.get(usize::from(peek))?;
        if pos == self.text.len() {
            if peek.end {
                return Some(pos);
            }
            if pos <= low {
                return None;
            }
            pos = self.before(pos);
        }
        while !peek.allows(self.text.get(pos)) {
            if pos <= low {
                return None;
            }
            pos = self.before(pos);
        }
        Some(pos)
    }

    /// Takes from `pos` to where what follows may go on, and leaves word that more can be taken.
    pub(super) fn take_more(&mut self, pc: Pc, mut pos: usize, mut left: u32) -> Option<usize> {
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
        self.scratch.stack.push(Frame::Lazy { pc, pos: short(pos), left });
        Some(pos)
    }

    /// Where the character of the set at `pos` ends.
    #[inline]
    pub(super) fn one(&self, set: &Set, pos: usize) -> Option<usize> {
        let &byte = self.text.get(pos)?;
        match set.hit(byte) {
            NO => None,
            YES if byte < 0x80 => Some(pos + 1),
            _ => self.one_beyond(set, pos),
        }
    }

    /// The same for a character beyond ASCII.
    #[cold]
    fn one_beyond(&self, set: &Set, pos: usize) -> Option<usize> {
        let c = self.char_at(pos)?;
        (set.has(c)).then(|| pos + c.len_utf8())
    }

    /// Where as many characters of the set as there are end; with `some`, there must be one.
    pub(super) fn take_all(&self, set: &Set, start: usize, some: bool) -> Option<usize> {
        if set.all {
            let len = self.text.len();
            return (len > start || !some).then_some(len.max(start));
        }
        let mut pos = start;
        loop {
            let rest = self.text.get(pos..).unwrap_or(&[]);
            let Some(stop) = rest.iter().position(|&byte| set.hit(byte) != YES) else {
                pos += rest.len();
                break;
            };
            pos += stop;
            match rest.get(stop) {
                Some(&byte) if set.hit(byte) == ASK => match self.one(set, pos) {
                    Some(next) => pos = next,
                    None => break,
                },
                _ => break,
            }
        }
        (pos > start || !some).then_some(pos)
    }

    /// Where `min` characters of the set end, and where the last one up to `max` does.
    #[inline]
    pub(super) fn take(&self, set: &Set, start: usize, min: u32, max: u32) -> Option<(usize, usize)> {
        let low = match min {
            0 => start,
            1 => self.one(set, start)?,
            _ => match self.count(set, start, min) {
                (low, 0) => low,
                _ => return None,
            },
        };
        let end = match max {
            UNBOUNDED => self.take_all(set, low, false)?,
            max if max == min => low,
            max => self.count(set, low, max - min).0,
        };
        Some((low, end))
    }

    /// Where at most `left` characters of the set end, and how many were missing.
    fn count(&self, set: &Set, start: usize, mut left: u32) -> (usize, u32) {
        let mut pos = start;
        while left > 0 {
            let Some(next) = self.one(set, pos) else { break };
            pos = next;
            left -= 1;
        }
        (pos, left)
    }
}
