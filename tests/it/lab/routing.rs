//! Routes, BGP and OSPF against the routers' own JSON.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Lab, ROUTERS, VRFS, cells, of, text};

const ROUTE: [&str; 6] = ["prefix", "protocol", "next_hop", "interface", "distance", "metric"];

/// The next hops in use of a router's table, in nocbot's words.
fn in_use(table: &Value) -> BTreeSet<Vec<String>> {
    let mut facts = BTreeSet::new();
    for (prefix, entries) in table.as_object().unwrap() {
        for entry in entries.as_array().unwrap().iter().filter(|entry| entry["installed"] == true) {
            let direct = entry["protocol"] == "connected" || entry["protocol"] == "local";
            for hop in entry["nexthops"].as_array().unwrap().iter().filter(|hop| hop["fib"] == true) {
                let nowhere = match (&hop["blackhole"], &hop["reject"]) {
                    (Value::Bool(true), _) => "blackhole",
                    (_, Value::Bool(true)) => "unreachable",
                    // Older releases have a flag for neither.
                    _ if hop["unreachable"] == true => "blackhole",
                    _ => "",
                };
                let interface = hop["interfaceName"].as_str().unwrap_or(nowhere).to_owned();
                let number = |name: &str| if direct { String::new() } else { entry[name].to_string() };
                let protocol = match entry["protocol"].as_str().unwrap() {
                    "ospf6" => "ospf",
                    protocol => protocol,
                };
                facts.insert(vec![
                    prefix.clone(),
                    protocol.to_owned(),
                    text(hop, "ip"),
                    interface,
                    number("distance"),
                    number("metric"),
                ]);
            }
        }
    }
    facts
}

#[test]
fn route_is_the_table_in_use() {
    let Some(lab) = Lab::shared() else { return };
    for (question, command) in [("route r*", "show ip route json"), ("route r* v6", "show ipv6 route json")] {
        let rows = lab.rows(question);
        for router in ROUTERS {
            let facts = in_use(&lab.vtysh(router, command));
            assert!(facts.len() > 5, "{router} has routes");
            assert_eq!(cells(&of(&rows, router), &ROUTE), facts, "{question} on {router}");
        }
        assert!(rows.iter().all(|row| row["age"].is_number()), "every route of FRR has an age");
    }
    for (router, vrfs) in VRFS {
        for vrf in vrfs {
            let rows = lab.rows(&format!("route {router} vrf {vrf}"));
            let facts = lab.vtysh(router, &format!("show ip route vrf {vrf} json"));
            assert_eq!(cells(&rows, &ROUTE), in_use(&facts), "{router} {vrf}");
        }
    }
}

#[test]
fn several_next_hops_are_several_rows() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("route r1 198.18.2.0/24");
    assert_eq!(
        cells(&rows, &["next_hop", "interface", "protocol"]),
        [["10.0.13.2", "eth2", "static"], ["10.0.14.2", "eth3", "static"]]
            .map(|row| row.map(String::from).to_vec())
            .into()
    );
}

#[test]
fn the_route_to_an_address_or_a_prefix() {
    let Some(lab) = Lab::shared() else { return };
    let one = |question: &str| {
        let rows = lab.rows(question);
        assert_eq!(rows.len(), 1, "{question}: {rows:?}");
        ROUTE[..4].iter().map(|column| text(&rows[0], column)).collect::<Vec<_>>().join(" ")
    };
    // BGP has the same prefix and is not used.
    assert_eq!(one("route r1 10.255.0.3"), "10.255.0.3/32 ospf 10.0.13.2 eth2");
    assert_eq!(one("route r1 10.255.0.3/32"), "10.255.0.3/32 ospf 10.0.13.2 eth2");
    assert_eq!(one("route r1 203.0.113.77"), "203.0.113.0/24 bgp 10.0.12.2 eth1");
    assert_eq!(one("route r1 192.0.2.1"), "192.0.2.0/25 static  blackhole");
    assert_eq!(one("route r1 192.0.2.200"), "192.0.2.128/25 static  unreachable");
    assert_eq!(one("route r1 vrf RED 172.16.3.77"), "172.16.3.0/24 ospf 172.16.13.2 eth4");
    let v6 = lab.rows("route r1 2001:db8:6::1");
    assert_eq!(
        cells(&v6, &["prefix", "protocol", "interface"]),
        [["2001:db8:6::/48", "bgp", "eth1"]].map(|row| row.map(String::from).to_vec()).into()
    );
    assert!(text(&v6[0], "next_hop").starts_with("fe80::"), "{v6:?}");
    assert!(lab.rows("route r1 9.9.9.9").is_empty(), "no route is no row");
    let asked = lab.ask("route r1 vrf NOPE");
    assert_eq!(
        (asked.code, asked.failure("r1")["kind"].as_str()),
        (1, Some("rejected")),
        "{:#}",
        asked.value
    );
}

