//! What a session shares with its tasks: who waits for what, and to whom a message belongs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::channel::Progress;
use super::element::Element;
use super::notification::Sink;
use super::received::{Kind, Received, receive};
use super::rpc_error::{RpcError, line};
use crate::error::{Failure, FailureKind};

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

/// How a wait ends.
pub(super) type Answered = Result<Answer, Lost>;

/// What has been sent and not answered.
pub(super) struct Pending {
    /// The operation, if others may share its answer.
    pub(super) shared: Option<Element>,
    pub(super) waiters: Vec<oneshot::Sender<Answered>>,
    pub(super) sent: Instant,
}

/// Where a session stands.
pub(super) struct State {
    pub(super) last_id: u64,
    pub(super) pending: BTreeMap<u64, Pending>,
    pub(super) ended: Option<Lost>,
    /// Nothing more is asked on it.
    pub(super) retired: bool,
    /// Nobody waits for some of what is pending.
    pub(super) abandoned: bool,
    pub(super) idle_since: Instant,
}

/// What the session shares with its tasks.
pub(super) struct Shared {
    pub(super) who: String,
    pub(super) progress: Arc<Progress>,
    pub(super) state: Mutex<State>,
    pub(super) sink: Option<Sink>,
}

impl Shared {
    /// Looks at the state, or changes it.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
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
    ///
    /// # Errors
    /// The session is of no use any more: a sentence without its subject.
    pub(super) fn deliver(&self, message: Vec<u8>) -> Result<(), String> {
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
                if let Some(sink) = &self.sink {
                    sink.give(received.text);
                } else {
                    tracing::debug!(device = self.who, "a notification that nobody asked for");
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
