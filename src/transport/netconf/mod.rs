//! NETCONF (RFC 6241) over SSH (RFC 6242), on the connections that `ssh` dials.
//!
//! ```text
//!   request ──┐         a future per request: deadline, cancel
//!   request ──┤  turn: pipeline × max_per_device at a time, max_waiting in the queue
//!             ▼
//!          pool ──► Session, shared; another when all are full; max_sessions over all devices
//!                     │ send: message-id, written by the writer (task)
//!                     ▼                                     ▲ deliver: by message-id (reader, task)
//!                  channel `netconf` on ── Link ── via ──► Link …   (jump hosts, shared with ssh)
//! ```
//!
//! A request that only reads is answered by the same query as another one that is under way, and
//! is sent once more when a warm session turns out to be dead. Whatever changes something needs an
//! [`Exclusive`] session, and is never sent twice.
//!
//! A request that is dropped leaves work behind on the device. Its session takes no more, and when
//! nobody waits on it any longer it is killed from a second session (RFC 6241, 7.9) and closed.
//!
//! What was received of a reply that never ended is not kept: half a document is no table, and may
//! be half a configuration.

mod asked;
mod capability;
mod channel;
mod data;
mod edit;
mod element;
mod error;
mod exclusive;
mod filter;
pub mod frame;
mod goodbye;
mod hello;
mod inner;
mod notification;
mod operation;
mod pool;
mod received;
mod reply;
mod request;
mod rpc_error;
mod session;
mod settings;
mod shared;

pub use capability::{Capabilities, Capability, Module as Announced};
pub use edit::{Confirmed, DefaultOperation, Edit, EditConfig, ErrorOption};
pub use element::{Element, ElementError};
pub use error::{AskError, Refused};
pub use exclusive::Exclusive;
pub use filter::Filter;
pub use notification::{Notification, Notifications, Subscription};
pub use operation::{Datastore, GetData, Operation, WithDefaults};
pub use reply::Reply;
pub use request::{Request, Target};
pub use rpc_error::{RpcError, Severity};
pub use settings::{PORT, Settings};

use super::Module;

use std::sync::{Arc, Mutex};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::inner::Inner;
use self::notification::Sink;
use self::pool::Pool;
use self::request::Stage;
use self::session::Session;
use super::library;
use super::ssh::Ssh;
use crate::error::{Failure, FailureKind};

/// The namespace of the YANG library.
const LIBRARY: &str = "urn:ietf:params:xml:ns:yang:ietf-yang-library";
/// A warm session that is dead is replaced so often.
const TRIES: usize = 3;

