//! Trees from JSON as templates print it, and to JSON (RFC 7951).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::tree::{Content, Modules, Node, Scalar, scalar};
use crate::error::{Error, Result};

/// Reads the members of one node. A comma may stand behind the last member and the last item, so that
/// templates need not count.
///
/// `keys` has the keys of the lists by their names; they stand first in the entries.
pub fn read(
    text: &str,
    module: &Arc<str>,
    modules: &Modules,
    keys: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<Node>> {
    let value: Value = serde_json::from_str(&without_last_commas(text))
        .map_err(|error| Error::config(format!("it prints no JSON: {error}")))?;
    let Value::Object(members) = value else { return Err(Error::config("it prints no JSON object")) };
    Reader { modules, keys }.members(&members, module)
}

struct Reader<'a> {
    modules: &'a Modules,
    keys: &'a BTreeMap<String, Vec<String>>,
}

impl Reader<'_> {
    fn members(&self, members: &Map<String, Value>, module: &Arc<str>) -> Result<Vec<Node>> {
        let mut nodes = Vec::with_capacity(members.len());
        for (name, value) in members {
            let (module, name) = match name.split_once(':') {
                Some((module, name)) => {
                    let known = self.modules.get_key_value(module);
                    let (module, _) =
                        known.ok_or_else(|| Error::config(format!("the module `{module}` is not listed")))?;
                    (module, name)
                }
                None => (module, name.as_str()),
            };
            match value {
                // RFC 7951, 6.9.
                Value::Array(items) if items.as_slice() == [Value::Null] => {
                    nodes.push(node(module, name, Content::Leaf(Scalar::Empty)));
                }
                Value::Array(items) => {
                    for item in items {
                        nodes.push(self.entry(module, name, item)?);
                    }
                }
                Value::Object(inner) => {
                    nodes.push(node(module, name, Content::Inner(self.members(inner, module)?)));
                }
                value => {
                    let value = scalar(value)
                        .ok_or_else(|| Error::config(format!("`{name}` is null; leave it out")))?;
                    nodes.push(node(module, name, Content::Leaf(value)));
                }
            }
        }
        Ok(nodes)
    }

    fn entry(&self, module: &Arc<str>, name: &str, item: &Value) -> Result<Node> {
        let Value::Object(members) = item else {
            let value = scalar(item)
                .ok_or_else(|| Error::config(format!("an item of `{name}` is neither value nor object")))?;
            return Ok(node(module, name, Content::Leaf(value)).entry(0));
        };
        let children = self.members(members, module)?;
        let keys = self.keys.get(name).map(Vec::as_slice).unwrap_or_default();
        if !keys.iter().eq(children.iter().take(keys.len()).map(|child| &child.name)) {
            return Err(Error::config(format!("an entry of `{name}` does not begin with its keys {keys:?}")));
        }
        Ok(node(module, name, Content::Inner(children)).entry(keys.len()))
    }
}

fn node(module: &Arc<str>, name: &str, content: Content) -> Node {
    Node { module: Arc::clone(module), name: name.to_owned(), many: false, keys: 0, content }
}

fn without_last_commas(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' {
            quoted = true;
        } else if c == ',' {
            let next = text.get(at + 1..).unwrap_or_default().trim_start();
            if next.starts_with(['}', ']']) {
                continue;
            }
        }
        out.push(c);
    }
    out
}

/// Nodes as the members of an object; `around` is the module of the node around them.
pub fn value(nodes: &[Node], around: Option<&str>) -> Value {
    let mut members = Map::new();
    for node in nodes {
        let same = around == Some(&*node.module);
        let name = if same { node.name.clone() } else { format!("{}:{}", node.module, node.name) };
        let value = match &node.content {
            Content::Inner(children) => value(children, Some(&node.module)),
            Content::Leaf(Scalar::Text(text)) => Value::String(text.clone()),
            Content::Leaf(Scalar::Number(number)) => Value::Number(number.clone()),
            Content::Leaf(Scalar::Bool(value)) => Value::Bool(*value),
            Content::Leaf(Scalar::Empty) => Value::Array(vec![Value::Null]),
        };
        if !node.many {
            members.insert(name, value);
        } else if let Some(Value::Array(items)) = members.get_mut(&name) {
            items.push(value);
        } else {
            members.insert(name, Value::Array(vec![value]));
        }
    }
    Value::Object(members)
}

/// Writes nodes as one JSON document.
pub fn write(nodes: &[Node]) -> String {
    value(nodes, None).to_string()
}
