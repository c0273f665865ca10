//! The inventory of the simulated devices: the demo's own files in Nornir's form, with address,
//! port and login of the running simulator filled in.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::files::{Files, yaml};
use crate::error::{Error, Result};

/// One host or group, or the defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    data: BTreeMap<String, String>,
}

/// What the inventory says of a device.
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// Platform.
    pub platform: String,
    /// Groups, direct ones first.
    pub groups: Vec<String>,
    /// Data with everything inherited.
    pub data: BTreeMap<String, String>,
}

/// The demo inventory.
#[derive(Debug)]
pub struct Roster {
    hosts: BTreeMap<String, Entry>,
    groups: BTreeMap<String, Entry>,
    defaults: Entry,
}

impl Roster {
    /// Reads the three files.
    pub fn load(files: &Files) -> Result<Self> {
        let (source, text) = files.read("inventory/hosts.yaml")?;
        let hosts = yaml(&source, &text)?;
        let (source, text) = files.read("inventory/groups.yaml")?;
        let groups = yaml(&source, &text)?;
        let (source, text) = files.read("inventory/defaults.yaml")?;
        let defaults = yaml(&source, &text)?;
        Ok(Self { hosts, groups, defaults })
    }

    /// The role of a written device, which its copies have too.
    pub fn role(&self, name: &str) -> Result<Role> {
        let entry = self.hosts.get(name).ok_or_else(|| {
            Error::config(format!("the demo inventory has no host `{name}`"))
                .hint("every device of network.yaml needs its line in inventory/hosts.yaml")
        })?;
        let mut role = Role {
            platform: entry.platform.clone().or(self.defaults.platform.clone()).unwrap_or_default(),
            groups: Vec::new(),
            data: entry.data.clone(),
        };
        let mut waiting: Vec<&String> = entry.groups.iter().rev().collect();
        while let Some(group) = waiting.pop() {
            if role.groups.contains(group) {
                continue;
            }
            role.groups.push(group.clone());
            let Some(entry) = self.groups.get(group) else {
                return Err(Error::config(format!("the demo inventory has no group `{group}`"))
                    .hint("add it to inventory/groups.yaml"));
            };
            for (key, value) in &entry.data {
                role.data.entry(key.clone()).or_insert_with(|| value.clone());
            }
            waiting.extend(entry.groups.iter().rev());
        }
        for (key, value) in &self.defaults.data {
            role.data.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Ok(role)
    }
}
