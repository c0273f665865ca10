//! The state file's part about switching and hardware: VLANs, bundles of ports, clocks, access lists.

use serde::Deserialize;

use super::state::At;

/// A bundle of links (LACP) between two devices, a trunk of VLANs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleState {
    /// The bundle's interface on either device.
    pub ends: [At; 2],
    /// Its VLANs.
    pub vlans: Vec<u16>,
    /// Its links.
    pub members: Vec<MemberState>,
}

/// A link of a bundle.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberState {
    /// The port on either device, in the order of the bundle's ends.
    pub ports: [String; 2],
    /// Without a carrier.
    #[serde(default)]
    pub dark: bool,
}

/// A clock that every device asks for the time.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClockState {
    /// Its address.
    pub peer: std::net::Ipv4Addr,
    /// What it follows; empty when that is not known.
    #[serde(default)]
    pub refid: String,
    /// Its stratum; 16 while it is not synchronised.
    pub stratum: u8,
    /// `synced`, `candidate`, `outlier`, `rejected` or `unreachable`.
    pub state: String,
    /// Its clock minus ours, about, in milliseconds.
    #[serde(default)]
    pub offset: f64,
}

/// A rule of an access list.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleState {
    /// Its place in the list.
    pub sequence: u32,
    /// `permit` or `deny`.
    pub action: String,
    /// `ip`, `tcp`, `udp`, `icmp`.
    pub protocol: String,
    /// From this prefix; empty for everywhere.
    #[serde(default)]
    pub from: String,
    /// To this prefix; empty for everywhere.
    #[serde(default)]
    pub to: String,
    /// To this port.
    #[serde(default)]
    pub port: Option<u16>,
    /// Packets that match in an hour.
    #[serde(default)]
    pub rate: u64,
}
