//! Small XML documents: errors, host-meta, the YANG library. Data are not read here.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How deep a document may be nested.
const MAX_DEPTH: usize = 120;

/// An element without its namespace.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The text of the first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|child| child.name == name).map(|child| child.text.trim())
    }

    /// Its text and that of its children.
    pub(super) fn whole_text(&self) -> String {
        let mut parts = vec![self.text.trim().to_owned()];
        parts.extend(self.children.iter().map(Self::whole_text));
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }
}

fn begin(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let name = attribute.key.local_name().as_ref().to_owned();
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?;
        element.attributes.push((name, value.into_owned()));
    }
    Ok(element)
}

/// Whether a text is one whole document, and the local name of its root. Nothing is kept of it.
pub(super) fn root_of(text: &str) -> Result<String, String> {
    let mut reader = Reader::from_str(text);
    let mut open = 0_usize;
    let mut root: Option<String> = None;
    loop {
        let start = match reader.read_event().map_err(|error| place(&reader, text, &error.to_string()))? {
            Event::Start(start) => {
                open += 1;
                start
            }
            Event::Empty(start) => start,
            Event::End(_) => {
                open = open.saturating_sub(1);
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        if root.is_none() {
            root = Some(start.local_name().as_ref().to_owned());
        }
    }
    match root {
        Some(root) if open == 0 => Ok(root),
        Some(_) => Err("it ends in the middle".to_owned()),
        None => Err("it has no element".to_owned()),
    }
}

fn place(reader: &Reader<&[u8]>, text: &str, message: &str) -> String {
    let at = usize::try_from(reader.error_position()).unwrap_or(text.len());
    let line = text.get(..at).unwrap_or(text).matches('\n').count();
    format!("{message} (line {})", line + 1)
}

/// Reads a document whole.
pub(super) fn read(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) if open.len() < MAX_DEPTH => open.push(begin(&start)?),
            Event::Start(_) => return Err("it is nested too deep".to_owned()),
            Event::Empty(start) => {
                let element = begin(&start)?;
                add(&mut open, element);
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    add(&mut open, element);
                }
            }
            Event::Text(text) => say(&mut open, &text),
            Event::CData(text) => say(&mut open, &text),
            Event::GeneralRef(reference) => {
                let raw = format!("&{};", &*reference);
                let meant = quick_xml::escape::unescape(&raw).map_err(|error| error.to_string())?;
                say(&mut open, &meant);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let mut top = open.pop().unwrap_or_default();
    match (open.is_empty(), top.children.pop()) {
        (true, Some(root)) => Ok(root),
        (true, None) => Err("it has no element".to_owned()),
        (false, _) => Err("it ends in the middle".to_owned()),
    }
}

fn add(open: &mut [Element], element: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(element);
    }
}

fn say(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}
