//! Socket options for which no crate has a safe function; the macros of `nix` make one of each.

use std::io;
use std::os::fd::AsFd;

use nix::libc;
use nix::sys::socket::GetSockOpt;
use nix::sys::socket::sockopt::{GetStruct, SetBool, SetStruct};
use nix::{getsockopt_impl, setsockopt_impl};

/// `IP_RECVERR_RFC4884` of linux/in.h: errors in the queue keep their extensions.
const EXTENSIONS_V4: libc::c_int = 26;
/// `IPV6_RECVERR_RFC4884` of linux/in6.h.
const EXTENSIONS_V6: libc::c_int = 31;
/// `IPV6_MTU` of linux/in6.h: the path's MTU of a connected socket.
const MTU_V6: libc::c_int = 24;
/// `SOL_RAW` and `ICMP_FILTER` of linux/icmp.h.
const RAW: libc::c_int = 255;
const FILTER: libc::c_int = 1;

/// Which types a raw IPv4 socket is spared: all but echo replies, unreachable, redirect, exceeded and parameter problems.
pub(super) const ONLY_ANSWERS_V4: u32 = !(1 << 0 | 1 << 3 | 1 << 4 | 1 << 11 | 1 << 12);
/// The same for IPv6 (RFC 3542): all but types 1 to 4 and 129.
pub(super) const ONLY_ANSWERS_V6: [u32; 8] =
    [!(1 << 1 | 1 << 2 | 1 << 3 | 1 << 4), !0, !0, !0, !(1 << 1), !0, !0, !0];

/// Errors in an IPv4 socket's queue keep their extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExtensionsV4;
setsockopt_impl!(ExtensionsV4, libc::IPPROTO_IP, EXTENSIONS_V4, bool, SetBool);

/// Errors in an IPv6 socket's queue keep their extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExtensionsV6;
setsockopt_impl!(ExtensionsV6, libc::IPPROTO_IPV6, EXTENSIONS_V6, bool, SetBool);

/// The types that a raw ICMP socket is spared.
#[derive(Debug, Clone, Copy)]
pub(super) struct FilterV4;
setsockopt_impl!(FilterV4, RAW, FILTER, u32, SetStruct<'_, u32>);

/// The types that a raw ICMPv6 socket is spared.
#[derive(Debug, Clone, Copy)]
pub(super) struct FilterV6;
setsockopt_impl!(FilterV6, libc::IPPROTO_ICMPV6, FILTER, [u32; 8], SetStruct<'_, [u32; 8]>);

#[derive(Debug, Clone, Copy)]
struct MtuV6;
getsockopt_impl!(MtuV6, libc::IPPROTO_IPV6, MTU_V6, libc::c_int, GetStruct<libc::c_int>);

/// The path's MTU of a connected IPv6 socket.
pub(super) fn mtu_v6(socket: &impl AsFd) -> io::Result<i32> {
    Ok(MtuV6.get(&socket)?)
}
