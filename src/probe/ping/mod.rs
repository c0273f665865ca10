//! Ping: any number of addresses over one socket per family.
//!
//! A reply counts only when its identifier, its sequence number, the token in its payload and its source
//! address are all those of one packet that was sent and not answered yet. Everything else is counted beside:
//! duplicates, late ones, replies from another address.

mod connect;
mod engine;
mod tally;

pub use connect::run as run_by_tcp;
pub use engine::run;
pub(in crate::probe) use engine::{fresh_id, own, round_trip};
pub use tally::{Tally, Trouble};

use std::net::IpAddr;
use std::time::Duration;

/// What is sent.
#[derive(Debug, Clone)]
pub struct Options {
    /// Packets per target.
    pub count: u32,
    /// Between two packets to one target.
    pub interval: Duration,
    /// Bytes of payload, at least [`super::packet::echo::TOKEN`].
    pub size: usize,
    /// Whether nobody may fragment.
    pub df: bool,
    /// The time to live, else the machine's own.
    pub ttl: Option<u8>,
    /// The source address.
    pub src: Option<IpAddr>,
    /// A reply after this time is late, and its packet lost.
    pub timeout: Duration,
    /// Type of service, or traffic class.
    pub tos: Option<u8>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            count: 5,
            interval: Duration::from_millis(200),
            size: 56,
            df: false,
            ttl: None,
            src: None,
            timeout: Duration::from_secs(1),
            tos: None,
        }
    }
}
