//! Errors, and who sees them.
//!
//! Two things go wrong in nocbot and they are kept apart:
//!
//! * An [`Error`] ends a whole request or a whole start-up: a question that cannot be understood, a
//!   configuration that does not load, a limit that is reached. Whoever asked sees `message`, the
//!   place with its excerpt, and the hints; the log sees the chain of sources as well.
//! * A [`Failure`] concerns one device of a request. It is a row of the answer and never ends the
//!   request: the other devices' rows stand beside it.
//!
//! Neither carries a secret: messages are built from names, addresses and the device's own words,
//! and secrets are resolved into [`crate::secret::Secret`], which prints as `***`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of thing went wrong; decides the exit code and the colour, never the wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The question cannot be understood or does not fit the inventory.
    Question,
    /// A file of the catalogue or the configuration is wrong.
    Config,
    /// The asker may not do this, or the platform's read-only gate refuses it.
    Denied,
    /// A bound was reached: too many devices, too many jobs, too long a text.
    Limit,
    /// The asker cancelled.
    Cancelled,
    /// The operating system refused something: a file, a socket.
    Io,
    /// A fault of nocbot itself; worth a bug report.
    Internal,
}

/// Where in a text an error stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file as the operator named it, or `question`.
    pub source: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line itself, without its newline.
    pub excerpt: String,
}

/// An error with everything that helps to mend it; boxed, so that a `Result` stays small.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    message: String,
    place: Option<Place>,
    hints: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// `Result` with nocbot's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `message` is for the asker: what failed and where, in one sentence.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), place: None, hints: Vec::new(), source: None }))
    }

    /// An error in what somebody asked.
    pub fn question(message: impl Into<String>) -> Self {
        Self::new(Kind::Question, message)
    }

    /// An error in a file of the catalogue or the configuration.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    /// An error of the operating system, with the operation and the path or address in `message`.
    pub fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        let message = format!("{}: {source}", message.into());
        Self::new(Kind::Io, message).with_source(source)
    }

    /// Adds where it stands.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.place = Some(place);
        self
    }

    /// Adds what to try next; may be called several times.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What sort of error it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The one sentence for the asker.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it stands, if it stands in a text.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// What to try next.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// The whole story in several lines: place, message, excerpt with a caret, hints.
    pub fn report(&self) -> String {
        use fmt::Write as _;
        let mut out = String::new();
        if let Some(place) = &self.0.place {
            let _ = writeln!(out, "{}:{}:{}: {}", place.source, place.line, place.column, self.0.message);
            let _ = writeln!(out, "  | {}", place.excerpt);
            let _ = writeln!(out, "  | {}^", " ".repeat(place.column.saturating_sub(1)));
        } else {
            let _ = writeln!(out, "{}", self.0.message);
        }
        for hint in &self.0.hints {
            let _ = writeln!(out, "  hint: {hint}");
        }
        out.truncate(out.trim_end().len());
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Why one device has no rows, or not all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Its name has no address.
    Resolve,
    /// No TCP connection, or no SSH handshake.
    Connect,
    /// The host key is unknown, changed or revoked.
    HostKey,
    /// The TLS certificate is for another name, expired, of an unknown authority or not the pinned one.
    Certificate,
    /// The login was refused, or a secret could not be had.
    Auth,
    /// The session opened but no prompt was recognised.
    Prompt,
    /// The device refused the command.
    Rejected,
    /// It did not answer in time.
    Timeout,
    /// It answered, but the answer was not what the parser knows.
    Parse,
    /// The platform has no way to answer this verb.
    Unsupported,
    /// The asker cancelled.
    Cancelled,
}

impl FailureKind {
    /// The word shown to people and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::HostKey => "host-key",
            Self::Certificate => "certificate",
            Self::Auth => "auth",
            Self::Prompt => "prompt",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Parse => "parse",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One device's failure: a row of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// What failed, with operation and address; one sentence, no secret.
    pub message: String,
    /// What to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What the device had said until then, cleaned; empty output is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}

impl Failure {
    /// A failure of `kind`.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, partial: None }
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps what had arrived.
    #[must_use]
    pub fn partial(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.partial = (!text.trim().is_empty()).then_some(text);
        self
    }
}