/// The NETCONF transport. Cheap to clone.
#[derive(Clone)]
pub struct Netconf {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Netconf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Netconf").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Netconf {
    /// A transport on the connections of `ssh`; connects nowhere yet.
    pub fn new(ssh: &Ssh, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let inner = Inner {
            dialer: ssh.dialer(),
            pool: Pool::new(Arc::clone(&settings)),
            reaper: Mutex::default(),
            goodbyes: TaskTracker::new(),
            settings,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Asks one device something. Ends by the deadline, or as soon as the token is cancelled.
    pub async fn request(&self, request: Request) -> Result<Reply, Failure> {
        self.ask(&request).await.map_err(Failure::from)
    }

    /// The same, with the server's errors field by field.
    pub async fn ask(&self, request: &Request) -> Result<Reply, AskError> {
        let name = request.operation.name();
        let stage = Stage::default();
        let asking = self.attempt(request, &stage);
        let asked = self.bounded(&request.target, name, request.deadline, &request.cancel, asking).await;
        asked.map_err(|error| stage.explain(error))
    }

    /// What a device announced, from the hello of its session.
    pub async fn capabilities(
        &self,
        target: &Target,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<Capabilities, Failure> {
        let asking = async {
            let turn = self.turn(target).await?;
            let lease = self.shared(&turn, target).await?;
            Ok(lease.session.hello.capabilities.clone())
        };
        self.bounded(target, "hello", deadline, cancel, asking).await
    }

    /// The modules and the protocol's capabilities of a device.
    pub async fn modules(
        &self,
        target: &Target,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<super::Capabilities, Failure> {
        let asking = async {
            let turn = self.turn(target).await?;
            let lease = self.shared(&turn, target).await?;
            let known = &lease.session.hello.capabilities;
            let in_hello = known.modules().map(|module| super::Module {
                name: module.name,
                revision: module.revision,
                namespace: module.namespace,
                features: module.features,
                import_only: false,
                locations: Vec::new(),
            });
            let mut modules: Vec<super::Module> = in_hello.collect();
            for module in self.read_library(&lease.session).await.unwrap_or_default() {
                if !modules.iter().any(|known| known.name == module.name && known.revision == module.revision)
                {
                    modules.push(module.clone());
                }
            }
            modules.sort_unstable();
            let uris = known.iter().filter(|one| one.module().is_none()).map(|one| one.uri.clone());
            Ok(super::Capabilities { modules, uris: uris.collect(), notes: Vec::new() })
        };
        self.bounded(target, "hello", deadline, cancel, asking).await
    }

    /// A session of one's own, for what changes something.
    pub async fn exclusive(
        &self,
        target: &Target,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<Exclusive, Failure> {
        let asking = async {
            let slot = self.inner.pool.slot().await;
            let session = self.inner.open(target, slot, None).await?;
            Ok(Exclusive { session, idle: self.inner.settings.idle_timeout })
        };
        self.bounded(target, "hello", deadline, cancel, asking).await
    }

    /// Subscribes to a device's events (RFC 5277, 2.1); the deadline is for the subscription, the
    /// events may come much later.
    pub async fn subscribe(
        &self,
        target: &Target,
        subscription: &Subscription,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<Notifications, Failure> {
        let asking = async {
            let slot = self.inner.pool.slot().await;
            let (sink, queue) = Sink::new(self.inner.settings.max_notifications);
            let session = self.inner.open(target, slot, Some(sink)).await?;
            let who = &session.shared.who;
            let element = subscription.element(&session.hello.capabilities, who)?;
            let begun = Instant::now();
            let asked = session.send(element, false).map_err(|lost| lost.failure)?;
            let answer = asked.answer(self.inner.settings.idle_timeout, false).await;
            let answer = answer.map_err(|lost| lost.failure)?;
            error::judge(who, "create-subscription", answer, begun.elapsed(), false)?;
            Ok(Notifications { session, queue })
        };
        self.bounded(target, "create-subscription", deadline, cancel, asking).await.map_err(AskError::into)
    }

    /// Closes all sessions; those in use are closed when their requests are done.
    pub async fn close_all(&self) {
        for session in self.inner.pool.clear() {
            session.retire_when_idle();
        }
        self.inner.goodbyes.close();
        let _ = tokio::time::timeout(goodbye::GOODBYE, self.inner.goodbyes.wait()).await;
        self.inner.goodbyes.reopen();
    }

    async fn bounded<T, E: From<Failure>>(
        &self,
        target: &Target,
        name: &str,
        deadline: Instant,
        cancel: &CancellationToken,
        asking: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let device = &target.device.name;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::new(
                FailureKind::Cancelled,
                format!("`{name}` on {device} was cancelled"),
            ).into()),
            done = asking => done,
            () = tokio::time::sleep_until(deadline) => Err(Failure::new(
                FailureKind::Timeout,
                format!("{device} did not finish `{name}` over NETCONF in time"),
            ).hint("ask for less, or give it more time").into()),
        }
    }

    async fn turn(&self, target: &Target) -> Result<pool::Turn, Failure> {
        self.inner.pool.turn(&target.key()).await.map_err(|_| {
            let message = format!("too many requests wait for {} already", target.device.name);
            Failure::new(FailureKind::Timeout, message).hint("ask again in a moment")
        })
    }

    async fn shared(&self, turn: &pool::Turn, target: &Target) -> Result<pool::Lease, Failure> {
        let inner = &self.inner;
        let found = inner.pool.session(turn, |slot| inner.open(target, slot, None)).await?;
        Inner::reap(inner);
        Ok(found)
    }

    /// The modules of the YANG library, where an operation names one that the hello does not.
    async fn library<'s>(&self, session: &'s Arc<Session>, operation: &Operation) -> Option<&'s [Module]> {
        let capabilities = &session.hello.capabilities;
        let unknown = |module: &String| capabilities.namespace_of(module).is_none();
        if !operation.modules().iter().any(unknown) {
            return None;
        }
        self.read_library(session).await
    }

    /// The modules of the YANG library (RFC 8525, RFC 7895), asked for once in a session.
    async fn read_library<'s>(&self, session: &'s Arc<Session>) -> Option<&'s [Module]> {
        session.hello.capabilities.yang_library()?;
        let modules = session.library.get_or_init(|| async {
            // The old form stays beside the new one in servers that have both.
            let tree = |name: &str| Element::known(name).namespace(LIBRARY);
            let filter = Element::known("filter")
                .with("type", "subtree")
                .child(tree("modules-state"))
                .child(tree("yang-library"));
            let asked = session.send(Element::known("get").child(filter), true).ok();
            let answer = match asked {
                Some(asked) => asked.answer(self.inner.settings.idle_timeout, true).await.ok(),
                None => None,
            };
            answer.map(|answer| library::modules(&answer.text)).unwrap_or_default()
        });
        Some(modules.await.as_slice())
    }

    async fn attempt(&self, request: &Request, stage: &Stage) -> Result<Reply, AskError> {
        let Request { target, operation, .. } = request;
        let turn = self.turn(target).await?;
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let lease = self.shared(&turn, target).await?;
            let (session, warm) = (&lease.session, lease.warm);
            let who = &session.shared.who;
            let library = self.library(session, operation).await;
            let namespaces = |module: &str| {
                session.hello.capabilities.namespace_of(module).or_else(|| {
                    let found = library?.iter().find(|known| known.name == module)?;
                    Some(found.namespace.clone())
                })
            };
            let element = operation.element(&session.hello.capabilities, who, &namespaces)?;
            let begun = Instant::now();
            stage.reached(session);
            let asked = match session.send(element, operation.reads()) {
                Ok(asked) => asked,
                // It ended just now, before anything was sent.
                Err(lost) if lost.closed && warm && tries > 0 => continue,
                Err(lost) => return Err(lost.failure.into()),
            };
            match asked.answer(self.inner.settings.idle_timeout, warm).await {
                Ok(answer) => return error::judge(who, operation.name(), answer, begun.elapsed(), warm),
                Err(lost) if lost.closed && warm && tries > 0 && operation.reads() => {
                    tracing::debug!(device = who, "a warm session was dead; dialling again");
                }
                Err(lost) if lost.closed && !operation.reads() => {
                    let hint = "whether it was done is unknown";
                    return Err(lost.failure.hint(hint).into());
                }
                Err(lost) => return Err(lost.failure.into()),
            }
        }
    }
}
