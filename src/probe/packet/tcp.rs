//! TCP segments (RFC 9293): the SYN that a trace sends, and what comes back.

use std::net::IpAddr;

use super::{checksum, u16_at, u32_at};

/// A segment's header as far as a probe needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// From this port.
    pub source: u16,
    /// To this port.
    pub to: u16,
    /// The sequence number.
    pub sequence: u32,
    /// The sequence number that is awaited next.
    pub acknowledged: u32,
    /// FIN, SYN, RST, PSH, ACK, URG from the lowest bit.
    pub flags: u8,
}

/// SYN.
pub const SYN: u8 = 2;
/// RST.
pub const RST: u8 = 4;
/// ACK.
pub const ACK: u8 = 16;

/// A SYN without options.
pub fn syn(from: (IpAddr, u16), to: (IpAddr, u16), sequence: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(20);
    out.extend(from.1.to_be_bytes());
    out.extend(to.1.to_be_bytes());
    out.extend(sequence.to_be_bytes());
    out.extend([0, 0, 0, 0, 5 << 4, SYN, 0xff, 0xff, 0, 0, 0, 0]);
    let sum = match (from.0, to.0) {
        (IpAddr::V4(from), IpAddr::V4(to)) => checksum(&[&from.octets(), &to.octets(), &[0, 6, 0, 20], &out]),
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            checksum(&[&from.octets(), &to.octets(), &[0, 0, 0, 20, 0, 0, 0, 6], &out])
        }
        _ => 0,
    };
    if let Some(slot) = out.get_mut(16..18) {
        slot.copy_from_slice(&sum.to_be_bytes());
    }
    out
}

/// Reads a header; quoted ones may end behind the sequence number.
pub fn read(bytes: &[u8]) -> Option<Segment> {
    Some(Segment {
        source: u16_at(bytes, 0)?,
        to: u16_at(bytes, 2)?,
        sequence: u32_at(bytes, 4)?,
        acknowledged: u32_at(bytes, 8).unwrap_or(0),
        flags: bytes.get(13).copied().unwrap_or(0),
    })
}
