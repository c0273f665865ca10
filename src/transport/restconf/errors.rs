//! Errors of a server (RFC 8040, 7.1), in JSON and in XML.

use std::fmt;

use serde_json::Value;

use crate::text::clean_line;
use crate::transport::xml::Element;

/// Characters of all errors of an answer that a person is shown.
const MAX_LINE: usize = 1000;

/// One `error` of an `errors` resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RpcError {
    /// `error-type`: transport, rpc, protocol or application.
    pub kind: String,
    /// `error-tag`: RFC 6241, appendix A.
    pub tag: String,
    /// `error-app-tag`.
    pub app_tag: Option<String>,
    /// `error-path`: an instance-identifier.
    pub path: Option<String>,
    /// `error-message`: for people.
    pub message: Option<String>,
    /// `error-info`, as it came.
    pub info: Option<String>,
}

/// `protocol invalid-value at /a:b: there is no such thing`.
impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.tag)?;
        if let Some(tag) = &self.app_tag {
            write!(f, " ({tag})")?;
        }
        if let Some(path) = &self.path {
            write!(f, " at {path}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(info) = &self.info {
            write!(f, " [{info}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for RpcError {}

impl RpcError {
    /// Whether it says that the resource does not exist, rather than that the path is wrong.
    ///
    /// Servers say `invalid-value` (RFC 8040, 7: 404) or `data-missing` for an instance that is not there.
    pub fn is_nothing_there(&self) -> bool {
        matches!(self.tag.as_str(), "invalid-value" | "data-missing")
    }
}

/// The errors of a body; empty when it has none.
pub fn errors(body: &str) -> Vec<RpcError> {
    let body = body.trim_start_matches('\u{feff}').trim_start();
    if body.starts_with('<') {
        let Ok(root) = crate::transport::xml::read(body) else { return Vec::new() };
        if root.name != "errors" {
            return Vec::new();
        }
        return root.children.iter().filter(|child| child.name == "error").map(of_element).collect();
    }
    let Ok(value) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let errors = value.get("ietf-restconf:errors").or_else(|| value.get("errors"));
    match errors.and_then(|errors| errors.get("error")) {
        Some(Value::Array(items)) => items.iter().map(of_value).collect(),
        // Some servers write a single one as an object.
        Some(item @ Value::Object(_)) => vec![of_value(item)],
        _ => Vec::new(),
    }
}

/// All of them in one line.
pub(super) fn line(errors: &[RpcError]) -> String {
    let mut line = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if let Some((end, _)) = line.char_indices().nth(MAX_LINE) {
        line.truncate(end);
        line.push('…');
    }
    line
}

fn of_value(value: &Value) -> RpcError {
    let text = |name: &str| match value.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(clean_line(text.trim())),
        Some(other) => Some(clean_line(&other.to_string())),
    };
    RpcError {
        kind: text("error-type").unwrap_or_default(),
        tag: text("error-tag").unwrap_or_default(),
        app_tag: text("error-app-tag"),
        path: text("error-path"),
        message: text("error-message"),
        info: text("error-info"),
    }
}

fn of_element(element: &Element) -> RpcError {
    let text = |name: &str| {
        let child = element.children.iter().find(|child| child.name == name)?;
        Some(clean_line(&child.whole_text())).filter(|text| !text.is_empty())
    };
    RpcError {
        kind: text("error-type").unwrap_or_default(),
        tag: text("error-tag").unwrap_or_default(),
        app_tag: text("error-app-tag"),
        path: text("error-path"),
        message: text("error-message"),
        info: text("error-info"),
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::{errors, line};

    #[test]
    fn errors_in_every_form() {
        let wanted = "protocol invalid-value (x-1) at /a:b[c='<d>']: it's <not> & there";
        let json = r#"{"ietf-restconf:errors": {"error": [{"error-type": "protocol", "error-tag": "invalid-value",
            "error-app-tag": "x-1", "error-path": "/a:b[c='<d>']", "error-message": "it's <not> & there"}]}}"#;
        let xml = "<?xml version='1.0'?><e:errors xmlns:e='urn:ietf:params:xml:ns:yang:ietf-restconf'><e:error>
            <e:error-type>protocol</e:error-type><e:error-tag>invalid-value</e:error-tag>
            <e:error-app-tag>x-1</e:error-app-tag><e:error-path>/a:b[c='&lt;d>']</e:error-path>
            <e:error-message xml:lang='en'>it's &lt;not&gt; &amp; there</e:error-message></e:error></e:errors>";
        for body in [json, &json.replace("ietf-restconf:", ""), &json.replace(['[', ']'], ""), xml] {
            let found = errors(body);
            assert_eq!(found.len(), 1, "{body}");
            assert!(found[0].is_nothing_there());
            assert_eq!(
                line(&found).replace("[c='<d>']", "").replace("c='<d>'", ""),
                wanted.replace("[c='<d>']", "")
            );
        }
        for body in ["", "{}", "{\"a\": {\"errors\": 1}}", "<data/>", "<errors", "404 page"] {
            assert_eq!(errors(body), [], "{body}");
        }
    }
}
