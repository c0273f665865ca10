//! Verbs over NETCONF and RESTCONF, asked of servers that others wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nocbot::answer::{Answer, Status};
use nocbot::bot::Bot;
use nocbot::catalogue::Catalogue;
use nocbot::config::Config;
use nocbot::inventory::{Device, Inventory};
use nocbot::transport::ssh::{HostKeyPolicy, Settings};

use crate::netconf::yuma::Yuma;
use crate::restconf::File;
use crate::restconf::jetconf::Jetconf;
use crate::ssh::device;
use crate::support::{ask, bot_over};

/// A bot whose one device is any server with IETF models.
fn bot(device: Device) -> Bot {
    let device = Device { platform: "ietf".to_owned(), hostname: "127.0.0.1".to_owned(), ..device };
    let config = Config::without_file(Path::new("/nonexistent"));
    let loaded = Catalogue::load_with(&config, Inventory::new([device]));
    let catalogue = loaded.unwrap_or_else(|errors| panic!("{}", errors[0].report())).catalogue;
    let settings = Settings { host_keys: HostKeyPolicy::AcceptNew, ..Settings::default() };
    bot_over(Arc::new(catalogue), settings, Duration::from_secs(20))
}

/// The rows of an answer, each as its columns with a value.
fn rows(answer: &Answer) -> Vec<BTreeMap<String, String>> {
    assert_eq!(answer.status, Status::Ok, "{:?}", answer.failures);
    let table = answer.table().unwrap_or_else(|| panic!("no table: {:?}", answer.failures));
    let row = |cells: &Vec<nocbot::table::Value>| {
        let cells = table.columns.iter().zip(cells).filter(|(_, cell)| !cell.to_string().is_empty());
        cells.map(|(column, cell)| (column.name.clone(), cell.to_string())).collect()
    };
    table.rows.iter().map(row).collect()
}

fn row(cells: &[(&str, &str)]) -> BTreeMap<String, String> {
    cells.iter().map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned())).collect()
}

#[tokio::test]
async fn verbs_of_a_netconf_server() {
    let Some(yuma) = Yuma::start(&[]).await else { return };
    let mut device = device("r1", 1);
    device.login.netconf.offered = true;
    device.login.netconf.port = Some(yuma.port);
    let bot = bot(device);

    // State beside the configuration, as RFC 7223 has it.
    let answer = ask(&bot, "interfaces r1").await;
    let interfaces = rows(&answer);
    let lo =
        interfaces.iter().find(|row| row["interface"] == "lo").unwrap_or_else(|| panic!("{interfaces:?}"));
    assert!(["up", "unknown"].contains(&lo["state"].as_str()), "{lo:?}");
    assert_eq!(lo["in_errors"], "0", "{lo:?}");
    assert!(answer.notes.iter().all(|note| !note.contains("ssh")), "{:?}", answer.notes);
    assert_eq!(rows(&ask(&bot, "interfaces r1 lo via=netconf").await).len(), 1);
    assert_eq!(rows(&ask(&bot, "interfaces r1 eth77").await).len(), 0);

    let addresses = rows(&ask(&bot, "ip r1 lo").await);
    assert_eq!(addresses[0]["interface"], "lo", "{addresses:?}");

    // Of the system it tells the time only.
    assert_eq!(rows(&ask(&bot, "version r1").await).len(), 1);

    // It has no such models, and there is nothing else to ask.
    for verb in ["vrf", "route"] {
        let answer = ask(&bot, &format!("{verb} r1")).await;
        assert!(answer.status == Status::Failed || rows(&answer).is_empty(), "{verb}: {answer:?}");
    }
    let answer = ask(&bot, "version r1 via=ssh").await;
    assert_eq!(answer.status, Status::Failed);
}

#[tokio::test]
async fn verbs_of_a_restconf_server() {
    let Some(jetconf) = Jetconf::start().await else { return };
    let ca = File::new(&jetconf.ca);
    let mut device = device("r1", 1);
    device.login.restconf = nocbot::inventory::HttpsLogin { offered: true, ..jetconf.login(&ca) };
    let bot = bot(device);

    // It has no state at all: what is configured is shown.
    let first = row(&[
        ("device", "r1"),
        ("interface", "Ethernet0/1, \"x\""),
        ("admin", "down"),
        ("state", "admin-down"),
    ]);
    let second =
        row(&[("device", "r1"), ("interface", "eth1"), ("admin", "up"), ("description", "<&> Zürich")]);
    let mut found = rows(&ask(&bot, "interfaces r1").await);
    found.sort_by_key(|row| row["interface"].clone());
    assert_eq!(found, [first, second.clone()]);
    assert_eq!(rows(&ask(&bot, "interfaces r1 eth1 via=restconf").await), [second]);
    let address =
        row(&[("device", "r1"), ("interface", "eth1"), ("address", "192.0.2.1/24"), ("admin", "up")]);
    assert_eq!(rows(&ask(&bot, "ip r1 eth1").await), [address]);
    assert!(rows(&ask(&bot, "arp r1").await).is_empty());
}
