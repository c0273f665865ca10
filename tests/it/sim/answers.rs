//! The whole path over the simulated network: question, SSH, parser, table. Six devices of four
//! platforms must tell one story.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nocbot::answer::{Answer, Block};
use nocbot::bot::Bot;
use nocbot::catalogue::Catalogue;
use nocbot::error::FailureKind;
use nocbot::sim::Running;
use nocbot::transport::ssh::{HostKeyPolicy, Settings};

use super::start;
use crate::support::{ask, bot_over};

pub(super) fn bot(running: &Running) -> Bot {
    let catalogue = Catalogue::builtin_with(running.inventory()).unwrap();
    let settings = Settings {
        known: running.known_hosts(),
        host_keys: HostKeyPolicy::Strict,
        known_hosts: None,
        ..Settings::default()
    };
    bot_over(Arc::new(catalogue), settings, Duration::from_secs(20))
}

/// The rows of an answer as texts by column.
pub(super) fn rows(answer: &Answer) -> Vec<BTreeMap<String, String>> {
    let mut all = Vec::new();
    for block in &answer.blocks {
        let Block::Table { table, .. } = block else { continue };
        for row in &table.rows {
            let cells = table.columns.iter().zip(row);
            all.push(cells.map(|(column, cell)| (column.name.clone(), cell.to_string())).collect());
        }
    }
    all
}

