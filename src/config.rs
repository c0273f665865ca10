//! `nocbot.yaml`: where everything is, and the limits.
//!
//! Relative paths count from the directory of the file; `~/` is the `HOME` of the environment that
//! the application passes in. Every value may hold `${NAME}` or `${NAME:-default}`.

pub mod chat;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::secret::{Environment, SecretRef, path_of};
use crate::yaml::Node;

/// The keys of the file.
const KEYS: [&str; 9] =
    ["inventory", "profiles", "parsers", "store", "ssh", "console", "chat", "limits", "probe"];

/// The SSH algorithms offered to a device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// What current OpenSSH offers.
    Modern,
    /// Also NIST curves, SHA-1 group 14, AES-CTR and HMAC-SHA1: most network devices of this decade.
    #[default]
    Compat,
    /// Also group 1, group exchange with SHA-1, CBC, 3DES, ssh-rsa and ssh-dss: old routers.
    Legacy,
}

/// What to do about a host key that nobody has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeys {
    /// Refuse it.
    #[default]
    Strict,
    /// Take it, write it down, and refuse any other from then on.
    AcceptNew,
}

/// The configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from; `None` when there is none.
    pub path: Option<PathBuf>,
    /// The directory from which relative paths count.
    pub base: PathBuf,
    /// Where the devices are; `None` when the file names none and `inventory/` is not there.
    pub inventory: Option<InventoryFiles>,
    /// Directories with `verbs/` and `platforms/`; an earlier one lies over a later one.
    pub profiles: Vec<PathBuf>,
    /// Directories with parsers; an earlier one lies over a later one.
    pub parsers: Vec<PathBuf>,
    /// The SQLite file.
    pub store: Option<PathBuf>,
    /// Defaults of SSH.
    pub ssh: Ssh,
    /// The web console.
    pub console: Console,
    /// The chat platforms.
    pub chat: chat::Chat,
    /// Bounds of a question.
    pub limits: Limits,
    /// Bounds of what the bot itself sends into the network.
    pub probe: Probe,
}

/// The files of an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryFiles {
    /// The devices.
    pub hosts: PathBuf,
    /// The groups, if there is such a file.
    pub groups: Option<PathBuf>,
    /// What everything inherits, if there is such a file.
    pub defaults: Option<PathBuf>,
}

/// Defaults of SSH.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ssh {
    /// The known hosts, in OpenSSH's format.
    pub known_hosts: Option<PathBuf>,
    /// What to do about an unknown host key.
    pub host_keys: HostKeys,
    /// The algorithm level of devices whose inventory names none; else the platform's.
    pub level: Option<Level>,
}

/// The web console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What a browser must present when it is not on loopback; one is made up when there is none.
    pub token: Option<SecretRef>,
    /// Names under which a browser reaches it besides its address and `localhost`.
    pub hosts: Vec<String>,
}

impl Default for Console {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8008)), token: None, hosts: Vec::new() }
    }
}

/// Bounds of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most devices that one question may ask.
    pub devices: usize,
    /// How long a question may take.
    pub timeout: Duration,
    /// How many devices are asked at the same time.
    pub parallel: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { devices: 200, timeout: Duration::from_secs(30), parallel: 100 }
    }
}

/// Bounds of what the bot itself sends into the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Packets per second, over all questions.
    pub pace: u32,
    /// The most addresses that one question may name.
    pub addresses: usize,
    /// The most pairs of device and host in a matrix.
    pub pairs: usize,
    /// The TCP port whose connections are timed where ICMP is not allowed.
    pub tcp_port: u16,
}

impl Default for Probe {
    fn default() -> Self {
        Self { pace: 1000, addresses: 4096, pairs: 400, tcp_port: 22 }
    }
}

impl Config {
    /// The configuration of a directory without a file: built-in data, `inventory/` if it is there.
    pub fn without_file(base: &Path) -> Self {
        Self {
            path: None,
            base: base.to_owned(),
            inventory: implied_inventory(base),
            profiles: Vec::new(),
            parsers: Vec::new(),
            store: None,
            ssh: Ssh::default(),
            console: Console::default(),
            chat: chat::Chat::default(),
            limits: Limits::default(),
            probe: Probe::default(),
        }
    }

