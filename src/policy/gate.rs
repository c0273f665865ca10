//! The read-only gate: from the words of a `show` to a command line that only reads.

use crate::error::Failure;
use crate::error::FailureKind::{Rejected, Unsupported};
use crate::profile::{Pattern, Platform};
use crate::text::did_you_mean;

/// The longest command line; vendors' own limits lie above it.
const MAX_LINE: usize = 250;

/// The command line for this platform, or why it may not be sent.
///
/// Only printable characters without any meaning to a shell or a command line are let through, the
/// first word must be one that reads on this platform (a unique prefix counts and is written out),
/// and nothing that the profile denies may stand anywhere in it.
pub fn gate(platform: &Platform, line: &str) -> Result<String, Failure> {
    let refuse = |message: String| Failure::new(Rejected, message);
    if let Some(c) = forbidden(line) {
        return Err(refuse(format!("`{}` may not be sent to a device", c.escape_debug()))
            .hint("letters, digits, blanks and . , : / _ - + = @ % ^ may"));
    }
    if line.len() > MAX_LINE {
        return Err(refuse(format!("the command has {} characters; {MAX_LINE} is the most", line.len())));
    }
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let Some(first) = words.first().copied() else {
        return Err(refuse("the command is missing".to_owned()).hint("for example `show r1 version`"));
    };
    let allowed_words = &platform.show.words;
    if allowed_words.is_empty() {
        return Err(Failure::new(
            Unsupported,
            format!("the platform {} allows no show commands", platform.name),
        ));
    }
    let matching: Vec<&String> =
        allowed_words.iter().filter(|word| word.as_str() == first || word.starts_with(first)).collect();
    let exact = matching.iter().find(|word| word.as_str() == first);
    let command = match (exact, matching.as_slice(), &platform.show.prefix) {
        (Some(word), ..) | (None, [word], None) => rewrite(word, &mut words),
        // A short first word may as well be the second one: `show v` is `show version`, not `verify`.
        (None, [word], Some(prefix)) if *word == prefix && first.len() > 1 => rewrite(word, &mut words),
        (_, _, Some(prefix)) => format!("{prefix} {}", words.join(" ")),
        _ => {
            let failure = refuse(format!("`{first}` is not a command that only reads on {}", platform.title));
            let near = did_you_mean(first, allowed_words.iter().map(String::as_str));
            return Err(
                failure.hint(near.unwrap_or_else(|| format!("allowed are {}", allowed_words.join(", "))))
            );
        }
    };
    // A pattern that cannot be compiled refuses everything.
    let found = |pattern: &Pattern| match pattern.regex() {
        Some(_) => pattern.find(&command).map(str::to_owned),
        None => Some(pattern.as_str().to_owned()),
    };
    if let Some(found) = platform.show.deny.iter().find_map(found) {
        return Err(refuse(format!("`{command}` is refused because of `{found}`"))
            .hint("what writes, floods or opens a shell is never sent"));
    }
    Ok(command)
}

fn rewrite(word: &str, words: &mut [&str]) -> String {
    let rest = words.get(1..).unwrap_or_default().join(" ");
    format!("{word} {rest}").trim_end().to_owned()
}

/// The first character that may not be sent, if there is one.
///
/// A read command needs letters, digits, blanks and `. , : / _ - + = @ % ^`. Everything else means something to
/// some shell or command line (on a server the login shell reads the line), `$` too unless it
/// ends a word, where it stands for itself and AS-path expressions need it.
fn forbidden(line: &str) -> Option<char> {
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_word = rest.peek().is_none_or(|next| *next == ' ');
        if !(c.is_ascii_alphanumeric() || " .,:/_-+=@%^".contains(c) || (c == '$' && ends_word)) {
            return Some(c);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::forbidden;

    #[test]
    fn what_a_shell_would_act_on_is_forbidden() {
        for line in [
            "a; b",
            "a|b",
            "a && b",
            "$(reboot)",
            "`id`",
            "a > b",
            "a\nb",
            "a 'b'",
            "${IFS}",
            "a*",
            "a\\b",
            "a\0b",
        ] {
            assert!(forbidden(line).is_some(), "{line:?}");
        }
        for line in [
            "show ip bgp regexp ^65000_1$",
            "show version",
            "ip -4 route show table 10",
            "show int Gi1/0/1.100",
        ] {
            assert_eq!(forbidden(line), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_shell_gets_through(line in "\\PC{0,40}") {
            if forbidden(&line).is_none() {
                let acts = "|;&<>`\\'\"(){}*?!#~";
                prop_assert!(!line.contains(|c| acts.contains(c)));
                prop_assert!(line.chars().all(|c| c.is_ascii() && !c.is_ascii_control()));
            }
        }
    }
}
