//! Transports: bytes out and in. A transport knows devices and profiles, never parsers.

pub mod http;
pub mod netconf;
pub mod restconf;
pub mod ssh;
mod tcp;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Failure;
use crate::inventory::Device;
use crate::profile::Platform;

/// One command for one device.
#[derive(Debug, Clone)]
pub struct Request {
    /// The device to ask.
    pub device: Arc<Device>,
    /// Its platform.
    pub platform: Arc<Platform>,
    /// The devices to jump through, outermost first, each with its platform.
    pub jumps: Vec<(Arc<Device>, Arc<Platform>)>,
    /// The whole command line, already validated.
    pub command: String,
    /// After this time Ctrl-C is typed: for commands that never end by themselves.
    pub interrupt: Option<Duration>,
    /// When to give up, partial output kept.
    pub deadline: Instant,
    /// Ends the command at once when cancelled.
    pub cancel: CancellationToken,
    /// Where cleaned output goes as it comes, line by line; lagging receivers lose lines, never
    /// stall the device.
    pub stream: Option<mpsc::Sender<String>>,
}

/// What a device said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Cleaned text: no echo, no prompt, no escapes, `\n` line ends.
    pub text: String,
    /// From the first byte sent for this command to its end; without connecting.
    pub took: Duration,
    /// Whether the session had been open already.
    pub warm: bool,
}

/// Everything that can reach a device.
#[derive(Debug, Clone)]
pub enum Transport {
    /// SSH.
    Ssh(Arc<ssh::Ssh>),
}

impl Transport {
    /// Sends one command and waits for its output, the deadline or the cancel token.
    pub async fn run(&self, request: Request) -> Result<Output, Failure> {
        match self {
            Self::Ssh(ssh) => ssh.run(request).await,
        }
    }
}
