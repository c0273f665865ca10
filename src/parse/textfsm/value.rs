//! `Value` lines.

use super::super::pyre::{Kind, PatternError, Regex};

/// Longest name of a value or a state, in characters.
pub(super) const MAX_NAME: usize = 48;

/// What a value does beside holding the last text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Keeps its last text over records.
    Filldown,
    /// Fills the empty cells of the rows above.
    Fillup,
    /// Belongs to the key of a row; the machine does nothing with it.
    Key,
    /// Collects every text.
    List,
    /// A record without it is dropped.
    Required,
}

/// A declared value.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) name: String,
    /// In the order written, which is the order in which they act.
    pub(super) options: Vec<Keeping>,
    /// The regex as a named group.
    pub(super) group: String,
    /// Of a `List` with groups inside: the regex, to be matched again on what was taken.
    pub(super) inner: Option<Regex>,
}

impl Value {
    pub(super) fn has(&self, option: Keeping) -> bool {
        self.options.contains(&option)
    }

    /// Reads a line that begins with `Value `. An error has its offset in characters.
    pub(super) fn read(line: &str) -> Result<Self, (usize, String)> {
        // Every single blank divides, so two in a row make an empty name.
        let mut tokens = line.splitn(3, ' ').skip(1);
        let (second, rest) = (tokens.next().unwrap_or(""), tokens.next());
        let Some(rest) = rest else {
            return Err((0, "a value wants a name and a regex: `Value NAME (regex)`".to_owned()));
        };
        let (options, name, regex) = if rest.starts_with('(') {
            ("", second, rest)
        } else {
            let (name, regex) = rest.split_once(' ').unwrap_or((rest, ""));
            (second, name, regex)
        };
        let column = |part: &str| line.chars().count() - part.chars().count();
        let mut read = Vec::new();
        if !rest.starts_with('(') {
            for word in options.split(',') {
                let option = option(word).ok_or_else(|| {
                    (
                        6,
                        format!(
                            "unknown option `{word}`; there are Filldown, Fillup, Key, List and Required"
                        ),
                    )
                })?;
                if read.contains(&option) {
                    return Err((6, format!("the option `{word}` twice")));
                }
                read.push(option);
            }
        }
        if name.chars().count() > MAX_NAME {
            return Err((column(rest), format!("a name longer than {MAX_NAME} characters")));
        }
        if let Some(fault) = wrong_escape(name) {
            return Err((column(rest), fault));
        }
        let at = column(regex);
        if regex.len() < 2 || !regex.starts_with('(') || !regex.ends_with(')') || regex.ends_with("\\)") {
            return Err((at, format!("the regex of a value must stand in brackets: `({regex})`")));
        }
        let faulty = |error: PatternError| (at + error.at, error.message);
        let groups = Regex::check(regex).map_err(faulty)?;
        let inner = if read.contains(&Keeping::List) && groups > 1 {
            Some(Regex::of(regex, Kind::Lines).map_err(faulty)?)
        } else {
            None
        };
        let group = format!("(?P<{name}>{}", regex.get(1..).unwrap_or(""));
        Ok(Self { name: name.to_owned(), options: read, group, inner })
    }
}

/// The reference puts the name into a replacement text of `re.sub`, where a backslash means something.
fn wrong_escape(name: &str) -> Option<String> {
    let mut rest = name;
    while let Some((_, escape)) = rest.split_once('\\') {
        let letter = escape.chars().next()?;
        let octal: Vec<u32> = escape.chars().take(3).map_while(|digit| digit.to_digit(8)).collect();
        let good = match letter {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '0' => true,
            'g' => escape.starts_with("g<0>"),
            '1'..='9' => matches!(octal.as_slice(), [first, _, _] if *first < 4),
            letter => !letter.is_ascii_alphabetic(),
        };
        if !good {
            return Some(format!("the name `{name}` has the escape `\\{letter}`"));
        }
        rest = escape.get(letter.len_utf8()..).unwrap_or_default();
    }
    None
}

fn option(word: &str) -> Option<Keeping> {
    match word {
        "Filldown" => Some(Keeping::Filldown),
        "Fillup" => Some(Keeping::Fillup),
        "Key" => Some(Keeping::Key),
        "List" => Some(Keeping::List),
        "Required" => Some(Keeping::Required),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn names_with_backslashes_as_the_reference_takes_them() {
        for name in ["A\\n", "A\\\\", "A\\.", "A\\", "A\\g<0>", "A\\0", "A\\é", "A\\377"] {
            assert!(Value::read(&format!("Value {name} (\\S+)")).is_ok(), "{name}");
        }
        for name in ["A\\w", "A\\1", "A\\g", "A\\g<1>", "A\\12", "A\\400", "\\x41"] {
            let error = Value::read(&format!("Value {name} (\\S+)")).unwrap_err();
            assert!(error.1.contains("escape"), "{name}: {error:?}");
        }
    }
}
