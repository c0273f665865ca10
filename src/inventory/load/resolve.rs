//! From hosts, groups and defaults to devices.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::element::{CONNECTIONS, Element, Options, Tree};
use super::extras::Extras;
use super::{Loaded, Places, https};
use crate::error::Error;
use crate::inventory::{Device, Inventory, Login, NetconfLogin};
use crate::text::did_you_mean;
use crate::yaml::{Node, Value};

/// How many devices may stand between us and a device.
const MAX_JUMPS: usize = 8;

pub(super) fn resolve(tree: &Tree, groups_file: bool, errors: &mut Vec<Error>) -> Loaded {
    let groups: HashMap<&str, &Element> =
        tree.groups.iter().map(|group| (group.name.as_str(), group)).collect();
    let resolver = Resolver { groups, defaults: &tree.defaults, groups_file };
    for group in &tree.groups {
        resolver.check_group(group, errors);
    }
    let mut loaded = Loaded::default();
    let mut devices = Vec::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for host in &tree.hosts {
        resolver.check_groups_of(host, errors);
        let chain = resolver.chain(host);
        used.extend(chain.iter().map(|group| group.name.clone()));
        let (device, platform) = resolver.device(host, &chain);
        let places = Places { name: host.node.clone(), platform: platform.cloned() };
        loaded.places.insert(host.name.clone(), places);
        devices.push(device);
    }
    for group in tree.groups.iter().filter(|group| !used.contains(&group.name)) {
        loaded.warnings.push(group.node.error(format!("no device is in the group `{}`", group.name)));
    }
    same_names(tree, errors);
    let inventory = Inventory::new(devices);
    resolver.check_jumps(tree, &inventory, errors);
    loaded.inventory = inventory;
    loaded
}

struct Resolver<'a> {
    groups: HashMap<&'a str, &'a Element>,
    defaults: &'a Element,
    groups_file: bool,
}

impl<'a> Resolver<'a> {
    fn check_groups_of(&self, element: &Element, errors: &mut Vec<Error>) {
        for (name, node) in &element.groups {
            if !self.groups.contains_key(name.as_str()) && self.groups_file {
                let error = node.error(format!("there is no group `{name}`"));
                let mut known: Vec<&str> = self.groups.keys().copied().collect();
                known.sort_unstable();
                errors.push(match did_you_mean(name, known) {
                    Some(hint) => error.hint(hint),
                    None => error.hint(format!("add `{name}: {{}}` to the groups' file")),
                });
            }
        }
    }

    /// The groups of a group exist, and it is in none of them by way of itself.
    fn check_group(&self, group: &Element, errors: &mut Vec<Error>) {
        self.check_groups_of(group, errors);
        for (name, node) in &group.groups {
            let reached = self.groups.get(name.as_str()).map(|found| self.chain(found)).unwrap_or_default();
            if *name == group.name || reached.iter().any(|found| found.name == group.name) {
                errors
                    .push(node.error(format!("the group `{}` is in itself by way of `{name}`", group.name)));
            }
        }
    }

    /// The groups that an element inherits from, in order: depth first, each once.
    fn chain(&self, element: &Element) -> Vec<&'a Element> {
        let mut chain: Vec<&Element> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        // A stack instead of a recursion: groups may be chained at any length.
        let names = |element: &'a Element| element.groups.iter().rev().map(|(name, _)| name.as_str());
        let mut waiting: Vec<&str> = element.groups.iter().rev().map(|(name, _)| name.as_str()).collect();
        while let Some(name) = waiting.pop() {
            if let Some(group) = self.groups.get(name)
                && seen.insert(group.name.as_str())
            {
                chain.push(group);
                waiting.extend(names(group));
            }
        }
        chain
    }

    fn device<'t>(&self, host: &'t Element, chain: &[&'t Element]) -> (Device, Option<&'t Node>)
    where
        'a: 't,
    {
        let mut elements: Vec<&Element> = vec![host];
        elements.extend(chain);
        elements.push(self.defaults);
        let of_slot =
            |slot: usize| elements.iter().filter_map(move |element| element.connections.get(slot)?.as_ref());
        let by_connection = || (0..CONNECTIONS.len()).flat_map(of_slot);
        let options = || by_connection().chain(elements.iter().map(|element| &element.login));
        // Nornir takes the extras of the first element that has any, not key by key.
        let extras: Vec<&Extras> = (0..CONNECTIONS.len())
            .filter_map(|slot| of_slot(slot).find_map(|options| options.extras.as_ref()))
            .collect();
        let platform = options().find_map(|options| options.platform.as_ref());
        let key_file = extras.iter().find_map(|extras| extras.key_file.clone());
        let login = Login {
            port: options().find_map(|options| options.port),
            username: options().find_map(|options| options.username.clone()),
            password: options().find_map(|options| options.password.clone()),
            // Whoever names a key means it, unless `use_keys` says no.
            use_keys: extras.iter().find_map(|extras| extras.use_keys).unwrap_or(key_file.is_some()),
            key_file,
            passphrase: extras.iter().find_map(|extras| extras.passphrase.clone()),
            secret: extras.iter().find_map(|extras| extras.secret.clone()),
            level: elements.iter().find_map(|element| element.ssh.level),
            jump: elements.iter().find_map(|element| jump_of(element, host)),
            connect_timeout: elements
                .iter()
                .find_map(|element| element.ssh.connect_timeout)
                .or_else(|| extras.iter().find_map(|extras| extras.connect_timeout)),
            netconf: netconf(&elements),
            restconf: https::resolve(&elements, "restconf"),
            jsonrpc: https::resolve(&elements, "jsonrpc"),
        };
        let hostname = |options: &Options| options.hostname.clone().filter(|name| !name.is_empty());
        let device = Device {
            name: host.name.clone(),
            hostname: options().find_map(hostname).unwrap_or_else(|| host.name.clone()),
            platform: platform.map(|(name, _)| name.clone()).unwrap_or_default(),
            groups: group_names(host, chain),
            data: data(&elements, &login),
            login,
        };
        (device, platform.map(|(_, node)| node))
    }

    /// Every jump is a device, and nobody is reached by way of himself.
    fn check_jumps(&self, tree: &Tree, inventory: &Inventory, errors: &mut Vec<Error>) {
        let mut reported: BTreeSet<(String, usize, usize)> = BTreeSet::new();
        for host in &tree.hosts {
            let mut elements: Vec<&Element> = vec![host];
            elements.extend(self.chain(host));
            elements.push(self.defaults);
            let Some((name, node)) = elements
                .iter()
                .filter(|element| jump_of(element, host).is_some())
                .find_map(|element| element.ssh.jump.as_ref())
            else {
                continue;
            };
            let error = match inventory.get(name) {
                None => {
                    let error = node.error(format!("there is no device `{name}` to jump through"));
                    let names = inventory.devices().map(|device| device.name.as_str());
                    Some(match did_you_mean(name, names) {
                        Some(hint) => error.hint(hint),
                        None => error.hint("a jump host is a device of this inventory, by its name"),
                    })
                }
                Some(_) => chain_error(host, inventory).map(|message| node.error(message)),
            };
            if let Some(error) = error {
                let place = node.place();
                if reported.insert((place.source, place.line, place.column)) {
                    errors.push(error);
                }
            }
        }
    }
}

