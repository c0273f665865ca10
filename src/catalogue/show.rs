//! Which parser reads the output of a `show` command, abbreviated as people type it.

use super::Catalogue;

impl Catalogue {
    /// The name of the parser for a command line on a platform, or nothing when none fits for certain.
    ///
    /// Each word of a parser's name must be a word of the command or be abbreviated by it
    /// (`sh ip int br`). The longest name wins; between two of one length only exact words decide.
    /// What follows the name must look like an argument (`vrf RED`, `Gi0/1`, `10.0.0.0`), since
    /// other words ask for another output. A platform's own parsers come before those of the platform
    /// that it extends.
    pub fn show_parser(&self, platform: &str, command: &str) -> Option<String> {
        let family = self.families.get(platform).into_iter().flatten().map(String::as_str);
        let family = family.filter(|member| *member != platform);
        std::iter::once(platform).chain(family).find_map(|member| self.own_parser(member, command))
    }

    /// Whether anything reads outputs of a platform of this name.
    pub(super) fn knows_platform(&self, platform: &str) -> bool {
        let prefix = format!("{platform}/");
        self.parsers.keys().any(|name| name.starts_with(&prefix))
    }

    fn own_parser(&self, platform: &str, command: &str) -> Option<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let prefix = format!("{platform}/");
        let mut best: Vec<(usize, usize, &str)> = Vec::new();
        for name in self.parsers.keys() {
            let Some(parts) = name.strip_prefix(&prefix) else { continue };
            let parts: Vec<&str> = parts.split('_').collect();
            let rest = words.get(parts.len()..);
            let fits = parts.iter().zip(&words).all(|(part, word)| part.starts_with(&word.to_lowercase()));
            if !fits || rest.is_none_or(|rest| !arguments(rest)) {
                continue;
            }
            let exact =
                parts.iter().zip(&words).filter(|(part, word)| part.eq_ignore_ascii_case(word)).count();
            best.push((parts.len(), exact, name));
        }
        best.sort_unstable_by(|a, b| b.cmp(a));
        match best.as_slice() {
            [] => None,
            [(length, exact, name), rest @ ..] => {
                let tie = rest.first().is_some_and(|(l, e, _)| (l, e) == (length, exact));
                (!tie).then(|| (*name).to_owned())
            }
        }
    }
}

/// Whether the words behind a parser's name only narrow down what it shows.
fn arguments(words: &[&str]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let named = word.eq_ignore_ascii_case("vrf") || word.eq_ignore_ascii_case("instance");
        if named && words.next().is_none() {
            return false;
        }
        if !named && !word.contains(|c: char| c.is_ascii_digit() || ":./".contains(c)) {
            return false;
        }
    }
    true
}
