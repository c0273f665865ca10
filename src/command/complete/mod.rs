//! What could come next while somebody types.
//!
//! Works on the raw text before the cursor, never fails, and reads only the catalogue: names of verbs,
//! devices, groups and columns. It is called at every key, so it looks at the last few words only.

mod stages;
mod words;

use serde::Serialize;

use crate::catalogue::Catalogue;

/// The most ways to go on.
const MAX: usize = 20;

/// A text longer than this is not completed.
const MAX_TEXT: usize = 2_000;

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// Replaces the text from `start` to the cursor.
    pub text: String,
    /// Byte offset in the text as typed.
    pub start: usize,
    /// One line of help.
    pub help: String,
}

/// The ways to go on from the text before the cursor, at most twenty, best first.
pub fn complete(catalogue: &Catalogue, text: &str) -> Vec<Completion> {
    if text.len() > MAX_TEXT || text.contains('\n') {
        return Vec::new();
    }
    let mut found = Found { out: Vec::new(), len: text.len() };
    let (commands, stage) = split(text);
    match stage {
        None => words::complete(catalogue, &commands, &mut found),
        Some(stage) => stages::complete(catalogue, &commands, stage, &mut found),
    }
    found.out
}

/// A piece of the text and the byte at which it starts.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Piece<'a> {
    /// The part behind the first `length` bytes.
    fn skip(self, length: usize) -> Self {
        Self { text: self.text.get(length..).unwrap_or_default(), start: self.start + length }
    }

    fn trim_start(self) -> Self {
        self.skip(self.text.len() - self.text.trim_start().len())
    }

    /// The first word, and what stands behind it if a blank does.
    fn first_word(self) -> (&'a str, Option<Self>) {
        match self.text.split_once(' ') {
            Some((word, _)) => (word, Some(self.skip(word.len()).trim_start())),
            None => (self.text, None),
        }
    }

    /// The last part, behind the last of `signs`.
    fn last(self, signs: &[char]) -> Self {
        self.text.rfind(signs).map_or(self, |index| {
            let sign = self.text.get(index..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            self.skip(index + sign)
        })
    }
}

/// What was found so far.
struct Found {
    out: Vec<Completion>,
    len: usize,
}

impl Found {
    /// Offers `text` if what was typed in `piece` begins it; a word that is whole already is not offered.
    fn offer(&mut self, piece: Piece<'_>, text: &str, help: &str) {
        let begins = text.to_lowercase().starts_with(&piece.text.to_lowercase());
        let new = text != piece.text && !self.out.iter().any(|other| other.text == text);
        if begins && new && self.out.len() < MAX && piece.start <= self.len {
            self.out.push(Completion { text: text.to_owned(), start: piece.start, help: help.to_owned() });
        }
    }
}

/// The command, and all its stages in order with the one being typed as the last, if there is one.
fn split(text: &str) -> (Vec<Piece<'_>>, Option<Piece<'_>>) {
    let mut pieces = Vec::new();
    let mut quote = None;
    let mut start = 0;
    for (index, found) in text.char_indices() {
        match (quote, found) {
            (Some(open), _) if open == found => quote = None,
            (None, '"' | '\'') => quote = Some(found),
            (None, '|') => {
                pieces.push(Piece { text: text.get(start..index).unwrap_or_default(), start }.trim_start());
                start = index + 1;
            }
            _ => {}
        }
    }
    let last = Piece { text: text.get(start..).unwrap_or_default(), start }.trim_start();
    if pieces.is_empty() {
        return (vec![last], None);
    }
    (pieces, Some(last))
}
