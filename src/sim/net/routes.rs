//! The routing table of a device: connected, static, OSPF and BGP routes, and the choice between
//! them.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::bgp::{announced, since};
use super::spf::tree;
use super::topology::{Interface, Net, Node};

/// Where a route comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// A net on an interface.
    Connected,
    /// The interface's own address.
    Local,
    /// Configured.
    Static,
    /// OSPF.
    Ospf,
    /// BGP.
    Bgp,
}

/// One route.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Route {
    /// Destination.
    pub prefix: IpNetwork,
    /// Its length.
    pub length: u8,
    /// The classful network that it belongs to (RFC 791), by which some tables are grouped.
    pub classful: String,
    /// Where it comes from.
    pub protocol: Protocol,
    /// BGP: from the same AS. OSPF: from the same area.
    pub internal: bool,
    /// Administrative distance.
    pub distance: u32,
    /// The protocol's metric.
    pub metric: u32,
    /// BGP next hop, when it is not on a connected net.
    pub via: Option<IpAddr>,
    /// Where packets go.
    pub hops: Vec<Hop>,
    /// Seconds since it came, when the simulation started.
    pub age: u64,
    /// AS path of a BGP route.
    pub path: Vec<u32>,
    /// Who told us, in BGP; whose it is, in OSPF.
    pub from: Option<IpAddr>,
    /// Chosen among the routes to this prefix.
    pub best: bool,
}

/// Where packets go.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hop {
    /// The next router; none on a connected net.
    pub gateway: Option<IpAddr>,
    /// The outgoing routed interface.
    pub interface: String,
    /// Its place in the device.
    #[serde(skip)]
    pub port: usize,
    /// The next device and its interface, where it is one of ours.
    #[serde(skip)]
    pub next: Option<(usize, usize)>,
}

impl Net {
    /// The routing table of a device in one VRF and family, by prefix; several routes to one
    /// prefix stand best first.
    pub fn routes(&self, index: usize, vrf: &str, family: u8) -> Vec<Route> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let mut routes = Vec::new();
        connected(node, vrf, family, &mut routes);
        fixed(node, vrf, family, &mut routes);
        let tree = tree(self, index, vrf, family);
        self.ospf((index, node), vrf, family, &tree, &mut routes);
        self.bgp((index, node), vrf, family, &tree, &mut routes);
        routes.sort_by(|a, b| {
            (a.prefix.ip(), a.prefix.prefix(), a.distance).cmp(&(
                b.prefix.ip(),
                b.prefix.prefix(),
                b.distance,
            ))
        });
        let mut last = None;
        for route in &mut routes {
            route.length = route.prefix.prefix();
            route.classful = classful(route.prefix);
            route.best = last != Some(route.prefix);
            last = Some(route.prefix);
        }
        routes
    }

    fn ospf(
        &self,
        (index, node): (usize, &Node),
        vrf: &str,
        family: u8,
        tree: &super::spf::Tree,
        routes: &mut Vec<Route>,
    ) {
        let mut found: std::collections::BTreeMap<IpNetwork, Route> = std::collections::BTreeMap::new();
        for (other, far) in self.nodes.iter().enumerate() {
            let Some(cost) = tree.distance(other).filter(|_| other != index) else { continue };
            let hops = self.hops(node, tree.hops(other), family);
            if hops.is_empty() {
                continue;
            }
            // A route is no older than the adjacency it leaves by.
            let nexts = hops.iter().filter_map(|hop| self.nodes.get(hop.next?.0));
            let age =
                nexts.map(|next| since(node, next, 40)).chain([since(node, far, 40)]).min().unwrap_or(0);
            for interface in far.interfaces.iter().filter(|interface| interface.vrf == vrf && interface.up) {
                let Some(net) = interface.net(family) else { continue };
                let Ok(prefix) = IpNetwork::new(net.network(), net.prefix()) else { continue };
                let metric = cost.saturating_add(interface.cost);
                let distance = node.traits.distance.ospf;
                let route = Route {
                    age,
                    from: Some(far.loopback.into()),
                    ..plain(prefix, Protocol::Ospf, distance, metric, hops.clone())
                };
                match found.get_mut(&prefix) {
                    Some(known) if known.metric < metric => {}
                    Some(known) if known.metric == metric => {
                        for hop in route.hops {
                            if !known.hops.contains(&hop) {
                                known.hops.push(hop);
                            }
                        }
                    }
                    _ => {
                        found.insert(prefix, route);
                    }
                }
            }
        }
        let connected: std::collections::HashSet<IpNetwork> =
            routes.iter().map(|route| route.prefix).collect();
        routes.extend(found.into_values().filter(|route| !connected.contains(&route.prefix)));
    }

    fn bgp(
        &self,
        (index, node): (usize, &Node),
        vrf: &str,
        family: u8,
        tree: &super::spf::Tree,
        routes: &mut Vec<Route>,
    ) {
        let islands = self.islands(vrf, family);
        let home = islands.island(index);
        let connected: std::collections::HashSet<IpNetwork> =
            routes.iter().filter(|route| route.distance == 0).map(|route| route.prefix).collect();
        for far in islands.far(self, home, None) {
            let ways = islands.edges(home).iter().filter(|edge| edge.island == far.first);
            let nearest = ways.min_by_key(|edge| {
                let far_id = self.nodes.get(edge.far).map_or(0, |node| node.id);
                (tree.distance(edge.near).unwrap_or(u32::MAX), edge.near, far_id)
            });
            let Some(edge) = nearest else { continue };
            let (Some(border), Some(outside)) = (self.nodes.get(edge.near), self.nodes.get(edge.far)) else {
                continue;
            };
            let prefixes = islands.members(far.island).iter().filter_map(|member| self.nodes.get(*member));
            let prefixes = prefixes.flat_map(|origin| announced(origin, vrf, family));
            let own = edge.near == index;
            let distance = node.traits.distance;
            let border_loopback: IpAddr =
                if family == 4 { border.loopback.into() } else { border.loopback6.into() };
            let template = if own {
                let hops = self.hops(node, &[edge.port], family);
                let from = self.far_address(node, edge.port, family);
                Route {
                    path: far.path.clone(),
                    from,
                    internal: false,
                    age: since(node, outside, 35 + u64::from(family)),
                    ..plain(blank(family), Protocol::Bgp, distance.ebgp, 0, hops)
                }
            } else if vrf.is_empty() {
                Route {
                    path: far.path.clone(),
                    via: Some(border_loopback),
                    from: Some(border_loopback),
                    age: since(node, border, 60).min(since(border, outside, 60)),
                    ..plain(
                        blank(family),
                        Protocol::Bgp,
                        distance.ibgp,
                        0,
                        self.hops(node, tree.hops(edge.near), family),
                    )
                }
            } else {
                Route {
                    internal: false,
                    from: Some(border.loopback.into()),
                    age: since(node, border, 60).min(since(border, outside, 60)),
                    ..plain(
                        blank(family),
                        Protocol::Ospf,
                        distance.ospf_external,
                        20,
                        self.hops(node, tree.hops(edge.near), family),
                    )
                }
            };
            if template.hops.is_empty() {
                continue;
            }
            for prefix in prefixes.filter(|prefix| !connected.contains(prefix)) {
                routes.push(Route { prefix, ..template.clone() });
            }
        }
    }

    fn far_address(&self, node: &Node, port: usize, family: u8) -> Option<IpAddr> {
        let (_, _, there) = self.peer(node.interfaces.get(port)?)?;
        there.net(family).map(|net| net.ip())
    }

    /// Hops over these ports; IPv6 goes to link-local addresses.
    fn hops(&self, node: &Node, ports: &[usize], family: u8) -> Vec<Hop> {
        let hop = |port: &usize| {
            let interface: &Interface = node.interfaces.get(*port)?;
            let (_, _, there) = self.peer(interface)?;
            let gateway = if family == 4 {
                there.v4.map(|net| net.ip().into())
            } else {
                Some(there.link_local().into())
            };
            Some(Hop { gateway, interface: interface.logical.clone(), port: *port, next: interface.peer })
        };
        ports.iter().filter_map(hop).collect()
    }

    /// The chosen route to an address, by the longest match.
    pub fn lookup(&self, index: usize, vrf: &str, target: IpAddr) -> Option<Route> {
        let family = super::topology::family(target);
        let routes = self.routes(index, vrf, family);
        let fits = routes.into_iter().filter(|route| route.best && route.prefix.contains(target));
        fits.max_by_key(|route| route.prefix.prefix())
    }
}

