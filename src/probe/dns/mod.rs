//! Questions to name servers (RFC 1035), by UDP, and by TCP where an answer does not fit.

mod message;

pub use message::{Record, Reply, kinds};

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use super::Limits;
use crate::error::{Failure, FailureKind};

/// Where the machine's own name servers are written down.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// How long a server may take before it is asked again, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(1);
const TRIES: u32 = 3;
/// The largest answer by UDP that is asked for (RFC 6891; the value of DNS flag day 2020).
const UDP: usize = 1232;

/// The machine's own name servers, in their order.
pub fn servers() -> Vec<IpAddr> {
    std::fs::read_to_string(Path::new(RESOLV_CONF)).map(|text| servers_in(&text)).unwrap_or_default()
}

fn servers_in(text: &str) -> Vec<IpAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next())??.parse().ok()
    };
    text.lines().filter_map(server).collect()
}

/// Asks one server for the records of a name; of an address, for its name.
///
/// # Errors
/// When the name is none, or the server does not answer.
pub async fn ask(server: SocketAddr, name: &str, kind: &str, limits: &Limits) -> Result<Reply, Failure> {
    let work = exchange(server, name, kind, limits.deadline);
    tokio::select! {
        reply = work => reply,
        () = limits.cancel.cancelled() => Err(Failure::new(FailureKind::Cancelled, "was cancelled before an answer came")),
    }
}

async fn exchange(server: SocketAddr, name: &str, kind: &str, deadline: Instant) -> Result<Reply, Failure> {
    let id = u16::try_from(super::random() & 0xffff).unwrap_or(0);
    let question =
        message::question(id, name, kind, UDP).map_err(|why| Failure::new(FailureKind::Unsupported, why))?;
    let connect = |error: io::Error| {
        Failure::new(FailureKind::Connect, format!("the name server {server}: {error}"))
            .hint("name another one: `dns NAME @SERVER`")
    };
    let late = || {
        Failure::new(FailureKind::Timeout, format!("the name server {server} did not answer"))
            .hint("name another one: `dns NAME @SERVER`")
    };
    let start = Instant::now();
    let any: SocketAddr = if server.is_ipv4() { ([0u8; 4], 0).into() } else { ([0u8; 16], 0).into() };
    let socket = UdpSocket::bind(any).await.map_err(connect)?;
    socket.connect(server).await.map_err(connect)?;
    let mut buffer = vec![0; 4096];
    for _ in 0..TRIES {
        socket.send(&question).await.map_err(connect)?;
        let until = deadline.min(Instant::now() + PATIENCE);
        while let Ok(received) = timeout_at(until, socket.recv(&mut buffer)).await {
            let length = received.map_err(connect)?;
            // Anything else than the answer to this very question is passed over.
            let Some(reply) = message::read(&question, buffer.get(..length).unwrap_or_default()) else {
                continue;
            };
            let reply = if reply.truncated {
                let by_tcp = timeout_at(deadline, by_tcp(server, &question)).await;
                by_tcp.map_err(|_| late())?.map_err(connect)?
            } else {
                reply
            };
            return Ok(Reply { took: start.elapsed(), server: Some(server), ..reply });
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    Err(late())
}

async fn by_tcp(server: SocketAddr, question: &[u8]) -> io::Result<Reply> {
    let mut stream = timeout(PATIENCE * 3, TcpStream::connect(server)).await??;
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(question).await?;
    let length = usize::from(stream.read_u16().await?);
    let mut buffer = vec![0; length];
    stream.read_exact(&mut buffer).await?;
    message::read(question, &buffer)
        .map(|reply| Reply { by_tcp: true, ..reply })
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its answer is to another question"))
}

/// The name of an address by the machine's own servers, if one of them knows it in time.
pub async fn name_of(address: IpAddr, limits: &Limits) -> Option<String> {
    for server in servers() {
        match ask(SocketAddr::new(server, 53), &address.to_string(), "PTR", limits).await {
            Ok(reply) => {
                let found = reply.records.into_iter().find(|record| record.kind == "PTR")?;
                return Some(found.data.trim_end_matches('.').to_owned()).filter(|name| !name.is_empty());
            }
            Err(failure) if failure.kind == FailureKind::Connect => {}
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers() {
        let text = "# x\nsearch a\nnameserver 192.0.2.53\nnameserver  2001:db8::53 # y\nnameserver nonsense\noptions z\n";
        let expected: Vec<IpAddr> =
            ["192.0.2.53", "2001:db8::53"].iter().filter_map(|a| a.parse().ok()).collect();
        assert_eq!(servers_in(text), expected);
    }
}
