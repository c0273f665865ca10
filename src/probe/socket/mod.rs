//! Sockets for probes: what the kernel allows, and one way to send and hear over all of them.
//!
//! ICMP goes over a datagram socket where `ping_group_range` allows it (no privilege), else over a raw one
//! (`CAP_NET_RAW`). Errors reach a datagram or UDP socket by its error queue (`IP_RECVERR`), a raw one as
//! packets. [`granting`] says how to get what is missing.

mod option;
mod queue;

pub use queue::{Heard, Reported};

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use nix::sys::socket::sockopt as nixopt;
use nix::sys::socket::{ControlMessage, MsgFlags, SetSockOpt, SockaddrStorage, sendmsg};
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Family;
use crate::error::{Error, Kind, Result};

/// Room for what arrives in a burst; the kernel gives as much of it as it allows.
const BUFFER: usize = 4 * 1024 * 1024;
/// A pending error of an earlier packet is reported by the next call; then the call is made again.
const TRIES: usize = 4;

/// How ICMP is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a datagram socket: the kernel fills in the identifier and gives only one's own answers.
    Datagram,
    /// By a raw socket: every ICMP message of this machine is seen.
    Raw,
}

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Icmp(Way),
    Udp,
    Tcp,
}

/// A socket with its family.
#[derive(Debug)]
pub struct Probing {
    fd: AsyncFd<Socket>,
    family: Family,
    used: Use,
}

/// What may not be fragmented on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragments {
    /// Routers may fragment, and so may this machine.
    Allowed,
    /// Nobody may; the kernel refuses what is larger than the path's MTU as it knows it.
    Refused,
    /// Nobody may; the kernel sends up to the link's MTU whatever it knows of the path.
    Probing,
}

/// What the kernel allows.
#[derive(Debug, Clone)]
pub struct Available {
    /// ICMP by datagram sockets, or why not.
    pub datagram: std::result::Result<(), String>,
    /// Raw ICMP, or why not.
    pub raw: std::result::Result<(), String>,
    /// UDP with its error queue, or why not.
    pub udp: std::result::Result<(), String>,
}

/// Tries each sort of socket; nothing is sent.
pub fn available(family: Family) -> Available {
    let why = |result: io::Result<Socket>| result.map(drop).map_err(|error| error.to_string());
    Available {
        datagram: why(open(family, Use::Icmp(Way::Datagram))),
        raw: why(open(family, Use::Icmp(Way::Raw))),
        udp: why(open(family, Use::Udp)),
    }
}

/// The commands that would grant ICMP: of datagram sockets to everybody, of raw ones to this program.
pub fn granting(program: &std::path::Path) -> [String; 2] {
    [
        "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"".to_owned(),
        format!("setcap cap_net_raw+ep {}", program.display()),
    ]
}

/// A socket for ICMP echo: datagram, else raw.
///
/// # Errors
/// With the commands that would grant one.
pub fn icmp(family: Family) -> Result<Probing> {
    let datagram = match Probing::new(family, Use::Icmp(Way::Datagram)) {
        Ok(socket) => return Ok(socket),
        Err(error) => error,
    };
    Probing::new(family, Use::Icmp(Way::Raw))
        .map_err(|raw| missing(format!("no ICMP socket: datagram: {datagram}; raw: {raw}")))
}

/// A raw socket for ICMP; it hears every ICMP error of this machine.
///
/// # Errors
/// With the commands that would grant one.
pub fn icmp_raw(family: Family) -> Result<Probing> {
    Probing::new(family, Use::Icmp(Way::Raw)).map_err(|error| missing(format!("no raw ICMP socket: {error}")))
}

/// A raw socket for TCP segments.
///
/// # Errors
/// With the commands that would grant one.
pub fn tcp_raw(family: Family) -> Result<Probing> {
    Probing::new(family, Use::Tcp).map_err(|error| missing(format!("no raw TCP socket: {error}")))
}

/// A UDP socket with its error queue; needs no privilege.
///
/// # Errors
/// Where the machine has no more sockets.
pub fn udp(family: Family) -> Result<Probing> {
    Probing::new(family, Use::Udp).map_err(|error| Error::io("no UDP socket", error))
}

