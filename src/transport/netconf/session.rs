//! One session and everything that is asked on it (RFC 6241, 4.1 and 4.2).
//!
//! Two tasks belong to a session, one that reads and one that writes, so that a server which stops
//! reading while it answers never blocks both. They end with it. Whoever asks waits on a channel of
//! its own; what arrives is matched by its `message-id`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use russh::ChannelWriteHalf;
use russh::client::Msg;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::asked::Asked;
use super::channel::{self, Opened, Progress, Wire};
use super::element::Element;
use super::frame::{Standing, encode};
use super::hello::Hello;
use super::notification::Sink;
use super::received::{Kind, Received, receive};
use super::rpc_error::{NAMESPACE, RpcError, line};
use super::settings::Settings;
use crate::error::{Failure, FailureKind};
use crate::transport::ssh::connect::Link;

/// For the channel to take what is sent: a server that reads nothing is stuck.
const SEND_TIME: Duration = Duration::from_secs(10);
/// For a polite end, whatever it takes.
pub(super) const GOODBYE: Duration = Duration::from_secs(3);
/// For the answer to `close-session` or `kill-session`.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// An answer as it came.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// The whole `rpc-reply`.
    pub(super) text: String,
    /// The errors and warnings in it.
    pub(super) errors: Vec<RpcError>,
    /// Whether bytes that are no UTF-8 were replaced.
    pub(super) lossy: bool,
}

/// Why a session gave no answer.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// In the operator's words.
    pub(super) failure: Failure,
    /// It ended, without having done anything wrong: a fresh one may do better.
    pub(super) closed: bool,
}

pub(super) type Answered = Result<Answer, Lost>;

/// What has been sent and not answered.
struct Pending {
    /// The operation, if others may share its answer.
    shared: Option<Element>,
    waiters: Vec<oneshot::Sender<Answered>>,
    sent: Instant,
}

struct State {
    last_id: u64,
    pending: BTreeMap<u64, Pending>,
    ended: Option<Lost>,
    /// Nothing more is asked on it.
    retired: bool,
    /// Nobody waits for some of what is pending.
    abandoned: bool,
    idle_since: Instant,
}

/// What the session shares with its tasks.
pub(super) struct Shared {
    pub(super) who: String,
    pub(super) progress: Arc<Progress>,
    state: Mutex<State>,
    sink: Option<Sink>,
}

/// An open session.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    /// What the server said.
    pub(super) hello: Hello,
    pub(super) link: Link,
    out: mpsc::Sender<Bytes>,
    tasks: [AbortHandle; 2],
    settings: Arc<Settings>,
    goodbyes: TaskTracker,
    /// The right to be open.
    _slot: OwnedSemaphorePermit,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the session for everybody who waits; the first reason stays.
    pub(super) fn end(&self, lost: Lost) {
        let waiters = self.with(|state| {
            state.ended.get_or_insert_with(|| lost.clone());
            std::mem::take(&mut state.pending)
        });
        for waiter in waiters.into_values().flat_map(|pending| pending.waiters) {
            let _ = waiter.send(Err(lost.clone()));
        }
    }

    /// Gives a message to whom it belongs.
    fn deliver(&self, message: Vec<u8>) -> Result<(), String> {
        let received = receive(message).map_err(|what| format!("sent a message that is {what}"))?;
        match &received.kind {
            Kind::Reply(Some(id)) => {
                let number = id.trim().parse::<u64>().ok();
                let found = number.and_then(|id| {
                    self.with(|state| {
                        let found = state.pending.remove(&id);
                        state.idle_since = Instant::now();
                        found
                    })
                });
                let Some(pending) = found else {
                    return Err(format!("answered the message-id `{}`, which was not asked", line(id)));
                };
                self.answer(pending, received);
                Ok(())
            }
            Kind::Reply(None) => {
                let errors = received.errors().unwrap_or_default();
                let why = errors.first().map(|error| format!(": {error}")).unwrap_or_default();
                Err(format!("sent a reply without a message-id{why}"))
            }
            Kind::Notification => {
                match &self.sink {
                    Some(sink) => sink.give(received.text),
                    None => tracing::debug!(device = self.who, "a notification that nobody asked for"),
                }
                Ok(())
            }
            Kind::Other(name) => Err(format!("sent `{name}` where a reply must be")),
        }
    }

    fn answer(&self, mut pending: Pending, received: Received) {
        let answer = match received.errors() {
            Ok(errors) => Ok(Answer { errors, text: received.text, lossy: received.lossy }),
            // The framing is right, so the others on this session are well off.
            Err(what) => Err(Lost {
                failure: Failure::new(
                    FailureKind::Parse,
                    format!("{} sent a reply that is {what}", self.who),
                ),
                closed: false,
            }),
        };
        let last = pending.waiters.pop();
        for waiter in pending.waiters {
            let _ = waiter.send(answer.clone());
        }
        if let Some(waiter) = last {
            let _ = waiter.send(answer);
        }
    }
}

