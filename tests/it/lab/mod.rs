//! Real FRR routers, made by `lab/up`: every verb against what the routers and their kernels say in
//! other words, then the ways in which devices fail.
//!
//! `NOCBOT_LAB` names the state folder of a lab that is up. Tests that only look share the lab; those
//! that break something have it for themselves.

mod failures;
mod forwarding;
mod hosts;
mod routing;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{left_out, nocbot};

const ROUTERS: [&str; 6] = ["r1", "r2", "r3", "r4", "r5", "r6"];
/// The VRFs of each router; every router has the default one as well.
const VRFS: [(&str, &[&str]); 6] = [
    ("r1", &["RED"]),
    ("r2", &["BLUE"]),
    ("r3", &["RED"]),
    ("r4", &["BLUE", "GREEN"]),
    ("r5", &[]),
    ("r6", &[]),
];

/// The lab, and a configuration of this test's own that leads to it.
struct Lab {
    state: PathBuf,
    own: tempfile::TempDir,
    _lock: File,
}

/// What `nocbot ask --format json` gave.
struct Asked {
    code: i32,
    value: Value,
}

impl Lab {
    /// The lab to look at; `None`, said aloud, when there is none.
    fn shared() -> Option<Self> {
        Self::open(|lock| lock.lock_shared().unwrap())
    }

    /// The lab for oneself.
    fn alone() -> Option<Self> {
        Self::open(|lock| lock.lock().unwrap())
    }

    fn open(lock: impl FnOnce(&File)) -> Option<Self> {
        let state = std::env::var_os("NOCBOT_LAB").map(PathBuf::from).filter(|state| state.is_dir());
        let Some(state) = state else {
            left_out("the lab: NOCBOT_LAB names no state folder of `lab/up`");
            return None;
        };
        // A file that stands still: those in the state folder are made anew by each `lab/up`.
        let file = File::open(lab_file("nocbot.clab.yml")).unwrap();
        lock(&file);
        let lab =
            Self { state: state.canonicalize().unwrap(), own: tempfile::tempdir().unwrap(), _lock: file };
        lab.configure("strict", &lab.state.join("known_hosts"), 30);
        fs::create_dir(lab.own.path().join("inventory")).unwrap();
        for name in ["hosts.yaml", "groups.yaml", "defaults.yaml"] {
            fs::copy(lab.state.join("inventory").join(name), lab.own.path().join("inventory").join(name))
                .unwrap();
        }
        Some(lab)
    }

    /// Writes this test's `nocbot.yaml`.
    fn configure(&self, host_keys: &str, known_hosts: &Path, timeout: u32) {
        let text = format!(
            "inventory: inventory\nstore: nocbot.db\nssh: {{known_hosts: '{}', host_keys: {host_keys}}}\nlimits: {{timeout: {timeout}}}\n",
            known_hosts.display()
        );
        fs::write(self.own.path().join("nocbot.yaml"), text).unwrap();
    }

    /// Writes how this test logs in, instead of what the lab's own inventory says.
    fn log_in(&self, defaults: &str) {
        fs::write(self.own.path().join("inventory/defaults.yaml"), defaults).unwrap();
    }

    fn password(&self) -> String {
        fs::read_to_string(self.state.join("keys/password")).unwrap().trim().to_owned()
    }

    /// Asks, whatever comes.
    fn ask(&self, question: &str) -> Asked {
        let run = nocbot(&["ask", "-c", "nocbot.yaml", "--format", "json", question], self.own.path());
        let value = serde_json::from_str(&run.out)
            .unwrap_or_else(|error| panic!("`{question}`: {error}: {}{}", run.out, run.err));
        Asked { code: run.status.code().unwrap(), value }
    }

    /// Asks what every device can answer.
    fn rows(&self, question: &str) -> Vec<Value> {
        let asked = self.ask(question);
        assert_eq!(asked.code, 0, "`{question}`: {:#}", asked.value);
        assert_eq!(asked.value["errors"], serde_json::json!([]), "`{question}`");
        asked.value["rows"].as_array().unwrap().clone()
    }

