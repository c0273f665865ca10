//! What came of the packets to one target.

use std::net::IpAddr;
use std::time::Duration;

use crate::probe::Family;
use crate::probe::packet::meaning;

/// Why a packet was lost, as somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// An ICMP error: family, type, code, the MTU where it names one, and who sent it.
    Icmp(Family, u8, u8, u32, Option<IpAddr>),
    /// This machine did not send it.
    Own(String),
}

impl Trouble {
    /// In words, without the sender.
    pub fn words(&self) -> String {
        match self {
            Self::Icmp(family, kind, code, mtu, _) => match mtu {
                0 => meaning::words(*family, *kind, *code),
                mtu => format!("{}, MTU {mtu}", meaning::words(*family, *kind, *code)),
            },
            Self::Own(text) => text.clone(),
        }
    }

    /// Who said so; nobody where it was this machine.
    pub fn by(&self) -> Option<IpAddr> {
        match self {
            Self::Icmp(.., by) => *by,
            Self::Own(_) => None,
        }
    }
}

/// Counts and times of one target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Packets sent.
    pub sent: u32,
    /// Replies in time, each packet's first.
    pub received: u32,
    /// Further replies to packets already answered.
    pub duplicates: u32,
    /// Replies behind the timeout.
    pub late: u32,
    /// Replies from another address, and the last of these; they answer nothing.
    pub strange: Option<(u32, IpAddr)>,
    /// The time to live of the last reply.
    pub ttl: Option<u8>,
    /// The last error.
    pub trouble: Option<Trouble>,
    /// The last round trip.
    pub last: Option<Duration>,
    min: Option<Duration>,
    max: Option<Duration>,
    sum: f64,
    squares: f64,
}

impl Tally {
    /// Counts a reply in time.
    pub fn answered(&mut self, rtt: Duration, ttl: Option<u8>) {
        self.received += 1;
        self.ttl = ttl.or(self.ttl);
        self.last = Some(rtt);
        self.min = Some(self.min.map_or(rtt, |min| min.min(rtt)));
        self.max = Some(self.max.map_or(rtt, |max| max.max(rtt)));
        let seconds = rtt.as_secs_f64();
        self.sum += seconds;
        self.squares += seconds * seconds;
    }

    /// Counts a reply from somebody who was not asked.
    pub fn stranger(&mut self, from: IpAddr) {
        let before = self.strange.map_or(0, |(count, _)| count);
        self.strange = Some((before + 1, from));
    }

    /// Percent of the sent packets without a reply in time.
    pub fn loss(&self) -> f64 {
        if self.sent == 0 {
            return 0.0;
        }
        f64::from(self.sent.saturating_sub(self.received)) * 100.0 / f64::from(self.sent)
    }

    /// The shortest round trip.
    pub fn min(&self) -> Option<Duration> {
        self.min
    }

    /// The longest round trip.
    pub fn max(&self) -> Option<Duration> {
        self.max
    }

    /// The mean round trip.
    pub fn avg(&self) -> Option<Duration> {
        (self.received > 0).then(|| Duration::from_secs_f64(self.sum / f64::from(self.received)))
    }

    /// The standard deviation, as iputils has it.
    pub fn mdev(&self) -> Option<Duration> {
        (self.received > 0).then(|| {
            let count = f64::from(self.received);
            let mean = self.sum / count;
            Duration::from_secs_f64((self.squares / count - mean * mean).max(0.0).sqrt())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "these quarters are exact")]
    fn figures() {
        let mut tally = Tally { sent: 4, ..Tally::default() };
        assert_eq!((tally.loss(), tally.avg(), tally.mdev()), (100.0, None, None));
        for ms in [2, 4, 6] {
            tally.answered(Duration::from_millis(ms), Some(60));
        }
        assert_eq!(tally.loss(), 25.0);
        assert_eq!(tally.min(), Some(Duration::from_millis(2)));
        assert_eq!(tally.avg(), Some(Duration::from_millis(4)));
        assert_eq!(tally.max(), Some(Duration::from_millis(6)));
        let mdev = tally.mdev().unwrap_or_default().as_secs_f64();
        assert!((mdev - 0.001_633).abs() < 1e-6, "{mdev}");
    }
}
