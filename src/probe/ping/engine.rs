//! The engine: one task that sends at the pace and hears until everything is answered or late.
//!
//! ```text
//!   round 1: t1 t2 … tN    round 2: t1 t2 … tN          then at most `timeout`
//!   ────────┬──────────────────────┬──────────────────────────┬──►
//!           └─ at least `interval` ┘                          └ end
//! ```

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Options, Tally, Trouble};
use crate::error::Result;
use crate::probe::packet::{echo, error};
use crate::probe::socket::{self, Fragments, Heard, Probing, Way};
use crate::probe::{Family, Limits, Pace, pace};

/// Enough for every header, the token and what is quoted of it.
const HEARD: usize = 2048;
/// How often the asker is told.
const TELL: Duration = Duration::from_millis(250);

/// A packet that is out.
#[derive(Debug, Clone, Copy)]
struct Out {
    target: usize,
    number: u32,
    wall: SystemTime,
    sent: Instant,
    answered: bool,
}

/// One family's socket and what is out over it.
struct Side {
    socket: Probing,
    id: u16,
    out: HashMap<(IpAddr, u16), Out>,
    source_refused: Option<String>,
}

/// Pings every address `count` times. `tell` hears now and then how far it is; the tallies are in the order of
/// `targets`, which may not hold an address twice.
///
/// # Errors
/// When there is no socket, or `src` is no address of this machine.
pub async fn run(
    targets: &[IpAddr],
    options: &Options,
    pace: &Pace,
    limits: &Limits,
    mut tell: impl FnMut(&[Tally]) + Send,
) -> Result<Vec<Tally>> {
    let mut engine = Engine::new(targets, options)?;
    let rounds = u64::from(options.count);
    let each = u64::try_from(targets.len()).unwrap_or(u64::MAX);
    let (mut next, total) = (0u64, rounds * each);
    let mut round = Instant::now();
    let mut slot = pace.reserve();
    let mut told = Instant::now();
    let mut end = limits.deadline;
    loop {
        while next < total && slot <= Instant::now() + pace::TOGETHER {
            if next.is_multiple_of(each) {
                // From when the packets really leave: a process that was held up must not catch up in a burst.
                round = Instant::now();
            }
            engine.send(usize::try_from(next % each).unwrap_or(0), u32::try_from(next / each).unwrap_or(0));
            next += 1;
            if next == total {
                end = end.min(Instant::now() + options.timeout);
                break;
            }
            slot = pace.reserve();
            if next.is_multiple_of(each) {
                slot = slot.max(round + options.interval);
            }
        }
        if told.elapsed() >= TELL {
            told = Instant::now();
            tell(&engine.tallies);
        }
        if next == total && engine.waiting == 0 {
            break;
        }
        let wake = if next < total { slot.min(end) } else { end.min(told + TELL) };
        tokio::select! {
            () = limits.cancel.cancelled() => break,
            heard = engine.hear() => heard.map_err(|error| crate::error::Error::io("hearing ICMP", error))?,
            () = tokio::time::sleep_until(wake) => {
                if Instant::now() >= end {
                    break;
                }
            }
        }
    }
    engine.drain();
    Ok(engine.tallies)
}

struct Engine<'a> {
    targets: &'a [IpAddr],
    options: &'a Options,
    sides: [Option<Side>; 2],
    tallies: Vec<Tally>,
    nonce: u64,
    waiting: usize,
    buffer: Vec<u8>,
    packet: Vec<u8>,
}

impl<'a> Engine<'a> {
    fn new(targets: &'a [IpAddr], options: &'a Options) -> Result<Self> {
        let side = |family: Family| {
            let wanted = targets.iter().any(|target| Family::of(*target) == family);
            wanted.then(|| Side::new(family, options)).transpose()
        };
        Ok(Self {
            targets,
            options,
            sides: [side(Family::V4)?, side(Family::V6)?],
            tallies: vec![Tally::default(); targets.len()],
            nonce: crate::probe::random(),
            waiting: 0,
            buffer: vec![0; HEARD],
            packet: Vec::with_capacity(echo::HEADER + options.size),
        })
    }

    fn send(&mut self, target: usize, number: u32) {
        let Some(address) = self.targets.get(target).copied() else { return };
        let side = self.sides.iter_mut().flatten().find(|side| side.socket.family() == Family::of(address));
        let (Some(side), Some(tally)) = (side, self.tallies.get_mut(target)) else { return };
        let token =
            echo::Token { nonce: self.nonce, index: u32::try_from(target).unwrap_or(u32::MAX), number };
        let sequence = u16::try_from(number % 65_535 + 1).unwrap_or(1);
        let size = self.options.size.max(echo::TOKEN);
        echo::request(side.socket.family(), side.id, sequence, token, size, false, &mut self.packet);
        tally.sent += 1;
        if let Some(why) = &side.source_refused {
            tally.trouble = Some(Trouble::Own(why.clone()));
            return;
        }
        let (wall, sent) = (SystemTime::now(), Instant::now());
        match side.socket.send(&self.packet, SocketAddr::new(address, 0), None) {
            Ok(()) => {
                side.out.insert((address, sequence), Out { target, number, wall, sent, answered: false });
                self.waiting += 1;
            }
            Err(error) => tally.trouble = Some(Trouble::Own(own(&error))),
        }
    }

