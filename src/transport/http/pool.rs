//! Connections that stay warm, and who may use them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::connection::Connection;
use super::settings::Settings;
use super::tls::Tls;

/// The connections of one server and login.
pub(super) struct Host {
    turns: Semaphore,
    waiting: AtomicUsize,
    /// Held while connecting: who comes second may find a connection that can be shared. TLS is
    /// kept for the next one, so that its sessions are resumed.
    pub(super) dialling: tokio::sync::Mutex<Option<Arc<Tls>>>,
    kept: Mutex<Vec<Kept>>,
}

/// An HTTP/1.1 connection that nobody uses, or an HTTP/2 one.
struct Kept {
    connection: Connection,
    since: Instant,
}

/// Too many wait for the same device already.
pub(super) struct Crowded;

/// All connections.
pub(super) struct Pool {
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    slots: Arc<Semaphore>,
    /// Requests waiting for a slot: while there are any, no idle connection stays.
    waiting: AtomicUsize,
    generation: AtomicU64,
    per_device: usize,
    max_waiting: usize,
}

/// Counts a waiter, also when its request is cancelled.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn at(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Host {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<Kept>) -> T) -> T {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the right to send one request.
    pub(super) async fn turn(&self, max_waiting: usize) -> Result<SemaphorePermit<'_>, Crowded> {
        if let Ok(permit) = self.turns.try_acquire() {
            return Ok(permit);
        }
        let waiting = Waiting::at(&self.waiting);
        if waiting.before >= max_waiting {
            return Err(Crowded);
        }
        self.turns.acquire().await.map_err(|_| Crowded)
    }

    /// A warm connection: its own, or a share of one that can be shared; the youngest first.
    pub(super) fn warm(&self) -> Option<Connection> {
        self.with(|kept| {
            kept.retain(|kept| !kept.connection.is_closed());
            let youngest = kept.last_mut()?;
            if let Some(shared) = youngest.connection.share() {
                youngest.since = Instant::now();
                return Some(shared);
            }
            kept.pop().map(|kept| kept.connection)
        })
    }
}

impl Pool {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            hosts: Mutex::default(),
            slots: Arc::new(Semaphore::new(settings.max_connections.max(1))),
            waiting: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            per_device: settings.max_per_device.max(1),
            max_waiting: settings.max_waiting,
        }
    }

    pub(super) fn max_waiting(&self) -> usize {
        self.max_waiting
    }

    /// The connections of one server. Servers that nobody asks any more are forgotten.
    pub(super) fn host(&self, key: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(key) {
            return Arc::clone(host);
        }
        hosts.retain(|_, host| Arc::strong_count(host) > 1 || host.with(|kept| !kept.is_empty()));
        let host = Arc::new(Host {
            turns: Semaphore::new(self.per_device),
            waiting: AtomicUsize::new(0),
            dialling: tokio::sync::Mutex::default(),
            kept: Mutex::default(),
        });
        hosts.insert(key.to_owned(), Arc::clone(&host));
        host
    }

    fn all(&self) -> Vec<Arc<Host>> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.values().map(Arc::clone).collect()
    }

    /// Waits for the right to open one more connection; the one that was idle longest makes room.
    pub(super) async fn slot(&self) -> (Option<OwnedSemaphorePermit>, u64) {
        let slot = if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            Some(slot)
        } else {
            let _waiting = Waiting::at(&self.waiting);
            self.evict();
            Arc::clone(&self.slots).acquire_owned().await.ok()
        };
        (slot, self.generation.load(Ordering::Relaxed))
    }

    fn evict(&self) {
        let hosts = self.all();
        let oldest = |host: &Arc<Host>| {
            host.with(|kept| kept.iter().filter(|kept| idle(kept)).map(|kept| kept.since).min())
        };
        let found =
            hosts.iter().filter_map(|host| Some((oldest(host)?, host))).min_by_key(|(since, _)| *since);
        if let Some((since, host)) = found {
            host.with(|kept| kept.retain(|kept| kept.since != since || !idle(kept)));
        }
    }

    /// Keeps a connection for the next request, unless it is closed or everything was cleared.
    pub(super) fn keep(&self, host: &Host, connection: Connection) {
        if connection.is_closed() || connection.generation != self.generation.load(Ordering::Relaxed) {
            return;
        }
        host.with(|kept| {
            let since = Instant::now();
            match kept.iter_mut().find(|kept| Arc::ptr_eq(&kept.connection.identity, &connection.identity)) {
                Some(kept) => {
                    kept.since = since;
                    // Here, so that it counts as idle below.
                    drop(connection);
                }
                None => kept.push(Kept { connection, since }),
            }
        });
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.evict();
        }
    }

    /// Closes what was idle for `limit`; gives when to look again (`None`: nothing is kept).
    pub(super) fn expire(&self, limit: Duration) -> Option<Instant> {
        let now = Instant::now();
        let mut next: Option<Instant> = None;
        for host in self.all() {
            host.with(|all| {
                all.retain(|kept| !kept.connection.is_closed() && (!idle(kept) || kept.since + limit > now));
                for kept in all {
                    let end = (kept.since + limit).max(now + limit / 4);
                    next = Some(next.map_or(end, |next| next.min(end)));
                }
            });
        }
        next
    }

    /// Closes all idle connections; those in use are closed when their request is done.
    pub(super) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        for host in self.all() {
            host.with(Vec::clear);
        }
    }
}

/// Whether nobody uses it now.
fn idle(kept: &Kept) -> bool {
    Arc::strong_count(&kept.connection.identity) == 1
}
