//! A compiled pattern, alone or among others.

use std::sync::OnceLock;

use super::PatternError;
use super::compile::{How, compile};
use super::entry::{Entry, entry};
use super::fuse::fuse;
use super::matcher::{Exhausted, Scratch, run, run_plain};
use super::parser::parse;
use super::program::{Program, UNSET};
use super::set::Sets;

/// What sort of texts a pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any.
    Text,
    /// Texts without a newline, which allows more shortcuts.
    Lines,
}

/// A pattern whose character classes live in [`Sets`] that it shares with others.
#[derive(Debug)]
pub struct Pattern {
    source: Box<str>,
    kind: Kind,
    program: Program,
    entry: Entry,
    names: Vec<(String, u32)>,
    groups: u32,
    remembers: bool,
    plain: OnceLock<Option<(Program, Sets)>>,
}

impl Pattern {
    /// Compiles `source`; what it adds to `sets` must be at hand whenever it is matched.
    pub fn compile(source: &str, kind: Kind, sets: &mut Sets) -> Result<Self, PatternError> {
        let parsed = parse(source)?;
        let lines = kind == Kind::Lines;
        let mut program = compile(&parsed, How { lines, plain: false }, sets)?;
        let entry = entry(&parsed.node, &program, sets);
        fuse(&mut program, lines);
        Ok(Self {
            source: source.into(),
            kind,
            program,
            entry,
            remembers: parsed.node.remembers(),
            names: parsed.names,
            groups: parsed.groups,
            plain: OnceLock::new(),
        })
    }

    /// Whether it matches at the start of `text`; the groups are then in `scratch`.
    pub fn matches(&self, sets: &Sets, text: &str, scratch: &mut Scratch) -> Result<bool, Exhausted> {
        match run(&self.program, sets, text, scratch, self.remembers) {
            Err(Exhausted) if !self.remembers => {
                let plain = self.plain.get_or_init(|| self.plain());
                let (program, sets) = plain.as_ref().ok_or(Exhausted)?;
                run_plain(program, sets, text, scratch)
            }
            done => done,
        }
    }

    fn plain(&self) -> Option<(Program, Sets)> {
        let mut sets = Sets::default();
        let how = How { lines: self.kind == Kind::Lines, plain: true };
        let program = parse(&self.source).and_then(|parsed| compile(&parsed, how, &mut sets)).ok()?;
        Some((program, sets))
    }

    /// The pattern's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Number of groups, the whole match not counted.
    pub fn groups(&self) -> u32 {
        self.groups
    }

    /// The named groups with their numbers, in that order.
    pub fn names(&self) -> &[(String, u32)] {
        &self.names
    }

    /// Which lines it can match at all, by their first bytes.
    pub fn entry(&self) -> Entry {
        self.entry
    }
}

impl Scratch {
    /// What a group of the last match took: byte offsets, none when it took no part.
    pub fn group(&self, group: u32) -> Option<(usize, usize)> {
        let index = group as usize * 2;
        match self.slots.get(index..index + 2) {
            Some(&[start, end]) if start != UNSET && end != UNSET && start <= end => {
                Some((start as usize, end as usize))
            }
            _ => None,
        }
    }
}

/// A pattern with its own classes.
#[derive(Debug)]
pub struct Regex {
    pattern: Pattern,
    sets: Sets,
}

impl Regex {
    /// Compiles `source` for any text.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        Self::of(source, Kind::Text)
    }

    /// Compiles `source` for texts of one kind.
    pub fn of(source: &str, kind: Kind) -> Result<Self, PatternError> {
        let mut sets = Sets::default();
        Ok(Self { pattern: Pattern::compile(source, kind, &mut sets)?, sets })
    }

    /// Reads `source` without compiling it; gives its number of groups.
    pub fn check(source: &str) -> Result<u32, PatternError> {
        parse(source).map(|parsed| parsed.groups)
    }

    /// Whether it matches at the start of `text`; the groups are then in `scratch`.
    pub fn matches(&self, text: &str, scratch: &mut Scratch) -> Result<bool, Exhausted> {
        self.pattern.matches(&self.sets, text, scratch)
    }

    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }
}
