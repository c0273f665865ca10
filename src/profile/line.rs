//! A device's command line with places for typed arguments:
//! `show ip route [vrf {vrf}] [{prefix.ip} {prefix.mask}]`.

use crate::error::{Error, Result};
use crate::verb::Arguments;

/// A parsed command line of a profile.
///
/// `{name}` stands for an argument, `{name.attribute}` for a part of one (`ip`, `mask`, `length`,
/// `wildcard`, `family`), and what is between brackets is left out when an argument in it is
/// missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    text: String,
}

impl CommandLine {
    /// Reads a line; the error's message names what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { text: text.to_owned() })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The line for these arguments.
    pub fn render(&self, _arguments: &Arguments) -> Result<String> {
        Err(Error::new(crate::error::Kind::Internal, "not written yet"))
    }
}
