//! Ways to log in.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::Ordering;
use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::inventory::Device;
use nocbot::profile::Level;
use nocbot::transport::ssh::{Settings, Ssh};

use super::server::{Door, Plan};
use super::sshd::Sshd;
use super::{ask, device, exec_platform, keygen, platform, secret, settings};

fn cli() -> Plan {
    Plan::cli(|line| if line == "show x" { "x\n".to_owned() } else { String::new() })
}

#[tokio::test]
async fn a_real_server_with_a_password_shell_and_exec() {
    let Some(sshd) = Sshd::start("").await else { return };
    let ssh = Ssh::new(settings());
    let device = device("r1", sshd.port);
    assert_eq!(ask(&ssh, &device, &exec_platform(), "echo one; echo noise >&2").await.unwrap().text, "one");
    let failure = ask(&ssh, &device, &exec_platform(), "no-such-command").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected, "{failure}");
    // bash does not know the opening lines; that is no failure.
    let output = ask(&ssh, &device, &platform(), "printf 'a\\nr1$ b\\nr1$\\nc\\n'").await.unwrap();
    assert_eq!(output.text, "a\nr1$ b\nr1$\nc");
    let long = format!("echo {}", "word ".repeat(150));
    let output = ask(&ssh, &device, &platform(), long.trim()).await.unwrap();
    assert_eq!(output.text, "word ".repeat(150).trim(), "an echo longer than the window");
}

#[tokio::test]
async fn keyboard_interactive_of_pam() {
    let Some(sshd) =
        Sshd::start("UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n").await
    else {
        return;
    };
    let ssh = Ssh::new(settings());
    let mut device = device("r1", sshd.port);
    assert_eq!(ask(&ssh, &device, &exec_platform(), "echo ok").await.unwrap().text, "ok", "{}", sshd.log());
    device.login.password = Some(secret("wrong"));
    let failure = ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(failure.message.contains("tried: keyboard-interactive"), "{failure}");
}

#[tokio::test]
async fn questions_in_several_rounds() {
    let rounds = vec![
        vec![("Username: ", true, "admin")],
        vec![],
        vec![("Password: ", false, "hunter2")],
        vec![("Domain password: ", false, "hunter2"), ("User again: ", true, "admin")],
    ];
    let server = cli().door(Door::Questions(rounds)).start().await;
    let output = ask(&Ssh::new(settings()), &device("r1", server.port), &platform(), "show x").await;
    assert_eq!(output.unwrap().text, "x");
}

