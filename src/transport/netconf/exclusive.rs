//! A session that nobody shares: locks, candidates and confirmed commits belong to one session
//! (RFC 6241, 7.5 and 8.3), so whatever edits must hold one of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::asked::Asked;
use super::capability::Capabilities;
use super::edit::Edit;
use super::error::{AskError, judge};
use super::operation::Operation;
use super::reply::Reply;
use super::session::Session;
use crate::error::{Failure, FailureKind};

/// A session of one's own. Dropping it cuts the connection, and the server gives its locks free.
pub struct Exclusive {
    pub(super) session: Arc<Session>,
    pub(super) idle: Duration,
}

impl std::fmt::Debug for Exclusive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exclusive")
            .field("device", &self.session.shared.who)
            .field("session", &self.session.hello.session)
            .finish_non_exhaustive()
    }
}

impl Exclusive {
    /// The number that the server gave it (RFC 6241, 8.1).
    pub fn id(&self) -> u32 {
        self.session.hello.session
    }

    /// What the server announced.
    pub fn capabilities(&self) -> &Capabilities {
        &self.session.hello.capabilities
    }

    /// Changes something, and waits for the answer no longer than `limit`.
    pub async fn edit(&self, edit: &Edit, limit: Duration) -> Result<Reply, AskError> {
        let element = edit.element(self.capabilities(), &self.session.shared.who)?;
        let asked = self.session.send(element, false).map_err(|lost| lost.failure)?;
        self.wait(asked, edit.name(), limit).await
    }

    /// Asks something, and waits for the answer no longer than `limit`.
    pub async fn ask(&self, operation: &Operation, limit: Duration) -> Result<Reply, AskError> {
        let namespaces = |module: &str| self.capabilities().namespace_of(module);
        let element = operation.element(self.capabilities(), &self.session.shared.who, &namespaces)?;
        let asked = self.session.send(element, false).map_err(|lost| lost.failure)?;
        self.wait(asked, operation.name(), limit).await
    }

    async fn wait(&self, asked: Asked, name: &str, limit: Duration) -> Result<Reply, AskError> {
        let begun = tokio::time::Instant::now();
        let who = &self.session.shared.who;
        match timeout(limit, asked.answer(self.idle, false)).await {
            Ok(Ok(answer)) => judge(who, name, answer, begun.elapsed(), true),
            Ok(Err(lost)) => Err(lost.failure.into()),
            Err(_) => Err(Failure::new(
                FailureKind::Timeout,
                format!("{who} did not answer `{name}` within {limit:?}; its session was ended"),
            )
            .into()),
        }
    }

    /// Ends the session politely.
    pub fn close(self) {
        self.session.retire();
    }
}
