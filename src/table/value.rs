//! A cell's value and a column's type.

use std::net::IpAddr;
use std::time::Duration;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

/// What a column's cells are; decides how text is read, how cells sort, compare and align.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// Any text; sorted naturally, so that `Gi1/0/10` follows `Gi1/0/9`.
    #[default]
    Text,
    /// A whole number.
    Int,
    /// A number with a fraction (a loss in percent).
    Number,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An address with a length, host bits allowed (`10.0.0.1/24`).
    Prefix,
    /// An address, or a name where the device shows a name: never a wrong type.
    Host,
    /// A MAC address, shown as `aa:bb:cc:dd:ee:ff`.
    Mac,
    /// A length of time, kept in microseconds.
    Duration,
    /// A 4-byte AS number (RFC 6793), asplain or asdot (RFC 5396).
    Asn,
    /// A state word such as `Established` or `up`, which renderers may colour.
    State,
    /// Several texts.
    List,
}

/// One cell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type", content = "value")]
pub enum Value {
    /// The device said nothing here.
    #[default]
    Null,
    /// Text, states, names; also what would not fit the column's type, as the device wrote it.
    Text(String),
    /// Whole numbers and AS numbers.
    Int(i64),
    /// Numbers with a fraction.
    Number(f64),
    /// An address.
    Ip(IpAddr),
    /// An address with a length.
    Prefix(IpNetwork),
    /// A MAC address.
    Mac([u8; 6]),
    /// A length of time.
    Duration(Duration),
    /// Several values.
    List(Vec<Value>),
}
