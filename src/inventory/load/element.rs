//! Hosts, groups and defaults as their files have them, before anything is inherited.

use std::collections::BTreeSet;
use std::path::Path;

use super::Files;
use super::extras::{self, Extras};
use super::https;
use crate::error::{Error, Result};
use crate::profile::Level;
use crate::secret::{Environment, SecretRef};
use crate::yaml::{Node, Value};

/// Keys whose values are secrets: never expanded at load.
const SECRETS: [&str; 7] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "auth_private_key_passphrase",
    "auth_secondary",
    "auth_password",
];
/// The connections whose options are a login for us, the first to be asked first.
pub(super) const CONNECTIONS: [&str; 3] = ["ssh", "netmiko", "scrapli"];
/// The names of the connection to a NETCONF server.
const NETCONF: [&str; 2] = ["netconf", "scrapli_netconf"];
/// Words of the grammar, which a name would hide.
const RESERVED: [&str; 2] = ["all", "on"];

/// The three files.
pub(super) struct Tree {
    /// In the order of the file.
    pub hosts: Vec<Element>,
    pub groups: Vec<Element>,
    pub defaults: Element,
}

/// A host, a group or the defaults.
pub(super) struct Element {
    pub name: String,
    pub node: Node,
    pub login: Options,
    /// The names of its groups.
    pub groups: Vec<(String, Node)>,
    /// `data` but for `ssh`, in the order of the file.
    pub data: Vec<(String, Node)>,
    pub ssh: DataSsh,
    /// By the order of [`CONNECTIONS`].
    pub connections: [Option<Options>; 3],
    /// The connection to a NETCONF server.
    pub netconf: Option<Options>,
    /// By the order of [`https::CONNECTIONS`].
    pub https: [Option<https::Options>; 2],
}

/// What Nornir calls base attributes, and a connection's options.
#[derive(Default)]
pub(super) struct Options {
    pub hostname: Option<String>,
    pub port: Option<u16>,
    pub username: Option<String>,
    pub password: Option<SecretRef>,
    pub platform: Option<(String, Node)>,
    pub extras: Option<Extras>,
}

/// `data.ssh`: what SSH needs and Nornir has no words for.
#[derive(Default)]
pub(super) struct DataSsh {
    pub level: Option<Level>,
    pub jump: Option<(String, Node)>,
    pub connect_timeout: Option<u64>,
}

