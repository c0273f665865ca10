//! The sources of a verb: documents, what is asked instead of them, what may be missing, and arguments that narrow.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nocbot::answer::{Answer, Status};
use nocbot::bot::Bot;
use nocbot::catalogue::Catalogue;
use nocbot::config::Config;
use nocbot::inventory::{Device, Inventory, Login};
use nocbot::secret::{Secret, SecretRef};
use nocbot::transport::ssh::{HostKeyPolicy, Settings};

use crate::ssh::server::{Plan, Server};
use crate::support::{ask, bot_over};

const PLATFORM: &str = r"
platform: acme_os
title: Acme OS
ssh: {session: shell}
prompts: [{mode: privileged, pattern: '[\w-]+#'}]
rejected: [{pattern: '^% Invalid', meaning: the device does not know this command}]
show: {prefix: show, words: [show]}
verbs:
  vrf:
    - ssh: show vrf | json
      parser: show_vrf_json
      else:
        - ssh: show vrf
      also:
        - ssh: show vrf hidden
          parser: show_vrf
      join:
        - ssh: show vrf ports
";
const JSON: &str = "format: json\nrows: /vrfs/{VRF}\nvalues: {RD: rd}\n";
const TEXT: &str =
    "Value VRF (\\S+)\nValue RD (\\S+)\n\nStart\n  ^${VRF}\\s+${RD}$$ -> Record\n  ^\\s*$$\n  ^. -> Error\n";
const PORTS: &str = "Value VRF (\\S+)\nValue INTERFACES (\\S+)\n\nStart\n  ^${VRF} has ${INTERFACES}$$ -> Record\n  ^. -> Error\n";

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A bot whose one device answers so; a line that it does not know is refused.
async fn bot(answers: &[(&'static str, &'static str)]) -> (Bot, Server) {
    bot_heard(answers, Arc::default()).await
}

/// The same; what the device hears is kept.
async fn bot_heard(
    answers: &[(&'static str, &'static str)],
    heard: Arc<Mutex<Vec<String>>>,
) -> (Bot, Server) {
    let answers: BTreeMap<&str, &str> = answers.iter().copied().collect();
    let plan = Plan::cli(move |line| {
        heard.lock().unwrap().push(line.to_owned());
        match answers.get(line) {
            Some(answer) => (*answer).to_owned(),
            None if line.is_empty() => String::new(),
            None => "% Invalid input\n".to_owned(),
        }
    });
    let server = plan.start().await;
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "platforms/acme_os.yaml", PLATFORM);
    write(directory.path(), "parsers/acme_os/show_vrf_json/template.yaml", JSON);
    write(directory.path(), "parsers/acme_os/show_vrf/template.textfsm", TEXT);
    write(directory.path(), "parsers/acme_os/show_vrf_ports/template.textfsm", PORTS);
    let mut config = Config::without_file(directory.path());
    config.profiles = vec![directory.path().to_owned()];
    config.parsers = vec![directory.path().join("parsers")];
    let login = Login {
        port: Some(server.port),
        username: Some("admin".to_owned()),
        password: Some(SecretRef::Plain(Secret::new("hunter2"))),
        ..Login::default()
    };
    let device = Device {
        name: "r1".to_owned(),
        hostname: "127.0.0.1".to_owned(),
        platform: "acme_os".to_owned(),
        groups: Vec::new(),
        data: BTreeMap::new(),
        login,
    };
    let loaded = Catalogue::load_with(&config, Inventory::new([device]));
    let catalogue = loaded.unwrap_or_else(|errors| panic!("{}", errors[0].report())).catalogue;
    let settings = Settings { host_keys: HostKeyPolicy::AcceptNew, ..Settings::default() };
    (bot_over(Arc::new(catalogue), settings, Duration::from_secs(20)), server)
}

/// VRF and RD of each row.
fn rows(answer: &Answer) -> Vec<String> {
    let table = answer.table().unwrap_or_else(|| panic!("no table: {:?}", answer.failures));
    let row = |row: &Vec<nocbot::table::Value>| format!("{} {} {}", row[1], row[2], row[4]);
    table.rows.iter().map(|cells| row(cells).trim().to_owned()).collect()
}

#[tokio::test]
async fn a_document_first_and_what_adds_to_it() {
    let (bot, _server) = bot(&[
        ("show vrf | json", r#"{"vrfs": {"RED": {"rd": "1:1"}, "BLUE": {}}}"#),
        ("show vrf hidden", "DARK 9:9\n"),
        ("show vrf ports", "RED has e1\n"),
    ])
    .await;
    let answer = ask(&bot, "vrf r1").await;
    assert_eq!(rows(&answer), ["BLUE", "DARK 9:9", "RED 1:1 e1"]);
    assert!(answer.notes.is_empty(), "{:?}", answer.notes);
    assert_eq!(rows(&ask(&bot, "vrf r1 red").await), ["RED 1:1 e1"], "an argument narrows in any case");
    assert!(rows(&ask(&bot, "vrf r1 vrf=NONE").await).is_empty());
}

#[tokio::test]
async fn screen_text_where_the_document_is_refused() {
    let (bot, _server) = bot(&[("show vrf", "RED 1:1\n")]).await;
    let answer = ask(&bot, "vrf r1").await;
    assert_eq!((answer.status, rows(&answer)), (Status::Ok, vec!["RED 1:1".to_owned()]));
    let notes = answer.notes.join("\n");
    assert!(notes.contains("without what `show vrf hidden` would add"), "{notes}");
    assert!(notes.contains("without what `show vrf ports` would add"), "{notes}");
}

#[tokio::test]
async fn screen_text_where_no_document_comes() {
    let (bot, _server) =
        bot(&[("show vrf | json", "Feature not licensed\n"), ("show vrf", "RED 1:1\n")]).await;
    assert_eq!(rows(&ask(&bot, "vrf r1").await), ["RED 1:1"]);
}

#[tokio::test]
async fn a_document_cut_short_is_never_a_table() {
    let (bot, _server) = bot(&[("show vrf | json", r#"{"vrfs": {"RED": {"rd": "1:"#)]).await;
    let answer = ask(&bot, "vrf r1").await;
    assert_eq!(answer.status, Status::Failed);
    assert!(answer.failures[0].failure.message.contains("show vrf"), "{:?}", answer.failures);
}

#[tokio::test]
async fn a_refused_document_is_not_asked_for_again_soon() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let (bot, _server) = bot_heard(&[("show vrf", "RED 1:1\n")], Arc::clone(&heard)).await;
    for _ in 0..3 {
        assert_eq!(rows(&ask(&bot, "vrf r1").await), ["RED 1:1"]);
    }
    let heard = heard.lock().unwrap();
    let count = |wanted: &str| heard.iter().filter(|line| *line == wanted).count();
    assert_eq!((count("show vrf | json"), count("show vrf")), (1, 3));
}
