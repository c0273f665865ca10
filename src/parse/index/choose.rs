//! Which row an abbreviated command means: words are expanded first, and what is ambiguous is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::shape::{Shape, Tail, Word, shapes};
use super::{Index, Row};
use crate::parse::pyre::{Regex, Scratch};

/// A row that a command may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The row.
    pub row: &'a Row,
    /// The command in full, as far as the row says it.
    pub expansion: Vec<String>,
    /// How well it fits: words that the row has, those of them that are no arguments, those that were typed
    /// in full. The greatest counts.
    pub fit: (usize, usize, usize),
}

/// A shape, and per word the regular expression of one that is a pattern.
type Compiled = (Shape, Vec<Option<Regex>>);

/// What is worked out of a row when a command of its platform is first looked for.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// Per row its shapes.
    shapes: Vec<OnceLock<Vec<Compiled>>>,
    /// Per platform that was asked for the places of its rows.
    platforms: Mutex<HashMap<String, Arc<Vec<usize>>>>,
}

impl Commands {
    /// Of an index with so many rows.
    pub(super) fn of(rows: usize) -> Self {
        Self { shapes: (0..rows).map(|_| OnceLock::new()).collect(), platforms: Mutex::default() }
    }
}

/// How many platforms are remembered.
const MAX_PLATFORMS: usize = 1_000;

