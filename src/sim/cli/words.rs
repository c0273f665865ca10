//! The words of a command line: patterns such as `show ip route [vrf <vrf>] [<prefix:ip>]` in a
//! tree, and what a typed line means in it. Words may be cut short as long as they stay unique.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Sequences that one pattern may stand for.
const MOST_SEQUENCES: usize = 512;

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Any word.
    Word,
    /// A number.
    Number,
    /// An IPv4 address.
    Ip4,
    /// An IPv6 address.
    Ip6,
    /// An IPv4 prefix with its length.
    Net4,
    /// An IPv6 prefix with its length.
    Net6,
    /// An interface of the device.
    Interface,
    /// Everything up to the end of the line.
    Rest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Argument(String, Takes),
}

#[derive(Debug, Default)]
struct Node {
    words: BTreeMap<String, usize>,
    arguments: Vec<(String, Takes, usize)>,
    end: Option<usize>,
}

/// All commands of a command line.
#[derive(Debug)]
pub struct Words {
    nodes: Vec<Node>,
}

/// What a typed line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The command with this number, with its arguments.
    Command(usize, BTreeMap<String, String>),
    /// More words are needed.
    Incomplete,
    /// The word at this place stands for several.
    Ambiguous {
        /// Its number in the line, from 0.
        word: usize,
        /// What it may stand for.
        choices: Vec<String>,
    },
    /// No command has the word at this place.
    Unknown {
        /// Its number in the line, from 0.
        word: usize,
    },
}

impl Words {
    /// No commands.
    pub fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// Adds a pattern for the command with number `command`.
    pub fn add(&mut self, pattern: &str, command: usize) -> Result<()> {
        let tokens: Vec<&str> = split(pattern);
        let mut place = 0;
        let sequences = alternatives(&tokens, &mut place, pattern)?;
        if place != tokens.len() {
            return Err(wrong(pattern, "a bracket too many"));
        }
        for sequence in sequences {
            let mut at = 0;
            for token in sequence {
                at = self.step(at, token);
            }
            if let Some(node) = self.nodes.get_mut(at) {
                node.end.get_or_insert(command);
            }
        }
        Ok(())
    }

    fn step(&mut self, at: usize, token: Token) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        let found = match token {
            Token::Word(word) => *node.words.entry(word).or_insert(next),
            Token::Argument(name, takes) => {
                let known = node.arguments.iter().find(|(other, kind, _)| *other == name && *kind == takes);
                if let Some(known) = known.map(|(_, _, known)| *known) {
                    known
                } else {
                    node.arguments.push((name, takes, next));
                    next
                }
            }
        };
        if found == next {
            self.nodes.push(Node::default());
        }
        found
    }

    /// Reads a line. `interface` finds the device's full name for an interface as typed.
    pub fn read(&self, line: &str, interface: &dyn Fn(&str) -> Option<String>) -> Meaning {
        let typed: Vec<&str> = line.split_whitespace().collect();
        let mut arguments = BTreeMap::new();
        let mut at = 0;
        for (number, word) in typed.iter().enumerate() {
            let Some(node) = self.nodes.get(at) else { return Meaning::Unknown { word: number } };
            match choose(node, word) {
                Choice::One(next) => at = next,
                Choice::Several(choices) => return Meaning::Ambiguous { word: number, choices },
                Choice::None => {
                    let mut fit = None;
                    for (name, takes, next) in &node.arguments {
                        let value = if *takes == Takes::Rest {
                            typed.get(number..).map(|rest| rest.join(" "))
                        } else {
                            value(*takes, word, interface)
                        };
                        if let Some(value) = value {
                            fit = Some((name.clone(), value, *takes, *next));
                            break;
                        }
                    }
                    let Some((name, value, takes, next)) = fit else {
                        return Meaning::Unknown { word: number };
                    };
                    arguments.insert(name, value);
                    at = next;
                    if takes == Takes::Rest {
                        break;
                    }
                }
            }
        }
        match self.nodes.get(at).and_then(|node| node.end) {
            Some(command) => Meaning::Command(command, arguments),
            None => Meaning::Incomplete,
        }
    }

    /// The words that may stand after `line`, whose last word may be unfinished.
    pub fn next(&self, line: &str, interface: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        let mut typed: Vec<&str> = line.split_whitespace().collect();
        let last = if line.ends_with(' ') || line.is_empty() { "" } else { typed.pop().unwrap_or("") };
        let mut at = 0;
        for word in typed {
            let Some(node) = self.nodes.get(at) else { return Vec::new() };
            let argument =
                || node.arguments.iter().find(|(_, takes, _)| value(*takes, word, interface).is_some());
            match choose(node, word) {
                Choice::One(next) => at = next,
                Choice::Several(_) => return Vec::new(),
                Choice::None => match argument() {
                    Some((_, _, next)) => at = *next,
                    None => return Vec::new(),
                },
            }
        }
        let Some(node) = self.nodes.get(at) else { return Vec::new() };
        let last = last.to_lowercase();
        let mut words: Vec<String> =
            node.words.keys().filter(|word| word.starts_with(&last)).cloned().collect();
        if last.is_empty() {
            words.extend(node.arguments.iter().map(|(name, _, _)| format!("<{name}>")));
            words.extend(node.end.map(|_| "<cr>".to_owned()));
        }
        words
    }
}

