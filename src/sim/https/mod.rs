//! The HTTPS server of a device: RESTCONF and JSON-RPC, over HTTP/1.1 and HTTP/2.
//!
//! One listener per device that offers something there; a connection is a task, and ends with the
//! client or at stop. All devices have one certificate, made when the network starts; clients pin it.

mod body;
mod certificate;
mod jsonrpc;
mod restconf;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::body::Spoiled;
use super::cli::Device;
use super::data::Offer;

pub use certificate::Identity;

/// A client that does not finish the TLS handshake is given up.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// A longer request is none.
const LONGEST: usize = 1024 * 1024;

/// An answer before it is sent.
pub(super) struct Answer {
    status: StatusCode,
    media: &'static str,
    text: String,
}

impl Answer {
    fn new(status: StatusCode, media: &'static str, text: impl Into<String>) -> Self {
        Self { status, media, text: text.into() }
    }
}

/// Accepts connections until `stop`; every connection is a task of `tasks`.
pub async fn serve(
    device: Arc<Device>,
    listener: TcpListener,
    identity: Identity,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (device, acceptor, stop) = (Arc::clone(&device), identity.acceptor(), stop.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = connection(device, acceptor, stream) => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(device = %device.name, "accept failed: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(device: Arc<Device>, acceptor: TlsAcceptor, mut stream: TcpStream) {
    if device.faults.hang {
        // Reading notices when the other side gives up.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        return;
    }
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(|request| {
        let device = Arc::clone(&device);
        async move { Ok::<_, Infallible>(answer(&device, request).await) }
    });
    let stream = TokioIo::new(stream);
    let ended = if second {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await
    };
    if let Err(error) = ended {
        tracing::debug!(device = %device.name, "HTTPS connection ended: {error}");
    }
}

async fn answer(device: &Arc<Device>, request: Request<Incoming>) -> Response<Spoiled> {
    if device.faults.silent {
        std::future::pending::<()>().await;
    }
    let Some(offer) = device.offer() else { return send(device, plain(StatusCode::NOT_FOUND)) };
    let (head, body) = request.into_parts();
    let open = offer.restconf.is_some() && restconf::is_discovery(head.uri.path());
    if !open && !right(device, head.headers.get(AUTHORIZATION)) {
        let mut response = send(device, restconf::unauthorized(offer, &head));
        let realm = HeaderValue::from_static("Basic realm=\"restconf\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, realm);
        return response;
    }
    tokio::time::sleep(device.faults.slow.unwrap_or_default()).await;
    let limited = http_body_util::Limited::new(body, LONGEST).collect().await;
    let Ok(body) = limited.map(http_body_util::Collected::to_bytes) else {
        return send(device, plain(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let answered = route(device, offer, &head, &body);
    send(device, answered)
}

fn route(device: &Device, offer: &Offer, head: &hyper::http::request::Parts, body: &Bytes) -> Answer {
    if let Some(rpc) = offer.json_rpc.as_ref().filter(|rpc| rpc.path == head.uri.path()) {
        return jsonrpc::answer(device, rpc, head, body);
    }
    match &offer.restconf {
        Some(restconf) => restconf::answer(device, offer, restconf, head),
        None => plain(StatusCode::NOT_FOUND),
    }
}

/// Basic authentication (RFC 7617).
fn right(device: &Device, header: Option<&HeaderValue>) -> bool {
    let coded = header.and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, coded) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("basic").then_some(coded.trim())
    });
    let pair = coded.and_then(|coded| base64::engine::general_purpose::STANDARD.decode(coded).ok());
    let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) else { return false };
    !device.faults.wrong_password && user == device.username && password == device.password.expose()
}

fn plain(status: StatusCode) -> Answer {
    Answer::new(status, "text/plain", format!("{status}\n"))
}

fn send(device: &Arc<Device>, answer: Answer) -> Response<Spoiled> {
    let Answer { status, media, text } = answer;
    let length = text.len();
    // Errors and discovery come as they should; what is spoiled is data.
    let faulty = status == StatusCode::OK && media != restconf::XRD;
    let body = Spoiled::new(Bytes::from(text), faulty.then(|| Arc::clone(device)));
    let garbage = if faulty { device.faults.garbage } else { 0 };
    let lie = if faulty && device.faults.lying_length { 100 } else { 0 };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length + garbage + lie));
    }
    response
}
