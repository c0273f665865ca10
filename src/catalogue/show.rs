//! Which parser reads the output of a `show` command, abbreviated as people type it.

use std::cmp::Reverse;

use super::Catalogue;
use crate::parse::index::is_argument;

/// What was found for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The parser of this name reads it.
    Found(String),
    /// It may be any of these commands.
    Ambiguous(Vec<String>),
    /// Nothing reads it.
    Unknown,
}

/// A parser that a command may mean.
struct Candidate {
    name: String,
    expansion: Vec<String>,
    fit: (usize, usize, usize),
}

impl Catalogue {
    /// The name of the parser for a command line on a platform, or nothing when none fits for certain.
    pub fn show_parser(&self, platform: &str, command: &str) -> Option<String> {
        match self.find_parser(platform, command) {
            Lookup::Found(name) => Some(name),
            Lookup::Ambiguous(_) | Lookup::Unknown => None,
        }
    }

    /// The parser for a command line on a platform.
    ///
    /// Each word of a parser's command must be a word of the line or be abbreviated by it
    /// (`sh ip int br`). The longest command wins; between two of one length the one without places for
    /// arguments, then the one with more words typed in full. Two different commands that fit
    /// alike are ambiguous; of one command the parser folders come first, then the collections in their order.
    /// What follows the command must look like an argument (`vrf RED`, `Gi0/1`, `10.0.0.0`), since
    /// other words ask for another output. A platform's own parsers come before those of the platform
    /// that it extends.
    pub fn find_parser(&self, platform: &str, command: &str) -> Lookup {
        let family = self.families.get(platform).into_iter().flatten().map(String::as_str);
        let family = family.filter(|member| *member != platform);
        std::iter::once(platform)
            .chain(family)
            .map(|member| self.own_parser(member, command))
            .find(|found| *found != Lookup::Unknown)
            .unwrap_or(Lookup::Unknown)
    }

    /// Whether anything reads outputs of a platform of this name.
    pub(super) fn knows_platform(&self, platform: &str) -> bool {
        let prefix = format!("{platform}/");
        self.parsers.keys().any(|name| name.starts_with(&prefix))
            || self.collections.iter().any(|collection| collection.index.knows_platform(platform))
    }

    /// The commands that parsers of a platform read, in full.
    pub(super) fn commands_of(&self, platform: &str) -> Vec<String> {
        let prefix = format!("{platform}/");
        let folders =
            self.parsers.keys().filter_map(|name| Some(name.strip_prefix(&prefix)?.replace('_', " ")));
        let rows = self.collections.iter().flat_map(|collection| collection.index.commands_of(platform));
        let mut commands: Vec<String> = folders.chain(rows).collect();
        commands.sort();
        commands.dedup();
        commands
    }

    fn own_parser(&self, platform: &str, command: &str) -> Lookup {
        let words: Vec<&str> = command.split_whitespace().collect();
        let mut found = self.folders(platform, &words);
        for collection in &self.collections {
            let rows = collection.index.candidates(platform, &words).into_iter();
            found.extend(rows.map(|row| Candidate {
                name: collection.name_of(&row.row.templates),
                expansion: row.expansion,
                fit: row.fit,
            }));
        }
        // The sort is stable: what fits alike stays in the order of folders and collections.
        found.sort_by_key(|candidate| Reverse(candidate.fit));
        let Some(best) = found.first() else { return Lookup::Unknown };
        let mut commands: Vec<&Candidate> = Vec::new();
        for candidate in found.iter().filter(|candidate| candidate.fit == best.fit) {
            let known = |other: &&Candidate| {
                other.name == candidate.name || same(&other.expansion, &candidate.expansion)
            };
            if !commands.iter().any(known) {
                commands.push(candidate);
            }
        }
        match commands.as_slice() {
            [one] => Lookup::Found(one.name.clone()),
            several => Lookup::Ambiguous(several.iter().map(|one| one.expansion.join(" ")).collect()),
        }
    }

    fn folders(&self, platform: &str, words: &[&str]) -> Vec<Candidate> {
        let prefix = format!("{platform}/");
        let mut found = Vec::new();
        for name in self.parsers.keys() {
            let Some(parts) = name.strip_prefix(&prefix) else { continue };
            let parts: Vec<&str> = parts.split('_').collect();
            let rest = words.get(parts.len()..);
            let fits = parts.iter().zip(words).all(|(part, word)| part.starts_with(&word.to_lowercase()));
            if !fits || rest.is_none_or(|rest| !arguments(rest)) {
                continue;
            }
            let exact =
                parts.iter().zip(words).filter(|(part, word)| part.eq_ignore_ascii_case(word)).count();
            let expansion = parts.iter().map(|part| (*part).to_owned()).collect();
            found.push(Candidate { name: name.clone(), expansion, fit: (parts.len(), parts.len(), exact) });
        }
        found
    }
}

/// Whether two commands are one: `show interface` and `show interfaces` name the same thing in collections.
fn same(one: &[String], other: &[String]) -> bool {
    let singular = |word: &str| word.strip_suffix('s').unwrap_or(word).to_lowercase();
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| singular(one) == singular(other))
}

/// Whether the words behind a parser's name only narrow down what it shows.
fn arguments(words: &[&str]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let named = word.eq_ignore_ascii_case("vrf") || word.eq_ignore_ascii_case("instance");
        if named && words.next().is_none() {
            return false;
        }
        if !named && !is_argument(None, word) {
            return false;
        }
    }
    true
}
