//! One round of a trace: the first packets to all distances of a window at once, further windows until the
//! destination answers, then the rest of each hop's packets, again all at once.
//!
//! ```text
//!   ttl 1..8, one packet each ──► end known? no ──► ttl 9..16 ──► …
//!                                     │ yes
//!                                     └──► the missing packets of ttl 1..end ──► all answered, or late
//! ```
//!
//! So a trace takes two round trips, one more for every eight hops beyond eight, and the timeout where
//! somebody is silent. Answers of the destination to packets that could have gone farther are answers of its
//! hop: hosts answer only a few unreachable packets per second, and none may be wasted.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::Options;
use super::flow::{self, Flow};
use super::reply::{Hop, Reply, Signal, What};
use crate::error::{Error, Result};
use crate::probe::ping::round_trip;
use crate::probe::{Limits, Pace, pace};

/// How many distances are asked at once.
const WINDOW: u8 = 8;
/// How long a window waits for somebody before the next one is asked.
const PATIENCE: Duration = Duration::from_millis(300);

/// Traces one path, as often as wanted, in one flow.
#[derive(Debug)]
pub struct Tracer {
    to: IpAddr,
    options: Options,
    flow: Flow,
    next: u32,
    /// Answers that quote too little to tell which packet they are about.
    blind: u32,
    /// Distances that had to be asked in flows of their own because of that.
    apart: bool,
}

/// A packet that is out.
#[derive(Debug, Clone)]
struct Out {
    ttl: u8,
    wall: SystemTime,
    sent: Instant,
    reply: Option<Reply>,
    refused: bool,
}

/// One round's packets.
#[derive(Debug, Default)]
struct Round {
    out: HashMap<u32, Out>,
    queue: VecDeque<u8>,
    last: Option<Instant>,
    slowest: Duration,
}

impl Tracer {
    /// Opens the sockets.
    ///
    /// # Errors
    /// When they cannot be had, or `src` is no address of this machine.
    pub fn new(to: IpAddr, options: Options) -> Result<Self> {
        let flow = Flow::open(to, &options)?;
        Ok(Self { to, options, flow, next: 0, blind: 0, apart: false })
    }

    /// Whether some hops quoted so little that they were asked in other flows.
    pub fn apart(&self) -> bool {
        self.apart
    }

    /// One round: `probes` packets to every distance up to the destination. `expected` is how far it was
    /// before, if that is known. `tell` hears of every answer.
    ///
    /// # Errors
    /// When the first packet cannot be sent at all.
    pub async fn round(
        &mut self,
        probes: u32,
        expected: Option<u8>,
        pace: &Pace,
        limits: &Limits,
        mut tell: impl FnMut(&[Hop]) + Send,
    ) -> Result<Vec<Hop>> {
        let mut round = Round::default();
        let mut top = expected.unwrap_or(WINDOW).clamp(1, self.options.most);
        round.queue.extend(1..=top);
        let mut filled = false;
        let mut slot = pace.reserve();
        loop {
            while !round.queue.is_empty() && slot <= Instant::now() + pace::TOGETHER {
                if let Some(ttl) = round.queue.pop_front() {
                    self.send(&mut round, ttl)?;
                }
                if !round.queue.is_empty() {
                    slot = pace.reserve();
                }
            }
            if round.queue.is_empty() {
                let end = round.end();
                let open = round.open(self.options.timeout, end.unwrap_or(u8::MAX));
                let blind = self.blind > 0 && !self.apart && self.options.paris;
                if blind && (end.is_some() || round.impatient(top, open.is_none())) {
                    self.ask_apart(&mut round, end.unwrap_or(top))?;
                } else if !filled
                    && end.is_none()
                    && top < self.options.most
                    && round.impatient(top, open.is_none())
                {
                    let from = top + 1;
                    top = top.saturating_add(WINDOW).min(self.options.most);
                    round.queue.extend(from..=top);
                } else if !filled && (end.is_some() || open.is_none()) {
                    filled = true;
                    // Beyond the last who answered nobody is asked again.
                    let last = end.unwrap_or_else(|| round.last_answered());
                    round.fill(probes, last, end);
                } else if open.is_none() {
                    break;
                }
                if !round.queue.is_empty() {
                    slot = pace.reserve();
                    continue;
                }
            }
            let wake = if round.queue.is_empty() { round.wake(self.options.timeout) } else { slot };
            let wake = wake.min(limits.deadline);
            let newest = self.next.saturating_sub(1);
            let mut signals = Vec::new();
            tokio::select! {
                () = limits.cancel.cancelled() => break,
                heard = self.flow.hear(newest, |signal| signals.push(signal)) => {
                    heard.map_err(|error| Error::io("hearing answers", error))?;
                }
                () = tokio::time::sleep_until(wake) => {
                    if Instant::now() >= limits.deadline {
                        break;
                    }
                }
            }
            let news = !signals.is_empty();
            for signal in signals {
                self.blind += u32::from(!round.count(signal, self.options.timeout));
            }
            if news {
                tell(&round.hops(probes));
            }
        }
        Ok(round.hops(probes))
    }

