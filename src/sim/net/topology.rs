//! Devices, interfaces and links.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use serde::Deserialize;

use super::bgp::Islands;
use crate::sim::fault::Fault;
use crate::sim::gear::{ClockState, RuleState};
use crate::sim::state::{SessionState, StaticState};

/// What the network must know of a command line: its names for things, and its preferences.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traits {
    /// The name of the loopback interface.
    pub loopback: String,
    /// What makes a port a routed interface where that has a name of its own (`.0`).
    #[serde(default)]
    pub unit: String,
    /// The first three bytes of its hardware addresses.
    #[serde(deserialize_with = "oui")]
    pub oui: [u8; 3],
    /// Administrative distances.
    pub distance: Distance,
    /// Whether it speaks LLDP.
    #[serde(default = "yes")]
    pub lldp: bool,
    /// The MTU of a port, in bytes, as it counts them.
    #[serde(default = "mtu")]
    pub mtu: u32,
    /// The speed of a port in Mbit/s.
    #[serde(default = "speed")]
    pub speed: u32,
}

/// Administrative distance per protocol; the lowest wins.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distance {
    /// Static routes.
    #[serde(rename = "static")]
    pub fixed: u32,
    /// eBGP.
    pub ebgp: u32,
    /// OSPF.
    pub ospf: u32,
    /// OSPF external routes.
    pub ospf_external: u32,
    /// iBGP.
    pub ibgp: u32,
}

fn oui<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[u8; 3], D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let wrong = || serde::de::Error::custom(format!("`{text}` is not the first half of a MAC address"));
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)
}

fn yes() -> bool {
    true
}

fn mtu() -> u32 {
    1500
}

fn speed() -> u32 {
    1000
}

/// The whole network.
#[derive(Debug)]
pub struct Net {
    /// The devices, by number.
    pub nodes: Vec<Node>,
    pub(super) names: HashMap<String, usize>,
    /// VRF → route distinguisher.
    pub rds: BTreeMap<String, String>,
    /// VLAN → name.
    pub vlans: BTreeMap<u16, String>,
    /// The clocks that everybody asks.
    pub clocks: Vec<ClockState>,
    pub(super) islands: Mutex<HashMap<(String, u8), Arc<Islands>>>,
}

/// One device.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The device that it is a copy of, or itself.
    pub base: String,
    /// Its number.
    pub id: u32,
    /// Its command line.
    pub cli: String,
    /// A word for its templates.
    pub variant: String,
    /// The mode after login, when it is not the command line's first one.
    pub mode: Option<String>,
    /// Its AS.
    pub asn: u32,
    /// Whether everybody of its AS has iBGP with it.
    pub reflector: bool,
    /// Software version.
    pub software: String,
    /// Hardware model.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Seconds since it started, when the simulation starts.
    pub uptime: u64,
    /// Loopback and router ID.
    pub loopback: Ipv4Addr,
    /// The IPv6 loopback.
    pub loopback6: Ipv6Addr,
    /// Its interfaces: ports, then the loopback.
    pub interfaces: Vec<Interface>,
    /// Its static routes.
    pub statics: Vec<StaticState>,
    /// Its BGP neighbors outside of the network.
    pub sessions: Vec<SessionState>,
    /// An old release, without the forms for programs.
    pub old: bool,
    /// Its parts that failed.
    pub broken: Vec<String>,
    /// Its access lists.
    pub acls: BTreeMap<String, Vec<RuleState>>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// How its command line counts and prefers.
    pub traits: Traits,
}

/// What sort of interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A port.
    Port,
    /// A VLAN of a port.
    Vlan,
    /// The loopback.
    Loopback,
    /// A bundle of ports.
    Bundle,
}

