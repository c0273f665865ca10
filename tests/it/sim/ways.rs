//! One question over each way of a device: the rows must be the same.

use std::collections::{BTreeMap, BTreeSet};

use nocbot::answer::{Answer, Status};
use nocbot::bot::Bot;
use nocbot::catalogue::Catalogue;
use nocbot::verb::Verb;

use super::answers::{bot, rows};
use super::start;
use crate::support::ask;

/// The devices that more than one way leads to, with the ways.
const WAYS: [(&str, &[&str]); 3] =
    [("r2", &["ssh", "jsonrpc"]), ("r3", &["ssh", "netconf"]), ("r5", &["ssh", "restconf", "netconf"])];
/// The verbs that a device of every platform has by each of its ways.
const VERBS: [&str; 8] = ["vrf", "interfaces", "ip", "arp", "route", "bgp", "lldp", "version"];

/// What a way does not tell: device, verb, column.
const SILENT: [(&str, &str, &str); 1] = [
    // The command line of EOS 4.26 prints no route distinguisher; the document has it.
    ("r2", "vrf", "rd"),
];

/// The rows without what changes from one second to the next, in one order.
fn steady(answer: &Answer, volatile: &[&str]) -> BTreeSet<BTreeMap<String, String>> {
    let steady = |mut row: BTreeMap<String, String>| {
        row.retain(|column, cell| !volatile.contains(&column.as_str()) && !cell.is_empty());
        row
    };
    rows(answer).into_iter().map(steady).collect()
}

async fn all_ways_agree(bot: &Bot, device: &str, ways: &[&str], verb: &Verb, arguments: &str) {
    let silent = SILENT.iter().filter(|(at, name, _)| *at == device && *name == verb.name);
    let volatile: Vec<&str> =
        verb.volatile.iter().map(String::as_str).chain(silent.map(|(_, _, column)| *column)).collect();
    let verb = &verb.name;
    let mut wanted = None;
    for via in ways {
        let question = format!("{verb} {device} {arguments} via={via}");
        let answer = ask(bot, &question).await;
        assert_eq!(answer.status, Status::Ok, "{question}: {:?}", answer.failures);
        let found = steady(&answer, &volatile);
        assert!(!found.is_empty(), "{question} has no rows: {answer:?}");
        let wanted = wanted.get_or_insert_with(|| found.clone());
        let lacking: Vec<_> = wanted.difference(&found).collect();
        let added: Vec<_> = found.difference(wanted).collect();
        assert!(
            lacking.is_empty() && added.is_empty(),
            "{question}: not as over {}: lacking {lacking:#?}, added {added:#?}",
            ways[0]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_of_a_device_gives_the_same_rows() {
    let running = start(&[]).await;
    let bot = bot(&running);
    let catalogue = Catalogue::builtin_with(running.inventory()).unwrap();
    for (device, ways) in WAYS {
        for name in VERBS {
            all_ways_agree(&bot, device, ways, &catalogue.verbs[name], "").await;
        }
        for question in ["arp", "route", "ip"] {
            let vrf = if device == "r5" { "vrf=BLUE" } else { "vrf=RED" };
            all_ways_agree(&bot, device, ways, &catalogue.verbs[question], vrf).await;
        }
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_way_is_taken_without_being_asked_for() {
    let running = start(&[]).await;
    let bot = bot(&running);
    for (question, way) in
        [("vrf r5", "restconf"), ("vrf r3", "netconf"), ("vrf r2", "jsonrpc"), ("vrf r4", "ssh")]
    {
        let explained = rows(&ask(&bot, &format!("explain {question}")).await);
        assert!(explained[0]["transport"].starts_with(way), "{question}: {explained:?}");
        let answer = ask(&bot, question).await;
        assert!(answer.status == Status::Ok && answer.notes.is_empty(), "{question}: {answer:?}");
    }
    running.stop().await;
}
