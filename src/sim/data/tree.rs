//! The tree from which every form is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Number, Value};

/// A data node (RFC 7950, 3). The entries of a list, and of a leaf-list, are siblings.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its module.
    pub module: Arc<str>,
    /// Its name in that.
    pub name: String,
    /// Whether it is an entry of a list or leaf-list.
    pub many: bool,
    /// How many of its first children are the keys of a list's entry.
    pub keys: usize,
    /// What is in it.
    pub content: Content,
}

/// What is in a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Other nodes.
    Inner(Vec<Node>),
    /// A value.
    Leaf(Scalar),
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Text; also what JSON writes as text though it is a number (RFC 7951, 6.1), and identities as
    /// `module:name` (6.8).
    Text(String),
    /// A number of at most 32 bits.
    Number(Number),
    /// true or false.
    Bool(bool),
    /// The type `empty`.
    Empty,
}

/// A YANG module.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its XML namespace.
    pub namespace: String,
    /// Its prefix.
    pub prefix: String,
    /// Its revision.
    pub revision: String,
    /// Its features.
    #[serde(default)]
    pub features: Vec<String>,
    /// Modules that deviate from it.
    #[serde(default)]
    pub deviations: Vec<String>,
    /// In the library only, not in the hello of NETCONF: a module of YANG 1.1 (RFC 7950, 5.6.4).
    #[serde(default)]
    pub library_only: bool,
}

/// Modules by name.
pub type Modules = BTreeMap<Arc<str>, Module>;

impl Scalar {
    /// As text; an identity with the name of its module.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Empty => String::new(),
        }
    }
}

impl Node {
    /// A container, or an entry of a list.
    pub fn inner(module: &Arc<str>, name: &str, children: Vec<Self>) -> Self {
        let (module, name) = (Arc::clone(module), name.to_owned());
        Self { module, name, many: false, keys: 0, content: Content::Inner(children) }
    }

    /// A leaf.
    pub fn leaf(module: &Arc<str>, name: &str, value: impl Into<String>) -> Self {
        let (module, name) = (Arc::clone(module), name.to_owned());
        Self { module, name, many: false, keys: 0, content: Content::Leaf(Scalar::Text(value.into())) }
    }

    /// The same as an entry of a list with so many keys, or of a leaf-list.
    #[must_use]
    pub fn entry(mut self, keys: usize) -> Self {
        self.many = true;
        self.keys = keys;
        self
    }

    /// The nodes in it.
    pub fn children(&self) -> &[Self] {
        match &self.content {
            Content::Inner(children) => children,
            Content::Leaf(_) => &[],
        }
    }

    /// Whether it has this name, in this module if there is one.
    pub fn is(&self, module: Option<&str>, name: &str) -> bool {
        self.name == name && module.is_none_or(|module| *self.module == *module)
    }

    /// The same node with other children.
    #[must_use]
    pub fn with(&self, children: Vec<Self>) -> Self {
        Self {
            module: Arc::clone(&self.module),
            name: self.name.clone(),
            many: self.many,
            keys: self.keys,
            content: Content::Inner(children),
        }
    }

    /// The keys of an entry.
    pub fn key_leaves(&self) -> &[Self] {
        self.children().get(..self.keys).unwrap_or_default()
    }

    /// The value of a leaf, as text.
    pub fn value(&self) -> Option<String> {
        match &self.content {
            Content::Leaf(value) => Some(value.text()),
            Content::Inner(_) => None,
        }
    }
}

/// A value read from JSON; None for what is no value.
pub(super) fn scalar(value: &Value) -> Option<Scalar> {
    Some(match value {
        Value::String(text) => Scalar::Text(text.clone()),
        Value::Number(number) => Scalar::Number(number.clone()),
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    })
}
