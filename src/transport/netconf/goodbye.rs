//! The end of a session: politely, by `close-session`, or by force, by `kill-session`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::channel::{self, Opened};
use super::element::Element;
use super::frame::encode;
use super::rpc_error::NAMESPACE;
use super::session::Session;

/// For a polite end, whatever it takes.
pub(super) const GOODBYE: Duration = Duration::from_secs(3);
/// For the answer to `close-session` or `kill-session`.
const LAST_ANSWER: Duration = Duration::from_secs(1);

impl Session {
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

    fn finish(self: &Arc<Self>, kill: bool) {
        // Outside of the runtime there is nobody to say goodbye; dropping it cuts the connection.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let session = Arc::clone(self);
        self.goodbyes.spawn(async move {
            let polite = async {
                if kill {
                    session.kill().await;
                } else {
                    session.close().await;
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
}
