//! The devices: Nornir's SimpleInventory, resolved. The model is here; `load` reads the files.

mod https;
pub mod load;

pub use https::{Fingerprint, HttpsLogin};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::profile::Level;
use crate::secret::SecretRef;

/// One device, with everything it inherits from its groups and the defaults filled in.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its name in the inventory.
    pub name: String,
    /// The address or DNS name to dial; the device's name when the inventory has none.
    pub hostname: String,
    /// The platform as the inventory spells it; empty when it has none.
    pub platform: String,
    /// Every group it is in, direct ones first, then the inherited ones.
    pub groups: Vec<String>,
    /// `data:` of itself, its groups and the defaults, flattened to texts (`site`, `role`, ...);
    /// nested maps are joined by dots.
    pub data: BTreeMap<String, String>,
    /// How to log in.
    pub login: Login,
}

/// How to log in to a device.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// TCP port; the platform's when the inventory has none.
    pub port: Option<u16>,
    /// User name.
    pub username: Option<String>,
    /// Password, also given to keyboard-interactive questions.
    pub password: Option<SecretRef>,
    /// Try keys before the password: the key file, then the agent.
    pub use_keys: bool,
    /// A private key in OpenSSH or PEM form.
    pub key_file: Option<PathBuf>,
    /// The key file's passphrase.
    pub passphrase: Option<SecretRef>,
    /// The enable secret.
    pub secret: Option<SecretRef>,
    /// The algorithm level; the platform's when the inventory has none.
    pub level: Option<Level>,
    /// The device to jump through, by its name in the inventory; may itself have one.
    pub jump: Option<String>,
    /// Seconds for TCP and handshake together.
    pub connect_timeout: Option<u64>,
    /// How to log in to its NETCONF server.
    pub netconf: NetconfLogin,
    /// How to log in to its RESTCONF server.
    pub restconf: HttpsLogin,
    /// How to log in to its server of commands over JSON-RPC.
    pub jsonrpc: HttpsLogin,
}

/// How to log in to a device's NETCONF server; what is not here is as for the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetconfLogin {
    /// Whether the inventory names the connection: only then the server is asked without being told to.
    pub offered: bool,
    /// The address or DNS name to dial, when it is not the device's.
    pub hostname: Option<String>,
    /// TCP port; 830 when the inventory has none.
    pub port: Option<u16>,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<SecretRef>,
}

/// All devices and groups.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    devices: BTreeMap<String, Arc<Device>>,
    groups: BTreeMap<String, Vec<String>>,
}

impl Inventory {
    /// An inventory of these devices; groups are read from them.
    pub fn new(devices: impl IntoIterator<Item = Device>) -> Self {
        let mut inventory = Self::default();
        for device in devices {
            for group in &device.groups {
                inventory.groups.entry(group.clone()).or_default().push(device.name.clone());
            }
            inventory.devices.insert(device.name.clone(), Arc::new(device));
        }
        inventory
    }

    /// A device by its exact name.
    pub fn get(&self, name: &str) -> Option<&Arc<Device>> {
        self.devices.get(name)
    }

    /// All devices, by name.
    pub fn devices(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.devices.values()
    }

    /// All groups with the names of their devices.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.groups.iter().map(|(name, members)| (name.as_str(), members.as_slice()))
    }

    /// The devices to go through to reach `device`, outermost first; empty when it is dialled
    /// directly. Cycles are refused when the inventory is loaded.
    pub fn jumps(&self, device: &Device) -> Vec<Arc<Device>> {
        let mut chain = Vec::new();
        let mut next = device.login.jump.clone();
        while let Some(hop) = next.as_deref().and_then(|name| self.devices.get(name)) {
            if chain.len() > 8 {
                break;
            }
            next.clone_from(&hop.login.jump);
            chain.insert(0, Arc::clone(hop));
        }
        chain
    }
}
