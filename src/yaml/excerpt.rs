//! A line of a file as an error shows it: no control characters, no secrets, not endless.

use std::sync::LazyLock;

use regex::Regex;

/// How many characters are shown behind the column of the error.
const TAIL: usize = 120;

/// A key in block or flow style, up to where its value begins.
static KEY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:^|[\s{,])["']?([A-Za-z][\w.-]*)["']?\s*:\s+"#).ok());

/// Whether a key's value is a secret: by a part of the name, or because it looks like a slip of one.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let parts = ["pass", "pwd", "secret", "token", "community", "auth_secondary", "api_key", "apikey"];
    let slips = ["password", "passphrase", "secret"];
    parts.iter().any(|part| key.contains(part))
        || slips.iter().any(|word| strsim::damerau_levenshtein(&key, word) <= 2)
}

/// Line `line` (from 1) of `text` with its secrets masked; `column` (from 1) stays where it was.
pub(super) fn line(text: &str, line: usize, column: usize) -> String {
    let raw = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let masked = mask(raw, column);
    masked
        .chars()
        .take(column.saturating_add(TAIL))
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// A secret before the error is masked letter by letter, so that the column keeps its meaning; one
/// behind it is masked without telling its length.
fn mask(raw: &str, column: usize) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    let Some(pattern) = KEY.as_ref() else {
        return out;
    };
    while let Some(found) = pattern.captures(rest) {
        let end = found.get(0).map_or(rest.len(), |whole| whole.end());
        let (before, value) = rest.split_at(end);
        out.push_str(before);
        if !found.get(1).is_some_and(|key| is_secret(key.as_str())) {
            // The blank that ends this key may begin the next one: `a: b: c`.
            rest = value;
            continue;
        }
        let end = value_end(value, before.trim_start().starts_with('{') || out.contains('{'));
        let (hidden, after) = value.split_at(end);
        let start = out.chars().count() + 1;
        if hidden.is_empty() || hidden.starts_with("${") {
            out.push_str(hidden);
        } else if start < column {
            out.extend(hidden.chars().map(|_| '*'));
        } else {
            out.push_str("***");
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where a scalar ends: behind its closing quote, at the next flow indicator, or with the line.
fn value_end(value: &str, flow: bool) -> usize {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let mut escaped = false;
            for (at, letter) in value.char_indices().skip(1) {
                if letter == quote && !escaped {
                    return at + letter.len_utf8();
                }
                escaped = quote == '"' && letter == '\\' && !escaped;
            }
            value.len()
        }
        _ if flow => value.find([',', '}']).unwrap_or(value.len()),
        _ => value.len(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::line;

    #[test]
    fn a_secret_behind_the_error_is_masked_without_its_length() {
        assert_eq!(line("password: hunter2", 1, 1), "password: ***");
        assert_eq!(
            line("r1: {prot: 22, password: hunter2, port: 1}", 1, 6),
            "r1: {prot: 22, password: ***, port: 1}"
        );
        assert_eq!(line("r1: {pasword: hunter2, sceret: x}", 1, 6), "r1: {pasword: ***, sceret: ***}");
        assert_eq!(line(r#"    secret: "hun\"ter2" # x"#, 1, 1), "    secret: *** # x");
    }

    #[test]
    fn a_secret_before_the_error_keeps_the_column() {
        let shown = line("r1: {password: hunter2, prot: 22}", 1, 25);
        assert_eq!(shown, "r1: {password: *******, prot: 22}");
        assert_eq!(shown.chars().nth(24), Some('p'));
    }

    #[test]
    fn references_are_shown() {
        assert_eq!(line("password: ${PASS}", 1, 11), "password: ${PASS}");
    }

    #[test]
    fn a_pattern_that_speaks_of_passwords_is_shown() {
        let text = "enable: {ask: '^[Pp]assword: ?$', to: privileged}";
        assert_eq!(line(text, 1, 1), text);
        assert_eq!(line("ask: '^Password: ?$'", 1, 1), "ask: '^Password: ?$'");
    }

    #[test]
    fn endless_lines_are_cut() {
        assert_eq!(line(&"x".repeat(10_000), 1, 10).chars().count(), 130);
    }
}