    /// Reads the file at `path`. All errors of the file are returned.
    pub fn load(path: &Path, environment: &Environment) -> Result<Self, Vec<Error>> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let hint = "name the configuration by `-c FILE`; docs/configuration.md shows a small one";
            vec![Error::io(format!("the configuration {name}"), error).hint(hint)]
        })?;
        let base = path.parent().unwrap_or(Path::new(""));
        let config = Self::read(&name, &text, base, environment)?;
        Ok(Self { path: Some(path.to_owned()), ..config })
    }

    /// The same configuration, with `nocbot.db` beside its file as the store where it has chats and names none: what
    /// was accepted over a link must not be gone with the process.
    #[must_use]
    pub fn with_store_for_chats(mut self) -> Self {
        if self.store.is_none() && self.chat.any() {
            self.store = Some(self.base.join("nocbot.db"));
        }
        self
    }

    /// Reads a text; `name` stands in errors and `base` is where relative paths count from.
    pub fn read(name: &str, text: &str, base: &Path, environment: &Environment) -> Result<Self, Vec<Error>> {
        let root = Node::read(name, text)?;
        let mut reader = Reader { base, environment, errors: Vec::new() };
        let root = root.expand(environment, &chat::SECRETS, &mut reader.errors);
        let config = reader.config(&root);
        if reader.errors.is_empty() { Ok(config) } else { Err(reader.errors) }
    }
}

struct Reader<'a> {
    base: &'a Path,
    environment: &'a Environment,
    errors: Vec<Error>,
}

