//! Errors as programs get them: `rpc-error` (RFC 6241, 4.3) and `errors` (RFC 8040, 7.1).

use serde_json::json;

use super::xml::escaped;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `error-type`: transport, rpc, protocol or application.
    pub kind: &'static str,
    /// `error-tag` (RFC 6241, appendix A).
    pub tag: &'static str,
    /// `error-path`.
    pub path: Option<String>,
    /// `error-message`.
    pub message: String,
    /// In `error-info`: the element that is wrong.
    pub bad_element: Option<String>,
}

impl Problem {
    /// An error without path and info.
    pub fn new(kind: &'static str, tag: &'static str, message: impl Into<String>) -> Self {
        Self { kind, tag, path: None, message: message.into(), bad_element: None }
    }

    /// The same, about this element.
    #[must_use]
    pub fn about(mut self, element: &str) -> Self {
        self.bad_element = Some(element.to_owned());
        self
    }

    /// The same, at this place.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// As NETCONF sends it.
    pub fn rpc_error(&self) -> String {
        let leaf = |name: &str, value: Option<&String>| {
            value.map(|value| format!("<{name}>{}</{name}>", escaped(value))).unwrap_or_default()
        };
        let info = leaf("bad-element", self.bad_element.as_ref());
        format!(
            "<rpc-error><error-type>{}</error-type><error-tag>{}</error-tag>\
             <error-severity>error</error-severity>{}<error-message xml:lang=\"en\">{}</error-message>{}\
             </rpc-error>",
            self.kind,
            self.tag,
            leaf("error-path", self.path.as_ref()),
            escaped(&self.message),
            if info.is_empty() { info } else { format!("<error-info>{info}</error-info>") },
        )
    }

    /// As RESTCONF sends it in JSON.
    pub fn json(&self) -> String {
        let mut error = json!({
            "error-type": self.kind,
            "error-tag": self.tag,
        });
        if let (Some(path), Some(members)) = (&self.path, error.as_object_mut()) {
            members.insert("error-path".to_owned(), json!(path));
        }
        if let Some(members) = error.as_object_mut() {
            members.insert("error-message".to_owned(), json!(self.message));
        }
        json!({"ietf-restconf:errors": {"error": [error]}}).to_string()
    }

    /// As RESTCONF sends it in XML.
    pub fn xml(&self) -> String {
        let path = self.path.as_ref().map(|path| format!("<error-path>{}</error-path>", escaped(path)));
        format!(
            "<errors xmlns=\"urn:ietf:params:xml:ns:yang:ietf-restconf\"><error><error-type>{}</error-type>\
             <error-tag>{}</error-tag>{}<error-message>{}</error-message></error></errors>",
            self.kind,
            self.tag,
            path.unwrap_or_default(),
            escaped(&self.message),
        )
    }
}
