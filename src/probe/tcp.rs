//! Whether a TCP port is open, how fast, and what the server says first.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};

use super::{Limits, Pace};
use crate::text::clean_line;

/// How long a server may take to say something by itself, and how much of it is kept.
const BANNER: Duration = Duration::from_millis(700);
const KEPT: usize = 256;

/// How a port answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It accepted.
    Open,
    /// It refused.
    Refused,
    /// Nothing came back.
    Timeout,
    /// Somebody said that it cannot be reached.
    Unreachable,
}

impl State {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
        }
    }
}

/// One port.
#[derive(Debug, Clone)]
pub struct Port {
    /// How it answered.
    pub state: State,
    /// How long that took.
    pub time: Option<Duration>,
    /// The first line that the server said by itself.
    pub banner: Option<String>,
    /// Why it cannot be reached.
    pub why: Option<String>,
}

/// Connects once, hears what comes within a moment, and closes. Nothing is sent over the connection.
pub async fn connect(
    to: SocketAddr,
    src: Option<IpAddr>,
    limit: Duration,
    pace: &Pace,
    limits: &Limits,
) -> Port {
    pace.wait().await;
    let unreachable =
        |why: String| Port { state: State::Unreachable, time: None, banner: None, why: Some(why) };
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => return unreachable(super::ping::own(&error)),
    };
    if let Some(src) = src
        && let Err(error) = socket.bind(SocketAddr::new(src, 0))
    {
        return unreachable(format!("cannot send from {src}: {error}"));
    }
    let start = Instant::now();
    let late = limits.deadline.min(start + limit);
    let connected = tokio::select! {
        connected = tokio::time::timeout_at(late, socket.connect(to)) => connected,
        () = limits.cancel.cancelled() => return unreachable("cancelled".to_owned()),
    };
    let time = Some(start.elapsed());
    match connected {
        Err(_) => Port { state: State::Timeout, time: None, banner: None, why: None },
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Port { state: State::Refused, time, banner: None, why: None }
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => {
            Port { state: State::Timeout, time: None, banner: None, why: None }
        }
        Ok(Err(error)) => unreachable(super::ping::own(&error)),
        Ok(Ok(mut stream)) => {
            let mut buffer = [0; KEPT];
            let said = timeout(BANNER, stream.read(&mut buffer)).await;
            let length = said.ok().and_then(Result::ok).unwrap_or(0);
            let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
            let line = text.lines().map(clean_line).find(|line| !line.trim().is_empty());
            Port { state: State::Open, time, banner: line, why: None }
        }
    }
}
