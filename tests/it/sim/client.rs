//! A small SSH client for the tests: it knows nothing of prompts or platforms.

use std::sync::Arc;
use std::time::Duration;

use nocbot::inventory::{Device, Inventory};
use nocbot::secret::SecretRef;
use nocbot::sim::Running;
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse, Msg};
use russh::keys::{PublicKeyBase64, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg};

/// Long enough for a busy machine, short enough for a broken test.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Checker {
    /// `type key` of the device, from the simulator's known_hosts.
    expected: String,
}

impl client::Handler for Checker {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let key = key.public_key();
        Ok(self.expected == format!("{} {}", key.algorithm().as_str(), key.public_key_base64()))
    }
}

pub fn password(device: &Device) -> String {
    match &device.login.password {
        Some(SecretRef::Plain(secret)) => secret.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

pub fn secret(device: &Device) -> String {
    match &device.login.secret {
        Some(SecretRef::Plain(secret)) => secret.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

pub fn device(inventory: &Inventory, name: &str) -> Device {
    Device::clone(inventory.get(name).unwrap())
}

/// TCP and key exchange.
pub async fn connect(running: &Running, name: &str) -> Result<Handle<Checker>, russh::Error> {
    let device = device(&running.inventory(), name);
    let port = device.login.port.unwrap();
    let start = format!("[127.0.0.1]:{port} ");
    let known = running.known_hosts();
    let expected = known.lines().find_map(|line| line.strip_prefix(&start)).unwrap().to_owned();
    let config = Arc::new(client::Config { nodelay: true, ..client::Config::default() });
    client::connect(config, ("127.0.0.1", port), Checker { expected }).await
}

/// Connects and logs in with the password.
pub async fn login(running: &Running, name: &str) -> Handle<Checker> {
    let mut handle = connect(running, name).await.unwrap();
    let device = device(&running.inventory(), name);
    let user = device.login.username.clone().unwrap();
    let result = handle.authenticate_password(user, password(&device)).await.unwrap();
    assert!(result.success(), "{name}: {result:?}");
    handle
}

/// Logs in by questions; true when it worked.
pub async fn questions(handle: &mut Handle<Checker>, user: &str, password: &str) -> bool {
    let mut step = handle.authenticate_keyboard_interactive_start(user, None).await.unwrap();
    loop {
        step = match step {
            KeyboardInteractiveAuthResponse::Success => return true,
            KeyboardInteractiveAuthResponse::Failure { .. } => return false,
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let answers = prompts.iter().map(|_| password.to_owned()).collect();
                handle.authenticate_keyboard_interactive_respond(answers).await.unwrap()
            }
        };
    }
}

pub fn refused(result: &AuthResult) -> bool {
    matches!(result, AuthResult::Failure { .. })
}

/// What an exec request printed, and its status.
pub async fn exec(handle: &Handle<Checker>, command: &str) -> (String, Option<u32>) {
    let mut channel = handle.channel_open_session().await.unwrap();
    channel.exec(true, command).await.unwrap();
    let mut out = Vec::new();
    let mut status = None;
    let all = async {
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } => out.extend_from_slice(&data),
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    (String::from_utf8_lossy(&out).into_owned(), status)
}

/// A shell on a terminal of 24 lines.
pub struct Shell {
    channel: Channel<Msg>,
    pub seen: Vec<u8>,
    _handle: Handle<Checker>,
}

impl Shell {
    pub async fn open(handle: Handle<Checker>) -> Self {
        let channel = handle.channel_open_session().await.unwrap();
        channel.request_pty(true, "vt100", 80, 24, 0, 0, &[]).await.unwrap();
        channel.request_shell(true).await.unwrap();
        Self { channel, seen: Vec::new(), _handle: handle }
    }

    pub async fn send(&self, text: &str) {
        self.channel.data_bytes(text.as_bytes().to_vec()).await.unwrap();
    }

    /// Reads until the text ends in `end`; gives everything since the last call.
    pub async fn until(&mut self, end: &str) -> String {
        let start = self.seen.len();
        let read = async {
            loop {
                if self.seen.len() > start && self.seen.ends_with(end.as_bytes()) {
                    return true;
                }
                match self.channel.wait().await {
                    Some(ChannelMsg::Data { data }) => self.seen.extend_from_slice(&data),
                    Some(_) => {}
                    None => return false,
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, read).await;
        let text = String::from_utf8_lossy(&self.seen[start..]).into_owned();
        assert!(matches!(found, Ok(true)), "no {end:?} ({found:?}) in {text:?}");
        text
    }

    /// Sends a line and reads the answer up to the prompt; without the echo and the prompt.
    pub async fn ask(&mut self, line: &str, prompt: &str) -> String {
        self.send(&format!("{line}\r")).await;
        let text = self.until(prompt).await;
        let text = text
            .strip_prefix(&format!("{line}\r\n"))
            .unwrap_or_else(|| panic!("no echo of {line:?}: {text:?}"));
        text.strip_suffix(prompt).unwrap().replace("\r\n", "\n")
    }

    /// Reads for so long, and says whether the channel ended.
    pub async fn listen(&mut self, time: Duration) -> bool {
        let read = async {
            while let Some(message) = self.channel.wait().await {
                if let ChannelMsg::Data { data } = message {
                    self.seen.extend_from_slice(&data);
                }
            }
        };
        tokio::time::timeout(time, read).await.is_ok()
    }
}
