//! Something that was asked on a session, and the wait for its answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::session::Session;
use super::shared::{Answered, Lost};
use crate::error::{Failure, FailureKind};

/// A session that was open already and says nothing for so long is asked whether it still lives.
const SUSPICION: Duration = Duration::from_secs(3);

/// An operation under way. When it is dropped before its answer came, the session is told.
pub(super) struct Asked {
    session: Arc<Session>,
    id: u64,
    answer: oneshot::Receiver<Answered>,
    done: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.done {
            self.answer.close();
            self.session.abandon(self.id);
        }
    }
}

impl Asked {
    pub(super) fn new(session: Arc<Session>, id: u64, answer: oneshot::Receiver<Answered>) -> Self {
        Self { session, id, answer, done: false }
    }

    /// The answer, without a limit of its own.
    pub(super) async fn bare(mut self) -> Answered {
        let answered = (&mut self.answer).await;
        self.end(answered)
    }

    /// The answer, as long as the server does not fall silent for `idle`. A session that was
    /// `warm` may have died unnoticed, as where a firewall forgot it.
    pub(super) async fn answer(mut self, idle: Duration, warm: bool) -> Answered {
        let mut suspicious = warm;
        let begun = Instant::now();
        loop {
            let (sent, heard, standing) = self.session.clock(self.id);
            let since = sent.unwrap_or(begun).max(heard);
            let doubtful = suspicious && sent.is_none_or(|sent| heard < sent);
            let limit = if doubtful { SUSPICION.min(idle) } else { idle };
            if since.elapsed() < limit {
                tokio::select! {
                    biased;
                    answered = &mut self.answer => return self.end(answered),
                    () = tokio::time::sleep_until(since + limit) => {}
                }
                continue;
            }
            let shared = Arc::clone(&self.session.shared);
            if doubtful {
                suspicious = false;
                if !self.session.link.answers(SUSPICION).await {
                    let message = format!("{} does not answer any more", shared.who);
                    shared.end(Lost { failure: Failure::new(FailureKind::Timeout, message), closed: true });
                }
            } else {
                let message =
                    format!("{} fell silent for {idle:?} while it owed an answer, {standing}", shared.who);
                let failure = Failure::new(FailureKind::Timeout, message);
                let failure = match standing.missing {
                    Some(_) => failure.hint("the chunk's header may promise more than there is"),
                    None => failure.hint("the operation may take longer than the idle timeout"),
                };
                shared.end(Lost { failure, closed: false });
            }
            // Either the answer came in the meantime, or the end did.
            if let Ok(answered) = self.answer.try_recv() {
                return self.end(Ok(answered));
            }
        }
    }

    fn end(&mut self, answered: Result<Answered, oneshot::error::RecvError>) -> Answered {
        self.done = true;
        self.session.settle();
        answered.unwrap_or_else(|_| {
            let message = format!("the NETCONF session with {} ended", self.session.shared.who);
            Err(Lost { failure: Failure::new(FailureKind::Connect, message), closed: true })
        })
    }
}
