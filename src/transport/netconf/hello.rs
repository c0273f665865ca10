//! The opening of a session (RFC 6241, 8.1): both sides say what they can.

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::capability::{BASE, Capabilities};
use super::element::{Element, ElementError};
use super::frame::Framing;
use super::rpc_error::{NAMESPACE, line};

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    /// Its capabilities.
    pub(super) capabilities: Capabilities,
    /// The number that it gave the session.
    pub(super) session: u32,
    /// How both will frame their messages from now on (RFC 6242, 4.1).
    pub(super) framing: Framing,
}

/// Our hello. Chunks are left out for servers that announce them and cannot do them.
///
/// # Errors
/// None: the text is a constant.
pub(super) fn ours(chunks: bool) -> Result<Vec<u8>, ElementError> {
    let versions: &[&str] = if chunks { &["1.0", "1.1"] } else { &["1.0"] };
    let capabilities =
        versions.iter().map(|version| Element::known("capability").text(format!("{BASE}{version}")));
    Element::known("hello")
        .namespace(NAMESPACE)
        .child(Element::known("capabilities").children(capabilities))
        .write()
}

/// Reads the server's hello. Text in front of it, such as a banner that a login script printed
/// into the channel, is passed over.
///
/// # Errors
/// It is no hello, or one that no session can begin with: a sentence without its subject.
pub(super) fn theirs(bytes: &[u8], chunks: bool) -> Result<Hello, String> {
    let text = String::from_utf8_lossy(bytes);
    let start = start(&text).ok_or_else(|| {
        let words: String = line(&text).chars().take(120).collect();
        format!("said `{words}` instead of a NETCONF hello")
    })?;
    let mut reader = Reader::from_str(text.get(start..).unwrap_or_default());
    let mut open: Vec<String> = Vec::new();
    let (mut uris, mut session) = (Vec::new(), None);
    let mut value = String::new();
    loop {
        match reader.read_event().map_err(|error| format!("sent a hello that is no XML: {error}"))? {
            Event::Start(element) => {
                open.push(element.local_name().as_ref().to_owned());
                value.clear();
            }
            Event::Text(piece) => value.push_str(&piece),
            Event::CData(piece) => value.push_str(&piece),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(letter)) => value.push(letter),
                _ => value.push_str(quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or("?")),
            },
            Event::End(_) => match open.pop().as_deref() {
                Some("capability") => uris.push(std::mem::take(&mut value)),
                Some("session-id") => session = Some(value.trim().to_owned()),
                _ => {}
            },
            Event::Eof if open.is_empty() => break,
            Event::Eof => return Err("sent a hello that is not whole".to_owned()),
            _ => {}
        }
    }
    let capabilities = Capabilities::new(uris.iter().map(String::as_str));
    let framing = match (capabilities.base("1.0"), capabilities.base("1.1") && chunks) {
        (_, true) => Framing::Chunked,
        (true, false) => Framing::EndMark,
        (false, false) => return Err("offers neither base:1.0 nor base:1.1 in its hello".to_owned()),
    };
    let session = session.ok_or("sent a hello without a session-id")?;
    let session = session
        .parse()
        .ok()
        .filter(|number| *number != 0)
        .ok_or_else(|| format!("sent a hello with the session-id `{}`", line(&session)))?;
    Ok(Hello { capabilities, session, framing })
}

/// Where the document begins: at the declaration or the root element, whichever is first.
fn start(text: &str) -> Option<usize> {
    let starts = |at: usize| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next()?;
        (name == "?xml" || name.rsplit(':').next() == Some("hello")).then_some(at)
    };
    let found = text.match_indices('<').find_map(|(at, _)| starts(at))?;
    // A banner may speak of XML, too; without the element there is no hello.
    text.get(found..)?.contains("hello").then_some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn hello(capabilities: &str, rest: &str) -> String {
        format!("<hello><capabilities>{capabilities}</capabilities>{rest}</hello>")
    }

    const ONE: &str = "<capability>urn:ietf:params:netconf:base:1.0</capability>";
    const TWO: &str = "<capability>\n urn:ietf:params:netconf:base:1.1\n</capability>";

    #[test]
    fn the_highest_common_framing_is_taken() {
        let read = |text: &str, chunks| theirs(text.as_bytes(), chunks).unwrap();
        let both = hello(&format!("{ONE}{TWO}"), "<session-id> 7 </session-id>");
        assert_eq!((read(&both, true).framing, read(&both, true).session), (Framing::Chunked, 7));
        assert_eq!(read(&both, false).framing, Framing::EndMark);
        let prefixed = both.replace('<', "<nc:").replace("<nc:/", "</nc:");
        let banner = format!("*** <<Authorized>> people only ***\r\n<?xml version='1.0'?>\n{prefixed}\n");
        assert_eq!(read(&banner, true), read(&both, true));
        assert_eq!(read(&hello(ONE, "<session-id>1</session-id>"), true).framing, Framing::EndMark);
    }

    #[test]
    fn what_no_session_can_begin_with() {
        let id = "<session-id>1</session-id>";
        for (text, words) in [
            (String::new(), "instead of a NETCONF hello"),
            ("Too many sessions\r\n".to_owned(), "said `Too many sessions` instead"),
            (hello("<capability>urn:x</capability>", id), "neither base:1.0 nor base:1.1"),
            (hello(ONE, ""), "without a session-id"),
            (hello(ONE, "<session-id>0</session-id>"), "the session-id `0`"),
            (hello(ONE, "<session-id>-1</session-id>"), "the session-id `-1`"),
            (hello(ONE, id).replace("</hello>", ""), "not whole"),
            ("<hello></a>".to_owned(), "no XML"),
        ] {
            let error = theirs(text.as_bytes(), true).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(String::from_utf8(ours(true).unwrap()).unwrap().contains("base:1.1</capability>"));
    }
}
