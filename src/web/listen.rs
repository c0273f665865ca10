//! Accepts connections, and bounds how many there are and how long each may take.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::debug;

use super::Site;

/// The address of the other end, for the login's bookkeeping.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub SocketAddr);

/// Until shutdown: one task per connection, at most `limits.connections` at a time.
pub(super) async fn run(listener: TcpListener, router: Router, site: Arc<Site>) {
    let slots = Arc::new(Semaphore::new(site.limits.connections));
    loop {
        let accept = async {
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            (listener.accept().await, slot)
        };
        let accepted = tokio::select! {
            accepted = accept => accepted,
            () = site.shutdown.cancelled() => break,
        };
        match accepted {
            (Ok((stream, peer)), slot) => {
                let service = router.clone().layer(axum::Extension(Peer(peer)));
                site.tasks.spawn(connection(stream, service, slot, Arc::clone(&site)));
            }
            (Err(error), _) => {
                // Out of file descriptors, or the peer has already gone: neither is mended by haste.
                debug!(%error, "accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// One connection, until it ends, is upgraded to a WebSocket, grows too old, or shutdown.
async fn connection(stream: TcpStream, service: Router, slot: Option<OwnedSemaphorePermit>, site: Arc<Site>) {
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(site.limits.head).max_buf_size(32 * 1024);
    let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(builder.serve_connection(io, service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = tokio::time::sleep(site.limits.connection) => None,
        () = site.shutdown.cancelled() => None,
    };
    let ended = if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        timeout(site.limits.drain, connection).await.ok()
    } else {
        ended
    };
    if let Some(Err(error)) = ended {
        debug!(%error, "console connection");
    }
    drop(slot);
}
