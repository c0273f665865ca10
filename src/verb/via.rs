//! The ways to ask a device.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to ask a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// RFC 8040.
    Restconf,
    /// RFC 6241.
    Netconf,
    /// Command lines over HTTPS.
    Jsonrpc,
    /// Command lines over SSH.
    Ssh,
}

impl Via {
    /// All of them, by the words that people type.
    pub const ALL: [(&'static str, Self); 4] = [
        ("restconf", Self::Restconf),
        ("netconf", Self::Netconf),
        ("jsonrpc", Self::Jsonrpc),
        ("ssh", Self::Ssh),
    ];

    /// The word that people type.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, via)| *via == self).map_or("", |(word, _)| word)
    }

    /// The way of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, via)| *via)
    }
}

/// The name for people.
impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restconf => "RESTCONF",
            Self::Netconf => "NETCONF",
            Self::Jsonrpc => "JSON-RPC",
            Self::Ssh => "SSH",
        })
    }
}