    /// Waits for either socket and counts what is there.
    async fn hear(&mut self) -> io::Result<()> {
        let Self { sides, tallies, nonce, waiting, buffer, options, .. } = self;
        let mut count = Count { tallies, nonce: *nonce, waiting, timeout: options.timeout };
        match sides {
            [Some(v4), Some(v6)] => {
                // Two readers cannot share one buffer.
                let mut other = vec![0; HEARD];
                let mut late = Vec::new();
                tokio::select! {
                    heard = v4.socket.hear(buffer, |heard| count.heard(v4.socket.way(), Family::V4, v4.id, &mut v4.out, &heard)) => heard?,
                    heard = v6.socket.hear(&mut other, |heard| late.push(Owned::of(&heard))) => heard?,
                }
                for heard in late {
                    count.heard(v6.socket.way(), Family::V6, v6.id, &mut v6.out, &heard.borrowed());
                }
                Ok(())
            }
            [Some(side), None] | [None, Some(side)] => {
                let (way, family) = (side.socket.way(), side.socket.family());
                side.socket
                    .hear(buffer, |heard| count.heard(way, family, side.id, &mut side.out, &heard))
                    .await
            }
            [None, None] => std::future::pending().await,
        }
    }

    /// Counts what lies there at the end.
    fn drain(&mut self) {
        let Self { sides, tallies, nonce, waiting, buffer, options, .. } = self;
        let mut count = Count { tallies, nonce: *nonce, waiting, timeout: options.timeout };
        for side in sides.iter_mut().flatten() {
            let (way, family) = (side.socket.way(), side.socket.family());
            let _ = side.socket.drain(buffer, &mut |heard: Heard<'_>| {
                count.heard(way, family, side.id, &mut side.out, &heard);
            });
        }
    }
}

/// A message that outlives its buffer.
struct Owned {
    bytes: Vec<u8>,
    address: Option<SocketAddr>,
    ttl: Option<u8>,
    at: SystemTime,
    error: Option<socket::Reported>,
}

impl Owned {
    fn of(heard: &Heard<'_>) -> Self {
        let Heard { bytes, address, ttl, at, error } = heard;
        Self { bytes: bytes.to_vec(), address: *address, ttl: *ttl, at: *at, error: *error }
    }

    fn borrowed(&self) -> Heard<'_> {
        Heard { bytes: &self.bytes, address: self.address, ttl: self.ttl, at: self.at, error: self.error }
    }
}

impl Side {
    fn new(family: Family, options: &Options) -> Result<Self> {
        let socket = socket::icmp(family)?;
        let io = |what: &str, result: io::Result<()>| {
            result.map_err(|error| crate::error::Error::io(format!("the ICMP socket's {what}"), error))
        };
        let mut source_refused = None;
        let any: IpAddr = if family == Family::V4 { [0u8; 4].into() } else { [0u8; 16].into() };
        match options.src {
            Some(src) if Family::of(src) != family => {
                source_refused = Some(format!("{src} is of another family"));
            }
            Some(src) => socket.bind(src, 0).map_err(|error| {
                crate::error::Error::question(format!("cannot send from {src}: {error}"))
                    .hint("`src` must be an address of the machine on which nocbot runs")
            })?,
            // A datagram socket gets its identifier by binding.
            None if socket.way() == Some(Way::Datagram) => io("identifier", socket.bind(any, 0))?,
            None => {}
        }
        let fragments = if options.df { Fragments::Refused } else { Fragments::Allowed };
        io("fragmentation", socket.set_fragments(fragments))?;
        if let Some(ttl) = options.ttl {
            io("time to live", socket.set_ttl(ttl))?;
        }
        if let Some(tos) = options.tos {
            io("type of service", socket.set_tos(tos))?;
        }
        let id = match socket.way() {
            Some(Way::Datagram) => socket
                .port()
                .map_err(|error| crate::error::Error::io("the ICMP socket's identifier", error))?,
            _ => fresh_id(),
        };
        Ok(Self { socket, id, out: HashMap::new(), source_refused })
    }
}

/// An identifier that no other raw socket of this process has used lately.
pub(in crate::probe) fn fresh_id() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    static START: std::sync::OnceLock<u16> = std::sync::OnceLock::new();
    let start = *START.get_or_init(|| u16::try_from(crate::probe::random() & 0xffff).unwrap_or(0));
    start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An error of this machine in a few words.
pub(in crate::probe) fn own(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NetworkUnreachable => "no route on this machine".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to the host on this machine".to_owned(),
        io::ErrorKind::PermissionDenied => "refused here: a broadcast address, or a local filter".to_owned(),
        _ if error.raw_os_error() == Some(nix::libc::EMSGSIZE) => {
            "larger than this machine's MTU for the path".to_owned()
        }
        _ => crate::text::clean_line(&error.to_string()),
    }
}

