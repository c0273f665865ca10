//! SSH against real OpenSSH servers and faulty ones.

mod exec;
mod faults;
mod host_keys;
mod jumps;
mod levels;
mod logins;
pub mod server;
mod shell;
pub mod sshd;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nocbot::error::Failure;
use nocbot::inventory::{Device, Login};
use nocbot::profile::{
    Enable, Level, Pager, Pattern, Platform, Prompt, Rejection, Samples, SessionKind, ShowGate,
};
use nocbot::secret::{Secret, SecretRef};
use nocbot::transport::ssh::{Settings, Ssh};
use nocbot::transport::{Output, Request};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A plain secret.
fn secret(text: &str) -> SecretRef {
    SecretRef::Plain(Secret::new(text))
}

/// A device on loopback that logs in as `admin` with `hunter2`.
pub fn device(name: &str, port: u16) -> Device {
    Device {
        name: name.to_owned(),
        hostname: "127.0.0.1".to_owned(),
        platform: "acme_os".to_owned(),
        groups: Vec::new(),
        data: BTreeMap::new(),
        login: Login {
            port: Some(port),
            username: Some("admin".to_owned()),
            password: Some(secret("hunter2")),
            connect_timeout: Some(5),
            ..Login::default()
        },
    }
}

fn regex(pattern: &str) -> Pattern {
    Pattern::new(pattern).unwrap()
}

/// A network operating system with everything a profile can have.
fn platform() -> Platform {
    let prompt = |mode: &str, pattern: &str| Prompt { mode: mode.to_owned(), pattern: regex(pattern) };
    Platform {
        name: "acme_os".to_owned(),
        title: "Acme OS".to_owned(),
        aliases: Vec::new(),
        port: 22,
        level: Level::Compat,
        session: SessionKind::Shell,
        prompts: vec![
            prompt("user", r"^[\w.()/:@~-]+>$"),
            prompt("privileged", r"^[\w.()/:@~-]+#$"),
            prompt("shell", r"^[\w.()/:@~-]+\$$"),
        ],
        login: None,
        enable: Some(Enable {
            from: "user".to_owned(),
            to: "privileged".to_owned(),
            command: "enable".to_owned(),
            ask: regex("^[Pp]assword: ?$"),
        }),
        open: vec!["terminal length 0".to_owned(), "terminal width 511".to_owned()],
        close: Some("exit".to_owned()),
        pagers: vec![Pager { pattern: regex("^ ?-+ ?[Mm]ore ?-+ ?$"), answer: " ".to_owned() }],
        rejections: vec![
            Rejection {
                pattern: regex("^% ?Invalid input"),
                meaning: "the device does not know this command".to_owned(),
            },
            Rejection {
                pattern: regex("(command not found|No such file)"),
                meaning: "there is no such thing".to_owned(),
            },
        ],
        secrets: Vec::new(),
        show: ShowGate::default(),
        jsonrpc: None,
        paths: std::collections::BTreeMap::default(),
        verbs: BTreeMap::new(),
        samples: Samples::default(),
    }
}

/// The same for one command per channel.
pub fn exec_platform() -> Platform {
    Platform { session: SessionKind::Exec, ..platform() }
}

/// Settings with short waits.
pub fn settings() -> Settings {
    Settings {
        connect_timeout: Duration::from_secs(5),
        prompt_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        ..Settings::default()
    }
}

fn request(device: &Device, platform: &Platform, command: &str) -> Request {
    Request {
        device: Arc::new(device.clone()),
        platform: Arc::new(platform.clone()),
        jumps: Vec::new(),
        command: command.to_owned(),
        interrupt: None,
        deadline: Instant::now() + Duration::from_secs(30),
        cancel: CancellationToken::new(),
        stream: None,
    }
}

async fn ask(ssh: &Ssh, device: &Device, platform: &Platform, command: &str) -> Result<Output, Failure> {
    ssh.run(request(device, platform, command)).await
}

/// A private key of 0600 made by ssh-keygen.
fn keygen(arguments: &[&str]) {
    let done = std::process::Command::new("ssh-keygen").arg("-q").args(arguments).output().unwrap();
    assert!(done.status.success(), "ssh-keygen {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
