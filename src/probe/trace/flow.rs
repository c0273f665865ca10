//! The packets of one trace: how each is sent, and how an answer is known to be the answer to which.
//!
//! | protocol | told apart by |
//! |---|---|
//! | UDP, one flow | the token in the quoted payload |
//! | UDP, `paris` off | the destination port in the quoted header |
//! | ICMP | the sequence number in the quoted header, and the token in a reply |
//! | TCP | the sequence number in the quoted header, the acknowledged one in a reply |

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use super::reply::{Signal, What};
use super::{Options, Protocol};
use crate::error::{Error, Result};
use crate::probe::Family;
use crate::probe::packet::echo::{self, Token};
use crate::probe::packet::{error, extension, tcp};
use crate::probe::ping::fresh_id;
use crate::probe::socket::{self, Fragments, Heard, Probing, Way};

/// The first destination port, as all traceroutes have it, and how many are used.
const PORT: u16 = 33_434;
const PORTS: u32 = 30_000;
/// Enough for what a router quotes with its extensions.
const HEARD: usize = 2048;

/// The sockets of one trace.
#[derive(Debug)]
pub(super) struct Flow {
    to: IpAddr,
    family: Family,
    kind: Kind,
    nonce: u64,
    size: usize,
    buffer: Vec<u8>,
    other: Vec<u8>,
    packet: Vec<u8>,
}

#[derive(Debug)]
enum Kind {
    Udp {
        socket: Probing,
        paris: bool,
    },
    Icmp {
        socket: Probing,
        id: u16,
        steady: bool,
    },
    Tcp {
        segments: Probing,
        errors: Probing,
        from: (IpAddr, u16),
        port: u16,
        first: u32,
        _held: socket2::Socket,
    },
}

impl Flow {
    pub(super) fn open(to: IpAddr, options: &Options) -> Result<Self> {
        let family = Family::of(to);
        let nonce = crate::probe::random();
        let kind = match options.protocol {
            Protocol::Udp => {
                let socket = socket::udp(family)?;
                prepare(&socket, family, options, true)?;
                Kind::Udp { socket, paris: options.paris }
            }
            Protocol::Icmp => {
                let socket = socket::icmp(family)?;
                let datagram = socket.way() == Some(Way::Datagram);
                prepare(&socket, family, options, datagram)?;
                let id = if datagram { socket.port().unwrap_or(0) } else { fresh_id() };
                Kind::Icmp { socket, id, steady: options.paris }
            }
            Protocol::Tcp(port) => {
                let (segments, errors) = (socket::tcp_raw(family)?, socket::icmp_raw(family)?);
                prepare(&segments, family, options, false)?;
                let own = |error| Error::io(format!("no way to {to}"), error);
                let source = match options.src {
                    Some(src) => src,
                    None => socket::source(to).map_err(own)?,
                };
                // The port stays ours as long as this socket is there; nobody is let in by it.
                let held = held(source).map_err(own)?;
                let from =
                    (source, held.local_addr().map_err(own)?.as_socket().map_or(0, |address| address.port()));
                segments.connect(to).map_err(own)?;
                let first = u32::try_from(nonce & 0x7fff_ffff).unwrap_or(1);
                Kind::Tcp { segments, errors, from, port, first, _held: held }
            }
        };
        let (buffer, other) = (vec![0; HEARD], vec![0; HEARD]);
        Ok(Self {
            to,
            family,
            kind,
            nonce,
            size: options.size.max(echo::TOKEN),
            buffer,
            other,
            packet: Vec::new(),
        })
    }

    /// Sends the packet `id` so far as `ttl`.
    pub(super) fn send(&mut self, id: u32, ttl: u8) -> io::Result<()> {
        let token = Token { nonce: self.nonce, index: u32::from(ttl), number: id };
        match &self.kind {
            Kind::Udp { socket, paris } => {
                self.packet.clear();
                self.packet.extend(token.bytes());
                self.packet.resize(self.size, 0);
                let port = if *paris { PORT } else { port_of(id) };
                socket.send(&self.packet, SocketAddr::new(self.to, port), Some(ttl))
            }
            Kind::Icmp { socket, id: own, steady } => {
                let sequence = sequence_of(id);
                echo::request(self.family, *own, sequence, token, self.size, *steady, &mut self.packet);
                socket.send(&self.packet, SocketAddr::new(self.to, 0), Some(ttl))
            }
            Kind::Tcp { segments, from, port, first, .. } => {
                let bytes = tcp::syn(*from, (self.to, *port), first.wrapping_add(id));
                segments.send(&bytes, SocketAddr::new(self.to, 0), Some(ttl))
            }
        }
    }

