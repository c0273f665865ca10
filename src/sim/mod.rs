//! Simulated devices on loopback: the network of `nocbot demo`, and of tests and benchmarks.
//!
//! Everything that a device says is computed from one small state file; how it says it is data too
//! (`lab/demo/cli/`). Nothing here knows a vendor.
//!
//! ```text
//!   network.yaml ──► net: who is joined to whom, routes, sessions      cli/<name>.yaml + *.j2
//!                     │ one Net, shared by all                          │ one Dialect per file
//!                     ▼                                                 ▼
//!   Network::start ──► per device: listener task ──► per connection: russh session task
//!        │              (ends at stop)                (ends with the TCP connection)
//!        │                                              │ per channel
//!        │                                              ▼
//!        │                                   shell task or exec task: bytes in, Device::run, bytes out
//!        ▼                                    (ends at `exit`, at the channel's end, or at stop)
//!   Running ── stop ──► one cancel token ──► all of them; `stop` waits for the last
//! ```
//!
//! Beside it, where the device offers it: an HTTPS listener task, RESTCONF and JSON-RPC (https).
//! An idle device costs a listening socket and one parked task for each of the two.

mod cli;
mod data;
mod fault;
mod files;
mod gear;
mod https;
mod net;
mod netconf;
mod roster;
mod running;
mod server;
mod state;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use fault::Fault;
pub use running::{Options, Running};

use crate::error::{Error, Result};
use crate::secret::Secret;
use cli::{Dialect, View};
use files::Files;
use net::Net;
use roster::Roster;
use state::State;

/// A network that is loaded and not yet running.
#[derive(Debug, Clone)]
pub struct Network {
    net: Arc<Net>,
    dialects: BTreeMap<String, Arc<Dialect>>,
    roster: Arc<Roster>,
}

impl Network {
    /// The built-in network, with this number of devices instead of its own. A larger one repeats
    /// the pattern: r7 is a copy of r1, and so on, all in one OSPF area and one AS with one pair of
    /// route reflectors.
    pub fn builtin(devices: Option<usize>) -> Result<Self> {
        Self::from_files(&Files::builtin(), devices)
    }

    /// A network from a directory with `network.yaml` and, where they differ from the built-in ones,
    /// `cli/` and `inventory/`.
    pub fn load(dir: &Path) -> Result<Self> {
        if !dir.is_dir() {
            return Err(Error::config(format!("{} is not a directory", dir.display()))
                .hint("name the directory that has network.yaml in it"));
        }
        Self::from_files(&Files::over(dir), None)
    }

    fn from_files(files: &Files, devices: Option<usize>) -> Result<Self> {
        let (source, text) = files.read("network.yaml")?;
        let written = State::parse(&source, &text)?;
        let count = devices.unwrap_or(written.devices.len());
        let (state, bases) = net::grow(&written, count)?;
        let mut dialects = BTreeMap::new();
        let mut traits = BTreeMap::new();
        for device in state.devices.values() {
            if !dialects.contains_key(&device.cli) {
                let dialect = Dialect::load(files, &device.cli)?;
                traits.insert(device.cli.clone(), dialect.file.traits.clone());
                dialects.insert(device.cli.clone(), Arc::new(dialect));
            }
        }
        let net = Net::new(&state, &bases, &traits)?;
        let roster = Roster::load(files)?;
        for node in &net.nodes {
            roster.role(&node.base)?;
        }
        Ok(Self { net: Arc::new(net), dialects, roster: Arc::new(roster) })
    }

    /// What a device prints for a line in its most privileged mode, without SSH and without faults:
    /// for the tests of parsers. None when there is no such device.
    pub fn print(&self, device: &str, line: &str) -> Option<String> {
        let (index, node) = self.net.node(device)?;
        let dialect = Arc::clone(self.dialects.get(&node.cli)?);
        let view = View { net: Arc::clone(&self.net), index, dialect, started: jiff::Timestamp::now() };
        let device = cli::Device {
            name: node.name.clone(),
            view: Arc::new(view),
            faults: fault::Faults::default(),
            username: String::new(),
            password: Secret::new(""),
            secret: Secret::new(""),
            mode: None,
            sessions: netconf::Sessions::default(),
        };
        let mode = device.first_mode()?;
        Some(device.run(line, &mode).text)
    }

    /// The names of the devices, in their order.
    pub fn devices(&self) -> Vec<String> {
        self.net.nodes.iter().map(|node| node.name.clone()).collect()
    }
}