    fn send(&mut self, round: &mut Round, ttl: u8) -> Result<()> {
        let id = self.next;
        self.next += 1;
        let (wall, sent) = flow::now();
        let refused = match self.flow.send(id, ttl) {
            Ok(()) => false,
            // The first refusal of all says that there is no way at all.
            Err(error) if round.out.values().all(|out| out.refused) => {
                return Err(Error::io(format!("cannot send to {}", self.to), error));
            }
            Err(_) => true,
        };
        round.last = Some(sent);
        round.out.insert(id, Out { ttl, wall, sent, reply: None, refused });
        Ok(())
    }

    /// Goes on in flows that tell packets apart by their ports, for routers that quote no payload.
    fn ask_apart(&mut self, round: &mut Round, last: u8) -> Result<()> {
        self.apart = true;
        let silent: Vec<u8> = (1..=last).filter(|ttl| !round.answered(*ttl)).collect();
        if silent.is_empty() {
            return Ok(());
        }
        self.options.paris = false;
        self.flow = Flow::open(self.to, &self.options)?;
        // What was sent before cannot be answered any more: its socket is gone.
        round.out.retain(|_, out| out.reply.is_some() || !silent.contains(&out.ttl));
        round.queue.extend(&silent);
        Ok(())
    }
}

impl Round {
    /// The least distance whose answer ends the path.
    fn end(&self) -> Option<u8> {
        let ends = |out: &&Out| out.reply.as_ref().is_some_and(|reply| reply.what != What::Hop);
        self.out.values().filter(ends).map(|out| out.ttl).min()
    }

    fn answered(&self, ttl: u8) -> bool {
        self.out.values().any(|out| out.ttl == ttl && out.reply.is_some())
    }

    fn last_answered(&self) -> u8 {
        self.out.values().filter(|out| out.reply.is_some()).map(|out| out.ttl).max().unwrap_or(0)
    }

    /// When the last packet that may still be answered is late; `None` where none may be.
    fn open(&self, timeout: Duration, last: u8) -> Option<Instant> {
        let open = self.out.values().filter(|out| out.ttl <= last && out.reply.is_none() && !out.refused);
        open.map(|out| out.sent + timeout).filter(|late| *late > Instant::now()).max()
    }

    /// The next time at which something changes by itself.
    fn wake(&self, timeout: Duration) -> Instant {
        let now = Instant::now();
        let open = self.out.values().filter(|out| out.reply.is_none()).map(|out| out.sent + timeout);
        let late = open.filter(|late| *late > now).min().unwrap_or(now + timeout);
        let patience = self.last.map_or(now, |last| last + self.patience());
        let next = if patience > now { late.min(patience) } else { late };
        next.max(now + Duration::from_millis(1))
    }

    fn patience(&self) -> Duration {
        if self.slowest.is_zero() {
            PATIENCE
        } else {
            (self.slowest * 3).clamp(Duration::from_millis(20), PATIENCE * 3)
        }
    }

    /// Whether the next window is due: the farthest has answered, or has had its time.
    fn impatient(&self, top: u8, nothing_open: bool) -> bool {
        self.answered(top) || nothing_open || self.last.is_some_and(|last| last.elapsed() >= self.patience())
    }

    /// Queues what is missing of each hop's packets.
    fn fill(&mut self, probes: u32, last: u8, end: Option<u8>) {
        for number in 1..probes {
            for ttl in 1..=last {
                let sent = self.out.values().filter(|out| out.ttl == ttl).count();
                // Packets that went farther and were answered from the end are packets of the end.
                let surplus = if Some(ttl) == end {
                    self.out.values().filter(|out| out.ttl > ttl && out.reply.is_some()).count()
                } else {
                    0
                };
                let have = u32::try_from(sent + surplus).unwrap_or(u32::MAX);
                if have <= number {
                    self.queue.push_back(ttl);
                }
            }
        }
    }

    /// Counts an answer; false where it does not say to which packet.
    fn count(&mut self, signal: Signal, timeout: Duration) -> bool {
        let Some(id) = signal.id else { return false };
        // Of another round, or of nobody: late or foreign, and never counted here.
        let Some(out) = self.out.get_mut(&id) else { return true };
        if out.reply.is_some() {
            return true;
        }
        let rtt = round_trip(out.wall, out.sent, signal.at);
        if rtt <= timeout {
            self.slowest = self.slowest.max(rtt);
            out.reply = Some(Reply { from: signal.from, what: signal.what, rtt, labels: signal.labels });
        }
        true
    }

    /// The hops so far, up to the end or to the last distance asked.
    fn hops(&self, probes: u32) -> Vec<Hop> {
        let end = self.end();
        let last = end.unwrap_or_else(|| self.out.values().map(|out| out.ttl).max().unwrap_or(0));
        let mut ids: Vec<(&u32, &Out)> = self.out.iter().collect();
        ids.sort_by_key(|(id, _)| **id);
        let mut hops: BTreeMap<u8, Hop> =
            (1..=last).map(|ttl| (ttl, Hop { ttl, ..Hop::default() })).collect();
        for (_, out) in ids {
            let beyond = out.ttl > last;
            let Some(hop) = hops.get_mut(&out.ttl.min(last)) else { continue };
            if hop.sent >= probes || beyond && out.reply.is_none() {
                continue;
            }
            hop.sent += 1;
            hop.replies.extend(out.reply.clone());
        }
        hops.into_values().collect()
    }
}
