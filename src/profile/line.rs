//! A device's command line with places for typed arguments:
//! `show ip route [vrf {vrf}] [{prefix.ip} {prefix.mask}]`.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use crate::error::{Error, Kind, Result};
use crate::text::did_you_mean;
use crate::verb::{ArgumentValue, Arguments};

/// How deep optional parts may stand in one another.
const MAX_DEPTH: usize = 8;
/// How long a command line may be, in characters; the shortest limit among common devices.
const MAX_LENGTH: usize = 1000;

/// A parsed command line of a profile.
///
/// `{name}` stands for an argument, `{name.attribute}` for a part of one (`ip`, `mask`, `wildcard`,
/// `length`, `family`, `network`), and what is between brackets is left out when an argument in it
/// is missing. Of an address without a length, `mask`, `wildcard` and `length` are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Argument(ArgumentRef),
    Optional(Vec<Part>),
}

/// An argument, or an attribute of one: `prefix.mask`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentRef {
    /// The argument's name.
    pub name: String,
    /// The part of it.
    pub attribute: Option<Attribute>,
}

/// A part of an address or prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// The address.
    Ip,
    /// The network mask in dotted form (`255.255.255.0`); for IPv6 as an address.
    Mask,
    /// The inverted mask (`0.0.0.255`).
    Wildcard,
    /// The length (`24`).
    Length,
    /// `4` or `6`.
    Family,
    /// The network's address: host bits cleared.
    Network,
}

impl Attribute {
    const ALL: [(&'static str, Self); 6] = [
        ("ip", Self::Ip),
        ("mask", Self::Mask),
        ("wildcard", Self::Wildcard),
        ("length", Self::Length),
        ("family", Self::Family),
        ("network", Self::Network),
    ];

    fn parse(wanted: &str) -> Result<Self> {
        if let Some((_, attribute)) = Self::ALL.iter().find(|(known, _)| *known == wanted) {
            return Ok(*attribute);
        }
        let known = Self::ALL.map(|(known, _)| known);
        let hint = did_you_mean(wanted, known);
        Err(Error::config(format!("an argument has no attribute `{wanted}`"))
            .hint(hint.unwrap_or_else(|| format!("attributes are {}", known.join(", ")))))
    }

    /// This part of a value; `None` when the value has no such part (a name has no mask).
    fn of(self, value: &ArgumentValue) -> Option<String> {
        let (ip, prefix) = match value {
            ArgumentValue::Ip(ip) => (*ip, None),
            ArgumentValue::Prefix(prefix) => (prefix.ip(), Some(*prefix)),
            _ => return None,
        };
        let of_prefix = |part: fn(IpNetwork) -> String| Some(prefix.map_or_else(String::new, part));
        match self {
            Self::Ip => Some(ip.to_string()),
            Self::Mask => of_prefix(|prefix| prefix.mask().to_string()),
            Self::Wildcard => of_prefix(|prefix| inverted(prefix.mask()).to_string()),
            Self::Length => of_prefix(|prefix| prefix.prefix().to_string()),
            Self::Family => Some(if ip.is_ipv4() { "4" } else { "6" }.to_owned()),
            Self::Network => Some(prefix.map_or(ip, |prefix| prefix.network()).to_string()),
        }
    }
}

fn inverted(mask: IpAddr) -> IpAddr {
    match mask {
        IpAddr::V4(mask) => IpAddr::V4((!u32::from(mask)).into()),
        IpAddr::V6(mask) => IpAddr::V6((!u128::from(mask)).into()),
    }
}

impl ArgumentRef {
    /// Reads `name` or `name.attribute`.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, attribute) = match text.split_once('.') {
            Some((name, attribute)) => (name, Some(attribute)),
            None => (text, None),
        };
        let good = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if name.is_empty() || !name.chars().all(good) {
            return Err(Error::config(format!("`{text}` is no name of an argument"))
                .hint("names are lower-case letters, digits and `_`"));
        }
        let attribute = attribute.map(Attribute::parse).transpose()?;
        Ok(Self { name: name.to_owned(), attribute })
    }

    /// The text of the argument; `None` when it was not given or has no such part.
    pub fn value(&self, arguments: &Arguments) -> Option<String> {
        let value = arguments.get(&self.name)?;
        match self.attribute {
            Some(attribute) => attribute.of(value),
            None => Some(value.to_string()),
        }
    }
}

