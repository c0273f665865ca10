//! What came back from one distance.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::probe::Family;
use crate::probe::packet::extension::Label;
use crate::probe::packet::meaning::{self, Meaning};

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A router on the way.
    Hop,
    /// The destination.
    Reached,
    /// An ICMP error of this type and code ends the path.
    Stopped(u8, u8),
}

impl What {
    /// What an ICMP error says about a probe to `to`; `None` where it ends nothing.
    pub(super) fn of(family: Family, kind: u8, code: u8, from: IpAddr, to: IpAddr) -> Option<Self> {
        match meaning::meaning(family, kind, code) {
            Meaning::Exceeded => Some(Self::Hop),
            Meaning::Port if from == to => Some(Self::Reached),
            Meaning::Port | Meaning::Unreachable | Meaning::TooBig => Some(Self::Stopped(kind, code)),
            Meaning::Other => None,
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Who answered.
    pub from: IpAddr,
    /// What it says.
    pub what: What,
    /// The round trip.
    pub rtt: Duration,
    /// The MPLS labels under which the probe had come.
    pub labels: Vec<Label>,
}

impl Reply {
    /// Traceroute's mark of an error that ends the path.
    pub fn mark(&self) -> String {
        match self.what {
            What::Hop | What::Reached => String::new(),
            What::Stopped(kind, code) => meaning::mark(Family::of(self.from), kind, code),
        }
    }
}

/// One distance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hop {
    /// The distance.
    pub ttl: u8,
    /// Packets sent.
    pub sent: u32,
    /// The answers, in the order of the packets.
    pub replies: Vec<Reply>,
}

/// A packet's answer as a flow hears it.
#[derive(Debug)]
pub(super) struct Signal {
    /// Which packet; `None` where the answer quotes too little to say.
    pub id: Option<u32>,
    pub from: IpAddr,
    pub what: What,
    pub labels: Vec<Label>,
    pub at: SystemTime,
}
