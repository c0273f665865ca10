//! XML that clients send: elements with their namespaces.

use std::collections::BTreeMap;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Deeper XML is no request.
const MOST_DEEP: usize = 64;

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Its namespace; empty when it has none.
    pub namespace: String,
    /// Its local name.
    pub name: String,
    /// Its attributes as written, declarations of namespaces left out.
    pub attributes: Vec<(String, String)>,
    /// The prefixes that hold in it, the default namespace under the empty one.
    pub prefixes: BTreeMap<String, String>,
    /// The text in it.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("no well-formed XML: {error}");
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|error| wrong(&error))? {
                Event::Start(start) if open.len() <= MOST_DEEP => {
                    let element = begin(&start, open.last())?;
                    open.push(element);
                }
                Event::Start(_) => return Err("nested too deeply".to_owned()),
                Event::Empty(start) => {
                    let element = begin(&start, open.last())?;
                    put(&mut open, element)?;
                }
                Event::End(_) => {
                    let element = open.pop().ok_or("an element ends that did not begin")?;
                    put(&mut open, element)?;
                }
                Event::Text(piece) => add(&mut open, &piece),
                Event::CData(piece) => add(&mut open, &piece),
                Event::GeneralRef(reference) => {
                    let letter = reference.resolve_char_ref().map_err(|error| wrong(&error))?;
                    let known = letter.map(String::from).or_else(|| {
                        quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned)
                    });
                    add(&mut open, &known.ok_or("an entity that nobody declared")?);
                }
                Event::DocType(_) => return Err("a document type is not allowed (RFC 6241, 3)".to_owned()),
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some(mut root), true) if root.children.len() == 1 => root.children.pop().ok_or_else(String::new),
            _ => Err("not one whole element".to_owned()),
        }
    }

    /// The first child with this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// An attribute as written.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn begin(start: &BytesStart<'_>, around: Option<&Element>) -> Result<Element, String> {
    let mut element = Element::default();
    if let Some(around) = around {
        element.prefixes.clone_from(&around.prefixes);
    }
    for attribute in start.attributes() {
        let wrong = |error: &dyn std::fmt::Display| format!("no well-formed XML: {error}");
        let attribute = attribute.map_err(|error| wrong(&error))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| wrong(&error))?;
        let value = value.into_owned();
        let name: &str = attribute.key.as_ref();
        if name == "xmlns" {
            element.prefixes.insert(String::new(), value);
        } else if let Some(prefix) = name.strip_prefix("xmlns:") {
            element.prefixes.insert(prefix.to_owned(), value);
        } else {
            element.attributes.push((name.to_owned(), value));
        }
    }
    let name = start.name();
    let name: &str = name.as_ref();
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    local.clone_into(&mut element.name);
    element.namespace = match element.prefixes.get(prefix) {
        Some(namespace) => namespace.clone(),
        None if prefix.is_empty() => String::new(),
        None => return Err(format!("the prefix `{prefix}` is not declared")),
    };
    Ok(element)
}

fn put(open: &mut [Element], mut element: Element) -> Result<(), String> {
    if !element.children.is_empty() {
        element.text.clear();
    }
    let around = open.last_mut().ok_or("an element ends that did not begin")?;
    around.children.push(element);
    Ok(())
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}
