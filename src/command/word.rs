//! Words that may be shortened: exact first, then any unique prefix, never a guess.

use crate::text::did_you_mean;

/// What a typed word may stand for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// Exactly one thing.
    One(T),
    /// Several things; the words that would be clear.
    Several(Vec<String>),
    /// Nothing.
    None,
}

/// Looks `typed` up among words and what they stand for, in any case: a whole word first, then a
/// prefix if all the words that it begins stand for the same thing.
pub(super) fn find<'a, T: PartialEq + Clone>(
    typed: &str,
    words: impl IntoIterator<Item = (&'a str, T)>,
) -> Found<T> {
    let typed = typed.to_lowercase();
    let mut begun: Vec<(&str, T)> = Vec::new();
    for (word, thing) in words {
        let lower = word.to_lowercase();
        if lower == typed {
            return Found::One(thing);
        }
        if !typed.is_empty() && lower.starts_with(&typed) && !begun.iter().any(|(_, other)| *other == thing) {
            begun.push((word, thing));
        }
    }
    match begun.as_slice() {
        [] => Found::None,
        [(_, thing)] => Found::One(thing.clone()),
        _ => Found::Several(begun.into_iter().map(|(word, _)| word.to_owned()).collect()),
    }
}

/// As [`find`]; a prefix of a name wins over one of an alias, so that new aliases do not take old habits away.
pub(super) fn named<'a, T: PartialEq + Clone>(
    typed: &str,
    names: impl IntoIterator<Item = (&'a str, T)>,
    aliases: impl IntoIterator<Item = (&'a str, T)>,
) -> Found<T> {
    let aliases: Vec<(&str, T)> = aliases.into_iter().collect();
    if let Some((_, thing)) = aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(typed)) {
        return Found::One(thing.clone());
    }
    match find(typed, names) {
        Found::None => find(typed, aliases),
        found => found,
    }
}

/// `a, b and c`, or `none`.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.as_slice() {
        [] => "none".into(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The first `max` of many words, and how many more there are.
pub(super) fn some<'a>(words: impl IntoIterator<Item = &'a str>, max: usize) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    let shown: Vec<&str> = words.iter().copied().take(max).collect();
    match words.len().saturating_sub(max) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `did you mean …?` among known words, or the known words themselves where nothing is near.
pub(super) fn suggest(typed: &str, known: &[&str], what: &str) -> String {
    did_you_mean(typed, known.iter().copied())
        .unwrap_or_else(|| format!("{what}: {}", some(known.iter().copied(), 24)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn whole_words_win_then_unique_prefixes() {
        let words = [("show", 1), ("display", 1), ("status", 2), ("stat", 3), ("ip", 4), ("int", 5)];
        assert_eq!(find("SHOW", words), Found::One(1));
        assert_eq!(find("d", words), Found::One(1));
        assert_eq!(find("stat", words), Found::One(3));
        assert_eq!(find("i", words), Found::Several(vec!["ip".into(), "int".into()]));
        assert_eq!(find("x", words), Found::None);
        assert_eq!(find("", words), Found::None);
    }

    #[test]
    fn names_win_over_aliases() {
        let (names, aliases) = ([("trace", 1), ("users", 2)], [("transceivers", 3), ("tr2", 4), ("us", 5)]);
        assert_eq!(named("tr", names, aliases), Found::One(1));
        assert_eq!(named("trans", names, aliases), Found::One(3));
        assert_eq!(named("us", names, aliases), Found::One(5));
        assert_eq!(named("TR2", names, aliases), Found::One(4));
        assert_eq!(named("x", names, aliases), Found::None);
    }

    #[test]
    fn lists() {
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        assert_eq!(some(["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(some(["a"], 2), "a");
    }
}
