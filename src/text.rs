//! Small things about text that several modules need: cleaning what a device said, and finding
//! the nearest word to one that nobody knows.

/// The up to `max` entries of `known` nearest to `word`, best first; empty when nothing is near.
///
/// Near means a small edit distance for the word's length, or that one is a prefix of the other.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, max: usize) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1) + 1;
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&word, &lower);
            let near = distance <= limit && distance < word.chars().count();
            let prefix = !word.is_empty() && (lower.starts_with(&word) || word.starts_with(&lower));
            (near || prefix).then_some((distance, candidate))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(max).map(|(_, candidate)| candidate).collect()
}

/// `did you mean "a", "b" or "c"?`, or nothing when there is nothing near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near: Vec<String> = nearest(word, known, 3).iter().map(|found| format!("`{found}`")).collect();
    match near.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [most @ .., last] => Some(format!("did you mean {} or {last}?", most.join(", "))),
    }
}

/// One line of untrusted text made safe to show: no control characters, escapes or direction
/// overrides (they could forge what follows); tabs become a blank.
pub fn clean_line(text: &str) -> String {
    text.chars()
        .filter_map(|c| if c == '\t' || c == '\n' { Some(' ') } else { (!hidden(c)).then_some(c) })
        .collect()
}

/// Several lines of untrusted text made safe to show; newlines and tabs stay.
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !hidden(*c)).collect()
}

/// Characters that a reader cannot see but a terminal or a chat would act on.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `1 device`, `3 devices`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
