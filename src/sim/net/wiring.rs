//! Building the network: the state file with its rules applied.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;

use ipnetwork::{Ipv4Network, Ipv6Network};

use super::topology::{Interface, Kind, Net, Node, Traits, Wire};
use crate::error::{Error, Result};
use crate::sim::state::{At, DeviceState, State, StaticState, span};

impl Net {
    /// Builds the network; `traits` by command line.
    pub fn new(
        state: &State,
        bases: &BTreeMap<String, String>,
        traits: &BTreeMap<String, Traits>,
    ) -> Result<Self> {
        let mut nodes = Vec::with_capacity(state.devices.len());
        for (name, device) in &state.devices {
            nodes.push(node(state, name, bases.get(name).unwrap_or(name), device, traits)?);
        }
        nodes.sort_by_key(|node| node.id);
        let names = nodes.iter().enumerate().map(|(index, node)| (node.name.clone(), index)).collect();
        let mut net = Self {
            nodes,
            names,
            rds: state.vrfs.clone(),
            vlans: state.vlans.clone(),
            clocks: state.clocks.clone(),
            islands: Mutex::default(),
        };
        for port in &state.ports {
            net.check_vrf(&port.vrf)?;
            let index = net.find(&port.at)?;
            let host = port.host.unwrap_or_else(|| net.id(index));
            let mut interface = net.interface(&port.at, &port.vrf);
            interface.description.clone_from(&port.description);
            interface.admin = !port.shut;
            interface.up = !port.shut && !port.dark;
            interface.v4 = port.prefix.map(|prefix| host_v4(prefix, host)).transpose()?;
            interface.v6 = port.v6.map(|prefix| host_v6(prefix, host)).transpose()?;
            interface.hosts.clone_from(&port.hosts);
            interface.silent = port.silent;
            interface.errors = port.errors;
            interface.wire = net.port_wire(port)?;
            net.push(index, interface)?;
        }
        for link in &state.links {
            net.check_vrf(&link.vrf)?;
            let [a, b] = &link.ends;
            let ends = [(a, b, 0_usize), (b, a, 1)];
            let mut placed = Vec::with_capacity(2);
            for (at, other, side) in ends {
                let index = net.find(at)?;
                let host = match link.hosts {
                    Some([first, second]) => [first, second].get(side).copied().unwrap_or(first),
                    None => net.id(index),
                };
                let mut interface = net.interface(at, &link.vrf);
                interface.description = format!("to {} {}", other.device, other.interface);
                interface.admin = link.shut.as_deref() != Some(at.device.as_str());
                interface.up = link.shut.is_none();
                interface.v4 = Some(host_v4(link.prefix, host)?);
                interface.v6 = link.v6.map(|prefix| host_v6(prefix, host)).transpose()?;
                interface.cost = link.cost;
                interface.p2p = link.p2p;
                interface.wire.optical = link.optical;
                interface.wire.weak = link.weak.as_deref() == Some(at.device.as_str());
                interface.wire.isis.clone_from(&link.isis);
                placed.push((index, net.push(index, interface)?));
            }
            if let [first, second] = placed.as_slice() {
                net.join(*first, *second);
                net.join(*second, *first);
            }
        }
        net.bundles(state)?;
        net.finish(state)?;
        Ok(net)
    }

    fn id(&self, index: usize) -> u32 {
        self.nodes.get(index).map_or(0, |node| node.id)
    }

    pub(super) fn find(&self, at: &At) -> Result<usize> {
        self.names.get(&at.device).copied().ok_or_else(|| {
            Error::config(format!("the network has no device `{}`", at.device))
                .hint("name one of `devices:`, or add it there")
        })
    }

    fn check_vrf(&self, vrf: &str) -> Result<()> {
        if vrf.is_empty() || self.rds.contains_key(vrf) {
            return Ok(());
        }
        Err(Error::config(format!("the network has no VRF `{vrf}`")).hint("add it to `vrfs:`"))
    }

