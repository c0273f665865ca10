//! Interfaces, addresses, neighbors, ping and trace against the kernel.

use std::collections::BTreeSet;

use super::{Lab, ROUTERS, cells, of, text};

#[test]
fn interfaces_are_those_of_the_kernel() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("interfaces r*");
    for router in ROUTERS {
        let mut facts = BTreeSet::new();
        for (_, link) in lab.kernel(router, &["link", "show"]) {
            let flags = link["flags"].to_string();
            let loopback = link["link_type"] == "loopback";
            let admin = flags.contains("\"UP\"");
            let state = admin && flags.contains("LOWER_UP");
            let word = |up: bool| if up { "up" } else { "down" }.to_owned();
            facts.insert(vec![
                text(&link, "ifname"),
                word(admin),
                if admin { word(state) } else { "admin-down".to_owned() },
                if loopback { String::new() } else { text(&link, "address") },
                link["mtu"].to_string(),
            ]);
        }
        let found = cells(&of(&rows, router), &["interface", "admin", "state", "mac", "mtu"]);
        assert_eq!(found, facts, "{router}");
    }
    let down = lab.rows("interfaces r* | where admin = down");
    assert_eq!(
        cells(&down, &["device", "interface", "description"]),
        [["r3", "eth5", "spare, not in use"], ["r4", "eth5", "spare, not in use"]]
            .map(|row| row.map(String::from).to_vec())
            .into()
    );
    assert_eq!(lab.rows("int r1 eth1")[0]["description"], "to r2 eth1");
    let asked = lab.ask("int r1 eth99");
    assert_eq!(
        (asked.code, asked.failure("r1")["kind"].as_str()),
        (1, Some("rejected")),
        "{:#}",
        asked.value
    );
}

#[test]
fn addresses_are_those_of_the_kernel() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("ip r* | where address ~ .");
    for router in ROUTERS {
        let mut facts = BTreeSet::new();
        for (vrf, link) in lab.kernel(router, &["address", "show"]) {
            for address in link["addr_info"].as_array().unwrap() {
                let local = text(address, "local");
                // The loopbacks that every namespace has by itself are no interface addresses to zebra.
                if local != "127.0.0.1" && local != "::1" {
                    facts.insert(vec![
                        text(&link, "ifname"),
                        format!("{local}/{}", address["prefixlen"]),
                        vrf.clone(),
                    ]);
                }
            }
        }
        assert_eq!(cells(&of(&rows, router), &["interface", "address", "vrf"]), facts, "{router}");
    }
    let bare = lab.rows("ip r3 | where interface = eth5");
    assert_eq!(
        (bare.len(), text(&bare[0], "address")),
        (1, String::new()),
        "an interface without an address is a row"
    );
}

#[test]
fn arp_where_the_release_has_it() {
    let Some(lab) = Lab::shared() else { return };
    let asked = lab.ask("arp r1");
    let known = lab.exec("r1", &["sh", "-c", "vtysh -c 'show ip neighbor' || true"]);
    if known.contains("Unknown command") {
        let failure = asked.failure("r1");
        assert_eq!(failure["kind"], "rejected");
        assert!(failure["message"].as_str().unwrap().contains("show ip neighbor"), "{failure}");
        assert!(failure["hint"].as_str().unwrap().contains("release"), "{failure}");
    } else {
        assert_eq!(asked.code, 0, "{:#}", asked.value);
        assert!(asked.value["rows"].as_array().unwrap().iter().any(|row| row["ip"] == "10.0.12.2"));
    }
}

#[test]
fn ping_from_the_routers() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("ping r* 10.255.0.6 count 2");
    assert_eq!(rows.len(), ROUTERS.len());
    for row in &rows {
        assert_eq!(
            (&row["sent"], &row["received"], row["loss"].as_f64()),
            (&2.into(), &2.into(), Some(0.0)),
            "{row}"
        );
        let seconds = |column: &str| row[column].as_f64().unwrap();
        assert!(
            seconds("min") <= seconds("avg") && seconds("avg") <= seconds("max") && seconds("max") < 1.0,
            "{row}"
        );
    }
    let v6 = lab.rows("ping r3 2001:db8:255::6 count 2");
    assert_eq!((&v6[0]["host"], &v6[0]["received"]), (&"2001:db8:255::6".into(), &2.into()));
    // r5 drops it, so the router hears nothing at all until it is interrupted.
    let silent = lab.rows("ping r1 10.0.77.1 count 3");
    assert_eq!(
        (&silent[0]["sent"], &silent[0]["received"], silent[0]["loss"].as_f64()),
        (&3.into(), &0.into(), Some(100.0)),
        "{silent:?}"
    );
}

#[test]
fn trace_from_the_routers() {
    let Some(lab) = Lab::shared() else { return };
    let path = |question: &str| {
        let rows = lab.rows(question);
        assert!(rows.iter().all(|row| row["rtt"].as_array().is_some_and(|rtt| !rtt.is_empty())), "{rows:?}");
        rows.iter().map(|row| format!("{} {}", row["hop"], text(row, "address"))).collect::<Vec<_>>()
    };
    assert_eq!(path("trace r4 10.255.0.6"), ["1 10.0.24.1", "2 10.0.25.2", "3 10.255.0.6"]);
    assert_eq!(
        path("trace r4 2001:db8:255::6"),
        ["1 2001:db8:24::1", "2 2001:db8:25::2", "3 2001:db8:255::6"]
    );
    assert_eq!(path("trace r5 10.255.0.6"), ["1 10.255.0.6"]);
}
