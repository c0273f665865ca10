//! `ping` from the bot: right counts, right senders, nobody's reply for another.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::net::{As, Net, answer};
use super::{column, rows};

fn of<'a>(answer: &'a Value, address: &str) -> &'a Value {
    rows(answer)
        .iter()
        .find(|row| row["address"] == address)
        .unwrap_or_else(|| panic!("{address}: {answer:#}"))
}

#[test]
fn with_and_without_privileges() {
    let Some(net) = Net::chain() else { return };
    let question = "ping h2,fd77:3::2,10.77.0.9 count 3 interval 20ms timeout 500ms";
    net.datagrams("h1", true);
    let datagram = net.ask("h1", As::Nobody, question);
    net.datagrams("h1", false);
    let raw = net.ask("h1", As::Root, question);
    for found in [&datagram, &raw] {
        assert_eq!(rows(found)[0]["address"], "10.77.0.9", "the dead one first: {found:#}");
        assert_eq!(rows(found)[0]["loss"], json!(100.0));
        for (address, ttl) in [("10.77.3.2", 61), ("fd77:3::2", 61)] {
            let row = of(found, address);
            assert_eq!(
                (&row["sent"], &row["received"], &row["loss"]),
                (&json!(3), &json!(3), &json!(0.0)),
                "{found:#}"
            );
            assert_eq!(row["ttl"], ttl);
            let (min, avg, max) =
                (row["min"].as_f64().unwrap(), row["avg"].as_f64().unwrap(), row["max"].as_f64().unwrap());
            assert!(0.0 < min && min <= avg && avg <= max && max < 0.5, "{row}");
        }
        assert_eq!(found["status"], "partial");
        assert_eq!(of(found, "10.77.3.2")["host"], "h2");
    }
    // Neither socket: TCP connections are timed, and the answer says so and how to get the rest.
    let connected = net.ask("h1", As::Nobody, "ping 10.77.3.2 count 2 interval 20ms");
    assert_eq!(of(&connected, "10.77.3.2")["received"], 2, "refused connections are answers: {connected:#}");
    let notes = connected["notes"].to_string();
    assert!(
        notes.contains("TCP connections to port 22")
            && notes.contains("ping_group_range")
            && notes.contains("setcap"),
        "{notes}"
    );
}

#[test]
fn a_thousand_targets_of_which_a_third_is_dead() {
    let Some(net) = Net::chain() else { return };
    // Every address of the prefix is h2's own, but every third of them says nothing.
    net.ip("h2", "route add local 10.78.0.0/22 dev lo");
    for (node, via) in [("h1", "10.77.0.2"), ("r1", "10.77.1.2"), ("r2", "10.77.2.2"), ("r3", "10.77.3.2")] {
        net.ip(node, &format!("route add 10.78.0.0/22 via {via}"));
    }
    let all: Vec<String> =
        (1..1023u32).map(|number| format!("10.78.{}.{}", number / 256, number % 256)).collect();
    let dead: BTreeSet<&String> = all.iter().step_by(3).collect();
    let list: Vec<&str> = dead.iter().map(|address| address.as_str()).collect();
    net.filter("h2", "input", &format!("ip daddr {{ {} }} drop", list.join(", ")));
    net.datagrams("h1", true);
    let question = "ping 10.78.0.0/22 count 2 interval 50ms timeout 900ms";
    // Two at once: neither may count the other's replies.
    let (nobody, root) = (net.begin("h1", As::Nobody, question), net.begin("h1", As::Root, question));
    for child in [nobody, root] {
        let found = answer(question, &child.wait_with_output().unwrap());
        assert_eq!(rows(&found).len(), all.len());
        for row in rows(&found) {
            let address = row["address"].as_str().unwrap().to_owned();
            let expected = if dead.contains(&address) { 0 } else { 2 };
            assert_eq!((&row["sent"], &row["received"]), (&json!(2), &json!(expected)), "{row}");
            assert_eq!(row["duplicates"], Value::Null, "{row}");
        }
        let loss: Vec<f64> = column(&found, "loss").iter().map(|loss| loss.as_f64().unwrap()).collect();
        assert!(loss.is_sorted_by(|left, right| left >= right), "dead ones first");
    }
}

