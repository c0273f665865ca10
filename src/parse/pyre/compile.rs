//! Tree to program. Each part is compiled in the knowledge of what may follow it ([`First`]).

use std::collections::HashMap;

use super::PatternError;
use super::ast::{Mode, Node, UNBOUNDED};
use super::class::Class;
use super::first::{First, Single, first, literal};
use super::parser::Parsed;
use super::program::{Inst, Pc, Peek, PeekId, Program, Slot};
use super::set::{SetId, Sets};

/// A pattern that needs more instructions is refused.
pub const MAX_PROGRAM: usize = 40_000;

/// Single-character repeats up to this count are unrolled in a plain program.
const MAX_PLAIN_COUNT: u32 = 1_000;

/// How to compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct How {
    /// The text never holds a newline.
    pub(super) lines: bool,
    /// No repeat instructions: every choice is a [`Inst::Split`], so that a visited one needs no second visit.
    pub(super) plain: bool,
}

struct Compiler<'s> {
    how: How,
    sets: &'s mut Sets,
    program: Program,
    peeks: HashMap<Peek, PeekId>,
    too_many_sets: bool,
}

/// Compiles a pattern's tree; its classes go into `sets`.
pub(super) fn compile(parsed: &Parsed, how: How, sets: &mut Sets) -> Result<Program, PatternError> {
    let slots = (parsed.groups as usize + 1) * 2;
    let program = Program { slots, ..Program::default() };
    let mut compiler = Compiler { how, sets, program, peeks: HashMap::new(), too_many_sets: false };
    compiler.emit(&parsed.node, First::CERTAIN)?;
    compiler.push(Inst::Match)?;
    if compiler.too_many_sets {
        return Err(refuse("too many different classes"));
    }
    Ok(compiler.program)
}

/// An error that concerns the whole pattern.
fn refuse(message: &str) -> PatternError {
    PatternError { at: 0, message: message.to_owned() }
}

impl Single for Compiler<'_> {
    fn single(&mut self, node: &Node) -> First {
        match node {
            Node::Literal(c) => literal(*c),
            _ => match self.set_of(node) {
                Some(set) => self.sets.get(set).map_or(First::ANYTHING, |set| set.first),
                None => First::ANYTHING,
            },
        }
    }

    fn lines(&self) -> bool {
        self.how.lines
    }
}

/// In a text without newlines `.` is everything.
fn effective(class: &Class, lines: bool) -> Class {
    if lines && *class == Class::any_but_newline() { Class::any() } else { class.clone() }
}

