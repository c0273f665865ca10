//! The network as its devices see it must be one network.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::*;
use crate::sim::files::Files;
use crate::sim::state::State;

fn traits() -> Traits {
    let text = "{loopback: lo, oui: '02:00:00', distance: {static: 1, ebgp: 20, ospf: 110, ospf_external: 110, ibgp: 200}}";
    crate::sim::files::yaml("traits", text).unwrap()
}

fn net(count: usize) -> Net {
    let (source, text) = Files::builtin().read("network.yaml").unwrap();
    let (state, bases) = grow(&State::parse(&source, &text).unwrap(), count).unwrap();
    let clis = state.devices.values().map(|device| (device.cli.clone(), traits()));
    let net = Net::new(&state, &bases, &clis.collect::<BTreeMap<_, _>>()).unwrap();
    assert_eq!(net.nodes.len(), count);
    net
}

#[test]
fn bgp_sessions_are_the_same_from_both_ends() {
    for count in [1, 2, 5, 6, 8, 30] {
        let net = net(count);
        for (index, node) in net.nodes.iter().enumerate() {
            for session in net.sessions(index) {
                let Some((other, peer)) = net.node(&session.name) else {
                    assert!(!session.established, "{} {session:?}", node.name);
                    continue;
                };
                let back = net.sessions(other);
                let same = |mirror: &&bgp::Session| {
                    mirror.name == node.name && mirror.vrf == session.vrf && mirror.family == session.family
                };
                let mirrors: Vec<_> = back.iter().filter(same).collect();
                let mirror = mirrors.iter().find(|mirror| Some(mirror.neighbor) == session.local);
                let mirror = mirror.unwrap_or_else(|| panic!("{} does not see {}", peer.name, node.name));
                assert_eq!(mirror.state, session.state);
                assert_eq!((mirror.sent, mirror.received), (session.received, session.sent));
                assert_eq!((mirror.age, mirror.asn), (session.age, node.asn));
            }
        }
    }
}

#[test]
fn every_loopback_answers_every_device() {
    let net = net(20);
    for index in 0..net.nodes.len() {
        for target in &net.nodes {
            for address in [IpAddr::from(target.loopback), IpAddr::from(target.loopback6)] {
                let ping = net.ping(index, "", address, 3);
                assert_eq!(ping.rtts.len(), 3, "{} to {} {address}", net.nodes[index].name, target.name);
                let hops = net.trace(index, "", address);
                assert_eq!(hops.last().unwrap().address, Some(address));
                assert_eq!(hops.len(), ping.hops);
            }
        }
    }
}

#[test]
fn a_vrf_is_a_world_of_its_own() {
    let net = net(6);
    let (r1, _) = net.node("r1").unwrap();
    let ping = |vrf: &str, target: &str| net.ping(r1, vrf, target.parse().unwrap(), 1).rtts.len();
    assert_eq!(ping("RED", "172.16.4.10"), 1);
    assert_eq!(ping("", "172.16.4.10"), 0);
    assert_eq!(ping("BLUE", "172.17.6.20"), 1);
    assert_eq!(ping("RED", "172.16.4.77"), 0);
    assert_eq!(ping("RED", "10.255.0.2"), 0);
    assert_eq!(ping("MGMT", "192.168.255.254"), 1);
    // Beyond the gateway of a static route is nobody, and the device does have a route.
    let beyond = net.ping(r1, "MGMT", "9.9.9.9".parse().unwrap(), 1);
    assert!(beyond.routed && beyond.rtts.is_empty());
    assert!(!net.ping(r1, "", "9.9.9.9".parse().unwrap(), 1).routed);
}

#[test]
fn next_hops_are_neighbors_on_the_wire() {
    let net = net(14);
    for (index, node) in net.nodes.iter().enumerate() {
        for vrf in ["", "RED", "BLUE", "MGMT"] {
            let arp: Vec<_> =
                net.arp(index).into_iter().filter(|entry| entry.vrf == vrf && !entry.own).collect();
            for route in net.routes(index, vrf, 4) {
                for gateway in route.hops.iter().filter_map(|hop| hop.gateway) {
                    assert!(
                        arp.iter().any(|entry| IpAddr::V4(entry.ip) == gateway),
                        "{} {gateway}",
                        node.name
                    );
                }
            }
        }
    }
}

