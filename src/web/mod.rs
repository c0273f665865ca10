//! The web console: a page whose conversation is a WebSocket.
//!
//! ```text
//!  browser ── TCP ──► listen.rs ──► guard.rs ──────► assets.rs     /  /app.js …
//!                     (how many,    Host, Origin,    session.rs    /session      the token, once
//!                      how long)    headers          socket.rs     /socket       questions, answers
//!                                                    download.rs   /answers/…    CSV, JSON
//!                                                    health.rs     /healthz  /metrics
//!
//!  one WebSocket (socket.rs):
//!    reader ─► questions (at most 8 tasks) ─► queue (16) ─► writer
//!       └──────── completions, errors ──────────┘
//! ```
//!
//! Without a token the console listens on loopback only, where whoever can connect can run nocbot as
//! well. Any other address needs a token; one is made if none is given. A browser can be tricked into
//! talking to loopback by a foreign page, so every request must name a host that is ours (this stops
//! DNS rebinding), and one that carries an `Origin` must come from the page that we served.
//!
//! Every connection task is tracked: [`Serving::stopped`] returns when the last one has ended.

mod assets;
mod desk;
mod download;
mod guard;
mod health;
mod listen;
mod protocol;
mod session;
mod socket;

pub use desk::Desk;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};
use crate::secret::Secret;

/// How the console is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What the page asks for. `None` means none on loopback and one of our making elsewhere.
    pub token: Option<Secret>,
    /// Names under which the console is reached besides its address and `localhost`.
    pub hosts: Vec<String>,
    /// The bounds.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8008)),
            token: None,
            hosts: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// The console's bounds. The defaults suit a team of some dozens; tests set shorter times.
#[derive(Debug, Clone)]
pub struct Limits {
    /// TCP connections; further ones wait in the kernel's queue.
    pub connections: usize,
    /// WebSockets; further ones are refused with 503.
    pub sockets: usize,
    /// Questions in flight on one WebSocket.
    pub questions: usize,
    /// Bytes of one message from the page.
    pub message: usize,
    /// Between two pings.
    pub heartbeat: Duration,
    /// Without a word from the page, pongs included, its WebSocket is dropped.
    pub silence: Duration,
    /// A message that the page does not take within this time ends its WebSocket.
    pub write: Duration,
    /// A request's head must be there within this time.
    pub head: Duration,
    /// A connection that is no WebSocket lives no longer than this.
    pub connection: Duration,
    /// On shutdown, what is still running after this time is dropped.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            sockets: 128,
            questions: 8,
            message: 16 * 1024,
            heartbeat: Duration::from_secs(20),
            silence: Duration::from_secs(50),
            write: Duration::from_secs(20),
            head: Duration::from_secs(10),
            connection: Duration::from_mins(5),
            drain: Duration::from_secs(3),
        }
    }
}

/// A console that is being served.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens, with the port that was taken.
    pub address: SocketAddr,
    /// The token that the page asks for; the caller shows it to the operator.
    pub token: Option<Secret>,
    /// Whether `token` was made here, so that nobody knows it until it is shown.
    pub generated: bool,
    tasks: TaskTracker,
}

impl Serving {
    /// What to open in a browser on this machine.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let loopback = match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            address.set_ip(loopback);
        }
        format!("http://{address}/")
    }

    /// Returns when the listener and every connection have ended, which they do soon after the
    /// `shutdown` token was cancelled.
    pub async fn stopped(self) {
        self.tasks.wait().await;
    }
}

/// What every request needs.
struct Site {
    desk: Arc<dyn Desk>,
    hosts: guard::Hosts,
    sessions: session::Sessions,
    limits: Limits,
    sockets: Arc<Semaphore>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// Serves the console until `shutdown` is cancelled.
///
/// Fails when the address cannot be listened on, or when the given token is empty.
pub async fn serve<D: Desk>(desk: Arc<D>, options: Options, shutdown: CancellationToken) -> Result<Serving> {
    let Options { listen, token, hosts, limits } = options;
    let generated = token.is_none() && !listen.ip().is_loopback();
    let token = match token {
        Some(token) if token.expose().trim().is_empty() => {
            return Err(Error::config("the console's token is empty")
                .hint("give `console.token` a long random text, or leave it out to have one made"));
        }
        None if generated => Some(session::generate()?),
        given => given,
    };
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        Error::io(format!("the console cannot listen on {listen}"), error)
            .hint("choose another address or port with `console.listen`")
    })?;
    let address = listener.local_addr().map_err(|error| Error::io("the console's address", error))?;

    let tasks = TaskTracker::new();
    let site = Arc::new(Site {
        desk,
        hosts: guard::Hosts::new(address.ip(), hosts),
        sessions: session::Sessions::new(token.clone(), address.port()),
        sockets: Arc::new(Semaphore::new(limits.sockets)),
        limits,
        tasks: tasks.clone(),
        shutdown,
    });
    tasks.spawn(listen::run(listener, router(Arc::clone(&site)), site));
    tasks.close();
    Ok(Serving { address, token, generated, tasks })
}

fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/socket", get(socket::upgrade))
        .route("/answers/{file}", get(download::download))
        .route("/session", get(session::known).post(session::open).delete(session::close))
        .route("/healthz", get(health::health))
        .route("/metrics", get(health::metrics))
        .fallback(assets::serve)
        .layer(axum::extract::DefaultBodyLimit::max(4096))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&site), guard::check))
        .with_state(site)
}
