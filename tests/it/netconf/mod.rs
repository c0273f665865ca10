//! NETCONF against a real server and faulty ones.

mod cancel;
mod edits;
mod faults;
mod framing;
mod frozen;
mod real;
pub mod server;
mod sharing;
pub mod yuma;

use std::sync::Arc;
use std::time::Duration;

use nocbot::error::Failure;
use nocbot::inventory::Device;
use nocbot::transport::netconf::{Element, Netconf, Operation, Reply, Request, Settings, Target};
use nocbot::transport::ssh::Ssh;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ssh::{device, exec_platform, settings as ssh_settings};

/// A device on a port of loopback.
fn target(port: u16) -> Target {
    // The port of the command line is another one, as on devices.
    let mut device = Device { hostname: "127.0.0.1".to_owned(), ..device("r1", 1) };
    device.login.netconf.port = Some(port);
    Target::new(Arc::new(device), Arc::new(exec_platform()), Vec::new())
}

/// Settings with short waits.
fn settings() -> Settings {
    Settings {
        hello_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        ..Settings::default()
    }
}

fn netconf() -> Netconf {
    netconf_with(settings())
}

fn netconf_with(settings: Settings) -> Netconf {
    Netconf::new(&Ssh::new(ssh_settings()), settings)
}

fn request(port: u16, operation: Operation) -> Request {
    Request { target: target(port), operation, deadline: soon(20), cancel: CancellationToken::new() }
}

fn soon(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

async fn ask(netconf: &Netconf, port: u16, operation: Operation) -> Result<Reply, Failure> {
    netconf.request(request(port, operation)).await
}

/// The one element of a text.
fn element(text: &str) -> Element {
    Element::parse(text).unwrap().remove(0)
}
