//! Frequent sequences of instructions become one.
//!
//! The sequence stays in its place behind the one that does its work, so that no address changes and a
//! jump into the middle of it still finds what it expects.

use super::ast::{Assert, UNBOUNDED};
use super::program::{Inst, Pc, Program};

/// Rewrites a program for texts without newlines (`lines`) or any.
pub(super) fn fuse(program: &mut Program, lines: bool) {
    if let Some(Inst::Assert(Assert::Start)) = program.insts.first() {
        program.start = 1;
    }
    for pc in 0..program.insts.len() {
        let at = |offset: usize| program.insts.get(pc + offset).copied();
        let fused = match (at(0), at(1), at(2)) {
            (Some(Inst::Save(slot)), Some(Inst::Take { set, min, max }), Some(Inst::Save(next)))
                if next == slot + 1 =>
            {
                match (u16::try_from(slot), u16::try_from(min)) {
                    (Ok(slot), Ok(min)) => Some(Inst::Capture { slot, set, min, max }),
                    _ => None,
                }
            }
            (
                Some(Inst::Take { set, min: min @ 0..=1, max: UNBOUNDED }),
                Some(Inst::Assert(Assert::End | Assert::TextEnd)),
                Some(Inst::Match),
            ) if lines => Some(Inst::Tail { set, some: min == 1 }),
            (
                Some(Inst::Take { set, min: min @ 0..=1, max: UNBOUNDED }),
                Some(Inst::Literal { start, len }),
                _,
            ) => u16::try_from(len).ok().map(|len| Inst::Then { set, some: min == 1, start, len }),
            (Some(Inst::Take { set, min: min @ 0..=1, max: UNBOUNDED }), Some(Inst::Byte(byte)), _) => {
                let start = Pc::try_from(program.literals.len()).ok();
                program.literals.push(byte);
                start.map(|start| Inst::Then { set, some: min == 1, start, len: 1 })
            }
            _ => None,
        };
        if let (Some(fused), Some(place)) = (fused, program.insts.get_mut(pc)) {
            *place = fused;
        }
    }
}
