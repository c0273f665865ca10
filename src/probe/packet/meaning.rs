//! What ICMP errors say, in words and in traceroute's marks.

use crate::probe::Family;

/// What an error means for a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The time to live was used up on the way.
    Exceeded,
    /// The destination has nobody at that port: the packet arrived.
    Port,
    /// The packet is too large for a link.
    TooBig,
    /// It cannot get there, or may not.
    Unreachable,
    /// Something else, which ends nothing (a redirect, a source quench).
    Other,
}

/// What an error means.
pub fn meaning(family: Family, kind: u8, code: u8) -> Meaning {
    match (family, kind, code) {
        (Family::V4, 11, 0) | (Family::V6, 3, 0) => Meaning::Exceeded,
        (Family::V4, 3, 3) | (Family::V6, 1, 4) => Meaning::Port,
        (Family::V4, 3, 4) | (Family::V6, 2, _) => Meaning::TooBig,
        (Family::V4, 3, _) | (Family::V6, 1, _) => Meaning::Unreachable,
        _ => Meaning::Other,
    }
}

/// The mark of traceroute for an error that ends a trace (`!H`); empty for the two ordinary ones.
pub fn mark(family: Family, kind: u8, code: u8) -> String {
    let text = match (family, kind, code) {
        (Family::V4, 11, 0) | (Family::V6, 3, 0) | (Family::V4, 3, 3) | (Family::V6, 1, 4) => "",
        (Family::V4, 3, 0 | 6 | 11) | (Family::V6, 1, 0) => "!N",
        (Family::V4, 3, 1 | 7 | 8 | 12) | (Family::V6, 1, 3) => "!H",
        (Family::V4, 3, 2) => "!P",
        (Family::V4, 3, 4) | (Family::V6, 2, _) => "!F",
        (Family::V4, 3, 5) => "!S",
        (Family::V4, 3, 9 | 10 | 13) | (Family::V6, 1, 1 | 5 | 6) => "!X",
        (Family::V4, 3, 14) => "!V",
        (Family::V4, 3, 15) => "!C",
        _ => return format!("!{code}"),
    };
    text.to_owned()
}

/// An error in words.
pub fn words(family: Family, kind: u8, code: u8) -> String {
    let text = match (family, kind, code) {
        (Family::V4, 11, 0) | (Family::V6, 3, 0) => "time to live exceeded",
        (Family::V4, 11, 1) | (Family::V6, 3, 1) => "fragments did not arrive in time",
        (Family::V4, 3, 0) | (Family::V6, 1, 0) => "network unreachable",
        (Family::V4, 3, 1) | (Family::V6, 1, 3) => "host unreachable",
        (Family::V4, 3, 2) => "protocol unreachable",
        (Family::V4, 3, 3) | (Family::V6, 1, 4) => "port unreachable",
        (Family::V4, 3, 4) | (Family::V6, 2, _) => "packet too big",
        (Family::V4, 3, 5) => "source route failed",
        (Family::V4, 3, 6) => "network unknown",
        (Family::V4, 3, 7) => "host unknown",
        (Family::V4, 3, 9) => "network prohibited",
        (Family::V4, 3, 10) => "host prohibited",
        (Family::V4, 3, 13) | (Family::V6, 1, 1) => "administratively prohibited",
        (Family::V6, 1, 2) => "beyond the scope of the source address",
        (Family::V6, 1, 5) => "source address refused by policy",
        (Family::V6, 1, 6) => "route rejects it",
        (Family::V4, 4, _) => "source quench",
        (Family::V4, 5, _) => "redirected",
        (Family::V4, 12, _) | (Family::V6, 4, _) => "parameter problem",
        _ => return format!("ICMP type {kind} code {code}"),
    };
    text.to_owned()
}