impl Session {
    /// Opens a session on a connection that is logged in.
    pub(super) async fn open(
        link: Link,
        settings: Arc<Settings>,
        goodbyes: TaskTracker,
        slot: OwnedSemaphorePermit,
        sink: Option<Sink>,
    ) -> Result<Arc<Self>, Failure> {
        let Opened { wire, write, hello } = channel::open(&link, &settings).await?;
        let state = State {
            last_id: 0,
            pending: BTreeMap::new(),
            ended: None,
            retired: false,
            abandoned: false,
            idle_since: Instant::now(),
        };
        let shared = Arc::new(Shared {
            who: link.who().to_owned(),
            progress: Arc::clone(&wire.progress),
            state: Mutex::new(state),
            sink,
        });
        // Room for all that may be under way, so that sending never waits.
        let (out, outgoing) = mpsc::channel(settings.pipeline.max(1) * settings.max_per_device.max(1) + 4);
        let tasks = [
            tokio::spawn(read(wire, Arc::clone(&shared), link.remarks())).abort_handle(),
            tokio::spawn(write_all(write, outgoing, Arc::clone(&shared))).abort_handle(),
        ];
        tracing::debug!(device = shared.who, session = hello.session, "NETCONF session open");
        Ok(Arc::new(Self { shared, hello, link, out, tasks, settings, goodbyes, _slot: slot }))
    }

    /// Sends an operation; the answer of one that is under way is shared if `share` is set.
    pub(super) fn send(self: &Arc<Self>, operation: Element, share: bool) -> Result<Asked, Lost> {
        let (waiter, answer) = oneshot::channel();
        let broken =
            |message: String| Lost { failure: Failure::new(FailureKind::Rejected, message), closed: false };
        let id = self.shared.with(|state| {
            if let Some(lost) = &state.ended {
                return Err(lost.clone());
            }
            let same = state
                .pending
                .iter_mut()
                .find(|(_, pending)| share && pending.shared.as_ref() == Some(&operation));
            if let Some((id, pending)) = same {
                pending.waiters.push(waiter);
                return Ok(*id);
            }
            let id = state.last_id + 1;
            let rpc = Element::known("rpc").namespace(NAMESPACE).with("message-id", &id.to_string());
            let shared = share.then(|| operation.clone());
            let message = rpc.child(operation).write().map_err(|error| broken(error.to_string()))?;
            let bytes = Bytes::from(encode(self.hello.framing, &message));
            self.out.try_send(bytes).map_err(|_| Lost {
                failure: Failure::new(
                    FailureKind::Connect,
                    format!("{} takes nothing more on this NETCONF session", self.shared.who),
                ),
                closed: true,
            })?;
            state.last_id = id;
            state.pending.insert(id, Pending { shared, waiters: vec![waiter], sent: Instant::now() });
            Ok(id)
        })?;
        Ok(Asked::new(Arc::clone(self), id, answer))
    }

    /// Whether something can be asked on it.
    pub(super) fn usable(&self) -> bool {
        !self.link.is_closed() && self.shared.with(|state| state.ended.is_none() && !state.retired)
    }

    /// How much is under way, and since when nothing was if it is nothing.
    pub(super) fn load(&self) -> (usize, Instant) {
        self.shared.with(|state| (state.pending.len(), state.idle_since))
    }

    /// Nobody waits for the answer of `id` any more, unless others share it.
    pub(super) fn abandon(self: &Arc<Self>, id: u64) {
        self.shared.with(|state| {
            let Some(pending) = state.pending.get_mut(&id) else { return };
            pending.waiters.retain(|waiter| !waiter.is_closed());
            if pending.waiters.is_empty() {
                pending.shared = None;
                state.abandoned = true;
                state.retired = true;
            }
        });
        self.settle();
    }

    /// Ends the session if what is still under way is for nobody.
    pub(super) fn settle(self: &Arc<Self>) {
        let kill = self.shared.with(|state| {
            let live = state.pending.values().any(|pending| !pending.waiters.is_empty());
            (state.abandoned && !live && state.ended.is_none()).then(|| {
                state.abandoned = false;
                !state.pending.is_empty()
            })
        });
        if let Some(kill) = kill {
            self.finish(kill);
        }
    }