/// The sessions of a router: VRF, family, neighbor, AS, whether it is up, prefixes.
fn sessions(answer: &Value) -> BTreeSet<Vec<String>> {
    let mut facts = BTreeSet::new();
    for (vrf, families) in answer.as_object().unwrap() {
        for (family, summary) in families.as_object().unwrap() {
            let family = match family.as_str() {
                "ipv4Unicast" => "ipv4 unicast",
                "ipv6Unicast" => "ipv6 unicast",
                other => panic!("the lab has no {other}"),
            };
            for (neighbor, peer) in summary["peers"].as_object().unwrap() {
                let up = peer["state"] == "Established";
                facts.insert(vec![
                    if vrf == "default" { String::new() } else { vrf.clone() },
                    family.to_owned(),
                    neighbor.clone(),
                    peer["remoteAs"].to_string(),
                    up.to_string(),
                    if up { peer["pfxRcd"].to_string() } else { String::new() },
                ]);
            }
        }
    }
    facts
}

fn as_sessions(rows: &[Value]) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for row in rows {
        let up = row["state"] == "Established";
        let mut cells: Vec<_> =
            ["vrf", "family", "neighbor", "as"].iter().map(|column| text(row, column)).collect();
        cells.push(up.to_string());
        cells.push(text(row, "prefixes"));
        found.insert(cells);
    }
    found
}

#[test]
fn bgp_sessions_in_all_vrfs_and_families() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("bgp r*");
    for router in ROUTERS {
        let facts = sessions(&lab.vtysh(router, "show bgp vrf all summary json"));
        assert!(facts.len() >= 2, "{router}");
        assert_eq!(as_sessions(&of(&rows, router)), facts, "{router}");
    }
    assert!(rows.iter().any(|row| row["as"] == 4_200_000_006_u64), "a 4-byte AS is a number");
    for (router, vrf) in [("r1", "RED"), ("r2", "BLUE"), ("r4", "GREEN")] {
        let rows = lab.rows(&format!("bgp {router} vrf {vrf}"));
        let facts = lab.vtysh(router, "show bgp vrf all summary json");
        let facts: BTreeSet<_> = sessions(&facts).into_iter().filter(|session| session[0] == vrf).collect();
        assert_eq!(as_sessions(&rows), facts, "{router} {vrf}");
    }
}

#[test]
fn the_sessions_that_are_down() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("bgp r* | where state != Established");
    let down = [["r4", "10.255.0.9"], ["r5", "10.0.56.6"]].map(|row| row.map(String::from).to_vec());
    assert_eq!(cells(&rows, &["device", "neighbor"]), down.into());
    assert_eq!(of(&rows, "r5")[0]["state"], "Idle (Admin)");
    let worst = lab.rows("bgp @edge");
    assert_ne!(worst[0]["state"], "Established", "trouble stands first");
}

#[test]
fn ospf_neighbors_in_all_vrfs() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("ospf r*");
    for router in ["r1", "r2", "r3", "r4", "r5"] {
        let answer = lab.vtysh(router, "show ip ospf vrf all neighbor json");
        let mut facts = BTreeSet::new();
        for vrf in answer.as_object().unwrap().values() {
            let Some(neighbors) = vrf["neighbors"].as_object() else { continue };
            for (neighbor, links) in neighbors {
                for link in links.as_array().unwrap() {
                    let (state, role) = link["state"].as_str().unwrap().split_once('/').unwrap();
                    let role = match role {
                        "-" => "",
                        "Backup" => "BDR",
                        role => role,
                    };
                    let interface = link["ifaceName"].as_str().unwrap().split(':').next().unwrap();
                    facts.insert(vec![
                        neighbor.clone(),
                        text(link, "address"),
                        interface.to_owned(),
                        state.to_owned(),
                        role.to_owned(),
                        link["priority"].to_string(),
                    ]);
                }
            }
        }
        assert!(!facts.is_empty(), "{router}");
        let found =
            cells(&of(&rows, router), &["neighbor", "address", "interface", "state", "role", "priority"]);
        assert_eq!(found, facts, "{router}");
    }
    assert!(of(&rows, "r6").is_empty(), "r6 speaks no OSPF");
    assert!(
        rows.iter().all(|row| row["dead"].as_f64().is_some_and(|dead| dead > 0.0 && dead <= 4.0)),
        "{rows:?}"
    );
    assert_eq!(lab.rows("ospf r1 vrf RED").len(), 1);
    assert!(lab.rows("ospf r4 vrf GREEN").is_empty());
}
