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
    let features = value.get("feature").and_then(Value::as_array).into_iter().flatten();
    module(
        text("name"),
        text("revision"),
        text("namespace"),
        features.filter_map(Value::as_str).map(str::to_owned).collect(),
        import_only || text("conformance-type") == "import",
    )
}

fn in_element(element: &Element, found: &mut Vec<Module>) {
    for child in &element.children {
        let import_only = child.name == "import-only-module";
        if child.name != "module" && !import_only {
            in_element(child, found);
            continue;
        }
        let text = |name: &str| child.child(name).unwrap_or_default();
        let features = child.children.iter().filter(|inner| inner.name == "feature");
        found.extend(module(
            text("name"),
            text("revision"),
            text("namespace"),
            features.map(|inner| inner.text.trim().to_owned()).collect(),
            import_only || text("conformance-type") == "import",
        ));
    }
}

fn module(
    name: &str,
    revision: &str,
    namespace: &str,
    features: Vec<String>,
    import_only: bool,
) -> Option<Module> {
    let revision = (!revision.is_empty()).then(|| revision.to_owned());
    let (name, namespace) = (name.to_owned(), namespace.to_owned());
    (!name.is_empty()).then_some(Module { name, revision, namespace, features, import_only })
}
