//! `nocbot doctor`: what this machine lets nocbot send, what follows, and the commands that grant the rest.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use tokio::runtime::Builder;

use super::failed;
use crate::error::Error;
use crate::probe::Family;
use crate::probe::dns;
use crate::probe::socket::{self, Available};

/// Prints the report. Exit code 0 where ping works by ICMP in both families, else 1.
pub(super) fn run() -> ExitCode {
    // Sockets are tried in a runtime, as they are used.
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&[Error::io("cannot start the runtime", error)]),
    };
    let _entered = runtime.enter();
    let program = std::env::current_exe().unwrap_or_else(|_| "nocbot".into());
    let mut out = String::new();
    let mut whole = true;
    for (name, family) in [("IPv4", Family::V4), ("IPv6", Family::V6)] {
        let found = socket::available(family);
        let _ = writeln!(out, "{name}");
        for (what, result) in [
            ("ICMP datagram sockets", &found.datagram),
            ("raw ICMP sockets", &found.raw),
            ("UDP with its error queue", &found.udp),
        ] {
            let state = match result {
                Ok(()) => "yes".to_owned(),
                Err(why) => format!("no: {why}"),
            };
            let _ = writeln!(out, "  {what:26} {state}");
        }
        for (what, how) in follows(&found) {
            let _ = writeln!(out, "  {what:26} {how}");
        }
        whole &= found.datagram.is_ok() || found.raw.is_ok();
    }
    let servers: Vec<String> = dns::servers().iter().map(ToString::to_string).collect();
    let _ = writeln!(
        out,
        "name servers                 {}",
        if servers.is_empty() { "none".to_owned() } else { servers.join(", ") }
    );
    let [group, capability] = socket::granting(&program);
    let raw = socket::available(Family::V4).raw.is_ok();
    if whole && raw {
        let _ = writeln!(out, "nothing is missing");
    }
    if !whole {
        let _ = writeln!(out, "to ping by ICMP, as root:    {group}");
    }
    if !raw {
        let _ = writeln!(out, "for everything, as root:     {capability}");
    }
    // A closed pipe ends the output, not the program.
    let _ = std::io::stdout().write_all(out.as_bytes());
    ExitCode::from(u8::from(!whole))
}

/// What works by which of them.
fn follows(found: &Available) -> [(&'static str, &'static str); 3] {
    let icmp = found.datagram.is_ok() || found.raw.is_ok();
    let raw = found.raw.is_ok();
    [
        (
            "ping, mtr proto=icmp",
            if icmp { "by ICMP" } else { "no ICMP: ping times TCP connections and says so" },
        ),
        ("trace, mtr, pmtu", if found.udp.is_ok() { "by UDP" } else { "no" }),
        ("trace proto=tcp", if raw { "yes" } else { "needs raw sockets" }),
    ]
}
