//! The state file: the few facts about a network from which everything else is computed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use serde::Deserialize;

use super::fault::Fault;
use super::gear::{BundleState, ClockState, RuleState};
use crate::error::{Error, Result};

/// `network.yaml`, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The AS of every device that names none.
    #[serde(rename = "as")]
    pub asn: u32,
    /// The devices with which everybody of their AS has iBGP.
    #[serde(default)]
    pub reflectors: Vec<String>,
    /// How long a device has been up that does not say: `6w2d5h`.
    pub uptime: String,
    /// Where loopback addresses come from; a device's id is its host number.
    pub loopbacks: Loopbacks,
    /// VRF → route distinguisher; empty for none.
    #[serde(default)]
    pub vrfs: BTreeMap<String, String>,
    /// The devices by name.
    pub devices: BTreeMap<String, DeviceState>,
    /// Links between two devices.
    #[serde(default)]
    pub links: Vec<LinkState>,
    /// Ports with no device of ours on the other side.
    #[serde(default)]
    pub ports: Vec<PortState>,
    /// Static routes.
    #[serde(default)]
    pub statics: Vec<StaticState>,
    /// BGP neighbors outside of the network.
    #[serde(default)]
    pub sessions: Vec<SessionState>,
    /// How copies are joined to their elders in a larger network.
    #[serde(default)]
    pub joins: Vec<JoinState>,
    /// The names of the VLANs.
    #[serde(default)]
    pub vlans: BTreeMap<u16, String>,
    /// Bundles of links between switches.
    #[serde(default)]
    pub bundles: Vec<BundleState>,
    /// The clocks that everybody asks.
    #[serde(default)]
    pub clocks: Vec<ClockState>,
}

/// The prefixes of the loopbacks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loopbacks {
    /// IPv4.
    pub v4: Ipv4Network,
    /// IPv6.
    pub v6: Ipv6Network,
}

/// One device.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceState {
    /// Its number: host number on every net, order in lists, router ID.
    pub id: u32,
    /// Its command line: a file of `cli/`.
    pub cli: String,
    /// A word that the templates of its command line may ask for.
    #[serde(default)]
    pub variant: String,
    /// The mode after login, when it is not the first one of its command line.
    #[serde(default)]
    pub mode: Option<String>,
    /// Its AS, when it is not the network's.
    #[serde(default, rename = "as")]
    pub asn: Option<u32>,
    /// Software version.
    #[serde(default)]
    pub software: String,
    /// Hardware model.
    #[serde(default)]
    pub model: String,
    /// Serial number.
    #[serde(default)]
    pub serial: String,
    /// How long it has been up when the simulation starts.
    #[serde(default)]
    pub uptime: Option<String>,
    /// An old release: it refuses the forms for programs that others of its command line print.
    #[serde(default)]
    pub old: bool,
    /// Its parts that failed: `fan 2`, `power 1`.
    #[serde(default)]
    pub broken: Vec<String>,
    /// Its access lists.
    #[serde(default)]
    pub acls: BTreeMap<String, Vec<RuleState>>,
    /// What is wrong with it.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// A link between two devices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkState {
    /// The IPv4 net on it.
    pub prefix: Ipv4Network,
    /// The IPv6 net on it.
    #[serde(default)]
    pub v6: Option<Ipv6Network>,
    /// The VRF it is in; empty for the default one.
    #[serde(default)]
    pub vrf: String,
    /// Its two ends.
    pub ends: [At; 2],
    /// OSPF cost in both directions.
    #[serde(default = "default_cost")]
    pub cost: u32,
    /// Whether OSPF treats it as point-to-point; else there is a designated router.
    #[serde(default)]
    pub p2p: bool,
    /// The device whose end is administratively down.
    #[serde(default)]
    pub shut: Option<String>,
    /// Whether it is of glass, with a transceiver in either port.
    #[serde(default)]
    pub optical: bool,
    /// The device that receives too little light.
    #[serde(default)]
    pub weak: Option<String>,
    /// The state of the IS-IS adjacency on it; empty where IS-IS does not run.
    #[serde(default)]
    pub isis: String,
    /// Host numbers instead of the ids (links that copies got).
    #[serde(default)]
    pub hosts: Option<[u32; 2]>,
}

