//! The query parameters of RESTCONF (RFC 8040, 4.8): depth, fields, content.

use super::path::decoded;
use super::tree::{Content as Inside, Node};

/// Cuts a tree below so many levels; the node itself is the first.
pub fn depth(node: &Node, levels: usize) -> Node {
    match &node.content {
        Inside::Leaf(_) => node.clone(),
        Inside::Inner(_) if levels <= 1 => node.with(Vec::new()),
        Inside::Inner(children) => node.with(children.iter().map(|child| depth(child, levels - 1)).collect()),
    }
}

/// The parameter `fields`: names with what is wanted in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, Fields)>);

impl Fields {
    /// Reads `a;b/c(d;e)`. None for what is no such expression.
    pub fn parse(text: &str) -> Option<Self> {
        let text = decoded(text)?;
        let mut rest = text.as_str();
        let fields = Self::list(&mut rest, 0)?;
        rest.is_empty().then_some(fields)
    }

    fn list(rest: &mut &str, deep: usize) -> Option<Self> {
        if deep > 32 {
            return None;
        }
        let mut fields = Self::default();
        loop {
            fields.0.push(Self::field(rest, deep)?);
            match rest.strip_prefix(';') {
                Some(more) => *rest = more,
                None => return Some(fields),
            }
        }
    }

    fn field(rest: &mut &str, deep: usize) -> Option<(String, Self)> {
        let end = rest.find(['/', '(', ')', ';']).unwrap_or(rest.len());
        let (name, more) = rest.split_at(end);
        *rest = more;
        if name.is_empty() || deep > 32 {
            return None;
        }
        let inside = if let Some(more) = rest.strip_prefix('/') {
            *rest = more;
            Self(vec![Self::field(rest, deep + 1)?])
        } else if let Some(more) = rest.strip_prefix('(') {
            *rest = more;
            let inside = Self::list(rest, deep + 1)?;
            *rest = rest.strip_prefix(')')?;
            inside
        } else {
            Self::default()
        };
        Some((name.to_owned(), inside))
    }
}

/// Keeps the fields that are wanted; all of a node where none is named.
pub fn fields(node: &Node, wanted: &Fields) -> Node {
    let (Inside::Inner(children), false) = (&node.content, wanted.0.is_empty()) else { return node.clone() };
    let mut kept: Vec<Node> = Vec::new();
    for child in children {
        let names = wanted.0.iter().filter(|(name, _)| {
            let (module, local) = match name.split_once(':') {
                Some((module, local)) => (Some(module), local),
                None => (None, name.as_str()),
            };
            child.is(module, local)
        });
        let inside: Vec<&Fields> = names.map(|(_, inside)| inside).collect();
        if inside.iter().any(|inside| inside.0.is_empty()) {
            kept.push(child.clone());
        } else if !inside.is_empty() {
            let all = Fields(inside.into_iter().flat_map(|inside| inside.0.clone()).collect());
            let picked = fields(child, &all);
            if !picked.children().is_empty() {
                kept.push(picked);
            }
        }
    }
    node.with(kept)
}

/// The parameter `content`, and what `get-config` wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Everything.
    All,
    /// Configuration.
    Config,
    /// State.
    State,
}

/// Keeps configuration or state of a document of configuration, in which the nodes with the names
/// of `state` are state. None when nothing is left.
pub fn wanted(node: &Node, content: Content, state: &[String]) -> Option<Node> {
    let is_state = state.contains(&node.name);
    match content {
        Content::All => Some(node.clone()),
        Content::Config if is_state => None,
        Content::State if is_state => Some(node.clone()),
        Content::Config => Some(match &node.content {
            Inside::Leaf(_) => node.clone(),
            Inside::Inner(children) => {
                node.with(children.iter().filter_map(|child| wanted(child, content, state)).collect())
            }
        }),
        Content::State => {
            let kept: Vec<Node> =
                node.children().iter().filter_map(|child| wanted(child, content, state)).collect();
            if kept.is_empty() {
                return None;
            }
            Some(node.with(node.key_leaves().iter().cloned().chain(kept).collect()))
        }
    }
}