#[test]
fn ospf_and_lldp_are_mutual() {
    let net = net(9);
    for (index, node) in net.nodes.iter().enumerate() {
        for adjacency in net.ospf_neighbors(index, 4) {
            let other = net.nodes.iter().position(|peer| peer.loopback == adjacency.neighbor).unwrap();
            let back = net.ospf_neighbors(other, 4);
            let mirror = back.iter().find(|mirror| mirror.address == adjacency.local).unwrap();
            assert_eq!(mirror.role, adjacency.own_role);
            assert_eq!(mirror.age, adjacency.age);
        }
        for neighbor in net.lldp(index) {
            let (other, _) = net.node(&neighbor.name).unwrap();
            assert!(
                net.lldp(other).iter().any(|back| back.name == node.name && back.interface == neighbor.port)
            );
        }
    }
}

#[test]
fn an_end_that_is_shut_takes_everything_on_it_down() {
    let (source, text) = Files::builtin().read("network.yaml").unwrap();
    let mut state = State::parse(&source, &text).unwrap();
    let link = state.links.iter_mut().find(|link| link.ends[1].device == "r6" && link.ends[0].device == "r4");
    link.unwrap().shut = Some("r4".to_owned());
    let (state, bases) = grow(&state, 6).unwrap();
    let clis = state.devices.values().map(|device| (device.cli.clone(), traits()));
    let net = Net::new(&state, &bases, &clis.collect::<BTreeMap<_, _>>()).unwrap();
    let (r4, _) = net.node("r4").unwrap();
    let (r6, _) = net.node("r6").unwrap();
    let state_of = |index: usize, name: &str| {
        net.sessions(index).into_iter().find(|session| session.name == name).map(|session| session.state)
    };
    assert_eq!(state_of(r4, "r6").as_deref(), Some("Idle"));
    assert_eq!(state_of(r6, "r4").as_deref(), Some("Active"));
    // The way round by r5 is left.
    let hops = net.trace(r4, "", "10.255.0.6".parse().unwrap());
    assert_eq!(hops.last().unwrap().address, Some("10.255.0.6".parse().unwrap()));
    assert_eq!(hops.len(), 3);
}

#[test]
fn large_networks_have_one_address_for_each_device() {
    let net = net(500);
    let mut seen = std::collections::HashSet::new();
    for node in &net.nodes {
        assert!(seen.insert(node.loopback), "{}", node.name);
        for interface in node.interfaces.iter().filter(|interface| interface.vrf.is_empty()) {
            if let Some(net) = interface.v4.filter(|_| interface.kind != topology::Kind::Loopback) {
                assert!(seen.insert(net.ip()), "{} {}", node.name, interface.name);
            }
        }
    }
    let (last, _) = net.node("r500").unwrap();
    assert!(net.trace(last, "", "10.255.0.1".parse().unwrap()).len() < 20);
    assert!(grow_error(0).contains("cannot simulate 0 devices"));
    assert!(grow_error(100_000).contains("100000"));
}

fn grow_error(count: usize) -> String {
    let (source, text) = Files::builtin().read("network.yaml").unwrap();
    grow(&State::parse(&source, &text).unwrap(), count).unwrap_err().to_string()
}

#[test]
fn both_switches_of_a_bundle_know_the_same_stations() {
    for count in [6, 14] {
        let net = net(count);
        let mut bundles = 0;
        for (index, node) in net.nodes.iter().enumerate() {
            let own = net.macs(index);
            assert!(own.iter().all(|entry| node.interfaces.iter().any(|port| port.name == entry.interface)));
            for bundle in node.interfaces.iter().filter(|port| port.kind == topology::Kind::Bundle) {
                bundles += 1;
                let (other, _, far) = net.peer(bundle).unwrap();
                let theirs = net.macs(other);
                for entry in own.iter().filter(|entry| bundle.wire.trunk.contains(&entry.vlan)) {
                    let mirror =
                        theirs.iter().find(|there| there.mac == entry.mac && there.vlan == entry.vlan);
                    let mirror = mirror.unwrap_or_else(|| panic!("{}: {entry:?}", node.name));
                    // One of the two hears it on a port of its own.
                    assert_ne!(entry.interface == bundle.name, mirror.interface == far.name, "{entry:?}");
                }
            }
        }
        assert!(bundles >= 4, "{bundles}");
    }
}

#[test]
fn a_port_in_no_vlan_is_refused() {
    let (source, text) = Files::builtin().read("network.yaml").unwrap();
    let mut state = State::parse(&source, &text).unwrap();
    state.ports[0].vlan = 4000;
    let clis = state.devices.values().map(|device| (device.cli.clone(), traits()));
    let error = Net::new(&state, &BTreeMap::new(), &clis.collect()).unwrap_err();
    assert!(error.to_string().contains("VLAN 4000"), "{error}");
}
