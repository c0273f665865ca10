//! XML that is sent: a tree that is checked as it is made and written by quick-xml's writer.
//!
//! Whatever text comes from a question, a profile or an inventory stands in such a tree as a value,
//! never as markup: the writer escapes it, and names are checked, because the writer takes those as
//! they are.

mod read;

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

/// Why XML cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ElementError(String);

impl ElementError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// An element (XML 1.0, 3) with its attributes, and text or elements in it.
///
/// `Debug` shows names only: values may be secrets of a configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl std::fmt::Debug for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Element")
            .field("name", &self.name)
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

impl Element {
    /// An empty element; the name may have a prefix.
    ///
    /// # Errors
    /// It is no name (Namespaces in XML, 3).
    pub fn new(name: &str) -> Result<Self, ElementError> {
        Ok(Self::known(checked(name)?))
    }

    /// An element of the protocol itself, whose name is a constant of this module.
    pub(super) fn known(name: &str) -> Self {
        Self { name: name.to_owned(), attributes: Vec::new(), text: String::new(), children: Vec::new() }
    }

    /// The same in a default namespace, which the elements in it inherit.
    #[must_use]
    pub fn namespace(self, uri: &str) -> Self {
        self.with("xmlns", uri)
    }

    /// The same with an attribute; `xmlns:x` declares a prefix.
    ///
    /// # Errors
    /// It is no name.
    pub fn attribute(self, name: &str, value: &str) -> Result<Self, ElementError> {
        checked(name)?;
        Ok(self.with(name, value))
    }

    /// An attribute whose name is a constant of this module.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.attributes.retain(|(other, _)| other != name);
        self.attributes.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with text in it.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// The same with one more element in it.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// The same with more elements in it.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// Its name, with its prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As people write it, on one line: `get-route-information(active-path table=RED.inet.0)`. Another value is another text, which
    /// `Debug` does not promise.
    pub fn readable(&self) -> String {
        let mut out = self.name.clone();
        if !self.text.is_empty() {
            out.push('=');
            out.push_str(&self.text);
        }
        let attributes = self.attributes.iter().map(|(name, value)| format!("@{name}={value}"));
        let within: Vec<String> = attributes.chain(self.children.iter().map(Self::readable)).collect();
        if within.is_empty() { out } else { format!("{out}({})", within.join(" ")) }
    }

    /// The same with every text and attribute value changed by `fill`: puts arguments into a
    /// profile's filter. What it gives stays a value; where it gives nothing, the element is left away.
    #[must_use]
    pub fn try_map_values(&self, fill: &mut dyn FnMut(&str) -> Option<String>) -> Option<Self> {
        let attributes = self.attributes.iter().map(|(name, value)| Some((name.clone(), fill(value)?)));
        Some(Self {
            name: self.name.clone(),
            attributes: attributes.collect::<Option<_>>()?,
            text: fill(&self.text)?,
            children: self.children.iter().filter_map(|child| child.try_map_values(fill)).collect(),
        })
    }

    /// Writes the document.
    ///
    /// # Errors
    /// A value has a character that XML does not have (XML 1.0, 2.2).
    pub(super) fn write(&self) -> Result<Vec<u8>, ElementError> {
        let mut writer = Writer::new(Vec::with_capacity(256));
        self.write_to(&mut writer)?;
        Ok(writer.into_inner())
    }

    fn write_to(&self, writer: &mut Writer<Vec<u8>>) -> Result<(), ElementError> {
        let wrong = |error: std::io::Error| ElementError::new(error.to_string());
        let mut start = BytesStart::new(self.name.as_str());
        for (name, value) in &self.attributes {
            start.push_attribute((name.as_str(), sendable(value)?));
        }
        if self.text.is_empty() && self.children.is_empty() {
            return writer.write_event(Event::Empty(start)).map_err(wrong);
        }
        writer.write_event(Event::Start(start)).map_err(wrong)?;
        if !self.text.is_empty() {
            writer.write_event(Event::Text(BytesText::new(sendable(&self.text)?))).map_err(wrong)?;
        }
        for child in &self.children {
            child.write_to(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str()))).map_err(wrong)
    }
}

/// A name with at most one prefix.
fn checked(name: &str) -> Result<&str, ElementError> {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
            && letters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    let (first, rest) = name.split_once(':').unwrap_or((name, "x"));
    if part(first) && part(rest) {
        Ok(name)
    } else {
        Err(ElementError::new(format!("`{}` is no name of an element", name.escape_default())))
    }
}

fn sendable(text: &str) -> Result<&str, ElementError> {
    let known = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    match text.chars().find(|c| !known(*c)) {
        None => Ok(text),
        Some(c) => Err(ElementError::new(format!("the character `{}` cannot be sent", c.escape_default()))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_escaped_and_names_checked() {
        let element = Element::new("a").unwrap().attribute("k", "\"<&>'").unwrap().text("]]>]]></a><b/>&ü");
        let text = String::from_utf8(element.write().unwrap()).unwrap();
        assert!(!text.contains("]]>") && !text.contains("<b/>") && text.contains('ü'), "{text}");
        for name in ["", "a b", "a><b", "1a", "a:b:c", ":a", "a:", "a/", "xmlns=\"x\""] {
            assert!(Element::new(name).is_err(), "{name}");
        }
        for text in ["\0", "\u{1b}[31m", "\u{fffe}"] {
            assert!(Element::known("a").text(text).write().is_err());
        }
    }

    #[test]
    fn a_profiles_filter_is_read_and_filled() {
        let filter = "<!-- one -->\n<x:vrfs xmlns:x='urn:x'>\n  <vrf><name>{vrf}</name><!-- --><t/></vrf>\n</x:vrfs>\n<b/>";
        let elements = Element::parse(filter).unwrap();
        assert_eq!(elements.len(), 2);
        let filled =
            elements[0].try_map_values(&mut |text| Some(text.replace("{vrf}", "RED</name>"))).unwrap();
        assert_eq!(
            String::from_utf8(filled.write().unwrap()).unwrap(),
            "<x:vrfs xmlns:x=\"urn:x\"><vrf><name>RED&lt;/name&gt;</name><t/></vrf></x:vrfs>"
        );
        for wrong in
            ["text", "<a>", "<a></b>", "<a>x<b/></a>", "<a/>x", "</a>", "<a>&x;</a>", "<a b=\"\" b=\"\"/>"]
        {
            assert!(Element::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Element::parse(&"<a>".repeat(5000)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_same(text in "[ -~äöü€\n]{0,40}", value in "[ -~ä]{0,20}") {
            let element = Element::known("a").with("k", &value).text(text.clone());
            let written = String::from_utf8(element.write().unwrap()).unwrap();
            prop_assert_eq!(Element::parse(&written).unwrap(), vec![element]);
        }

        #[test]
        fn any_text_is_survived(text in "[<>/a-c&;#x:='\" !\\[\\]-]{0,60}") {
            let _ = Element::parse(&text);
        }
    }
}
