//! Where ICMP is not allowed: how long a TCP connection takes to be accepted or refused. The answer says that
//! it is so.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::engine::own;
use super::{Options, Tally, Trouble};
use crate::probe::{Limits, Pace};

/// Connections that are being opened at the same time.
const AT_ONCE: usize = 256;

/// Opens `count` connections to a port of every address, and closes them at once. Accepted and refused are
/// both answers.
pub async fn run(
    targets: &[IpAddr],
    port: u16,
    options: &Options,
    pace: &Pace,
    limits: &Limits,
    mut tell: impl FnMut(&[Tally]) + Send,
) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); targets.len()];
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks: JoinSet<(usize, Result<std::time::Duration, Option<String>>)> = JoinSet::new();
    let work = async {
        for round in 0..options.count {
            let start = Instant::now();
            for (index, target) in targets.iter().enumerate() {
                pace.wait().await;
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
                if let Some(tally) = tallies.get_mut(index) {
                    tally.sent += 1;
                }
                let (to, src, limit) = (SocketAddr::new(*target, port), options.src, options.timeout);
                tasks.spawn(async move {
                    let result = timeout(limit, once(to, src)).await.unwrap_or(Err(None));
                    drop(permit);
                    (index, result)
                });
                while let Some(Ok(done)) = tasks.try_join_next() {
                    count(&mut tallies, done);
                }
            }
            tell(&tallies);
            if round + 1 < options.count {
                tokio::time::sleep_until(start + options.interval).await;
            }
        }
        while let Some(Ok(done)) = tasks.join_next().await {
            count(&mut tallies, done);
        }
    };
    tokio::select! {
        () = work => {}
        () = limits.cancel.cancelled() => {}
        () = tokio::time::sleep_until(limits.deadline) => {}
    }
    tallies
}

fn count(tallies: &mut [Tally], (index, result): (usize, Result<std::time::Duration, Option<String>>)) {
    let Some(tally) = tallies.get_mut(index) else { return };
    match result {
        Ok(rtt) => tally.answered(rtt, None),
        Err(Some(why)) => tally.trouble = Some(Trouble::Own(why)),
        Err(None) => {}
    }
}

async fn once(to: SocketAddr, src: Option<IpAddr>) -> Result<std::time::Duration, Option<String>> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(|error| Some(own(&error)))?;
    if let Some(src) = src {
        socket.bind(SocketAddr::new(src, 0)).map_err(|error| Some(own(&error)))?;
    }
    let start = Instant::now();
    match socket.connect(to).await {
        Ok(_) => Ok(start.elapsed()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(start.elapsed()),
        Err(error) => Err(Some(own(&error))),
    }
}
