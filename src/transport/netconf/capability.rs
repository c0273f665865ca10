//! Capabilities (RFC 6241, 8; RFC 6020, 5.6.4): what a server can do and which modules it has.

/// The base namespace of messages, and base:1.0's capability without its version.
pub(super) const BASE: &str = "urn:ietf:params:netconf:base:";
/// The beginning of the names of the protocol's own capabilities.
const PROTOCOL: &str = "urn:ietf:params:netconf:capability:";

/// One capability as the server announced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// The URI in front of the parameters; for a module its namespace.
    pub uri: String,
    /// The parameters behind `?`, in their order.
    pub parameters: Vec<(String, String)>,
}

/// A YANG module of a server (RFC 6020, 5.6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its revision, where it has one.
    pub revision: Option<String>,
    /// The features of it that the server supports.
    pub features: Vec<String>,
    /// The modules that say where the server deviates from it.
    pub deviations: Vec<String>,
}

impl Capability {
    /// Reads a capability's URI.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let (uri, query) = text.split_once('?').unwrap_or((text, ""));
        // Some servers escape the `&` twice.
        let query = query.replace("&amp;", "&");
        let parameters = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        });
        Self { uri: uri.to_owned(), parameters: parameters.collect() }
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The module that it announces, if it does.
    pub fn module(&self) -> Option<Module> {
        let name = self.parameter("module").filter(|name| !name.is_empty())?;
        let list = |name| {
            let values = self.parameter(name).unwrap_or_default().split(',').map(str::trim);
            values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
        };
        Some(Module {
            name: name.to_owned(),
            namespace: self.uri.clone(),
            revision: self.parameter("revision").filter(|text| !text.is_empty()).map(str::to_owned),
            features: list("features"),
            deviations: list("deviations"),
        })
    }
}

/// Everything that a server announced in its hello.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    all: Vec<Capability>,
}

impl Capabilities {
    /// The capabilities of these URIs.
    pub fn new<'t>(uris: impl IntoIterator<Item = &'t str>) -> Self {
        Self { all: uris.into_iter().map(Capability::new).collect() }
    }

    /// All of them, in the server's order.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.all.iter()
    }

    /// The YANG modules. Modules of YANG 1.1 are not announced here (RFC 7950, 5.6.4): a server
    /// with [`Self::yang_library`] lists those in `ietf-yang-library`.
    pub fn modules(&self) -> impl Iterator<Item = Module> {
        self.all.iter().filter_map(Capability::module)
    }

    /// Whether base:`version` is spoken.
    pub fn base(&self, version: &str) -> bool {
        self.all.iter().any(|one| one.uri.strip_prefix(BASE) == Some(version))
    }

    /// A capability of the protocol by its short name (`xpath`, `candidate`, `with-defaults`, …),
    /// in whatever version.
    pub fn protocol(&self, name: &str) -> Option<&Capability> {
        self.all.iter().find(|one| {
            let rest = one.uri.strip_prefix(PROTOCOL).and_then(|rest| rest.strip_prefix(name));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
    }

    /// Whether a module is announced, by its namespace: some servers leave out its name.
    pub fn namespace(&self, uri: &str) -> bool {
        self.all.iter().any(|one| one.uri == uri)
    }

    /// The namespace of a module, if it is announced with its name.
    pub fn namespace_of(&self, module: &str) -> Option<String> {
        self.modules().find(|known| known.name == module).map(|known| known.namespace)
    }

    /// The highest version of the YANG library (RFC 7895: 1.0, RFC 8525: 1.1), if there is one; servers
    /// announce several.
    pub fn yang_library(&self) -> Option<&str> {
        let libraries = self.all.iter().filter_map(|one| one.uri.strip_prefix(PROTOCOL));
        libraries.filter_map(|rest| rest.strip_prefix("yang-library:")).max()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn modules_and_protocol_capabilities() {
        let all = Capabilities::new([
            "urn:ietf:params:netconf:base:1.0",
            "\n urn:ietf:params:netconf:base:1.1 \n",
            "urn:ietf:params:netconf:capability:confirmed-commit:1.1",
            "urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=explicit&also-supported=trim",
            "urn:x?module=x&revision=2020-01-01&features=a,b&deviations=x-dev",
            "urn:y?module=y&amp;revision=",
            "http://example.com/vendor/1",
            "urn:ietf:params:netconf:capability:yang-library:1.1?content-id=7",
        ]);
        assert!(all.base("1.0") && all.base("1.1") && !all.base("1.2"));
        assert!(all.protocol("confirmed-commit").is_some() && all.protocol("confirmed").is_none());
        assert_eq!(all.protocol("with-defaults").unwrap().parameter("basic-mode"), Some("explicit"));
        assert_eq!(all.yang_library(), Some("1.1"));
        let modules: Vec<Module> = all.modules().collect();
        assert_eq!(modules.len(), 2);
        assert_eq!(modules[0].features, ["a", "b"]);
        assert_eq!(modules[0].deviations, ["x-dev"]);
        assert_eq!((modules[1].name.as_str(), &modules[1].revision), ("y", &None));
        assert!(all.namespace("http://example.com/vendor/1"));
    }
}
