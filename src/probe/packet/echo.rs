//! ICMP echo (RFC 792, RFC 4443), with a token in the payload that no other probe has.

use super::{checksum, u16_at, u32_at};
use crate::probe::Family;

/// The bytes of a token; the least payload.
pub const TOKEN: usize = 16;
/// Type, code, checksum, identifier, sequence number.
pub const HEADER: usize = 8;

/// Which probe a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    /// Random, one per question.
    pub nonce: u64,
    /// Which target, or which flow.
    pub index: u32,
    /// Which of its probes.
    pub number: u32,
}

impl Token {
    /// The token's bytes.
    pub fn bytes(self) -> [u8; TOKEN] {
        let mut out = [0; TOKEN];
        let all = self.nonce.to_be_bytes().into_iter().chain(self.index.to_be_bytes());
        for (slot, byte) in out.iter_mut().zip(all.chain(self.number.to_be_bytes())) {
            *slot = byte;
        }
        out
    }

    /// The token at the beginning of a payload; none where the payload is too short.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let nonce = u64::from(u32_at(payload, 0)?) << 32 | u64::from(u32_at(payload, 4)?);
        Some(Self { nonce, index: u32_at(payload, 8)?, number: u32_at(payload, 12)? })
    }
}

/// An echo request or reply as it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// The identifier; a datagram socket's port.
    pub id: u16,
    /// The sequence number.
    pub sequence: u16,
    /// The token, as far as the packet is long enough.
    pub token: Option<Token>,
}

/// The type of an echo request.
pub fn request_type(family: Family) -> u8 {
    if family == Family::V4 { 8 } else { 128 }
}

/// The type of an echo reply.
pub fn reply_type(family: Family) -> u8 {
    if family == Family::V4 { 0 } else { 129 }
}

/// Writes a request with `size` bytes of payload into `out`. With `steady` two bytes behind the token make up
/// for the sequence number, so that all packets of a flow have one checksum: routers that share load by it
/// send all of them the same way.
pub fn request(
    family: Family,
    id: u16,
    sequence: u16,
    token: Token,
    size: usize,
    steady: bool,
    out: &mut Vec<u8>,
) {
    out.clear();
    out.extend([request_type(family), 0, 0, 0]);
    out.extend(id.to_be_bytes());
    out.extend(sequence.to_be_bytes());
    out.extend(token.bytes());
    if steady {
        // The complements of what changes from packet to packet: the sum over them stays the same.
        let number = token.number;
        let (high, low) = ((number >> 16) as u16, (number & 0xffff) as u16);
        for word in [sequence, high, low] {
            out.extend((!word).to_be_bytes());
        }
    }
    let filler = (0..=255u8).cycle().take((HEADER + size).saturating_sub(out.len()));
    out.extend(filler);
    if family == Family::V4 {
        let sum = checksum(&[out]).to_be_bytes();
        if let Some(slot) = out.get_mut(2..4) {
            slot.copy_from_slice(&sum);
        }
    }
}

/// Reads an echo message of the type `kind`, without its checksum: the kernel has looked at that, and quoted
/// packets are cut.
pub fn read(kind: u8, icmp: &[u8]) -> Option<Echo> {
    if *icmp.first()? != kind || *icmp.get(1)? != 0 {
        return None;
    }
    let token = icmp.get(HEADER..).and_then(Token::read);
    Some(Echo { id: u16_at(icmp, 4)?, sequence: u16_at(icmp, 6)?, token })
}
