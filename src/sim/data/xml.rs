//! Trees as XML (RFC 7950, 7).

use quick_xml::escape::escape;

use super::tree::{Content, Modules, Node};

/// Text as it stands between tags or quotes.
pub fn escaped(text: &str) -> String {
    escape(text).into_owned()
}

/// Appends nodes to a document; `around` is the module whose namespace holds there.
pub fn write(nodes: &[Node], modules: &Modules, around: Option<&str>, out: &mut String) {
    for node in nodes {
        out.push('<');
        out.push_str(&node.name);
        if around != Some(&*node.module) {
            let namespace = modules.get(&node.module).map_or(&*node.module, |module| &module.namespace);
            declare(out, "xmlns", namespace);
        }
        match &node.content {
            Content::Inner(children) if children.is_empty() => {
                out.push_str("/>");
                continue;
            }
            Content::Inner(children) => {
                out.push('>');
                write(children, modules, Some(&node.module), out);
            }
            Content::Leaf(value) => {
                let text = value.text();
                if text.is_empty() {
                    out.push_str("/>");
                    continue;
                }
                // An identity (RFC 7950, 9.10.3).
                let identity =
                    text.split_once(':').and_then(|(module, name)| Some((modules.get(module)?, name)));
                if let Some((module, name)) = identity {
                    declare(out, &format!("xmlns:{}", module.prefix), &module.namespace);
                    out.push('>');
                    out.push_str(&module.prefix);
                    out.push(':');
                    out.push_str(&escape(name));
                } else {
                    out.push('>');
                    out.push_str(&escape(text.as_str()));
                }
            }
        }
        out.push_str("</");
        out.push_str(&node.name);
        out.push('>');
    }
}

fn declare(out: &mut String, name: &str, namespace: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    out.push_str(&escape(namespace));
    out.push('"');
}