impl Compiler<'_> {
    fn here(&self) -> Pc {
        Pc::try_from(self.program.insts.len()).unwrap_or(Pc::MAX)
    }

    fn push(&mut self, inst: Inst) -> Result<Pc, PatternError> {
        if self.program.insts.len() >= MAX_PROGRAM {
            return Err(refuse("the repeats of this pattern multiply to too much"));
        }
        let here = self.here();
        self.program.insts.push(inst);
        Ok(here)
    }

    fn set(&mut self, at: Pc, inst: Inst) {
        if let Some(place) = self.program.insts.get_mut(at as usize) {
            *place = inst;
        }
    }

    fn first(&mut self, node: &Node, follow: First) -> First {
        first(node, follow, self)
    }

    fn peek(&mut self, first: First) -> PeekId {
        let peek = first.peek();
        if let Some(&id) = self.peeks.get(&peek) {
            return id;
        }
        // Beyond 65,535 of them the last one stands for "anything", which is always right.
        let Ok(id) = PeekId::try_from(self.program.peeks.len()) else { return PeekId::MAX };
        let peek = if id == PeekId::MAX { First::ANYTHING.peek() } else { peek };
        self.program.peeks.push(peek);
        self.peeks.insert(peek, id);
        id
    }

    /// The set of a node that takes exactly one character.
    fn set_of(&mut self, node: &Node) -> Option<SetId> {
        let class = match node.bare() {
            Node::Literal(c) => Class::of(super::class::Item::Range(u32::from(*c), u32::from(*c))),
            Node::Class(class) => effective(class, self.how.lines),
            _ => return None,
        };
        let id = self.sets.intern(&class);
        self.too_many_sets |= id.is_none();
        id
    }

    fn emit(&mut self, node: &Node, follow: First) -> Result<(), PatternError> {
        match node {
            Node::Empty => Ok(()),
            Node::Literal(c) => self.literal(&[*c]),
            Node::Class(_) => match self.set_of(node) {
                Some(set) => self.push(Inst::One(set)).map(drop),
                None => Ok(()),
            },
            Node::Seq(nodes) => self.sequence(nodes, follow),
            Node::Alt(nodes) => self.alternatives(nodes, follow),
            Node::Repeat { node, min, max, mode } => self.repeat(node, *min, *max, *mode, follow),
            Node::Group(group, node) => {
                self.push(Inst::Save(group * 2))?;
                self.emit(node, follow)?;
                self.push(Inst::Save(group * 2 + 1)).map(drop)
            }
            Node::Scope(node) => self.emit(node, follow),
            Node::Atomic(node) => self.atomic(|compiler| compiler.emit(node, First::CERTAIN)),
            Node::Look { behind, negative, node } => {
                let behind = match behind.map(u16::try_from) {
                    None => None,
                    Some(Ok(width)) => Some(width),
                    Some(Err(_)) => return Err(refuse("a look-behind wider than 65,535 characters")),
                };
                let at = self.push(Inst::Match)?;
                self.emit(node, First::CERTAIN)?;
                self.push(Inst::Match)?;
                let after = self.here();
                self.set(at, Inst::Look { negative: *negative, behind, after });
                Ok(())
            }
            Node::Assert(assert) => self.push(Inst::Assert(*assert)).map(drop),
            Node::Backref(group, fold) => self.push(Inst::Backref { group: *group, fold: *fold }).map(drop),
            Node::Cond { group, yes, no } => {
                let at = self.push(Inst::Match)?;
                self.emit(yes, follow)?;
                let leave = self.push(Inst::Match)?;
                let other = self.here();
                self.set(at, Inst::Cond { group: *group, no: other });
                self.emit(no, follow)?;
                let end = self.here();
                self.set(leave, Inst::Jump(end));
                Ok(())
            }
        }
    }

    fn literal(&mut self, chars: &[char]) -> Result<(), PatternError> {
        let text: String = chars.iter().collect();
        if let &[byte] = text.as_bytes() {
            return self.push(Inst::Byte(byte)).map(drop);
        }
        let (Ok(start), Ok(len)) = (u32::try_from(self.program.literals.len()), u32::try_from(text.len()))
        else {
            return Err(refuse("the pattern is too long"));
        };
        self.program.literals.extend_from_slice(text.as_bytes());
        self.push(Inst::Literal { start, len }).map(drop)
    }

    fn sequence(&mut self, nodes: &[Node], follow: First) -> Result<(), PatternError> {
        let mut follows = vec![follow; nodes.len()];
        let mut after = follow;
        for (node, place) in nodes.iter().zip(follows.iter_mut()).rev() {
            *place = after;
            after = self.first(node, after);
        }
        let mut word: Vec<char> = Vec::new();
        for (node, follow) in nodes.iter().zip(follows) {
            if let Node::Literal(c) = node {
                word.push(*c);
                continue;
            }
            if !word.is_empty() {
                self.literal(&word)?;
                word.clear();
            }
            self.emit(node, follow)?;
        }
        if word.is_empty() { Ok(()) } else { self.literal(&word) }
    }

    fn alternatives(&mut self, nodes: &[Node], follow: First) -> Result<(), PatternError> {
        let firsts: Vec<First> = nodes.iter().map(|node| self.first(node, follow)).collect();
        let mut leave = Vec::new();
        for (index, (node, own)) in nodes.iter().zip(&firsts).enumerate() {
            let rest = firsts.iter().skip(index + 1);
            if index + 1 == nodes.len() {
                self.emit(node, follow)?;
                break;
            }
            let others = rest.fold(First::NOTHING, |all, other| all.or(*other));
            let split = self.push(Inst::Match)?;
            self.emit(node, follow)?;
            leave.push(self.push(Inst::Match)?);
            let second = self.here();
            self.split(split, (split + 1, *own), (second, others));
        }
        let end = self.here();
        for place in leave {
            self.set(place, Inst::Jump(end));
        }
        Ok(())
    }

    fn split(&mut self, at: Pc, first: (Pc, First), second: (Pc, First)) {
        let (peek_first, peek_second) = (self.peek(first.1), self.peek(second.1));
        self.set(at, Inst::Split { first: first.0, second: second.0, peek_first, peek_second });
    }

    fn atomic(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<(), PatternError>,
    ) -> Result<(), PatternError> {
        let at = self.push(Inst::Match)?;
        body(self)?;
        let end = self.push(Inst::Match)?;
        self.set(at, Inst::Atomic { after: end + 1 });
        self.set(end, Inst::AtomicEnd { after: end + 1 });
        Ok(())
    }

    fn repeat(
        &mut self,
        node: &Node,
        min: u32,
        max: u32,
        mode: Mode,
        follow: First,
    ) -> Result<(), PatternError> {
        if let Some(set) = self.set_of(node)
            && (!self.how.plain || min > MAX_PLAIN_COUNT || (max != UNBOUNDED && max > MAX_PLAIN_COUNT))
        {
            return self.span(set, (min, max), mode, follow);
        }
        if mode == Mode::Possessive {
            return self.atomic(|compiler| {
                let node = Node::Atomic(Box::new(node.clone()));
                compiler.loops(&node, (min, max), Mode::Greedy, First::CERTAIN)
            });
        }
        self.loops(node, (min, max), mode, follow)
    }

    /// A repeat of a single character.
    fn span(
        &mut self,
        set: SetId,
        counts: (u32, u32),
        mode: Mode,
        follow: First,
    ) -> Result<(), PatternError> {
        let (min, max) = counts;
        let own = self.sets.get(set).map_or(First::ANYTHING, |set| set.first);
        let one_way = min == max || mode == Mode::Possessive || own.disjoint(&follow);
        let inst = match mode {
            Mode::Lazy if follow.certain => Inst::Take { set, min, max: min },
            Mode::Greedy if follow.certain => Inst::Take { set, min, max },
            _ if one_way => Inst::Take { set, min, max },
            Mode::Lazy => Inst::Lazy { set, peek: self.peek(follow), min, max },
            _ => Inst::Greedy { set, peek: self.peek(follow), min, max },
        };
        match inst {
            Inst::Take { min: 1, max: 1, .. } => self.push(Inst::One(set)).map(drop),
            Inst::Take { max: 0, .. } => Ok(()),
            inst => self.push(inst).map(drop),
        }
    }

    /// A repeat of anything, unrolled where it is counted.
    fn loops(
        &mut self,
        node: &Node,
        counts: (u32, u32),
        mode: Mode,
        follow: First,
    ) -> Result<(), PatternError> {
        let (min, max) = counts;
        if max == 0 {
            return Ok(());
        }
        let again = self.first(node, follow).or(follow);
        for turn in 1..=min {
            let after = match turn == min {
                true if max == min => follow,
                true => again,
                false => First { certain: false, ..again },
            };
            self.emit(node, after)?;
        }
        if max == min {
            return Ok(());
        }
        let idle = node.nullable().then(|| {
            let slot = Slot::try_from(self.program.slots).unwrap_or(Slot::MAX);
            self.program.slots += 1;
            slot
        });
        let mut splits = Vec::new();
        let mut idles = Vec::new();
        let turns = if max == UNBOUNDED { 1 } else { max - min };
        for _ in 0..turns {
            splits.push(self.push(Inst::Match)?);
            if let Some(slot) = idle {
                self.push(Inst::Save(slot))?;
            }
            self.emit(node, again)?;
            if let Some(slot) = idle {
                idles.push((self.push(Inst::Match)?, slot));
            }
            if max == UNBOUNDED {
                let start = splits.last().copied().unwrap_or(0);
                self.push(Inst::Jump(start))?;
            }
        }
        let out = self.here();
        let body = self.first(node, again);
        for at in splits {
            match mode {
                Mode::Lazy => self.split(at, (out, follow), (at + 1, body)),
                _ => self.split(at, (at + 1, body), (out, follow)),
            }
        }
        for (at, slot) in idles {
            self.set(at, Inst::Idle { slot, out });
        }
        Ok(())
    }
}
