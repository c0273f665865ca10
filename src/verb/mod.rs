//! Verbs: what people say and what they get. One file of `device-profiles/verbs/` each; no vendor.

pub mod load;
mod via;

pub use via::Via;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

use crate::table::Type;

/// The right that a verb needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Reads state.
    #[default]
    Read,
    /// Sends probes into the network.
    Probe,
}

/// What a verb asks that no platform needs sources for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// Data of a YANG model by their path.
    Data,
    /// The modules of a device.
    Modules,
    /// A module's text.
    Schema,
}

/// One verb.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verb {
    /// The word people type.
    #[serde(rename = "verb")]
    pub name: String,
    /// Other words for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// One sentence for `help`.
    pub help: String,
    /// Questions that work on the demonstration network, each a whole message.
    pub examples: Vec<String>,
    /// The right it needs.
    #[serde(default)]
    pub class: Class,
    /// What it asks by itself; where there is nothing, the platforms' sources say it.
    #[serde(default)]
    pub asks: Option<Asks>,
    /// Seconds for the whole answer where the usual limit is too short (a trace with silent hops).
    #[serde(default)]
    pub timeout: Option<u64>,
    /// What the bot itself does with the targets, without asking a device. Where the verb also has an argument
    /// that is required `only` of devices, it is the bot's answer when that one is not given
    /// (`ping 10.0.0.1`, but `ping r1 10.0.0.1`).
    #[serde(default)]
    pub bot: Option<Native>,
    /// The `int` argument that says how many of each device's last rows are kept, for outputs that
    /// devices only print whole.
    #[serde(default)]
    pub newest: Option<String>,
    /// What may or must be said beside the targets, in positional order.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// The columns of its table; none for `show`, whose parser decides.
    #[serde(default)]
    pub columns: Vec<ColumnDef>,
    /// The columns that name a row within one device.
    #[serde(default)]
    pub key: Vec<String>,
    /// The columns that change all the time (counters, ages) and mean nothing in a comparison.
    #[serde(default)]
    pub volatile: Vec<String>,
    /// The columns to order rows by, `-` before one that descends; `state` columns put trouble first.
    #[serde(default)]
    pub sort: Vec<String>,
}

/// A probe that the bot sends itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Native {
    /// ICMP echo.
    Ping,
    /// The hops to a host.
    Trace,
    /// The hops again and again, with their losses.
    Mtr,
    /// The MTU of a path.
    Pmtu,
    /// Whether TCP ports are open.
    Tcp,
    /// A question to a name server.
    Dns,
    /// A server's certificates.
    Tls,
    /// Many devices ping many hosts.
    Mping,
    /// Many devices trace many hosts.
    Mtrace,
}

impl Native {
    /// Whether devices are asked all the same, each about many hosts.
    pub fn is_matrix(self) -> bool {
        matches!(self, Self::Mping | Self::Mtrace)
    }
}

/// Whose argument it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// What the bot answers itself.
    Bot,
    /// What devices answer.
    Device,
}

impl Verb {
    /// The argument of every verb with sources that says how the devices are asked.
    pub const VIA: &str = "via";

    /// What the bot does itself when the verb is asked with these arguments; `None` where devices are asked.
    pub fn by_bot(&self, arguments: &Arguments) -> Option<Native> {
        let of_devices = |argument: &&Argument| argument.required && argument.only == Some(By::Device);
        let native = self.bot?;
        match self.arguments.iter().find(of_devices) {
            Some(argument) if arguments.contains_key(&argument.name) => None,
            _ => Some(native),
        }
    }

    /// Whether no device is ever asked by its platform's sources.
    pub fn only_by_bot(&self) -> bool {
        self.by_bot(&Arguments::new()).is_some()
            && !self.arguments.iter().any(|argument| argument.only == Some(By::Device))
    }
}

/// A column of a verb.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnDef {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(default, rename = "type")]
    pub kind: Type,
    /// What it means, for the docs page.
    #[serde(default)]
    pub help: String,
    /// For `state` columns: the words that are fine; anything else is trouble and sorts first.
    #[serde(default)]
    pub good: Vec<String>,
    /// For `state` columns: every word that there is. Another one stays as the device wrote it, with a note.
    #[serde(default)]
    pub values: Vec<String>,
    /// For `state` columns: words that stand instead of the cell where other columns are so
    /// (`{admin-down: {admin: down}}`).
    #[serde(default)]
    pub instead: BTreeMap<String, BTreeMap<String, String>>,
}

/// An argument or option of a verb.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its name: `name value` and `name=value` always work.
    pub name: String,
    /// What it accepts.
    #[serde(rename = "type")]
    pub kind: ArgumentType,
    /// May be given by position, without its name.
    #[serde(default)]
    pub positional: bool,
    /// Must be given.
    #[serde(default)]
    pub required: bool,
    /// For verbs that the bot and devices answer: whose argument it is.
    #[serde(default)]
    pub only: Option<By>,
    /// What it means.
    pub help: String,
    /// For `int`: the least and the greatest value.
    #[serde(default)]
    pub range: Option<(i64, i64)>,
    /// For `choice`: the words.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Used when it is not given.
    #[serde(default)]
    pub default: Option<String>,
    /// For addresses and prefixes: the networks that are refused.
    #[serde(default)]
    pub deny: Vec<IpNetwork>,
    /// The column that it narrows: where a device's command takes no such argument, the rows whose cell
    /// is another one are left out.
    #[serde(default)]
    pub narrows: Option<String>,
}

/// What an argument accepts. Nothing but the typed value ever reaches a device's command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgumentType {
    /// A name: letters, digits and `_ . : / + - @` up to 64 characters, not beginning with `-`.
    Word,
    /// An address.
    Ip,
    /// An address or an address with a length.
    Prefix,
    /// An address or a DNS name.
    Host,
    /// A hardware address in any usual form.
    Mac,
    /// An interface name: as `word`, with blanks folded away.
    Interface,
    /// A whole number within `range`.
    Int,
    /// One of `choices`, unique prefixes allowed.
    Choice,
    /// A length of time: `500ms`, `2s`; a bare number is seconds. From 1 ms to an hour.
    Duration,
    /// TCP ports: `22,80,8000-8010`.
    Ports,
    /// A name server: `@192.0.2.53`.
    Server,
    /// A target expression without blanks: `r1,@core`.
    Targets,
    /// Present or not.
    Flag,
    /// A path to data of a YANG model, or one word that a platform has for one.
    Path,
    /// Nodes to select below a path (RFC 8040, 4.8.3).
    Fields,
    /// The rest of the line (the command of `show`); passes the platform's read-only gate later.
    Line,
}

/// A typed, validated argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type", content = "value")]
pub enum ArgumentValue {
    /// A word, an interface, a DNS name or a choice.
    Word(String),
    /// An address.
    Ip(IpAddr),
    /// An address with a length.
    Prefix(IpNetwork),
    /// A number.
    Int(i64),
    /// A flag that was given.
    Flag,
}

impl fmt::Display for ArgumentValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Ip(ip) => ip.fmt(f),
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Flag => f.write_str("yes"),
        }
    }
}

/// The arguments of one question, by name.
pub type Arguments = BTreeMap<String, ArgumentValue>;
