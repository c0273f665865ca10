//! Everything that begins with `(`: groups, look-around, flags, comments, conditionals.

use super::PatternError;
use super::ast::Node;
use super::parser::{Flags, Parser, error_at};
use super::unicode::is_word;

/// More groups than any template needs; each costs two slots in every match.
const MAX_GROUPS: usize = 2_000;

impl Parser {
    /// A group whose `(` at `begin` is taken; none for comments and flags. `first` where flags for the
    /// whole pattern may stand.
    pub(super) fn group(&mut self, begin: usize, first: bool) -> Result<Option<Node>, PatternError> {
        if !self.take('?')? {
            return self.capture(None, begin).map(Some);
        }
        let at = self.position();
        let Some(token) = self.next()? else { return Err(self.error("the pattern ends within a group")) };
        match token.plain() {
            Some('P') => self.python(begin).map(Some),
            Some(':') => Ok(Some(Node::Scope(Box::new(self.body(begin)?)))),
            Some('>') => Ok(Some(Node::Atomic(Box::new(self.body(begin)?)))),
            Some('#') => self.comment(begin).map(|()| None),
            Some('=') => self.look(false, false, begin).map(Some),
            Some('!') => self.look(false, true, begin).map(Some),
            Some('<') => match self.next()?.and_then(super::parser::Token::plain) {
                Some('=') => self.look(true, false, begin).map(Some),
                Some('!') => self.look(true, true, begin).map(Some),
                _ => Err(error_at(at, "`(?<` wants `=` or `!`; a named group is `(?P<name>…)`")),
            },
            Some('(') => self.conditional(begin).map(Some),
            Some(c) if c == '-' || c.is_ascii_alphabetic() => self.flagged(c, begin, first),
            _ => Err(error_at(at, "unknown kind of group")),
        }
    }

    /// The content up to and with `)`.
    fn body(&mut self, begin: usize) -> Result<Node, PatternError> {
        let node = self.alternatives(false)?;
        self.close(begin)?;
        Ok(node)
    }

    fn close(&mut self, begin: usize) -> Result<(), PatternError> {
        if self.take(')')? { Ok(()) } else { Err(error_at(begin, "a `(` without its `)`")) }
    }

    fn capture(&mut self, name: Option<String>, begin: usize) -> Result<Node, PatternError> {
        let number = self.widths.len();
        if number > MAX_GROUPS {
            return Err(error_at(begin, format!("more than {MAX_GROUPS} groups")));
        }
        let group = u32::try_from(number).unwrap_or(u32::MAX);
        if let Some(name) = name {
            if self.names.iter().any(|(known, _)| *known == name) {
                return Err(error_at(begin, format!("a second group `{name}`")));
            }
            self.names.push((name, group));
        }
        self.widths.push(None);
        let node = self.body(begin)?;
        let width = node.width(&self.widths);
        if let Some(entry) = self.widths.get_mut(number) {
            *entry = Some(width);
        }
        Ok(Node::Group(group, Box::new(node)))
    }

    /// `(?P<name>…)` or `(?P=name)`.
    fn python(&mut self, begin: usize) -> Result<Node, PatternError> {
        if self.take('<')? {
            let name = self.name('>')?;
            return self.capture(Some(name), begin);
        }
        if !self.take('=')? {
            return Err(error_at(begin, "`(?P` wants `<` or `=`"));
        }
        let name = self.name(')')?;
        let group = self.named(&name, begin)?;
        self.backref(group, begin)
    }

    fn named(&self, name: &str, begin: usize) -> Result<u32, PatternError> {
        let found = self.names.iter().find(|(known, _)| known == name);
        found.map(|(_, group)| *group).ok_or_else(|| error_at(begin, format!("there is no group `{name}`")))
    }

    /// A name up to and with `end`, as it stands.
    fn until(&mut self, end: char) -> Result<String, PatternError> {
        let begin = self.position();
        let mut name = String::new();
        loop {
            match self.next()? {
                None => return Err(error_at(begin, format!("a group name without its `{end}`"))),
                Some(token) if token.plain() == Some(end) => break,
                Some(token) => {
                    if token.escaped {
                        name.push('\\');
                    }
                    name.push(token.c);
                }
            }
        }
        if name.is_empty() { Err(error_at(begin, "a group name is missing")) } else { Ok(name) }
    }

    fn name(&mut self, end: char) -> Result<String, PatternError> {
        let begin = self.position();
        let name = self.until(end)?;
        if is_identifier(&name) {
            Ok(name)
        } else {
            Err(error_at(begin, format!("`{name}` cannot name a group: letters, digits and `_` only")))
        }
    }

