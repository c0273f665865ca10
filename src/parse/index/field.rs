//! A field of an index: a regular expression that is compiled when first asked for.
//!
//! An index has a thousand commands, and a question asks about one. Most rows are told apart by the beginnings of
//! their words, before any regular expression runs.

use std::sync::OnceLock;

use crate::parse::pyre::{Regex, Scratch};

/// A field's pattern.
#[derive(Debug)]
pub(super) struct Field {
    source: String,
    words: Vec<Lead>,
    regex: OnceLock<Option<Regex>>,
}

/// What a word of a text must be: the beginning of `full` with at least `least` bytes of it; of the last word known
/// only that much.
#[derive(Debug, PartialEq, Eq)]
struct Lead {
    full: String,
    least: usize,
}

impl Field {
    /// A field as it stands in the index; of a command, `[[word]]` stands for every beginning of the word.
    ///
    /// # Errors
    /// It is no regular expression.
    pub(super) fn new(field: &str, is_command: bool) -> Result<Self, String> {
        let source = if is_command { completed(field) } else { field.to_owned() };
        if !is_plain(&source) {
            Regex::check(&source).map_err(|error| error.to_string())?;
        }
        Ok(Self { source, words: leads(field, is_command), regex: OnceLock::new() })
    }

    /// Whether it matches at the start of `text`.
    pub(super) fn matches(&self, text: &str, scratch: &mut Scratch) -> bool {
        self.may(text) && self.regex().is_some_and(|regex| regex.matches(text, scratch) == Ok(true))
    }

    /// Whether it takes the whole of `text`.
    pub(super) fn takes(&self, text: &str, scratch: &mut Scratch) -> bool {
        self.matches(text, scratch) && scratch.group(0).is_some_and(|(_, end)| end == text.len())
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&self.source).ok()).as_ref()
    }

    /// Whether the words of `text` allow a match.
    fn may(&self, text: &str) -> bool {
        let mut typed = text.split(' ');
        let Some((last, before)) = self.words.split_last() else { return true };
        before.iter().all(|lead| typed.next().is_some_and(|word| lead.is(word)))
            && typed
                .next()
                .is_some_and(|word| word.starts_with(last.full.get(..last.least).unwrap_or_default()))
    }
}

impl Lead {
    fn is(&self, word: &str) -> bool {
        word.len() >= self.least && self.full.starts_with(word)
    }
}

/// The words with which every text begins that the field matches, as far as they are plain.
fn leads(field: &str, is_command: bool) -> Vec<Lead> {
    let mut words = Vec::new();
    let mut word = Lead { full: String::new(), least: 0 };
    if field.contains('|') {
        return words;
    }
    let mut rest = field;
    while let Some(letter) = rest.chars().next() {
        let optional =
            rest.strip_prefix("[[").filter(|_| is_command).and_then(|inner| inner.split_once("]]"));
        if let Some((inner, after)) = optional.filter(|(inner, _)| inner.chars().all(is_letter)) {
            word.full.push_str(inner);
            rest = after;
            // What goes on in the same word is left to the pattern.
            if !(rest.is_empty() || rest.starts_with(' ')) {
                break;
            }
        } else if is_letter(letter) && word.least == word.full.len() {
            word.full.push(letter);
            word.least += letter.len_utf8();
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        } else if letter == ' ' {
            words.push(std::mem::replace(&mut word, Lead { full: String::new(), least: 0 }));
            rest = rest.get(1..).unwrap_or_default();
        } else {
            break;
        }
        // A quantifier makes what stands before it uncertain, be it a blank.
        if rest.starts_with(['?', '*', '+', '{']) {
            if word.full.pop().is_none() {
                word = words.pop().unwrap_or(word);
            }
            word.least = word.least.min(word.full.len());
            break;
        }
    }
    words.push(word);
    words
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '/')
}

/// Whether a pattern has nothing but words, blanks and beginnings of words: then nothing can be wrong with it.
fn is_plain(source: &str) -> bool {
    let mut depth = 0_usize;
    let mut before = ' ';
    for letter in source.chars() {
        match letter {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            '?' if before == ')' => {}
            letter if is_letter(letter) || letter == ' ' => {}
            _ => return false,
        }
        before = letter;
    }
    depth == 0
}

/// Replaces each `[[word]]` by a pattern for every beginning of the word, the empty one too.
fn completed(command: &str) -> String {
    let mut out = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once("[[") {
        // A word has at least one character, which may itself be a bracket.
        let first = after.chars().next().map_or(0, char::len_utf8);
        let end = after.get(first..).and_then(|tail| tail.find("]]")).map(|end| end + first);
        let (Some(end), true) = (end, first > 0) else { break };
        let word = after.get(..end).unwrap_or("");
        out.push_str(before);
        word.chars().for_each(|c| out.extend(['(', c]));
        word.chars().for_each(|_| out.push_str(")?"));
        rest = after.get(end + 2..).unwrap_or("");
    }
    out + rest
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_become_beginnings() {
        assert_eq!(completed("sh[[ow]] x"), "sh(o(w)?)? x");
        assert_eq!(completed("[[a]][[b]]"), "(a)?(b)?");
        assert_eq!(completed("a[[]]b"), "a[[]]b");
        assert_eq!(completed("[[]]x]]"), "(](](x)?)?)?");
        assert_eq!(completed("a[[b"), "a[[b");
        assert_eq!(completed("[[é]]"), "(é)?");
    }

    #[test]
    fn what_is_known_of_the_words() {
        let shown = |field: &str| -> Vec<(String, usize)> {
            leads(field, true).into_iter().map(|lead| (lead.full, lead.least)).collect()
        };
        let word = |full: &str, least: usize| (full.to_owned(), least);
        assert_eq!(shown("sh[[ow]] ip br[[ief]]"), [word("show", 2), word("ip", 2), word("brief", 2)]);
        assert_eq!(shown("sh[[ow]] x.*"), [word("show", 2), word("x", 1)]);
        assert_eq!(shown("show ab?c"), [word("show", 4), word("a", 1)]);
        assert_eq!(shown("show *x"), [word("show", 4)]);
        assert_eq!(shown("sh[[ow]]x y"), [word("show", 2)]);
        assert_eq!(shown("a|b"), []);
    }

    const PIECES: [&str; 16] = [
        "sh",
        "[[ow]]",
        " ",
        "ip",
        "int",
        "[[erface]]",
        " ",
        "?",
        "*",
        ".",
        "\\S+",
        "(a|b)",
        "-",
        "+",
        "[[x]]?",
        "{2}",
    ];

    proptest! {
        /// What the words do not allow, the pattern does not match.
        #[test]
        fn the_words_never_lie(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 1..8),
            text in "(sh|sho|show|s) {0,2}(ip|i|int|inter|a|x)? {0,2}[a-x]{0,3}",
        ) {
            let source = pieces.concat();
            if let Ok(field) = Field::new(&source, true) {
                let matches = Regex::new(&completed(&source)).unwrap().matches(&text, &mut Scratch::default()) == Ok(true);
                prop_assert_eq!(field.matches(&text, &mut Scratch::default()), matches, "{} on {:?}", source, text);
            }
        }
    }
}
