//! Traceroute: who answers at each distance, all distances at once.
//!
//! UDP needs no privilege: the answers of routers come by the socket's error queue. ICMP goes over the socket
//! that ping uses, TCP needs raw sockets. Of one trace all packets are of one flow (Paris traceroute), so that
//! routers which share load send all of them the same way; with `paris` off each is of its own.

mod engine;
mod flow;
mod reply;

pub use engine::Tracer;
pub use reply::{Hop, Reply, What};

use std::net::IpAddr;
use std::time::Duration;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// UDP to ports where nobody listens.
    Udp,
    /// ICMP echo.
    Icmp,
    /// TCP SYN to this port.
    Tcp(u16),
}

/// How a path is traced.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is sent.
    pub protocol: Protocol,
    /// Packets per hop.
    pub probes: u32,
    /// The greatest distance.
    pub most: u8,
    /// A hop that has not answered within this time is silent.
    pub timeout: Duration,
    /// Whether all packets are of one flow.
    pub paris: bool,
    /// The source address.
    pub src: Option<IpAddr>,
    /// Bytes of payload of UDP and ICMP.
    pub size: usize,
    /// Type of service, or traffic class.
    pub tos: Option<u8>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            protocol: Protocol::Udp,
            probes: 3,
            most: 30,
            timeout: Duration::from_secs(1),
            paris: true,
            src: None,
            size: 32,
            tos: None,
        }
    }
}