impl CommandLine {
    /// Reads a line; the error's message names what is wrong with it and its hint the column.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(Error::config("the command line is empty"));
        }
        if text.chars().count() > MAX_LENGTH {
            return Err(Error::config(format!("the command line has more than {MAX_LENGTH} characters")));
        }
        if text.contains(char::is_control) {
            return Err(Error::config("the command line holds a control character"));
        }
        let mut reader = Reader { text, at: 0 };
        let parts = reader.parts(0)?;
        Ok(Self { text: text.trim().to_owned(), parts })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Every argument in it, in order; one in brackets is marked as optional.
    pub fn arguments(&self) -> Vec<(&ArgumentRef, bool)> {
        fn collect<'a>(parts: &'a [Part], optional: bool, found: &mut Vec<(&'a ArgumentRef, bool)>) {
            for part in parts {
                match part {
                    Part::Text(_) => {}
                    Part::Argument(argument) => found.push((argument, optional)),
                    Part::Optional(parts) => collect(parts, true, found),
                }
            }
        }
        let mut found = Vec::new();
        collect(&self.parts, false, &mut found);
        found
    }

    /// The words that are always in it, joined by `_`: the default name of its parser's folder.
    pub fn fixed_words(&self) -> String {
        let mut fixed = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => fixed.push_str(text),
                // Glued to a word, an argument takes that word with it.
                Part::Argument(_) => fixed.push('\0'),
                Part::Optional(_) => fixed.push(' '),
            }
        }
        let special = |letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'));
        fixed
            .to_lowercase()
            .split_whitespace()
            .filter(|word| !word.contains('\0'))
            .flat_map(|word| word.split(special))
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("_")
    }

    /// The line for these arguments.
    ///
    /// The last line of defence of "only typed arguments reach a device": a value with any
    /// character that a device's CLI or a shell could take for its own is refused here, whoever
    /// let it through before.
    pub fn render(&self, arguments: &Arguments) -> Result<String> {
        let line = self.value(arguments)?;
        if line.is_empty() {
            return Err(Error::new(Kind::Internal, format!("`{}` makes an empty command", self.text)));
        }
        Ok(line)
    }

    /// The same where the text is a value of a path or an operation: it may come out empty.
    pub(super) fn value(&self, arguments: &Arguments) -> Result<String> {
        let mut line = String::with_capacity(self.text.len());
        self.fill(&self.parts, arguments, &mut line)?;
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        Ok(words.join(" "))
    }

    fn fill(&self, parts: &[Part], arguments: &Arguments, line: &mut String) -> Result<()> {
        for part in parts {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Argument(argument) => {
                    let Some(value) = argument.value(arguments) else {
                        return Err(self.missing(argument, arguments));
                    };
                    check(argument, &value, arguments)?;
                    line.push_str(&value);
                }
                Part::Optional(inner) if given(inner, arguments) => self.fill(inner, arguments, line)?,
                Part::Optional(_) => line.push(' '),
            }
        }
        Ok(())
    }

    fn missing(&self, argument: &ArgumentRef, arguments: &Arguments) -> Error {
        let name = &argument.name;
        match arguments.get(name) {
            Some(value) => Error::question(format!("{name} `{value}` must be an address or a prefix here")),
            None => Error::question(format!("`{}` needs {name}", self.text))
                .hint(format!("add {name} and its value to the question")),
        }
    }
}

/// Whether every argument directly in an optional part was given.
fn given(parts: &[Part], arguments: &Arguments) -> bool {
    parts.iter().all(|part| match part {
        Part::Argument(argument) => arguments.contains_key(&argument.name),
        Part::Text(_) | Part::Optional(_) => true,
    })
}

fn check(argument: &ArgumentRef, value: &str, arguments: &Arguments) -> Result<()> {
    let safe = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '.' | ':' | '/' | '-' | '_' | '+' | '@' | ',')
    };
    if let Some(letter) = value.chars().find(|letter| !safe(*letter)) {
        return Err(Error::question(format!(
            "{} holds {letter:?}, which no device's command line may get",
            argument.name
        ))
        .hint("letters, digits and . : / - _ + @ , are allowed"));
    }
    let number = matches!(arguments.get(&argument.name), Some(ArgumentValue::Int(_)));
    if value.starts_with('-') && !number {
        return Err(Error::question(format!(
            "{} begins with `-`, which a device would take for an option",
            argument.name
        )));
    }
    Ok(())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn parts(&mut self, depth: usize) -> Result<Vec<Part>> {
        if depth > MAX_DEPTH {
            return Err(self.wrong("too many brackets stand in one another"));
        }
        let mut parts = Vec::new();
        while let Some(letter) = self.rest().chars().next() {
            match letter {
                '[' => {
                    self.at += 1;
                    let inner = self.parts(depth + 1)?;
                    if !self.rest().starts_with(']') {
                        return Err(self.wrong("a `[` is not closed"));
                    }
                    if !inner.iter().any(|part| matches!(part, Part::Argument(_))) {
                        return Err(self.wrong("what is between brackets holds no argument of its own"));
                    }
                    self.at += 1;
                    parts.push(Part::Optional(inner));
                }
                ']' if depth > 0 => return Ok(parts),
                '{' => {
                    let rest = self.rest();
                    let Some((name, _)) = rest.get(1..).and_then(|rest| rest.split_once('}')) else {
                        return Err(self.wrong("a `{` is not closed"));
                    };
                    parts.push(Part::Argument(ArgumentRef::parse(name)?));
                    self.at += name.len() + 2;
                }
                ']' | '}' => return Err(self.wrong(&format!("a `{letter}` was not opened"))),
                _ => {
                    let rest = self.rest();
                    let text = rest.split(['[', ']', '{', '}']).next().unwrap_or(rest);
                    self.at += text.len();
                    parts.push(Part::Text(text.to_owned()));
                }
            }
        }
        Ok(parts)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, message: &str) -> Error {
        let column = self.text.get(..self.at).map_or(0, |before| before.chars().count()) + 1;
        Error::config(format!("in the command line, {message}"))
            .hint(format!("look at column {column} of `{}`", self.text))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests;
