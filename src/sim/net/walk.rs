//! The way of a packet through the network: ping and trace.

use std::net::IpAddr;

use super::routes::{Protocol, Route};
use super::topology::{Net, family, jitter};

/// Hops after which a packet is given up.
const MOST_HOPS: usize = 30;

/// What a ping found.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Probe {
    /// Whether the first device has a route at all.
    pub routed: bool,
    /// Round trips in milliseconds, one for each answer.
    pub rtts: Vec<f64>,
    /// Routers between, with the last one.
    pub hops: usize,
    /// The address that packets are sent from.
    pub source: Option<IpAddr>,
}

/// One line of a trace.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TraceHop {
    /// Who answered; none when nobody did.
    pub address: Option<IpAddr>,
    /// Round trips in milliseconds.
    pub rtts: Vec<f64>,
}

/// The devices and addresses on the way.
struct Way {
    routed: bool,
    source: Option<IpAddr>,
    steps: Vec<IpAddr>,
    arrived: bool,
}

impl Net {
    /// Sends `count` packets to `target`; a target that cannot be reached has no answers.
    pub fn ping(&self, index: usize, vrf: &str, target: IpAddr, count: usize) -> Probe {
        let way = self.way(index, vrf, target);
        let answers = if way.arrived { count } else { 0 };
        let hops = way.steps.len();
        let rtts = (0..answers).map(|number| rtt(index, hops, number)).collect();
        Probe { routed: way.routed, rtts, hops, source: way.source }
    }

    /// The hops to `target`; a way that ends nowhere has silent hops to the end.
    pub fn trace(&self, index: usize, vrf: &str, target: IpAddr) -> Vec<TraceHop> {
        let way = self.way(index, vrf, target);
        let mut hops: Vec<TraceHop> = way
            .steps
            .iter()
            .enumerate()
            .map(|(place, address)| TraceHop {
                address: Some(*address),
                rtts: (0..3).map(|number| rtt(index, place + 1, number)).collect(),
            })
            .collect();
        if !way.arrived && way.routed {
            hops.resize(MOST_HOPS, TraceHop { address: None, rtts: Vec::new() });
        }
        hops
    }

    /// Whether an address is the device's own.
    fn owns(&self, index: usize, vrf: &str, target: IpAddr) -> bool {
        self.nodes.get(index).is_some_and(|node| {
            node.interfaces.iter().any(|interface| {
                let own = interface.net(family(target)).is_some_and(|net| net.ip() == target);
                interface.vrf == vrf && interface.up && own
            })
        })
    }

    fn way(&self, start: usize, vrf: &str, target: IpAddr) -> Way {
        let mut way = Way { routed: true, source: None, steps: Vec::new(), arrived: false };
        if self.owns(start, vrf, target) {
            way.source = Some(target);
            way.steps.push(target);
            way.arrived = true;
            return way;
        }
        let mut at = start;
        while way.steps.len() < MOST_HOPS {
            let Some(route) = self.lookup(at, vrf, target) else {
                way.routed = at != start;
                return way;
            };
            let Some(hop) = route.hops.first() else { return way };
            let node = self.nodes.get(at);
            let Some(interface) = node.and_then(|node| node.interfaces.get(hop.port)) else { return way };
            if at == start {
                way.source = interface.net(family(target)).map(|net| net.ip());
            }
            if let Some(IpAddr::V4(host)) = host_behind(interface, &route, target) {
                way.arrived = host == target;
                if way.arrived {
                    way.steps.push(target);
                }
                return way;
            }
            let next = match route.protocol {
                Protocol::Connected | Protocol::Local => interface.peer,
                _ => hop.next,
            };
            let Some((device, port)) = next else { return way };
            let there = self.nodes.get(device).and_then(|node| node.interfaces.get(port));
            let incoming = there.and_then(|there| there.net(family(target))).map(|net| net.ip());
            if self.owns(device, vrf, target) {
                way.steps.push(target);
                way.arrived = true;
                return way;
            }
            let passes = !matches!(route.protocol, Protocol::Connected | Protocol::Local);
            let Some(incoming) = incoming.filter(|_| passes) else { return way };
            way.steps.push(incoming);
            at = device;
        }
        way
    }
}

/// A host on a connected net, or the gateway of a static route, which is outside of the network.
fn host_behind(interface: &super::topology::Interface, route: &Route, target: IpAddr) -> Option<IpAddr> {
    let known = |ip: IpAddr| interface.hosts.iter().any(|host| IpAddr::V4(*host) == ip).then_some(ip);
    match route.protocol {
        Protocol::Connected => known(target),
        Protocol::Static => route.hops.first().and_then(|hop| hop.gateway).and_then(known),
        _ => None,
    }
}

/// About 0.4 ms for each hop, never twice the same.
fn rtt(start: usize, hops: usize, number: usize) -> f64 {
    let noise = jitter(&[start as u64, hops as u64, number as u64]) % 300;
    let micros = hops as u64 * 420 + noise;
    let micros = u32::try_from(micros).unwrap_or(u32::MAX);
    f64::from(micros) / 1000.0
}
