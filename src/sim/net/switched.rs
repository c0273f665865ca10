//! Switching: bundles of ports, VLANs, and behind which port a hardware address is.

use std::collections::BTreeSet;

use super::topology::{Interface, Kind, Net, Wire, jitter};
use crate::error::{Error, Result};
use crate::sim::state::{At, PortState, State};

/// A VLAN of a device.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Vlan {
    /// Its number.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Its access ports.
    pub access: Vec<String>,
    /// Its trunks.
    pub trunks: Vec<String>,
}

/// A line of the MAC address table.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MacEntry {
    /// VLAN.
    pub vlan: u16,
    /// Twelve hexadecimal digits.
    pub mac: String,
    /// Behind this interface.
    pub interface: String,
    /// Seconds since it came, when the simulation started.
    pub age: u64,
}

/// A bundle.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Bundle {
    /// Its interface.
    pub name: String,
    /// Whether it forwards.
    pub up: bool,
    /// Its members: port, and whether it forwards.
    pub members: Vec<(String, bool)>,
}

impl Net {
    /// What a port of the state file is below its addresses.
    pub(super) fn port_wire(&self, port: &PortState) -> Result<Wire> {
        self.check_vlans(&[port.vlan])?;
        let stations = port.stations.iter().map(|mac| mac.replace([':', '.', '-'], "").to_lowercase());
        Ok(Wire { access: port.vlan, stations: stations.collect(), optical: port.optical, ..Wire::default() })
    }

    fn check_vlans(&self, vlans: &[u16]) -> Result<()> {
        match vlans.iter().find(|vlan| **vlan != 0 && !self.vlans.contains_key(vlan)) {
            Some(vlan) => {
                let error = Error::config(format!("the network has no VLAN {vlan}"));
                Err(error.hint("add it to `vlans:`"))
            }
            None => Ok(()),
        }
    }

    /// Adds the bundles and their members, each joined to its other end.
    pub(super) fn bundles(&mut self, state: &State) -> Result<()> {
        for bundle in &state.bundles {
            self.check_vlans(&bundle.vlans)?;
            let up = bundle.members.iter().any(|member| !member.dark);
            let description = |other: &str, port: &str| format!("to {other} {port}");
            let [a, b] = &bundle.ends;
            let mut ends = Vec::with_capacity(2);
            for (at, other) in [(a, b), (b, a)] {
                let mut interface = self.interface(at, "");
                interface.kind = Kind::Bundle;
                interface.up = up;
                interface.description = description(&other.device, &other.interface);
                interface.wire.trunk.clone_from(&bundle.vlans);
                ends.push((at, other, interface));
            }
            self.pair(ends)?;
            for member in &bundle.members {
                let [here, there] = &member.ports;
                let mut ends = Vec::with_capacity(2);
                for (at, other, port, far) in [(a, b, here, there), (b, a, there, here)] {
                    let place = At { device: at.device.clone(), interface: port.clone() };
                    let mut interface = self.interface(&place, "");
                    interface.up = !member.dark;
                    interface.description = description(&other.device, far);
                    interface.wire.bundle.clone_from(&at.interface);
                    interface.wire.optical = true;
                    ends.push((at, other, interface));
                }
                self.pair(ends)?;
            }
        }
        Ok(())
    }

    /// Adds two interfaces that are each other's other end.
    fn pair(&mut self, ends: Vec<(&At, &At, Interface)>) -> Result<()> {
        let mut placed = Vec::with_capacity(2);
        for (at, _, interface) in ends {
            let index = self.find(at)?;
            placed.push((index, self.push(index, interface)?));
        }
        if let [first, second] = placed.as_slice() {
            self.join(*first, *second);
            self.join(*second, *first);
        }
        Ok(())
    }

    /// The VLANs that a device has ports in, by number; the first one always.
    pub fn vlans_of(&self, index: usize) -> Vec<Vlan> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let carried = |interface: &Interface| {
            let access = Some(interface.wire.access).filter(|vlan| *vlan != 0);
            interface.wire.trunk.iter().copied().chain(access).collect::<Vec<_>>()
        };
        let mut numbers: BTreeSet<u16> = node.interfaces.iter().flat_map(carried).collect();
        numbers.insert(1);
        let names = |fits: &dyn Fn(&Wire) -> bool| {
            let ports = node.interfaces.iter().filter(|interface| fits(&interface.wire));
            ports.map(|interface| interface.name.clone()).collect::<Vec<_>>()
        };
        let vlans = numbers.into_iter().map(|id| Vlan {
            id,
            name: self.vlans.get(&id).cloned().unwrap_or_else(|| "default".to_owned()),
            access: names(&|wire| wire.access == id),
            trunks: names(&|wire| wire.trunk.contains(&id)),
        });
        vlans.collect()
    }

    /// The MAC address table: what is heard on access ports here, and on those of the switch at the
    /// other end of a trunk; by VLAN, then by address.
    pub fn macs(&self, index: usize) -> Vec<MacEntry> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let mut entries = Vec::new();
        let mut learn = |stations: &[String], vlan: u16, behind: &Interface| {
            for mac in stations {
                let digits =
                    mac.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
                entries.push(MacEntry {
                    vlan,
                    mac: mac.clone(),
                    interface: behind.name.clone(),
                    age: jitter(&[u64::from(node.id), digits]) % 290,
                });
            }
        };
        for interface in node.interfaces.iter().filter(|interface| interface.up && interface.admin) {
            if interface.wire.access != 0 {
                learn(&interface.wire.stations, interface.wire.access, interface);
            }
            let Some((_, peer, _)) = self.peer(interface) else { continue };
            for far in peer.interfaces.iter().filter(|far| far.up && far.admin) {
                if interface.wire.trunk.contains(&far.wire.access) {
                    learn(&far.wire.stations, far.wire.access, interface);
                }
            }
        }
        entries.sort_by(|a, b| (a.vlan, &a.mac).cmp(&(b.vlan, &b.mac)));
        entries
    }

    /// The bundles of a device.
    pub fn bundles_of(&self, index: usize) -> Vec<Bundle> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let bundles = node.interfaces.iter().filter(|interface| interface.kind == Kind::Bundle);
        let bundles = bundles.map(|bundle| Bundle {
            name: bundle.name.clone(),
            up: bundle.up && bundle.admin,
            members: (node.interfaces.iter().filter(|port| port.wire.bundle == bundle.name))
                .map(|port| (port.name.clone(), port.up && port.admin))
                .collect(),
        });
        bundles.collect()
    }
}
