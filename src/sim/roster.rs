//! The demo's own inventory, in Nornir's form: platform, groups and data of each written device,
//! which its copies have too. Address, port and login are the running simulator's.

use std::path::Path;

use super::files::Files;
use crate::error::{Error, Result};
use crate::inventory::load::{Files as Trees, load};
use crate::inventory::{Device, Inventory};
use crate::secret::Environment;

/// The demo inventory.
#[derive(Debug)]
pub struct Roster(Inventory);

impl Roster {
    /// Reads the three files.
    pub fn load(files: &Files) -> Result<Self> {
        let hosts = files.tree("inventory/hosts.yaml")?;
        let groups = files.tree("inventory/groups.yaml")?;
        let defaults = files.tree("inventory/defaults.yaml")?;
        let trees = Trees {
            hosts: &hosts,
            groups: Some(&groups),
            defaults: Some(&defaults),
            base: Path::new("."),
            environment: &Environment::empty(),
        };
        let mut errors = Vec::new();
        let loaded = load(&trees, &mut errors);
        match errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(Self(loaded.inventory)),
        }
    }

    /// A written device.
    pub fn role(&self, name: &str) -> Result<&Device> {
        self.0.get(name).map(AsRef::as_ref).ok_or_else(|| {
            Error::config(format!("the demo inventory has no host `{name}`"))
                .hint("every device of network.yaml needs its line in inventory/hosts.yaml")
        })
    }
}
