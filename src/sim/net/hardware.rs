//! Light, clocks, access lists and IS-IS: figures that look measured and are the same every time.

use std::net::Ipv4Addr;

use super::topology::{Interface, Net, Node, hex, jitter};
use crate::sim::gear::{ClockState, RuleState};

/// What a transceiver measures.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Optics {
    /// Degrees Celsius.
    pub temperature: f64,
    /// Volts.
    pub voltage: f64,
    /// Milliamperes.
    pub bias: f64,
    /// Transmitted dBm.
    pub tx: f64,
    /// Received dBm.
    pub rx: f64,
    /// `ok`, `warning` or `alarm`; it is always the received light that is too little.
    pub state: &'static str,
}

/// A clock as one device sees it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Clock {
    /// What it is.
    #[serde(flatten)]
    pub written: ClockState,
    /// Seconds since it was asked.
    pub when: u64,
    /// Seconds between two questions.
    pub poll: u64,
    /// Round trip in milliseconds.
    pub delay: f64,
    /// Its clock minus ours in milliseconds.
    pub measured: f64,
    /// How much that differs from one answer to the next, in milliseconds.
    pub jitter: f64,
}

/// A rule with what matched it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Rule {
    /// What it says.
    #[serde(flatten)]
    pub rule: RuleState,
    /// Packets that matched.
    pub hits: u64,
}

/// An access list.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AccessList {
    /// Its name.
    pub name: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// An IS-IS adjacency.
#[derive(Debug, Clone, serde::Serialize)]
pub struct IsisNeighbor {
    /// Its host name.
    pub name: String,
    /// Its system ID: twelve hexadecimal digits.
    pub system: String,
    /// Our routed interface.
    pub interface: String,
    /// Its address.
    pub address: Option<Ipv4Addr>,
    /// Its hardware address: twelve hexadecimal digits.
    pub mac: String,
    /// `Up`, `Init` or `Down`.
    pub state: String,
    /// Seconds until it expires.
    pub hold: u64,
}

/// A figure between two bounds, with two decimals.
fn between(seed: &[u64], least: f64, most: f64) -> f64 {
    let part = f64::from(u32::try_from(jitter(seed) % 1_000).unwrap_or(0)) / 1_000.0;
    ((least + (most - least) * part) * 100.0).round() / 100.0
}

impl Interface {
    /// What its transceiver measures, where it has one.
    pub fn optics(&self, node: &Node) -> Option<Optics> {
        let seed = |figure: u64| [u64::from(node.id), u64::from(self.index), figure];
        let (rx, state) = match (self.up && self.admin, self.wire.weak) {
            (false, _) => (-40.0, "alarm"),
            (true, true) => (between(&seed(1), -16.9, -15.4), "warning"),
            (true, false) => (between(&seed(1), -6.4, -2.8), "ok"),
        };
        self.wire.optical.then(|| Optics {
            temperature: between(&seed(2), 27.0, 38.0),
            voltage: between(&seed(3), 3.26, 3.34),
            bias: between(&seed(4), 5.8, 7.6),
            tx: between(&seed(5), -2.9, -2.1),
            rx,
            state,
        })
    }
}

impl Net {
    /// The clocks that a device asks.
    pub fn clocks_of(&self, index: usize) -> Vec<Clock> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let clocks = self.clocks.iter().map(|clock| {
            let seed = |figure: u64| [u64::from(node.id), u64::from(u32::from(clock.peer)), figure];
            let heard = clock.state != "unreachable";
            let figure =
                |figure: u64, least, most| if heard { between(&seed(figure), least, most) } else { 0.0 };
            Clock {
                written: clock.clone(),
                when: jitter(&seed(1)) % 60,
                poll: if heard { 64 << (jitter(&seed(2)) % 3) } else { 64 },
                delay: figure(3, 0.6, 4.4),
                measured: if heard { clock.offset + figure(4, -0.9, 0.9) } else { 0.0 },
                jitter: figure(5, 0.1, 2.2),
            }
        });
        clocks.collect()
    }

    /// The access lists of a device after so many seconds.
    pub fn acls_of(&self, index: usize, seconds: u64) -> Vec<AccessList> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let lists = node.acls.iter().map(|(name, rules)| AccessList {
            name: name.clone(),
            rules: (rules.iter())
                .map(|rule| Rule { rule: rule.clone(), hits: rule.rate.saturating_mul(seconds) / 3_600 })
                .collect(),
        });
        lists.collect()
    }

    /// The IS-IS neighbors of a device, by interface.
    pub fn isis(&self, index: usize) -> Vec<IsisNeighbor> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let ours = node
            .interfaces
            .iter()
            .filter(|interface| !interface.wire.isis.is_empty() && interface.up && interface.admin);
        let heard = ours.filter_map(|interface| {
            let (_, peer, there) = self.peer(interface)?;
            let [a, b, c, d] = peer.loopback.octets();
            // The usual way: the loopback's address, each part of three digits.
            let system = format!("{a:03}{b:03}{c:03}{d:03}");
            Some(IsisNeighbor {
                name: peer.name.clone(),
                system,
                interface: interface.logical.clone(),
                address: there.v4.map(ipnetwork::Ipv4Network::ip),
                mac: hex(there.mac),
                state: interface.wire.isis.clone(),
                hold: 21 + jitter(&[u64::from(node.id), u64::from(peer.id)]) % 8,
            })
        });
        heard.collect()
    }
}