/// Asks, and allows no failure but that of a platform that has no way to answer.
async fn clean(bot: &Bot, question: &str) -> Vec<BTreeMap<String, String>> {
    let answer = ask(bot, question).await;
    for failed in &answer.failures {
        assert_eq!(failed.failure.kind, FailureKind::Unsupported, "{question}: {failed:?}");
    }
    assert!(answer.notes.iter().all(|note| !note.contains("does not fit")), "{question}: {:?}", answer.notes);
    let rows = rows(&answer);
    assert!(!rows.is_empty(), "{question}: {answer:?}");
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_has_rows_from_every_platform_that_knows_it() {
    let running = start(&[]).await;
    let catalogue = Catalogue::builtin_with(running.inventory()).unwrap();
    let bot = bot(&running);
    for (verb, arguments) in [
        ("vrf", ""),
        ("interfaces", ""),
        ("ip", ""),
        ("route", ""),
        ("route", "v6"),
        ("route", "vrf MGMT"),
        ("route", "10.255.0.4"),
        ("route", "10.255.0.0/30"),
        ("bgp", ""),
        ("ospf", ""),
        ("arp", ""),
        ("lldp", ""),
        ("mac", ""),
        ("isis", ""),
        ("vlan", ""),
        ("optics", ""),
        ("env", ""),
        ("ntp", ""),
        ("acl", ""),
        ("users", ""),
        ("version", ""),
        ("log", ""),
        ("ping", "10.255.0.3 count 2"),
        ("ping", "10.99.0.9 count 2"),
        ("trace", "10.255.0.6"),
    ] {
        for device in running.inventory().devices() {
            let platform = catalogue.platform(&device.platform).unwrap();
            let Some(sources) = platform.verbs.get(verb).filter(|sources| !sources.is_empty()) else {
                continue;
            };
            let question = format!("{verb} {} {arguments}", device.name);
            let answer = ask(&bot, question.trim()).await;
            let failures: Vec<_> = answer.failures.iter().map(|failed| &failed.failure).collect();
            let refused = |failure: &&nocbot::error::Failure| failure.kind == FailureKind::Rejected;
            // Some platforms refuse to ping where they have no route; the others count no answers.
            if arguments.starts_with("10.99.0.9") && failures.iter().all(refused) {
                continue;
            }
            let lacking = |failure: &&nocbot::error::Failure| failure.kind == FailureKind::Unsupported;
            if !failures.is_empty() && failures.iter().all(lacking) {
                continue;
            }
            assert!(
                failures.is_empty(),
                "{question}: {failures:?} by {:?}",
                sources.first().map(|source| source.ask.title())
            );
            let lonely = verb == "ospf" && device.name == "r6";
            let nothing = arguments == "10.255.0.0/30";
            assert_eq!(rows(&answer).is_empty(), lonely || nothing, "{question}: {answer:?}");
        }
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_of_every_bgp_session_agree() {
    let running = start(&[]).await;
    let bot = bot(&running);
    let mut owner: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in clean(&bot, "ip all").await {
        let address = row["address"].split('/').next().unwrap().to_owned();
        owner.insert((address, String::new()), row["device"].clone());
    }
    let sessions = clean(&bot, "bgp all").await;
    let of = |address: &str| owner.get(&(address.to_owned(), String::new())).cloned();
    let mut checked = 0;
    for session in &sessions {
        let Some(peer) = of(&session["neighbor"]) else {
            assert_eq!(session["state"], "Active", "{session:?}");
            continue;
        };
        let back = sessions.iter().any(|other| {
            other["device"] == peer
                && of(&other["neighbor"]).as_ref() == Some(&session["device"])
                && other["family"].split(' ').next() == session["family"].split(' ').next()
                && other["state"] == session["state"]
        });
        // A platform that lists neighbors in VRFs under a VPN family says another family than the other end.
        assert!(back || session["family"].starts_with("vpn") || peer == "r5", "{session:?}");
        checked += usize::from(back);
    }
    assert!(checked >= 20, "{checked} of {}", sessions.len());
    assert!(sessions.iter().any(|session| session["as"] == "4200000001"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vrfs_and_interfaces_are_those_of_the_state() {
    let running = start(&[]).await;
    let bot = bot(&running);
    let vrfs = clean(&bot, "vrf all").await;
    for (device, names) in [
        ("r1", &["BLUE", "MGMT", "RED"][..]),
        ("r2", &["MGMT", "RED"]),
        ("r3", &["MGMT", "RED"]),
        ("r4", &["MGMT", "RED"]),
        ("r5", &["BLUE", "MGMT"]),
        ("r6", &["BLUE", "MGMT"]),
    ] {
        let mut found: Vec<&str> =
            vrfs.iter().filter(|row| row["device"] == device).map(|row| row["vrf"].as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, names, "{device}");
    }
    let rd = |device: &str, vrf: &str| {
        vrfs.iter().find(|row| row["device"] == device && row["vrf"] == vrf).map(|row| row["rd"].clone())
    };
    assert_eq!(rd("r1", "RED").as_deref(), Some("65000:10"));
    assert_eq!(rd("r3", "RED").as_deref(), Some("65000:10"));
    assert_eq!(rd("r1", "MGMT").as_deref(), Some(""));
    let interfaces = clean(&bot, "interfaces all").await;
    let port = |device: &str, name: &str| {
        let found = interfaces.iter().find(|row| row["device"] == device && row["interface"] == name);
        found.unwrap_or_else(|| panic!("{device} {name}")).clone()
    };
    let spare = port("r1", "GigabitEthernet0/6");
    assert_eq!((spare["admin"].as_str(), spare["state"].as_str()), ("down", "admin-down"));
    let dark = port("r2", "Ethernet4");
    assert_eq!((dark["admin"].as_str(), dark["state"].as_str()), ("up", "down"));
    assert_eq!(port("r6", "Ethernet3")["in_errors"], "17");
    assert_eq!(port("r4", "eth1")["description"], "to r2 Ethernet2");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_answer_is_shown_from_a_row_on_where_it_was_given() {
    let running = start(&[]).await;
    let bot = bot(&running);
    let whole = ask(&bot, "interfaces all").await;
    let all = rows(&whole);
    let rest = ask(&bot, &format!("more {} 5", whole.id)).await;
    assert_eq!(rows(&rest), all[4..], "{rest:?}");
    assert_eq!(rest.later.as_ref().map(|later| (later.of.clone(), later.first)), Some((whole.id.clone(), 5)));
    assert_eq!(rows(&ask(&bot, &format!("more #{}", whole.id)).await), all);
    let chosen = ask(&bot, &format!("more {} | where device = r1", whole.id)).await;
    assert!(!rows(&chosen).is_empty() && rows(&chosen).iter().all(|row| row["device"] == "r1"));
    let behind = ask(&bot, &format!("more {} 9999", whole.id)).await;
    assert_eq!(behind.status, nocbot::answer::Status::Refused);
    assert!(format!("{:?}", behind.blocks).contains(&format!("has {} rows", all.len())), "{behind:?}");

    // Somebody else, somewhere else, does not get it by its number.
    let elsewhere = nocbot::bot::Incoming {
        who: nocbot::bot::Who { way: "test".into(), id: "other".into(), name: "other".into() },
        place: "elsewhere".into(),
        text: format!("more {}", whole.id),
    };
    let (progress, cancel) = (
        tokio::sync::watch::channel(nocbot::bot::Progress::default()).0,
        tokio_util::sync::CancellationToken::new(),
    );
    let refused = bot.answer(elsewhere, progress, cancel).await;
    assert!(rows(&refused).is_empty() && format!("{refused:?}").contains("not given here"), "{refused:?}");
    running.stop().await;
}
