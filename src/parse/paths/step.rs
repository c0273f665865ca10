//! Paths: `/vrfs/{VRF}/routes/{PREFIX}/vias?`.

use regex::Regex;

use crate::parse::tree::local;

/// A path through a [`Tree`](crate::parse::tree::Tree).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// From the document's root, not from where one stands.
    pub root: bool,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// `..`: the map around.
    Up,
    /// `name`, `name?`, `name[key=value]`, `name[key=value][1]`: the first of them.
    Name { name: String, optional: bool, filters: Vec<Filter>, first: bool },
    /// `.[key=value]`: stays, where the entry is so.
    Here { filters: Vec<Filter> },
    /// `{NAME}`, `{NAME}?`: every entry of a map; its key becomes the value `NAME`. `{NAME!=key}`: but this one.
    Each { value: String, optional: bool, except: Option<String> },
    /// `*`: every entry of a map.
    Any,
    /// `{}` at the end: the keys of a map.
    Keys,
}

/// `[key=value]`, `[key!=value]`, `[key~pattern]` or `[key!~pattern]`: which of several entries are meant. The key is a
/// name, or several with `/` between them. A value that begins with a colon is compared without the prefix of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub key: Vec<String>,
    pub test: Test,
    pub equal: bool,
}

/// What a text is compared with.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Is(String),
    Like(Regex),
}

impl Test {
    pub(super) fn holds(&self, text: &str) -> bool {
        match self {
            Self::Is(value) => match value.strip_prefix(':') {
                Some(identity) => local(text) == identity,
                None => value == text,
            },
            Self::Like(pattern) => pattern.is_match(text),
        }
    }

    /// The text, or the pattern, as it is written.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Is(value) => value,
            Self::Like(pattern) => pattern.as_str(),
        }
    }
}

impl PartialEq for Test {
    fn eq(&self, other: &Self) -> bool {
        matches!(self, Self::Is(_)) == matches!(other, Self::Is(_)) && self.as_str() == other.as_str()
    }
}

impl Eq for Test {}

impl Path {
    /// Reads a path; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (root, rest) = match text.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut steps = Vec::new();
        for piece in pieces(rest)? {
            match piece.as_str() {
                "." => {}
                ".." => steps.push(Step::Up),
                "*" => steps.push(Step::Any),
                "{}" => steps.push(Step::Keys),
                _ => steps.push(step(&piece)?),
            }
        }
        if let Some(at) = steps.iter().position(|step| *step == Step::Keys)
            && at + 1 != steps.len()
        {
            return Err(format!("`{{}}` must end the path `{text}`"));
        }
        Ok(Self { root, steps })
    }

    /// The values that it names.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Each { value, .. } => Some(value.as_str()),
            _ => None,
        })
    }
}

/// Divides at `/`, but not between quotes or brackets.
fn pieces(text: &str) -> Result<Vec<String>, String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let (mut quoted, mut bracket) = (false, false);
    for letter in text.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                piece.push(letter);
            }
            '/' if !quoted && !bracket => pieces.push(std::mem::take(&mut piece)),
            _ => {
                bracket = match letter {
                    '[' if !quoted => true,
                    ']' if !quoted => false,
                    _ => bracket,
                };
                piece.push(letter);
            }
        }
    }
    if quoted || bracket {
        return Err(format!("a quote or a bracket of `{text}` is not closed"));
    }
    if !(piece.is_empty() && pieces.is_empty()) {
        pieces.push(piece);
    }
    if pieces.iter().any(String::is_empty) {
        return Err(format!("`{text}` has an empty step"));
    }
    Ok(pieces)
}

