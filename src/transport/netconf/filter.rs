//! Which data is asked for (RFC 6241, 6 and 8.9).

use super::capability::Capabilities;
use super::element::Element;
use super::element::ElementError;
use crate::error::{Failure, FailureKind};

/// A filter of `get`, `get-config`, `get-data` and subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// A subtree (RFC 6241, 6): every server can do that.
    Subtree(Vec<Element>),
    /// An XPath expression (RFC 6241, 8.9); `:xpath`.
    XPath {
        /// The expression, with a prefix at every name.
        select: String,
        /// The prefixes and their namespaces.
        namespaces: Vec<(String, String)>,
    },
}

impl Filter {
    /// A subtree filter as a profile writes it, in XML.
    ///
    /// # Errors
    /// It is not well-formed.
    pub fn subtree(text: &str) -> Result<Self, ElementError> {
        Element::parse(text).map(Self::Subtree)
    }

    /// The `filter` element.
    pub(super) fn element(&self, capabilities: &Capabilities, who: &str) -> Result<Element, Failure> {
        let filter = Element::known("filter");
        match self {
            Self::Subtree(elements) => Ok(filter.with("type", "subtree").children(elements.iter().cloned())),
            Self::XPath { select, namespaces } => {
                needs(capabilities, who, "xpath")?;
                let filter = declare(filter.with("type", "xpath"), namespaces)?;
                Ok(filter.with("select", select))
            }
        }
    }

    /// The filter of `get-data` (RFC 8526, 3.1.1), which has another form.
    pub(super) fn data_element(&self, capabilities: &Capabilities, who: &str) -> Result<Element, Failure> {
        match self {
            Self::Subtree(elements) => {
                Ok(Element::known("subtree-filter").children(elements.iter().cloned()))
            }
            Self::XPath { select, namespaces } => {
                needs(capabilities, who, "xpath")?;
                declare(Element::known("xpath-filter").text(select.as_str()), namespaces)
            }
        }
    }
}

fn declare(mut element: Element, namespaces: &[(String, String)]) -> Result<Element, Failure> {
    for (prefix, uri) in namespaces {
        let wrong = |error: ElementError| Failure::new(FailureKind::Unsupported, error.to_string());
        element = element.attribute(&format!("xmlns:{prefix}"), uri).map_err(wrong)?;
    }
    Ok(element)
}

/// Whether the server announced a capability of the protocol.
///
/// # Errors
/// It did not.
pub(super) fn needs(capabilities: &Capabilities, who: &str, name: &str) -> Result<(), Failure> {
    match capabilities.protocol(name) {
        Some(_) => Ok(()),
        None => Err(not_offered(who, &format!("the capability :{name}"))),
    }
}

/// The failure of what a server does not offer; nothing is sent then.
pub(super) fn not_offered(who: &str, what: &str) -> Failure {
    Failure::new(FailureKind::Unsupported, format!("{who} does not offer {what} over NETCONF"))
        .hint("its hello says what it can do: some devices need a feature or a license switched on")
}
