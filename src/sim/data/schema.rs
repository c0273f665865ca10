//! The schema of a module, as far as the simulator has data of it: what `get-schema` gives (RFC 6022).

use std::fmt::Write as _;

use super::tree::{Content, Module, Node, Scalar};

/// The module's text in YANG. `tops` are the documents that it has; nodes of other modules in them
/// are left out.
pub fn schema(name: &str, module: &Module, tops: &[Node]) -> String {
    let mut out = format!(
        "module {name} {{\n  yang-version 1.1;\n  namespace \"{}\";\n  prefix {};\n\n  \
         description\n    \"The part of the module that this device has data of.\";\n\n  revision {};\n",
        module.namespace, module.prefix, module.revision
    );
    for top in tops.iter().filter(|top| *top.module == *name) {
        out.push('\n');
        statement(&[top], name, 1, &mut out);
    }
    out.push_str("}\n");
    out
}

/// All nodes of one name as one statement: the entries of a list differ in what they have.
fn statement(nodes: &[&Node], module: &str, level: usize, out: &mut String) {
    let Some(node) = nodes.first() else { return };
    let margin = "  ".repeat(level);
    let inner = nodes.iter().any(|node| matches!(node.content, Content::Inner(_)));
    let word = match (inner, node.many) {
        (true, true) => "list",
        (true, false) => "container",
        (false, true) => "leaf-list",
        (false, false) => "leaf",
    };
    let _ = writeln!(out, "{margin}{word} {} {{", node.name);
    if inner {
        let keys: Vec<&str> = node.key_leaves().iter().map(|key| key.name.as_str()).collect();
        if !keys.is_empty() {
            let _ = writeln!(out, "{margin}  key \"{}\";", keys.join(" "));
        }
        let mut names: Vec<&str> = Vec::new();
        for child in nodes.iter().flat_map(|node| node.children()) {
            if *child.module == *module && !names.contains(&child.name.as_str()) {
                names.push(&child.name);
            }
        }
        for name in names {
            let same = nodes.iter().flat_map(|node| node.children());
            let same: Vec<&Node> = same.filter(|child| child.is(Some(module), name)).collect();
            statement(&same, module, level + 1, out);
        }
    } else if let Content::Leaf(value) = &node.content {
        let kind = match value {
            Scalar::Text(_) => "string",
            Scalar::Number(_) => "int64",
            Scalar::Bool(_) => "boolean",
            Scalar::Empty => "empty",
        };
        let _ = writeln!(out, "{margin}  type {kind};");
    }
    let _ = writeln!(out, "{margin}}}");
}
