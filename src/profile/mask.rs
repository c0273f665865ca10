//! Secrets in what a device prints: its configuration holds passwords and keys that no chat may show.

use std::borrow::Cow;

use super::{Pattern, Platform};

/// What stands where a secret stood.
const MASK: &str = "***";

impl Platform {
    /// The text with every secret of the platform's patterns masked.
    pub fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = Cow::Borrowed(text);
        for pattern in &self.secrets {
            if let Some(masked) = mask(pattern, &shown) {
                shown = Cow::Owned(masked);
            }
        }
        shown
    }
}

/// The text with each group of each match replaced; nothing when there is no match.
fn mask(pattern: &Pattern, text: &str) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    for found in pattern.regex()?.captures_iter(text) {
        for group in found.iter().skip(1).flatten() {
            if group.start() < done {
                continue;
            }
            out.push_str(text.get(done..group.start()).unwrap_or_default());
            out.push_str(MASK);
            done = group.end();
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_masked_and_nothing_else() {
        let pattern = Pattern::new(r"(?im)^ *(?:password|secret)(?: \d)? (\S+)|key (\S+)$").unwrap();
        let text = "password 7 0822455D0A16\n interface eth0\n SECRET x\nkey öäü\nno key";
        assert_eq!(
            mask(&pattern, text).unwrap(),
            "password 7 ***\n interface eth0\n SECRET ***\nkey ***\nno key"
        );
        assert_eq!(mask(&pattern, "nothing here"), None);
    }
}