fn step(piece: &str) -> Result<Step, String> {
    let (piece, optional) = match piece.strip_suffix('?') {
        Some(piece) => (piece, true),
        None => (piece, false),
    };
    if let Some(value) = piece.strip_prefix('{') {
        let value = value.strip_suffix('}').ok_or_else(|| format!("a brace of `{piece}` is not closed"))?;
        let (value, except) = match value.split_once("!=") {
            Some((value, except)) => (value, Some(except.to_owned())),
            None => (value, None),
        };
        let good = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
        if !value.chars().all(good) {
            return Err(format!("`{value}` is no name of a value: capitals, digits and `_`"));
        }
        return Ok(Step::Each { value: value.to_owned(), optional, except });
    }
    let (name, mut rest) = match piece.strip_prefix('\'').and_then(|quoted| quoted.split_once('\'')) {
        Some((name, rest)) => (name, rest),
        None => piece.split_at(piece.find('[').unwrap_or(piece.len())),
    };
    if name.is_empty() {
        return Err(format!("the step `{piece}` has no name"));
    }
    let mut filters = Vec::new();
    let mut first = false;
    while !rest.is_empty() {
        if rest == "[1]" {
            first = true;
            break;
        }
        let inner = rest.strip_prefix('[').and_then(|rest| Some((rest, closing(rest)?)));
        let inner = inner.and_then(|(rest, end)| Some((rest.get(..end)?, rest.get(end + 1..)?)));
        let (inner, after) = inner.ok_or_else(|| format!("`{rest}` is no condition such as [name=value]"))?;
        filters.push(filter(inner)?);
        rest = after;
    }
    if name == "." {
        return Ok(Step::Here { filters });
    }
    Ok(Step::Name { name: name.to_owned(), optional, filters, first })
}

/// Where the bracket is that closes a condition: none between quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, letter)| {
        quoted ^= letter == '\'';
        (letter == ']' && !quoted).then_some(at)
    })
}

fn filter(inner: &str) -> Result<Filter, String> {
    let parts = inner.find(['=', '~']).and_then(|at| Some((inner.get(..at)?, inner.get(at..)?)));
    let (key, value) = parts.ok_or_else(|| format!("`[{inner}]` is no condition such as [name=value]"))?;
    let (key, equal) = key.strip_suffix('!').map_or((key, true), |key| (key, false));
    let text = |value: &str| value.trim().trim_matches('\'').to_owned();
    let test = match value.strip_prefix('~') {
        Some(pattern) => {
            let pattern = text(pattern);
            let wrong = |error| format!("`{pattern}` is no regular expression: {error}");
            Test::Like(Regex::new(&pattern).map_err(wrong)?)
        }
        None => Test::Is(text(value.get(1..).unwrap_or_default())),
    };
    Ok(Filter { key: key.trim().split('/').map(str::to_owned).collect(), test, equal })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn steps_of_every_kind() {
        let path =
            Path::parse("/vrfs/{VRF}/'a/b'?/via[type=ip][name!='x/y']/../.[a=b]/{KEY!=c}/*/c[1]/{}").unwrap();
        assert!(path.root);
        assert_eq!(path.values().collect::<Vec<_>>(), ["VRF", "KEY"]);
        let name =
            |name: &str, optional, filters| Step::Name { name: name.into(), optional, filters, first: false };
        let filter = |key: &str, value: &str, equal| Filter {
            key: vec![key.into()],
            test: Test::Is(value.into()),
            equal,
        };
        let wanted = [
            name("vrfs", false, vec![]),
            Step::Each { value: "VRF".into(), optional: false, except: None },
            name("a/b", true, vec![]),
            name("via", false, vec![filter("type", "ip", true), filter("name", "x/y", false)]),
            Step::Up,
            Step::Here { filters: vec![filter("a", "b", true)] },
            Step::Each { value: "KEY".into(), optional: false, except: Some("c".into()) },
            Step::Any,
            Step::Name { name: "c".into(), optional: false, filters: vec![], first: true },
            Step::Keys,
        ];
        assert_eq!(path.steps, wanted);
        let path = Path::parse("peer[rib/name!~'^bgp[.]'][as~^65]").unwrap();
        let like = |pattern: &str| Test::Like(Regex::new(pattern).unwrap());
        let wanted = [
            Filter { key: vec!["rib".into(), "name".into()], test: like("^bgp[.]"), equal: false },
            Filter { key: vec!["as".into()], test: like("^65"), equal: true },
        ];
        assert_eq!(path.steps, [name("peer", false, wanted.into())]);
        assert_eq!(Path::parse("/").unwrap(), Path { root: true, steps: vec![] });
        assert_eq!(Path::parse(".").unwrap(), Path { root: false, steps: vec![] });
    }

    #[test]
    fn wrong_paths_are_told() {
        for (text, message) in [
            ("a//b", "an empty step"),
            ("a/", "an empty step"),
            ("{vrf}", "no name of a value"),
            ("{VRF", "is not closed"),
            ("a[b", "is not closed"),
            ("a['b", "is not closed"),
            ("a[b]", "no condition"),
            ("a[b~'(']", "no regular expression"),
            ("{}/a", "must end the path"),
            ("[a=b]", "has no name"),
        ] {
            let error = Path::parse(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
