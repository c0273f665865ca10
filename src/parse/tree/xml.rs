//! XML documents (XML 1.0, Namespaces in XML) to trees.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{MAX_DEPTH, NoDocument, Tree};

/// An element whose end has not come yet.
struct Open {
    name: String,
    entries: Vec<(String, Tree)>,
    text: String,
}

/// The document of a text: a map with the root element as its one entry. Names are local ones, without their
/// prefix. Lines before the first `<` at the beginning of a line are passed over.
///
/// # Errors
/// The text has no document, or it is not well-formed or not whole.
pub fn document(text: &str) -> Result<Tree, NoDocument> {
    let start = start(text).ok_or_else(|| NoDocument { message: "this is no XML".to_owned(), line: 1 })?;
    let body = text.get(start..).unwrap_or_default();
    let mut reader = Reader::from_str(body);
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event();
        let wrong = |message: String| {
            let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(body.len());
            let until = text.get(..start + end).unwrap_or(text);
            let line = until.matches('\n').count() + 1;
            NoDocument { message, line }
        };
        match event.map_err(|error| wrong(format!("this is no XML: {error}")))? {
            Event::Start(element) => {
                if open.len() >= MAX_DEPTH {
                    return Err(wrong(format!("the XML is nested deeper than {MAX_DEPTH} elements")));
                }
                if root.is_some() {
                    return Err(wrong("the XML has a second root element".to_owned()));
                }
                open.push(begin(&element).map_err(wrong)?);
            }
            Event::Empty(element) => {
                if root.is_some() {
                    return Err(wrong("the XML has a second root element".to_owned()));
                }
                let element = begin(&element).map_err(wrong)?;
                end(element, &mut open, &mut root);
            }
            Event::End(_) => {
                let Some(element) = open.pop() else {
                    return Err(wrong("an element ends that did not begin".to_owned()));
                };
                end(element, &mut open, &mut root);
            }
            Event::Text(piece) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&piece);
                }
            }
            Event::CData(piece) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&piece);
                }
            }
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                let known = match reference.resolve_char_ref() {
                    Ok(Some(letter)) => Some(letter.to_string()),
                    Ok(None) => quick_xml::escape::resolve_predefined_entity(name).map(str::to_owned),
                    Err(error) => return Err(wrong(format!("this is no XML: {error}"))),
                };
                let Some(known) = known else {
                    return Err(wrong(format!("the XML has the entity `&{name};`, which nobody declared")));
                };
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&known);
                }
            }
            Event::Eof => {
                return match (root, open.last()) {
                    (Some(root), None) => Ok(Tree::Map(vec![root])),
                    (_, Some(element)) => {
                        Err(wrong(format!("the XML ends in the middle: `{}` is not closed", element.name)))
                    }
                    (None, None) => Err(wrong("this is no XML".to_owned())),
                };
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// Where the first line that begins with `<` stands.
fn start(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('<') {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

fn begin(element: &BytesStart<'_>) -> Result<Open, String> {
    let mut entries = Vec::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| format!("this is no XML: {error}"))?;
        let key = attribute.key.as_ref();
        if key == "xmlns" || key.starts_with("xmlns:") {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| format!("this is no XML: {error}"))?;
        entries.push((format!("@{}", local(key)), Tree::Text(value.into_owned())));
    }
    Ok(Open { name: local(element.name().as_ref()), entries, text: String::new() })
}

/// Puts a whole element where it belongs.
fn end(element: Open, open: &mut [Open], root: &mut Option<(String, Tree)>) {
    let Open { name, mut entries, text } = element;
    let text = text.trim();
    let tree = match (entries.is_empty(), text.is_empty()) {
        (true, true) => Tree::Null,
        (true, false) => Tree::Text(text.to_owned()),
        (false, true) => Tree::Map(entries),
        (false, false) => {
            entries.push(("#text".to_owned(), Tree::Text(text.to_owned())));
            Tree::Map(entries)
        }
    };
    match open.last_mut() {
        Some(parent) => parent.entries.push((name, tree)),
        None => *root = Some((name, tree)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_text() {
        let found = document(
            "<?xml version=\"1.0\"?>\n<a:b xmlns:a='urn:x'>\n <c k='1&amp;2'>x &lt;&#252;&gt;</c><c/>\n\
             <!-- no --><d><![CDATA[<e>]]></d></a:b>\n",
        );
        let wanted = r##"Map([("b", Map([("c", Map([("@k", Text("1&2")), ("#text", Text("x <ü>"))])), ("c", Null), ("d", Text("<e>"))]))])"##;
        assert_eq!(format!("{:?}", found.unwrap()), wanted);
    }

    #[test]
    fn what_is_no_document_is_told_with_its_line() {
        for (text, line, message) in [
            ("error: syntax error", 1, "this is no XML"),
            ("", 1, "this is no XML"),
            ("<a>\n<b>", 2, "ends in the middle: `b` is not closed"),
            ("<a>\n</b>", 2, "this is no XML"),
            ("<a>&nosuch;</a>", 1, "the entity `&nosuch;`"),
            ("<a/><b/>", 1, "a second root element"),
        ] {
            let error = document(text).unwrap_err();
            assert!(error.line == line && error.message.contains(message), "{text}: {error:?}");
        }
        let deep = "<a>".repeat(1000);
        assert!(document(&deep).unwrap_err().message.contains("deeper"));
    }
}
