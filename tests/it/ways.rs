//! The ways by which a device is asked: their order, what comes in their place, `via`, and the verbs for models and their data.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nocbot::answer::{Answer, Block};
use nocbot::bot::Bot;
use nocbot::catalogue::Catalogue;
use nocbot::config::Config;
use nocbot::inventory::{Device, HttpsLogin, Inventory, Login, NetconfLogin};
use nocbot::secret::{Secret, SecretRef};
use nocbot::transport::ssh::{HostKeyPolicy, Settings};
use tempfile::TempDir;

use crate::netconf::server::Server as Netconf;
use crate::restconf::server::{Server as Https, Then, answer, json};
use crate::ssh::server::{Plan, Server as Ssh};
use crate::support::{ask, bot_over};

const PLATFORM: &str = r#"
platform: acme_os
title: Acme OS
ssh: {session: shell}
prompts: [{mode: privileged, pattern: '[\w-]+#'}]
rejected: [{pattern: '^% Invalid', meaning: the device does not know this command}]
show: {prefix: show, words: [show]}
jsonrpc: {path: /api, body: '{"method": "run", "params": ["{command}"]}', result: result/0}
paths: {vrfs: 'acme-vrf:vrfs/vrf'}
verbs:
  vrf:
    - {yang: "acme-vrf:vrfs/vrf[name='{vrf}']", when: {vrf: RED}, parser: yang_vrf}
    - {yang: 'acme-vrf:vrfs/vrf', parser: yang_vrf}
    - {jsonrpc: show vrf, parser: json_vrf}
    - {ssh: show vrf}
  lldp:
    - rpc: '<get-lldp><interface>[{interface}]</interface><all/></get-lldp>'
      parser: rpc_lldp
      columns: {interface: LOCAL}
"#;
const YANG: &str =
    "format: yang\nrows: /vrfs/vrf\nkey: VRF\nvalues: {VRF: name, RD: rd, INTERFACES: interface}\n";
const JSON: &str = "format: json\nrows: /vrfs/{VRF}\nvalues: {RD: rd, INTERFACES: if}\n";
const RPC: &str = "format: xml\nrows: /rpc-reply/lldp/neighbor\nvalues: {LOCAL: port, NEIGHBOR: name}\n";
const TEXT: &str = "Value VRF (\\S+)\nValue RD (\\S+)\nValue List INTERFACES (\\S+)\n\n\
                    Start\n  ^${VRF}\\s+${RD}\\s+${INTERFACES}$$ -> Record\n  ^\\s*$$\n  ^. -> Error\n";
const VRFS: &str = r#"{"acme-vrf:vrf": [{"name": "RED", "rd": "65000:1", "interface": ["e1"]}, {"name": "<&ü>", "rd": "65000:2", "interface": ["e2"]}]}"#;
const REPLY: &str = "<data><vrfs xmlns=\"urn:acme:vrf\"><vrf><name>RED</name><rd>65000:1</rd><interface>e1</interface></vrf>\
                     <vrf><name>&lt;&amp;ü&gt;</name><rd>65000:2</rd><interface>e2</interface></vrf></vrfs></data>";
const MODULE: &str = "urn:acme:vrf?module=acme-vrf&amp;revision=2026-01-02&amp;features=a,b";

