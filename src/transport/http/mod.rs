//! HTTPS to devices, for every interface on top of it (RFC 9110 to 9113).
//!
//! hyper is used without a client library over it, because three things have to be ours: who may
//! be trusted is decided per device, an answer says whether its connection was warm, and whatever goes
//! wrong becomes one sentence with a hint.
//!
//! A request is a future and nothing else; each connection has one task that drives it, owned by the
//! transport. Dropping the future resets the stream (HTTP/2) or ends the connection (HTTP/1.1).
//! A connection goes back to the pool when its answer is whole. A warm one may have died unnoticed: if it
//! breaks before the headers of the answer, a request that changes nothing is sent once more on
//! a fresh one.
//!
//! Secrets are resolved when a connection is made; the login is sent to that server and to no other.
//!
//! Limits: no proxies, and no jump hosts: a device behind one is asked over SSH. A warm HTTP/1.1 connection that
//! died without a word (a firewall forgot it) costs a request its time; `keep_warm` is short for that reason, and
//! HTTP/2 pings.

mod again;
mod auth;
mod body;
mod connection;
mod endpoint;
mod explain;
mod message;
mod pool;
mod settings;
mod tls;
mod verify;

pub use endpoint::{Credentials, Endpoint, Identity, Trust};
pub use message::{Answer, Ask};
pub use settings::Settings;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use hyper::{Method, StatusCode};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use self::connection::{Connection, Trouble};
use self::message::{Progress, Stage};
use self::pool::{Host, Pool};
use self::tls::Tls;
use crate::error::{Failure, FailureKind};

/// Redirects that are followed within one device.
const MAX_REDIRECTS: usize = 3;
/// For connections to be closed at the end.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(1);

/// The HTTPS client for devices: keeps connections warm. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

struct Inner {
    settings: Settings,
    pool: Pool,
    reaper: Mutex<Option<AbortHandle>>,
    tasks: TaskTracker,
}

