//! `nocbot ask` as a process: formats, exit codes, failures as rows, the audit log.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Run, nocbot};

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn demo(question: &str) -> (i32, Value) {
    let run = nocbot(&["ask", "--demo", "--format", "json", question], here());
    json(&run)
}

fn json(run: &Run) -> (i32, Value) {
    let value =
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err));
    (run.status.code().unwrap(), value)
}

#[test]
fn a_question_becomes_typed_rows() {
    let (code, answer) = demo("vrf r1");
    assert_eq!(code, 0, "{answer:#}");
    assert_eq!(answer["columns"][0]["name"], "device");
    assert_eq!(answer["columns"][1], serde_json::json!({"name": "vrf", "type": "text"}));
    let red = answer["rows"].as_array().unwrap().iter().find(|row| row["vrf"] == "RED").expect("the VRF RED");
    assert_eq!((red["device"].as_str(), red["rd"].as_str()), (Some("r1"), Some("65000:10")));
    assert!(red["interfaces"].as_array().is_some_and(|list| !list.is_empty()), "{red}");
    assert_eq!(answer["errors"], serde_json::json!([]));
    assert_eq!(answer["status"], "ok");
}

#[test]
fn a_broken_configuration_is_json_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("nocbot.yaml"), "inventory: inventory\nssh: {hostkeys: strict}\n")
        .unwrap();
    let (code, answer) = json(&nocbot(&["ask", "--format", "json", "vrf r1"], folder.path()));
    assert_eq!((code, answer["status"].as_str()), (2, Some("refused")), "{answer:#}");
    assert_eq!(answer["question"], "vrf r1");
    let error = answer["errors"].as_array().unwrap().iter().find(|error| error["place"]["line"] == 2);
    let error = error.expect("the wrong key");
    assert_eq!((&error["device"], error["kind"].as_str()), (&Value::Null, Some("config")));
    assert_eq!(error["hint"], "did you mean `host_keys`?");
}

#[test]
fn one_question_over_many_platforms_is_one_table() {
    let (code, answer) = demo("bgp all | where state != Established");
    assert_eq!(code, 0, "{answer:#}");
    let rows = answer["rows"].as_array().unwrap();
    assert!(!rows.is_empty(), "the demo network has a session that is down on purpose");
    assert!(rows.iter().all(|row| row["state"] != "Established"));
}

#[test]
fn every_format_is_written() {
    let ask = |format: &str| nocbot(&["ask", "--demo", "--format", format, "vrf", "r1"], here());
    let text = ask("text");
    assert!(text.out.starts_with("device  vrf"), "{}{}", text.out, text.err);
    assert!(ask("markdown").out.starts_with("| device | vrf |"));
    assert!(ask("csv").out.starts_with("device,vrf,rd,protocols,interfaces\r\n"));
    let staged = nocbot(&["ask", "--demo", "vrf r1 | csv"], here());
    assert!(staged.out.starts_with("device,vrf,rd,"), "{}", staged.out);
}

#[test]
fn a_wrong_question_ends_with_2_and_says_what_to_type() {
    for (question, expected) in [
        ("vrrf r1", "vrf"),
        ("vrf r99", "r9"),
        ("show r1 version | redirect ftp://192.0.2.1/x", "redirect"),
        ("vrf r1; reload", ";"),
        ("vrf r1 | where colour = red", "colour"),
        ("\u{1f980}", "help"),
    ] {
        let run = nocbot(&["ask", "--demo", question], here());
        assert_eq!(run.status.code(), Some(2), "{question}: {}{}", run.out, run.err);
        assert!(run.err.contains(expected), "{question}: {}", run.err);
        assert!(run.out.is_empty(), "{question}: {}", run.out);
    }
}

#[test]
fn what_phones_and_chats_make_of_a_question_is_understood() {
    for question in [
        "vrf\u{a0}r1",
        "VRF <http://r1|r1>",
        "vrf r1\u{200b}",
        "vrf r1 | where vrf = \u{201c}RED\u{201d}",
        "  vrf   r1 | where vrf &lt;&gt; BLUE",
    ] {
        let (code, answer) = demo(question);
        assert_eq!(code, 0, "{question}: {answer:#}");
    }
}

#[test]
fn a_text_of_ten_thousand_characters_is_refused() {
    let (code, answer) = demo(&"vrf r1 ".repeat(1500));
    assert_eq!(code, 2);
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("10500 characters"), "{answer:#}");
}

#[test]
fn without_a_configuration_it_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let run = nocbot(&["ask", "vrf r1"], directory.path());
    assert_eq!(run.status.code(), Some(2));
    assert!(run.err.contains("nocbot.yaml") && run.err.contains("demo"), "{}", run.err);
}

/// A listener that accepts, counts and never speaks; ends with the test's process.
fn mute() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().take(100) {
            counted.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    (port, count)
}

/// A directory with a configuration whose hosts are `name: port`, all mute or refusing.
fn site(hosts: &[(&str, u16)], more: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = format!("inventory: inventory\nstore: nocbot.db\n{more}");
    std::fs::write(directory.path().join("nocbot.yaml"), config).unwrap();
    std::fs::create_dir(directory.path().join("inventory")).unwrap();
    let lines: Vec<String> = hosts
        .iter()
        .map(|(name, port)| {
            format!("{name}: {{hostname: 127.0.0.1, port: {port}, platform: frr, username: noc, password: hunter2hunter2}}")
        })
        .collect();
    std::fs::write(directory.path().join("inventory/hosts.yaml"), lines.join("\n")).unwrap();
    directory
}

#[test]
fn failures_are_rows_with_kind_message_and_hint() {
    let (port, _) = mute();
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let site = site(&[("mute", port), ("dead", refusing)], "limits: {timeout: 3}\n");
    let run = nocbot(&["ask", "--format", "json", "vrf all"], site.path());
    let (code, answer) = json(&run);
    assert_eq!(code, 1, "{answer:#}");
    let errors = answer["errors"].as_array().unwrap();
    let kind = |device: &str| {
        let row = errors
            .iter()
            .find(|row| row["device"] == device)
            .unwrap_or_else(|| panic!("{device} in {answer:#}"));
        assert!(row["message"].as_str().is_some_and(|message| !message.is_empty()), "{row}");
        row["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind("dead"), "connect");
    assert!(["connect", "timeout"].contains(&kind("mute").as_str()), "{answer:#}");
    assert!(!run.out.contains("hunter2") && !run.err.contains("hunter2"));
    assert!(answer["took_ms"].as_u64().unwrap() < 10_000, "{answer:#}");
}

#[test]
fn no_audit_row_no_question() {
    let (port, connections) = mute();
    let site = site(&[("mute", port)], "limits: {timeout: 2}\n");
    // The first question makes the database and reaches the device.
    let (code, _) = json(&nocbot(&["ask", "--format", "json", "vrf mute"], site.path()));
    assert_eq!((code, connections.load(Ordering::SeqCst)), (1, 1));
    let database = rusqlite::Connection::open(site.path().join("nocbot.db")).unwrap();
    let (question, devices, status): (String, String, String) = database
        .query_row("SELECT question, devices, status FROM audit", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!((question.as_str(), devices.as_str(), status.as_str()), ("vrf mute", "[\"mute\"]", "failed"));
    // While the database cannot be written, nothing is sent.
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let run = nocbot(&["ask", "--format", "json", "vrf mute"], site.path());
    assert_eq!(run.status.code(), Some(2), "{}{}", run.out, run.err);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
