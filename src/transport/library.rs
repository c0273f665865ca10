//! What a server can: its YANG modules (RFC 8525, RFC 7895) and its protocol capabilities (RFC 8040, 9.1).

use serde_json::Value;

use super::xml::{self, Element};

/// What a server can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Its modules, by name and revision; empty when it does not tell.
    pub modules: Vec<Module>,
    /// The URIs of the protocol's capabilities, where they were asked for.
    pub uris: Vec<String>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl Capabilities {
    /// The modules as one JSON document, a list `module`. A server that tells none shows the URIs of what it can instead.
    pub(super) fn document(&self) -> String {
        if self.modules.is_empty() {
            let named = |uri: &String| serde_json::json!({ "module": "", "namespace": uri });
            let uris: Vec<_> = self.uris.iter().map(named).collect();
            return serde_json::json!({ "module": uris }).to_string();
        }
        let modules = self.modules.iter().filter(|module| !module.import_only).map(|module| {
            serde_json::json!({
                "module": module.name,
                "revision": module.revision,
                "features": module.features,
                "namespace": module.namespace,
            })
        });
        serde_json::json!({ "module": modules.collect::<Vec<_>>() }).to_string()
    }
}

/// A YANG module.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Its revision; one without has `None`.
    pub revision: Option<String>,
    /// Its XML namespace.
    pub namespace: String,
    /// The features that are there.
    pub features: Vec<String>,
    /// Whether it is only imported, its data not being there.
    pub import_only: bool,
    /// Where its text can be fetched.
    pub locations: Vec<String>,
}

/// Where modules are told, the newer form first.
pub(super) const LIBRARIES: [&str; 2] = ["ietf-yang-library:yang-library", "ietf-yang-library:modules-state"];
/// Where capabilities are told.
pub(super) const MONITORING: &str = "ietf-restconf-monitoring:restconf-state/capabilities";

/// The modules of either form of the YANG library.
pub(super) fn modules(text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    if is_xml(text) {
        if let Ok(root) = xml::read(text) {
            in_element(&root, &mut found);
        }
    } else if let Ok(value) = serde_json::from_str(text) {
        in_value(&value, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_xml(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// The URIs of `capabilities`.
pub(super) fn uris(text: &str) -> Vec<String> {
    if is_xml(text) {
        let root = xml::read(text).unwrap_or_default();
        let capabilities = root.children.iter().filter(|child| child.name == "capability");
        return capabilities.map(|child| child.text.trim().to_owned()).collect();
    }
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let list = value.as_object().and_then(|top| top.values().next()?.get("capability")?.as_array());
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The lists `module` and `import-only-module` at whatever depth: both forms differ in what is around them.
fn in_value(value: &Value, found: &mut Vec<Module>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let import_only = name == "import-only-module";
                match member {
                    Value::Array(items) if name == "module" || import_only => {
                        found.extend(items.iter().filter_map(|item| of_value(item, import_only)));
                    }
                    other => in_value(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| in_value(item, found)),
        _ => {}
    }
}

fn of_value(value: &Value, import_only: bool) -> Option<Module> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    // A leaf, or a leaf-list.
    let all = |name: &str| -> Vec<String> {
        let values = match value.get(name) {
            Some(Value::Array(items)) => items.iter().collect(),
            other => Vec::from_iter(other),
        };
        values.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    module(&text, &all, import_only)
}

fn in_element(element: &Element, found: &mut Vec<Module>) {
    for child in &element.children {
        let import_only = child.name == "import-only-module";
        if child.name != "module" && !import_only {
            in_element(child, found);
            continue;
        }
        let text = |name: &str| child.child(name).unwrap_or_default();
        let all = |name: &str| -> Vec<String> {
            let found = child.children.iter().filter(|inner| inner.name == name);
            found.map(|inner| inner.text.trim().to_owned()).collect()
        };
        found.extend(module(&text, &all, import_only));
    }
}

/// A module of its leaves: `schema` in RFC 7895, `location` in RFC 8525.
fn module<'v>(
    text: &dyn Fn(&str) -> &'v str,
    all: &dyn Fn(&str) -> Vec<String>,
    import_only: bool,
) -> Option<Module> {
    let name = text("name").to_owned();
    (!name.is_empty()).then(|| Module {
        name,
        revision: Some(text("revision").to_owned()).filter(|revision| !revision.is_empty()),
        namespace: text("namespace").to_owned(),
        features: all("feature"),
        import_only: import_only || text("conformance-type") == "import",
        locations: all("schema").into_iter().chain(all("location")).collect(),
    })
}
