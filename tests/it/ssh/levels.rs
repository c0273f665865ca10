//! Algorithm levels, and the failure that names the level to set.

use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::profile::Level;
use nocbot::transport::ssh::{Settings, Ssh};

use super::sshd::Sshd;
use super::{ask, device, exec_platform, settings};

/// Asks at `level`; the output or the failure.
async fn at(sshd: &Sshd, level: Level) -> Result<String, nocbot::error::Failure> {
    let mut device = device("r1", sshd.port);
    device.login.level = Some(level);
    // The largest groups take a busy machine seconds.
    device.login.connect_timeout = Some(30);
    let ssh = Ssh::new(Settings { known_hosts: Some(sshd.path("known_hosts")), ..settings() });
    ask(&ssh, &device, &exec_platform(), "echo ok").await.map(|output| output.text)
}

#[tokio::test]
async fn an_old_router_connects_at_legacy_and_the_refusal_names_it() {
    let old = "KexAlgorithms diffie-hellman-group1-sha1\nHostKeyAlgorithms ssh-rsa\nCiphers 3des-cbc\nMACs hmac-sha1\n";
    let Some(sshd) = Sshd::with(&["rsa"], old).await else { return };
    for level in [Level::Modern, Level::Compat] {
        let failure = at(&sshd, level).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Connect);
        for word in ["diffie-hellman-group1-sha1", "ssh-rsa", "3des-cbc"] {
            assert!(failure.message.contains(word), "{failure}");
        }
        assert_eq!(failure.hint.as_deref(), Some("set `data: {ssh: {level: legacy}}` for r1 or its group"));
    }
    assert_eq!(at(&sshd, Level::Legacy).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_router_of_this_decade_needs_compat() {
    let router = "KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms rsa-sha2-256\nCiphers aes128-ctr\nMACs hmac-sha1\n";
    let Some(sshd) = Sshd::with(&["rsa"], router).await else { return };
    let failure = at(&sshd, Level::Modern).await.unwrap_err();
    assert!(failure.hint.unwrap().contains("level: compat"));
    assert_eq!(at(&sshd, Level::Compat).await.unwrap(), "ok");
}

#[tokio::test]
async fn every_algorithm_works_at_its_level() {
    let legacy = [
        ("KexAlgorithms", "diffie-hellman-group-exchange-sha1"),
        ("Ciphers", "aes128-cbc"),
        ("Ciphers", "aes192-cbc"),
        ("Ciphers", "aes256-cbc"),
        ("HostKeyAlgorithms", "ssh-dss"),
        ("HostKeyAlgorithms", "ssh-rsa"),
    ];
    let compat = [
        ("KexAlgorithms", "ecdh-sha2-nistp256"),
        ("KexAlgorithms", "ecdh-sha2-nistp384"),
        ("KexAlgorithms", "ecdh-sha2-nistp521"),
        ("KexAlgorithms", "diffie-hellman-group14-sha256"),
        ("Ciphers", "aes256-ctr"),
        ("Ciphers", "aes192-ctr"),
        ("MACs", "hmac-sha1-etm@openssh.com"),
    ];
    let modern = [
        ("KexAlgorithms", "curve25519-sha256"),
        ("KexAlgorithms", "diffie-hellman-group-exchange-sha256"),
        ("KexAlgorithms", "diffie-hellman-group16-sha512"),
        ("KexAlgorithms", "diffie-hellman-group18-sha512"),
        ("Ciphers", "chacha20-poly1305@openssh.com"),
        ("Ciphers", "aes128-gcm@openssh.com"),
        ("HostKeyAlgorithms", "rsa-sha2-512"),
        ("HostKeyAlgorithms", "ecdsa-sha2-nistp256"),
        ("Compression", "yes"),
    ];
    let all = legacy.iter().map(|pair| (Level::Legacy, pair));
    let all = all.chain(compat.iter().map(|pair| (Level::Compat, pair)));
    let all = all.chain(modern.iter().map(|pair| (Level::Modern, pair)));
    for (level, (option, name)) in all {
        // A MAC shows only beside a cipher that needs one.
        let cipher = if *option == "MACs" { "Ciphers aes128-ctr\n" } else { "" };
        let keys: &[&str] = match *name {
            "rsa-sha2-512" => &["rsa"],
            // As short as old routers have them.
            "ssh-rsa" => &["rsa1024"],
            "ssh-dss" => &["dsa"],
            "ecdsa-sha2-nistp256" => &["ecdsa"],
            _ => &["ed25519"],
        };
        let Some(sshd) = Sshd::with(keys, &format!("{option} {name}\n{cipher}")).await else { return };
        let text = tokio::time::timeout(Duration::from_secs(30), at(&sshd, level)).await.unwrap();
        assert_eq!(text.unwrap_or_else(|failure| panic!("{name}: {failure}")), "ok", "{name}");
        if level > Level::Modern {
            let below = if level == Level::Legacy { Level::Compat } else { Level::Modern };
            assert!(at(&sshd, below).await.is_err(), "{name} must not be offered below its level");
        }
    }
}