/// The servers of one device, and the files that its bot was made of.
struct Lab {
    bot: Bot,
    netconf: Netconf,
    https: Https,
    _ssh: Ssh,
    _files: TempDir,
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn netconf_answer(request: &str) -> String {
    if request.contains("<get-schema") {
        return "<data xmlns=\"urn:x\">module acme-vrf { }</data>".to_owned();
    }
    if request.contains("<get-lldp") {
        let asked = request.split("<interface>").nth(1).and_then(|rest| rest.split('<').next());
        let one = asked.unwrap_or("e9");
        std::thread::sleep(Duration::from_millis(50));
        return format!("<lldp><neighbor><port>{one}</port><name>r9</name></neighbor></lldp>");
    }
    if request.contains("<name>RED</name>") {
        let end = REPLY.find("</vrf>").unwrap() + "</vrf>".len();
        return format!("{}</vrfs></data>", &REPLY[..end]);
    }
    REPLY.to_owned()
}

/// A bot with one device whose HTTPS server answers so; `change` says what its inventory has.
async fn lab(
    https: impl Fn(&str) -> (Vec<u8>, Then) + Send + Sync + 'static,
    change: impl FnOnce(&mut Login),
) -> Lab {
    let https = Https::start(move |request, _| https(request)).await;
    let netconf =
        Netconf::answering(&[MODULE, "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"], netconf_answer)
            .await;
    let ssh = Plan::cli(|line| match line {
        "show vrf" => "RED 65000:1 e1\n<&ü> 65000:2 e2\n".to_owned(),
        "" => String::new(),
        _ => "% Invalid input\n".to_owned(),
    });
    let ssh = ssh.start().await;
    let files = tempfile::tempdir().unwrap();
    write(files.path(), "platforms/acme_os.yaml", PLATFORM);
    write(files.path(), "ca.pem", &https.ca);
    for (name, text) in [
        ("yang_vrf/template.yaml", YANG),
        ("json_vrf/template.yaml", JSON),
        ("rpc_lldp/template.yaml", RPC),
        ("show_vrf/template.textfsm", TEXT),
    ] {
        write(files.path(), &format!("parsers/acme_os/{name}"), text);
    }
    let mut config = Config::without_file(files.path());
    config.profiles = vec![files.path().to_owned()];
    config.parsers = vec![files.path().join("parsers")];
    let password = Some(SecretRef::Plain(Secret::new("hunter2")));
    let web = HttpsLogin {
        offered: true,
        port: Some(https.port),
        username: Some("admin".to_owned()),
        password: password.clone(),
        ca_file: Some(files.path().join("ca.pem")),
        root: Some("/rc".to_owned()),
        ..HttpsLogin::default()
    };
    let mut login = Login {
        port: Some(ssh.port),
        username: Some("admin".to_owned()),
        password,
        netconf: NetconfLogin { offered: true, port: Some(netconf.port), ..NetconfLogin::default() },
        jsonrpc: HttpsLogin { offered: false, ..web.clone() },
        restconf: web,
        ..Login::default()
    };
    change(&mut login);
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
    let bot = bot_over(Arc::new(catalogue), settings, Duration::from_secs(20));
    Lab { bot, netconf, https, _ssh: ssh, _files: files }
}

fn good(request: &str) -> (Vec<u8>, Then) {
    if request.starts_with("GET /rc/data/acme-vrf:vrfs/vrf=RED") {
        return json(r#"{"acme-vrf:vrf": [{"name": "RED", "rd": "65000:1", "interface": ["e1"]}]}"#);
    }
    let whole = request.starts_with("GET /rc/data/acme-vrf:vrfs/vrf ");
    json(if whole { VRFS } else { "{}" })
}

/// The answer's rows, cells joined by blanks.
fn rows(answer: &Answer) -> Vec<String> {
    let table = answer.table().unwrap_or_else(|| panic!("no table: {:?}", answer.failures));
    table.rows.iter().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).collect()
}

fn texts(answer: &Answer) -> String {
    let text = |block: &Block| match block {
        Block::Code { text, .. } | Block::Text { text } => Some(text.clone()),
        _ => None,
    };
    answer.blocks.iter().filter_map(text).collect()
}

#[tokio::test]
async fn every_way_gives_the_same_rows() {
    let lab = lab(
        |request| {
            if !request.starts_with("POST /api") {
                return good(request);
            }
            assert!(request.ends_with(r#"{"method":"run","params":["show vrf"]}"#), "{request}");
            let vrfs = r#"{"RED": {"rd": "65000:1", "if": ["e1"]}, "<&ü>": {"rd": "65000:2", "if": ["e2"]}}"#;
            answer("200 OK", "application/json", &format!(r#"{{"result": [{{"vrfs": {vrfs}}}]}}"#))
        },
        |_| {},
    )
    .await;
    let first = rows(&ask(&lab.bot, "vrf r1").await);
    assert_eq!(first.len(), 2, "{first:?}");
    assert_eq!(lab.https.asked(), ["GET /rc/data/acme-vrf:vrfs/vrf HTTP/1.1"], "one request, the best way");
    assert_eq!(lab.netconf.count("<rpc"), 0);
    for via in ["restconf", "netconf", "jsonrpc", "ssh"] {
        let answer = ask(&lab.bot, &format!("vrf r1 via={via}")).await;
        assert_eq!(rows(&answer), first, "{via}");
        assert!(answer.notes.is_empty(), "{:?}", answer.notes);
    }
    assert_eq!(
        lab.netconf.count("<filter type=\"subtree\"><vrfs xmlns=\"urn:acme:vrf\"><vrf/></vrfs></filter>"),
        1
    );
    assert_eq!(lab.https.connections(), 1, "two ways of the same server share it");

    for via in ["restconf", "netconf"] {
        let answer = ask(&lab.bot, &format!("vrf r1 RED via={via}")).await;
        assert_eq!(rows(&answer).len(), 1, "{via}: the argument stands in the path, or narrows");
    }
    assert!(lab.https.asked().contains(&"GET /rc/data/acme-vrf:vrfs/vrf=RED HTTP/1.1".to_owned()));
    assert_eq!(lab.netconf.count("<vrf><name>RED</name></vrf>"), 1);

    let table = ask(&lab.bot, "explain vrf r1").await;
    let ways: Vec<String> = rows(&table);
    assert!(ways[0].contains("restconf 127.0.0.1:") && ways[1].contains("netconf 127.0.0.1:"), "{ways:?}");
    assert!(ways[2].contains("ssh 127.0.0.1:") && ways[2].contains("if NETCONF cannot be had"), "{ways:?}");
}

#[tokio::test]
async fn a_way_that_cannot_be_had_is_replaced_and_the_answer_says_so() {
    let shut = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let lab = lab(good, |login| login.restconf.port = Some(shut)).await;
    for _ in 0..2 {
        let answer = ask(&lab.bot, "vrf r1").await;
        assert_eq!(rows(&answer).len(), 2);
        let note = &answer.notes[0];
        assert!(
            note.starts_with("r1: asked over NETCONF: RESTCONF failed: ") && note.contains("refused"),
            "{note}"
        );
    }
    let answer = ask(&lab.bot, "vrf r1 via=restconf").await;
    assert_eq!(answer.failures[0].failure.kind.as_str(), "connect", "{:?}", answer.failures);
}

#[tokio::test]
async fn data_that_a_device_does_not_have_there_are_asked_for_elsewhere() {
    let none = r#"{"ietf-restconf:errors": {"error": [{"error-type": "protocol", "error-tag": "unknown-element", "error-message": "no such node"}]}}"#;
    let lab = lab(move |_| answer("404 Not Found", "application/yang-data+json", none), |_| {}).await;
    let answer = ask(&lab.bot, "vrf r1").await;
    assert_eq!(rows(&answer).len(), 2, "{answer:?}");
    assert!(answer.notes[0].contains("asked over NETCONF: RESTCONF failed"), "{:?}", answer.notes);
}

#[tokio::test]
async fn an_answer_that_is_not_understood_is_one_clear_error() {
    for (body, wanted) in [
        (r#"{"acme-vrf:vrf": {"error": "busy"}}"#, "a record at `/vrfs/vrf` has no VRF"),
        (r#"{"acme-vrf:error": [{"name": "RED"}]}"#, "`vrf` was asked for"),
        (r#"{"acme-vrf:vrf": [{"name": "RED", "id": 01}]}"#, "JSON"),
        (r#"{"acme-vrf:vrf": [{"name": "RED""#, "JSON"),
    ] {
        let lab = lab(move |_| json(body), |_| {}).await;
        let answer = ask(&lab.bot, "vrf r1").await;
        assert!(answer.table().is_none_or(|table| table.rows.is_empty()), "{answer:?}");
        let failure = &answer.failures[0].failure;
        assert_eq!(failure.kind.as_str(), "parse", "{failure:?}");
        assert!(failure.message.contains(wanted), "{}", failure.message);
        assert_eq!(lab.netconf.count("<rpc"), 0, "another way is no remedy");
    }
}

#[tokio::test]
async fn the_same_question_at_the_same_time_is_asked_once() {
    let lab = lab(
        |request| {
            std::thread::sleep(Duration::from_millis(150));
            good(request)
        },
        |_| {},
    )
    .await;
    let (a, b, c) =
        tokio::join!(ask(&lab.bot, "vrf r1"), ask(&lab.bot, "vrf r1"), ask(&lab.bot, "vrf r1 | count"));
    assert_eq!((rows(&a).len(), rows(&b).len(), rows(&c).len()), (2, 2, 1));
    assert_eq!(lab.https.asked().len(), 1);
    let again = ask(&lab.bot, "vrf r1").await;
    assert_eq!((rows(&again).len(), lab.https.asked().len()), (2, 2), "an answer is not kept");
}

#[tokio::test]
async fn a_device_is_asked_only_by_what_its_inventory_names() {
    let lab = lab(good, |login| {
        login.restconf.offered = false;
        login.netconf.offered = false;
    })
    .await;
    assert_eq!(rows(&ask(&lab.bot, "vrf r1").await).len(), 2);
    assert_eq!((lab.https.asked().len(), lab.netconf.count("<rpc")), (0, 0));
    let answer = ask(&lab.bot, "lldp r1").await;
    let failure = &answer.failures[0].failure;
    assert!(failure.message.contains("over NETCONF only"), "{failure:?}");
    assert!(failure.hint.iter().any(|hint| hint.contains("`netconf`")), "{failure:?}");
    assert_eq!(rows(&ask(&lab.bot, "lldp r1 via=netconf").await).len(), 1);
    let answer = ask(&lab.bot, "lldp r1 via=ssh").await;
    assert!(answer.failures[0].failure.message.contains("over NETCONF, not over SSH"), "{answer:?}");
}

#[tokio::test]
async fn operations_with_and_without_their_arguments() {
    let lab = lab(good, |_| {}).await;
    assert!(rows(&ask(&lab.bot, "lldp r1").await)[0].contains("e9"));
    assert!(rows(&ask(&lab.bot, "lldp r1 interface=e1").await)[0].contains("e1"));
    assert_eq!(
        lab.netconf.count("<get-lldp><all/></get-lldp>"),
        1,
        "without its argument an element is left away"
    );
    assert_eq!(lab.netconf.count("<get-lldp><interface>e1</interface><all/></get-lldp>"), 1);
}

#[tokio::test]
async fn the_same_operation_with_other_arguments_is_another_question() {
    let lab = lab(good, |_| {}).await;
    let (a, b) = tokio::join!(ask(&lab.bot, "lldp r1 interface=e1"), ask(&lab.bot, "lldp r1 interface=e2"));
    let (a, b) = (rows(&a), rows(&b));
    assert!(a.len() == 1 && a[0].contains("e1"), "{a:?}");
    assert!(b.len() == 1 && b[0].contains("e2"), "{b:?}");
    let explained = rows(&ask(&lab.bot, "explain lldp r1 interface=e1").await);
    assert!(explained[0].contains("get-lldp(interface=e1 all)"), "{explained:?}");
}

#[tokio::test]
async fn data_of_any_path() {
    let lab = lab(good, |_| {}).await;
    let whole = rows(&ask(&lab.bot, "get r1 acme-vrf:vrfs/vrf").await);
    assert_eq!(whole.len(), 2, "{whole:?}");
    assert_eq!(rows(&ask(&lab.bot, "get r1 vrfs").await), whole, "by the platform's name for the path");
    assert_eq!(rows(&ask(&lab.bot, "get r1 vrfs via=netconf").await), whole);
    assert_eq!(
        rows(&ask(&lab.bot, "get r1 vrfs | where name = RED | select name,rd").await),
        ["r1 RED 65000:1"]
    );

    let one = ask(&lab.bot, "get r1 acme-vrf:vrfs/vrf[name='RED'] depth=2 fields=name,rd").await;
    assert_eq!(texts(&one), "name: RED\nrd: 65000:1\ninterface:\n  - e1\n", "{one:?}");
    let asked = lab.https.asked().pop().unwrap();
    assert_eq!(asked, "GET /rc/data/acme-vrf:vrfs/vrf=RED?depth=2&fields=name;rd HTTP/1.1");

    for (question, wanted) in [
        ("get r1 vrrfs", "did you mean `vrfs`?"),
        ("get r1 acme-vrf:vrfs/vrf[name=RED]", "between quotes"),
        ("get r1 acme-vrf:vrfs/../x", "no name of a node"),
        ("get r1", "needs path"),
        ("get r1 vrfs via=ssh", "over RESTCONF or NETCONF"),
        ("get r1 acme-vrf:vrfs/vrf=RED via=netconf", "names of the keys"),
        ("get r1 nowhere:x via=netconf", "does not have the module `nowhere`"),
    ] {
        let answer = format!("{:?}", ask(&lab.bot, question).await);
        assert!(answer.contains(wanted), "{question}: {answer}");
    }
}

#[tokio::test]
async fn secrets_in_documents_are_shown_to_nobody() {
    let config = r#"{"acme-vrf:vrf": [{"name": "RED", "password": "hunter3", "tacacs": {"key": {"key": "hunter4"}}}]}"#;
    let lab = lab(move |_| json(config), |_| {}).await;
    let answer = ask(&lab.bot, "get r1 vrfs").await;
    assert_eq!(rows(&answer).len(), 1, "{answer:?}");
    let wrong = ask(&lab.bot, "get r1 acme-vrf:other").await;
    assert_eq!(wrong.failures[0].failure.kind.as_str(), "parse", "{wrong:?}");
    for shown in [format!("{answer:?}"), format!("{wrong:?}")] {
        assert!(shown.contains("***") && !shown.contains("hunter"), "{shown}");
    }
}

#[tokio::test]
async fn modules_and_their_texts() {
    let library = r#"{"ietf-yang-library:modules-state": {"module": [
        {"name": "acme-vrf", "revision": "2026-01-02", "namespace": "urn:acme:vrf", "feature": ["a"], "schema": "https://elsewhere.example/m/acme-vrf"}]}}"#;
    let lab = lab(
        move |request| match request.split(' ').nth(1).unwrap() {
            "/rc/data/ietf-yang-library:modules-state" => json(library),
            "/m/acme-vrf" => answer("200 OK", "application/yang", "module acme-vrf { }"),
            _ => answer("404 Not Found", "text/plain", ""),
        },
        |_| {},
    )
    .await;
    assert_eq!(
        rows(&ask(&lab.bot, "capabilities r1 | select module,revision").await),
        ["r1 acme-vrf 2026-01-02"]
    );
    let by_netconf = rows(&ask(&lab.bot, "capabilities r1 via=netconf | where module = acme-vrf").await);
    assert_eq!(by_netconf, ["r1 acme-vrf 2026-01-02 a, b urn:acme:vrf"]);
    for via in ["restconf", "netconf"] {
        let answer = ask(&lab.bot, &format!("yang r1 acme-vrf via={via}")).await;
        assert_eq!(texts(&answer), "module acme-vrf { }", "{via}: {answer:?}");
    }
    let answer = ask(&lab.bot, "yang r1 acme-none via=restconf").await;
    assert!(answer.failures[0].failure.message.contains("has no module `acme-none`"), "{answer:?}");
}
