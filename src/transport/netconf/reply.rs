//! A server's answer.

use std::time::Duration;

use super::received;
use super::rpc_error::RpcError;
use crate::error::{Failure, FailureKind};

/// A whole `rpc-reply` without errors (RFC 6241, 4.2). `Debug` does not show it: configurations
/// have secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reply as the server wrote it, for the parsers.
    pub text: String,
    /// What the server remarked (RFC 6241, 4.3: severity `warning`).
    pub warnings: Vec<RpcError>,
    /// Whether bytes that are no UTF-8 were replaced by U+FFFD.
    pub lossy: bool,
    /// From sending to the last byte; without connecting.
    pub took: Duration,
    /// Whether the session had been open already.
    pub warm: bool,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("bytes", &self.text.len())
            .field("warnings", &self.warnings)
            .field("took", &self.took)
            .field("warm", &self.warm)
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// What a reader of the answer must know.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.warnings.iter().map(|one| format!("a warning: {one}")).collect();
        if self.lossy {
            notes.push("bytes that are no UTF-8 were replaced".to_owned());
        }
        notes
    }

    /// The text in the reply's element, unescaped: what `get-schema` gives (RFC 6022, 3.1).
    pub fn content(&self) -> Result<String, Failure> {
        received::content(&self.text)
            .map_err(|what| Failure::new(FailureKind::Parse, format!("the reply is {what}")))
    }
}
