//! The path of a message.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::catalogue::Catalogue;

/// A message that somebody typed, wherever.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Incoming {
    /// Who asked.
    pub who: Who,
    /// Where the answer goes.
    pub place: String,
    /// What was typed.
    pub text: String,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The way in (`console`, `terminal`, a chat platform's name).
    pub way: String,
    /// Their identity there.
    pub id: String,
    /// Their name for people.
    pub name: String,
}

/// How far a question has come; sent as it happens, the last one standing for all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The job's id, which `cancel` takes.
    pub job: String,
    /// The question as understood.
    pub question: String,
    /// Devices that are done.
    pub done: usize,
    /// Devices asked.
    pub total: usize,
    /// The names of those still awaited, at most five.
    pub waiting: Vec<String>,
    /// The newest lines of a command that streams, at most twenty.
    pub lines: Vec<String>,
}

/// The bot: shared by every way in.
#[derive(Debug)]
pub struct Bot {
    catalogue: Arc<Catalogue>,
}

impl Bot {
    /// A bot over this catalogue.
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue }
    }

    /// Answers one message. `progress` is told how far it is; `cancel` ends it early with what it has.
    pub async fn answer(
        &self,
        incoming: Incoming,
        _progress: watch::Sender<Progress>,
        _cancel: CancellationToken,
    ) -> Answer {
        Answer::of(incoming.text, Vec::new())
    }

    /// An earlier answer by its id, as long as it is kept.
    pub fn kept(&self, _id: &str) -> Option<Arc<Answer>> {
        None
    }

    /// The catalogue that questions are answered from.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }
}
