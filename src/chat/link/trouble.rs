//! Why a call to a platform did not do what was asked, sorted by what to do about it.

use std::fmt;
use std::time::Duration;

/// A failed call. No variant holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No answer, or a server's own fault (5xx): try again after a while.
    Unreachable {
        /// What happened.
        why: String,
        /// Whether the request may have been carried out all the same.
        sent: bool,
    },
    /// The platform names the time after which to try again.
    Wait(Duration),
    /// The credentials are wrong: loudly, and seldom again.
    Login(String),
    /// The payload is not accepted: a plainer form may be.
    Form(String),
    /// Refused for good.
    Refused(String),
}

impl Trouble {
    /// A call that was never sent.
    pub fn unsent(why: impl Into<String>) -> Self {
        Self::Unreachable { why: why.into(), sent: false }
    }

    /// Whether the request may have been carried out although no answer came.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Unreachable { sent: true, .. })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { why, .. } | Self::Login(why) | Self::Form(why) | Self::Refused(why) => {
                f.write_str(why)
            }
            Self::Wait(time) => write!(f, "asked to wait {} s", time.as_secs()),
        }
    }
}

impl std::error::Error for Trouble {}
