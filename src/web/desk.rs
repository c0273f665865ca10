//! The few things that the console wants of whoever answers. [`Bot`] is the one that does; the
//! tests put a desk of their own in its place to hold an answer back as long as they like.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::bot::{Bot, Incoming, Progress};
use crate::catalogue::Catalogue;
use crate::command::{self, Completion};
use crate::metrics::Board;

/// Whoever answers the console's questions.
pub trait Desk: Send + Sync + 'static {
    /// Answers one message; see [`Bot::answer`].
    fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, Answer>;

    /// An earlier answer, as long as it is kept.
    fn kept(&self, id: &str) -> Option<Arc<Answer>>;

    /// How the links to chat platforms are doing.
    fn board(&self) -> Arc<Board> {
        Arc::default()
    }

    /// What is counted, in Prometheus' text format.
    fn metrics(&self) -> String {
        String::new()
    }

    /// The verbs and devices of this moment.
    fn catalogue(&self) -> Arc<Catalogue>;

    /// The ways to go on from `text`, the text before the cursor.
    fn complete(&self, text: &str) -> Vec<Completion> {
        command::complete(&self.catalogue(), text)
    }
}

impl Desk for Bot {
    fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, Answer> {
        Box::pin(Bot::answer(self, incoming, progress, cancel))
    }

    fn kept(&self, id: &str) -> Option<Arc<Answer>> {
        Bot::kept(self, id)
    }

    fn board(&self) -> Arc<Board> {
        Bot::board(self)
    }

    fn metrics(&self) -> String {
        Bot::metrics(self)
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Bot::catalogue(self)
    }
}
