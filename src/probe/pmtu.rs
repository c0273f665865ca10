//! The MTU of a path: packets that nobody may fragment, as large as they pass.
//!
//! A router that drops one says which size its next link takes (RFC 1191, RFC 8201); where nobody says
//! anything the size is found by halving. Packets are ICMP echo where that is allowed, else UDP to a port
//! where nobody listens.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

use super::packet::echo::{self, Token};
use super::packet::error;
use super::packet::meaning::{self, Meaning};
use super::socket::{self, Fragments, Heard, Probing, Way};
use super::{Family, Limits, Pace};
use crate::error::{Error, Failure, FailureKind};

/// Where UDP goes: nobody listens there.
const PORT: u16 = 33_434;
/// Sizes that links have, from which the search begins.
const USUAL: [usize; 9] = [65_535, 9216, 9000, 4352, 1500, 1492, 1480, 1400, 1280];
/// How often a size is tried before it counts as too large.
const TRIES: usize = 3;
/// Between two tries: hosts answer only so many unreachable packets per second.
const BETWEEN: Duration = Duration::from_millis(350);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The largest packet that passes, with its IP header.
    pub mtu: usize,
    /// The largest packet that this machine sends on its own link.
    pub link: usize,
    /// Who said that its next link takes no more; nobody where it is this machine's link, or was found by trying.
    pub by: Option<IpAddr>,
    /// Whether larger packets vanish without a word.
    pub silent: bool,
    /// How many packets it took.
    pub sent: u32,
}

enum Outcome {
    Through,
    /// Larger than this machine's link.
    Own,
    Big(usize, IpAddr),
    Lost,
    Ended(String, IpAddr),
}

/// Finds the MTU of the path to `to`.
///
/// # Errors
/// When the host answers nothing at all, or cannot be reached.
pub async fn find(
    to: IpAddr,
    src: Option<IpAddr>,
    timeout: Duration,
    pace: &Pace,
    limits: &Limits,
) -> Result<Found, Failure> {
    let own = |error: Error| {
        let failure = Failure::new(FailureKind::Connect, error.message().to_owned());
        match error.hints().first() {
            Some(hint) => failure.hint(hint.clone()),
            None => failure,
        }
    };
    let mut search = Search::new(to, src, timeout).map_err(own)?;
    let least = if to.is_ipv4() { 68 } else { 1280 };
    match search.ask(least, pace, limits).await? {
        Outcome::Through => {}
        Outcome::Ended(why, by) => {
            return Err(Failure::new(
                FailureKind::Connect,
                format!("{to} cannot be reached: {why}, says {by}"),
            ));
        }
        _ => {
            return Err(Failure::new(
                FailureKind::Timeout,
                format!("{to} does not answer {}", search.what()),
            )
            .hint("the MTU can only be seen where the host answers; try a router before it"));
        }
    }
    let (mut low, mut high) = (least, USUAL.first().copied().unwrap_or(65_535) + 1);
    let mut link = 0;
    let (mut by, mut silent) = (None, false);
    let mut next = USUAL.iter().copied().find(|size| *size < high);
    // `low` passes, `high` does not.
    while low + 1 < high {
        let size = next.take().unwrap_or(low + (high - low) / 2);
        match search.ask(size, pace, limits).await? {
            Outcome::Through => {
                low = size;
                link = link.max(size);
            }
            Outcome::Own => {
                high = size;
                (by, silent) = (None, false);
                next = USUAL.iter().copied().find(|usual| *usual < high && *usual > low);
            }
            Outcome::Big(mtu, from) => {
                link = link.max(size);
                high = if mtu > low && mtu < size { mtu + 1 } else { size };
                (by, silent) = (Some(from), false);
                next = (mtu > low && mtu < size).then_some(mtu);
            }
            Outcome::Lost | Outcome::Ended(..) => {
                link = link.max(size);
                high = size;
                (by, silent) = (None, true);
                next = USUAL.iter().copied().find(|usual| *usual < high && *usual > low);
            }
        }
    }
    Ok(Found { mtu: low, link, by, silent, sent: search.sent - search.kept_back })
}

struct Search {
    to: IpAddr,
    family: Family,
    socket: Probing,
    id: u16,
    nonce: u64,
    timeout: Duration,
    slowest: Duration,
    sent: u32,
    /// Those that were larger than this machine's link, and never left.
    kept_back: u32,
    buffer: Vec<u8>,
    packet: Vec<u8>,
}

impl Search {
    fn new(to: IpAddr, src: Option<IpAddr>, timeout: Duration) -> Result<Self, Error> {
        let family = Family::of(to);
        let socket = match socket::icmp(family) {
            Ok(socket) => socket,
            Err(_) => socket::udp(family)?,
        };
        let any: IpAddr = if family == Family::V4 { [0u8; 4].into() } else { [0u8; 16].into() };
        let io = |result: io::Result<()>| result.map_err(|error| Error::io("the socket", error));
        if socket.way() != Some(Way::Raw) || src.is_some() {
            io(socket.bind(src.unwrap_or(any), 0))?;
        }
        io(socket.set_fragments(Fragments::Probing))?;
        let id = match socket.way() {
            Some(Way::Raw) => super::ping::fresh_id(),
            _ => socket.port().unwrap_or(0),
        };
        let nonce = super::random();
        let (buffer, packet) = (vec![0; 2048], Vec::new());
        Ok(Self {
            to,
            family,
            socket,
            id,
            nonce,
            timeout,
            slowest: Duration::ZERO,
            sent: 0,
            kept_back: 0,
            buffer,
            packet,
        })
    }

