//! One command per channel.

use std::sync::atomic::Ordering;
use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::transport::ssh::{Settings, Ssh};

use super::server::{Plan, Reply};
use super::{ask, device, exec_platform, settings};

fn plan() -> Plan {
    Plan::exec(|command| {
        let reply = |stdout: &str, stderr: &str, status| Reply {
            stdout: stdout.into(),
            stderr: stderr.into(),
            status,
            cut: false,
        };
        match command {
            "plain" => reply("one\r\ntwo\n", "", Some(0)),
            "noise" => reply("one\n", "warning: something\n", Some(0)),
            "noise and status" => reply("one\n", "warning: something\n", Some(1)),
            "nothing" => reply("", "", Some(1)),
            "unknown" => reply("", "sh: unknown: command not found\n", Some(127)),
            "unknown on stdout" => reply("% Invalid input here\n", "", Some(0)),
            "broken" => reply("", "it broke\n", Some(3)),
            "no status" => reply("one\n", "", None),
            "cut" => Reply { stdout: b"one\ntw".to_vec(), cut: true, ..Reply::default() },
            "huge" => reply(&"x".repeat(99).replace('x', "xxxxxxxxx\n").repeat(1000), "", Some(0)),
            _ => reply("", "", Some(0)),
        }
    })
}

#[tokio::test]
async fn output_error_output_and_status() {
    let server = plan().start().await;
    let ssh = Ssh::new(settings());
    let (device, platform) = (device("r1", server.port), exec_platform());
    for (command, text) in [
        ("plain", "one\ntwo"),
        ("noise", "one"),
        ("noise and status", "one"),
        ("nothing", ""),
        ("no status", "one"),
    ] {
        let output = ask(&ssh, &device, &platform, command).await;
        assert_eq!(output.unwrap().text, text, "{command}");
    }
    for (command, words) in [
        ("unknown", "sh: unknown: command not found"),
        ("unknown on stdout", "% Invalid input here"),
        ("broken", "it broke (exit status 3)"),
    ] {
        let failure = ask(&ssh, &device, &platform, command).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Rejected, "{command}");
        assert!(failure.message.contains(words), "{failure}");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "one connection serves them all");
}

#[tokio::test]
async fn a_cut_and_too_much() {
    let server = plan().start().await;
    let ssh = Ssh::new(Settings { max_output: 10_000, ..settings() });
    let (device, platform) = (device("r1", server.port), exec_platform());
    let failure = ask(&ssh, &device, &platform, "cut").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
    assert_eq!(failure.partial.as_deref(), Some("one\ntw"));
    let failure = ask(&ssh, &device, &platform, "huge").await.unwrap_err();
    assert!(failure.message.contains("longer than 10000 bytes"), "{failure}");
    let again = tokio::time::timeout(Duration::from_secs(5), ask(&ssh, &device, &platform, "plain")).await;
    assert_eq!(again.unwrap().unwrap().text, "one\ntwo");
}
