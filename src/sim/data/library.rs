//! The documents in which a server tells what it can, written from the list of its modules.

use std::sync::Arc;

use super::offer::Offer;
use super::tree::{Module, Node};

/// They are there where their modules are listed.
pub(super) const TOPS: [(&str, &str); 4] = [
    // RFC 8525.
    ("ietf-yang-library", "yang-library"),
    // RFC 7895.
    ("ietf-yang-library", "modules-state"),
    // RFC 8040, 9.
    ("ietf-restconf-monitoring", "restconf-state"),
    // RFC 6022.
    ("ietf-netconf-monitoring", "netconf-state"),
];

/// What RESTCONF can (RFC 8040, 9.1.1).
const RESTCONF: [&str; 3] = [
    "urn:ietf:params:restconf:capability:defaults:1.0?basic-mode=explicit",
    "urn:ietf:params:restconf:capability:depth:1.0",
    "urn:ietf:params:restconf:capability:fields:1.0",
];

/// One of them.
pub(super) fn document(offer: &Offer, (module, name): (&str, &str)) -> Option<Node> {
    let (module, _) = offer.modules.get_key_value(module)?;
    let children = match (&**module, name) {
        ("ietf-yang-library", "modules-state") => {
            let modules = offer.modules.iter().map(|(name, known)| {
                let mut leaves = vec![
                    Node::leaf(module, "name", &**name),
                    Node::leaf(module, "revision", known.revision.as_str()),
                    Node::leaf(module, "namespace", known.namespace.as_str()),
                ];
                leaves.extend(features(known, module));
                leaves.extend(known.deviations.iter().map(|one| {
                    let revision = offer.modules.get(one.as_str()).map(|other| other.revision.as_str());
                    let leaves = vec![
                        Node::leaf(module, "name", one.as_str()),
                        Node::leaf(module, "revision", revision.unwrap_or_default()),
                    ];
                    Node::inner(module, "deviation", leaves).entry(2)
                }));
                leaves.push(Node::leaf(module, "conformance-type", "implement"));
                Node::inner(module, "module", leaves).entry(2)
            });
            let set = Node::leaf(module, "module-set-id", offer.module_set.as_deref().unwrap_or_default());
            std::iter::once(set).chain(modules).collect()
        }
        ("ietf-yang-library", "yang-library") => yang_library(offer, module),
        ("ietf-restconf-monitoring", "restconf-state") => {
            let one = |uri: &str| Node::leaf(module, "capability", uri).entry(0);
            vec![Node::inner(module, "capabilities", RESTCONF.into_iter().map(one).collect())]
        }
        ("ietf-netconf-monitoring", "netconf-state") => vec![
            Node::inner(module, "capabilities", capabilities(offer, module)),
            Node::inner(module, "schemas", schemas(offer, module)),
        ],
        _ => return None,
    };
    Some(Node::inner(module, name, children))
}

fn capabilities(offer: &Offer, module: &Arc<str>) -> Vec<Node> {
    let all = offer.netconf.iter().flat_map(|netconf| &netconf.capabilities);
    all.map(|uri| Node::leaf(module, "capability", uri.as_str()).entry(0)).collect()
}

fn schemas(offer: &Offer, module: &Arc<str>) -> Vec<Node> {
    let schema = |(name, known): (&Arc<str>, &Module)| {
        let leaves = vec![
            Node::leaf(module, "identifier", &**name),
            Node::leaf(module, "version", known.revision.as_str()),
            Node::leaf(module, "format", "ietf-netconf-monitoring:yang"),
            Node::leaf(module, "namespace", known.namespace.as_str()),
            Node::leaf(module, "location", "NETCONF").entry(0),
        ];
        Node::inner(module, "schema", leaves).entry(3)
    };
    offer.modules.iter().map(schema).collect()
}

fn features(known: &Module, module: &Arc<str>) -> Vec<Node> {
    known.features.iter().map(|one| Node::leaf(module, "feature", one.as_str()).entry(0)).collect()
}

/// RFC 8525: one set of modules, one schema, and the datastores that have it.
fn yang_library(offer: &Offer, module: &Arc<str>) -> Vec<Node> {
    let name = |name: &str| Node::leaf(module, "name", name);
    let mut set = vec![name("complete")];
    set.extend(offer.modules.iter().map(|(own, known)| {
        let mut leaves = vec![
            name(own),
            Node::leaf(module, "revision", known.revision.as_str()),
            Node::leaf(module, "namespace", known.namespace.as_str()),
        ];
        leaves.extend(features(known, module));
        leaves.extend(
            known.deviations.iter().map(|one| Node::leaf(module, "deviation", one.as_str()).entry(0)),
        );
        Node::inner(module, "module", leaves).entry(1)
    }));
    let schema = vec![name("complete"), Node::leaf(module, "module-set", "complete").entry(0)];
    let mut library =
        vec![Node::inner(module, "module-set", set).entry(1), Node::inner(module, "schema", schema).entry(1)];
    library.extend(["running", "operational"].map(|store| {
        let leaves = vec![
            Node::leaf(module, "name", format!("ietf-datastores:{store}")),
            Node::leaf(module, "schema", "complete"),
        ];
        Node::inner(module, "datastore", leaves).entry(1)
    }));
    library.push(Node::leaf(module, "content-id", offer.module_set.as_deref().unwrap_or_default()));
    library
}