/// What the connection to a NETCONF server says of its own.
fn netconf(elements: &[&Element]) -> NetconfLogin {
    let own = || elements.iter().filter_map(|element| element.netconf.as_ref());
    NetconfLogin {
        offered: own().next().is_some(),
        hostname: own().find_map(|options| options.hostname.clone()).filter(|name| !name.is_empty()),
        port: own().find_map(|options| options.port),
        username: own().find_map(|options| options.username.clone()),
        password: own().find_map(|options| options.password.clone()),
    }
}

/// A jump that names the host itself is none: so that a group's jump host may be in the group.
fn jump_of(element: &Element, host: &Element) -> Option<String> {
    let (name, _) = element.ssh.jump.as_ref()?;
    let own = std::ptr::eq(element, host);
    (own || *name != host.name).then(|| name.clone()).filter(|name| !name.is_empty())
}

fn chain_error(host: &Element, inventory: &Inventory) -> Option<String> {
    let mut path = vec![host.name.clone()];
    let mut next = inventory.get(&host.name)?.login.jump.clone();
    while let Some(name) = next {
        if path.contains(&name) {
            path.push(name);
            return Some(format!("the jumps go in a circle: {}", path.join(" → ")));
        }
        next = inventory.get(&name).and_then(|device| device.login.jump.clone());
        path.push(name);
        if path.len() > MAX_JUMPS + 1 {
            return Some(format!("more than {MAX_JUMPS} jumps lead to `{}`", host.name));
        }
    }
    None
}

/// Direct groups first, then the inherited ones.
fn group_names(host: &Element, chain: &[&Element]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let inherited = chain.iter().map(|group| &group.name);
    for name in host.groups.iter().map(|(name, _)| name).chain(inherited) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn data(elements: &[&Element], login: &Login) -> BTreeMap<String, String> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut data = BTreeMap::new();
    for (key, node) in elements.iter().flat_map(|element| &element.data) {
        if seen.insert(key) {
            flatten(key, node, &mut data);
        }
    }
    if let Some(level) = login.level {
        data.insert("ssh.level".to_owned(), format!("{level:?}").to_lowercase());
    }
    if let Some(jump) = &login.jump {
        data.insert("ssh.jump".to_owned(), jump.clone());
    }
    data
}

/// Nested keys are joined by dots; a list becomes its texts joined by commas.
fn flatten(key: &str, node: &Node, data: &mut BTreeMap<String, String>) {
    match node.value() {
        Value::Null => {
            data.insert(key.to_owned(), String::new());
        }
        Value::Scalar { text, .. } => {
            data.insert(key.to_owned(), text.clone());
        }
        Value::List(items) if items.iter().all(|item| item.text().is_some()) => {
            let texts: Vec<&str> = items.iter().filter_map(Node::text).collect();
            data.insert(key.to_owned(), texts.join(","));
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{key}.{index}"), item, data);
            }
        }
        Value::Map(entries) => {
            for (inner, value) in entries {
                flatten(&format!("{key}.{}", inner.text().unwrap_or_default()), value, data);
            }
        }
    }
}

/// Two devices whose names differ by their case only could not be told apart in a chat.
fn same_names(tree: &Tree, errors: &mut Vec<Error>) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for host in &tree.hosts {
        if let Some(other) = seen.insert(host.name.to_ascii_lowercase(), &host.name) {
            let error = host.node.error(format!("`{}` and `{other}` differ by their case only", host.name));
            errors.push(error.hint("people type names in any case; rename one of them"));
        }
    }
}
