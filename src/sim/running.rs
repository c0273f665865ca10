//! A running network: listeners, logins, host keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{PrivateKey, PublicKeyBase64};
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cli::{Device as Simulated, View};
use super::fault::{Fault, Faults};
use super::{Network, server};
use crate::error::{Error, Kind, Result};
use crate::inventory::{Device, Inventory, Login};
use crate::secret::{Secret, SecretRef};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;
/// How long [`Running::stop`] waits for the last task.
const LAST_TASK: Duration = Duration::from_secs(5);

/// How a network runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on; every device has a port of its own there.
    pub bind: IpAddr,
    /// Who may log in.
    pub username: String,
    /// With what; a new one for each run when there is none.
    pub password: Option<Secret>,
    /// Faults by device, beside those of the state file.
    pub faults: BTreeMap<String, Vec<Fault>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            username: "nocbot".to_owned(),
            password: None,
            faults: BTreeMap::new(),
        }
    }
}

/// A running network. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    inventory: Inventory,
    known_hosts: String,
    closed: Vec<TcpSocket>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Network {
    /// Starts every device; all of them listen when this returns.
    #[allow(clippy::unused_async, reason = "it spawns tasks, so it must be called inside of a runtime")]
    pub async fn start(&self, options: Options) -> Result<Running> {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let mut running = Running {
            inventory: Inventory::default(),
            known_hosts: String::new(),
            closed: Vec::new(),
            stop,
            tasks,
        };
        let password = match &options.password {
            Some(password) => password.clone(),
            None => random_secret()?,
        };
        let secret = random_secret()?;
        let started = Timestamp::now();
        let mut devices = Vec::with_capacity(self.net.nodes.len());
        if let Some(name) = options.faults.keys().find(|name| self.net.node(name).is_none()) {
            return Err(Error::config(format!("there is no device `{name}` to have a fault")));
        }
        for (index, node) in self.net.nodes.iter().enumerate() {
            let dialect = self.dialects.get(&node.cli);
            let dialect = Arc::clone(dialect.ok_or_else(|| internal("a command line is missing"))?);
            let faults = node.faults.iter().chain(options.faults.get(&node.name).into_iter().flatten());
            let simulated = Arc::new(Simulated {
                name: node.name.clone(),
                view: Arc::new(View { net: Arc::clone(&self.net), index, dialect, started }),
                faults: Faults::new(faults),
                username: options.username.clone(),
                password: password.clone(),
                secret: secret.clone(),
                mode: node.mode.clone(),
            });
            let port = running.listen(simulated, options.bind)?;
            let role = self.roster.role(&node.base)?;
            devices.push(Device {
                name: node.name.clone(),
                hostname: options.bind.to_string(),
                platform: role.platform.clone(),
                groups: role.groups.clone(),
                data: role.data.clone(),
                login: Login {
                    port: Some(port),
                    username: Some(options.username.clone()),
                    password: Some(SecretRef::Plain(password.clone())),
                    secret: Some(SecretRef::Plain(secret.clone())),
                    ..Login::default()
                },
            });
        }
        running.inventory = Inventory::new(devices);
        Ok(running)
    }
}

impl Running {
    /// The devices, with address, port and login.
    pub fn inventory(&self) -> Inventory {
        self.inventory.clone()
    }

    /// The host keys, in the form of OpenSSH's `known_hosts`.
    pub fn known_hosts(&self) -> String {
        self.known_hosts.clone()
    }

    /// Ends every session and listener, and waits for them.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(LAST_TASK, self.tasks.wait()).await.is_err() {
            tracing::warn!("{} simulated sessions did not end", self.tasks.len());
        }
    }

    fn listen(&mut self, device: Arc<Simulated>, bind: IpAddr) -> Result<u16> {
        let name = device.name.clone();
        let address = SocketAddr::new(bind, 0);
        let failed = |error: std::io::Error| {
            Error::io(format!("{name}: cannot listen on {bind}"), error)
                .hint("with many devices, allow more open files: ulimit -n 65536")
        };
        let socket = if bind.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(failed)?;
        socket.bind(address).map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        let key = host_key()?;
        let _ = writeln!(
            self.known_hosts,
            "[{bind}]:{port} {} {}",
            key.algorithm().as_str(),
            key.public_key().public_key_base64()
        );
        if device.faults.refuse {
            // Bound and not listening: connections are refused, and nobody else gets the port.
            self.closed.push(socket);
        } else {
            let listener = socket.listen(BACKLOG).map_err(failed)?;
            let config = Arc::new(server::config(&device, key));
            let serve = server::serve(device, config, listener, self.stop.clone(), self.tasks.clone());
            self.tasks.spawn(serve);
        }
        Ok(port)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn host_key() -> Result<PrivateKey> {
    let mut seed = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| internal("no random numbers"))?;
    Ok(PrivateKey::from(Ed25519Keypair::from_seed(&seed)))
}

/// 24 random letters and digits.
fn random_secret() -> Result<Secret> {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; 24];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| internal("no random numbers"))?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).map(|letter| char::from(*letter));
    Ok(Secret::new(bytes.iter().filter_map(letter).collect::<String>()))
}

fn internal(what: &str) -> Error {
    Error::new(Kind::Internal, what)
}
