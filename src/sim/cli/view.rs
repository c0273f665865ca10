//! A device as its templates see it: an object whose methods compute what is asked for, nothing
//! more.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use minijinja::value::{Kwargs, Object, Serde, from_args};
use minijinja::{Error, ErrorKind, State, Value, context};
use serde::Serialize;

use super::dialect::Dialect;
use crate::sim::net::{Interface, Net, Node, hex};

/// Round trips of one ping that are computed at most.
const MOST_PINGS: usize = 1_000;

/// A device with its network and its command line.
#[derive(Clone)]
pub struct View {
    /// The network.
    pub net: Arc<Net>,
    /// The device's number in it.
    pub index: usize,
    /// Its command line.
    pub dialect: Arc<Dialect>,
    /// When the simulation started.
    pub started: Timestamp,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("index", &self.index).finish_non_exhaustive()
    }
}

impl View {
    /// The device.
    pub fn node(&self) -> Option<&Node> {
        self.net.nodes.get(self.index)
    }

    /// The device's full name for an interface as typed: exact, or a unique short beginning of the
    /// letters with the exact number.
    pub fn interface(&self, typed: &str) -> Option<String> {
        let node = self.node()?;
        let wanted = typed.to_lowercase();
        let parts = |name: &str| {
            let name = name.to_lowercase();
            let place = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
            let (letters, number) = name.split_at(place);
            (letters.to_owned(), number.to_owned())
        };
        let (letters, number) = parts(&wanted);
        let mut close = Vec::new();
        for interface in &node.interfaces {
            for name in [&interface.name, &interface.logical] {
                if name.to_lowercase() == wanted {
                    return Some(name.clone());
                }
            }
            let (own_letters, own_number) = parts(&interface.name);
            if !letters.is_empty() && own_letters.starts_with(&letters) && own_number == number {
                close.push(interface.name.clone());
            }
        }
        if close.len() == 1 { close.pop() } else { None }
    }

    /// Seconds since the simulation started.
    pub(super) fn elapsed(&self) -> u64 {
        let passed = Timestamp::now().duration_since(self.started).as_secs();
        u64::try_from(passed).unwrap_or(0)
    }

    fn describe(&self, node: &Node, interface: &Interface) -> Value {
        let seconds = node.uptime + self.elapsed();
        let busy = if interface.up { seconds * u64::from(interface.index) } else { 0 };
        let peer = self.net.peer(interface).map(|(_, peer, there)| {
            context! { name => peer.name.clone(), interface => there.name.clone(), description => there.description.clone() }
        });
        let text = |net: Option<String>| net.map(Value::from).unwrap_or_default();
        context! {
            name => interface.name.clone(),
            logical => interface.logical.clone(),
            short => self.dialect.short(&interface.name),
            kind => Value::from(Serde(interface.kind)),
            index => interface.index,
            vlan => interface.vlan,
            parent => interface.name.split('.').next().unwrap_or_default(),
            description => interface.description.clone(),
            vrf => interface.vrf.clone(),
            rd => self.net.rds.get(&interface.vrf).cloned().unwrap_or_default(),
            admin => interface.admin,
            up => interface.up && interface.admin,
            mac => hex(interface.mac),
            address => text(interface.v4.map(|net| net.to_string())),
            address6 => text(interface.v6.map(|net| net.to_string())),
            link_local => interface.link_local().to_string(),
            mtu => node.traits.mtu,
            speed => node.traits.speed,
            cost => interface.cost,
            p2p => interface.p2p,
            peer => peer,
            wire => Self::wire(node, interface),
            in_errors => interface.errors,
            out_errors => 0,
            in_packets => busy * 11,
            in_bytes => busy * 5_113,
            out_packets => busy * 10,
            out_bytes => busy * 4_807,
            since => node.uptime.saturating_sub(12) + self.elapsed(),
        }
    }

    /// Serialises with every `age` moved on by the time that has passed.
    pub(super) fn aged<T: Serialize>(&self, items: Vec<T>, age: impl Fn(&mut T) -> &mut u64) -> Value {
        let elapsed = self.elapsed();
        let aged = items.into_iter().map(|mut item| {
            *age(&mut item) += elapsed;
            Value::from(Serde(item))
        });
        aged.collect()
    }

    fn vrfs(&self) -> Value {
        let Some(node) = self.node() else { return Value::from(()) };
        let has = |name: &&String| node.interfaces.iter().any(|interface| interface.vrf == **name);
        let vrfs = self.net.rds.keys().filter(has).enumerate().map(|(place, name)| {
            let inside = node.interfaces.iter().filter(|interface| interface.vrf == *name);
            let interfaces: Value = inside.map(|interface| self.describe(node, interface)).collect();
            context! {
                name => name,
                rd => self.net.rds.get(name).cloned().unwrap_or_default(),
                id => place + 2,
                table => 1_000 + place,
                interfaces => interfaces,
            }
        });
        vrfs.collect()
    }

    /// The address that a name or an address as typed stands for.
    fn resolve(&self, typed: &str) -> Option<IpAddr> {
        if let Ok(ip) = typed.parse() {
            return Some(ip);
        }
        self.net.node(typed).map(|(_, node)| node.loopback.into())
    }

