//! One session and everything that is asked on it (RFC 6241, 4.1 and 4.2).
//!
//! Two tasks belong to a session, one that reads and one that writes, so that a server which stops
//! reading while it answers never blocks both. They end with it. Whoever asks waits on a channel of
//! its own; what arrives is matched by its `message-id`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use russh::ChannelWriteHalf;
use russh::client::Msg;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::asked::Asked;
use super::channel::{self, Opened, Wire};
use super::element::Element;
use super::frame::{Standing, encode};
use super::hello::Hello;
use super::notification::Sink;
use super::rpc_error::NAMESPACE;
use super::settings::Settings;
use super::shared::{Lost, Pending, Shared, State};
use crate::error::{Failure, FailureKind};
use crate::transport::Module;
use crate::transport::ssh::connect::Link;

/// For the channel to take what is sent: a server that reads nothing is stuck.
const SEND_TIME: Duration = Duration::from_secs(10);
/// An open session.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    /// What the server said.
    pub(super) hello: Hello,
    /// The modules of its YANG library, where the hello does not tell all.
    pub(super) library: OnceCell<Vec<Module>>,
    pub(super) link: Link,
    out: mpsc::Sender<Bytes>,
    tasks: [AbortHandle; 2],
    pub(super) settings: Arc<Settings>,
    /// Where the tasks that end sessions run.
    pub(super) goodbyes: TaskTracker,
    /// Askers that hold it, whether or not they have sent already.
    pub(super) askers: AtomicUsize,
    /// The right to be open.
    _slot: OwnedSemaphorePermit,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
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
        Ok(Arc::new(Self {
            shared,
            hello,
            library: OnceCell::new(),
            link,
            out,
            tasks,
            settings,
            goodbyes,
            askers: AtomicUsize::new(0),
            _slot: slot,
        }))
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
        let askers = self.askers.load(Ordering::SeqCst);
        self.shared.with(|state| (askers.max(state.pending.len()), state.idle_since))
    }

    /// Why nothing more comes.
    pub(super) fn why_ended(&self) -> Failure {
        self.shared.with(|state| state.ended.as_ref().map(|lost| lost.failure.clone())).unwrap_or_else(|| {
            let message = format!("the NETCONF session with {} ended", self.shared.who);
            Failure::new(FailureKind::Connect, message)
        })
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
