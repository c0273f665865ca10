//! `trace`, `mtr` and `pmtu` from the bot, beside the machine's own traceroute.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::net::{As, Net, answer};
use super::{column, rows};

/// The address of each hop; null where nobody answered.
fn path(answer: &Value) -> Vec<Value> {
    column(answer, "address")
}

fn v4() -> Vec<Value> {
    ["10.77.0.2", "10.77.1.2", "10.77.2.2", "10.77.3.2"].iter().map(|text| json!(text)).collect()
}

fn v6() -> Vec<Value> {
    ["fd77::2", "fd77:1::2", "fd77:2::2", "fd77:3::2"].iter().map(|text| json!(text)).collect()
}

#[test]
fn the_same_hops_as_traceroute_by_every_protocol() {
    let Some(net) = Net::chain() else { return };
    for (who, options) in [
        (As::Nobody, ""),
        (As::Nobody, "paris=off"),
        (As::Root, ""),
        (As::Root, "proto=icmp"),
        (As::Root, "proto=tcp port=22"),
    ] {
        for (target, expected) in [("10.77.3.2", v4()), ("fd77:3::2", v6())] {
            let found = net.ask("h1", who, &format!("trace {target} {options}"));
            assert_eq!(path(&found), expected, "{who:?} {options}: {found:#}");
            for row in rows(&found) {
                let times = row["rtt"].as_array().unwrap();
                assert_eq!(times.len(), 3, "{row}");
                assert!(
                    times.iter().all(|time| time.as_f64().is_some_and(|time| time > 0.0 && time < 0.5)),
                    "{row}"
                );
            }
            assert_eq!(found["status"], "ok");
        }
    }
    let theirs = net.within("h1", &["traceroute", "-n", "-q1", "10.77.3.2"]);
    let theirs: Vec<Value> = theirs
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(|text| json!(text))
        .collect();
    assert_eq!(theirs, v4(), "traceroute itself");
    // ICMP by a datagram socket; and refused with the command where there is none.
    net.datagrams("h1", true);
    assert_eq!(path(&net.ask("h1", As::Nobody, "trace h2 proto=icmp")), v4());
    net.datagrams("h1", false);
    let refused = net.ask("h1", As::Nobody, "trace h2 proto=tcp");
    assert!(refused["errors"][0]["hint"].as_str().unwrap().contains("setcap cap_net_raw+ep"), "{refused:#}");
}

#[test]
fn hops_are_matched_to_the_inventory() {
    let Some(net) = Net::chain() else { return };
    let found = net.ask("h1", As::Nobody, "trace h2");
    assert_eq!(column(&found, "at"), [Value::Null, json!("r2"), Value::Null, json!("h2")]);
    assert_eq!(column(&found, "interface"), [Value::Null, json!("r1"), Value::Null, Value::Null]);
}

#[test]
fn a_silent_hop_costs_one_timeout_and_is_shown() {
    let Some(net) = Net::chain() else { return };
    net.filter("r2", "output", "icmp type time-exceeded drop\nicmpv6 type time-exceeded drop");
    for (target, mut expected) in [("10.77.3.2", v4()), ("fd77:3::2", v6())] {
        expected[1] = Value::Null;
        let found = net.ask("h1", As::Nobody, &format!("trace {target} timeout 600ms"));
        assert_eq!(path(&found), expected, "{found:#}");
        assert_eq!(rows(&found)[1]["rtt"], json!(["*", "*", "*"]));
        let took = found["took_ms"].as_u64().unwrap();
        assert!((600..1750).contains(&took), "one timeout of 600 ms, not three: {took} ms");
    }
}

#[test]
fn unreachable_destinations_show_their_code() {
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
    for (who, options) in [(As::Nobody, ""), (As::Root, "proto=icmp"), (As::Root, "proto=tcp")] {
        for (target, mark) in [("10.79.0.1", "!H"), ("10.79.1.1", "!X")] {
            let found = net.ask("h1", who, &format!("trace {target} {options}"));
            let last = rows(&found).last().unwrap();
            assert_eq!((&last["address"], &last["mark"]), (&json!("10.77.1.2"), &json!(mark)), "{found:#}");
            assert_eq!(found["status"], "failed", "the destination was not reached");
        }
    }
    net.ip("r2", "link set r3 mtu 1400");
    let found = net.ask("h1", As::Nobody, "trace h2 size 1450");
    assert_eq!(rows(&found).last().unwrap()["mark"], "!F", "{found:#}");
}