/// What an interface is below its addresses.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    /// The VLAN that it is an access port of; 0 when it is none.
    pub access: u16,
    /// The VLANs of a trunk.
    pub trunk: Vec<u16>,
    /// The bundle that it is a member of.
    pub bundle: String,
    /// The hardware addresses heard on an access port.
    pub stations: Vec<String>,
    /// Whether it has a transceiver.
    pub optical: bool,
    /// Whether that receives too little light.
    pub weak: bool,
    /// The state of the IS-IS adjacency; empty where IS-IS does not run.
    pub isis: String,
}

/// One interface.
#[derive(Debug, Clone)]
pub struct Interface {
    /// As its device spells it.
    pub name: String,
    /// The routed interface's name; the same on most platforms.
    pub logical: String,
    /// What sort.
    pub kind: Kind,
    /// Its place in the device, from 1.
    pub index: u32,
    /// The VLAN of a [`Kind::Vlan`].
    pub vlan: u16,
    /// As configured.
    pub description: String,
    /// VRF; empty for the default one.
    pub vrf: String,
    /// Up as configured.
    pub admin: bool,
    /// Up as it is.
    pub up: bool,
    /// Hardware address; zero for a loopback.
    pub mac: [u8; 6],
    /// Its IPv4 address.
    pub v4: Option<Ipv4Network>,
    /// Its IPv6 address.
    pub v6: Option<Ipv6Network>,
    /// OSPF cost.
    pub cost: u32,
    /// OSPF point-to-point.
    pub p2p: bool,
    /// Device and interface on the other side.
    pub peer: Option<(usize, usize)>,
    /// Other hosts on the wire.
    pub hosts: Vec<Ipv4Addr>,
    /// Not announced to other ASes.
    pub silent: bool,
    /// Input errors.
    pub errors: u64,
    /// What it is below its addresses.
    pub wire: Wire,
}

impl Interface {
    /// Its address and length in one family (4 or 6).
    pub fn net(&self, family: u8) -> Option<IpNetwork> {
        if family == 4 { self.v4.map(IpNetwork::V4) } else { self.v6.map(IpNetwork::V6) }
    }

    /// Its link-local address (RFC 4291, modified EUI-64).
    pub fn link_local(&self) -> Ipv6Addr {
        let [first, second, third, rest @ ..] = self.mac;
        let [fourth, fifth, sixth] = rest;
        let mut bytes = [0; 16];
        for (byte, value) in bytes.iter_mut().zip([0xfe, 0x80]) {
            *byte = value;
        }
        let interface = [first ^ 2, second, third, 0xff, 0xfe, fourth, fifth, sixth];
        for (byte, value) in bytes.iter_mut().skip(8).zip(interface) {
            *byte = value;
        }
        Ipv6Addr::from(bytes)
    }
}
impl Net {
    /// A device by name.
    pub fn node(&self, name: &str) -> Option<(usize, &Node)> {
        let index = *self.names.get(name)?;
        self.nodes.get(index).map(|node| (index, node))
    }

    /// The islands of one VRF and family, found once.
    pub(super) fn islands(&self, vrf: &str, family: u8) -> Arc<Islands> {
        let key = (vrf.to_owned(), family);
        let known = self.islands.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let islands = Arc::new(Islands::new(self, vrf, family));
            let mut all = self.islands.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(key, Arc::clone(&islands));
            islands
        })
    }

    /// The interface on the other side.
    pub fn peer(&self, interface: &Interface) -> Option<(usize, &Node, &Interface)> {
        let (device, port) = interface.peer?;
        let node = self.nodes.get(device)?;
        Some((device, node, node.interfaces.get(port)?))
    }
}

/// The address of a net in one family.
pub fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 4 } else { 6 }
}

/// Twelve hexadecimal digits; the templates group them.
pub fn hex(mac: [u8; 6]) -> String {
    use std::fmt::Write as _;
    mac.iter().fold(String::with_capacity(12), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A number that looks random and is the same every time.
pub fn jitter(words: &[u64]) -> u64 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
    for word in words {
        hash = (hash ^ word).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash ^= hash >> 31;
    }
    hash
}
