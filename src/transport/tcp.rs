//! TCP connections, whatever is spoken on them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::error::{Failure, FailureKind};

/// Between the attempts at a name's addresses (RFC 8305, 8).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Connects to the first of a host's addresses that answers, starting the next one a moment after the last, so that
/// an address that leads nowhere costs no time.
///
/// # Errors
/// Why the name has no address, or why the last address gave no connection; `TimedOut` where none said anything.
pub async fn race(host: &str, port: u16) -> Result<TcpStream, Unconnected> {
    let addresses = tokio::net::lookup_host((host, port)).await.map_err(Unconnected::Resolve)?;
    let mut addresses: VecDeque<SocketAddr> = addresses.collect();
    if addresses.is_empty() {
        return Err(Unconnected::Resolve(std::io::Error::other("the answer is empty")));
    }
    let mut attempts = JoinSet::new();
    let mut last = std::io::Error::from(std::io::ErrorKind::TimedOut);
    loop {
        match addresses.pop_front() {
            Some(address) => {
                attempts.spawn(TcpStream::connect(address));
            }
            None if attempts.is_empty() => return Err(Unconnected::Connect(last)),
            None => {}
        }
        let next = attempts.join_next();
        let joined =
            if addresses.is_empty() { next.await } else { timeout(NEXT_ADDRESS, next).await.unwrap_or(None) };
        match joined {
            Some(Ok(Ok(stream))) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(host, %error, "no TCP_NODELAY");
                }
                return Ok(stream);
            }
            Some(Ok(Err(error))) => last = error,
            Some(Err(_)) | None => {}
        }
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Unconnected {
    /// The name has no address.
    Resolve(std::io::Error),
    /// No address took the connection.
    Connect(std::io::Error),
}

/// Connects to a device.
///
/// `what` is the protocol behind the port, for the hint.
pub(super) async fn dial(host: &str, port: u16, who: &str, what: &str) -> Result<TcpStream, Failure> {
    let error = match race(host, port).await {
        Ok(stream) => return Ok(stream),
        Err(Unconnected::Resolve(error)) => {
            let why = format!("the name of {who} has no address: {error}");
            return Err(Failure::new(FailureKind::Resolve, why)
                .hint("check `hostname` in the inventory and the name server"));
        }
        Err(Unconnected::Connect(error)) => error,
    };
    let (why, hint) = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => (
            "connection refused".to_owned(),
            format!("{what} may be off on the device, on another port, or filtered"),
        ),
        _ => (without_number(&error), "check the address, the route and the filters on the way".to_owned()),
    };
    Err(Failure::new(FailureKind::Connect, format!("no TCP connection to {who}: {why}")).hint(hint))
}

/// An error of the operating system without its number.
pub fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_address_that_answers_is_taken() {
        // `localhost` has two addresses on most systems; only one of them listens.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(race("localhost", port).await.unwrap().peer_addr().unwrap().port(), port);
        drop(listener);
        assert!(matches!(race("localhost", port).await, Err(Unconnected::Connect(_))));
        assert!(matches!(race("no-such-host.invalid", 1).await, Err(Unconnected::Resolve(_))));
    }
}
