//! The contract of chat connectors, and what all of them share.
//!
//! ```text
//!   platform ◄═ link ═► connector ──Asked──► desk ──► store: seen? ──► confirmed to the platform
//!                           ▲                  │
//!                           │                  └─► one task per question: bot ─► parts ─► store
//!                           └──── reply, edit, file ◄────────────────────────────┘
//! ```
//!
//! A connector is a folder of the same files: `mod.rs` (the [`Connector`]), `wire.rs` (what comes in, read
//! without a panic), `link.rs` (connect, keep, come back), `render.rs` (a [`Message`] in the platform's form,
//! within its limits) and `check.rs` (what is missing in its set-up). None knows another. The terminal is a
//! way in of its own kind, without a link.

pub mod desk;
pub mod intake;
pub mod link;
pub mod mattermost;
pub mod parts;
pub mod since;
pub mod slack;
pub mod terminal;
pub mod webex;
pub mod xmpp;

pub use desk::Desk;
pub use link::Trouble;
pub use parts::{Action, Message, Part};

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::answer::pages::{File, Shape};
use crate::bot::{Bot, Incoming, Progress, Who};
use crate::command::{self, Command};

/// A message, a button press or a command that came over a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What it is known by when it comes again; at least one.
    pub keys: Vec<String>,
    /// Who asked: the platform's immutable id, never a name from the text.
    pub who: Who,
    /// Where the answer goes.
    pub place: Place,
    /// What was typed, or what the button says.
    pub text: String,
    /// How it was asked.
    pub how: How,
    /// Why this asker gets no answer.
    #[serde(default)]
    pub denied: Option<String>,
}

/// How a question was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The bot was mentioned.
    Mention,
    /// In a conversation with the bot alone.
    Direct,
    /// By the platform's command (`/nocbot`).
    Command,
    /// By a button of an answer.
    Button,
    /// In a room, without a word to the bot: answered only behind `!`, and only if it is understood.
    Overheard,
}

/// Where an answer goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The channel, space, room or person.
    pub channel: String,
    /// The thread's root.
    pub thread: Option<String>,
    /// The message itself, for reactions and for fetching its text.
    pub message: Option<String>,
    /// An address for answers to this one message, where the platform gives one.
    pub reply: Option<String>,
}

/// What a platform has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Tables that the platform lays out itself.
    pub tables: bool,
    /// Buttons whose press comes over the link.
    pub buttons: bool,
    /// How often a message may be edited; nothing means never.
    pub edits: Option<usize>,
    /// Threads.
    pub threads: bool,
    /// Messages that only the asker sees.
    pub ephemeral: bool,
    /// Files.
    pub files: bool,
}

/// A chat platform.
pub trait Connector: Send + Sync + 'static {
    /// Its name: in the audit log, in `status`, in the metrics.
    fn name(&self) -> &'static str;

    /// What it has.
    fn capabilities(&self) -> Capabilities;

    /// What one message may hold.
    fn shape(&self) -> Shape;

    /// Holds the link until `stop`: connects, reads, hands questions to the desk, comes back.
    fn run(self: Arc<Self>, desk: Arc<Desk>, stop: CancellationToken) -> BoxFuture<'static, ()>;

    /// Takes the credentials as they are now: after a call was refused for them.
    fn renew(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    /// Fetches what the event did not say (text, names, rights); nothing when it is not to be answered.
    fn complete(&self, asked: Asked) -> BoxFuture<'_, Result<Option<Asked>, Trouble>> {
        Box::pin(async move { Ok(Some(asked)) })
    }

    /// Sends a message where the question was asked; gives its id.
    fn reply<'a>(&'a self, to: &'a Asked, message: &'a Message) -> BoxFuture<'a, Result<String, Trouble>>;

    /// Replaces a message of ours; doing it twice is as good as once.
    fn edit<'a>(
        &'a self,
        to: &'a Asked,
        id: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), Trouble>>;

    /// Whether a message can take the place of another by [`Connector::edit`].
    fn editable(&self, message: &Message) -> bool {
        self.capabilities().edits.is_some() && !message.private
    }

    /// Takes a message of ours away.
    fn remove<'a>(&'a self, _to: &'a Asked, _id: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    /// Sends a file beside the answer.
    fn file<'a>(&'a self, to: &'a Asked, file: &'a File, tag: &'a str) -> BoxFuture<'a, Result<(), Trouble>>;

    /// A message of ours by its tag, when it is not known whether it was taken.
    fn find<'a>(&'a self, _to: &'a Asked, _tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async { Ok(None) })
    }

    /// Puts a sign on the question, where the platform has that.
    fn react<'a>(&'a self, _to: &'a Asked, _sign: Sign) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    /// Shows that an answer is being written.
    fn typing<'a>(&'a self, _to: &'a Asked) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    /// What is missing in its set-up, one line each; empty when all is well.
    fn check(&self) -> BoxFuture<'_, Vec<Finding>>;
}

/// A sign on a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It was received and waits for its turn.
    Seen,
}

/// One thing that a check looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is as it should be.
    pub ok: bool,
    /// What it is.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// Something that is as it should be.
    pub fn ok(what: impl Into<String>) -> Self {
        Self { ok: true, what: what.into(), hint: None }
    }

    /// Something that is not.
    pub fn wrong(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { ok: false, what: what.into(), hint: Some(hint.into()) }
    }
}

/// Who answers: the bot, or a stand-in in tests.
pub trait Partner: Send + Sync + 'static {
    /// Answers one message, as [`Bot::answer`] does.
    fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, Answer>;

    /// Whether a text is a question that can be understood.
    fn understands(&self, text: &str) -> bool;

    /// Whether a question asks devices, and so waits for its turn.
    fn is_heavy(&self, text: &str) -> bool;

    /// Whole questions that begin with this unfinished one, at most eight.
    fn choices(&self, text: &str) -> Vec<String>;
}

impl Partner for Bot {
    fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, Answer> {
        Box::pin(Self::answer(self, incoming, progress, cancel))
    }

    fn understands(&self, text: &str) -> bool {
        command::understand(text, &self.catalogue()).is_ok()
    }

    fn is_heavy(&self, text: &str) -> bool {
        let question = command::understand(text, &self.catalogue());
        question.is_ok_and(|question| {
            matches!(question.command, Command::Verb { .. } | Command::Show { .. } | Command::Again)
        })
    }

    fn choices(&self, text: &str) -> Vec<String> {
        const MOST: usize = 8;
        let Ok(text) = command::normalise(text) else { return Vec::new() };
        let begun = format!("{text} ");
        let whole = self.complete(&begun).into_iter().filter_map(|completion| {
            let kept = begun.get(..completion.start)?;
            Some(format!("{kept}{}", completion.text).trim_end().to_owned())
        });
        whole.filter(|text| Partner::understands(self, text)).take(MOST).collect()
    }
}

/// Reads a text as a frame of each platform and drops what it says: for fuzzing.
#[doc(hidden)]
pub fn look_at(frame: &str) {
    for look in [slack::look_at, mattermost::look_at, webex::look_at, xmpp::look_at] {
        look(frame);
    }
}
