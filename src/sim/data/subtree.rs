//! Subtree filters (RFC 6241, 6).

use super::markup::Element;
use super::tree::{Modules, Node};

/// What a filter picks of a node; None when it picks nothing.
pub fn subtree(node: &Node, filters: &[Element], modules: &Modules) -> Option<Node> {
    let fitting: Vec<&Element> = filters.iter().filter(|filter| fits(node, filter, modules)).collect();
    if fitting.is_empty() {
        return None;
    }
    let mut picked: Option<Node> = None;
    for filter in fitting {
        if filter.children.is_empty() {
            let text = filter.text.trim();
            // A content match (6.2.5) at the top is an empty one.
            let holds = text.is_empty() || node.value().as_deref() == Some(text);
            if holds {
                return Some(node.clone());
            }
            continue;
        }
        if let Some(found) = inside(node, filter, modules) {
            picked = Some(match picked {
                None => found,
                Some(before) => merge(node, &before, &found),
            });
        }
    }
    picked
}

/// A containment node (6.2.3) with its children.
fn inside(node: &Node, filter: &Element, modules: &Modules) -> Option<Node> {
    let (matches, others): (Vec<&Element>, Vec<&Element>) =
        filter.children.iter().partition(|child| child.children.is_empty() && !child.text.trim().is_empty());
    for wanted in &matches {
        let holds = node
            .children()
            .iter()
            .any(|child| fits(child, wanted, modules) && matches_text(child, wanted.text.trim()));
        if !holds {
            return None;
        }
    }
    if others.is_empty() {
        return Some(node.clone());
    }
    let others: Vec<Element> = others.into_iter().cloned().collect();
    let mut kept = Vec::new();
    let mut found = false;
    for (place, child) in node.children().iter().enumerate() {
        let matched = matches.iter().any(|wanted| fits(child, wanted, modules));
        let is_key = place < node.keys;
        match subtree(child, &others, modules) {
            Some(picked) => {
                found = true;
                kept.push(picked);
            }
            None if matched || is_key => kept.push(child.clone()),
            None => {}
        }
    }
    (found || !matches.is_empty()).then(|| node.with(kept))
}

/// Whether a leaf has the text; identities may be written with any prefix or none.
fn matches_text(node: &Node, text: &str) -> bool {
    let local = |text: &str| text.rsplit(':').next().unwrap_or_default().to_owned();
    node.value().is_some_and(|value| {
        value == text
            || (value.contains(':') && !value.contains("::") && {
                let module = value.split(':').next().unwrap_or_default();
                module.contains('-') && local(&value) == local(text)
            })
    })
}

fn fits(node: &Node, filter: &Element, modules: &Modules) -> bool {
    let namespace = modules.get(&node.module).map(|module| module.namespace.as_str());
    let base = "urn:ietf:params:xml:ns:netconf:base:1.0";
    // Without a namespace of its own a filter stands for any (6.2.1); clients inherit the base's.
    let any = filter.namespace.is_empty() || filter.namespace == base;
    node.name == filter.name && (any || Some(filter.namespace.as_str()) == namespace)
}

/// What either of two filters picked, in the order of the node.
fn merge(node: &Node, one: &Node, other: &Node) -> Node {
    if one == other || one == node {
        return one.clone();
    }
    let find = |picked: &Node, child: &Node| -> Option<Node> {
        let same = |candidate: &&Node| {
            candidate.name == child.name
                && candidate.module == child.module
                && (child.children().is_empty() || candidate.key_leaves() == child.key_leaves())
                && (!child.children().is_empty() || *candidate == child)
        };
        picked.children().iter().find(same).cloned()
    };
    let children = node.children().iter().filter_map(|child| match (find(one, child), find(other, child)) {
        (Some(a), Some(b)) => Some(merge(child, &a, &b)),
        (Some(a), None) | (None, Some(a)) => Some(a),
        (None, None) => None,
    });
    node.with(children.collect())
}