    /// Waits for answers and hands them to `tell`; `newest` is the last packet sent.
    pub(super) async fn hear(&mut self, newest: u32, mut tell: impl FnMut(Signal)) -> io::Result<()> {
        let Self { to, family, kind, nonce, buffer, other, .. } = self;
        let (to, family, nonce) = (*to, *family, *nonce);
        let ask = Ask { to, family, nonce, newest };
        match kind {
            Kind::Udp { socket, paris } => {
                socket.hear(buffer, |heard| ask.udp(&heard, *paris).into_iter().for_each(&mut tell)).await
            }
            Kind::Icmp { socket, id, .. } => {
                let way = socket.way();
                socket.hear(buffer, |heard| ask.icmp(&heard, way, *id).into_iter().for_each(&mut tell)).await
            }
            Kind::Tcp { segments, errors, from, port, first, .. } => {
                let ports = (from.1, *port);
                let (mut left, mut right) = (Vec::new(), Vec::new());
                tokio::select! {
                    heard = segments.hear(buffer, |heard| left.extend(ask.segment(&heard, ports, *first))) => heard?,
                    heard = errors.hear(other, |heard| right.extend(ask.quoted_segment(&heard, ports, *first))) => heard?,
                }
                left.into_iter().chain(right).for_each(tell);
                Ok(())
            }
        }
    }
}

fn prepare(socket: &Probing, family: Family, options: &Options, bind: bool) -> Result<()> {
    let io = |result: io::Result<()>| result.map_err(|error| Error::io("the trace's socket", error));
    let any: IpAddr = if family == Family::V4 { [0u8; 4].into() } else { [0u8; 16].into() };
    match options.src {
        Some(src) => socket.bind(src, 0).map_err(|error| {
            Error::question(format!("cannot send from {src}: {error}"))
                .hint("`src` must be an address of the machine on which nocbot runs, of the host's family")
        })?,
        None if bind => io(socket.bind(any, 0))?,
        None => {}
    }
    // What is larger than a link is marked at that hop, instead of being sent in pieces.
    io(socket.set_fragments(Fragments::Probing))?;
    if let Some(tos) = options.tos {
        io(socket.set_tos(tos))?;
    }
    Ok(())
}

/// A TCP socket that has a port and listens to nobody.
fn held(source: IpAddr) -> io::Result<socket2::Socket> {
    let domain = socket2::Domain::for_address(SocketAddr::new(source, 0));
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    Ok(socket)
}

fn port_of(id: u32) -> u16 {
    PORT.saturating_add(u16::try_from(id % PORTS).unwrap_or(0))
}

fn sequence_of(id: u32) -> u16 {
    u16::try_from(id & 0xffff).unwrap_or(0)
}

/// The newest packet with these last bits.
fn unfolded(folded: u32, modulus: u32, newest: u32) -> Option<u32> {
    let back = (newest % modulus + modulus - folded % modulus) % modulus;
    newest.checked_sub(back)
}

/// What an answer must be about.
#[derive(Clone, Copy)]
struct Ask {
    to: IpAddr,
    family: Family,
    nonce: u64,
    newest: u32,
}

impl Ask {
    fn udp(self, heard: &Heard<'_>, paris: bool) -> Option<Signal> {
        let reported = heard.error?;
        let (kind, code) = reported.icmp?;
        let address = heard.address.filter(|address| address.ip() == self.to)?;
        let from = reported.by?;
        let what = What::of(self.family, kind, code, from, self.to)?;
        let token = Token::read(heard.bytes);
        if token.is_some_and(|token| token.nonce != self.nonce) {
            return None;
        }
        let id = match token {
            Some(token) => Some(token.number),
            None if paris => None,
            None => address
                .port()
                .checked_sub(PORT)
                .and_then(|folded| unfolded(folded.into(), PORTS, self.newest)),
        };
        // Headers of IP and UDP stand before what the kernel gives.
        let before = if self.family == Family::V4 { 28 } else { 48 };
        let labels = labels(heard.bytes, reported.extension, before);
        Some(Signal { id, from, what, labels, at: heard.at })
    }

