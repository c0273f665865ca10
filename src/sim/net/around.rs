//! What a device sees around it: ARP entries, LLDP and OSPF neighbors, and what it logged.

use std::net::{IpAddr, Ipv4Addr};

use super::bgp::since;
use super::spf::adjacent;
use super::topology::{Kind, Net, Node, jitter};

/// An ARP entry.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ArpEntry {
    /// The address.
    pub ip: Ipv4Addr,
    /// Its hardware address.
    #[serde(serialize_with = "hex")]
    pub mac: [u8; 6],
    /// The routed interface.
    pub interface: String,
    /// The port.
    pub port: String,
    /// VRF; empty for the default one.
    pub vrf: String,
    /// The device's own address.
    pub own: bool,
    /// Seconds since it was learned.
    pub age: u64,
    /// The other device's name; empty for a host.
    pub name: String,
}

/// An LLDP neighbor.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Neighbor {
    /// Our port.
    pub interface: String,
    /// Its system name.
    pub name: String,
    /// Its port.
    pub port: String,
    /// Its chassis ID.
    #[serde(serialize_with = "hex")]
    pub chassis: [u8; 6],
    /// Its port's description.
    pub description: String,
    /// Its management address.
    pub address: Ipv4Addr,
    /// The command line it has, for its system description.
    pub cli: String,
    /// Its software version.
    pub software: String,
    /// Seconds since it was first heard, when the simulation started.
    pub age: u64,
}

/// An OSPF adjacency.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Adjacency {
    /// Its router ID.
    pub neighbor: Ipv4Addr,
    /// Its address on the link.
    pub address: IpAddr,
    /// Our routed interface.
    pub interface: String,
    /// Our address.
    pub local: IpAddr,
    /// VRF; empty for the default one.
    pub vrf: String,
    /// `DR` or `BDR`; empty on a point-to-point link.
    pub role: String,
    /// Our own role.
    pub own_role: String,
    /// Its priority.
    pub priority: u32,
    /// Seconds since it is Full, when the simulation started.
    pub age: u64,
    /// Its place among our interfaces.
    pub index: u32,
}

/// Something that a device logged.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Event {
    /// Seconds before the simulation started.
    pub ago: u64,
    /// `link-up`, `link-down`, `ospf-full`, `bgp-up`, `bgp-open-failed`, `login`, `config`, `start`.
    pub kind: &'static str,
    /// The interface or the neighbor's address.
    pub subject: String,
    /// The OSPF interface or the BGP VRF.
    pub detail: String,
    /// A number that differs between events.
    pub number: u64,
}

impl Net {
    /// The ARP table, by interface in their order, then by address.
    pub fn arp(&self, index: usize) -> Vec<ArpEntry> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let mut entries = Vec::new();
        for interface in node.interfaces.iter().filter(|interface| interface.up && interface.admin) {
            let Some(net) = interface.v4.filter(|_| interface.kind != Kind::Loopback) else { continue };
            let entry = |ip: Ipv4Addr, mac, own, name: &str| ArpEntry {
                ip,
                mac,
                interface: interface.logical.clone(),
                port: interface.name.clone(),
                vrf: interface.vrf.clone(),
                own,
                age: jitter(&[u64::from(node.id), u64::from(u32::from(ip))]) % 7_200,
                name: name.to_owned(),
            };
            let first = entries.len();
            entries.push(entry(net.ip(), interface.mac, true, ""));
            if let Some((_, peer, there)) = self.peer(interface) {
                entries.extend(there.v4.map(|net| entry(net.ip(), there.mac, false, &peer.name)));
            }
            for host in &interface.hosts {
                entries.push(entry(*host, host_mac(*host), false, ""));
            }
            if let Some(own) = entries.get_mut(first..) {
                own.sort_by_key(|entry| entry.ip);
            }
        }
        entries
    }

    /// The LLDP neighbors, by interface.
    pub fn lldp(&self, index: usize) -> Vec<Neighbor> {
        let Some(node) = self.nodes.get(index).filter(|node| node.traits.lldp) else { return Vec::new() };
        let ports = node.interfaces.iter().filter(|port| port.kind == Kind::Port && port.up);
        let heard = ports.filter_map(|port| {
            let (_, peer, there) = self.peer(port)?;
            peer.traits.lldp.then(|| Neighbor {
                interface: port.name.clone(),
                name: peer.name.clone(),
                port: there.name.clone(),
                chassis: peer.interfaces.first().map_or([0; 6], |first| first.mac),
                description: there.description.clone(),
                address: peer.loopback,
                cli: peer.cli.clone(),
                software: peer.software.clone(),
                age: since(node, peer, 30),
            })
        });
        heard.collect()
    }

    /// The OSPF adjacencies of one family in all VRFs, by interface.
    pub fn ospf_neighbors(&self, index: usize, family: u8) -> Vec<Adjacency> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let full = node.interfaces.iter().filter_map(|interface| {
            let (_, peer, there) = adjacent(self, node, interface, family)?;
            let (role, own_role) = match (interface.p2p, peer.id > node.id) {
                (true, _) => ("", ""),
                (false, true) => ("DR", "BDR"),
                (false, false) => ("BDR", "DR"),
            };
            Some(Adjacency {
                neighbor: peer.loopback,
                address: if family == 4 { there.v4?.ip().into() } else { there.link_local().into() },
                interface: interface.logical.clone(),
                local: interface.net(family)?.ip(),
                vrf: interface.vrf.clone(),
                role: role.to_owned(),
                own_role: own_role.to_owned(),
                priority: u32::from(!interface.p2p),
                age: since(node, peer, 40),
                index: interface.index,
            })
        });
        full.collect()
    }

    /// What the device logged, oldest first.
    pub fn log(&self, index: usize) -> Vec<Event> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let mut events = vec![event(node, node.uptime, "start", &node.software, "")];
        for interface in &node.interfaces {
            if interface.kind == Kind::Port && interface.up {
                events.push(event(node, node.uptime.saturating_sub(12), "link-up", &interface.name, ""));
            } else if interface.kind == Kind::Port && interface.admin {
                events.push(event(node, node.uptime.min(2_940), "link-down", &interface.name, ""));
            }
        }
        for adjacency in self.ospf_neighbors(index, 4) {
            let neighbor = adjacency.neighbor.to_string();
            events.push(event(node, adjacency.age, "ospf-full", &neighbor, &adjacency.interface));
        }
        for session in self.sessions(index) {
            let kind = if session.established { "bgp-up" } else { "bgp-open-failed" };
            let ago = if session.established { session.age } else { session.age.min(95) };
            events.push(event(node, ago, kind, &session.neighbor.to_string(), &session.vrf));
        }
        for (ago, kind) in [(86_000, "login"), (85_940, "config"), (412, "login")] {
            events.push(event(
                node,
                node.uptime.saturating_sub(60).min(ago),
                kind,
                "netops",
                "192.168.255.254",
            ));
        }
        events.sort_by_key(|event| (std::cmp::Reverse(event.ago), event.number));
        events
    }
}

fn event(node: &Node, ago: u64, kind: &'static str, subject: &str, detail: &str) -> Event {
    let letters = subject.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    Event {
        ago,
        kind,
        subject: subject.to_owned(),
        detail: detail.to_owned(),
        number: jitter(&[u64::from(node.id), ago, letters]) % 1_000,
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn hex<S: serde::Serializer>(mac: &[u8; 6], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&super::topology::hex(*mac))
}

fn host_mac(host: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = host.octets();
    [2, 0x5e, a, b, c, d]
}
