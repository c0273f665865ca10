//! Backslash escapes and bracketed classes.

use super::PatternError;
use super::ast::{Assert, Node};
use super::class::{Category, Class, Item};
use super::parser::{Parser, error_at};

/// What an escape inside a class, or a character there, stands for.
#[derive(Clone, Copy)]
enum Member {
    Code(u32),
    Set(Item),
}

impl Parser {
    /// An escape outside of a class; the backslash and `c` are taken.
    pub(super) fn escape(&mut self, c: char, begin: usize) -> Result<Node, PatternError> {
        let ascii = self.flags.ascii;
        if let Some(item) = self.category(c) {
            return Ok(Node::Class(Class::of(item)));
        }
        match c {
            'A' => Ok(Node::Assert(Assert::Start)),
            'Z' => Ok(Node::Assert(Assert::TextEnd)),
            'b' => Ok(Node::Assert(Assert::Word { negated: false, ascii })),
            'B' => Ok(Node::Assert(Assert::Word { negated: true, ascii })),
            '1'..='9' => self.reference(c, begin),
            _ => {
                let code = self.code(c, begin, false)?;
                Ok(self.literal(code))
            }
        }
    }

    fn category(&self, c: char) -> Option<Item> {
        let category = match c.to_ascii_lowercase() {
            'd' => Category::Digit,
            's' => Category::Space,
            'w' => Category::Word,
            _ => return None,
        };
        Some(Item::Category { category, negated: c.is_ascii_uppercase(), ascii: self.flags.ascii })
    }

    /// An escape that stands for one code point.
    fn code(&mut self, c: char, begin: usize, in_class: bool) -> Result<u32, PatternError> {
        let hex = |parser: &mut Self, digits: usize| {
            let found = parser.take_while(digits, |c| c.is_ascii_hexdigit());
            match u32::from_str_radix(&found, 16) {
                Ok(code) if found.len() == digits && code <= 0x0010_ffff => Ok(code),
                _ => Err(error_at(begin, format!("`\\{c}` wants {digits} hexadecimal digits"))),
            }
        };
        match c {
            'a' => Ok(0x07),
            'b' if in_class => Ok(0x08),
            'f' => Ok(0x0c),
            'n' => Ok(0x0a),
            'r' => Ok(0x0d),
            't' => Ok(0x09),
            'v' => Ok(0x0b),
            'x' => hex(self, 2),
            'u' => hex(self, 4),
            'U' => hex(self, 8),
            'N' => Err(error_at(begin, "characters by name (`\\N{…}`) are not supported; use `\\u`")),
            '0'..='7' if in_class || c == '0' => {
                let rest = self.take_while(2, |c| c.is_digit(8));
                octal(&format!("{c}{rest}"), begin, in_class)
            }
            c if c.is_ascii_alphanumeric() => Err(error_at(begin, format!("unknown escape `\\{c}`"))),
            c => Ok(u32::from(c)),
        }
    }

    /// `\1` to `\99`, or three octal digits.
    fn reference(&mut self, c: char, begin: usize) -> Result<Node, PatternError> {
        let mut digits = String::from(c);
        digits.push_str(&self.take_while(1, |c| c.is_ascii_digit()));
        if digits.len() == 2 && digits.chars().all(|c| c.is_digit(8)) {
            let third = self.take_while(1, |c| c.is_digit(8));
            if !third.is_empty() {
                digits.push_str(&third);
                let code = octal(&digits, begin, true)?;
                return Ok(self.literal(code));
            }
        }
        let group: u32 = digits.parse().unwrap_or(u32::MAX);
        self.backref(group, begin)
    }

    /// A reference to what `group` took.
    pub(super) fn backref(&self, group: u32, begin: usize) -> Result<Node, PatternError> {
        match self.widths.get(group as usize) {
            None => Err(error_at(begin, format!("there is no group {group} before this reference"))),
            Some(None) => Err(error_at(begin, format!("a reference to group {group} inside of it"))),
            Some(Some(_)) => {
                self.check_look_behind(group, begin)?;
                Ok(Node::Backref(group, self.fold()))
            }
        }
    }

    /// Inside a look-behind only groups closed before it may be asked for.
    pub(super) fn check_look_behind(&self, group: u32, begin: usize) -> Result<(), PatternError> {
        let Some(known) = self.look_behind else { return Ok(()) };
        match self.widths.get(group as usize) {
            Some(Some(_)) if (group as usize) < known => Ok(()),
            _ => Err(error_at(begin, "a look-behind can only refer to groups closed before it")),
        }
    }

    /// A bracketed class; `[` is taken and stands at `begin`.
    pub(super) fn class(&mut self, begin: usize) -> Result<Node, PatternError> {
        let unterminated = PatternError { at: begin, message: "a class without its `]`".to_owned() };
        let negated = self.take('^')?;
        let mut items: Vec<Item> = Vec::new();
        loop {
            let at = self.position();
            let Some(token) = self.next()? else { return Err(unterminated) };
            if token.plain() == Some(']') && !items.is_empty() {
                break;
            }
            let low = self.member(token.c, token.escaped, at)?;
            if !self.take('-')? {
                items.push(low.item());
                continue;
            }
            let at_high = self.position();
            let Some(token) = self.next()? else { return Err(unterminated) };
            if token.plain() == Some(']') {
                items.push(low.item());
                items.push(Item::Range(0x2d, 0x2d));
                break;
            }
            let high = self.member(token.c, token.escaped, at_high)?;
            match (low, high) {
                (Member::Code(low), Member::Code(high)) if low <= high => items.push(Item::Range(low, high)),
                _ => {
                    return Err(error_at(
                        at,
                        "a range in a class must go from a lower character to a higher",
                    ));
                }
            }
        }
        match items.as_slice() {
            [Item::Range(low, high)] if low == high && !negated => Ok(self.literal(*low)),
            _ => Ok(Node::Class(Class::new(items, negated, self.fold()))),
        }
    }

    fn member(&mut self, c: char, escaped: bool, begin: usize) -> Result<Member, PatternError> {
        if !escaped {
            return Ok(Member::Code(u32::from(c)));
        }
        match self.category(c) {
            Some(item) => Ok(Member::Set(item)),
            None => Ok(Member::Code(self.code(c, begin, true)?)),
        }
    }
}

/// Octal digits; `bounded` where Python minds that a code is above `\377`.
fn octal(digits: &str, begin: usize, bounded: bool) -> Result<u32, PatternError> {
    match u32::from_str_radix(digits, 8) {
        Ok(code) if code <= 0o377 || !bounded => Ok(code),
        _ => Err(error_at(begin, format!("`\\{digits}` is above `\\377`"))),
    }
}

impl Member {
    fn item(self) -> Item {
        match self {
            Self::Code(code) => Item::Range(code, code),
            Self::Set(item) => item,
        }
    }
}
