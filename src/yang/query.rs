//! Query parameters of a GET (RFC 8040, 4.8).

use std::fmt::{self, Write as _};

use crate::error::{Error, Result};

/// Which data of a resource are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// `depth` (4.8.2).
    pub depth: Option<Depth>,
    /// `fields` (4.8.3).
    pub fields: Option<Fields>,
    /// `content` (4.8.1).
    pub content: Option<Content>,
}

/// How many levels of the tree; the resource itself is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// So many, from 1.
    Levels(std::num::NonZeroU16),
    /// All.
    Unbounded,
}

impl Depth {
    /// Reads a number from 1 to 65535 or `unbounded`.
    pub fn parse(text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("unbounded") {
            return Ok(Self::Unbounded);
        }
        text.parse().map(Self::Levels).map_err(|_| {
            Error::question(format!("`{text}` is no depth")).hint("a number from 1, or `unbounded`")
        })
    }
}

/// Nodes to select: `name;statistics(in-octets;out-octets)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(String);

/// One selected node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The module, where it is written.
    pub module: Option<String>,
    /// The node's name.
    pub name: String,
    /// What of it; all if there is nothing.
    pub fields: Vec<Field>,
}

impl Fields {
    /// Reads an expression; names are separated by `;` or by `,`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::question(format!("`{text}` does not select fields: {why}"))
                .hint("for example `fields=name;statistics(in-octets;out-octets)`")
        };
        let text: String = text.chars().map(|c| if c == ',' { ';' } else { c }).collect();
        let mut open = 0_u32;
        for c in text.chars() {
            match c {
                '(' => open += 1,
                ')' => open = open.checked_sub(1).ok_or_else(|| wrong("a `(` is missing"))?,
                ';' | '/' | ':' | '-' | '_' | '.' => {}
                c if c.is_ascii_alphanumeric() => {}
                other => return Err(wrong(&format!("`{other}` has no meaning there"))),
            }
        }
        match open {
            0 if text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => Ok(Self(text)),
            0 => Err(wrong("it begins with a name")),
            _ => Err(wrong("a `)` is missing")),
        }
    }

    /// The nodes as a tree: `a/b;a/c(d)` is `a` with `b` and `c`.
    pub fn tree(&self) -> Vec<Field> {
        let mut rest = self.0.as_str();
        fields(&mut rest)
    }
}

/// Reads up to the `)` that closes this level, or the end.
fn fields(rest: &mut &str) -> Vec<Field> {
    let mut found: Vec<Field> = Vec::new();
    loop {
        let end = rest.find([';', '(', ')']).unwrap_or(rest.len());
        let (way, after) = rest.split_at(end);
        *rest = after;
        let below = match rest.strip_prefix('(') {
            Some(inner) => {
                *rest = inner;
                let below = fields(rest);
                *rest = rest.strip_prefix(')').unwrap_or(rest);
                below
            }
            None => Vec::new(),
        };
        add(&mut found, way, below);
        match rest.strip_prefix(';') {
            Some(next) => *rest = next,
            None => return found,
        }
    }
}

fn add(found: &mut Vec<Field>, way: &str, below: Vec<Field>) {
    let (first, more) = match way.split_once('/') {
        Some((first, more)) => (first, Some(more)),
        None => (way, None),
    };
    if first.is_empty() {
        return;
    }
    let (module, name) = first.split_once(':').map_or((None, first), |(module, name)| (Some(module), name));
    let at = found.iter().position(|known| known.name == name).unwrap_or_else(|| {
        found.push(Field { module: module.map(str::to_owned), name: name.to_owned(), fields: Vec::new() });
        found.len() - 1
    });
    let Some(field) = found.get_mut(at) else { return };
    match more {
        Some(more) => add(&mut field.fields, more, below),
        None => field.fields.extend(below),
    }
}

/// Configuration, state or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Configuration only.
    Config,
    /// State only.
    Nonconfig,
    /// Both: what servers do when nothing is said.
    All,
}

/// As it is sent, with its question mark; empty when nothing is asked for.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sign = '?';
        let mut put = |name: &str, value: &dyn fmt::Display| {
            f.write_char(std::mem::replace(&mut sign, '&'))?;
            write!(f, "{name}={value}")
        };
        match self.depth {
            Some(Depth::Levels(levels)) => put("depth", &levels)?,
            Some(Depth::Unbounded) => put("depth", &"unbounded")?,
            None => {}
        }
        if let Some(Fields(fields)) = &self.fields {
            put("fields", fields)?;
        }
        match self.content {
            Some(Content::Config) => put("content", &"config"),
            Some(Content::Nonconfig) => put("content", &"nonconfig"),
            Some(Content::All) => put("content", &"all"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Content, Depth, Field, Fields, Query};

    #[test]
    fn fields_are_a_tree() {
        fn shown(fields: &[Field]) -> String {
            let one = |field: &Field| {
                let module = field.module.as_ref().map(|module| format!("{module}:")).unwrap_or_default();
                format!("{module}{}[{}]", field.name, shown(&field.fields))
            };
            fields.iter().map(one).collect::<Vec<_>>().join(" ")
        }
        for (text, wanted) in [
            ("name", "name[]"),
            ("a/b;m:c(d;e/f);a/g(h)", "a[b[] g[h[]]] m:c[d[] e[f[]]]"),
            ("a;;b", "a[] b[]"),
        ] {
            assert_eq!(shown(&Fields::parse(text).unwrap().tree()), wanted, "{text}");
        }
    }

    #[test]
    fn queries_are_written_as_the_standard_has_them() {
        let query = Query {
            depth: Some(Depth::parse("3").unwrap()),
            fields: Some(Fields::parse("name,ietf-ip:ipv4/address(ip;prefix-length)").unwrap()),
            content: Some(Content::Nonconfig),
        };
        let wanted = "?depth=3&fields=name;ietf-ip:ipv4/address(ip;prefix-length)&content=nonconfig";
        assert_eq!(query.to_string(), wanted);
        assert_eq!(Query::default().to_string(), "");
        for wrong in ["0", "65536", "x", ""] {
            assert!(Depth::parse(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "a&b=c", "a(b", "a)b(", "a b", "a#b", ";a"] {
            assert!(Fields::parse(wrong).is_err(), "{wrong}");
        }
    }
}
