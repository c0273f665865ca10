//! BGP: islands of one AS, who announces what to whom, and the sessions of a device.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

use ipnetwork::IpNetwork;

use super::spf::adjacent;
use super::topology::{Interface, Kind, Net, Node, family as family_of, jitter};

/// The devices of one AS that OSPF connects in one VRF and family, and the eBGP links between such
/// islands.
#[derive(Debug, Default)]
pub struct Islands {
    of: Vec<usize>,
    members: Vec<Vec<usize>>,
    totals: Vec<usize>,
    edges: HashMap<usize, Vec<Edge>>,
}

/// An eBGP link as seen from its near end.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// The near device.
    pub near: usize,
    /// Its interface.
    pub port: usize,
    /// The far device.
    pub far: usize,
    /// The far island.
    pub island: usize,
}

/// Another island as seen from one: the ASes on the way, and the first links of the way.
#[derive(Debug)]
pub struct Far {
    /// The island.
    pub island: usize,
    /// AS numbers, nearest first.
    pub path: Vec<u32>,
    /// The neighbor island by which it is reached.
    pub first: usize,
}

/// A BGP session as one end sees it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Session {
    /// The neighbor's address.
    pub neighbor: IpAddr,
    /// Our address.
    pub local: Option<IpAddr>,
    /// Its router ID.
    pub router_id: Ipv4Addr,
    /// Its name; empty for one outside of the network.
    pub name: String,
    /// VRF; empty for the default one.
    pub vrf: String,
    /// 4 or 6.
    pub family: u8,
    /// Its AS.
    #[serde(rename = "as")]
    pub asn: u32,
    /// Same AS.
    pub internal: bool,
    /// RFC 4271.
    pub state: String,
    /// State is Established.
    pub established: bool,
    /// Seconds in this state when the simulation started.
    pub age: u64,
    /// Whether it was up at any time.
    pub ever: bool,
    /// Prefixes received.
    pub received: usize,
    /// Prefixes sent.
    pub sent: usize,
    /// Our interface, on a link.
    pub interface: String,
}

/// What a device announces of its own: its loopback and the nets of its hosts.
pub fn announced(node: &Node, vrf: &str, family: u8) -> Vec<IpNetwork> {
    let of_hosts = |interface: &&Interface| {
        let stub = interface.kind == Kind::Loopback || interface.peer.is_none();
        interface.vrf == vrf && interface.up && interface.admin && stub && !interface.silent
    };
    (node.interfaces.iter().filter(of_hosts).filter_map(|interface| interface.net(family)))
        .filter_map(|net| IpNetwork::new(net.network(), net.prefix()).ok())
        .collect()
}

impl Islands {
    /// Finds the islands.
    pub fn new(net: &Net, vrf: &str, family: u8) -> Self {
        let count = net.nodes.len();
        let mut islands = Self { of: vec![usize::MAX; count], ..Self::default() };
        for start in 0..count {
            if islands.island(start) != usize::MAX {
                continue;
            }
            let number = islands.members.len();
            let mut members = Vec::new();
            let mut queue = vec![start];
            while let Some(at) = queue.pop() {
                let Some(slot) = islands.of.get_mut(at).filter(|slot| **slot == usize::MAX) else { continue };
                *slot = number;
                members.push(at);
                let Some(node) = net.nodes.get(at) else { continue };
                for interface in node.interfaces.iter().filter(|interface| interface.vrf == vrf) {
                    queue.extend(adjacent(net, node, interface, family).map(|(next, _, _)| next));
                }
            }
            members.sort_unstable();
            let total = members
                .iter()
                .filter_map(|member| net.nodes.get(*member))
                .map(|node| announced(node, vrf, family).len())
                .sum();
            islands.members.push(members);
            islands.totals.push(total);
        }
        for (near, node) in net.nodes.iter().enumerate() {
            for (port, interface) in node.interfaces.iter().enumerate() {
                let Some((far, peer, there)) = net.peer(interface) else { continue };
                let up = interface.up && there.up && interface.net(family).is_some();
                if interface.vrf == vrf && peer.asn != node.asn && up {
                    let edge = Edge { near, port, far, island: islands.island(far) };
                    islands.edges.entry(islands.island(near)).or_default().push(edge);
                }
            }
        }
        islands
    }

    /// The island of a device.
    pub fn island(&self, node: usize) -> usize {
        self.of.get(node).copied().unwrap_or(usize::MAX)
    }

    /// Its devices.
    pub fn members(&self, island: usize) -> &[usize] {
        self.members.get(island).map_or(&[], Vec::as_slice)
    }

    /// Its eBGP links.
    pub fn edges(&self, island: usize) -> &[Edge] {
        self.edges.get(&island).map_or(&[], Vec::as_slice)
    }