fn connected(node: &Node, vrf: &str, family: u8, routes: &mut Vec<Route>) {
    for (port, interface) in node.interfaces.iter().enumerate() {
        let Some(net) = interface.net(family) else { continue };
        if interface.vrf != vrf || !interface.up || !interface.admin {
            continue;
        }
        let hop = Hop { gateway: None, interface: interface.logical.clone(), port, next: None };
        let mut add = |prefix: IpNetwork, protocol| {
            routes.push(Route {
                age: node.uptime.saturating_sub(20),
                ..plain(prefix, protocol, 0, 0, vec![hop.clone()])
            });
        };
        if let Ok(prefix) = IpNetwork::new(net.network(), net.prefix()) {
            add(prefix, Protocol::Connected);
        }
        let whole = if family == 4 { 32 } else { 128 };
        if net.prefix() < whole
            && let Ok(own) = IpNetwork::new(net.ip(), whole)
        {
            add(own, Protocol::Local);
        }
    }
}

fn fixed(node: &Node, vrf: &str, family: u8, routes: &mut Vec<Route>) {
    let wanted = |via: IpAddr| via.is_ipv4() == (family == 4);
    for route in node.statics.iter().filter(|route| route.vrf == vrf && wanted(route.via)) {
        let way = node.interfaces.iter().enumerate().find(|(_, interface)| {
            let on_net = interface.net(family).is_some_and(|net| net.contains(route.via));
            interface.vrf == vrf && interface.up && on_net
        });
        let Some((port, interface)) = way else { continue };
        let hop = Hop { gateway: Some(route.via), interface: interface.logical.clone(), port, next: None };
        let distance = node.traits.distance.fixed;
        routes.push(Route {
            age: node.uptime.saturating_sub(30),
            ..plain(route.prefix, Protocol::Static, distance, 0, vec![hop])
        });
    }
}

fn plain(prefix: IpNetwork, protocol: Protocol, distance: u32, metric: u32, hops: Vec<Hop>) -> Route {
    Route {
        prefix,
        length: 0,
        classful: String::new(),
        protocol,
        internal: true,
        distance,
        metric,
        via: None,
        hops,
        age: 0,
        path: Vec::new(),
        from: None,
        best: false,
    }
}

fn classful(prefix: IpNetwork) -> String {
    let IpNetwork::V4(net) = prefix else { return String::new() };
    let [a, b, c, _] = net.ip().octets();
    match a {
        _ if net.ip().is_unspecified() => "0.0.0.0/0".to_owned(),
        0..128 => format!("{a}.0.0.0/8"),
        128..192 => format!("{a}.{b}.0.0/16"),
        _ => format!("{a}.{b}.{c}.0/24"),
    }
}

fn blank(family: u8) -> IpNetwork {
    let any: IpAddr = if family == 4 {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    };
    IpNetwork::from(any)
}
