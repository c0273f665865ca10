//! ICMP errors, and the packet quoted in them (RFC 792, RFC 4443).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::extension::{self, Label};
use super::{u16_at, u32_at};
use crate::probe::Family;

/// What a router or host says about a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcmpError<'a> {
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// The next link's MTU where it says so (RFC 1191, RFC 8201); else 0.
    pub mtu: u32,
    /// The packet it is about.
    pub quote: Quote<'a>,
    /// The MPLS labels under which that packet had come.
    pub labels: Vec<Label>,
}

/// The packet that an error is about, as far as it is quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote<'a> {
    /// Who had sent it.
    pub source: IpAddr,
    /// To whom.
    pub to: IpAddr,
    /// The protocol behind the IP header.
    pub protocol: u8,
    /// What stands behind the IP header, at least 8 bytes of a whole packet.
    pub rest: &'a [u8],
}

/// The ICMP message of a raw IPv4 packet, with its TTL and the sender.
pub fn within_ipv4(packet: &[u8]) -> Option<(IpAddr, u8, &[u8])> {
    of_ipv4(packet, 1)
}

/// The sender, the TTL and the payload of a raw IPv4 packet of a protocol.
pub fn of_ipv4(packet: &[u8], protocol: u8) -> Option<(IpAddr, u8, &[u8])> {
    let (header, rest) = header_v4(packet)?;
    if *header.get(9)? != protocol {
        return None;
    }
    Some((IpAddr::V4(address_v4(header, 12)?), *header.get(8)?, rest))
}

/// Reads an ICMP error; `None` for every other message.
pub fn read(family: Family, icmp: &[u8]) -> Option<IcmpError<'_>> {
    let (kind, code) = (*icmp.first()?, *icmp.get(1)?);
    let known = match family {
        Family::V4 => matches!(kind, 3 | 4 | 5 | 11 | 12),
        Family::V6 => matches!(kind, 1..=4),
    };
    if !known {
        return None;
    }
    let body = icmp.get(8..)?;
    let (length, mtu) = match family {
        Family::V4 => {
            let mtu = if kind == 3 && code == 4 { u32::from(u16_at(icmp, 6)?) } else { 0 };
            (usize::from(*icmp.get(5)?) * 4, mtu)
        }
        Family::V6 => {
            let length = if matches!(kind, 1 | 3) { usize::from(*icmp.get(4)?) * 8 } else { 0 };
            (length, if kind == 2 { u32_at(icmp, 4)? } else { 0 })
        }
    };
    // Only these have extensions; in the others the length's place means something else.
    let extended = match family {
        Family::V4 => matches!(kind, 3 | 11 | 12),
        Family::V6 => matches!(kind, 1 | 3),
    };
    let (quoted, labels) = if extended { extension::split(body, length) } else { (body, Vec::new()) };
    Some(IcmpError { kind, code, mtu, quote: quote(family, quoted)?, labels })
}

/// Reads a quoted packet.
fn quote(family: Family, packet: &[u8]) -> Option<Quote<'_>> {
    match family {
        Family::V4 => {
            let (header, rest) = header_v4(packet)?;
            // A later fragment begins in the middle of the payload.
            if u16_at(header, 6)? & 0x1fff != 0 {
                return None;
            }
            let (source, to) = (address_v4(header, 12)?, address_v4(header, 16)?);
            Some(Quote { source: source.into(), to: to.into(), protocol: *header.get(9)?, rest })
        }
        Family::V6 => {
            if packet.first()? >> 4 != 6 {
                return None;
            }
            let (source, to) = (address_v6(packet, 8)?, address_v6(packet, 24)?);
            let (protocol, rest) = behind_options(*packet.get(6)?, packet.get(40..)?)?;
            Some(Quote { source: source.into(), to: to.into(), protocol, rest })
        }
    }
}

fn header_v4(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = *packet.first()?;
    let length = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || length < 20 {
        return None;
    }
    packet.split_at_checked(length)
}

/// Passes over IPv6 extension headers (RFC 8200).
fn behind_options(mut next: u8, mut rest: &[u8]) -> Option<(u8, &[u8])> {
    for _ in 0..8 {
        let length = match next {
            0 | 43 | 60 => usize::from(*rest.get(1)?) * 8 + 8,
            44 => 8,
            _ => return Some((next, rest)),
        };
        next = *rest.first()?;
        rest = rest.get(length..)?;
    }
    None
}

fn address_v4(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    u32_at(bytes, at).map(Ipv4Addr::from)
}

fn address_v6(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    let bytes: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(Ipv6Addr::from(bytes))
}
