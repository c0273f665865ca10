//! Regular expressions of profiles.

use std::sync::OnceLock;

use regex::Regex;

/// A regular expression, compiled at once or when it is first matched.
///
/// The built-in profiles have thousands and a question needs those of a few platforms, so theirs are compiled late;
/// the project's tests compile all of them. An operator's are compiled when they are loaded, so that a mistake is found then.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Box<str>,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Compiles at once.
    ///
    /// # Errors
    /// It is no regular expression, or too large.
    pub fn new(source: &str) -> Result<Self, regex::Error> {
        let regex = Regex::new(source)?;
        Ok(Self { source: source.into(), regex: OnceLock::from(Some(regex)) })
    }

    /// Compiles when first matched; one that cannot be compiled matches nothing.
    pub(super) fn trusted(source: &str) -> Self {
        Self { source: source.into(), regex: OnceLock::new() }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it matches somewhere in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// What it matches first in `text`.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.regex()?.find(text).map(|found| found.as_str())
    }

    /// What the first group of its first match in `text` is.
    pub fn group<'t>(&self, text: &'t str) -> Option<&'t str> {
        Some(self.regex()?.captures(text)?.get(1)?.as_str())
    }

    /// How many groups it has.
    pub fn groups(&self) -> usize {
        self.regex().map_or(0, |regex| regex.captures_len().saturating_sub(1))
    }

    /// The expression.
    pub fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&self.source).ok()).as_ref()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn early_and_late() {
        assert!(Pattern::new("(").is_err());
        for pattern in [Pattern::new("b+").unwrap(), Pattern::trusted("b+")] {
            assert!(pattern.is_match("abb"));
            assert_eq!(pattern.find("abb"), Some("bb"));
        }
        assert!(!Pattern::trusted("(").is_match("("));
    }
}
