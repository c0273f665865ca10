//! Regular expressions as people type them behind a bar.

use regex::{Regex, RegexBuilder};

use super::cursor::{Cursor, is_quote};
use super::fault::{About, Fault};
use super::stage;

/// The greatest compiled pattern in bytes; `\w{1000}{1000}` ends here instead of in all memory.
const MAX_SIZE: usize = 1 << 20;

/// Compiles a pattern: in any case unless it has a capital letter in it.
///
/// `column` is where the pattern starts in the question.
pub(super) fn compile(pattern: &str, column: usize) -> Result<Regex, Fault> {
    let any_case = !pattern.chars().any(char::is_uppercase) || pattern.contains('\\') && lower(pattern);
    build(pattern, column, any_case)
}

/// Compiles a pattern for names, in any case.
pub(super) fn compile_name(pattern: &str, column: usize) -> Result<Regex, Fault> {
    build(pattern, column, true)
}

/// Whether the only capitals are those of classes such as `\S` and `\D`.
fn lower(pattern: &str) -> bool {
    let mut escaped = false;
    for found in pattern.chars() {
        if found.is_uppercase() && !escaped {
            return false;
        }
        escaped = found == '\\' && !escaped;
    }
    true
}

fn build(pattern: &str, column: usize, any_case: bool) -> Result<Regex, Fault> {
    RegexBuilder::new(pattern).case_insensitive(any_case).size_limit(MAX_SIZE).build().map_err(|error| {
        let text = error.to_string();
        let what = match &error {
            regex::Error::CompiledTooBig(_) => "it is too large",
            _ => text.lines().last().unwrap_or_default().trim_start_matches("error: "),
        };
        // The crate draws a caret under the pattern, which it indents by four.
        let offset = text
            .lines()
            .find(|line| line.contains('^') && line.trim_start().trim_end_matches('^').is_empty())
            .and_then(|line| line.chars().position(|found| found == '^'))
            .map_or(0, |index| index.saturating_sub(4));
        Fault::new(column + offset, format!("`{pattern}` is no regular expression: {what}"))
            .hint("a backslash takes a character literally (`\\(`, `\\*`); `.*` stands for anything")
    })
}

/// Reads the pattern that fills the rest of a stage; quotes around it are optional.
///
/// A bar belongs to the pattern when it touches both its neighbours (`up|down`), unless the name of a
/// stage follows.
pub(super) fn read(cursor: &mut Cursor<'_>, stage: &str) -> Result<Regex, Fault> {
    cursor.skip_blanks();
    let column = cursor.column();
    let text = if cursor.peek().is_some_and(is_quote) {
        let text = cursor.quoted()?;
        cursor.skip_blanks();
        if !cursor.at_stop() {
            return Err(Fault::new(cursor.column(), "the pattern goes on behind its closing quote")
                .hint("put the whole pattern between the quotes, or leave them away")
                .about(About::Stage));
        }
        return finish(&text, column + 1, stage);
    } else {
        let start = cursor.position();
        while !cursor.at_end() && !at_bar(cursor) {
            if cursor.take() == Some('\\') && cursor.peek() == Some('|') {
                cursor.take();
            }
        }
        cursor.since(start)
    };
    finish(text.trim_end(), column, stage)
}

fn finish(text: &str, column: usize, stage: &str) -> Result<Regex, Fault> {
    if text.is_empty() {
        return Err(Fault::new(column, format!("`{stage}` needs something to look for"))
            .hint(format!("write it behind the word: `| {stage} up`"))
            .about(About::Stage));
    }
    compile(text, column)
}

/// Whether the next character is a bar that begins a stage, seen from within a pattern.
pub(super) fn at_bar(cursor: &Cursor<'_>) -> bool {
    if cursor.peek() != Some('|') {
        return false;
    }
    let blank = |found: Option<char>| found.is_none_or(|found| found == ' ');
    if blank(cursor.behind()) || blank(cursor.ahead(1)) {
        return true;
    }
    let mut ahead = cursor.clone();
    ahead.take();
    let word = ahead.take_while(char::is_alphabetic);
    stage::is_name(&word) && ahead.peek().is_none_or(|found| matches!(found, ' ' | '|'))
}

/// Whether [`read`] gives the pattern back when it is written without quotes.
pub(super) fn is_plain(pattern: &str) -> bool {
    if pattern.trim() != pattern || pattern.starts_with(is_quote) {
        return false;
    }
    let text: Vec<char> = pattern.chars().collect();
    let mut cursor = Cursor::new(&text);
    while !cursor.at_end() {
        if at_bar(&cursor) {
            return false;
        }
        if cursor.take() == Some('\\') && cursor.peek() == Some('|') {
            cursor.take();
        }
    }
    // A backslash at the very end would take the blank or bar behind it along.
    !pattern.ends_with('\\')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read_all(text: &str) -> (String, String) {
        let text: Vec<char> = text.chars().collect();
        let mut cursor = Cursor::new(&text);
        let pattern = read(&mut cursor, "include").unwrap();
        (pattern.as_str().to_owned(), cursor.between(cursor.position(), text.len()))
    }

    #[test]
    fn bars_in_patterns() {
        for (text, pattern, rest) in [
            ("up|down", "up|down", ""),
            ("up|down | count", "up|down", "| count"),
            ("up|count", "up", "|count"),
            ("up |count", "up", "|count"),
            ("up| count", "up", "| count"),
            ("'up | down' | count", "up | down", "| count"),
            (r"a\|count", r"a\|count", ""),
            ("a b  c ", "a b  c", ""),
            ("can't", "can't", ""),
        ] {
            assert_eq!(read_all(text), (pattern.to_owned(), rest.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_wrong_pattern_says_where() {
        let fault = compile("up(", 10).unwrap_err();
        assert_eq!(fault.column, 12);
        let fault = compile(r"\w{1000}{1000}", 3).unwrap_err();
        assert_eq!(fault.column, 3);
        assert!(fault.into_error("x").message().contains("too large"));
    }

    #[test]
    fn case_matters_only_with_capitals() {
        assert!(compile("bgp", 1).unwrap().is_match("BGP"));
        assert!(!compile("Bgp", 1).unwrap().is_match("BGP"));
        assert!(compile(r"bgp\S", 1).unwrap().is_match("BGPx"));
    }
}
