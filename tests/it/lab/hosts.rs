//! The two Linux hosts.

use std::collections::BTreeSet;

use super::{Lab, cells, of, text};

#[test]
fn interfaces_and_addresses() {
    let Some(lab) = Lab::shared() else { return };
    let interfaces = lab.rows("interfaces @host");
    let addresses = lab.rows("ip @host");
    for host in ["h1", "h2"] {
        let mut links = BTreeSet::new();
        let mut facts = BTreeSet::new();
        for (_, link) in lab.kernel(host, &["-statistics", "address", "show"]) {
            let name = text(&link, "ifname");
            let mac = if name == "lo" { String::new() } else { text(&link, "address") };
            links.insert(vec![name.clone(), "up".to_owned(), "up".to_owned(), mac, link["mtu"].to_string()]);
            for address in link["addr_info"].as_array().unwrap() {
                facts.insert(vec![
                    name.clone(),
                    format!("{}/{}", text(address, "local"), address["prefixlen"]),
                ]);
            }
        }
        assert_eq!(
            cells(&of(&interfaces, host), &["interface", "admin", "state", "mac", "mtu"]),
            links,
            "{host}"
        );
        assert_eq!(cells(&of(&addresses, host), &["interface", "address"]), facts, "{host}");
    }
    assert!(interfaces.iter().all(|row| row["in_errors"].is_number() && row["out_errors"].is_number()));
    assert_eq!(lab.rows("interfaces h1 eth1").len(), 1);
    assert_eq!(lab.ask("interfaces h1 eth9").failure("h1")["kind"], "rejected");
}

#[test]
fn routes() {
    let Some(lab) = Lab::shared() else { return };
    let columns = ["prefix", "protocol", "next_hop", "interface"];
    let rows = lab.rows("route h1");
    let expected =
        [["172.16.0.0/12", "static", "172.16.3.1", "eth1"], ["172.16.3.0/24", "connected", "", "eth1"]]
            .map(|row| row.map(String::from).to_vec());
    let found = cells(&rows, &columns);
    assert!(expected.iter().all(|row| found.contains(row)), "{found:?}");
    assert_eq!(rows.len(), lab.kernel("h1", &["-4", "route", "show"]).len());
    assert_eq!(cells(&lab.rows("route h1 172.16.13.1"), &columns), [expected[0].clone()].into());
    assert_eq!(cells(&lab.rows("route h1 172.16.0.0/12"), &columns), [expected[0].clone()].into());
    let v6 = lab.rows("route h2 2001:db8::1");
    assert_eq!(
        cells(&v6, &columns),
        [["2001:db8::/32", "static", "2001:db8:174::1", "eth1"].map(String::from).to_vec()].into()
    );
}

#[test]
fn arp_version_ping_and_trace() {
    let Some(lab) = Lab::shared() else { return };
    let ping = lab.rows("ping h1 172.16.13.1 count 2");
    assert_eq!((&ping[0]["sent"], &ping[0]["received"]), (&2.into(), &2.into()), "{ping:?}");

    let arp = lab.rows("arp h1 | where ip = 172.16.3.1");
    let kernel = lab.kernel("h1", &["neigh", "show", "172.16.3.1"]);
    assert_eq!(text(&arp[0], "mac"), text(&kernel[0].1, "lladdr"));

    let trace = lab.rows("trace h1 172.16.13.1");
    assert_eq!(
        cells(&trace, &["hop", "address"]),
        [["1", "172.16.3.1"], ["2", "172.16.13.1"]].map(|row| row.map(String::from).to_vec()).into()
    );

    let version = lab.rows("version h1");
    let release = lab.exec("h1", &["sh", "-c", ". /etc/os-release; echo $NAME"]);
    assert_eq!(
        (text(&version[0], "hostname"), text(&version[0], "os")),
        ("h1".into(), release.trim().to_owned())
    );
    assert!(version[0]["uptime"].as_f64().is_some_and(|uptime| uptime > 1.0), "{version:?}");

    assert!(lab.rows("vrf h1").is_empty(), "no VRF is no row");
    let nowhere = lab.ask("ping h1 8.8.8.8");
    assert_eq!(nowhere.failure("h1")["kind"], "rejected", "{:#}", nowhere.value);
}
