//! What can be asked: operations that read, and a device's own RPCs.

use super::capability::Capabilities;
use super::data::{self, Namespaces};
use super::element::Element;
use super::filter::{Filter, needs};
use crate::error::Failure;
use crate::yang::{Content, Field, Fields, Path, Query};

/// The namespace of `get-schema` (RFC 6022).
const MONITORING: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";
/// The namespace of `get-data` (RFC 8526).
const NMDA: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda";
/// The namespace of the datastores' names (RFC 8342).
const DATASTORES: &str = "urn:ietf:params:xml:ns:yang:ietf-datastores";
/// The namespace of `with-defaults` (RFC 6243).
const WITH_DEFAULTS: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults";

/// A configuration datastore (RFC 6241, 5.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Datastore {
    /// What the device does.
    #[default]
    Running,
    /// What it is to do; `:candidate` (8.3).
    Candidate,
    /// What it begins with; `:startup` (8.7).
    Startup,
}

impl Datastore {
    /// Its name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Candidate => "candidate",
            Self::Startup => "startup",
        }
    }

    /// The element `name` with the datastore in it.
    pub(super) fn element(self, name: &str) -> Element {
        Element::known(name).child(Element::known(self.as_str()))
    }

    /// Whether the server has it.
    pub(super) fn check(self, capabilities: &Capabilities, who: &str) -> Result<(), Failure> {
        match self {
            Self::Running => Ok(()),
            Self::Candidate | Self::Startup => needs(capabilities, who, self.as_str()),
        }
    }
}

/// How default values are reported (RFC 6243, 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithDefaults {
    /// All of them.
    ReportAll,
    /// Values that are the default are left out.
    Trim,
    /// Only values that somebody set.
    Explicit,
}

/// What is asked of the datastores of RFC 8342 (`get-data`, RFC 8526, 3.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GetData {
    /// The datastore's name, `operational` if it has none.
    pub datastore: Option<String>,
    /// What of it.
    pub filter: Option<Filter>,
    /// Only configuration, or only state.
    pub config: Option<bool>,
    /// How many levels below the filter's nodes.
    pub max_depth: Option<u16>,
    /// Whether each node says where it comes from.
    pub with_origin: bool,
}

/// An operation that changes nothing, as far as the protocol knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Configuration and state (RFC 6241, 7.7).
    Get {
        /// What of it; everything if there is none.
        filter: Option<Filter>,
        /// What about default values; `:with-defaults`.
        with_defaults: Option<WithDefaults>,
    },
    /// Configuration (RFC 6241, 7.1).
    GetConfig {
        /// Of which datastore.
        source: Datastore,
        /// What of it; everything if there is none.
        filter: Option<Filter>,
        /// What about default values; `:with-defaults`.
        with_defaults: Option<WithDefaults>,
    },
    /// Data of a YANG model: `get`, or `get-config` where only configuration is wanted. `depth` is not sent.
    Yang(Path, Query),
    /// A datastore of RFC 8342 (RFC 8526, 3.1.1).
    GetData(GetData),
    /// A module's text (RFC 6022, 3.1); [`super::Reply::content`] unwraps it.
    GetSchema {
        /// The module or submodule.
        identifier: String,
        /// Its revision, where the server has several.
        version: Option<String>,
        /// `yang` or `yin`; the server's choice if there is none.
        format: Option<String>,
    },
    /// An RPC of the device's own (RFC 6241, 4.1): whatever it does. Never sent twice, and never
    /// shared between askers.
    Rpc(Element),
}

impl Operation {
    /// A `get` of what a filter picks.
    pub fn get(filter: impl Into<Option<Filter>>) -> Self {
        Self::Get { filter: filter.into(), with_defaults: None }
    }

    /// A `get-config` of the running configuration.
    pub fn get_config(filter: impl Into<Option<Filter>>) -> Self {
        Self::GetConfig { source: Datastore::Running, filter: filter.into(), with_defaults: None }
    }

    /// Its name, for messages.
    pub fn name(&self) -> &str {
        match self {
            Self::Yang(_, query) if query.content == Some(Content::Config) => "get-config",
            Self::Get { .. } | Self::Yang(..) => "get",
            Self::GetConfig { .. } => "get-config",
            Self::GetData(_) => "get-data",
            Self::GetSchema { .. } => "get-schema",
            Self::Rpc(element) => element.name(),
        }
    }