impl Index {
    /// The rows of `platform`, by its whole name, that `words` may mean, in the order of the file. Each word
    /// may be abbreviated; what follows a row's words must look like arguments.
    pub fn candidates(&self, platform: &str, words: &[&str]) -> Vec<Candidate<'_>> {
        let mut scratch = Scratch::default();
        let rows = self.rows_of(platform);
        let rows = rows.iter().filter_map(|&at| Some((self.rows.get(at)?, self.shapes(at)?)));
        let fits = |(row, shapes): (_, &[Compiled])| {
            let fitting = shapes.iter().filter_map(|shape| self.fit(row, shape, words, &mut scratch));
            // Among alternatives of one row the best.
            fitting.max_by_key(|(fit, _)| *fit).map(|(fit, expansion)| Candidate { row, expansion, fit })
        };
        rows.filter_map(fits).collect()
    }

    /// Whether any row is of `platform`.
    pub fn knows_platform(&self, platform: &str) -> bool {
        !self.rows_of(platform).is_empty()
    }

    /// The commands of a platform's rows in full, arguments as `…`.
    pub fn commands_of(&self, platform: &str) -> Vec<String> {
        let word = |word: &Word| match word {
            Word::Full(full) => full.clone(),
            Word::Pattern(_) => "…".to_owned(),
        };
        let line = |shape: &Shape| shape.words.iter().map(word).collect::<Vec<_>>().join(" ");
        let rows = self.rows_of(platform);
        let rows = rows.iter().filter_map(|&at| self.shapes(at)?.first());
        rows.map(|(shape, _)| line(shape)).collect()
    }

    fn shapes(&self, at: usize) -> Option<&[Compiled]> {
        let compiled = |shape: Shape| {
            let regex = |word: &Word| match word {
                Word::Full(_) => None,
                // A word's part of a pattern that compiled compiles.
                Word::Pattern(pattern) => Regex::new(&format!("(?:{pattern})\\Z")).ok(),
            };
            let patterns = shape.words.iter().map(regex).collect();
            (shape, patterns)
        };
        let row = self.rows.get(at)?;
        let known = self.commands.shapes.get(at)?;
        Some(known.get_or_init(|| shapes(&row.command).into_iter().map(compiled).collect()))
    }

    /// The places of the rows whose platform is this one, not only its beginning.
    fn rows_of(&self, platform: &str) -> Arc<Vec<usize>> {
        let mut known = self.commands.platforms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = known.get(platform) {
            return Arc::clone(rows);
        }
        let column = self.columns.iter().position(|name| name == "Platform");
        let mut scratch = Scratch::default();
        let mut answers: HashMap<usize, bool> = HashMap::new();
        let mut whole = |row: &Row| {
            let Some(Some(Some(number))) = column.map(|column| row.fields.get(column)) else { return true };
            let whole = || self.whole(*number, platform, &mut scratch);
            *answers.entry(*number).or_insert_with(whole)
        };
        let rows = self.rows.iter().enumerate().filter(|(_, row)| whole(row)).map(|(at, _)| at);
        let rows: Arc<Vec<usize>> = Arc::new(rows.collect());
        if known.len() < MAX_PLATFORMS {
            known.insert(platform.to_owned(), Arc::clone(&rows));
        }
        rows
    }

    /// Whether a pattern takes the whole of a text.
    fn whole(&self, number: usize, text: &str, scratch: &mut Scratch) -> bool {
        self.fields.get(number).is_some_and(|field| field.takes(text, scratch))
    }

    /// How well a shape fits the words, and the words that it makes of them.
    fn fit(
        &self,
        row: &Row,
        (shape, patterns): &Compiled,
        words: &[&str],
        scratch: &mut Scratch,
    ) -> Option<((usize, usize, usize), Vec<String>)> {
        let mut expansion = Vec::with_capacity(words.len());
        let (mut literal, mut exact) = (0, 0);
        if shape.words.is_empty() {
            return None;
        }
        for (at, (word, pattern)) in shape.words.iter().zip(patterns).enumerate() {
            let typed = *words.get(at)?;
            match word {
                Word::Full(full) => {
                    let begins = full.get(..typed.len()).is_some_and(|part| part.eq_ignore_ascii_case(typed));
                    if !begins || typed.is_empty() {
                        return None;
                    }
                    literal += 1;
                    exact += usize::from(full.len() == typed.len());
                    expansion.push(full.clone());
                }
                Word::Pattern(_) => {
                    let before = at.checked_sub(1).and_then(|before| expansion.get(before));
                    if !is_argument(before.map(String::as_str), typed)
                        || pattern.as_ref()?.matches(typed, scratch) != Ok(true)
                    {
                        return None;
                    }
                    expansion.push(typed.to_owned());
                }
            }
        }
        let rest = words.get(shape.words.len()..)?;
        match shape.tail {
            Tail::End if !rest.is_empty() => return None,
            Tail::End => {}
            Tail::Open => {
                let mut before = expansion.last().map(String::as_str);
                for word in rest {
                    if !is_argument(before, word) && !is_keyword(word) {
                        return None;
                    }
                    before = Some(word);
                }
                if rest.last().is_some_and(|last| is_keyword(last)) {
                    return None;
                }
            }
            Tail::Pattern => {
                let plain = row.command.replace("[[", "").replace("]]", "");
                let known = plain.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
                let mut before = expansion.last().cloned();
                for word in rest {
                    // What the pattern may take for anything must at least not be the beginning of a word.
                    if !is_argument(before.as_deref(), word) && !known.clone().any(|full| full == *word) {
                        return None;
                    }
                    expansion.push((*word).to_owned());
                    before = Some((*word).to_owned());
                }
                let column = self.columns.iter().position(|name| name == "Command")?;
                let number = (*row.fields.get(column)?)?;
                if !self.whole(number, &expansion.join(" "), scratch) {
                    return None;
                }
            }
        }
        Some(((expansion.len(), literal, exact), expansion))
    }
}

/// Whether a word only narrows down what a command shows: it has a digit or a part of an address in it, or it
/// is a name behind the word that asks for one.
pub fn is_argument(before: Option<&str>, word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit() || ":./".contains(c)) || before.is_some_and(is_keyword)
}

/// Whether a name is expected behind this word.
fn is_keyword(word: &str) -> bool {
    word.eq_ignore_ascii_case("vrf") || word.eq_ignore_ascii_case("instance")
}