    /// Takes no more and says goodbye, on a task that ends within seconds.
    pub(super) fn retire(self: &Arc<Self>) {
        self.shared.with(|state| state.retired = true);
        self.finish(false);
    }

    /// Takes no more, and says goodbye when what is under way is done.
    pub(super) fn retire_when_idle(self: &Arc<Self>) {
        let idle = self.shared.with(|state| {
            state.retired = true;
            state.abandoned = true;
            state.pending.is_empty()
        });
        if idle {
            self.settle();
        }
    }

    /// Why nothing more comes.
    pub(super) fn why_ended(&self) -> Failure {
        self.shared.with(|state| state.ended.as_ref().map(|lost| lost.failure.clone())).unwrap_or_else(|| {
            let message = format!("the NETCONF session with {} ended", self.shared.who);
            Failure::new(FailureKind::Connect, message)
        })
    }

    fn finish(self: &Arc<Self>, kill: bool) {
        // Outside of the runtime there is nobody to say goodbye; dropping it cuts the connection.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let session = Arc::clone(self);
        self.goodbyes.spawn(async move {
            let polite = async {
                if kill {
                    session.kill().await
                } else {
                    session.close().await
                }
                session.link.close().await;
            };
            let _ = timeout(GOODBYE, polite).await;
        });
    }

    /// `close-session` (RFC 6241, 7.8).
    async fn close(self: &Arc<Self>) {
        if let Ok(asked) = self.send(Element::known("close-session"), false) {
            let _ = timeout(LAST_ANSWER, asked.bare()).await;
        }
    }

    /// `kill-session` (RFC 6241, 7.9) from a second session on the same connection, so that the
    /// device does not go on with what nobody wants. Not every server has a second session to give.
    async fn kill(&self) {
        let Ok(Opened { mut wire, write, hello }) = channel::open(&self.link, &self.settings).await else {
            return;
        };
        let operations = [
            Element::known("kill-session")
                .child(Element::known("session-id").text(self.hello.session.to_string())),
            Element::known("close-session"),
        ];
        for (number, operation) in (1..).zip(operations) {
            let rpc = Element::known("rpc").namespace(NAMESPACE).with("message-id", &number.to_string());
            let Ok(message) = rpc.child(operation).write() else { return };
            let bytes = Bytes::from(encode(hello.framing, &message));
            if write.data_bytes(bytes).await.is_err() {
                return;
            }
            let _ = timeout(LAST_ANSWER, wire.message()).await;
        }
    }

    /// When the operation was sent, when the server was last heard, and where its message stands.
    pub(super) fn clock(&self, id: u64) -> (Option<Instant>, Instant, Standing) {
        let sent = self.shared.with(|state| state.pending.get(&id).map(|pending| pending.sent));
        let (heard, standing) = self.shared.progress.now();
        (sent, heard, standing)
    }
}

/// Reads until the end.
async fn read(mut wire: Wire, shared: Arc<Shared>, remarks: crate::transport::ssh::connect::Remarks) {
    let lost = loop {
        match wire.message().await {
            Ok(message) => {
                if let Err(what) = shared.deliver(message) {
                    let failure = Failure::new(FailureKind::Parse, format!("{} {what}", shared.who))
                        .hint("the session was closed");
                    break Lost { failure, closed: false };
                }
            }
            Err(end) => {
                let closed = matches!(end, channel::End::Closed);
                break Lost { failure: wire.failure(&shared.who, remarks.goodbye(), end), closed };
            }
        }
    };
    tracing::debug!(device = shared.who, why = lost.failure.message, "NETCONF session ended");
    shared.end(lost);
    if let Some(sink) = &shared.sink {
        sink.close();
    }
}

/// Writes until nobody sends any more.
async fn write_all(write: ChannelWriteHalf<Msg>, mut outgoing: mpsc::Receiver<Bytes>, shared: Arc<Shared>) {
    while let Some(bytes) = outgoing.recv().await {
        if !matches!(timeout(SEND_TIME, write.data_bytes(bytes)).await, Ok(Ok(()))) {
            let message = format!("{} takes nothing more on this NETCONF session", shared.who);
            // The reader may know better why it ended.
            tokio::time::sleep(Duration::from_millis(50)).await;
            shared.end(Lost { failure: Failure::new(FailureKind::Connect, message), closed: true });
            return;
        }
    }
}
