//! What a source asks of a device, and the ways by which it can.

use super::{ArgumentRef, CommandLine};
use crate::error::Result;
use crate::verb::{Arguments, Via};
use crate::yang::{Path, Query};

/// What a source asks, with places for arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A command line over SSH.
    Command(CommandLine),
    /// A command line over JSON-RPC.
    Jsonrpc(CommandLine),
    /// Data of a YANG model, by RESTCONF or NETCONF; arguments stand in the values of keys.
    Yang(Path, Query),
    /// An operation of the device's own by NETCONF (RFC 6241, 4.1): the XML of its element. Arguments stand
    /// in texts and attributes; an element whose text comes out empty is left away.
    Rpc(String),
}

impl Ask {
    /// The ways by which it can be asked, the best first.
    pub fn ways(&self) -> &'static [Via] {
        match self {
            Self::Command(_) => &[Via::Ssh],
            Self::Jsonrpc(_) => &[Via::Jsonrpc],
            Self::Yang(..) => &[Via::Restconf, Via::Netconf],
            Self::Rpc(_) => &[Via::Netconf],
        }
    }

    /// The key of a profile's source that holds it.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Command(_) => "ssh",
            Self::Jsonrpc(_) => "jsonrpc",
            Self::Yang(..) => "yang",
            Self::Rpc(_) => "rpc",
        }
    }

    /// As it is written, on one line.
    pub fn title(&self) -> String {
        match self {
            Self::Command(line) | Self::Jsonrpc(line) => line.as_str().to_owned(),
            Self::Yang(path, _) => path.readable(),
            Self::Rpc(xml) => xml.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    /// Every argument in it.
    ///
    /// # Errors
    /// A place is no name of an argument.
    pub fn arguments(&self) -> Result<Vec<ArgumentRef>> {
        let of_line =
            |line: &CommandLine| line.arguments().into_iter().map(|(found, _)| found.clone()).collect();
        match self {
            Self::Command(line) | Self::Jsonrpc(line) => Ok(of_line(line)),
            Self::Yang(path, _) => {
                let mut found = Vec::new();
                for (_, key) in path.steps().iter().flat_map(|step| &step.keys) {
                    if is_template(key) {
                        found.extend::<Vec<ArgumentRef>>(of_line(&CommandLine::parse(key)?));
                    }
                }
                Ok(found)
            }
            Self::Rpc(xml) => {
                let places = xml.split('{').skip(1);
                places.map(|place| ArgumentRef::parse(place.split('}').next().unwrap_or_default())).collect()
            }
        }
    }
}

/// Whether a value has places for arguments.
fn is_template(value: &str) -> bool {
    value.contains('{')
}

/// A value of a path or an operation with its arguments put in.
///
/// # Errors
/// An argument is missing, or has characters that no argument has.
pub fn fill(value: &str, arguments: &Arguments) -> Result<String> {
    if !is_template(value) {
        return Ok(value.to_owned());
    }
    CommandLine::parse(value)?.value(arguments)
}