fn missing(message: String) -> Error {
    let program = std::env::current_exe().unwrap_or_else(|_| "nocbot".into());
    let [group, capability] = granting(&program);
    Error::new(Kind::Io, message)
        .hint(format!("as root, either `{group}` (everybody may ping), or `{capability}`"))
        .hint("`nocbot doctor` shows what is available")
}

fn open(family: Family, used: Use) -> io::Result<Socket> {
    let domain = if family == Family::V4 { Domain::IPV4 } else { Domain::IPV6 };
    let icmp = if family == Family::V4 { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
    let (kind, protocol) = match used {
        Use::Icmp(Way::Datagram) => (Type::DGRAM, icmp),
        Use::Icmp(Way::Raw) => (Type::RAW, icmp),
        Use::Udp => (Type::DGRAM, Protocol::UDP),
        Use::Tcp => (Type::RAW, Protocol::TCP),
    };
    Socket::new(domain, kind.nonblocking().cloexec(), Some(protocol))
}

impl Probing {
    fn new(family: Family, used: Use) -> io::Result<Self> {
        let socket = open(family, used)?;
        // Smaller buffers only lose more under load.
        let _ = socket.set_recv_buffer_size(BUFFER);
        nixopt::ReceiveTimestampns.set(&socket, &true)?;
        let queued = matches!(used, Use::Udp | Use::Icmp(Way::Datagram));
        match family {
            Family::V4 => {
                nixopt::Ipv4RecvTtl.set(&socket, &true)?;
                if queued {
                    nixopt::Ipv4RecvErr.set(&socket, &true)?;
                    // Older kernels have no such option; then labels are not seen.
                    let _ = option::ExtensionsV4.set(&socket, &true);
                }
            }
            Family::V6 => {
                nixopt::Ipv6RecvHopLimit.set(&socket, &true)?;
                if queued {
                    nixopt::Ipv6RecvErr.set(&socket, &true)?;
                    let _ = option::ExtensionsV6.set(&socket, &true);
                }
            }
        }
        if used == Use::Icmp(Way::Raw) {
            // Without it every ICMP message of the machine is copied here.
            match family {
                Family::V4 => option::FilterV4.set(&socket, &option::ONLY_ANSWERS_V4)?,
                Family::V6 => option::FilterV6.set(&socket, &option::ONLY_ANSWERS_V6)?,
            }
        }
        #[allow(
            deprecated,
            reason = "the other way is unsafe; a socket2 socket owns its descriptor, which is all that is asked for"
        )]
        let fd = AsyncFd::with_interest(socket, Interest::READABLE | Interest::ERROR)?;
        Ok(Self { fd, family, used })
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// How ICMP is sent by it; `None` for UDP and TCP.
    pub fn way(&self) -> Option<Way> {
        match self.used {
            Use::Icmp(way) => Some(way),
            Use::Udp | Use::Tcp => None,
        }
    }

    fn socket(&self) -> &Socket {
        self.fd.get_ref()
    }

    /// Sends from this address, and from this port where it is not 0.
    pub fn bind(&self, address: IpAddr, port: u16) -> io::Result<()> {
        self.socket().bind(&SocketAddr::new(address, port).into())
    }

    /// Hears only what this address sends.
    pub fn connect(&self, address: IpAddr) -> io::Result<()> {
        self.socket().connect(&SocketAddr::new(address, 0).into())
    }

    /// The socket's own port; a datagram socket's ICMP identifier.
    pub fn port(&self) -> io::Result<u16> {
        Ok(self.socket().local_addr()?.as_socket().map_or(0, |address| address.port()))
    }

    /// Sets the type of service, or IPv6's traffic class.
    pub fn set_tos(&self, tos: u8) -> io::Result<()> {
        match self.family {
            Family::V4 => sockopt::set_ip_tos(self.socket(), tos)?,
            Family::V6 => sockopt::set_ipv6_tclass(self.socket(), u32::from(tos))?,
        }
        Ok(())
    }

    /// Sets the time to live of all packets that are sent without one of their own.
    pub fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        match self.family {
            Family::V4 => sockopt::set_ip_ttl(self.socket(), u32::from(ttl))?,
            Family::V6 => sockopt::set_ipv6_unicast_hops(self.socket(), Some(ttl))?,
        }
        Ok(())
    }

    /// Says who may fragment.
    pub fn set_fragments(&self, fragments: Fragments) -> io::Result<()> {
        match self.family {
            Family::V4 => sockopt::set_ip_mtu_discover(
                self.socket(),
                match fragments {
                    Fragments::Allowed => Ipv4PathMtuDiscovery::DONT,
                    Fragments::Refused => Ipv4PathMtuDiscovery::DO,
                    Fragments::Probing => Ipv4PathMtuDiscovery::PROBE,
                },
            )?,
            Family::V6 => sockopt::set_ipv6_mtu_discover(
                self.socket(),
                match fragments {
                    Fragments::Allowed => Ipv6PathMtuDiscovery::DONT,
                    Fragments::Refused => Ipv6PathMtuDiscovery::DO,
                    Fragments::Probing => Ipv6PathMtuDiscovery::PROBE,
                },
            )?,
        }
        Ok(())
    }

    /// Sends one packet, with a time to live of its own if one is given.
    ///
    /// # Errors
    /// What the kernel says about this packet; never what it has to say about an earlier one.
    pub fn send(&self, bytes: &[u8], to: SocketAddr, ttl: Option<u8>) -> io::Result<()> {
        // A raw IPv6 socket takes no port.
        let port = if matches!(self.used, Use::Udp) { to.port() } else { 0 };
        let to = SockaddrStorage::from(SocketAddr::new(to.ip(), port));
        let iov = [io::IoSlice::new(bytes)];
        let number = ttl.map_or(0, i32::from);
        let message = [match self.family {
            Family::V4 => ControlMessage::Ipv4Ttl(&number),
            Family::V6 => ControlMessage::Ipv6HopLimit(&number),
        }];
        let messages = if ttl.is_some() { message.as_slice() } else { &[] };
        let mut last = None;
        for _ in 0..TRIES {
            match sendmsg(self.socket().as_raw_fd(), &iov, messages, MsgFlags::empty(), Some(&to)) {
                Ok(_) => return Ok(()),
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or(io::ErrorKind::Interrupted.into(), io::Error::from))
    }

    /// Waits until something may be there, then hands everything that is there to `tell`.
    pub async fn hear(&self, buffer: &mut [u8], mut tell: impl FnMut(Heard<'_>)) -> io::Result<()> {
        let mut guard = self.fd.ready(Interest::READABLE | Interest::ERROR).await?;
        self.drain(buffer, &mut tell)?;
        guard.clear_ready();
        // What came between the last look and the clearing would not be announced again.
        self.drain(buffer, &mut tell)
    }

    /// Hands everything that is there to `tell`.
    pub fn drain(&self, buffer: &mut [u8], tell: &mut impl FnMut(Heard<'_>)) -> io::Result<()> {
        let queues: &[bool] =
            if matches!(self.used, Use::Udp | Use::Icmp(Way::Datagram)) { &[true, false] } else { &[false] };
        for errors in queues {
            let mut pending = 0;
            loop {
                match queue::receive(self.socket(), buffer, *errors) {
                    Ok(heard) => tell(heard),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // The error of an earlier packet; its entry in the queue says more.
                    Err(error) => {
                        pending += 1;
                        if pending > 64 {
                            return Err(error);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// The address from which packets to `to` leave, or why they cannot; nothing is sent.
pub fn source(to: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { [0u8; 4].into() } else { [0u8; 16].into() };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect((to, 9))?;
    Ok(socket.local_addr()?.ip())
}

/// The MTU of the path to `to` as this machine knows it: at first that of the link on which it leaves.
pub fn known_mtu(to: IpAddr) -> io::Result<usize> {
    let any: IpAddr = if to.is_ipv4() { [0u8; 4].into() } else { [0u8; 16].into() };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect((to, 9))?;
    let mtu = match Family::of(to) {
        Family::V4 => sockopt::ip_mtu(&socket)?,
        Family::V6 => u32::try_from(option::mtu_v6(&socket)?).unwrap_or(0),
    };
    Ok(usize::try_from(mtu).unwrap_or(usize::MAX))
}
