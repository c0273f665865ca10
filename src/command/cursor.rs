//! A place in a text that moves forward, and the small things that every reader needs.

use super::fault::Fault;

/// A text and a position in it, counted in characters.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a [char],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [char]) -> Self {
        Self { text, position: 0 }
    }

    /// The next character, not taken.
    pub(super) fn peek(&self) -> Option<char> {
        self.ahead(0)
    }

    /// The character `count` behind the next one.
    pub(super) fn ahead(&self, count: usize) -> Option<char> {
        self.text.get(self.position + count).copied()
    }

    /// The character before the next one.
    pub(super) fn behind(&self) -> Option<char> {
        self.text.get(self.position.checked_sub(1)?).copied()
    }

    /// Takes the next character.
    pub(super) fn take(&mut self) -> Option<char> {
        let found = self.peek()?;
        self.position += 1;
        Some(found)
    }

    /// Takes the next character if it is `wanted`.
    pub(super) fn take_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.position += usize::from(found);
        found
    }

    /// Takes characters as long as `wanted` says so.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.position;
        while self.peek().is_some_and(&wanted) {
            self.position += 1;
        }
        self.since(start)
    }

    /// Skips blanks; a line end is none.
    pub(super) fn skip_blanks(&mut self) {
        self.take_while(|found| found == ' ');
    }

    /// Whether nothing is left.
    pub(super) fn at_end(&self) -> bool {
        self.position >= self.text.len()
    }

    /// Whether nothing is left before the next bar.
    pub(super) fn at_stop(&self) -> bool {
        matches!(self.peek(), None | Some('|'))
    }

    /// How many characters the whole text has.
    pub(super) fn end(&self) -> usize {
        self.text.len()
    }

    /// The position, for [`Cursor::since`] and [`Cursor::back_to`].
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The column of the next character, from 1.
    pub(super) fn column(&self) -> usize {
        self.position + 1
    }

    /// The text from `start` to here.
    pub(super) fn since(&self, start: usize) -> String {
        self.between(start, self.position)
    }

    /// The text from `start` to `end`.
    pub(super) fn between(&self, start: usize, end: usize) -> String {
        self.text.get(start..end).unwrap_or_default().iter().collect()
    }

    /// Goes back.
    pub(super) fn back_to(&mut self, position: usize) {
        self.position = position;
    }

    /// The next word in lower case, if it is made of letters alone; not taken.
    pub(super) fn keyword(&self) -> String {
        let mut ahead = self.clone();
        ahead.take_while(char::is_alphabetic).to_lowercase()
    }

    /// Takes `wanted` (lower case) if it is the whole next word, in any case.
    pub(super) fn take_keyword(&mut self, wanted: &str) -> bool {
        let length = wanted.chars().count();
        let ends = self.ahead(length).is_none_or(|found| matches!(found, ' ' | '(' | ')' | '|'));
        let found = ends && self.keyword() == wanted;
        if found {
            self.position += length;
        }
        found
    }

    /// Reads a quoted text; the next character is the quote.
    ///
    /// Between `'` everything stands for itself. Between `"` the pairs `\"` and `\\` stand for one
    /// character, and any other backslash for itself, so that `"\d+"` needs no doubling.
    pub(super) fn quoted(&mut self) -> Result<String, Fault> {
        let column = self.column();
        let quote = self.take().unwrap_or('"');
        let mut out = String::new();
        while let Some(found) = self.take() {
            match found {
                _ if found == quote => return Ok(out),
                '\\' if quote == '"' && matches!(self.peek(), Some('"' | '\\')) => {
                    out.extend(self.take());
                }
                _ => out.push(found),
            }
        }
        Err(Fault::new(column, format!("the quote {quote} is never closed"))
            .hint(format!("close it with another {quote}, or leave both away: most things need no quotes")))
    }
}

/// Whether a character opens a quoted text.
pub(super) fn is_quote(found: char) -> bool {
    matches!(found, '"' | '\'')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn quoted(text: &str) -> Option<String> {
        let text: Vec<char> = text.chars().collect();
        Cursor::new(&text).quoted().ok()
    }

    #[test]
    fn quotes() {
        assert_eq!(quoted(r#""a b" c"#).unwrap(), "a b");
        assert_eq!(quoted(r#""a \"b\" \\ \d""#).unwrap(), r#"a "b" \ \d"#);
        assert_eq!(quoted(r"'a \ b'").unwrap(), r"a \ b");
        assert_eq!(quoted("\"abc"), None);
        assert_eq!(quoted("'"), None);
    }
}
