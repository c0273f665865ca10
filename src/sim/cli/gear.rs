//! What templates see of a device beside its routes: switching, hardware, clocks, access lists.

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::view::View;
use crate::sim::net::{Interface, Node};

impl View {
    /// A value of the device by name; None for a name that is not one of these.
    pub(super) fn gear(&self, node: &Node, key: &str) -> Option<Value> {
        let index = self.index;
        Some(match key {
            "old" => Value::from(node.old),
            "broken" => Value::from(node.broken.clone()),
            "vlans" => list(self.net.vlans_of(index)),
            "bundles" => list(self.net.bundles_of(index)),
            "clocks" => list(self.net.clocks_of(index)),
            "isis" => list(self.net.isis(index)),
            "acls" => list(self.net.acls_of(index, node.uptime + self.elapsed())),
            "macs" => self.aged(self.net.macs(index), |entry| &mut entry.age),
            _ => return None,
        })
    }

    /// What an interface is below its addresses.
    pub(super) fn wire(node: &Node, interface: &Interface) -> Value {
        let wire = &interface.wire;
        context! {
            access => wire.access,
            trunk => wire.trunk.clone(),
            bundle => wire.bundle.clone(),
            optics => interface.optics(node).map(|optics| Value::from(Serde(optics))),
        }
    }
}

fn list<T: Serialize>(items: Vec<T>) -> Value {
    items.into_iter().map(|item| Value::from(Serde(item))).collect()
}
