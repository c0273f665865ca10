//! TCP connections to devices, whatever is spoken on them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::error::{Failure, FailureKind};

/// Between the attempts at a name's addresses (RFC 8305, 8).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Connects to the first address that answers, starting the next one a moment after the last.
///
/// `what` is the protocol behind the port, for the hint.
pub(super) async fn dial(host: &str, port: u16, who: &str, what: &str) -> Result<TcpStream, Failure> {
    let unresolved = |why: String| {
        Failure::new(FailureKind::Resolve, format!("the name of {who} has no address: {why}"))
            .hint("check `hostname` in the inventory and the name server")
    };
    let addresses =
        tokio::net::lookup_host((host, port)).await.map_err(|error| unresolved(error.to_string()))?;
    let mut addresses: std::collections::VecDeque<SocketAddr> = addresses.collect();
    if addresses.is_empty() {
        return Err(unresolved("the answer is empty".to_owned()));
    }
    let mut attempts = JoinSet::new();
    let mut last: Option<std::io::Error> = None;
    loop {
        match addresses.pop_front() {
            Some(address) => {
                attempts.spawn(TcpStream::connect(address));
            }
            None if attempts.is_empty() => break,
            None => {}
        }
        let next = attempts.join_next();
        let joined =
            if addresses.is_empty() { next.await } else { timeout(NEXT_ADDRESS, next).await.unwrap_or(None) };
        match joined {
            Some(Ok(Ok(stream))) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(device = who, %error, "no TCP_NODELAY");
                }
                return Ok(stream);
            }
            Some(Ok(Err(error))) => last = Some(error),
            Some(Err(_)) | None => {}
        }
    }
    let elsewhere = || "check the address, the route and the filters on the way".to_owned();
    let (why, hint) = match last {
        Some(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => (
            "connection refused".to_owned(),
            format!("{what} may be off on the device, on another port, or filtered"),
        ),
        Some(error) => (without_number(&error), elsewhere()),
        None => ("no answer".to_owned(), elsewhere()),
    };
    Err(Failure::new(FailureKind::Connect, format!("no TCP connection to {who}: {why}")).hint(hint))
}

/// An error of the operating system without its number.
pub(super) fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
