//! Logins, host keys, and devices that die or hang.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Lab, ROUTERS, text};

#[test]
fn a_wrong_password_is_a_row() {
    let Some(lab) = Lab::shared() else { return };
    lab.log_in("username: noc\npassword: not-the-password-of-this-lab\n");
    let asked = lab.ask("vrf r1,r2");
    assert_eq!(asked.code, 1);
    for router in ["r1", "r2"] {
        let failure = asked.failure(router);
        assert_eq!(failure["kind"], "auth", "{failure}");
        assert!(failure["message"].as_str().unwrap().contains("noc"), "{failure}");
    }
    assert!(!asked.value.to_string().contains("not-the-password"), "no secret in an answer");
}

#[test]
fn key_alone_and_questions_alone() {
    let Some(lab) = Lab::shared() else { return };
    let keys = lab.state.join("keys");
    for key in ["noc", "noc_rsa"] {
        lab.log_in(&format!(
            "username: noc-key\nconnection_options: {{ssh: {{extras: {{use_keys: true, key_file: '{}'}}}}}}\n",
            keys.join(key).display()
        ));
        assert_eq!(lab.rows("vrf r1").len(), 1, "{key}");
    }
    lab.log_in(&format!("username: noc-kbd\npassword: '{}'\n", lab.password()));
    assert_eq!(lab.rows("vrf r1").len(), 1, "keyboard-interactive");
    lab.log_in(&format!("username: noc-key\npassword: '{}'\n", lab.password()));
    assert_eq!(
        lab.ask("vrf r1").failure("r1")["kind"],
        "auth",
        "a password does not do where a key is asked for"
    );
}

#[test]
fn a_changed_host_key_is_refused() {
    let Some(lab) = Lab::shared() else { return };
    let known = fs::read_to_string(lab.state.join("known_hosts")).unwrap();
    let hosts = lab.own.path().join("known_hosts");
    let (one, other) = (address(&lab, "r1"), address(&lab, "r2"));
    // r1 and r2 have changed places.
    let swapped: String = known
        .lines()
        .map(|line| match line.split_once(' ') {
            Some((host, key)) if host == one => format!("{other} {key}\n"),
            Some((host, key)) if host == other => format!("{one} {key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(&hosts, swapped).unwrap();
    for policy in ["strict", "accept-new"] {
        lab.configure(policy, &hosts, 30);
        let asked = lab.ask("vrf r1,r2,r3");
        assert_eq!(asked.code, 1, "{policy}");
        for router in ["r1", "r2"] {
            assert_eq!(asked.failure(router)["kind"], "host-key", "{policy}");
        }
        assert_eq!(asked.devices(), ["r3".to_owned()].into(), "{policy}: r3 answers");
    }
}

#[test]
fn an_unknown_host_key_is_refused_or_learned() {
    let Some(lab) = Lab::shared() else { return };
    let hosts = lab.own.path().join("known_hosts");
    fs::write(&hosts, "").unwrap();
    lab.configure("strict", &hosts, 30);
    assert_eq!(lab.ask("vrf r1").failure("r1")["kind"], "host-key");
    assert_eq!(fs::read_to_string(&hosts).unwrap(), "", "strict learns nothing");
    lab.configure("accept-new", &hosts, 30);
    assert_eq!(lab.rows("vrf r1,r2").len(), 2);
    let learned = fs::read_to_string(&hosts).unwrap();
    assert!(learned.contains(&address(&lab, "r1")) && learned.contains(&address(&lab, "r2")), "{learned}");
    lab.configure("strict", &hosts, 30);
    assert_eq!(lab.rows("vrf r1,r2").len(), 2, "what was learned is known");
}

#[test]
fn a_dead_router_is_one_row_and_comes_back() {
    let Some(lab) = Lab::alone() else { return };
    let state: Value = serde_json::from_slice(&fs::read(lab.state.join("state.json")).unwrap()).unwrap();
    let restore = Restore { lab: &lab };
    kill("KILL", &state["nodes"]["r6"]["pid"].to_string());
    lab.configure("strict", &lab.state.join("known_hosts"), 15);
    let begin = Instant::now();
    let asked = lab.ask("version r*");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(asked.code, 1);
    assert_eq!(asked.devices().len(), ROUTERS.len() - 1, "{:#}", asked.value);
    let kind = text(asked.failure("r6"), "kind");
    assert!(kind == "connect" || kind == "timeout", "{:#}", asked.value);
    drop(restore);
    // The new lab has new keys and a new password.
    fs::copy(lab.state.join("inventory/defaults.yaml"), lab.own.path().join("inventory/defaults.yaml"))
        .unwrap();
    assert_eq!(lab.rows("version r*").len(), ROUTERS.len());
}

#[test]
fn a_router_that_hangs_delays_nobody_else() {
    let Some(lab) = Lab::alone() else { return };
    // The listening sshd of r6 stands still: connections are accepted by its kernel and never answered.
    let pid = lab.exec("r6", &["cat", "/run/sshd.pid"]);
    let go_on = GoOn { lab: &lab, pid: pid.trim().to_owned() };
    lab.exec("r6", &["kill", "-STOP", &go_on.pid]);
    lab.configure("strict", &lab.state.join("known_hosts"), 6);
    let begin = Instant::now();
    let asked = lab.ask("vrf r*");
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
    assert_eq!(asked.code, 1);
    let kind = text(asked.failure("r6"), "kind");
    assert!(kind == "timeout" || kind == "connect", "{:#}", asked.value);
    assert_eq!(asked.devices().len(), 4, "every router with a VRF answers: {:#}", asked.value);
    assert_eq!(asked.value["errors"].as_array().unwrap().len(), 1, "{:#}", asked.value);
    drop(go_on);
    assert_eq!(lab.rows("version r6").len(), 1);
}

/// Builds the lab anew, also when the test fails before.
struct Restore<'a> {
    lab: &'a Lab,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        self.lab.run("up");
    }
}

/// Lets a stopped process of r6 go on, also when the test fails before.
struct GoOn<'a> {
    lab: &'a Lab,
    pid: String,
}

impl Drop for GoOn<'_> {
    fn drop(&mut self) {
        self.lab.exec("r6", &["kill", "-CONT", &self.pid]);
    }
}

fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([&format!("-{signal}"), pid]).status().unwrap().success());
}

/// A node's management address, as its own kernel says it.
fn address(lab: &Lab, node: &str) -> String {
    let links = lab.exec(node, &["ip", "-json", "-4", "address", "show", "dev", "eth0"]);
    let links: Value = serde_json::from_str(&links).unwrap();
    text(&links[0]["addr_info"][0], "local")
}
