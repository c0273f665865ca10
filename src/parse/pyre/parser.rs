//! Pattern text to tree: alternatives, sequences, repeats. Escapes, groups and classes have their own files.

use super::PatternError;
use super::ast::{Assert, Mode, Node, UNBOUNDED};
use super::class::{Class, Item};
use super::fold::Fold;

/// Groups within groups; deeper patterns are refused rather than overflow the stack.
const MAX_DEPTH: usize = 120;

/// The flags in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) ascii: bool,
    pub(super) dot_all: bool,
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) verbose: bool,
}

/// A character of the pattern, or a backslash with the one behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) c: char,
    pub(super) escaped: bool,
}

impl Token {
    pub(super) fn plain(self) -> Option<char> {
        (!self.escaped).then_some(self.c)
    }
}

/// What a pattern is, once read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    /// Number of groups, the whole match not counted.
    pub(super) groups: u32,
    /// Named groups in the order of their numbers.
    pub(super) names: Vec<(String, u32)>,
}

#[derive(Debug)]
pub(super) struct Parser {
    source: Vec<char>,
    at: usize,
    depth: usize,
    pub(super) flags: Flags,
    /// Type flags given globally: `a` and `u` exclude each other.
    pub(super) unicode_given: bool,
    pub(super) names: Vec<(String, u32)>,
    /// Width of each group by number, none while it is open; entry 0 is the whole match.
    pub(super) widths: Vec<Option<(u64, u64)>>,
    /// Number of groups (with the whole match) when the outermost look-behind began.
    pub(super) look_behind: Option<usize>,
    /// Groups that conditionals ask for, with their places.
    pub(super) asked: Vec<(u32, usize)>,
}

/// Reads a whole pattern.
pub(super) fn parse(pattern: &str) -> Result<Parsed, PatternError> {
    let mut parser = Parser {
        source: pattern.chars().collect(),
        at: 0,
        depth: 0,
        flags: Flags::default(),
        unicode_given: false,
        names: Vec::new(),
        widths: vec![None],
        look_behind: None,
        asked: Vec::new(),
    };
    let node = parser.alternatives(true)?;
    if parser.at < parser.source.len() {
        return Err(parser.error("a `)` without its `(`"));
    }
    if let Some((group, at)) = parser.asked.iter().find(|(group, _)| *group as usize >= parser.widths.len()) {
        return Err(PatternError { at: *at, message: format!("there is no group {group}") });
    }
    let groups = u32::try_from(parser.widths.len() - 1).unwrap_or(u32::MAX);
    Ok(Parsed { node, groups, names: parser.names })
}

/// An error at an offset of the pattern.
pub(super) fn error_at(at: usize, message: impl Into<String>) -> PatternError {
    PatternError { at, message: message.into() }
}

