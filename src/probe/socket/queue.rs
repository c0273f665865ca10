//! One message from a socket or from its error queue.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime};

use nix::cmsg_space;
use nix::libc::{self, sock_extended_err};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
use nix::sys::time::TimeSpec;
use socket2::Socket;

/// A message as it arrived.
#[derive(Debug)]
pub struct Heard<'a> {
    /// The bytes; of an error, the packet that it is about behind its transport header (ICMP: from that header on).
    pub bytes: &'a [u8],
    /// Who sent it; of an error, to whom the packet was.
    pub address: Option<SocketAddr>,
    /// Its time to live, where the kernel tells.
    pub ttl: Option<u8>,
    /// When the kernel took it from the wire.
    pub at: SystemTime,
    /// What was reported, where this comes from the error queue.
    pub error: Option<Reported>,
}

/// An entry of the error queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// The ICMP type and code; `None` for an error of this machine.
    pub icmp: Option<(u8, u8)>,
    /// The error as a number of the operating system.
    pub errno: i32,
    /// The MTU, for a packet that was too large.
    pub mtu: u32,
    /// Who said so.
    pub by: Option<IpAddr>,
    /// Where in the bytes ICMP extensions begin; 0 where the message does not say.
    pub extension: usize,
}

/// Takes one message, or one entry of the error queue.
pub(super) fn receive<'b>(socket: &Socket, buffer: &'b mut [u8], errors: bool) -> io::Result<Heard<'b>> {
    let mut control = cmsg_space!(TimeSpec, i32, i32, [u8; 64]);
    let flags = if errors { MsgFlags::MSG_ERRQUEUE } else { MsgFlags::empty() } | MsgFlags::MSG_DONTWAIT;
    let (length, address, ttl, at, error) = {
        let mut iov = [IoSliceMut::new(buffer)];
        let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut iov, Some(&mut control), flags)?;
        let (mut ttl, mut at, mut error) = (None, None, None);
        for control in message.cmsgs()? {
            match control {
                ControlMessageOwned::Ipv4Ttl(number) | ControlMessageOwned::Ipv6HopLimit(number) => {
                    ttl = u8::try_from(number).ok();
                }
                ControlMessageOwned::ScmTimestampns(time) => at = Some(system_time(time)),
                ControlMessageOwned::Ipv4RecvErr(entry, by) => {
                    let by = by.map(|by| Ipv4Addr::from(by.sin_addr.s_addr.to_ne_bytes()));
                    error = Some(reported(entry, by.map(IpAddr::V4)));
                }
                ControlMessageOwned::Ipv6RecvErr(entry, by) => {
                    let by = by.map(|by| Ipv6Addr::from(by.sin6_addr.s6_addr));
                    error = Some(reported(entry, by.map(IpAddr::V6)));
                }
                _ => {}
            }
        }
        let address = message.address.and_then(socket_address);
        (message.bytes, address, ttl, at.unwrap_or_else(SystemTime::now), error)
    };
    let bytes = buffer.get(..length).unwrap_or_default();
    Ok(Heard { bytes, address, ttl, at, error })
}

fn reported(entry: sock_extended_err, by: Option<IpAddr>) -> Reported {
    let icmp = matches!(entry.ee_origin, libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6);
    let [low, high, flags, _] = entry.ee_data.to_ne_bytes();
    // The first bit says that the extension is broken.
    let extension = if flags & 1 == 0 { usize::from(u16::from_ne_bytes([low, high])) } else { 0 };
    Reported {
        icmp: icmp.then_some((entry.ee_type, entry.ee_code)),
        errno: i32::try_from(entry.ee_errno).unwrap_or(0),
        mtu: entry.ee_info,
        by: by.filter(|by| !by.is_unspecified()),
        extension,
    }
}

fn socket_address(address: SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::new(v4.ip().into(), v4.port()));
    }
    address.as_sockaddr_in6().map(|v6| SocketAddr::new(v6.ip().into(), v6.port()))
}

fn system_time(time: TimeSpec) -> SystemTime {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}
