//! Reaching a server: name, TCP, jump hosts, handshake, login; each failure names its hop.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use russh::client::{self, GexParams, Handle, Msg};
use russh::{Channel, Disconnect, SshId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::algorithms;
use super::auth::Auth;
use super::explain::{Attempt, hop_failure};
use super::host_key::HostKeys;
use super::known_hosts::HostName;
use super::offer::{Opening, Tap};
use super::session::Client;
pub(in crate::transport) use super::session::Remarks;
use super::settings::Settings;
use crate::error::{Failure, FailureKind};
use crate::inventory::Device;
use crate::profile::{Level, Platform};
use crate::transport::tcp;

/// For the server to answer when a channel is opened.
const CHANNEL_TIME: Duration = Duration::from_secs(10);

/// An authenticated connection, and the jump connection it runs through.
pub(in crate::transport) struct Link {
    handle: Handle<Client>,
    remarks: Remarks,
    who: String,
    via: Option<Arc<Link>>,
    /// Ends the library's task for this connection.
    _cut: DropGuard,
}

impl Link {
    /// The device for messages: `r1 (10.0.0.1:22)`.
    pub(in crate::transport) fn who(&self) -> &str {
        &self.who
    }

    /// Whether the connection, or one that it runs through, has ended.
    pub(in crate::transport) fn is_closed(&self) -> bool {
        self.handle.is_closed() || self.via.as_ref().is_some_and(|via| via.is_closed())
    }

    /// Why it ended, if somebody said so.
    pub(in crate::transport) fn goodbye(&self) -> Option<String> {
        self.remarks.goodbye()
    }

    /// What the peer says when it ends the connection, for those that outlive this borrow.
    pub(in crate::transport) fn remarks(&self) -> Remarks {
        self.remarks.clone()
    }

    /// A session channel.
    pub(in crate::transport) async fn open_session(&self) -> Result<Channel<Msg>, Failure> {
        match timeout(CHANNEL_TIME, self.handle.channel_open_session()).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(Failure::new(
                FailureKind::Connect,
                format!(
                    "{} opens no session: {}",
                    self.who,
                    self.goodbye().unwrap_or_else(|| error.to_string())
                ),
            )
            .hint("the device may have no free lines; see who is logged in")),
            Err(_) => Err(Failure::new(
                FailureKind::Timeout,
                format!("{} did not open a session within {CHANNEL_TIME:?}", self.who),
            )),
        }
    }

    /// Whether the peer still answers.
    pub(in crate::transport) async fn answers(&self, within: Duration) -> bool {
        matches!(timeout(within, self.handle.send_ping()).await, Ok(Ok(())))
    }

    /// Says goodbye; the connection ends when the last owner drops it.
    pub(in crate::transport) async fn close(&self) {
        let goodbye = async {
            let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
            while !self.handle.is_closed() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = timeout(Duration::from_secs(1), goodbye).await;
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A jump host's connection, shared by everything that goes through it while anything does.
#[derive(Default)]
struct Shared {
    link: Weak<Link>,
    /// The last failure and when: whoever waited for that attempt shares it.
    failed: Option<(Instant, Failure)>,
}

/// Dials devices.
pub(in crate::transport) struct Dialer {
    settings: Arc<Settings>,
    host_keys: HostKeys,
    jumps: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Shared>>>>,
}

impl Dialer {
    /// A dialer with these settings.
    pub(in crate::transport) fn new(settings: Arc<Settings>) -> Self {
        let host_keys = HostKeys::new(&settings);
        Self { settings, host_keys, jumps: Mutex::default() }
    }

    /// Connects and logs in to a device, through `jumps`, outermost first.
    pub(in crate::transport) async fn dial(
        &self,
        device: &Device,
        platform: &Platform,
        jumps: &[(Arc<Device>, Arc<Platform>)],
    ) -> Result<Link, Failure> {
        let mut via = None;
        let mut path = String::new();
        for (hop, platform) in jumps {
            let user = hop.login.username.as_deref().unwrap_or_default();
            let _ = write!(path, "{user}@{} ", address(hop, platform));
            let link = self.jump(&path, hop, platform, via).await;
            via = Some(link.map_err(|failure| hop_failure(failure, hop, device))?);
        }
        self.connect(device, platform, via).await
    }

    async fn jump(
        &self,
        path: &str,
        hop: &Device,
        platform: &Platform,
        via: Option<Arc<Link>>,
    ) -> Result<Arc<Link>, Failure> {
        let arrived = Instant::now();
        let shared = {
            let mut jumps = self.jumps.lock().unwrap_or_else(PoisonError::into_inner);
            // Paths that nobody uses any more go when another is asked for.
            jumps.retain(|other, shared| other == path || Arc::strong_count(shared) > 1 || in_use(shared));
            Arc::clone(jumps.entry(path.to_owned()).or_default())
        };
        let mut shared = shared.lock().await;
        if let Some(link) = shared.link.upgrade().filter(|link| !link.is_closed()) {
            return Ok(link);
        }
        if let Some((_, failure)) = shared.failed.as_ref().filter(|(when, _)| *when >= arrived) {
            return Err(failure.clone());
        }
        match self.connect(hop, platform, via).await {
            Ok(link) => {
                let link = Arc::new(link);
                shared.link = Arc::downgrade(&link);
                shared.failed = None;
                Ok(link)
            }
            Err(failure) => {
                shared.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn connect(
        &self,
        device: &Device,
        platform: &Platform,
        via: Option<Arc<Link>>,
    ) -> Result<Link, Failure> {
        let who = format!("{} ({})", device.name, address(device, platform));
        let level = device.login.level.unwrap_or(platform.level);
        let limit = device.login.connect_timeout.map_or(self.settings.connect_timeout, Duration::from_secs);
        let until = Instant::now() + limit;
        let name = HostName::new(&device.hostname, port(device, platform));
        let known = self.host_keys.kinds(&name).await?;
        let mut group_exchange = true;
        loop {
            let attempt = Attempt {
                who: &who,
                device,
                level,
                limit,
                opening: Opening::default(),
                remarks: Remarks::default(),
            };
            let client = Client {
                who: who.clone(),
                name: name.clone(),
                host_keys: self.host_keys.clone(),
                remarks: attempt.remarks.clone(),
            };
            let config = Arc::new(self.config(level, &known, group_exchange));
            let cut = CancellationToken::new();
            let guard = cut.clone().drop_guard();
            let handshake = async {
                let stream = self.stream(device, platform, via.as_deref(), &who).await?;
                attempt.remarks.reached();
                let stream = Tap::new(stream, attempt.opening.clone(), cut);
                client::connect_stream(config, stream, client).await.map_err(|error| attempt.explain(&error))
            };
            let mut handle = match tokio::time::timeout_at(until, handshake).await {
                Ok(Ok(handle)) => handle,
                Ok(Err(failure)) => {
                    // Groups smaller than the library accepts; the server may have a better way.
                    let offer = attempt.opening.offer();
                    let avoidable =
                        offer.is_some_and(|offer| algorithms::group_exchange_avoidable(level, &offer));
                    if group_exchange && avoidable && attempt.remarks.refusal().is_none() {
                        group_exchange = false;
                        continue;
                    }
                    return Err(failure);
                }
                Err(_) => return Err(attempt.timed_out()),
            };
            let auth = Auth {
                who: &who,
                login: &device.login,
                agent: self.settings.agent.as_deref(),
                level,
                remarks: &attempt.remarks,
            };
            let limit = self.settings.auth_timeout;
            let Ok(done) = timeout(limit, auth.run(&mut handle)).await else {
                let message = format!("{who} did not finish the login within {limit:?}");
                return Err(Failure::new(FailureKind::Timeout, message).hint("its AAA server may be down"));
            };
            done?;
            tracing::debug!(device = who, "logged in");
            return Ok(Link { handle, remarks: attempt.remarks, who, via, _cut: guard });
        }
    }

    fn config(&self, level: Level, known: &[String], group_exchange: bool) -> client::Config {
        let gex = GexParams::new(2048, if level == Level::Modern { 3072 } else { 2048 }, 8192);
        client::Config {
            client_id: SshId::Standard(concat!("SSH-2.0-nocbot_", env!("CARGO_PKG_VERSION")).into()),
            preferred: algorithms::preferred(level, known, group_exchange),
            keepalive_interval: Some(self.settings.keepalive),
            keepalive_max: 3,
            gex: gex.unwrap_or_default(),
            nodelay: true,
            ..client::Config::default()
        }
    }

    async fn stream(
        &self,
        device: &Device,
        platform: &Platform,
        via: Option<&Link>,
        who: &str,
    ) -> Result<Box<dyn Stream>, Failure> {
        let host = device.hostname.trim_matches(['[', ']']);
        let port = port(device, platform);
        let Some(via) = via else { return Ok(Box::new(tcp::dial(host, port, who, "SSH").await?)) };
        let opened = via.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0).await;
        let channel = opened.map_err(|error| {
            let why = match error {
                russh::Error::ChannelOpenFailure(reason) => format!("{reason:?}"),
                other => via.goodbye().unwrap_or_else(|| other.to_string()),
            };
            Failure::new(FailureKind::Connect, format!("{} opens no connection to {who}: {why}", via.who()))
                .hint("the jump host must reach that address and allow TCP forwarding (AllowTcpForwarding)")
        })?;
        Ok(Box::new(channel.into_stream()))
    }
}

fn in_use(shared: &tokio::sync::Mutex<Shared>) -> bool {
    shared.try_lock().map_or(true, |shared| shared.link.strong_count() > 0)
}

/// The port to dial.
pub(super) fn port(device: &Device, platform: &Platform) -> u16 {
    device.login.port.unwrap_or(platform.port)
}

/// `host:port`, an IPv6 address in brackets.
pub(in crate::transport) fn address(device: &Device, platform: &Platform) -> String {
    let host = device.hostname.trim_matches(['[', ']']);
    let port = port(device, platform);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