impl Parser {
    pub(super) fn error(&self, message: impl Into<String>) -> PatternError {
        PatternError { at: self.at, message: message.into() }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next token, not taken.
    pub(super) fn peek(&self) -> Result<Option<Token>, PatternError> {
        match self.source.get(self.at) {
            None => Ok(None),
            Some('\\') => match self.source.get(self.at + 1) {
                Some(&c) => Ok(Some(Token { c, escaped: true })),
                None => Err(self.error("a backslash at the end")),
            },
            Some(&c) => Ok(Some(Token { c, escaped: false })),
        }
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Result<Option<Token>, PatternError> {
        let token = self.peek()?;
        self.at += match token {
            None => 0,
            Some(Token { escaped: false, .. }) => 1,
            Some(Token { escaped: true, .. }) => 2,
        };
        Ok(token)
    }

    /// The next character if it is not escaped, not taken.
    pub(super) fn peek_plain(&self) -> Result<Option<char>, PatternError> {
        Ok(self.peek()?.and_then(Token::plain))
    }

    /// Takes `wanted` if it is next, unescaped.
    pub(super) fn take(&mut self, wanted: char) -> Result<bool, PatternError> {
        let found = self.peek_plain()? == Some(wanted);
        if found {
            self.at += 1;
        }
        Ok(found)
    }

    /// Takes up to `most` characters that `test` accepts.
    pub(super) fn take_while(&mut self, most: usize, test: impl Fn(char) -> bool) -> String {
        let found: String =
            self.source.iter().skip(self.at).take(most).copied().take_while(|&c| test(c)).collect();
        self.at += found.chars().count();
        found
    }

    pub(super) fn fold(&self) -> Fold {
        match (self.flags.ignore_case, self.flags.ascii) {
            (false, _) => Fold::Exact,
            (true, true) => Fold::Ascii,
            (true, false) => Fold::Unicode,
        }
    }

    /// A code point of the pattern as a node.
    pub(super) fn literal(&self, code: u32) -> Node {
        let fold = self.fold();
        match char::from_u32(code) {
            Some(c) if fold == Fold::Exact || !(c.is_alphabetic() || code > 0x7f) => Node::Literal(c),
            _ => Node::Class(Class::new(vec![Item::Range(code, code)], false, fold)),
        }
    }

    /// Alternatives up to the end or an unmatched `)`.
    pub(super) fn alternatives(&mut self, outermost: bool) -> Result<Node, PatternError> {
        let mut branches = vec![self.sequence(outermost)?];
        while self.take('|')? {
            branches.push(self.sequence(false)?);
        }
        Ok(if branches.len() == 1 { branches.pop().unwrap_or(Node::Empty) } else { Node::Alt(branches) })
    }

    /// One alternative; `start` where flags for the whole pattern may stand.
    pub(super) fn sequence(&mut self, start: bool) -> Result<Node, PatternError> {
        let mut nodes: Vec<Node> = Vec::new();
        while let Some(token) = self.peek()? {
            if matches!(token.plain(), Some('|' | ')')) {
                break;
            }
            let begin = self.at;
            self.next()?;
            if token.escaped {
                nodes.push(self.escape(token.c, begin)?);
                continue;
            }
            if self.flags.verbose && self.skip_verbose(token.c)? {
                continue;
            }
            match token.c {
                '[' => nodes.push(self.class(begin)?),
                '.' if self.flags.dot_all => nodes.push(Node::Class(Class::any())),
                '.' => nodes.push(Node::Class(Class::any_but_newline())),
                '^' if self.flags.multi_line => nodes.push(Node::Assert(Assert::LineStart)),
                '^' => nodes.push(Node::Assert(Assert::Start)),
                '$' if self.flags.multi_line => nodes.push(Node::Assert(Assert::LineEnd)),
                '$' => nodes.push(Node::Assert(Assert::End)),
                '(' => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(self.error(format!("groups within groups deeper than {MAX_DEPTH}")));
                    }
                    nodes.extend(self.group(begin, start && nodes.is_empty())?);
                    self.depth -= 1;
                }
                '*' | '+' | '?' | '{' => match self.counts(token.c)? {
                    Some((min, max)) => self.repeat(&mut nodes, min, max, begin)?,
                    None => nodes.push(self.literal(u32::from(token.c))),
                },
                c => nodes.push(self.literal(u32::from(c))),
            }
        }
        Ok(Node::seq(nodes))
    }

    /// With flag `x`: whether `c` was a blank or began a comment, which is skipped.
    fn skip_verbose(&mut self, c: char) -> Result<bool, PatternError> {
        if c == '#' {
            while self.next()?.is_some_and(|token| token.plain() != Some('\n')) {}
        }
        Ok(matches!(c, '#' | ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c'))
    }

    /// The counts of a repeat whose first character was taken; none when a `{` is a literal.
    fn counts(&mut self, c: char) -> Result<Option<(u32, u32)>, PatternError> {
        match c {
            '?' => return Ok(Some((0, 1))),
            '*' => return Ok(Some((0, UNBOUNDED))),
            '+' => return Ok(Some((1, UNBOUNDED))),
            _ => {}
        }
        let begin = self.at;
        if self.peek_plain()? == Some('}') {
            return Ok(None);
        }
        let low = self.take_while(usize::MAX, |c| c.is_ascii_digit());
        let high =
            if self.take(',')? { self.take_while(usize::MAX, |c| c.is_ascii_digit()) } else { low.clone() };
        if !self.take('}')? {
            self.at = begin;
            return Ok(None);
        }
        let number = |digits: &str, empty: u32| match digits {
            "" => Ok(empty),
            digits => digits.parse().ok().filter(|&n: &u32| n < UNBOUNDED).ok_or_else(|| PatternError {
                at: begin,
                message: "the count of a repeat is too large".to_owned(),
            }),
        };
        let (min, max) = (number(&low, 0)?, number(&high, UNBOUNDED)?);
        if max < min {
            return Err(error_at(begin, "a repeat whose least count is above its greatest"));
        }
        Ok(Some((min, max)))
    }

    /// Puts a repeat around the last node.
    fn repeat(
        &mut self,
        nodes: &mut Vec<Node>,
        min: u32,
        max: u32,
        begin: usize,
    ) -> Result<(), PatternError> {
        let node = match nodes.pop() {
            None | Some(Node::Assert(_)) => return Err(error_at(begin, "nothing to repeat")),
            Some(Node::Repeat { .. }) => return Err(error_at(begin, "a repeat of a repeat")),
            Some(node) => Box::new(node),
        };
        let mode = if self.take('?')? {
            Mode::Lazy
        } else if self.take('+')? {
            Mode::Possessive
        } else {
            Mode::Greedy
        };
        nodes.push(Node::Repeat { node, min, max, mode });
        Ok(())
    }
}
