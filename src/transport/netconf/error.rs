//! Why something that was asked has no answer: the server's errors, or the way to it.

use std::fmt;
use std::time::Duration;

use super::reply::Reply;
use super::rpc_error::{RpcError, Severity, line};
use super::shared::Answer;
use crate::error::{Failure, FailureKind};

/// A server's refusal: one `rpc-error` or several (RFC 6241, 4.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    /// The device for messages: `r1 (10.0.0.1:830)`.
    pub who: String,
    /// The operation.
    pub operation: String,
    /// The errors, at least one, warnings among them.
    pub errors: Vec<RpcError>,
    /// The reply, if it has data beside the errors.
    pub data: Option<String>,
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("who", &self.who)
            .field("errors", &self.errors)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused `{}`", self.who, line(&self.operation))?;
        let mut errors = self.errors.iter().filter(|error| error.severity == Severity::Error);
        for (error, mark) in errors.by_ref().take(3).zip([": ", "; then: ", "; then: "]) {
            write!(f, "{mark}{error}")?;
        }
        match errors.count() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Refused {}

/// Why something that was asked has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The server answered with errors.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// There is no answer.
    #[error("{0}")]
    Failed(#[from] Failure),
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Failed(failure) => failure,
            AskError::Refused(refused) => {
                let failure = Self::new(FailureKind::Rejected, refused.to_string());
                let hint = refused.errors.iter().find_map(RpcError::hint);
                let failure = match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                };
                match refused.data {
                    Some(data) => failure.partial(data),
                    None => failure,
                }
            }
        }
    }
}

/// Makes a reply of an answer, or an error where the server says so.
pub(super) fn judge(
    who: &str,
    operation: &str,
    answer: Answer,
    took: Duration,
    warm: bool,
) -> Result<Reply, AskError> {
    let Answer { text, errors, lossy } = answer;
    if errors.iter().any(|error| error.severity == Severity::Error) {
        let data = has_data(&text).then_some(text);
        let (who, operation) = (who.to_owned(), operation.to_owned());
        return Err(AskError::Refused(Box::new(Refused { who, operation, errors, data })));
    }
    Ok(Reply { text, warnings: errors, lossy, took, warm })
}

/// Whether a reply with errors has something else in it, too.
fn has_data(text: &str) -> bool {
    use quick_xml::events::Event;
    let mut reader = quick_xml::reader::Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                depth += 1;
                if depth == 2 && start.local_name().as_ref() != "rpc-error" {
                    return true;
                }
            }
            Ok(Event::Empty(start)) if depth == 1 && start.local_name().as_ref() != "ok" => return true,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}