enum Choice {
    One(usize),
    Several(Vec<String>),
    None,
}

fn choose(node: &Node, word: &str) -> Choice {
    let word = word.to_lowercase();
    if let Some(next) = node.words.get(&word) {
        return Choice::One(*next);
    }
    let fits: Vec<(&String, &usize)> =
        node.words.iter().filter(|(known, _)| known.starts_with(&word)).collect();
    match fits.as_slice() {
        [] => Choice::None,
        [(_, next)] => Choice::One(**next),
        several => Choice::Several(several.iter().map(|(known, _)| (*known).clone()).collect()),
    }
}

fn value(takes: Takes, word: &str, interface: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let fits = match takes {
        Takes::Word | Takes::Rest => true,
        Takes::Number => word.parse::<u32>().is_ok(),
        Takes::Ip4 => word.parse::<Ipv4Addr>().is_ok(),
        Takes::Ip6 => word.parse::<Ipv6Addr>().is_ok(),
        Takes::Net4 => word.contains('/') && word.parse::<ipnetwork::Ipv4Network>().is_ok(),
        Takes::Net6 => word.contains('/') && word.parse::<ipnetwork::Ipv6Network>().is_ok(),
        Takes::Interface => return interface(word),
    };
    fits.then(|| word.to_owned())
}

/// Words and brackets.
fn split(pattern: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in pattern.split_whitespace() {
        let mut rest = word;
        while let Some(place) = rest.find(['[', ']', '(', ')', '|']) {
            let (before, after) = rest.split_at(place);
            let (bracket, after) = after.split_at(1);
            if !before.is_empty() {
                tokens.push(before);
            }
            tokens.push(bracket);
            rest = after;
        }
        if !rest.is_empty() {
            tokens.push(rest);
        }
    }
    tokens
}

/// `a | b | c`, up to a closing bracket.
fn alternatives(tokens: &[&str], place: &mut usize, pattern: &str) -> Result<Vec<Vec<Token>>> {
    let mut all = sequence(tokens, place, pattern)?;
    while tokens.get(*place) == Some(&"|") {
        *place += 1;
        all.extend(sequence(tokens, place, pattern)?);
    }
    Ok(all)
}

fn sequence(tokens: &[&str], place: &mut usize, pattern: &str) -> Result<Vec<Vec<Token>>> {
    let mut all: Vec<Vec<Token>> = vec![Vec::new()];
    while let Some(token) = tokens.get(*place) {
        let part = match *token {
            "]" | ")" | "|" => break,
            "[" | "(" => {
                *place += 1;
                let mut inner = alternatives(tokens, place, pattern)?;
                let close = if *token == "[" { "]" } else { ")" };
                if tokens.get(*place) != Some(&close) {
                    return Err(wrong(pattern, "a bracket is not closed"));
                }
                if *token == "[" {
                    inner.push(Vec::new());
                }
                inner
            }
            word => vec![vec![token_of(word, pattern)?]],
        };
        *place += 1;
        let mut longer = Vec::with_capacity(all.len() * part.len());
        for head in &all {
            for tail in &part {
                let mut whole = head.clone();
                whole.extend(tail.iter().cloned());
                longer.push(whole);
            }
        }
        if longer.len() > MOST_SEQUENCES {
            return Err(wrong(pattern, "it stands for too many lines"));
        }
        all = longer;
    }
    Ok(all)
}

