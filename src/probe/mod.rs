//! Probes that the bot sends itself: ping, trace, path MTU, TCP, DNS, TLS.
//!
//! ```text
//!   targets ─► pace ─► socket (datagram | raw | error queue) ─► network
//!                                     │
//!   tallies ◄── matched by id, sequence, token and address ◄── packet
//! ```
//!
//! Nothing here knows devices or the catalogue: addresses in, numbers out. Every function takes a deadline
//! and a cancel token through [`Limits`], sends only to what it was given, and never faster than [`Pace`].

pub mod dns;
pub mod pace;
pub mod packet;
pub mod ping;
pub mod pmtu;
pub mod socket;
pub mod tcp;
pub mod tls;
pub mod trace;

pub use pace::Pace;

use std::net::IpAddr;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::text::count;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address; IPv4 within IPv6 counts as IPv6, the callers unwrap it.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// When a probe has to end.
#[derive(Debug, Clone)]
pub struct Limits {
    /// What has not been answered until then counts as lost.
    pub deadline: Instant,
    /// Ends it at once with what it has.
    pub cancel: CancellationToken,
}

/// Why nothing may be sent to an address, if so: it stands for many, or for nobody.
pub fn refused(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) if v4.is_broadcast() => Some("is the broadcast address"),
        IpAddr::V4(v4) if v4.octets().first() == Some(&0) => Some("is no address of a host"),
        address if address.is_multicast() => Some("is a multicast address"),
        address if address.is_unspecified() => Some("is no address of a host"),
        _ => None,
    }
}

/// The addresses of hosts in a prefix: all of them but the network's own and the broadcast address, where
/// the prefix has such (IPv4 up to /30). The number alone where there are more than `most`.
///
/// # Errors
/// How many there are, as a text: `16777214` or `2^64`.
pub fn hosts(network: ipnetwork::IpNetwork, most: usize) -> Result<Vec<IpAddr>, String> {
    let bits = if network.is_ipv4() { 32 } else { 128 };
    let free = u32::from(bits - network.prefix().min(bits));
    let edges: u128 = if network.is_ipv4() && free >= 2 { 2 } else { 0 };
    let number = 1u128.checked_shl(free).unwrap_or(u128::MAX) - edges;
    if number > u128::try_from(most).unwrap_or(u128::MAX) {
        return Err(if free > 40 { format!("2^{free}") } else { number.to_string() });
    }
    Ok(network.iter().skip(usize::from(edges > 0)).take(usize::try_from(number).unwrap_or(most)).collect())
}

/// A number that nobody can guess, for tokens and identifiers.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    // It cannot fail once the library has started; a clock tells processes apart all the same.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        return u64::from(now.subsec_nanos()) << 32 | (now.as_secs() & 0xffff_ffff);
    }
    u64::from_ne_bytes(bytes)
}

/// `3 addresses`.
pub fn addresses(number: usize) -> String {
    if number == 1 { count(1, "address") } else { format!("{number} addresses") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_their_hosts() {
        let of = |text: &str| hosts(text.parse().unwrap(), 300).map(|list| list.len());
        assert_eq!(of("10.0.0.0/24"), Ok(254));
        assert_eq!(of("10.0.0.9/30"), Ok(2));
        assert_eq!(of("10.0.0.0/31"), Ok(2));
        assert_eq!(of("10.0.0.7/32"), Ok(1));
        assert_eq!(of("2001:db8::/120"), Ok(256));
        assert_eq!(of("10.0.0.0/8"), Err("16777214".into()));
        assert_eq!(of("2001:db8::/64"), Err("2^64".into()));
        assert_eq!(of("::/0"), Err("2^128".into()));
        let list = hosts("10.0.0.77/29".parse().unwrap(), 10).unwrap();
        assert_eq!(list.first().unwrap().to_string(), "10.0.0.73");
        assert_eq!(list.last().unwrap().to_string(), "10.0.0.78");
    }

    #[test]
    fn what_stands_for_many_is_refused() {
        for text in
            ["255.255.255.255", "0.0.0.0", "0.1.2.3", "224.0.0.5", "::", "ff02::1", "::ffff:224.0.0.1"]
        {
            assert!(refused(text.parse().unwrap()).is_some(), "{text}");
        }
        for text in ["10.0.0.255", "127.0.0.1", "::1", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(refused(text.parse().unwrap()).is_none(), "{text}");
        }
    }
}