impl Reader<'_> {
    fn config(&mut self, root: &Node) -> Config {
        if let Err(error) = root.entries("the configuration") {
            self.errors.push(error);
        }
        root.unknown_keys(&KEYS, &mut self.errors);
        let inventory = match root.get("inventory").filter(|node| !node.is_null()) {
            Some(node) => self.inventory(node),
            None => implied_inventory(self.base),
        };
        Config {
            inventory,
            profiles: self.directories(root, "profiles"),
            parsers: self.directories(root, "parsers"),
            store: self.path(root, "store"),
            ssh: self.ssh(root),
            console: self.console(root),
            chat: self.chat(root),
            limits: self.limits(root),
            probe: self.probe(root),
            ..Config::without_file(self.base)
        }
    }

    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// The decoded value of a key; `None` when it is missing, nothing or wrong.
    fn decode<T: serde::de::DeserializeOwned>(&mut self, map: Option<&Node>, key: &str) -> Option<T> {
        let node = map?.get(key).filter(|node| !node.is_null())?;
        self.keep(node.decode())
    }

    /// A mapping under a key, its keys checked.
    fn section<'n>(&mut self, root: &'n Node, key: &str, known: &[&str]) -> Option<&'n Node> {
        let node = root.get(key)?;
        self.keep(node.entries(&format!("`{key}`")))?;
        node.unknown_keys(known, &mut self.errors);
        Some(node)
    }

    fn path(&mut self, map: &Node, key: &str) -> Option<PathBuf> {
        let node = map.get(key).filter(|node| !node.is_null())?;
        self.path_at(node, &format!("`{key}`"))
    }

    fn path_at(&mut self, node: &Node, what: &str) -> Option<PathBuf> {
        let path = node.scalar(what).and_then(|text| {
            path_of(text, self.base, self.environment).map_err(|error| node.place_error(error))
        });
        self.keep(path)
    }

    fn directories(&mut self, root: &Node, key: &str) -> Vec<PathBuf> {
        let Some(node) = root.get(key) else { return Vec::new() };
        let Some(items) = self.keep(node.items(&format!("`{key}`"))) else { return Vec::new() };
        let mut found = Vec::new();
        for item in items {
            let Some(path) = self.path_at(item, "a directory") else { continue };
            if path.is_dir() {
                found.push(path);
            } else {
                let error = item.error(format!("{} is not a directory", path.display()));
                self.errors.push(error.hint("relative paths count from the directory of this file"));
            }
        }
        found
    }

    fn inventory(&mut self, node: &Node) -> Option<InventoryFiles> {
        if node.text().is_some() {
            let path = self.path_at(node, "`inventory`")?;
            if path.is_file() {
                return Some(InventoryFiles { hosts: path, groups: None, defaults: None });
            }
            let found = directory(&path);
            if found.is_none() {
                let error = node.error(format!("{} holds no hosts.yaml", path.display()));
                self.errors.push(error.hint(
                    "an inventory is a directory with hosts.yaml, groups.yaml and defaults.yaml (only the first is a must), or one file of hosts",
                ));
            }
            return found;
        }
        self.keep(node.entries("`inventory`"))?;
        node.unknown_keys(&["hosts", "groups", "defaults"], &mut self.errors);
        let groups = self.path(node, "groups");
        let defaults = self.path(node, "defaults");
        let hosts = self.path(node, "hosts");
        if hosts.is_none() {
            self.errors.push(node.error("`inventory` names no file `hosts`"));
        }
        Some(InventoryFiles { hosts: hosts?, groups, defaults })
    }

    fn ssh(&mut self, root: &Node) -> Ssh {
        let node = self.section(root, "ssh", &["known_hosts", "host_keys", "level"]);
        Ssh {
            known_hosts: node.and_then(|node| self.path(node, "known_hosts")),
            host_keys: self.decode(node, "host_keys").unwrap_or_default(),
            level: self.decode(node, "level"),
        }
    }

    fn console(&mut self, root: &Node) -> Console {
        let node = self.section(root, "console", &["listen", "token", "hosts"]);
        let mut console = Console::default();
        if let Some(listen) = node.and_then(|node| node.get("listen")).filter(|node| !node.is_null()) {
            if let Some(Ok(address)) = listen.text().map(str::parse) {
                console.listen = address;
            } else {
                let error = listen.error("`listen` must be an address and a port");
                self.errors.push(error.hint("for instance 127.0.0.1:8008, or [::1]:8008"));
            }
        }
        console.token = node.and_then(|node| self.secret(node, "token"));
        console.hosts = self.decode(node, "hosts").unwrap_or_default();
        console
    }

    /// Where a secret is to be had; `None` when the key is missing, nothing or wrong.
    fn secret(&mut self, map: &Node, key: &str) -> Option<SecretRef> {
        let node = map.get(key).filter(|node| !node.is_null())?;
        let secret = node.scalar(&format!("`{key}`")).and_then(|text| {
            SecretRef::read(text, self.base, self.environment).map_err(|error| node.place_error(error))
        });
        self.keep(secret)
    }

    fn limits(&mut self, root: &Node) -> Limits {
        let node = self.section(root, "limits", &["devices", "timeout", "parallel"]);
        let default = Limits::default();
        let devices = self.bounded(node, "devices", 100_000).map_or(default.devices, to_usize);
        let parallel = self.bounded(node, "parallel", 10_000).map_or(default.parallel, to_usize);
        let timeout = self.bounded(node, "timeout", 86_400).map_or(default.timeout, Duration::from_secs);
        Limits { devices, timeout, parallel }
    }

    fn probe(&mut self, root: &Node) -> Probe {
        let node = self.section(root, "probe", &["pace", "addresses", "pairs", "tcp_port"]);
        let default = Probe::default();
        let pace = self.bounded(node, "pace", 1_000_000).and_then(|pace| u32::try_from(pace).ok());
        let port = self.bounded(node, "tcp_port", 65_535).and_then(|port| u16::try_from(port).ok());
        Probe {
            pace: pace.unwrap_or(default.pace),
            addresses: self.bounded(node, "addresses", 1_000_000).map_or(default.addresses, to_usize),
            pairs: self.bounded(node, "pairs", 100_000).map_or(default.pairs, to_usize),
            tcp_port: port.unwrap_or(default.tcp_port),
        }
    }

    fn bounded(&mut self, map: Option<&Node>, key: &str, most: u64) -> Option<u64> {
        let number: u64 = self.decode(map, key)?;
        if (1..=most).contains(&number) {
            return Some(number);
        }
        let node = map?.get(key)?;
        self.errors.push(node.error(format!("`{key}` must be from 1 to {most}")));
        None
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn implied_inventory(base: &Path) -> Option<InventoryFiles> {
    directory(&base.join("inventory"))
}

/// The files of an inventory's directory, by either ending of YAML.
fn directory(path: &Path) -> Option<InventoryFiles> {
    let file = |stem: &str| {
        ["yaml", "yml"].iter().map(|end| path.join(format!("{stem}.{end}"))).find(|file| file.is_file())
    };
    Some(InventoryFiles { hosts: file("hosts")?, groups: file("groups"), defaults: file("defaults") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests;
