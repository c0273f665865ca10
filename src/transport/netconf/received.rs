//! What a server sends: replies, notifications, hellos (RFC 6241, 4.2; RFC 5277, 4). A message is
//! looked at only as far as the session needs it; its text is for the parsers.

use memchr::memmem;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::rpc_error::{self, RpcError, line};

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An `rpc-reply`, with its `message-id` if it has one.
    Reply(Option<String>),
    /// A `notification`.
    Notification,
    /// Another element, by its name.
    Other(String),
}

/// A message as text.
pub(super) struct Received {
    /// What it is.
    pub(super) kind: Kind,
    /// All of it.
    pub(super) text: String,
    /// Whether bytes that are no UTF-8 were replaced.
    pub(super) lossy: bool,
}

/// Looks at a whole message.
///
/// # Errors
/// It is no XML document, or not a whole one: in one sentence without its subject.
pub(super) fn receive(bytes: Vec<u8>) -> Result<Received, String> {
    let (text, lossy) = match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        // One name in an old encoding shall not hide everything else that the device has to say.
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    };
    let mut reader = Reader::from_str(&text);
    let kind = loop {
        match reader.read_event() {
            Ok(Event::Start(root)) => {
                let kind = kind(&root)?;
                if !closed(&text, root.name().as_ref()) {
                    whole(&text)?;
                }
                break kind;
            }
            Ok(Event::Empty(root)) => break kind(&root)?,
            Ok(Event::Text(piece)) if !piece.trim().is_empty() => return Err(no_xml(&text)),
            Ok(Event::Eof) => return Err(no_xml(&text)),
            Err(error) => return Err(format!("no well-formed XML: {error}")),
            Ok(_) => {}
        }
    };
    Ok(Received { kind, text, lossy })
}

fn no_xml(text: &str) -> String {
    let start: String = line(text).chars().take(80).collect();
    format!("no XML: `{start}`")
}

fn kind(root: &BytesStart<'_>) -> Result<Kind, String> {
    Ok(match root.local_name().as_ref() {
        "rpc-reply" => {
            let mut id = None;
            for attribute in root.attributes() {
                let attribute = attribute.map_err(|error| format!("no well-formed XML: {error}"))?;
                // Some servers write it with a prefix.
                if attribute.key.local_name().as_ref() == "message-id" {
                    let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                    id = Some(value.map_err(|error| format!("no well-formed XML: {error}"))?.into_owned());
                }
            }
            Kind::Reply(id)
        }
        "notification" => Kind::Notification,
        other => Kind::Other(line(other)),
    })
}

/// Whether the text ends with the root's end tag: nearly always, and quickly seen.
fn closed(text: &str, root: &str) -> bool {
    let rest = text.trim_end().strip_suffix('>').and_then(|rest| rest.trim_end().strip_suffix(root));
    rest.is_some_and(|rest| rest.ends_with("</"))
}

/// Reads a message to its end, to see whether it has one.
fn whole(text: &str) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        match reader.read_event().map_err(|error| format!("no well-formed XML: {error}"))? {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => {
                return Err(format!(
                    "not whole: it ends with {depth} elements open after {} bytes",
                    text.len()
                ));
            }
            _ => {}
        }
    }
}

impl Received {
    /// The errors in it. Nearly all replies have none, and are not read for it.
    ///
    /// # Errors
    /// As [`receive`].
    pub(super) fn errors(&self) -> Result<Vec<RpcError>, String> {
        if memmem::find(self.text.as_bytes(), b"rpc-error").is_none() {
            return Ok(Vec::new());
        }
        rpc_error::errors(&self.text).map_err(|error| format!("no well-formed XML: {error}"))
    }
}

/// The text in the first element of a reply, without markup: a schema (RFC 6022, 4).
///
/// # Errors
/// As [`receive`].
pub(super) fn content(text: &str) -> Result<String, String> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    let mut content = String::new();
    loop {
        match reader.read_event().map_err(|error| format!("no well-formed XML: {error}"))? {
            Event::Start(_) => depth += 1,
            Event::End(_) if depth <= 2 => return Ok(content),
            Event::End(_) => depth -= 1,
            Event::Text(piece) if depth >= 2 => {
                content.push_str(&piece.xml_content(XmlVersion::Implicit1_0));
            }
            Event::CData(piece) if depth >= 2 => {
                content.push_str(&piece.xml_content(XmlVersion::Implicit1_0));
            }
            Event::GeneralRef(reference) if depth >= 2 => {
                if let Ok(Some(letter)) = reference.resolve_char_ref() {
                    content.push(letter);
                } else {
                    let known = quick_xml::escape::resolve_predefined_entity(&reference);
                    content.push_str(known.ok_or("no well-formed XML: an entity that nobody declared")?);
                }
            }
            Event::Eof => return Ok(content),
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn look(text: &str) -> Result<Kind, String> {
        receive(text.as_bytes().to_vec()).map(|received| received.kind)
    }

    #[test]
    fn messages_are_told_apart() {
        let head = "<?xml version='1.0'?>\n<!-- x -->\n";
        assert_eq!(
            look(&format!("{head}<nc:rpc-reply message-id='1&#50;'>x</nc:rpc-reply >\n")),
            Ok(Kind::Reply(Some("12".into())))
        );
        assert_eq!(look("<rpc-reply/>"), Ok(Kind::Reply(None)));
        assert_eq!(look("<notification><a/></notification><!-- end -->"), Ok(Kind::Notification));
        assert_eq!(look("<html></html>"), Ok(Kind::Other("html".into())));
    }

    #[test]
    fn what_is_no_whole_message_is_told() {
        for (text, words) in [
            ("", "no XML"),
            ("% Too many sessions", "no XML: `% Too many sessions`"),
            ("<rpc-reply><data><![CDATA[ x", "no well-formed XML"),
            ("<rpc-reply><data><!-- ", "no well-formed XML"),
            ("<rpc-reply><data>", "ends with 2 elements open"),
            ("<rpc-reply a='1' a='2'></rpc-reply>", "no well-formed XML"),
        ] {
            let error = look(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        let old = receive(b"<rpc-reply>K\xf6ln</rpc-reply>".to_vec()).unwrap();
        assert!(old.lossy && old.text.contains("K\u{fffd}ln"));
    }

    #[test]
    fn a_schema_is_unwrapped() {
        let text = "<rpc-reply>\n<data xmlns='x'><![CDATA[module a {\n]]>  b &lt; &quot;c&#34;\n}</data>\n</rpc-reply>";
        assert_eq!(content(text).unwrap(), "module a {\n  b < \"c\"\n}");
        assert_eq!(content("<rpc-reply><ok/></rpc-reply>").unwrap(), "");
    }
}
