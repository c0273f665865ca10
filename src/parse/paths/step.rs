//! Paths: `/vrfs/{VRF}/routes/{PREFIX}/vias?`.

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
    /// `{NAME}`, `{NAME}?`: every entry of a map; its key becomes the value `NAME`.
    Each { value: String, optional: bool },
    /// `*`: every entry of a map.
    Any,
    /// `{}` at the end: the keys of a map.
    Keys,
}

/// `[key=value]` or `[key!=value]`: which of several entries are meant. A value that begins with a colon is compared
/// without the prefix of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub key: String,
    pub value: String,
    pub equal: bool,
}

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
        let good = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
        if !value.chars().all(good) {
            return Err(format!("`{value}` is no name of a value: capitals, digits and `_`"));
        }
        return Ok(Step::Each { value: value.to_owned(), optional });
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
        let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (inner, after) = inner.ok_or_else(|| format!("`{rest}` is no condition such as [name=value]"))?;
        filters.push(filter(inner)?);
        rest = after;
    }
    Ok(Step::Name { name: name.to_owned(), optional, filters, first })
}

fn filter(inner: &str) -> Result<Filter, String> {
    let parts = match inner.split_once("!=") {
        Some((key, value)) => Some((key, value, false)),
        None => inner.split_once('=').map(|(key, value)| (key, value, true)),
    };
    let (key, value, equal) =
        parts.ok_or_else(|| format!("`[{inner}]` is no condition such as [name=value]"))?;
    let value = value.trim().trim_matches('\'').to_owned();
    Ok(Filter { key: key.trim().to_owned(), value, equal })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn steps_of_every_kind() {
        let path = Path::parse("/vrfs/{VRF}/'a/b'?/via[type=ip][name!='x/y']/../*/c[1]/{}").unwrap();
        assert!(path.root);
        assert_eq!(path.values().collect::<Vec<_>>(), ["VRF"]);
        let name =
            |name: &str, optional, filters| Step::Name { name: name.into(), optional, filters, first: false };
        let filter = |key: &str, value: &str, equal| Filter { key: key.into(), value: value.into(), equal };
        let wanted = [
            name("vrfs", false, vec![]),
            Step::Each { value: "VRF".into(), optional: false },
            name("a/b", true, vec![]),
            name("via", false, vec![filter("type", "ip", true), filter("name", "x/y", false)]),
            Step::Up,
            Step::Any,
            Step::Name { name: "c".into(), optional: false, filters: vec![], first: true },
            Step::Keys,
        ];
        assert_eq!(path.steps, wanted);
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
            ("{}/a", "must end the path"),
            ("[a=b]", "has no name"),
        ] {
            let error = Path::parse(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