struct Count<'a> {
    tallies: &'a mut Vec<Tally>,
    nonce: u64,
    waiting: &'a mut usize,
    timeout: Duration,
}

impl Count<'_> {
    fn heard(
        &mut self,
        way: Option<Way>,
        family: Family,
        id: u16,
        out: &mut HashMap<(IpAddr, u16), Out>,
        heard: &Heard<'_>,
    ) {
        if let Some(reported) = heard.error {
            let Some((kind, code)) = reported.icmp else { return };
            let Some(to) = heard.address.map(|address| address.ip()) else { return };
            // The kernel has matched the identifier; the quoted header names the packet.
            let quoted = echo::read(echo::request_type(family), heard.bytes);
            let mtu = if matches!((family, kind, code), (Family::V4, 3, 4) | (Family::V6, 2, _)) {
                reported.mtu
            } else {
                0
            };
            let trouble = Trouble::Icmp(family, kind, code, mtu, reported.by);
            if let Some(quoted) = quoted {
                self.lost(out, to, quoted, trouble);
            }
            return;
        }
        let (from, ttl, icmp) = match (way, family) {
            (Some(Way::Raw), Family::V4) => match error::within_ipv4(heard.bytes) {
                Some((from, ttl, icmp)) => (from, Some(ttl), icmp),
                None => return,
            },
            _ => match heard.address {
                Some(address) => (address.ip(), heard.ttl, heard.bytes),
                None => return,
            },
        };
        if let Some(reply) = echo::read(echo::reply_type(family), icmp) {
            if reply.id == id || way == Some(Way::Datagram) {
                self.reply(out, from, ttl, reply, heard.at);
            }
        } else if let Some(found) = error::read(family, icmp) {
            let protocol = if family == Family::V4 { 1 } else { 58 };
            let quoted = echo::read(echo::request_type(family), found.quote.rest);
            if let Some(quoted) = quoted.filter(|quoted| quoted.id == id && found.quote.protocol == protocol)
            {
                let trouble = Trouble::Icmp(family, found.kind, found.code, found.mtu, Some(from));
                self.lost(out, found.quote.to, quoted, trouble);
            }
        }
    }

    fn reply(
        &mut self,
        out: &mut HashMap<(IpAddr, u16), Out>,
        from: IpAddr,
        ttl: Option<u8>,
        reply: echo::Echo,
        at: SystemTime,
    ) {
        let Some(token) = reply.token.filter(|token| token.nonce == self.nonce) else { return };
        let target = usize::try_from(token.index).unwrap_or(usize::MAX);
        let packet = out.get_mut(&(from, reply.sequence));
        match packet.filter(|packet| packet.target == target && packet.number == token.number) {
            Some(packet) => {
                let Some(tally) = self.tallies.get_mut(target) else { return };
                if packet.answered {
                    tally.duplicates += 1;
                    return;
                }
                packet.answered = true;
                *self.waiting = self.waiting.saturating_sub(1);
                let rtt = round_trip(packet.wall, packet.sent, at);
                if rtt > self.timeout {
                    tally.late += 1;
                } else {
                    tally.answered(rtt, ttl);
                }
            }
            // Ours, but from an address that was not asked: it says nothing about the target.
            None => {
                if let Some(tally) = self.tallies.get_mut(target) {
                    tally.stranger(from);
                }
            }
        }
    }

    fn lost(
        &mut self,
        out: &mut HashMap<(IpAddr, u16), Out>,
        to: IpAddr,
        quoted: echo::Echo,
        trouble: Trouble,
    ) {
        if quoted.token.is_some_and(|token| token.nonce != self.nonce) {
            return;
        }
        let Some(packet) = out.get_mut(&(to, quoted.sequence)) else { return };
        let same = quoted.token.is_none_or(|token| token.number == packet.number);
        let Some(tally) = self.tallies.get_mut(packet.target).filter(|_| same) else { return };
        let Trouble::Icmp(family, kind, code, ..) = trouble else { return };
        // A redirect is advice to a router; the packet went on.
        if crate::probe::packet::meaning::meaning(family, kind, code)
            == crate::probe::packet::meaning::Meaning::Other
        {
            return;
        }
        tally.trouble = Some(trouble);
        if !packet.answered {
            packet.answered = true;
            *self.waiting = self.waiting.saturating_sub(1);
        }
    }
}

/// The time between a packet and its answer: by the kernel's clock where it makes sense, which leaves out how
/// long this process was not running; a clock that was set in between does not.
pub(in crate::probe) fn round_trip(wall: SystemTime, sent: Instant, at: SystemTime) -> Duration {
    let ours = sent.elapsed();
    match at.duration_since(wall) {
        Ok(kernel) if kernel <= ours + Duration::from_millis(1) => kernel,
        _ => ours,
    }
}
