//! Paths of RESTCONF (RFC 8040, 3.5.3) through a tree.

use super::tree::Node;

/// A path as it came in a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    module: Option<String>,
    name: String,
    keys: Option<Vec<String>>,
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It is no path.
    Malformed(String),
    /// There is nothing.
    Nothing,
}

impl Path {
    /// Reads the part of a URI behind `data/`.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let mut steps = Vec::new();
        for part in text.trim_matches('/').split('/').filter(|_| !text.trim_matches('/').is_empty()) {
            let (name, keys) = part.split_once('=').map_or((part, None), |(name, keys)| (name, Some(keys)));
            let keys = keys.map(|keys| keys.split(',').map(decoded).collect::<Option<Vec<_>>>());
            let keys = keys.map(|keys| keys.ok_or_else(|| malformed(part))).transpose()?;
            let name = decoded(name).ok_or_else(|| malformed(part))?;
            let (module, name) = match name.split_once(':') {
                Some((module, name)) => (Some(module.to_owned()), name.to_owned()),
                None => (None, name),
            };
            if name.is_empty() || (steps.is_empty() && module.is_none()) {
                return Err(malformed(part));
            }
            steps.push(Step { module, name, keys });
        }
        Ok(Self { steps })
    }

    /// The document that it is in: module and name.
    pub fn top(&self) -> Option<(&str, &str)> {
        let step = self.steps.first()?;
        Some((step.module.as_deref().unwrap_or_default(), &step.name))
    }

    /// What stands there, below the nodes of the datastore: one node, or the entries of a list.
    pub fn find(&self, nodes: &[Node]) -> Result<Vec<Node>, Wrong> {
        let Some((first, rest)) = self.steps.split_first() else { return Ok(nodes.to_vec()) };
        let mut found = first.select(nodes, None)?;
        for step in rest {
            let [node] = found.as_slice() else {
                return Err(Wrong::Malformed("a list on the way has no keys".to_owned()));
            };
            let module = node.module.clone();
            found = step.select(node.children(), Some(&module))?;
        }
        Ok(found.into_iter().cloned().collect())
    }
}

impl Step {
    fn select<'n>(&self, nodes: &'n [Node], around: Option<&str>) -> Result<Vec<&'n Node>, Wrong> {
        let module = self.module.as_deref().or(around);
        let mut found: Vec<&Node> = nodes.iter().filter(|node| node.is(module, &self.name)).collect();
        if let Some(keys) = &self.keys {
            let wrong = found.iter().find(|node| {
                let leaf = node.many && node.keys == 0 && node.children().is_empty();
                (if leaf { 1 } else { node.keys }) != keys.len()
            });
            if wrong.is_some() {
                return Err(Wrong::Malformed(format!("`{}` has another number of keys", self.name)));
            }
            found.retain(|node| match node.value() {
                Some(value) => keys.iter().eq([&value]),
                None => node
                    .key_leaves()
                    .iter()
                    .map(|key| key.value().unwrap_or_default())
                    .eq(keys.iter().cloned()),
            });
        }
        if found.is_empty() { Err(Wrong::Nothing) } else { Ok(found) }
    }
}

fn malformed(part: &str) -> Wrong {
    Wrong::Malformed(format!("`{part}` is no step of a path"))
}

/// Percent-decoding (RFC 3986, 2.1).
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit =
            |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).ok()
}