    pub(super) fn interface(&self, at: &At, vrf: &str) -> Interface {
        let traits = self.node(&at.device).map(|(_, node)| &node.traits);
        let vlan = at.interface.rsplit_once('.').and_then(|(_, tag)| tag.parse().ok());
        let unit = if vlan.is_some() { "" } else { traits.map_or("", |traits| traits.unit.as_str()) };
        Interface {
            name: at.interface.clone(),
            logical: format!("{}{unit}", at.interface),
            kind: if vlan.is_some() { Kind::Vlan } else { Kind::Port },
            index: 0,
            vlan: vlan.unwrap_or(0),
            description: String::new(),
            vrf: vrf.to_owned(),
            admin: true,
            up: true,
            mac: [0; 6],
            v4: None,
            v6: None,
            cost: 10,
            p2p: false,
            peer: None,
            hosts: Vec::new(),
            silent: false,
            errors: 0,
            wire: Wire::default(),
        }
    }

    pub(super) fn push(&mut self, index: usize, interface: Interface) -> Result<usize> {
        let Some(node) = self.nodes.get_mut(index) else {
            return Err(Error::new(crate::error::Kind::Internal, "a device is missing"));
        };
        if node.interfaces.iter().any(|other| other.name == interface.name) {
            return Err(Error::config(format!("{} has `{}` twice", node.name, interface.name)));
        }
        node.interfaces.push(interface);
        Ok(node.interfaces.len() - 1)
    }

    pub(super) fn join(&mut self, here: (usize, usize), there: (usize, usize)) {
        let interface = self.nodes.get_mut(here.0).and_then(|node| node.interfaces.get_mut(here.1));
        if let Some(interface) = interface {
            interface.peer = Some(there);
        }
    }

    /// Loopbacks and routes are added, interfaces put in order, hardware addresses given.
    fn finish(&mut self, state: &State) -> Result<()> {
        for node in &mut self.nodes {
            node.interfaces.push(Interface {
                name: node.traits.loopback.clone(),
                logical: format!("{}{}", node.traits.loopback, node.traits.unit),
                kind: Kind::Loopback,
                index: 0,
                vlan: 0,
                description: "router ID".to_owned(),
                vrf: String::new(),
                admin: true,
                up: true,
                mac: [0; 6],
                v4: Some(host_v4(Ipv4Network::from(node.loopback), 0)?),
                v6: Some(Ipv6Network::from(node.loopback6)),
                cost: 1,
                p2p: false,
                peer: None,
                hosts: Vec::new(),
                silent: false,
                errors: 0,
                wire: Wire::default(),
            });
            node.statics = (state.statics.iter())
                .filter(|route| node.interfaces.iter().any(|interface| reaches(interface, route)))
                .cloned()
                .collect();
        }
        self.sort();
        self.nodes.iter_mut().try_for_each(number)
    }

    /// Sorts every device's interfaces as people do (2 before 10); the ends of links follow.
    fn sort(&mut self) {
        let mut moved = Vec::with_capacity(self.nodes.len());
        for node in &mut self.nodes {
            let mut numbered: Vec<(usize, Interface)> = node.interfaces.drain(..).enumerate().collect();
            numbered.sort_by_cached_key(|(_, interface)| natural(&interface.name));
            let mut places = vec![0; numbered.len()];
            for (new, (old, interface)) in numbered.into_iter().enumerate() {
                if let Some(place) = places.get_mut(old) {
                    *place = new;
                }
                node.interfaces.push(interface);
            }
            moved.push(places);
        }
        for interface in self.nodes.iter_mut().flat_map(|node| &mut node.interfaces) {
            if let Some((device, port)) = &mut interface.peer {
                *port = moved.get(*device).and_then(|places| places.get(*port)).copied().unwrap_or(*port);
            }
        }
    }
}
/// Numbers a device's interfaces and gives them hardware addresses; a VLAN has its port's.
fn number(node: &mut Node) -> Result<()> {
    let [a, b, c] = node.traits.oui;
    let [_, _, high, low] = node.id.to_be_bytes();
    let mut ports: HashMap<String, ([u8; 6], bool)> = HashMap::new();
    for (place, interface) in node.interfaces.iter_mut().enumerate() {
        interface.index = u32::try_from(place).unwrap_or(0) + 1;
        if matches!(interface.kind, Kind::Port | Kind::Bundle) {
            interface.mac = [a, b, c, high, low, u8::try_from(place + 1).unwrap_or(u8::MAX)];
            ports.insert(interface.name.clone(), (interface.mac, interface.up));
        }
    }
    for interface in node.interfaces.iter_mut().filter(|interface| interface.kind == Kind::Vlan) {
        let port = interface.name.rsplit_once('.').and_then(|(port, _)| ports.get(port));
        let Some((mac, up)) = port else {
            let message = format!("{} has `{}` but not its port", node.name, interface.name);
            return Err(Error::config(message).hint("a name with a dot is a VLAN of the port before it"));
        };
        interface.mac = *mac;
        interface.up &= *up;
    }
    Ok(())
}

