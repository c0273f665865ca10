//! known_hosts against a real server and files made by ssh-keygen.

use std::path::Path;
use std::process::Command;

use nocbot::error::{Failure, FailureKind};
use nocbot::transport::ssh::{HostKeyPolicy, Settings, Ssh};

use super::sshd::Sshd;
use super::{ask, device, exec_platform, keygen, settings};

async fn with(sshd: &Sshd, own: &Path, host_keys: HostKeyPolicy) -> Result<String, Failure> {
    let ssh = Ssh::new(Settings { known_hosts: Some(own.to_owned()), host_keys, ..settings() });
    ask(&ssh, &device("r1", sshd.port), &exec_platform(), "echo ok").await.map(|output| output.text)
}

fn public(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn fingerprint(path: &Path) -> String {
    let shown = Command::new("ssh-keygen").arg("-lf").arg(path).output().unwrap();
    String::from_utf8(shown.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn the_matrix() {
    let Some(sshd) = Sshd::start("").await else { return };
    let port = sshd.port;
    let right = public(&sshd.path("host_ed25519.pub"));
    let other = sshd.path("other");
    keygen(&["-t", "ed25519", "-N", "", "-f", other.to_str().unwrap()]);
    let wrong = public(&sshd.path("other.pub"));
    let known = sshd.path("known");
    let strict = HostKeyPolicy::Strict;

    let works = [
        format!("[127.0.0.1]:{port} {right}\n"),
        format!("127.0.0.1 {right}\n"),
        format!("*,!10.* {right} comment\n"),
        format!("# c\n@cert-authority * {wrong}\nnonsense\n[127.0.0.?]:{port} {right}"),
    ];
    for text in works {
        std::fs::write(&known, &text).unwrap();
        assert_eq!(with(&sshd, &known, strict).await.unwrap(), "ok", "{text}");
        if text.contains("nonsense") {
            // ssh-keygen does not touch such a file.
            continue;
        }
        let hashed = Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&known).output().unwrap();
        assert!(hashed.status.success());
        // Patterns are not hashed by ssh-keygen, and the file must work all the same.
        assert_eq!(with(&sshd, &known, strict).await.unwrap(), "ok", "hashed: {text}");
    }

    for (text, words) in [
        (format!("[127.0.0.1]:{port} {wrong}\n"), "has changed"),
        (format!("\n127.0.0.1 {wrong}\n"), "has changed"),
        (format!("127.0.0.1 {right}\n@revoked * {right}\n"), "is revoked"),
        (format!("[127.0.0.1]:1 {right}\n"), "is unknown"),
        (String::new(), "is unknown"),
    ] {
        std::fs::write(&known, &text).unwrap();
        let failure = with(&sshd, &known, strict).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::HostKey, "{text}");
        assert!(failure.message.contains(words), "{failure}");
        assert!(failure.message.contains(&fingerprint(&sshd.path("host_ed25519.pub"))), "{failure}");
        if words == "has changed" {
            assert!(failure.message.contains(&fingerprint(&sshd.path("other.pub"))), "{failure}");
            let line = if text.starts_with('\n') { "known:2" } else { "known:1" };
            assert!(failure.message.contains(line), "{failure}");
            assert!(failure.hint.unwrap().contains("ssh-keygen -R"));
            // Accepting new keys does not accept changed ones.
            assert!(with(&sshd, &known, HostKeyPolicy::AcceptNew).await.is_err());
        }
        assert_eq!(std::fs::read_to_string(&known).unwrap(), text, "nothing is written");
    }
}

#[tokio::test]
async fn new_keys_are_written_down_once() {
    let Some(sshd) = Sshd::start("").await else { return };
    let known = sshd.path("known");
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let ssh = Ssh::new(Settings { known_hosts: Some(known.clone()), ..settings() });
            let device = device(&format!("r{n}"), sshd.port);
            tokio::spawn(async move { ask(&ssh, &device, &exec_platform(), "echo ok").await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let text = std::fs::read_to_string(&known).unwrap();
    assert_eq!(text, format!("[127.0.0.1]:{} {}\n", sshd.port, public(&sshd.path("host_ed25519.pub"))));
    assert_eq!(with(&sshd, &known, HostKeyPolicy::Strict).await.unwrap(), "ok");
}

#[tokio::test]
async fn the_known_type_of_key_is_asked_for_and_other_files_are_read() {
    let Some(sshd) = Sshd::with(&["ed25519", "rsa", "ecdsa"], "").await else { return };
    let (own, more) = (sshd.path("own"), sshd.path("more"));
    std::fs::write(&more, format!("127.0.0.1 {}\n", public(&sshd.path("host_rsa.pub")))).unwrap();
    let ssh = Ssh::new(Settings {
        known_hosts: Some(own.clone()),
        more_known_hosts: vec![more, sshd.path("missing")],
        host_keys: HostKeyPolicy::Strict,
        ..settings()
    });
    assert_eq!(ask(&ssh, &device("r1", sshd.port), &exec_platform(), "echo ok").await.unwrap().text, "ok");
    assert!(!own.exists());
}