    /// Runs a command in a node, without SSH and without nocbot.
    fn exec(&self, node: &str, words: &[&str]) -> String {
        let output = Command::new(lab_file("exec"))
            .env("NOCBOT_LAB_STATE", &self.state)
            .arg(node)
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{node} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A router's own answer as JSON.
    fn vtysh(&self, node: &str, command: &str) -> Value {
        let text = self.exec(node, &["vtysh", "-c", command]);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{node} {command}: {error}: {text}"))
    }

    /// What the kernel says of a node's namespace: the node's own and those of its VRFs.
    fn kernel(&self, node: &str, words: &[&str]) -> Vec<(String, Value)> {
        let vrfs = VRFS.iter().find(|(name, _)| *name == node).map_or(&[][..], |(_, vrfs)| vrfs);
        let mut all = Vec::new();
        for vrf in std::iter::once("").chain(vrfs.iter().copied()) {
            let mut command = vec!["ip", "-json"];
            if !vrf.is_empty() {
                command.extend(["-n", vrf]);
            }
            command.extend(words);
            let text = self.exec(node, &command);
            let list = if text.trim().is_empty() {
                Value::Array(Vec::new())
            } else {
                serde_json::from_str(&text).unwrap()
            };
            all.extend(list.as_array().unwrap().iter().map(|entry| (vrf.to_owned(), entry.clone())));
        }
        all
    }

    /// `lab/up` or `lab/down`, which must succeed.
    fn run(&self, script: &str) {
        let output = Command::new(lab_file(script)).env("NOCBOT_LAB_STATE", &self.state).output().unwrap();
        assert!(output.status.success(), "lab/{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Asked {
    /// The one failure of a device.
    fn failure(&self, device: &str) -> &Value {
        let errors = self.value["errors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().filter(|error| error["device"] == device).collect();
        assert_eq!(found.len(), 1, "one failure of {device}: {:#}", self.value);
        found[0]
    }

    /// The devices with rows.
    fn devices(&self) -> BTreeSet<String> {
        self.value["rows"].as_array().unwrap().iter().map(|row| text(row, "device")).collect()
    }
}

fn lab_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lab").join(name)
}

/// A cell as text; null is empty.
fn text(row: &Value, column: &str) -> String {
    match &row[column] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Rows as a set of some of their cells.
fn cells(rows: &[Value], columns: &[&str]) -> BTreeSet<Vec<String>> {
    rows.iter().map(|row| columns.iter().map(|column| text(row, column)).collect()).collect()
}

fn of<'a>(rows: &'a [Value], device: &'a str) -> Vec<Value> {
    rows.iter().filter(|row| row["device"] == device).cloned().collect()
}

#[test]
fn up_again_changes_nothing() {
    let Some(lab) = Lab::shared() else { return };
    let before = fs::read(lab.state.join("state.json")).unwrap();
    lab.run("up");
    assert_eq!(fs::read(lab.state.join("state.json")).unwrap(), before);
}

#[test]
fn selectors_choose_routers() {
    let Some(lab) = Lab::shared() else { return };
    let devices = |question: &str| lab.ask(question).devices().into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(devices("version all"), "h1 h2 r1 r2 r3 r4 r5 r6");
    assert_eq!(devices("version @core"), "r1 r2");
    assert_eq!(devices("version r1,r4"), "r1 r4");
    assert_eq!(devices("version r* - r5"), "r1 r2 r3 r4 r6");
    assert_eq!(devices("version site:lon"), "r5 r6");
    assert_eq!(devices("version @edge & site:fra"), "r3 r4");
    assert_eq!(devices("version /^r[12]$/"), "r1 r2");
}

#[test]
fn vrfs_are_the_namespaces() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("vrf r*");
    for (router, vrfs) in VRFS {
        let listed = lab.exec(router, &["ip", "netns", "list"]);
        let facts: BTreeSet<_> = listed
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .map(|vrf| vec![vrf.to_owned()])
            .collect();
        assert_eq!(cells(&of(&rows, router), &["vrf"]), facts, "{router}");
        assert_eq!(facts.len(), vrfs.len(), "{router}");
    }
}

#[test]
fn versions_are_those_of_the_daemons() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("version r*");
    assert_eq!(rows.len(), ROUTERS.len());
    for row in rows {
        let router = text(&row, "device");
        let daemon = lab.exec(&router, &["/usr/lib/frr/zebra", "-v"]);
        let version = daemon.lines().next().unwrap().split_whitespace().last().unwrap();
        assert_eq!(row["version"], version);
        assert_eq!(row["hostname"], router.as_str());
        assert_eq!((text(&row, "vendor"), text(&row, "os")), ("FRRouting".into(), "FRR".into()));
    }
}

#[test]
fn show_sends_any_read_command() {
    let Some(lab) = Lab::shared() else { return };
    let rows = lab.rows("show r1,r4 vrf");
    assert_eq!(
        cells(&rows, &["device", "vrf"]),
        [vec!["r1", "RED"], vec!["r4", "BLUE"], vec!["r4", "GREEN"]]
            .map(|row| row.into_iter().map(String::from).collect())
            .into()
    );

    let asked = lab.ask("show r5 running-config");
    assert_eq!(asked.code, 0, "{:#}", asked.value);
    let shown = asked.value["text"][0]["text"].as_str().unwrap();
    assert!(shown.contains("\nrouter bgp 65000\n") && shown.trim_end().ends_with("end"), "{shown}");
    // A bar is the bot's own, on a platform that has one too.
    let asked = lab.ask("show r5 running-config | include remote-as");
    let shown = asked.value["text"][0]["text"].as_str().unwrap();
    assert!(shown.lines().count() > 2 && shown.lines().all(|line| line.contains("remote-as")), "{shown}");

    let asked = lab.ask("show r1 nonsense at all");
    assert_eq!(asked.code, 1);
    assert_eq!(asked.failure("r1")["kind"], "rejected");
    for refused in [
        "show r1 configure terminal",
        "show r1 clear bgp *",
        "show r1 vrf; reboot",
        "show h1 ip link set lo down",
    ] {
        let asked = lab.ask(refused);
        assert_ne!(asked.code, 0, "{refused}: {:#}", asked.value);
        assert_eq!(asked.value["rows"], serde_json::json!([]), "{refused}");
    }
    assert!(lab.exec("h1", &["ip", "link", "show", "lo"]).contains("LOWER_UP"), "still up");
}

#[test]
fn what_the_platform_cannot_do_is_said() {
    let Some(lab) = Lab::shared() else { return };
    for question in ["lldp r1", "log r1", "ping r1 172.16.3.1 vrf RED", "bgp h1"] {
        let asked = lab.ask(question);
        assert_eq!(asked.code, 1, "{question}");
        let device = if question.contains("h1") { "h1" } else { "r1" };
        assert_eq!(asked.failure(device)["kind"], "unsupported", "{question}");
    }
}

/// FRR's profile takes one command per channel; its interactive shell must read the same.
#[test]
fn a_shell_session_gives_the_same_rows() {
    let Some(lab) = Lab::shared() else { return };
    let questions = ["vrf r4", "ip r3", "bgp r5 | select neighbor family as", "route r1 198.18.2.0/24"];
    let plain: Vec<_> = questions.iter().map(|question| lab.rows(question)).collect();

    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("device-profiles/platforms/frr.yaml");
    let profile = fs::read_to_string(built_in).unwrap();
    assert!(profile.contains("session: exec"), "what this test changes");
    let platforms = lab.own.path().join("profiles/platforms");
    fs::create_dir_all(&platforms).unwrap();
    fs::write(platforms.join("frr.yaml"), profile.replace("session: exec", "session: shell")).unwrap();
    let config = lab.own.path().join("nocbot.yaml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}profiles: [profiles]\n")).unwrap();

    for (question, plain) in questions.iter().zip(plain) {
        let without_age =
            |rows: &[Value]| cells(rows, &["prefix", "next_hop", "vrf", "address", "neighbor", "as"]);
        assert_eq!(without_age(&lab.rows(question)), without_age(&plain), "{question}");
    }
    // Ctrl-C ends it, and the prompt is found behind what it prints then.
    let ping = lab.rows("ping r1 10.255.0.6 count 2");
    assert_eq!((&ping[0]["sent"], &ping[0]["received"]), (&2.into(), &2.into()), "{ping:?}");
    let silent = lab.rows("ping r1 10.0.77.1 count 4");
    assert_eq!((&silent[0]["sent"], &silent[0]["received"]), (&4.into(), &0.into()), "{silent:?}");
}
