//! A warm session whose connection died unnoticed, as where a firewall forgot it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nocbot::transport::netconf::{Operation, Settings};
use tokio::net::{TcpListener, TcpStream};

use super::server::Server;
use super::{ask, element, netconf_with, settings};

/// Passes connections on; those that began before `frozen` was raised carry nothing any more.
async fn firewall(port: u16, frozen: Arc<AtomicUsize>) -> (u16, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outside = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let (frozen, begun) = (Arc::clone(&frozen), frozen.load(Ordering::SeqCst));
            connections.spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let forgotten = async {
                    while frozen.load(Ordering::SeqCst) == begun {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    // Neither end hears of it.
                    () = forgotten => std::future::pending().await,
                }
            });
        }
    });
    (outside, task)
}

#[tokio::test]
async fn it_is_found_out_and_replaced() {
    let server = Server::answering(&[], |_| "<data/>".to_owned()).await;
    let frozen = Arc::new(AtomicUsize::new(0));
    let (port, _task) = firewall(server.port, Arc::clone(&frozen)).await;
    let netconf = netconf_with(Settings { idle_timeout: Duration::from_secs(30), ..settings() });
    ask(&netconf, port, Operation::get(None)).await.unwrap();
    assert!(ask(&netconf, port, Operation::get(None)).await.unwrap().warm);

    frozen.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    assert!(!ask(&netconf, port, Operation::get(None)).await.unwrap().warm);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);

    // Whether a device's own RPC arrived is not known: it is not sent again.
    frozen.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let failure = ask(&netconf, port, Operation::Rpc(element("<clear/>"))).await.unwrap_err();
    assert!(failure.message.contains("does not answer any more"), "{failure}");
    assert_eq!(server.count("<clear/>"), 0);
}
