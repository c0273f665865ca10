//! One connection to a server: TCP, TLS, and HTTP/2 (RFC 9113) or HTTP/1.1 (RFC 9112) by ALPN (RFC 7301).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;

use super::endpoint::Endpoint;
use super::explain;
use super::message::{Ask, Progress, Stage};
use super::settings::Settings;
use super::tls::Tls;
use crate::error::{Failure, FailureKind};
use crate::transport::tcp;

/// What a stream may have in flight; a device's answer is one long body.
const WINDOW: u32 = 1 << 20;
/// More headers than any device sends.
const MAX_HEADERS: u32 = 64 << 10;
/// For the answer to a ping.
const PING_TIME: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("nocbot/", env!("CARGO_PKG_VERSION"));

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// An open connection with its login. When it and all that share it are dropped, it is closed.
pub(super) struct Connection {
    sender: Sender,
    /// The login, resolved when it was opened.
    pub(super) authorization: Option<HeaderValue>,
    /// Which connection it is, and how many share it.
    pub(super) identity: Arc<()>,
    /// See [`super::pool::Pool::clear`].
    pub(super) generation: u64,
}

impl Connection {
    /// Connects. `slot` is given back when the connection has ended, by the task that drives it.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: &Tls,
        settings: &Settings,
        progress: &Progress,
        tasks: &TaskTracker,
        slot: OwnedSemaphorePermit,
    ) -> Result<Self, Failure> {
        let limit = endpoint.connect_timeout.unwrap_or(settings.connect_timeout);
        let connect = async {
            progress.enter(Stage::Connecting);
            let stream = tcp::dial(&endpoint.host, endpoint.port, &endpoint.who(), "HTTPS").await?;
            progress.enter(Stage::Securing);
            let name = endpoint.server_name.as_ref().unwrap_or(&endpoint.host);
            let name = ServerName::try_from(name.clone()).map_err(|_| explain::no_name(endpoint, name))?;
            let connector = TlsConnector::from(Arc::clone(&tls.config));
            let stream = connector
                .connect(name, stream)
                .await
                .map_err(|error| explain::handshake(endpoint, &error, tls.verifier.seen()))?;
            let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let io = TokioIo::new(stream);
            if two { two_of(io, settings, tasks, slot).await } else { one_of(io, tasks, slot).await }
                .map_err(|error| explain::broken(endpoint, &error, progress))
        };
        let sender = match timeout(limit, connect).await {
            Ok(done) => done?,
            Err(_) => return Err(explain::slow(endpoint, limit, progress.stage())),
        };
        Ok(Self { sender, authorization: None, identity: Arc::new(()), generation: 0 })
    }

    /// The same connection for another request, where it can carry several (HTTP/2).
    pub(super) fn share(&self) -> Option<Self> {
        let Sender::Two(sender) = &self.sender else { return None };
        Some(Self {
            sender: Sender::Two(sender.clone()),
            authorization: self.authorization.clone(),
            identity: Arc::clone(&self.identity),
            generation: self.generation,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => sender.is_closed(),
            Sender::Two(sender) => sender.is_closed(),
        }
    }

    /// Sends a request and waits for the headers of its answer.
    pub(super) async fn send(
        &mut self,
        endpoint: &Endpoint,
        ask: &Ask,
        path: &str,
    ) -> Result<Response<Incoming>, Trouble> {
        let address = endpoint.address();
        // HTTP/2 wants the whole address, HTTP/1.1 the path and a header.
        let (uri, host) = match &self.sender {
            Sender::One(_) => (path.to_owned(), Some(address.as_str())),
            Sender::Two(_) => (format!("https://{address}{path}"), None),
        };
        let mut request = Request::builder().method(ask.method.clone()).uri(uri);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        request = request.header(USER_AGENT, AGENT).header(ACCEPT, ask.accept);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let body = match &ask.body {
            Some((body, kind)) => {
                request = request.header(CONTENT_TYPE, kind);
                body.clone()
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(body)).map_err(|_| {
            let message = format!("`{path}` on {} is no address that can be sent", endpoint.who());
            Trouble::Failed(Failure::new(FailureKind::Rejected, message))
        })?;
        let sent = match &mut self.sender {
            Sender::One(sender) => match sender.ready().await {
                Ok(()) => sender.send_request(request).await,
                Err(error) => Err(error),
            },
            Sender::Two(sender) => match sender.ready().await {
                Ok(()) => sender.send_request(request).await,
                Err(error) => Err(error),
            },
        };
        sent.map_err(Trouble::Broken)
    }
}

/// Why there is no answer.
pub(super) enum Trouble {
    /// The connection broke.
    Broken(hyper::Error),
    /// Anything else.
    Failed(Failure),
}

type Stream = TokioIo<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>;

async fn one_of(io: Stream, tasks: &TaskTracker, slot: OwnedSemaphorePermit) -> hyper::Result<Sender> {
    let (sender, connection) = http1::Builder::new().handshake(io).await?;
    tasks.spawn(async move {
        let _slot = slot;
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    });
    Ok(Sender::One(sender))
}

async fn two_of(
    io: Stream,
    settings: &Settings,
    tasks: &TaskTracker,
    slot: OwnedSemaphorePermit,
) -> hyper::Result<Sender> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(settings.keepalive)
        .keep_alive_timeout(PING_TIME)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW)
        .max_header_list_size(MAX_HEADERS)
        .handshake(io)
        .await?;
    tasks.spawn(async move {
        let _slot = slot;
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    });
    Ok(Sender::Two(sender))
}
