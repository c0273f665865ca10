//! Reads Nornir's SimpleInventory and resolves what every device inherits.
//!
//! Inheritance is Nornir's: the host, then its groups in order and each group's own groups depth
//! first, then the defaults; the first that says anything wins. `data` is merged key by key,
//! `connection_options` field by field, `extras` of a connection as a whole. Two things are our own:
//! of the connections, `ssh` comes before `netmiko` and `scrapli`, and the keys of `data.ssh` are
//! merged one by one.

mod element;
mod extras;
mod https;
mod resolve;

use std::collections::BTreeMap;
use std::path::Path;

use super::Inventory;
use crate::error::Error;
use crate::secret::Environment;
use crate::yaml::Node;

/// The trees of an inventory's files.
#[derive(Debug)]
pub struct Files<'a> {
    /// `hosts.yaml`.
    pub hosts: &'a Node,
    /// `groups.yaml`; without one, a group that a host names is an empty one.
    pub groups: Option<&'a Node>,
    /// `defaults.yaml`.
    pub defaults: Option<&'a Node>,
    /// Where relative paths count from.
    pub base: &'a Path,
    /// The environment.
    pub environment: &'a Environment,
}

/// An inventory and what its operator should know about it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The devices.
    pub inventory: Inventory,
    /// Per device, where its name stands and where its platform was said.
    pub places: BTreeMap<String, Places>,
    /// Likely mistakes.
    pub warnings: Vec<Error>,
    /// What was read and not used.
    pub notes: Vec<String>,
}

/// Where a device was described.
#[derive(Debug, Clone)]
pub struct Places {
    /// Its name.
    pub name: Node,
    /// Its platform, here or where it is inherited from.
    pub platform: Option<Node>,
}

/// Reads an inventory. Errors are added to `errors`; the devices without one are returned.
pub fn load(files: &Files<'_>, errors: &mut Vec<Error>) -> Loaded {
    let mut reader = element::Reader::new(files.base, files.environment);
    let tree = reader.tree(files);
    errors.append(&mut reader.errors);
    let mut loaded = resolve::resolve(&tree, files.groups.is_some(), errors);
    loaded.warnings.append(&mut reader.warnings);
    loaded.notes.extend(reader.notes);
    loaded
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests;
