//! Every question that the product shows as an example must have a good answer on the demo network.

use std::collections::BTreeSet;

use nocbot::answer::{Answer, Block, Status};
use nocbot::catalogue::Catalogue;
use nocbot::error::FailureKind;

use super::answers::{bot, rows};
use super::start;
use crate::support::ask;

/// Examples that look for trouble which the demo network does not have.
const QUIET: &[&str] = &["bgp @core | where state != Established", "ospf all | where state !~ Full"];

/// Examples that need a server which no demo network has.
const OUTSIDE: &[&str] = &["dns ", "tls "];

/// The questions in the first column of a page's tables.
fn questions(page: &str) -> Vec<String> {
    let first = |line: &str| {
        let line = line.strip_prefix("| `")?.replace("\\|", "¦");
        let (question, _) = line.split_once("` |")?;
        Some(question.replace('¦', "|"))
    };
    let section = page.split("## What you can ask").nth(1).unwrap().split("\n## ").next().unwrap();
    section.lines().filter_map(first).collect()
}

fn says_something(answer: &Answer) -> bool {
    let texts = answer.blocks.iter().any(|block| !matches!(block, Block::Table { .. }));
    texts || !rows(answer).is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_has_a_good_answer() {
    let running = start(&[]).await;
    let catalogue = Catalogue::builtin_with(running.inventory()).unwrap();
    let bot = bot(&running);
    let readme = questions(include_str!("../../../README.md"));
    assert!(readme.len() >= 6, "{readme:?}");
    let examples = catalogue.verbs.values().flat_map(|verb| verb.examples.iter().cloned());
    let all: BTreeSet<String> = examples.chain(readme).collect();
    for question in all.iter().filter(|question| !OUTSIDE.iter().any(|verb| question.starts_with(verb))) {
        let question = question.clone();
        let answer = ask(&bot, &question).await;
        assert_ne!(answer.status, Status::Refused, "{question}: {:?}", answer.blocks);
        for failed in &answer.failures {
            // A platform may lack a verb; a device that refuses what its platform names is a fault of the demo.
            assert_eq!(failed.failure.kind, FailureKind::Unsupported, "{question}: {failed:?}");
        }
        let odd =
            answer.notes.iter().find(|note| note.contains("does not fit") || note.contains("without what"));
        assert!(odd.is_none(), "{question}: {odd:?}");
        assert_eq!(says_something(&answer), !QUIET.contains(&question.as_str()), "{question}: {answer:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_narrow_an_answer() {
    let running = start(&[]).await;
    let bot = bot(&running);
    for (question, count) in [
        ("lldp r1 Gi0/1", 1),
        ("lldp r3 ge-0/0/4", 1),
        ("mac r1 interface Gi0/1/0", 2),
        ("mac r1 vlan 20", 1),
        ("mac r2 vlan 30", 1),
        ("mac r3 vlan 30", 2),
        ("mac r1,r2 00:50:56:01:01:01", 2),
        ("arp all 10.0.12.2", 1),
        ("vlan r1 20", 1),
        ("lag r1 Po1", 3),
        ("isis r1 Gi0/2", 1),
        ("optics r1 Gi0/2", 1),
        ("optics r3 ge-0/0/0", 1),
        ("acl r1 EDGE-IN", 5),
        ("acl r6 MGMT", 2),
    ] {
        let answer = ask(&bot, question).await;
        assert!(answer.failures.is_empty(), "{question}: {:?}", answer.failures);
        assert_eq!(rows(&answer).len(), count, "{question}: {answer:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ends_of_a_bundle_and_of_a_light_agree() {
    let running = start(&[]).await;
    let bot = bot(&running);
    let cells = |answer: &Answer, columns: &[&str]| {
        let cell = |row: &std::collections::BTreeMap<String, String>| {
            columns.iter().map(|column| row[*column].clone()).collect::<Vec<_>>().join(" ")
        };
        rows(answer).iter().map(cell).collect::<BTreeSet<String>>()
    };
    // A telephone at r1 is behind the bundle at r2.
    let heard = ask(&bot, "mac all 00:04:f2:01:01:01").await;
    let wanted = ["r1 20 Gi0/1/1", "r2 20 Port-Channel1"].map(str::to_owned);
    assert_eq!(cells(&heard, &["device", "vlan", "interface"]), wanted.into());
    // The link of the bundle without light is down, and its light an alarm, where the device shows thresholds.
    let down = ask(&bot, "lag all | where member_state = down").await;
    assert_eq!(cells(&down, &["device", "member"]), ["r1 Gi0/10", "r2 Et11"].map(str::to_owned).into());
    let dark = ask(&bot, "optics r1 | where state = alarm").await;
    assert_eq!(cells(&dark, &["interface", "rx"]), ["Gi0/10 -40"].map(str::to_owned).into());
    let failed = ask(&bot, "env all | where state = failed").await;
    assert_eq!(cells(&failed, &["device"]), ["r1", "r3", "r6"].map(str::to_owned).into());
    let isis = ask(&bot, "isis all | where state = Init").await;
    assert_eq!(cells(&isis, &["device", "neighbor"]), ["r5 r6", "r6 r5"].map(str::to_owned).into());
    running.stop().await;
}