#[test]
fn labels_and_short_quotes() {
    for (mode, who, options) in [
        ("mpls", As::Nobody, ""),
        ("mpls", As::Root, "proto=icmp"),
        ("short", As::Nobody, ""),
        ("short", As::Nobody, "paris=off"),
        ("short", As::Root, "proto=icmp"),
        ("short", As::Root, "proto=tcp"),
    ] {
        let Some(mut net) = Net::chain() else { return };
        net.filter("r2", "output", "icmp type time-exceeded meta mark != 7 drop");
        net.odd("r2", &["hop", "r1", mode]);
        let found = net.ask("h1", who, &format!("trace h2 {options}"));
        // The helper's packets leave by the address of the way back.
        assert_eq!(path(&found), v4(), "{mode} {options}: {found:#}");
        let labels = &rows(&found)[1]["mpls"];
        if mode == "mpls" {
            assert_eq!(*labels, json!(["24005 tc 5 ttl 1", "16 ttl 2"]), "{options}: {found:#}");
        } else {
            assert_eq!(*labels, Value::Null);
            let apart = found["notes"].to_string().contains("quotes only headers");
            assert_eq!(apart, options.is_empty(), "{options}: {found:#}");
        }
    }
}

#[test]
fn many_traces_to_one_host_at_once() {
    let Some(net) = Net::chain() else { return };
    let question = "trace 10.77.3.2,10.77.2.2,10.77.1.2,fd77:3::2";
    let children: Vec<_> = (0..4)
        .map(|number| net.begin("h1", if number % 2 == 0 { As::Root } else { As::Nobody }, question))
        .collect();
    for child in children {
        let found = answer(question, &child.wait_with_output().unwrap());
        for (host, length) in [("10.77.3.2", 4), ("10.77.2.2", 3), ("10.77.1.2", 2)] {
            let hops: Vec<Value> = rows(&found)
                .iter()
                .filter(|row| row["host"] == host)
                .map(|row| row["address"].clone())
                .collect();
            assert_eq!(hops, v4()[..length], "{host}: {found:#}");
        }
    }
}

/// How many time-exceeded messages a node has sent.
fn time_exceeded(net: &Net, node: &str) -> u64 {
    let text = net.within(node, &["cat", "/proc/net/snmp"]);
    let mut lines = text.lines().filter(|line| line.starts_with("Icmp:"));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let at = names.split_whitespace().position(|name| name == "OutTimeExcds").unwrap();
    values.split_whitespace().nth(at).unwrap().parse().unwrap()
}

#[test]
fn a_reroute_while_mtr_runs_is_seen() {
    let Some(net) = Net::chain() else { return };
    // A second way from r1 to r3, past r2.
    let (near, far) = (net.name("r1"), net.name("r3"));
    let made = std::process::Command::new("ip")
        .args(["link", "add", "back", "netns", &near, "type", "veth", "peer", "name", "back", "netns", &far])
        .status()
        .unwrap();
    assert!(made.success());
    for (node, host) in [("r1", 1), ("r3", 2)] {
        net.ip(node, &format!("addr add 10.77.9.{host}/24 dev back"));
        net.ip(node, "link set back up");
    }
    let question = "mtr h2 8 interval 800ms timeout 500ms";
    let child = net.begin("h1", As::Nobody, question);
    // As soon as r2 has answered a few rounds; a machine under load takes its time to begin.
    let until = Instant::now() + Duration::from_secs(30);
    while time_exceeded(&net, "r2") < 3 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    net.ip("r1", "route replace 10.77.3.0/24 via 10.77.9.2");
    let found = answer(question, &child.wait_with_output().unwrap());
    let hop = &rows(&found)[1];
    assert_eq!(hop["address"], "10.77.9.2", "the new way: {found:#}");
    assert!(hop["also"].to_string().contains("10.77.1.2 ("), "and the old one: {found:#}");
    assert_eq!((&hop["sent"], &rows(&found)[0]["received"]), (&json!(8), &json!(8)), "{found:#}");
    assert!(column(&found, "loss")[0] == json!(0.0));
}

#[test]
fn the_mtu_of_a_path() {
    let Some(net) = Net::chain() else { return };
    let ask = |who, question: &str| net.ask("h1", who, question);
    let whole = ask(As::Nobody, "pmtu h2,fd77:3::2");
    assert_eq!(column(&whole, "mtu"), [json!(1500), json!(1500)], "{whole:#}");
    net.ip("r2", "link set r3 mtu 1380");
    net.ip("r3", "link set r2 mtu 1380");
    for who in [As::Nobody, As::Root] {
        let told = ask(who, "pmtu h2,fd77:3::2");
        assert_eq!(column(&told, "mtu"), [json!(1380), json!(1380)], "{who:?} {told:#}");
        let mut by = column(&told, "by");
        by.sort_by_key(Value::to_string);
        assert_eq!(by, [json!("10.77.1.2"), json!("fd77:1::2")], "{told:#}");
    }
    // A router that says nothing: the size is found all the same.
    net.filter("r2", "output", "icmp type destination-unreachable drop\nicmpv6 type packet-too-big drop");
    let silent = ask(As::Root, "pmtu h2");
    assert_eq!(
        (&column(&silent, "mtu")[0], &column(&silent, "how")[0]),
        (&json!(1380), &json!("larger packets vanish")),
        "{silent:#}"
    );
}