    fn comment(&mut self, begin: usize) -> Result<(), PatternError> {
        loop {
            match self.next()? {
                None => return Err(error_at(begin, "a comment without its `)`")),
                Some(token) if token.plain() == Some(')') => return Ok(()),
                Some(_) => {}
            }
        }
    }

    fn look(&mut self, behind: bool, negative: bool, begin: usize) -> Result<Node, PatternError> {
        let outermost = behind && self.look_behind.is_none();
        if outermost {
            self.look_behind = Some(self.widths.len());
        }
        let node = self.alternatives(false)?;
        if outermost {
            self.look_behind = None;
        }
        self.close(begin)?;
        let behind = match (behind, node.width(&self.widths)) {
            (false, _) => None,
            (true, (low, high)) if low == high && low < u64::from(u32::MAX) => u32::try_from(low).ok(),
            (true, _) => return Err(error_at(begin, "a look-behind must have a fixed width")),
        };
        Ok(Node::Look { behind, negative, node: Box::new(node) })
    }

    /// `(?(group)yes|no)`; `(?(` is taken.
    fn conditional(&mut self, begin: usize) -> Result<Node, PatternError> {
        let at = self.position();
        let name = self.until(')')?;
        let group = if is_identifier(&name) {
            self.named(&name, at)?
        } else {
            match name.parse::<u32>() {
                Ok(group) if group > 0 && (group as usize) < MAX_GROUPS => {
                    self.asked.push((group, at));
                    group
                }
                _ => return Err(error_at(at, format!("`{name}` is no group"))),
            }
        };
        self.check_look_behind(group, at)?;
        let yes = self.sequence(false)?;
        let no = if self.take('|')? { self.sequence(false)? } else { Node::Empty };
        if self.peek_plain()? == Some('|') {
            return Err(self.error("a conditional with more than two branches"));
        }
        self.close(begin)?;
        Ok(Node::Cond { group, yes: Box::new(yes), no: Box::new(no) })
    }

    /// `(?flags)` for the whole pattern, or `(?flags-flags:…)`.
    fn flagged(&mut self, first_flag: char, begin: usize, first: bool) -> Result<Option<Node>, PatternError> {
        let mut on = Vec::new();
        let mut off = Vec::new();
        let mut c = first_flag;
        let mut minus = false;
        let end = loop {
            match c {
                ')' | ':' => break c,
                '-' if !minus => minus = true,
                'a' | 'i' | 'm' | 's' | 'u' | 'x' => if minus { &mut off } else { &mut on }.push(c),
                'L' => return Err(error_at(begin, "flag `L` is for bytes, not for text")),
                c => return Err(error_at(begin, format!("unknown flag `{c}`"))),
            }
            c = match self.next()?.and_then(super::parser::Token::plain) {
                Some(c) => c,
                None => return Err(error_at(begin, "flags without their `)` or `:`")),
            };
        };
        if minus && (off.is_empty() || end == ')') {
            return Err(error_at(begin, "`-` in flags wants flags to switch off and `:`"));
        }
        if off.iter().any(|flag| matches!(flag, 'a' | 'u')) {
            return Err(error_at(begin, "flags `a` and `u` cannot be switched off"));
        }
        if on.contains(&'a') && on.contains(&'u') || on.iter().any(|flag| off.contains(flag)) {
            return Err(error_at(begin, "flags that contradict each other"));
        }
        let before = self.flags;
        for flag in on {
            set(&mut self.flags, flag, true);
            if end == ')' && flag == 'u' {
                self.unicode_given = true;
            }
        }
        if end == ')' {
            if !first {
                return Err(error_at(begin, "flags for the whole pattern must stand at its start"));
            }
            // Given globally, `a` stays in force whatever follows, and `u` contradicts it.
            self.flags.ascii |= before.ascii;
            if self.flags.ascii && self.unicode_given {
                return Err(error_at(begin, "flags that contradict each other"));
            }
            return Ok(None);
        }
        for flag in off {
            set(&mut self.flags, flag, false);
        }
        let node = self.body(begin)?;
        self.flags = before;
        Ok(Some(Node::Scope(Box::new(node))))
    }
}

fn set(flags: &mut Flags, flag: char, on: bool) {
    match flag {
        'a' => flags.ascii = on,
        'u' => flags.ascii = false,
        'i' => flags.ignore_case = on,
        'm' => flags.multi_line = on,
        's' => flags.dot_all = on,
        _ => flags.verbose = on,
    }
}

/// Whether Python takes it for a name; its rule beyond ASCII is approximated by word characters.
fn is_identifier(name: &str) -> bool {
    name.chars().all(|c| is_word(u32::from(c))) && !name.starts_with(|c: char| c.is_numeric())
}