fn token_of(word: &str, pattern: &str) -> Result<Token> {
    let Some(inner) = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) else {
        return Ok(Token::Word(word.to_lowercase()));
    };
    let (name, takes) = inner.split_once(':').unwrap_or((inner, "word"));
    let takes = match takes {
        "word" => Takes::Word,
        "number" => Takes::Number,
        "ip4" => Takes::Ip4,
        "ip6" => Takes::Ip6,
        "net4" => Takes::Net4,
        "net6" => Takes::Net6,
        "interface" => Takes::Interface,
        "rest" => Takes::Rest,
        other => return Err(wrong(pattern, &format!("`{other}` is no type of argument"))),
    };
    Ok(Token::Argument(name.to_owned(), takes))
}

fn wrong(pattern: &str, why: &str) -> Error {
    Error::config(format!("the command `{pattern}` cannot be read: {why}"))
        .hint("write it like `show ip route [vrf <vrf>] [<prefix:net4>]`")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn words() -> Words {
        let mut words = Words::new();
        for (number, pattern) in [
            "show vrf [detail|<name>]",
            "show version",
            "show ip route [vrf <vrf>] [<prefix:net4>|<prefix:ip4>|<prefix:ip4> <mask:ip4>]",
            "show interfaces [<interface:interface>]",
            "ping <rest:rest>",
            "exit",
        ]
        .iter()
        .enumerate()
        {
            words.add(pattern, number).unwrap();
        }
        words
    }

    fn read(line: &str) -> Meaning {
        words().read(line, &|typed| (typed == "e1").then(|| "Ethernet1".to_owned()))
    }

    fn command(line: &str) -> (usize, String) {
        match read(line) {
            Meaning::Command(number, arguments) => {
                let list: Vec<String> =
                    arguments.iter().map(|(name, value)| format!("{name}={value}")).collect();
                (number, list.join(" "))
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn short_words_and_arguments() {
        assert_eq!(command("show vrf"), (0, String::new()));
        assert_eq!(command("SH VRF RED"), (0, "name=RED".to_owned()));
        assert_eq!(command("sh vrf det"), (0, String::new()));
        assert_eq!(
            command("sh ip ro vrf RED 10.0.0.0 255.0.0.0"),
            (2, "mask=255.0.0.0 prefix=10.0.0.0 vrf=RED".to_owned())
        );
        assert_eq!(command("sh ip ro 10.0.0.0/8"), (2, "prefix=10.0.0.0/8".to_owned()));
        assert_eq!(command("sh int e1"), (3, "interface=Ethernet1".to_owned()));
        assert_eq!(command("ping 10.0.0.1 repeat 3"), (4, "rest=10.0.0.1 repeat 3".to_owned()));
    }

    #[test]
    fn refusals_name_the_word() {
        assert_eq!(read("show"), Meaning::Incomplete);
        assert_eq!(
            read("show v"),
            Meaning::Ambiguous { word: 1, choices: vec!["version".into(), "vrf".into()] }
        );
        assert_eq!(read("show ip route nonsense"), Meaning::Unknown { word: 3 });
        assert_eq!(read("reload"), Meaning::Unknown { word: 0 });
        assert_eq!(read("show interfaces e9"), Meaning::Unknown { word: 2 });
    }

    #[test]
    fn what_may_follow() {
        assert_eq!(words().next("show v", &|_| None), ["version", "vrf"]);
        assert_eq!(words().next("show vrf ", &|_| None), ["detail", "<name>", "<cr>"]);
    }

    #[test]
    fn broken_patterns_are_refused() {
        for pattern in ["show [vrf", "show vrf]", "show <x:colour>", "a [b|c] [d|e] ) f"] {
            assert!(Words::new().add(pattern, 0).is_err(), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(pattern in "[a-z<>:\\[\\]()| ]{0,40}", line in "\\PC{0,60}") {
            let mut words = Words::new();
            let _ = words.add(&pattern, 0);
            let _ = words.read(&line, &|_| None);
            let _ = words.next(&line, &|_| None);
        }
    }
}
