//! XML that profiles hold, as trees to send.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{Element, ElementError};

/// Deeper trees are no filters, and reading them would be at the cost of the stack.
const MAX_DEPTH: usize = 64;

impl Element {
    /// The elements of a text with one or several roots, as profiles have them: comments and the
    /// white space between elements are left out.
    ///
    /// # Errors
    /// The text is not well-formed, or has text beside its elements.
    pub fn parse(text: &str) -> Result<Vec<Self>, ElementError> {
        let wrong = |error: &dyn std::fmt::Display| ElementError::new(format!("this is no XML: {error}"));
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::known("")];
        loop {
            match reader.read_event().map_err(|error| wrong(&error))? {
                Event::Start(start) if open.len() <= MAX_DEPTH => open.push(begin(&start)?),
                Event::Start(_) => return Err(ElementError::new("the XML is nested too deeply")),
                Event::Empty(start) => put(&mut open, begin(&start)?)?,
                Event::End(_) => {
                    let element = open.pop().ok_or_else(|| wrong(&"an element ends that did not begin"))?;
                    put(&mut open, element)?;
                }
                Event::Text(piece) => add(&mut open, &piece),
                Event::CData(piece) => add(&mut open, &piece),
                Event::GeneralRef(reference) => {
                    let letter = reference.resolve_char_ref().map_err(|error| wrong(&error))?;
                    let known = letter.map(String::from).or_else(|| {
                        quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned)
                    });
                    add(&mut open, &known.ok_or_else(|| wrong(&"an entity that nobody declared"))?);
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some(root), true) if root.text.trim().is_empty() => Ok(root.children),
            (Some(_), true) => Err(ElementError::new("there is text beside the elements")),
            (Some(element), false) => Err(ElementError::new(format!(
                "the XML ends in the middle: `{}` is not closed",
                element.name
            ))),
            (None, _) => Err(ElementError::new("this is no XML")),
        }
    }
}

fn begin(start: &BytesStart<'_>) -> Result<Element, ElementError> {
    let mut element = Element::new(start.name().as_ref())?;
    for attribute in start.attributes() {
        let wrong = |error: &dyn std::fmt::Display| ElementError::new(format!("this is no XML: {error}"));
        let attribute = attribute.map_err(|error| wrong(&error))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| wrong(&error))?.into_owned();
        element = element.attribute(attribute.key.as_ref(), &value)?;
    }
    Ok(element)
}

/// Puts a whole element into the one around it; white space beside elements is only layout.
fn put(open: &mut [Element], mut element: Element) -> Result<(), ElementError> {
    if !element.children.is_empty() {
        if !element.text.trim().is_empty() {
            return Err(ElementError::new(format!("`{}` has text beside its elements", element.name)));
        }
        element.text.clear();
    }
    let parent = open.last_mut().ok_or_else(|| ElementError::new("this is no XML"))?;
    parent.children.push(element);
    Ok(())
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}
