//! HTTP/2: many questions on one connection, and one that breaks does not harm the others.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nocbot::error::FailureKind;
use nocbot::inventory::HttpsLogin;
use nocbot::transport::http::Settings;
use nocbot::transport::restconf::Restconf;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::server::Authority;
use super::{File, device, get, request, secret};

/// A body of some pieces that then ends, breaks or says nothing more.
struct Pieces(Vec<&'static str>, End, Pin<Box<tokio::time::Sleep>>);

#[derive(Clone, Copy)]
enum End {
    Good,
    Broken,
    Silent,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match (self.0.pop(), self.1) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))),
            (None, End::Good) => Poll::Ready(None),
            // After a moment: a reset takes with it what is still to be sent.
            (None, End::Broken) => {
                let fault = || Some(Err(std::io::Error::other("a fault")));
                self.2.as_mut().poll(context).map(|()| fault())
            }
            (None, End::Silent) => Poll::Pending,
        }
    }
}

async fn respond(request: Request<Incoming>) -> Result<Response<Pieces>, Infallible> {
    let path = request.uri().path().to_owned();
    // So that questions asked together are under way together.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let (pieces, end) = match path.rsplit('/').next().unwrap() {
        "m:broken" => (vec!["{\"m:a\""], End::Broken),
        "m:silent" => (vec!["{\"m:a\""], End::Silent),
        _ => (vec![": 1}", "{\"m:a\""], End::Good),
    };
    let body = Pieces(pieces, end, Box::pin(tokio::time::sleep(Duration::from_millis(100))));
    Ok(Response::builder().header("content-type", "application/yang-data+json").body(body).unwrap())
}

async fn start() -> (u16, String, Arc<AtomicUsize>) {
    let authority = Authority::new();
    let signed = authority.sign(&["127.0.0.1"], 2100);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signed.key.serialize_der()));
    let chain = vec![signed.certificate.der().clone()];
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let serving = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(serving.serve_connection(TokioIo::new(stream), service_fn(respond)));
        }
    });
    (port, authority.pem(), connections)
}

#[tokio::test]
async fn one_connection_carries_many_and_survives_one_that_breaks() {
    let (port, ca, connections) = start().await;
    let ca = File::new(&ca);
    let login = HttpsLogin {
        port: Some(port),
        username: Some("admin".to_owned()),
        password: secret("hunter2"),
        ca_file: ca.path(),
        root: Some("/restconf".to_owned()),
        ..HttpsLogin::default()
    };
    let (restconf, device) = (Restconf::new(Settings::default()), device(login));
    let together = futures_util::future::join_all((0..4).map(|_| get(&restconf, &device, "m:a"))).await;
    assert!(together.iter().all(|reply| reply.as_ref().is_ok_and(|reply| reply.text == "{\"m:a\": 1}")));
    assert_eq!(together.iter().flatten().filter(|reply| !reply.warm).count(), 1, "one of them connected");

    let mut silent = request(&device, "m:silent");
    silent.deadline = Instant::now() + Duration::from_millis(500);
    let cancelled = request(&device, "m:silent");
    let cancel = cancelled.cancel.clone();
    let (broken, late, gone, ()) = tokio::join!(
        get(&restconf, &device, "m:broken"),
        restconf.get(silent),
        restconf.get(cancelled),
        async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            cancel.cancel();
        }
    );
    let broken = broken.unwrap_err();
    assert_eq!(broken.kind, FailureKind::Connect);
    assert!(broken.message.contains("broke off after 6 bytes"), "{broken}");
    assert_eq!(late.unwrap_err().kind, FailureKind::Timeout);
    assert_eq!(gone.unwrap_err().kind, FailureKind::Cancelled);
    assert!(get(&restconf, &device, "m:a").await.unwrap().warm);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_waits_for_a_connection_gets_that_of_another_device() {
    let servers = [start().await, start().await];
    let restconf = Restconf::new(Settings { max_connections: 1, ..Settings::default() });
    let files: Vec<File> = servers.iter().map(|(_, ca, _)| File::new(ca)).collect();
    let devices: Vec<_> = servers
        .iter()
        .zip(&files)
        .map(|((port, ..), ca)| {
            let login = HttpsLogin { port: Some(*port), ca_file: ca.path(), ..HttpsLogin::default() };
            device(HttpsLogin { root: Some("/restconf".to_owned()), ..login })
        })
        .collect();
    let asks = (0..6).map(|at| get(&restconf, &devices[at % 2], "m:a"));
    let done = tokio::time::timeout(Duration::from_secs(10), futures_util::future::join_all(asks)).await;
    assert!(done.unwrap().iter().all(Result::is_ok));
}
