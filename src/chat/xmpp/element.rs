//! XML elements (RFC 6120, 11): read whole frames into small trees, and write them.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Deeper than any stanza.
const DEPTH: usize = 32;

/// An element with its namespace, attributes, children and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub name: String,
    pub space: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub text: String,
}

impl Element {
    /// Reads a frame of one element; `None` for anything else.
    pub(super) fn read(frame: &str) -> Option<Self> {
        let mut reader = Reader::from_str(frame);
        let mut open: Vec<Self> = Vec::new();
        loop {
            let done = match reader.read_event().ok()? {
                Event::Start(start) => {
                    if open.len() >= DEPTH {
                        return None;
                    }
                    let element = Self::begin(&start, open.last())?;
                    open.push(element);
                    None
                }
                Event::Empty(start) => Some(Self::begin(&start, open.last())?),
                Event::End(_) => Some(open.pop()?),
                Event::Text(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                    None
                }
                Event::CData(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                    None
                }
                Event::GeneralRef(reference) => {
                    let found = match reference.resolve_char_ref().ok()? {
                        Some(c) => c,
                        None => match &*reference {
                            "lt" => '<',
                            "gt" => '>',
                            "amp" => '&',
                            "quot" => '"',
                            "apos" => '\'',
                            _ => return None,
                        },
                    };
                    open.last_mut()?.text.push(found);
                    None
                }
                // A document type could define entities without end.
                Event::DocType(_) | Event::PI(_) | Event::Eof => return None,
                Event::Comment(_) | Event::Decl(_) => None,
            };
            if let Some(element) = done {
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Some(element),
                }
            }
        }
    }

    fn begin(start: &BytesStart<'_>, parent: Option<&Self>) -> Option<Self> {
        let full = start.name().as_ref().to_owned();
        let (prefix, name) = full.split_once(':').unwrap_or(("", &full));
        let mut element = Self { name: name.to_owned(), ..Self::default() };
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let key = attribute.key.as_ref().to_owned();
            element.attributes.push((key, unescape(&attribute.value)?));
        }
        let declared = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        element.space = match (element.attribute(&declared), parent) {
            (Some(space), _) => space.to_owned(),
            (None, Some(parent)) if prefix.is_empty() => parent.space.clone(),
            // Frames of streams declare `stream:` on the element itself; others are not ours to know.
            (None, _) => prefix.to_owned(),
        };
        Some(element)
    }

    pub(super) fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// A child by name and namespace.
    pub(super) fn of(&self, name: &str, space: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name && child.space == space)
    }
}

fn unescape(text: &str) -> Option<String> {
    quick_xml::escape::unescape(text).ok().map(std::borrow::Cow::into_owned)
}

/// Text as it may stand in an element or an attribute; what XML 1.0 cannot hold is left out.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn namespaces_and_entities_are_read() {
        let frame = "<message xmlns='jabber:client' from='a@b/c'><body>1 &lt; 2 &#x41;</body>\
                     <delay xmlns='urn:xmpp:delay' stamp='x'/></message>";
        let message = Element::read(frame).unwrap();
        assert_eq!((message.space.as_str(), message.attribute("from")), ("jabber:client", Some("a@b/c")));
        assert_eq!(message.child("body").unwrap().text, "1 < 2 A");
        assert!(message.of("delay", "urn:xmpp:delay").is_some());
        let features =
            "<stream:features xmlns:stream='http://etherx.jabber.org/streams'><x/></stream:features>";
        assert_eq!(Element::read(features).unwrap().name, "features");
        assert_eq!(Element::read("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), None);
    }

    proptest! {
        #[test]
        fn no_frame_panics(frame in "\\PC{0,60}|[<>/a-c='\"&;!\\[ -]{0,60}") {
            let _ = Element::read(&frame);
        }

        #[test]
        fn what_is_written_is_read_back(text in "(\\PC|[<>&'\"\n]){0,80}") {
            let frame = format!("<m to='{0}'><body>{0}</body></m>", escape(&text));
            let read = Element::read(&frame).unwrap();
            prop_assert_eq!(&read.child("body").unwrap().text, &text);
            prop_assert_eq!(read.children.len(), 1);
        }
    }
}
