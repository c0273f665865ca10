//! Larger and smaller networks: copies of the written devices, each group of copies joined to an
//! earlier one so that paths stay short.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnetwork::{Ipv4Network, Ipv6Network};

use crate::error::{Error, Result};
use crate::sim::gear::BundleState;
use crate::sim::state::{At, LinkState, State};

/// Copies that one elder has.
const FANOUT: usize = 4;
/// Above this the address plan runs out.
const MOST: usize = 5_000;

/// The state with exactly `count` devices, and for each device the one that it copies.
pub fn grow(state: &State, count: usize) -> Result<(State, BTreeMap<String, String>)> {
    if count == 0 || count > MOST {
        return Err(Error::config(format!("cannot simulate {count} devices"))
            .hint(format!("between 1 and {MOST} are possible")));
    }
    let mut written: Vec<(&String, u32)> =
        state.devices.iter().map(|(name, device)| (name, device.id)).collect();
    written.sort_by_key(|(_, id)| *id);
    let size = written.len();
    if size == 0 {
        return Err(Error::config("the network has no devices"));
    }
    let mut grown = State {
        links: Vec::new(),
        ports: Vec::new(),
        sessions: Vec::new(),
        bundles: Vec::new(),
        ..state.clone()
    };
    grown.devices.clear();
    let mut bases = BTreeMap::new();
    let mut names: BTreeMap<(usize, String), String> = BTreeMap::new();
    for number in 0..count {
        let (unit, place) = (number / size, number % size);
        let Some((base, device)) =
            written.get(place).and_then(|(base, _)| Some((*base, state.devices.get(*base)?)))
        else {
            continue;
        };
        let mut device = device.clone();
        let name = if unit == 0 { base.clone() } else { format!("r{}", number + 1) };
        if unit > 0 {
            device.id = u32::try_from(number + 1).unwrap_or(u32::MAX);
            device.serial = copied_serial(&device.serial, number);
            let shift = u32::try_from(unit).unwrap_or(0);
            device.asn = device.asn.map(|asn| asn.saturating_add(shift));
            device.faults.clear();
        }
        bases.insert(name.clone(), base.clone());
        names.insert((unit, base.clone()), name.clone());
        grown.devices.insert(name, device);
    }
    for unit in 0..count.div_ceil(size) {
        copy_unit(state, &mut grown, &names, unit)?;
    }
    Ok((grown, bases))
}

fn copy_unit(
    state: &State,
    grown: &mut State,
    names: &BTreeMap<(usize, String), String>,
    unit: usize,
) -> Result<()> {
    let here = |at: &At, unit: usize| {
        let device = names.get(&(unit, at.device.clone()))?.clone();
        Some(At { device, interface: at.interface.clone() })
    };
    let id = |name: &str| state.devices.get(name).map_or(0, |device| device.id);
    for link in &state.links {
        let [a, b] = &link.ends;
        if let (Some(first), Some(second)) = (here(a, unit), here(b, unit)) {
            grown.links.push(LinkState {
                prefix: shift_v4(link.prefix, unit)?,
                v6: link.v6.map(|v6| shift_v6(v6, unit)).transpose()?,
                shut: link.shut.as_ref().and_then(|device| names.get(&(unit, device.clone())).cloned()),
                weak: link.weak.as_ref().and_then(|device| names.get(&(unit, device.clone())).cloned()),
                hosts: Some([id(&a.device), id(&b.device)]),
                ends: [first, second],
                ..link.clone()
            });
        }
    }
    for bundle in &state.bundles {
        let [a, b] = &bundle.ends;
        if let (Some(first), Some(second)) = (here(a, unit), here(b, unit)) {
            grown.bundles.push(BundleState { ends: [first, second], ..bundle.clone() });
        }
    }
    for port in &state.ports {
        let Some(at) = here(&port.at, unit) else { continue };
        let mut port = port.clone();
        // A net of a VRF is the customer's and may be the same everywhere; the default VRF's is ours.
        if port.vrf.is_empty() {
            port.prefix = port.prefix.map(|prefix| shift_v4(prefix, unit)).transpose()?;
            port.v6 = port.v6.map(|prefix| shift_v6(prefix, unit)).transpose()?;
            port.hosts = port.hosts.iter().map(|host| shift_host(*host, unit)).collect();
        }
        // On a net of hosts for one device the written host number stays; on a wide one all meet.
        if port.host.is_none() && port.prefix.is_some_and(|prefix| prefix.prefix() >= 24) {
            port.host = Some(id(&port.at.device));
        }
        port.at = at;
        grown.ports.push(port);
    }
    for session in &state.sessions {
        if let Some(device) = names.get(&(unit, session.device.clone())) {
            let mut session = session.clone();
            session.device.clone_from(device);
            grown.sessions.push(session);
        }
    }
    if unit == 0 {
        return Ok(());
    }
    let (elder, number) = ((unit - 1) / FANOUT, (unit - 1) % FANOUT);
    for join in &state.joins {
        let (Some(mut first), Some(second)) = (here(&join.elder, elder), here(&join.copy, unit)) else {
            continue;
        };
        first.interface = first.interface.replace('#', &number.to_string());
        grown.links.push(LinkState {
            prefix: shift_v4(join.prefix, unit)?,
            v6: join.v6.map(|v6| shift_v6(v6, unit)).transpose()?,
            vrf: String::new(),
            ends: [first, second],
            cost: 10,
            p2p: true,
            shut: None,
            optical: true,
            weak: None,
            isis: String::new(),
            hosts: Some([1, 2]),
        });
    }
    Ok(())
}

/// The copy's net: the unit is added to the second octet, and 64 to the third for every 250 units.
fn shift_v4(prefix: Ipv4Network, unit: usize) -> Result<Ipv4Network> {
    let ip = shift_host(prefix.network(), unit);
    Ipv4Network::new(ip, prefix.prefix()).map_err(|error| Error::config(error.to_string()))
}

fn shift_host(host: Ipv4Addr, unit: usize) -> Ipv4Addr {
    let [a, b, c, d] = host.octets();
    let unit = u32::try_from(unit).unwrap_or(0);
    let low = |number: u32| u8::try_from(number & 0xff).unwrap_or(0);
    let second = low(u32::from(b) + unit % 250);
    Ipv4Addr::new(a, second, low(u32::from(c) + 64 * (unit / 250)), d)
}

fn shift_v6(prefix: Ipv6Network, unit: usize) -> Result<Ipv6Network> {
    let ip = u128::from(prefix.network()) + ((unit as u128) << 64);
    Ipv6Network::new(Ipv6Addr::from(ip), prefix.prefix()).map_err(|error| Error::config(error.to_string()))
}

fn copied_serial(serial: &str, number: usize) -> String {
    if serial.is_empty() {
        return String::new();
    }
    let keep: String = serial.chars().take(serial.chars().count().saturating_sub(4)).collect();
    format!("{keep}{number:04}")
}