/// A key by which `Port10` comes after `Port2`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    let mut digits = false;
    for c in name.chars() {
        if !c.is_ascii_digit() && digits {
            parts.push((String::new(), 0));
        }
        digits = c.is_ascii_digit();
        if let Some((word, number)) = parts.last_mut() {
            match c.to_digit(10) {
                Some(digit) => *number = number.saturating_mul(10).saturating_add(digit.into()),
                None => word.push(c),
            }
        }
    }
    parts
}

fn reaches(interface: &Interface, route: &StaticState) -> bool {
    let family = if route.via.is_ipv4() { 4 } else { 6 };
    interface.vrf == route.vrf && interface.net(family).is_some_and(|net| net.contains(route.via))
}

fn node(
    state: &State,
    name: &str,
    base: &str,
    device: &DeviceState,
    traits: &BTreeMap<String, Traits>,
) -> Result<Node> {
    let Some(traits) = traits.get(&device.cli) else {
        let known: Vec<&str> = traits.keys().map(String::as_str).collect();
        return Err(Error::config(format!(
            "{name} has the command line `{}`, which no file has",
            device.cli
        ))
        .hint(format!("there are {}", known.join(", "))));
    };
    Ok(Node {
        name: name.to_owned(),
        base: base.to_owned(),
        id: device.id,
        cli: device.cli.clone(),
        variant: device.variant.clone(),
        mode: device.mode.clone(),
        asn: device.asn.unwrap_or(state.asn),
        reflector: state.reflectors.iter().any(|reflector| reflector == name),
        software: device.software.clone(),
        model: device.model.clone(),
        serial: device.serial.clone(),
        uptime: span(device.uptime.as_deref().unwrap_or(&state.uptime))?,
        loopback: host_v4(state.loopbacks.v4, device.id)?.ip(),
        loopback6: host_v6(state.loopbacks.v6, device.id)?.ip(),
        interfaces: Vec::new(),
        statics: Vec::new(),
        sessions: state.sessions.iter().filter(|session| session.device == name).cloned().collect(),
        old: device.old,
        broken: device.broken.clone(),
        acls: device.acls.clone(),
        faults: device.faults.clone(),
        traits: traits.clone(),
    })
}

fn host_v4(prefix: Ipv4Network, host: u32) -> Result<Ipv4Network> {
    let ip = u32::from(prefix.network()).checked_add(host).map(Ipv4Addr::from);
    let fits = ip.filter(|ip| prefix.contains(*ip));
    let ip = fits.ok_or_else(|| Error::config(format!("{prefix} has no host number {host}")))?;
    Ipv4Network::new(ip, prefix.prefix()).map_err(|error| Error::config(error.to_string()))
}

fn host_v6(prefix: Ipv6Network, host: u32) -> Result<Ipv6Network> {
    let ip = u128::from(prefix.network()).checked_add(u128::from(host)).map(Ipv6Addr::from);
    let fits = ip.filter(|ip| prefix.contains(*ip));
    let ip = fits.ok_or_else(|| Error::config(format!("{prefix} has no host number {host}")))?;
    Ipv6Network::new(ip, prefix.prefix()).map_err(|error| Error::config(error.to_string()))
}