    fn time(ago: i64, format: &str) -> Result<String, Error> {
        let then = Timestamp::now().checked_sub(SignedDuration::from_secs(ago));
        let then = then.map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
        jiff::fmt::strtime::format(format, &then.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    }

    fn ping(&self, host: &str, vrf: &str, count: usize) -> Value {
        let Some(target) = self.resolve(host) else { return Value::from(()) };
        let probe = self.net.ping(self.index, vrf, target, count.min(MOST_PINGS));
        let least = probe.rtts.iter().copied().fold(f64::INFINITY, f64::min);
        let most = probe.rtts.iter().copied().fold(0.0, f64::max);
        let number = f64::from(u32::try_from(probe.rtts.len().max(1)).unwrap_or(1));
        let mean = probe.rtts.iter().sum::<f64>() / number;
        let spread = probe.rtts.iter().map(|rtt| (rtt - mean).powi(2)).sum::<f64>() / number;
        context! {
            target => target.to_string(),
            family => if target.is_ipv4() { 4 } else { 6 },
            sent => count,
            received => probe.rtts.len(),
            routed => probe.routed,
            rtts => probe.rtts,
            hops => probe.hops,
            source => probe.source.map(|ip| ip.to_string()),
            min => if least.is_finite() { least } else { 0.0 },
            avg => mean,
            max => most,
            mdev => spread.sqrt(),
        }
    }

    fn trace(&self, host: &str, vrf: &str) -> Value {
        let Some(target) = self.resolve(host) else { return Value::from(()) };
        let hops = self.net.trace(self.index, vrf, target);
        let named: Value = hops
            .iter()
            .map(|hop| context! { address => hop.address.map(|ip| ip.to_string()), rtts => hop.rtts.clone() })
            .collect();
        context! { target => target.to_string(), family => if target.is_ipv4() { 4 } else { 6 }, hops => named }
    }

    fn routes(&self, vrf: &str, family: u8) -> Value {
        self.aged(self.net.routes(self.index, vrf, family), |route| &mut route.age)
    }

    fn lookup(&self, vrf: &str, target: &str) -> Value {
        let Some(target) = self.resolve(target) else { return Value::from(()) };
        match self.net.lookup(self.index, vrf, target) {
            Some(mut route) => {
                route.age += self.elapsed();
                Value::from(Serde(route))
            }
            None => Value::from(()),
        }
    }
}

impl Object for View {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let node = self.node()?;
        Some(match key.as_str()? {
            "name" => Value::from(node.name.clone()),
            "id" => Value::from(node.id),
            "variant" => Value::from(node.variant.clone()),
            "as" => Value::from(node.asn),
            "software" => Value::from(node.software.clone()),
            "model" => Value::from(node.model.clone()),
            "serial" => Value::from(node.serial.clone()),
            "router_id" => Value::from(node.loopback.to_string()),
            "loopback6" => Value::from(node.loopback6.to_string()),
            "uptime" => Value::from(node.uptime + self.elapsed()),
            "reflector" => Value::from(node.reflector),
            "mac" => Value::from(node.interfaces.first().map(|first| hex(first.mac)).unwrap_or_default()),
            "vrfs" => self.vrfs(),
            "interfaces" => node.interfaces.iter().map(|interface| self.describe(node, interface)).collect(),
            "statics" => {
                let lines = node.statics.iter().map(|route| {
                    context! { vrf => route.vrf.clone(), prefix => route.prefix.to_string(), via => route.via.to_string() }
                });
                lines.collect()
            }
            "arp" => self.aged(self.net.arp(self.index), |entry| &mut entry.age),
            "lldp" => self.aged(self.net.lldp(self.index), |neighbor| &mut neighbor.age),
            "sessions" => self.aged(self.net.sessions(self.index), |session| &mut session.age),
            "log" => self.aged(self.net.log(self.index), |event| &mut event.ago),
            other => return self.gear(node, other),
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let (arguments, named): (&[Value], Kwargs) = from_args(arguments)?;
        let vrf: Option<String> = named.get("vrf")?;
        let vrf = vrf.unwrap_or_default();
        let first = arguments.first().map(ToString::to_string).unwrap_or_default();
        let value = match method {
            "routes" => self.routes(&vrf, named.get::<Option<u8>>("family")?.unwrap_or(4)),
            "lookup" => self.lookup(&vrf, &first),
            "ospf" => {
                let family = named.get::<Option<u8>>("family")?.unwrap_or(4);
                let full = self.net.ospf_neighbors(self.index, family);
                self.aged(full, |adjacency| &mut adjacency.age)
            }
            "interface" => self.node().map_or(Value::UNDEFINED, |node| {
                let found = node.interfaces.iter().find(|i| i.name == first || i.logical == first);
                found.map_or(Value::UNDEFINED, |interface| self.describe(node, interface))
            }),
            "short" => Value::from(self.dialect.short(&first)),
            "has_vrf" => Value::from(
                self.node()
                    .is_some_and(|node| node.interfaces.iter().any(|interface| interface.vrf == first)),
            ),
            "resolve" => Value::from(self.resolve(&first).map(|ip| ip.to_string())),
            "ping" => self.ping(&first, &vrf, named.get::<Option<usize>>("count")?.unwrap_or(5)),
            "trace" => self.trace(&first, &vrf),
            "time" => {
                let ago = arguments.first().and_then(|ago| i64::try_from(ago.clone()).ok()).unwrap_or(0);
                let format = arguments.get(1).map(ToString::to_string).unwrap_or_default();
                Value::from(Self::time(ago, &format)?)
            }
            _ => {
                return Err(Error::new(ErrorKind::UnknownMethod, format!("a device has no method {method}")));
            }
        };
        named.assert_all_used()?;
        Ok(value)
    }
}
