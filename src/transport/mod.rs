//! Transports: bytes out and in. A transport knows devices and profiles, never parsers.

pub mod http;
pub mod jsonrpc;
mod library;
pub mod netconf;
pub mod restconf;
pub mod ssh;
pub mod tcp;
mod xml;

pub use library::{Capabilities, Module};

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::http::Http;
use self::jsonrpc::Jsonrpc;
use self::netconf::{Netconf, Operation};
use self::restconf::Restconf;
use self::ssh::Ssh;
use crate::error::Failure;
use crate::inventory::Device;
use crate::profile::{Platform, Via};
use crate::yang::{Path, Query};

/// One question for one device.
#[derive(Debug, Clone)]
pub struct Request {
    /// The device to ask.
    pub device: Arc<Device>,
    /// Its platform.
    pub platform: Arc<Platform>,
    /// The devices to jump through, outermost first, each with its platform.
    pub jumps: Vec<(Arc<Device>, Arc<Platform>)>,
    /// The whole command line, already validated; of other ways the question's name for people.
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

/// What is asked, by its way.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// The request's command over SSH.
    Command,
    /// The request's command over JSON-RPC.
    Jsonrpc,
    /// Data of a YANG model by RESTCONF.
    Restconf(Path, Query),
    /// An operation by NETCONF.
    Netconf(Operation),
    /// The modules of a device, as one JSON document: a list `module`.
    Modules(Via),
    /// A module's text: its name and, where it matters, its revision.
    Schema(Via, String, Option<String>),
}

impl Ask {
    /// Its way.
    pub fn via(&self) -> Via {
        match self {
            Self::Command => Via::Ssh,
            Self::Jsonrpc => Via::Jsonrpc,
            Self::Restconf(..) => Via::Restconf,
            Self::Netconf(_) => Via::Netconf,
            Self::Modules(via) | Self::Schema(via, ..) => *via,
        }
    }
}

/// What a device said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Cleaned text: no echo, no prompt, no escapes, `\n` line ends. Of other ways than SSH a whole document.
    pub text: String,
    /// From the first byte sent for this command to its end; without connecting.
    pub took: Duration,
    /// Whether the session had been open already.
    pub warm: bool,
    /// What a reader of the answer must know: an unverified certificate, a server's warning.
    pub notes: Vec<String>,
}

/// Everything that can reach a device. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transport {
    /// Command lines.
    pub ssh: Arc<Ssh>,
    /// NETCONF, over the connections of SSH.
    pub netconf: Netconf,
    /// RESTCONF.
    pub restconf: Restconf,
    /// Command lines over HTTPS.
    pub jsonrpc: Jsonrpc,
}

impl Transport {
    /// Everything over one SSH and one HTTPS client.
    pub fn new(ssh: Arc<Ssh>, netconf: netconf::Settings, http: http::Settings) -> Self {
        let http = Http::new(http);
        Self {
            netconf: Netconf::new(&ssh, netconf),
            restconf: Restconf::over(http.clone()),
            jsonrpc: Jsonrpc::over(http),
            ssh,
        }
    }

    /// Asks one device and waits for its answer, the deadline or the cancel token.
    pub async fn run(&self, ask: &Ask, request: Request) -> Result<Output, Failure> {
        match ask {
            Ask::Command => self.ssh.run(request).await,
            Ask::Jsonrpc => self.jsonrpc.run(&request).await,
            Ask::Restconf(path, query) => {
                let Request { device, deadline, cancel, .. } = request;
                let (path, query) = (path.clone(), query.clone());
                let asked = restconf::Request { device, path, query, deadline, cancel };
                let reply = self.restconf.get(asked).await?;
                Ok(Output { text: reply.text, took: reply.took, warm: reply.warm, notes: reply.notes })
            }
            Ask::Modules(via) => self.modules(*via, request).await,
            Ask::Schema(Via::Netconf, module, revision) => {
                let operation = Operation::GetSchema {
                    identifier: module.clone(),
                    version: revision.clone(),
                    format: Some("yang".to_owned()),
                };
                let reply = self.netconf.request(netconf_request(request, operation)).await?;
                let text = reply.content()?;
                let notes = reply.notes();
                Ok(Output { text, took: reply.took, warm: reply.warm, notes })
            }
            Ask::Schema(_, module, revision) => {
                let Request { device, deadline, cancel, .. } = request;
                let reply =
                    self.restconf.schema(device, module, revision.as_deref(), deadline, cancel).await?;
                Ok(Output { text: reply.text, took: reply.took, warm: reply.warm, notes: reply.notes })
            }
            Ask::Netconf(operation) => {
                let reply = self.netconf.request(netconf_request(request, operation.clone())).await?;
                let notes = reply.notes();
                Ok(Output { text: reply.text, took: reply.took, warm: reply.warm, notes })
            }
        }
    }

    async fn modules(&self, via: Via, request: Request) -> Result<Output, Failure> {
        let begun = Instant::now();
        let (deadline, cancel) = (request.deadline, request.cancel.clone());
        let found = match via {
            Via::Netconf => {
                let target = netconf::Target::new(request.device, request.platform, request.jumps);
                self.netconf.modules(&target, deadline, &cancel).await?
            }
            _ => self.restconf.capabilities(request.device, deadline, cancel).await?,
        };
        let (text, notes) = (found.document(), found.notes);
        Ok(Output { text, took: begun.elapsed(), warm: false, notes })
    }

    /// Closes all sessions and connections.
    pub async fn close_all(&self) {
        tokio::join!(self.netconf.close_all(), self.restconf.close_all(), self.ssh.close_all());
    }
}

fn netconf_request(request: Request, operation: Operation) -> netconf::Request {
    let Request { device, platform, jumps, deadline, cancel, .. } = request;
    netconf::Request { target: netconf::Target::new(device, platform, jumps), operation, deadline, cancel }
}
