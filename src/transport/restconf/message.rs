//! What is asked by RESTCONF, and what a device says.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::inventory::Device;
use crate::yang::{Path, Query};

/// One resource of one device.
#[derive(Debug, Clone)]
pub struct Request {
    /// The device to ask.
    pub device: Arc<Device>,
    /// Which resource; below `data` (RFC 8040, 3.3.1).
    pub path: Path,
    /// What of it.
    pub query: Query,
    /// When to give up.
    pub deadline: Instant,
    /// Ends the request at once when cancelled.
    pub cancel: CancellationToken,
}

/// How data are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// RFC 7951.
    #[default]
    Json,
    /// RFC 7950.
    Xml,
}

impl Format {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Xml => "XML",
        }
    }

    /// The media type (RFC 8040, 11.3).
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/yang-data+json",
            Self::Xml => "application/yang-data+xml",
        }
    }

    /// The one to try next.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Json => Self::Xml,
            Self::Xml => Self::Json,
        }
    }

    /// A document without data.
    pub(super) fn nothing(self) -> &'static str {
        match self {
            Self::Json => "{}",
            Self::Xml => "<data/>",
        }
    }
}

/// What a device said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// One whole document; without members when there is nothing.
    pub text: String,
    /// Its format.
    pub format: Format,
    /// The resource is empty, or not there: no data, and no failure.
    pub nothing: bool,
    /// From the first byte sent to the last one received; without connecting and finding the root.
    pub took: Duration,
    /// Whether all of it went over a connection that had been open already.
    pub warm: bool,
    /// What a reader of the answer must know: an unverified certificate, why there is nothing.
    pub notes: Vec<String>,
}