/// A port towards hosts, or towards nothing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortState {
    /// Device and interface.
    pub at: At,
    /// VRF; empty for the default one.
    #[serde(default)]
    pub vrf: String,
    /// Its IPv4 net.
    #[serde(default)]
    pub prefix: Option<Ipv4Network>,
    /// Its IPv6 net.
    #[serde(default)]
    pub v6: Option<Ipv6Network>,
    /// Our host number, when it is not the id.
    #[serde(default)]
    pub host: Option<u32>,
    /// Hosts on the wire that answer ARP and ping.
    #[serde(default)]
    pub hosts: Vec<Ipv4Addr>,
    /// As configured.
    #[serde(default)]
    pub description: String,
    /// Administratively down.
    #[serde(default)]
    pub shut: bool,
    /// Enabled, but without a carrier.
    #[serde(default)]
    pub dark: bool,
    /// Not announced to other ASes.
    #[serde(default)]
    pub silent: bool,
    /// The VLAN that it is an access port of.
    #[serde(default)]
    pub vlan: u16,
    /// The hardware addresses heard on an access port.
    #[serde(default)]
    pub stations: Vec<String>,
    /// Whether it has a transceiver.
    #[serde(default)]
    pub optical: bool,
    /// Input errors counted so far.
    #[serde(default)]
    pub errors: u64,
}

/// A static route of every device that has the gateway on one of its nets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticState {
    /// VRF; empty for the default one.
    #[serde(default)]
    pub vrf: String,
    /// Destination.
    pub prefix: IpNetwork,
    /// Gateway.
    pub via: IpAddr,
}

/// A BGP neighbor outside of the network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionState {
    /// Our device.
    pub device: String,
    /// VRF; empty for the default one.
    #[serde(default)]
    pub vrf: String,
    /// The neighbor's address.
    pub neighbor: IpAddr,
    /// Its AS.
    #[serde(rename = "as")]
    pub asn: u32,
    /// The state the session hangs in (RFC 4271): `Idle`, `Active`, `Connect`.
    pub state: String,
}

/// The link by which a copy is joined to its elder. `#` in the elder's interface is the copy's
/// number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinState {
    /// IPv4 net, moved for each copy.
    pub prefix: Ipv4Network,
    /// IPv6 net, moved for each copy.
    #[serde(default)]
    pub v6: Option<Ipv6Network>,
    /// The elder's end.
    pub elder: At,
    /// The copy's end, by the name of the device that it copies.
    pub copy: At,
}

/// One end of a link: `device interface`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct At {
    /// The device's name.
    pub device: String,
    /// The interface as that device spells it.
    pub interface: String,
}

impl TryFrom<String> for At {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(' ') {
            Some((device, interface)) => {
                Ok(Self { device: device.to_owned(), interface: interface.trim().to_owned() })
            }
            None => Err(format!("`{text}` is not an end of a link; write `device interface`")),
        }
    }
}

fn default_cost() -> u32 {
    10
}

impl State {
    /// Reads the file; `source` names it in errors.
    pub fn parse(source: &str, text: &str) -> Result<Self> {
        super::files::yaml(source, text)
    }
}

/// Seconds of a span such as `6w2d5h30m`; years are of 365 days.
pub fn span(text: &str) -> Result<u64> {
    let wrong =
        || Error::config(format!("`{text}` is not a span of time")).hint("write it like 6w2d5h or 45m");
    let mut total = 0_u64;
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit: u64 = match c {
            'y' => 365 * 86_400,
            'w' => 7 * 86_400,
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        total = number.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        digits.clear();
    }
    if digits.is_empty() && !text.is_empty() { Ok(total) } else { Err(wrong()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        assert_eq!(span("1w2d").unwrap(), 9 * 86_400);
        assert_eq!(span("3h12m").unwrap(), 11_520);
        for wrong in ["", "5", "h", "3x", "99999999999999999999y"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_end_needs_two_words() {
        assert!(At::try_from("r1".to_owned()).is_err());
        assert_eq!(At::try_from("r1 Port 1".to_owned()).unwrap().interface, "Port 1");
    }
}
