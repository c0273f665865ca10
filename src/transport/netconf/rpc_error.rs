//! Errors of the protocol (RFC 6241, 4.3): every field, and one line for a person.

use std::fmt;

use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// The namespace of messages (RFC 6241, 3.1).
pub(super) const NAMESPACE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";
/// Errors kept of one reply.
const MAX_ERRORS: usize = 64;
/// Letters of a server's words in one line of ours.
const SHOWN: usize = 300;

/// Whether something failed or is only remarked (RFC 6241, 4.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Severity {
    /// It failed.
    #[default]
    Error,
    /// It is remarked.
    Warning,
}

/// One `rpc-error` (RFC 6241, 4.3 and appendix A). What is missing in it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RpcError {
    /// The layer: `transport`, `rpc`, `protocol` or `application`.
    pub error_type: String,
    /// The condition, such as `invalid-value` or `access-denied`.
    pub tag: String,
    /// Whether it failed.
    pub severity: Severity,
    /// The condition in the data model's or the vendor's words.
    pub app_tag: Option<String>,
    /// Where in the data, as an XPath expression.
    pub path: Option<String>,
    /// The words for a person.
    pub message: Option<String>,
    /// The leaves of `error-info`, by their local names: `bad-element`, `session-id`, ….
    pub info: Vec<(String, String)>,
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = if self.tag.is_empty() { "an error without a tag" } else { &self.tag };
        match self.message.as_deref().map(line).filter(|text| !text.is_empty()) {
            Some(message) => write!(f, "{message} ({}", line(tag))?,
            None => write!(f, "{} (no message", line(tag))?,
        }
        if !self.error_type.is_empty() {
            write!(f, ", {}", line(&self.error_type))?;
        }
        if let Some(app_tag) = &self.app_tag {
            write!(f, ", {}", line(app_tag))?;
        }
        if self.severity == Severity::Warning {
            write!(f, ", a warning")?;
        }
        write!(f, ")")?;
        if let Some(path) = &self.path {
            write!(f, " at {}", line(path))?;
        }
        for (name, value) in self.info.iter().take(4) {
            write!(f, "; {} {}", line(name), line(value))?;
        }
        Ok(())
    }
}

impl std::error::Error for RpcError {}

impl RpcError {
    /// What to try, for the conditions that a person can do something about.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self.tag.as_str() {
            "access-denied" => "the login may not do this: see the device's access control (NACM, RFC 8341)",
            "lock-denied" | "in-use" => "another session holds it; ask again in a moment",
            "operation-not-supported" => "the device does not offer this operation",
            "unknown-element" | "unknown-namespace" => "the device has no such data: compare its modules",
            "too-big" => "ask for less: a narrower filter",
            "resource-denied" => "the device is short of memory or sessions",
            _ => return None,
        })
    }
}

/// A server's words on one line, without control characters, cut.
pub(super) fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// The errors of a reply, wherever in it they stand: some servers put them into results. Only
/// those of the protocol's namespace, or of none, are meant.
///
/// # Errors
/// The reply is not well-formed.
pub(super) fn errors(text: &str) -> Result<Vec<RpcError>, quick_xml::Error> {
    let mut reader = NsReader::from_str(text);
    let mut found = Vec::new();
    loop {
        let (namespace, event) = reader.read_resolved_event()?;
        let ours = match namespace {
            ResolveResult::Bound(namespace) => namespace.as_ref() == NAMESPACE,
            ResolveResult::Unbound => true,
            ResolveResult::Unknown(_) => false,
        };
        match event {
            Event::Start(start) if ours && start.local_name().as_ref() == "rpc-error" => {
                let error = read(&mut reader)?;
                if found.len() < MAX_ERRORS {
                    found.push(error);
                }
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

/// One error, behind its start tag.
fn read(reader: &mut NsReader<&[u8]>) -> Result<RpcError, quick_xml::Error> {
    let mut error = RpcError::default();
    let mut open: Vec<String> = Vec::new();
    let mut text = String::new();
    // A leaf is an element that ends right behind its text.
    let mut leaf = false;
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                open.push(start.local_name().as_ref().to_owned());
                text.clear();
                leaf = true;
            }
            Event::Empty(start) if open.first().is_some_and(|name| name == "error-info") => {
                error.info.push((start.local_name().as_ref().to_owned(), String::new()));
                leaf = false;
            }
            Event::Text(piece) => text.push_str(&piece.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(letter)) => text.push(letter),
                _ => text.push_str(quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or("?")),
            },
            Event::End(_) => {
                let Some(name) = open.pop() else { return Ok(error) };
                let value = text.trim().to_owned();
                match (open.len(), name.as_str()) {
                    (0, "error-type") => error.error_type = value,
                    (0, "error-tag") => error.tag = value,
                    (0, "error-severity") if value == "warning" => error.severity = Severity::Warning,
                    (0, "error-app-tag") => error.app_tag = Some(value),
                    (0, "error-path") => error.path = Some(value),
                    (0, "error-message") => error.message = Some(value),
                    (1.., _) if leaf && open.first().is_some_and(|name| name == "error-info") => {
                        error.info.push((name, value));
                    }
                    _ => {}
                }
                text.clear();
                leaf = false;
            }
            Event::Eof => return Ok(error),
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_an_error_is_read() {
        let text = r#"<nc:rpc-reply xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="7">
            <nc:rpc-error>
              <nc:error-type>application</nc:error-type><nc:error-tag>invalid-value</nc:error-tag>
              <nc:error-severity>error</nc:error-severity><nc:error-app-tag>must-violation</nc:error-app-tag>
              <nc:error-path xmlns:t="urn:t">/t:top/t:mtu</nc:error-path>
              <nc:error-message xml:lang="en">MTU &lt;64&gt;
                 is <![CDATA[too & small]]></nc:error-message>
              <nc:error-info><bad-element>mtu</bad-element><x:deep xmlns:x="urn:x"><y>1</y><z/></x:deep></nc:error-info>
            </nc:rpc-error>
            <data xmlns="urn:mine"><rpc-error><error-tag>not-ours</error-tag></rpc-error></data></nc:rpc-reply>"#;
        let errors = errors(text).unwrap();
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].info,
            [("bad-element".into(), "mtu".into()), ("y".into(), "1".into()), ("z".into(), String::new())]
        );
        assert_eq!(
            errors[0].to_string(),
            "MTU <64> is too & small (invalid-value, application, must-violation) at /t:top/t:mtu; bad-element mtu; y 1; z "
        );
    }

    #[test]
    fn errors_in_results_and_without_fields() {
        let text = "<rpc-reply><results><rpc-error><error-severity>warning</error-severity>\
                    <error-message>\n statement \u{1b}[1m not found\n</error-message></rpc-error></results></rpc-reply>";
        let errors = errors(text).unwrap();
        assert_eq!(errors[0].severity, Severity::Warning);
        assert_eq!(errors[0].to_string(), "statement [1m not found (an error without a tag, a warning)");
        assert!(super::errors("<rpc-reply><rpc-error></x>").is_err());
    }
}
