//! What dials, the pool, and the task that ends idle sessions.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::notification::Sink;
use super::pool::Pool;
use super::request::Target;
use super::session::Session;
use super::settings::Settings;
use crate::error::Failure;
use crate::transport::ssh::connect::Dialer;

/// Idle sessions are looked at so often at least, for those that died.
const REAP: Duration = Duration::from_secs(15);

/// What all clones of the transport share.
pub(super) struct Inner {
    pub(super) settings: Arc<Settings>,
    pub(super) dialer: Arc<Dialer>,
    pub(super) pool: Pool,
    pub(super) reaper: Mutex<Option<AbortHandle>>,
    pub(super) goodbyes: TaskTracker,
}

impl Inner {
    /// Dials a device and opens a session.
    pub(super) async fn open(
        &self,
        target: &Target,
        slot: OwnedSemaphorePermit,
        sink: Option<Sink>,
    ) -> Result<Arc<Session>, Failure> {
        let link = self.dialer.dial(&target.dialled(), &target.platform, &target.jumps).await?;
        Session::open(link, Arc::clone(&self.settings), self.goodbyes.clone(), slot, sink).await
    }

    /// Starts the reaper unless it runs. It ends by itself when nothing is open.
    pub(super) fn reap(inner: &Arc<Self>) {
        let mut reaper = inner.reaper.lock().unwrap_or_else(PoisonError::into_inner);
        if reaper.is_none() {
            let task = tokio::spawn(Self::reaper(Arc::downgrade(inner)));
            *reaper = Some(task.abort_handle());
        }
    }

    async fn reaper(inner: Weak<Self>) {
        while let Some(inner) = inner.upgrade() {
            let next = {
                let mut reaper = inner.reaper.lock().unwrap_or_else(PoisonError::into_inner);
                let (expired, next) = inner.pool.expired();
                for session in expired {
                    // One that takes no more is ended by the last of its askers.
                    if session.load().0 == 0 {
                        session.retire();
                    }
                }
                if next.is_none() {
                    *reaper = None;
                }
                next
            };
            drop(inner);
            let Some(next) = next else { return };
            tokio::time::sleep_until(next.min(Instant::now() + REAP)).await;
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(reaper) = self.reaper.lock().unwrap_or_else(PoisonError::into_inner).take() {
            reaper.abort();
        }
    }
}