#[tokio::test]
async fn a_second_factor_after_the_password() {
    let server = cli().door(Door::Both(vec![vec![("Again: ", false, "hunter2")]])).start().await;
    let output = ask(&Ssh::new(settings()), &device("r1", server.port), &platform(), "show x").await;
    assert_eq!(output.unwrap().text, "x");
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let shut = cli().door(Door::Shut).start().await;
    let failure =
        ask(&Ssh::new(settings()), &device("r1", shut.port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert_eq!(shut.passwords.load(Ordering::SeqCst), 1);
    assert!(failure.message.contains("tried: password; the server offers: "), "{failure}");
    assert!(failure.message.contains("keyboard-interactive"), "{failure}");
    assert!(!format!("{failure:?}").contains("hunter2"));

    let again = vec![vec![("Password: ", false, "other")], vec![("Password: ", false, "other")]];
    let asks = cli().door(Door::Questions(again)).start().await;
    ask(&Ssh::new(settings()), &device("r1", asks.port), &platform(), "show x").await.unwrap_err();
    assert_eq!(asks.passwords.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_expired_password_is_never_changed() {
    let rounds = vec![
        vec![("Current password: ", false, "hunter2")],
        vec![("New password: ", false, "hunter2"), ("Retype new password: ", false, "hunter2")],
    ];
    let server = cli().door(Door::Questions(rounds)).start().await;
    let failure =
        ask(&Ssh::new(settings()), &device("r1", server.port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(
        failure.message.contains("the password has expired: the server asks `New password:`"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("set a new password"));
    assert_eq!(server.passwords.load(Ordering::SeqCst), 1, "the second round was answered");
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_not_asked_for_again() {
    let Some(sshd) = Sshd::start("PasswordAuthentication no\nKbdInteractiveAuthentication no\n").await else {
        return;
    };
    let hint = async |device: &Device| {
        let failure = ask(&Ssh::new(settings()), device, &exec_platform(), "echo ok").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth);
        format!("{} {}", failure.message, failure.hint.unwrap())
    };
    let file = sshd.path("locked");
    keygen(&["-t", "ed25519", "-N", "sesame", "-f", file.to_str().unwrap()]);
    let mut device = by_key(&sshd, &file, None);
    let said = hint(&device).await;
    assert!(said.contains("check its `key_file` and `passphrase`"), "{said}");
    assert!(!said.contains("set `use_keys"), "{said}");
    device.login.key_file = None;
    let said = hint(&device).await;
    assert!(said.contains("no `key_file` and no agent (SSH_AUTH_SOCK)"), "{said}");
    assert!(!said.contains("set `use_keys"), "{said}");
}

#[tokio::test]
async fn no_login_at_all_and_no_user() {
    let server = cli().door(Door::Open).start().await;
    let mut device = device("r1", server.port);
    device.login.password = None;
    assert_eq!(ask(&Ssh::new(settings()), &device, &platform(), "show x").await.unwrap().text, "x");
    device.login.username = None;
    let failure = ask(&Ssh::new(settings()), &device, &platform(), "show x").await.unwrap_err();
    assert!(failure.message.contains("no user name for r1"), "{failure}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_had() {
    let server = cli().start().await;
    let mut device = device("r1", server.port);
    device.login.password = Some(nocbot::secret::SecretRef::File("/no/such/file".into()));
    let failure = ask(&Ssh::new(settings()), &device, &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(failure.message.contains("/no/such/file"), "{failure}");
    assert_eq!(server.passwords.load(Ordering::SeqCst), 0);
}

fn by_key(sshd: &Sshd, file: &Path, passphrase: Option<&str>) -> Device {
    let mut device = device("r1", sshd.port);
    device.login.password = None;
    device.login.use_keys = true;
    device.login.key_file = Some(file.to_owned());
    device.login.passphrase = passphrase.map(secret);
    device
}

#[tokio::test]
async fn keys_in_every_form() {
    let Some(sshd) = Sshd::start("PasswordAuthentication no\n").await else { return };
    let forms: &[(&str, &[&str])] = &[
        ("ed25519", &["-t", "ed25519"]),
        ("ecdsa", &["-t", "ecdsa", "-b", "256"]),
        ("ecdsa521", &["-t", "ecdsa", "-b", "521"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("rsa-pkcs1", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
        ("ecdsa-sec1", &["-t", "ecdsa", "-b", "256", "-m", "PEM"]),
        ("ecdsa-pkcs8", &["-t", "ecdsa", "-b", "256", "-m", "PKCS8"]),
    ];
    for (name, arguments) in forms {
        for passphrase in [None, Some("open sesame")] {
            let file = sshd.path(&format!("{name}-{}", passphrase.is_some()));
            keygen(
                &[*arguments, &["-N", passphrase.unwrap_or_default(), "-f", file.to_str().unwrap()]].concat(),
            );
            sshd.authorize(&file.with_extension("pub"));
            let device = by_key(&sshd, &file, passphrase);
            let output = ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await;
            assert_eq!(output.unwrap_or_else(|failure| panic!("{file:?}: {failure}")).text, "ok");
            // A passphrase that is not needed does no harm; a wrong one is named.
            let device = by_key(&sshd, &file, Some("wrong"));
            let output = ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await;
            if passphrase.is_none() {
                assert_eq!(output.unwrap().text, "ok", "{file:?}");
            } else {
                let failure = output.unwrap_err();
                assert!(failure.message.contains("wrong passphrase"), "{file:?}: {failure}");
                let device = by_key(&sshd, &file, None);
                let failure =
                    ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await.unwrap_err();
                assert!(
                    failure.message.contains("is encrypted and there is no `passphrase`"),
                    "{file:?}: {failure}"
                );
            }
        }
    }
}

#[tokio::test]
async fn keys_the_server_does_not_want_and_rsa_of_old() {
    let Some(sshd) = Sshd::start("PubkeyAcceptedAlgorithms ssh-rsa\nPasswordAuthentication no\n").await
    else {
        return;
    };
    let file = sshd.path("id");
    keygen(&["-t", "rsa", "-b", "2048", "-N", "", "-f", file.to_str().unwrap()]);
    let mut device = by_key(&sshd, &file, None);
    let failure = ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await.unwrap_err();
    assert!(failure.message.contains("the server offers: publickey"), "{failure}");
    sshd.authorize(&sshd.path("id.pub"));
    let failure = ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth, "SHA-1 signatures are made at legacy only: {failure}");
    device.login.level = Some(Level::Legacy);
    assert_eq!(ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await.unwrap().text, "ok");

    device.login.key_file = Some("/no/such/key".into());
    let failure = ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await.unwrap_err();
    assert!(failure.message.contains("cannot read the key file /no/such/key"), "{failure}");
}

/// An agent of the test's own, ended by its pid.
struct Agent {
    child: Child,
    socket: std::path::PathBuf,
}

impl Agent {
    async fn start(folder: &Path) -> Self {
        let socket = folder.join("agent");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if socket.exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { child, socket }
    }

    fn add(&self, key: &Path) {
        let done =
            Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn keys_of_an_agent() {
    let Some(sshd) = Sshd::start("").await else { return };
    let agent = Agent::start(sshd.folder.path()).await;
    let ssh = || Ssh::new(Settings { agent: Some(agent.socket.clone()), ..settings() });
    let mut device = device("r1", sshd.port);
    device.login.password = None;
    device.login.use_keys = true;
    let failure = ask(&ssh(), &device, &exec_platform(), "echo ok").await.unwrap_err();
    assert!(failure.message.contains("holds no keys"), "{failure}");
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let file = sshd.path(&format!("agent_{kind}"));
        keygen(&["-t", kind, "-N", "", "-f", file.to_str().unwrap()]);
        agent.add(&file);
        if kind != "ed25519" {
            std::fs::write(sshd.path("authorized_keys"), "").unwrap();
            sshd.authorize(&file.with_extension("pub"));
            assert_eq!(ask(&ssh(), &device, &exec_platform(), "echo ok").await.unwrap().text, "ok", "{kind}");
        }
    }
    // Keys first, then the password.
    std::fs::write(sshd.path("authorized_keys"), "").unwrap();
    device.login.password = Some(secret("hunter2"));
    assert_eq!(ask(&ssh(), &device, &exec_platform(), "echo ok").await.unwrap().text, "ok");
    device.login.password = Some(secret("wrong"));
    let failure = ask(&ssh(), &device, &exec_platform(), "echo ok").await.unwrap_err();
    assert!(failure.message.contains("agent key") && failure.message.contains(", password;"), "{failure}");
}

#[tokio::test]
async fn several_ways_one_after_the_other() {
    for (ways, extra) in [
        ("publickey,password", ""),
        ("password,publickey", ""),
        ("publickey,keyboard-interactive", "UsePAM yes\nKbdInteractiveAuthentication yes\n"),
        ("keyboard-interactive,publickey", "UsePAM yes\nKbdInteractiveAuthentication yes\n"),
    ] {
        let Some(sshd) = Sshd::start(&format!("AuthenticationMethods {ways}\n{extra}")).await else { return };
        let file = sshd.path("id");
        keygen(&["-t", "ed25519", "-N", "", "-f", file.to_str().unwrap()]);
        sshd.authorize(&sshd.path("id.pub"));
        let mut device = by_key(&sshd, &file, None);
        device.login.password = Some(secret("hunter2"));
        let output = ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await;
        assert_eq!(output.unwrap_or_else(|failure| panic!("{ways}: {failure}")).text, "ok");
        device.login.use_keys = false;
        let failure = ask(&Ssh::new(settings()), &device, &exec_platform(), "echo ok").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth, "{ways}");
    }
}
