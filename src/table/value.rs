//! A cell's value and a column's type.

use std::fmt;
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

impl Type {
    /// Whether cells are written against the right edge of their column.
    pub fn right_aligned(self) -> bool {
        matches!(self, Self::Int | Self::Number | Self::Duration | Self::Asn)
    }

    /// The name in JSON and in the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Number => "number",
            Self::Ip => "ip",
            Self::Prefix => "prefix",
            Self::Host => "host",
            Self::Mac => "mac",
            Self::Duration => "duration",
            Self::Asn => "asn",
            Self::State => "state",
            Self::List => "list",
        }
    }
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

impl Value {
    /// A text cell; the empty text is null.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Null } else { Self::Text(text) }
    }

    /// A whole number, as far as 63 bits go.
    pub fn int(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Whether the cell is empty.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// As JSON for other programs: texts, numbers, durations in seconds, lists, null.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Int(number) => (*number).into(),
            Self::Number(number) => (*number).into(),
            Self::Duration(duration) => duration.as_secs_f64().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            other => other.to_string().into(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            Self::Number(number) => {
                let text = format!("{number:.2}");
                f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
            }
            Self::Ip(ip) => ip.fmt(f),
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Mac(bytes) => {
                let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                f.write_str(&pairs.join(":"))
            }
            Self::Duration(duration) => write_duration(f, *duration),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    item.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

/// `1.234 ms` below a second, `hh:mm:ss` below a day, then `3d04h`, from 100 days on `412d`.
fn write_duration(f: &mut fmt::Formatter<'_>, duration: Duration) -> fmt::Result {
    let seconds = duration.as_secs();
    if seconds == 0 && !duration.is_zero() {
        return write!(f, "{:.3} ms", duration.as_secs_f64() * 1000.0);
    }
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match days {
        0 => write!(f, "{hours:02}:{minutes:02}:{:02}", seconds % 60),
        1..100 => write!(f, "{days}d{hours:02}h"),
        _ => write!(f, "{days}d"),
    }
}