    fn what(&self) -> &'static str {
        if self.socket.way().is_some() { "ICMP echo" } else { "UDP" }
    }

    /// Whether a packet of this size gets there.
    async fn ask(&mut self, size: usize, pace: &Pace, limits: &Limits) -> Result<Outcome, Failure> {
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(BETWEEN).await;
            }
            pace.wait().await;
            let (number, start) = (self.sent, Instant::now());
            self.sent += 1;
            if let Err(error) = self.send(size, number) {
                if error.raw_os_error() == Some(nix::libc::EMSGSIZE) {
                    self.kept_back += 1;
                    return Ok(Outcome::Own);
                }
                return Err(Failure::new(
                    FailureKind::Connect,
                    format!("cannot send to {}: {}", self.to, super::ping::own(&error)),
                ));
            }
            // Once somebody has answered, a lost packet need not be waited for that long.
            let patience = if self.slowest.is_zero() {
                self.timeout
            } else {
                (self.slowest * 4).clamp(Duration::from_millis(200), self.timeout)
            };
            let late = limits.deadline.min(start + patience);
            loop {
                let mut outcome = None;
                let Self { socket, buffer, to, family, id, nonce, .. } = self;
                let ask = Ask { to: *to, family: *family, way: socket.way(), id: *id, nonce: *nonce, number };
                tokio::select! {
                    heard = socket.hear(buffer, |heard| { if let Some(found) = ask.read(&heard) { outcome = Some(found); } }) => {
                        heard.map_err(|error| Failure::new(FailureKind::Connect, format!("hearing answers: {error}")))?;
                    }
                    () = limits.cancel.cancelled() => return Err(Failure::new(FailureKind::Cancelled, "was cancelled")),
                    () = tokio::time::sleep_until(late) => break,
                }
                if let Some(outcome) = outcome {
                    self.slowest = self.slowest.max(start.elapsed());
                    return Ok(outcome);
                }
            }
            if Instant::now() >= limits.deadline {
                return Err(Failure::new(FailureKind::Timeout, "there was no time to find it"));
            }
        }
        Ok(Outcome::Lost)
    }

    fn send(&mut self, size: usize, number: u32) -> io::Result<()> {
        let headers = if self.family == Family::V4 { 28 } else { 48 };
        let payload = size.saturating_sub(headers).max(echo::TOKEN);
        let token = Token { nonce: self.nonce, index: 0, number };
        if self.socket.way().is_some() {
            echo::request(self.family, self.id, sequence(number), token, payload, false, &mut self.packet);
        } else {
            self.packet.clear();
            self.packet.extend(token.bytes());
            self.packet.resize(payload, 0);
        }
        self.socket.send(&self.packet, SocketAddr::new(self.to, PORT), None)
    }
}

fn sequence(number: u32) -> u16 {
    u16::try_from(number & 0xffff).unwrap_or(0)
}

struct Ask {
    to: IpAddr,
    family: Family,
    way: Option<Way>,
    id: u16,
    nonce: u64,
    number: u32,
}

impl Ask {
    fn read(&self, heard: &Heard<'_>) -> Option<Outcome> {
        if let Some(reported) = heard.error {
            let (kind, code) = reported.icmp?;
            heard.address.filter(|address| address.ip() == self.to)?;
            let ours = if self.way.is_some() {
                self.ours(echo::read(echo::request_type(self.family), heard.bytes)?)
            } else {
                // Routers that quote only headers: the socket is asked one packet at a time.
                Token::read(heard.bytes)
                    .is_none_or(|token| token.nonce == self.nonce && token.number == self.number)
            };
            return self.outcome(kind, code, reported.mtu, reported.by?).filter(|_| ours);
        }
        let (from, icmp) = if self.way == Some(Way::Raw) && self.family == Family::V4 {
            let (from, _, icmp) = error::within_ipv4(heard.bytes)?;
            (from, icmp)
        } else {
            (heard.address?.ip(), heard.bytes)
        };
        self.way?;
        if let Some(reply) = echo::read(echo::reply_type(self.family), icmp) {
            return (from == self.to && self.ours(reply)).then_some(Outcome::Through);
        }
        let found = error::read(self.family, icmp)?;
        let quoted = echo::read(echo::request_type(self.family), found.quote.rest)?;
        let ours = found.quote.to == self.to && quoted.id == self.id && self.ours(quoted);
        self.outcome(found.kind, found.code, found.mtu, from).filter(|_| ours)
    }

    fn ours(&self, echo: echo::Echo) -> bool {
        echo.sequence == sequence(self.number)
            && echo.token.is_none_or(|token| token.nonce == self.nonce && token.number == self.number)
    }

    fn outcome(&self, kind: u8, code: u8, mtu: u32, from: IpAddr) -> Option<Outcome> {
        match meaning::meaning(self.family, kind, code) {
            Meaning::TooBig => Some(Outcome::Big(usize::try_from(mtu).unwrap_or(0), from)),
            Meaning::Port if from == self.to => Some(Outcome::Through),
            Meaning::Port | Meaning::Unreachable | Meaning::Exceeded => {
                Some(Outcome::Ended(meaning::words(self.family, kind, code), from))
            }
            Meaning::Other => None,
        }
    }
}