    fn icmp(self, heard: &Heard<'_>, way: Option<Way>, id: u16) -> Option<Signal> {
        let request = echo::request_type(self.family);
        if let Some(reported) = heard.error {
            let (kind, code) = reported.icmp?;
            let from = reported.by?;
            let quoted = echo::read(request, heard.bytes)?;
            heard.address.filter(|address| address.ip() == self.to)?;
            let what = What::of(self.family, kind, code, from, self.to)?;
            let before = if self.family == Family::V4 { 20 } else { 40 };
            let labels = labels(heard.bytes, reported.extension, before);
            return Some(Signal { id: self.of_echo(quoted), from, what, labels, at: heard.at });
        }
        let (from, icmp) = self.message(heard, way)?;
        if let Some(reply) = echo::read(echo::reply_type(self.family), icmp) {
            let token = reply.token.filter(|token| token.nonce == self.nonce && from == self.to)?;
            let (what, labels) = (What::Reached, Vec::new());
            return Some(Signal { id: Some(token.number), from, what, labels, at: heard.at });
        }
        let found = error::read(self.family, icmp)?;
        let quoted = echo::read(request, found.quote.rest)?;
        let protocol = if self.family == Family::V4 { 1 } else { 58 };
        if quoted.id != id || found.quote.to != self.to || found.quote.protocol != protocol {
            return None;
        }
        let what = What::of(self.family, found.kind, found.code, from, self.to)?;
        Some(Signal { id: self.of_echo(quoted), from, what, labels: found.labels, at: heard.at })
    }

    /// The packet that a quoted request is; none of ours where its token is another one's.
    fn of_echo(self, quoted: echo::Echo) -> Option<u32> {
        match quoted.token {
            Some(token) if token.nonce == self.nonce => Some(token.number),
            // A number that was never sent: nothing is counted for it.
            Some(_) => Some(u32::MAX),
            None => unfolded(quoted.sequence.into(), 0x1_0000, self.newest),
        }
    }

    /// The sender and the ICMP message; a raw IPv4 socket gives the IP header too.
    fn message<'b>(self, heard: &Heard<'b>, way: Option<Way>) -> Option<(IpAddr, &'b [u8])> {
        if way == Some(Way::Raw) && self.family == Family::V4 {
            return error::within_ipv4(heard.bytes).map(|(from, _, icmp)| (from, icmp));
        }
        Some((heard.address?.ip(), heard.bytes))
    }

    fn segment(self, heard: &Heard<'_>, (own, port): (u16, u16), first: u32) -> Option<Signal> {
        let (from, bytes) = match self.family {
            Family::V4 => error::of_ipv4(heard.bytes, 6).map(|(from, _, rest)| (from, rest))?,
            Family::V6 => (heard.address?.ip(), heard.bytes),
        };
        let segment = tcp::read(bytes)?;
        let answer =
            segment.flags & tcp::RST != 0 || segment.flags & (tcp::SYN | tcp::ACK) == (tcp::SYN | tcp::ACK);
        if from != self.to || segment.source != port || segment.to != own || !answer {
            return None;
        }
        let id = segment.acknowledged.wrapping_sub(1).wrapping_sub(first);
        Some(Signal { id: Some(id), from, what: What::Reached, labels: Vec::new(), at: heard.at })
    }

    fn quoted_segment(self, heard: &Heard<'_>, (own, port): (u16, u16), first: u32) -> Option<Signal> {
        let (from, icmp) = self.message(heard, Some(Way::Raw))?;
        let found = error::read(self.family, icmp)?;
        let segment = tcp::read(found.quote.rest)?;
        if found.quote.protocol != 6
            || found.quote.to != self.to
            || (segment.source, segment.to) != (own, port)
        {
            return None;
        }
        let what = What::of(self.family, found.kind, found.code, from, self.to)?;
        let id = Some(segment.sequence.wrapping_sub(first));
        Some(Signal { id, from, what, labels: found.labels, at: heard.at })
    }
}

/// The labels in what the error queue gives: where the kernel says that extensions begin, else where old
/// routers put them.
fn labels(bytes: &[u8], at: usize, before: usize) -> Vec<extension::Label> {
    let at = if at == 0 { 128 - before } else { at };
    bytes.get(at..).filter(|rest| !rest.is_empty()).and_then(extension::labels).unwrap_or_default()
}

/// The time a packet is sent, by both clocks.
pub(super) fn now() -> (SystemTime, tokio::time::Instant) {
    (SystemTime::now(), tokio::time::Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_numbers_are_the_newest_that_fit() {
        assert_eq!(unfolded(5, 10, 7), Some(5));
        assert_eq!(unfolded(8, 10, 17), Some(8));
        assert_eq!(unfolded(7, 10, 17), Some(17));
        assert_eq!(unfolded(9, 10, 7), None);
        assert_eq!(unfolded(65_535, 0x1_0000, 0x1_0001), Some(65_535));
    }
}
