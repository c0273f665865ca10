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
use super::data::Offer;
use super::fault::{Fault, Faults};
use super::https::{self, Identity};
use super::netconf::Sessions;
use super::{Network, server};
use crate::error::{Error, Kind, Result};
use crate::inventory::{Device, HttpsLogin, Inventory, Login, NetconfLogin};
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
        // One for all: a key per device would double what starting many of them takes.
        let mut identity: Option<Identity> = None;
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
                sessions: Sessions::default(),
            });
            let offer = simulated.offer();
            let netconf = offer.is_some_and(|offer| offer.netconf.is_some());
            let https = offer.is_some_and(Offer::https);
            let port = running.listen(Arc::clone(&simulated), options.bind)?;
            let mut login = HttpsLogin::default();
            if https {
                if identity.is_none() {
                    identity = Some(Identity::new(&options.bind.to_string())?);
                }
                let identity = identity.as_ref().ok_or_else(|| internal("a certificate is missing"))?;
                login = HttpsLogin {
                    offered: true,
                    port: Some(running.listen_https(Arc::clone(&simulated), options.bind, identity)?),
                    username: Some(options.username.clone()),
                    password: Some(SecretRef::Plain(password.clone())),
                    fingerprint: Some(identity.fingerprint),
                    ..HttpsLogin::default()
                };
            }
            // Both are one server with one port.
            let has = |offered: bool| if offered { login.clone() } else { HttpsLogin::default() };
            let restconf = has(simulated.offer().is_some_and(|offer| offer.restconf.is_some()));
            let jsonrpc = has(simulated.offer().is_some_and(|offer| offer.json_rpc.is_some()));
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
                    netconf: NetconfLogin {
                        offered: netconf,
                        port: netconf.then_some(port),
                        ..NetconfLogin::default()
                    },
                    restconf,
                    jsonrpc,
                    ..Login::default()
                },
            });
        }
        running.inventory = Inventory::new(devices);
        Ok(running)
    }
}

impl Running {
    /// The devices, with address, ports and logins of what each of them offers.
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

    /// SSH, and NETCONF on it.
    fn listen(&mut self, device: Arc<Simulated>, bind: IpAddr) -> Result<u16> {
        let (socket, port) = bound(&device, bind)?;
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
            let listener = socket.listen(BACKLOG).map_err(|error| cannot(&device, bind, error))?;
            let config = Arc::new(server::config(&device, key));
            let serve = server::serve(device, config, listener, self.stop.clone(), self.tasks.clone());
            self.tasks.spawn(serve);
        }
        Ok(port)
    }

    /// HTTPS, of a device that offers something there.
    fn listen_https(&mut self, device: Arc<Simulated>, bind: IpAddr, identity: &Identity) -> Result<u16> {
        let (socket, port) = bound(&device, bind)?;
        if device.faults.refuse {
            self.closed.push(socket);
        } else {
            let listener = socket.listen(BACKLOG).map_err(|error| cannot(&device, bind, error))?;
            let serve =
                https::serve(device, listener, identity.clone(), self.stop.clone(), self.tasks.clone());
            self.tasks.spawn(serve);
        }
        Ok(port)
    }
}

fn bound(device: &Simulated, bind: IpAddr) -> Result<(TcpSocket, u16)> {
    let failed = |error| cannot(device, bind, error);
    let socket = if bind.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(failed)?;
    socket.bind(SocketAddr::new(bind, 0)).map_err(failed)?;
    let port = socket.local_addr().map_err(failed)?.port();
    Ok((socket, port))
}

fn cannot(device: &Simulated, bind: IpAddr, error: std::io::Error) -> Error {
    Error::io(format!("{}: cannot listen on {bind}", device.name), error)
        .hint("with many devices, allow more open files: ulimit -n 65536")
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