    /// Every island that can be reached from `start`, by the shortest AS path, without entering
    /// an AS that `avoid` names.
    pub fn far(&self, net: &Net, start: usize, avoid: Option<u32>) -> Vec<Far> {
        let asn = |island: usize| {
            self.members(island).first().and_then(|node| net.nodes.get(*node)).map_or(0, |node| node.asn)
        };
        let mut seen = vec![false; self.members.len()];
        if let Some(slot) = seen.get_mut(start) {
            *slot = true;
        }
        let mut found = Vec::new();
        let mut queue = VecDeque::from([(start, Vec::new(), usize::MAX)]);
        while let Some((at, path, first)) = queue.pop_front() {
            for edge in self.edges(at) {
                let next = asn(edge.island);
                let Some(slot) = seen.get_mut(edge.island) else { continue };
                if *slot || avoid == Some(next) {
                    continue;
                }
                *slot = true;
                let mut path: Vec<u32> = path.clone();
                path.push(next);
                let first = if first == usize::MAX { edge.island } else { first };
                found.push(Far { island: edge.island, path: path.clone(), first });
                queue.push_back((edge.island, path, first));
            }
        }
        found
    }

    fn total(&self, island: usize) -> usize {
        self.totals.get(island).copied().unwrap_or(0)
    }

    /// How many prefixes `from` tells `to`.
    fn told(&self, net: &Net, from: usize, to: usize, vrf: &str, family: u8) -> usize {
        let (Some(teller), Some(hearer)) = (net.nodes.get(from), net.nodes.get(to)) else { return 0 };
        let island = self.island(from);
        let own = announced(teller, vrf, family).len();
        if teller.asn != hearer.asn {
            let beyond = self.far(net, island, Some(hearer.asn));
            return self.total(island) + beyond.iter().map(|far| self.total(far.island)).sum::<usize>();
        }
        let beyond = self.far(net, island, None);
        if teller.reflector {
            let all: usize = beyond.iter().map(|far| self.total(far.island)).sum();
            return (self.total(island) + all).saturating_sub(announced(hearer, vrf, family).len());
        }
        let borders: Vec<usize> =
            self.edges(island).iter().filter(|edge| edge.near == from).map(|edge| edge.island).collect();
        own + beyond
            .iter()
            .filter(|far| borders.contains(&far.first))
            .map(|far| self.total(far.island))
            .sum::<usize>()
    }
}

impl Net {
    /// The BGP sessions of a device in all VRFs, in the order of the table.
    pub fn sessions(&self, index: usize) -> Vec<Session> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let mut sessions = Vec::new();
        for family in [4, 6] {
            let islands = self.islands("", family);
            for (other, peer) in self.nodes.iter().enumerate() {
                let speak = other != index && peer.asn == node.asn && (peer.reflector || node.reflector);
                if !speak {
                    continue;
                }
                let together = islands.island(index) == islands.island(other);
                let mut session = self.session(&islands, (index, node), (other, peer), "", family, together);
                if family == 6 {
                    session.neighbor = peer.loopback6.into();
                    session.local = Some(node.loopback6.into());
                }
                sessions.push(session);
            }
        }
        for interface in &node.interfaces {
            let Some((other, peer, there)) = self.peer(interface) else { continue };
            if peer.asn == node.asn {
                continue;
            }
            for family in [4, 6] {
                let (Some(here), Some(remote)) = (interface.net(family), there.net(family)) else { continue };
                let islands = self.islands(&interface.vrf, family);
                let up = interface.up && there.up;
                let mut session =
                    self.session(&islands, (index, node), (other, peer), &interface.vrf, family, up);
                session.neighbor = remote.ip();
                session.local = Some(here.ip());
                session.interface.clone_from(&interface.logical);
                if !up && !interface.admin {
                    "Idle".clone_into(&mut session.state);
                }
                sessions.push(session);
            }
        }
        for outside in &node.sessions {
            sessions.push(Session {
                neighbor: outside.neighbor,
                local: None,
                router_id: Ipv4Addr::UNSPECIFIED,
                name: String::new(),
                vrf: outside.vrf.clone(),
                family: family_of(outside.neighbor),
                asn: outside.asn,
                internal: outside.asn == node.asn,
                state: outside.state.clone(),
                established: false,
                age: node.uptime,
                ever: false,
                received: 0,
                sent: 0,
                interface: String::new(),
            });
        }
        sessions.sort_by(|a, b| (&a.vrf, a.family, a.neighbor).cmp(&(&b.vrf, b.family, b.neighbor)));
        sessions
    }

    fn session(
        &self,
        islands: &Islands,
        (index, node): (usize, &Node),
        (other, peer): (usize, &Node),
        vrf: &str,
        family: u8,
        up: bool,
    ) -> Session {
        Session {
            neighbor: peer.loopback.into(),
            local: Some(node.loopback.into()),
            router_id: peer.loopback,
            name: peer.name.clone(),
            vrf: vrf.to_owned(),
            family,
            asn: peer.asn,
            internal: peer.asn == node.asn,
            state: if up { "Established" } else { "Active" }.to_owned(),
            established: up,
            age: since(node, peer, 35 + u64::from(family)),
            ever: up,
            received: if up { islands.told(self, other, index, vrf, family) } else { 0 },
            sent: if up { islands.told(self, index, other, vrf, family) } else { 0 },
            interface: String::new(),
        }
    }
}

/// Seconds since two devices came to talk: the younger one's uptime, less what starting takes. The
/// same from both sides.
pub fn since(a: &Node, b: &Node, start: u64) -> u64 {
    let (low, high) = (a.id.min(b.id), a.id.max(b.id));
    let pause = start + jitter(&[u64::from(low), u64::from(high), start]) % 600;
    a.uptime.min(b.uptime).saturating_sub(pause)
}