    /// Whether it only reads: may be sent again, and one answer may serve several askers.
    pub(super) fn reads(&self) -> bool {
        !matches!(self, Self::Rpc(_))
    }

    /// The modules whose namespaces it needs.
    pub(super) fn modules(&self) -> Vec<String> {
        match self {
            Self::Yang(path, query) => data::modules(path, &fields(query)),
            _ => Vec::new(),
        }
    }

    /// Its element. `namespaces` tells those of the modules.
    ///
    /// # Errors
    /// The server does not offer what it needs.
    pub(super) fn element(
        &self,
        capabilities: &Capabilities,
        who: &str,
        namespaces: Namespaces<'_>,
    ) -> Result<Element, Failure> {
        match self {
            Self::Yang(path, query) => {
                let filter = data::filter(who, path, &fields(query), namespaces)?;
                let asked = if query.content == Some(Content::Config) {
                    Self::get_config(filter)
                } else {
                    Self::get(filter)
                };
                asked.element(capabilities, who, namespaces)
            }
            Self::Get { filter, with_defaults } => {
                let get = Element::known("get").children(filtered(filter.as_ref(), capabilities, who)?);
                defaults(get, *with_defaults, capabilities, who)
            }
            Self::GetConfig { source, filter, with_defaults } => {
                source.check(capabilities, who)?;
                let get = Element::known("get-config").child(source.element("source"));
                let get = get.children(filtered(filter.as_ref(), capabilities, who)?);
                defaults(get, *with_defaults, capabilities, who)
            }
            Self::GetData(data) => data.element(capabilities, who),
            Self::GetSchema { identifier, version, format } => {
                if !capabilities.namespace(MONITORING) {
                    return Err(super::filter::not_offered(who, "get-schema (RFC 6022)"));
                }
                let leaf = |name: &str, value: &Option<String>| {
                    value.as_ref().map(|value| Element::known(name).text(value.as_str()))
                };
                Ok(Element::known("get-schema")
                    .namespace(MONITORING)
                    .child(Element::known("identifier").text(identifier.as_str()))
                    .children(leaf("version", version))
                    .children(leaf("format", format)))
            }
            Self::Rpc(element) => Ok(element.clone()),
        }
    }
}

fn fields(query: &Query) -> Vec<Field> {
    query.fields.as_ref().map(Fields::tree).unwrap_or_default()
}

impl GetData {
    fn element(&self, capabilities: &Capabilities, who: &str) -> Result<Element, Failure> {
        // The module is of YANG 1.1, so it may be listed in the library only (RFC 7950, 5.6.4).
        if !capabilities.namespace(NMDA) && capabilities.yang_library() != Some("1.1") {
            return Err(super::filter::not_offered(who, "get-data (RFC 8526)"));
        }
        let datastore = self.datastore.as_deref().unwrap_or("operational");
        let leaf = |name: &str, value: String| Element::known(name).text(value);
        let filter = self.filter.as_ref().map(|filter| filter.data_element(capabilities, who)).transpose()?;
        let datastore =
            Element::known("datastore").with("xmlns:ds", DATASTORES).text(format!("ds:{datastore}"));
        Ok(Element::known("get-data")
            .namespace(NMDA)
            .child(datastore)
            .children(filter)
            .children(self.config.map(|config| leaf("config-filter", config.to_string())))
            .children(self.max_depth.map(|depth| leaf("max-depth", depth.to_string())))
            .children(self.with_origin.then(|| Element::known("with-origin"))))
    }
}

fn filtered(
    filter: Option<&Filter>,
    capabilities: &Capabilities,
    who: &str,
) -> Result<Option<Element>, Failure> {
    filter.map(|filter| filter.element(capabilities, who)).transpose()
}

fn defaults(
    element: Element,
    mode: Option<WithDefaults>,
    capabilities: &Capabilities,
    who: &str,
) -> Result<Element, Failure> {
    let Some(mode) = mode else { return Ok(element) };
    needs(capabilities, who, "with-defaults")?;
    let mode = match mode {
        WithDefaults::ReportAll => "report-all",
        WithDefaults::Trim => "trim",
        WithDefaults::Explicit => "explicit",
    };
    Ok(element.child(Element::known("with-defaults").namespace(WITH_DEFAULTS).text(mode)))
}