impl Http {
    /// A client with these settings; connects nowhere yet.
    pub fn new(settings: Settings) -> Self {
        let pool = Pool::new(&settings);
        let inner = Inner { settings, pool, reaper: Mutex::default(), tasks: TaskTracker::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Sends one request and reads the whole answer, whatever its status.
    ///
    /// Redirects within the device are followed, `Retry-After` is obeyed once if that can be done
    /// before the deadline. Ends by the deadline or as soon as the token is cancelled.
    pub async fn send(&self, endpoint: &Endpoint, ask: &Ask) -> Result<Answer, Failure> {
        let progress = Progress::default();
        let begun = Instant::now();
        tokio::select! {
            biased;
            () = ask.cancel.cancelled() => Err(Failure::new(
                FailureKind::Cancelled,
                format!("the question to {} was cancelled", endpoint.name),
            )),
            () = sleep_until(ask.deadline) => Err(explain::late(endpoint, &progress, begun.elapsed())),
            done = self.follow(endpoint, ask, &progress) => done,
        }
    }

    /// Closes all idle connections; those in use are closed when their request is done.
    pub async fn close_all(&self) {
        self.inner.pool.clear();
        self.inner.tasks.close();
        let _ = timeout(GOODBYE, self.inner.tasks.wait()).await;
        self.inner.tasks.reopen();
    }

    async fn follow(&self, endpoint: &Endpoint, ask: &Ask, progress: &Progress) -> Result<Answer, Failure> {
        let mut path = ask.path.clone();
        let mut redirects = 0;
        let mut paused = false;
        loop {
            let answer = self.once(endpoint, ask, &path, progress).await?;
            if is_harmless(&ask.method)
                && let Some(to) = again::redirect(endpoint, &answer)?
            {
                redirects += 1;
                if redirects > MAX_REDIRECTS {
                    let message = format!("{} redirects us in a circle", endpoint.who());
                    return Err(Failure::new(FailureKind::Rejected, message)
                        .hint("set the `root` of its RESTCONF server in `extras`"));
                }
                path = to;
                continue;
            }
            match again::pause(&answer) {
                Some(pause) if !paused && Instant::now() + pause < ask.deadline => {
                    paused = true;
                    progress.enter(Stage::Pausing);
                    sleep(pause).await;
                }
                _ => return Ok(answer),
            }
        }
    }

    /// One request and its answer, on a warm connection or a fresh one.
    async fn once(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        path: &str,
        progress: &Progress,
    ) -> Result<Answer, Failure> {
        let inner = &self.inner;
        progress.enter(Stage::Waiting);
        let host = inner.pool.host(&endpoint.key());
        let _turn = host.turn(inner.pool.max_waiting()).await.map_err(|_| {
            let message = format!("too many requests wait for {} already", endpoint.name);
            Failure::new(FailureKind::Timeout, message).hint("ask again in a moment")
        })?;
        let mut may_be_warm = true;
        loop {
            let (mut connection, warm) = match host.warm().filter(|_| may_be_warm) {
                Some(connection) => (connection, true),
                None => self.open(endpoint, &host, progress, may_be_warm).await?,
            };
            progress.enter(Stage::Asked);
            let begun = Instant::now();
            let response = match connection.send(endpoint, ask, path).await {
                Ok(response) => response,
                Err(Trouble::Failed(failure)) => return Err(failure),
                Err(Trouble::Broken(error)) => {
                    if warm && (is_harmless(&ask.method) || error.is_canceled()) {
                        tracing::debug!(
                            device = endpoint.name,
                            "a warm connection was dead; connecting again"
                        );
                        may_be_warm = false;
                        continue;
                    }
                    return Err(explain::broken(endpoint, &error, progress));
                }
            };
            let (parts, body) = response.into_parts();
            let body = body::read(endpoint, body, inner.settings.max_body, progress).await?;
            let took = begun.elapsed();
            // A password may have been changed since this connection was made.
            if parts.status == StatusCode::UNAUTHORIZED && warm {
                let fresh = auth::authorization(endpoint).await?;
                if fresh != connection.authorization {
                    may_be_warm = false;
                    continue;
                }
            }
            inner.pool.keep(&host, connection);
            Inner::reap(inner);
            return Ok(Answer { status: parts.status, headers: parts.headers, body, took, warm });
        }
    }

    /// A new connection, or one that somebody else has just made and that can be shared.
    async fn open(
        &self,
        endpoint: &Endpoint,
        host: &Host,
        progress: &Progress,
        may_be_warm: bool,
    ) -> Result<(Connection, bool), Failure> {
        let inner = &self.inner;
        let mut tls = host.dialling.lock().await;
        if let Some(connection) = host.warm().filter(|_| may_be_warm) {
            return Ok((connection, true));
        }
        let (slot, generation) = inner.pool.slot().await;
        let Some(slot) = slot else {
            return Err(Failure::new(FailureKind::Connect, "no connections are made any more"));
        };
        // Taken out: when anything fails, the files are read again for the next attempt.
        let used = match tls.take() {
            Some(tls) => tls,
            None => Arc::new(Tls::of(endpoint).await?),
        };
        let authorization = auth::authorization(endpoint).await?;
        let mut connection =
            Connection::open(endpoint, &used, &inner.settings, progress, &inner.tasks, slot).await?;
        connection.authorization = authorization;
        connection.generation = generation;
        *tls = Some(used);
        if let Some(shared) = connection.share() {
            inner.pool.keep(host, shared);
        }
        Ok((connection, false))
    }
}

/// Whether a request may be sent twice (RFC 9110, 9.2.1).
fn is_harmless(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

impl Inner {
    /// Starts the reaper unless it runs. It ends by itself when nothing is kept.
    fn reap(inner: &Arc<Self>) {
        let mut reaper = inner.reaper.lock().unwrap_or_else(PoisonError::into_inner);
        if reaper.is_none() {
            *reaper = Some(tokio::spawn(Self::reaper(Arc::downgrade(inner))).abort_handle());
        }
    }

    async fn reaper(inner: Weak<Self>) {
        while let Some(inner) = inner.upgrade() {
            let next = {
                // Under the lock, so that a connection that is kept now starts another reaper.
                let mut reaper = inner.reaper.lock().unwrap_or_else(PoisonError::into_inner);
                let next = inner.pool.expire(inner.settings.keep_warm);
                if next.is_none() {
                    *reaper = None;
                }
                next
            };
            drop(inner);
            match next {
                Some(next) => sleep_until(next).await,
                None => return,
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let reaper = self.reaper.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(reaper) = reaper.take() {
            reaper.abort();
        }
    }
}