pub(super) struct Reader<'a> {
    pub base: &'a Path,
    pub environment: &'a Environment,
    /// Whether the element being read is a device, not a group or the defaults.
    pub device: bool,
    pub errors: Vec<Error>,
    pub warnings: Vec<Error>,
    /// Each once, however many hosts say it.
    pub notes: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(base: &'a Path, environment: &'a Environment) -> Self {
        Self {
            base,
            environment,
            device: false,
            errors: Vec::new(),
            warnings: Vec::new(),
            notes: BTreeSet::new(),
        }
    }

    pub(super) fn tree(&mut self, files: &Files<'_>) -> Tree {
        let defaults = files.defaults.map(|node| node.expand(self.environment, &SECRETS, &mut self.errors));
        let defaults = match defaults {
            Some(node) => self.element("the defaults".to_owned(), &node, node.clone(), false),
            None => Element::empty(files.hosts.with_value(Value::Null)),
        };
        Tree {
            hosts: self.elements(files.hosts, "hosts"),
            groups: files.groups.map(|node| self.elements(node, "groups")).unwrap_or_default(),
            defaults,
        }
    }

    fn elements(&mut self, root: &Node, what: &str) -> Vec<Element> {
        let root = root.expand(self.environment, &SECRETS, &mut self.errors);
        let Some(entries) = self.keep(root.entries(&format!("a file of {what}"))) else { return Vec::new() };
        let mut found = Vec::new();
        self.device = what == "hosts";
        for (key, value) in entries {
            let name = key.text().unwrap_or_default();
            match name_error(name) {
                Some(error) => self.errors.push(key.place_error(error)),
                None => found.push(self.element(name.to_owned(), value, key.clone(), true)),
            }
        }
        found
    }

    fn element(&mut self, name: String, node: &Node, place: Node, named: bool) -> Element {
        let mut element = Element::empty(place);
        element.name = name;
        if self.keep(node.entries(&format!("`{}`", element.name))).is_none() {
            return element;
        }
        let mut known =
            vec!["hostname", "port", "username", "password", "platform", "data", "connection_options"];
        if named {
            known.push("groups");
        }
        node.unknown_keys(&known, &mut self.errors);
        element.login = self.options(node);
        for group in self.items(node, "groups") {
            if let Some(name) = self.keep(group.scalar("a group")).map(str::to_owned) {
                element.groups.push((name, group));
            }
        }
        if let Some(data) = node.get("data") {
            self.data(data, &mut element);
        }
        if let Some(connections) = node.get("connection_options") {
            self.connections(connections, &mut element);
        }
        element
    }

    fn data(&mut self, data: &Node, element: &mut Element) {
        let Some(entries) = self.keep(data.entries("`data`")) else { return };
        for (key, value) in entries {
            let key = key.text().unwrap_or_default();
            if key != "ssh" {
                element.data.push((key.to_owned(), value.clone()));
                continue;
            }
            if self.keep(value.entries("`data.ssh`")).is_none() {
                continue;
            }
            value.unknown_keys(&["level", "jump", "connect_timeout"], &mut self.errors);
            element.ssh = DataSsh {
                level: self.decode(value, "level"),
                jump: self.text(value, "jump").map(|jump| (jump, value.nearest(&["jump"]).clone())),
                connect_timeout: self.seconds(value, "connect_timeout"),
            };
        }
    }

    fn connections(&mut self, node: &Node, element: &mut Element) {
        let Some(entries) = self.keep(node.entries("`connection_options`")) else { return };
        for (key, value) in entries {
            let name = key.text().unwrap_or_default();
            let netconf = NETCONF.contains(&name);
            let of_https = https::CONNECTIONS.iter().position(|known| *known == name);
            if let Some(slot) = of_https.and_then(|slot| element.https.get_mut(slot)) {
                *slot = https::read(self, name, value);
                continue;
            }
            let slot = CONNECTIONS.iter().position(|known| *known == name);
            if slot.is_none() && !netconf {
                self.notes.insert(format!(
                    "connection_options of `{name}` are not used; logins are read from {}, {}, {}",
                    CONNECTIONS.join(", "),
                    NETCONF.join(", "),
                    https::CONNECTIONS.join(", ")
                ));
                continue;
            }
            if self.keep(value.entries(&format!("`{name}`"))).is_none() {
                continue;
            }
            value.unknown_keys(
                &["hostname", "port", "username", "password", "platform", "extras"],
                &mut self.errors,
            );
            let mut options = self.options(value);
            if netconf {
                element.netconf.get_or_insert(options);
                continue;
            }
            if let Some(extras) = value.get("extras").filter(|extras| !extras.is_null()) {
                options.extras = self.extras(extras);
            }
            if let Some(slot) = slot.and_then(|slot| element.connections.get_mut(slot)) {
                *slot = Some(options);
            }
        }
    }

    fn options(&mut self, node: &Node) -> Options {
        Options {
            hostname: self.text(node, "hostname").filter(|name| self.is_host(node, name)),
            port: self.port(node),
            username: self.text(node, "username"),
            password: self.secret(node, "password"),
            platform: self.text(node, "platform").map(|name| (name, node.nearest(&["platform"]).clone())),
            extras: None,
        }
    }

    pub(super) fn is_host(&mut self, node: &Node, name: &str) -> bool {
        let good = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':' | '%');
        if name.chars().all(good) && name.len() <= 253 {
            return true;
        }
        let error = node.nearest(&["hostname"]).error(format!("`{name}` is no address and no DNS name"));
        self.errors.push(error.hint("the port has a key of its own, `port`"));
        false
    }

    pub(super) fn port(&mut self, node: &Node) -> Option<u16> {
        let port: u16 = self.decode(node, "port")?;
        if port == 0 {
            self.errors.push(node.nearest(&["port"]).error("port 0 cannot be dialled"));
        }
        Some(port)
    }

    /// Seconds from 1 to an hour; a fraction, as netmiko and scrapli take it, is rounded up.
    pub(super) fn seconds(&mut self, map: &Node, key: &str) -> Option<u64> {
        let seconds: f64 = self.decode(map, key)?;
        if seconds > 0.0 && seconds <= 3600.0 {
            // In range: from 1 to 3600.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            return Some(seconds.ceil() as u64);
        }
        self.errors.push(map.nearest(&[key]).error(format!("`{key}` must be from 1 to 3600 seconds")));
        None
    }

    pub(super) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    pub(super) fn decode<T: serde::de::DeserializeOwned>(&mut self, map: &Node, key: &str) -> Option<T> {
        let node = map.get(key).filter(|node| !node.is_null())?;
        self.keep(node.decode())
    }

    fn items(&mut self, map: &Node, key: &str) -> Vec<Node> {
        let Some(node) = map.get(key) else { return Vec::new() };
        self.keep(node.items(&format!("`{key}`"))).map(<[Node]>::to_vec).unwrap_or_default()
    }

    /// A text as it was written; nothing is nothing. `username: #x` is the text `#x`: containerlab
    /// and scripts write credentials without quotes.
    pub(super) fn text(&mut self, map: &Node, key: &str) -> Option<String> {
        let (name, node) = map.entry(key)?;
        if node.is_null() {
            let text = node.taken_for_comment()?;
            let warning =
                name.error(format!("the text behind `{key}` begins with `#`: YAML takes it for a comment"));
            self.warnings.push(warning.hint("it was read as a text; put it between single quotes"));
            return Some(text);
        }
        self.keep(node.scalar(&format!("`{key}`"))).map(str::to_owned)
    }

    pub(super) fn secret(&mut self, map: &Node, key: &str) -> Option<SecretRef> {
        let text = self.text(map, key)?;
        let secret = SecretRef::read(&text, self.base, self.environment);
        let secret = self.keep(secret.map_err(|error| map.nearest(&[key]).place_error(error)))?;
        if let Some(lack) = secret.lacks() {
            let warning = map.nearest(&[key]).error(format!("`{key}` cannot be had: {lack}"));
            self.warnings
                .push(warning.hint("a secret is fetched when a device is dialled, which would fail"));
        }
        Some(secret)
    }

    fn extras(&mut self, node: &Node) -> Option<Extras> {
        self.keep(node.entries("`extras`"))?;
        Some(extras::read(self, node))
    }
}

impl Element {
    fn empty(node: Node) -> Self {
        Self {
            name: String::new(),
            node,
            login: Options::default(),
            groups: Vec::new(),
            data: Vec::new(),
            ssh: DataSsh::default(),
            connections: [None, None, None],
            netconf: None,
            https: [None, None],
        }
    }
}

/// Why a host or group cannot have this name.
fn name_error(name: &str) -> Option<Error> {
    let good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | ':' | '/');
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
    if !begins || !name.chars().all(good) || name.len() > 128 {
        let error = Error::config(format!("`{}` cannot be a name", name.escape_debug()));
        return Some(error.hint("a name is a letter or digit, then letters, digits and . _ - : /"));
    }
    RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name)).then(|| {
        Error::config(format!("`{name}` cannot be a name: it is a word of the grammar"))
            .hint("name it otherwise, and give its address by `hostname`")
    })
}