#[test]
fn errors_name_their_sender() {
    let Some(net) = Net::chain() else { return };
    // Routes that refuse would do as well, but the kernel rations their errors and nothing turns that off.
    net.filter(
        "r2",
        "forward",
        "ip daddr 10.79.0.0/24 reject with icmp type host-unreachable\n\
        ip daddr 10.79.1.0/24 reject with icmp type admin-prohibited",
    );
    for (node, via) in [("h1", "10.77.0.2"), ("r1", "10.77.1.2"), ("r2", "10.77.2.2")] {
        net.ip(node, &format!("route add 10.79.0.0/23 via {via}"));
    }
    net.ip("r2", "link set r3 mtu 1400");
    net.ip("r3", "link set r2 mtu 1400");
    net.datagrams("h1", true);
    for who in [As::Root, As::Nobody] {
        let found = net.ask("h1", who, "ping 10.79.0.1,10.79.1.1 count 2 interval 20ms");
        for (address, error) in
            [("10.79.0.1", "host unreachable"), ("10.79.1.1", "administratively prohibited")]
        {
            let row = of(&found, address);
            assert_eq!(
                (row["error"].as_str(), row["from"].as_str()),
                (Some(error), Some("10.77.1.2")),
                "{who:?} {row}"
            );
            assert_eq!(row["received"], 0);
        }
        let far = net.ask("h1", who, "ping h2,fd77:3::2 count 1 ttl 2");
        assert_eq!(of(&far, "10.77.3.2")["from"], "10.77.1.2", "{far:#}");
        assert_eq!(of(&far, "fd77:3::2")["error"], "time to live exceeded");
        let large = net.ask("h1", who, "ping h2 count 1 size 1450 df");
        // Once told, the kernel itself knows.
        let error = of(&large, "10.77.3.2")["error"].as_str().unwrap();
        assert!(error == "packet too big, MTU 1400" || error.contains("this machine's MTU"), "{large:#}");
        assert_eq!(of(&net.ask("h1", who, "ping h2 count 1 size 1450"), "10.77.3.2")["received"], 1);
    }
}

#[test]
fn duplicates_late_ones_and_strangers_are_not_replies() {
    for (mode, who, expected) in [
        ("twice", As::Root, json!([4, 3, null])),
        ("twice", As::Nobody, json!([4, 3, null])),
        // The last one comes when nobody waits any more.
        ("late", As::Nobody, json!([0, null, 3])),
        ("other", As::Root, json!([0, null, null])),
    ] {
        let Some(mut net) = Net::chain() else { return };
        net.datagrams("h1", who == As::Nobody);
        net.within("h2", &["sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1"]);
        net.ip("h2", "addr add 10.77.3.99/24 dev r3");
        net.odd("h2", &["echo", mode, "10.77.3.99"]);
        // Both are asked: what comes from .99 in place of .2 must not count for .99 either.
        let question = "ping 10.77.3.2 count 4 interval 300ms timeout 500ms";
        let found = net.ask("h1", who, question);
        let row = of(&found, "10.77.3.2");
        let duplicates = &row["duplicates"];
        // Nobody waits for the last packet's second reply.
        let duplicates = if *duplicates == 4 { &json!(3) } else { duplicates };
        assert_eq!(json!([row["received"], duplicates, row["late"]]), expected, "{mode} {who:?}: {found:#}");
        if mode == "other" {
            assert_eq!(row["from"], "10.77.3.99", "{found:#}");
            assert!(found["notes"].to_string().contains("not counted"), "{found:#}");
        }
    }
}

#[test]
fn a_lossy_link_loses_what_the_filter_drops() {
    let Some(net) = Net::chain() else { return };
    net.filter("r2", "forward", "icmp type echo-request numgen inc mod 3 < 1 drop");
    let found = net.ask("h1", As::Root, "ping h2 count 30 interval 10ms timeout 500ms");
    let row = of(&found, "10.77.3.2");
    assert_eq!((&row["sent"], &row["received"]), (&json!(30), &json!(20)), "{found:#}");
    // The same by iputils, in the same network.
    let theirs = net.name("h1");
    let output = std::process::Command::new("ip")
        .args(["netns", "exec", &theirs, "ping", "-q", "-i", "0.01", "-c", "30", "-W", "1", "10.77.3.2"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("20 received"), "{output:?}");
}

#[test]
fn what_stands_for_many_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("inventory")).unwrap();
    std::fs::write(directory.path().join("inventory/hosts.yaml"), "r1: {hostname: 127.0.0.1}\n").unwrap();
    std::fs::write(directory.path().join("nocbot.yaml"), "inventory: inventory\nprobe: {addresses: 300}\n")
        .unwrap();
    for (question, why) in [
        ("ping 10.0.0.0/8", "16777214 addresses"),
        ("ping 10.0.0.0/22", "1022 addresses; 300 is the most"),
        ("ping 2001:db8::/64", "2^64 addresses"),
        ("ping 255.255.255.255", "broadcast"),
        ("ping 224.0.0.0/24", "multicast"),
        ("ping 0.0.0.0", "no address of a host"),
        ("ping ff02::1", "multicast"),
        ("ping ::", "no address of a host"),
        ("trace 224.0.0.5", "multicast"),
        ("pmtu 10.0.0.0/16", "65534 addresses"),
        ("ping r1 vrf RED", "is for devices"),
        ("ping r1 10.0.0.1 df", "only nocbot's own"),
        ("mping src=r1 dst=10.0.0.0/16", "65534 addresses"),
    ] {
        let run = crate::support::nocbot(&["ask", "--format", "json", question], directory.path());
        let found: Value = serde_json::from_str(&run.out).expect(&run.err);
        assert_eq!(found["status"], "refused", "{question}: {found:#}");
        assert!(found["errors"][0]["message"].as_str().unwrap().contains(why), "{question}: {found:#}");
    }
}
