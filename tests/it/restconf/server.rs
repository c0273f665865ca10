//! A small HTTPS server that does as it is told, for the faults that a proper one does not have.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// For the names of authorities.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// An authority of one test.
pub struct Authority {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// A certificate with its key.
pub struct Signed {
    pub certificate: rcgen::Certificate,
    pub key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Authorities of the same name would be taken for the same one.
        let name = format!("authority {}", NUMBER.fetch_add(1, Ordering::SeqCst));
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for these names, valid until this year.
    pub fn sign(&self, names: &[&str], until: i32) -> Signed {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        Signed { certificate: params.signed_by(&key, &self.certificate, &self.key).unwrap(), key }
    }
}

/// What it does after the bytes of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Waits for the next request.
    Keep,
    /// Ends the connection.
    Cut,
    /// Nothing, ever.
    Hang,
}

type Script = Arc<dyn Fn(&str, usize) -> (Vec<u8>, Then) + Send + Sync>;

/// A server with its counters. Its script gets a request's head with its body, and how many were before it.
pub struct Server {
    pub port: u16,
    pub ca: String,
    /// TLS connections so far.
    pub connections: Arc<AtomicUsize>,
    /// The heads of all requests.
    pub requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a body and the right headers.
pub fn answer(status: &str, kind: &str, body: &str) -> (Vec<u8>, Then) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    ([head.as_bytes(), body.as_bytes()].concat(), Then::Keep)
}

pub fn json(body: &str) -> (Vec<u8>, Then) {
    answer("200 OK", "application/yang-data+json", body)
}

impl Server {
    /// With a good certificate of an authority of its own.
    pub async fn start(script: impl Fn(&str, usize) -> (Vec<u8>, Then) + Send + Sync + 'static) -> Self {
        let authority = Authority::new();
        let signed = authority.sign(&["127.0.0.1"], 2100);
        Self::with(&authority, &signed, None, script).await
    }

    /// With this certificate; wanting one of the client's, signed by `clients`.
    pub async fn with(
        authority: &Authority,
        signed: &Signed,
        clients: Option<&Authority>,
        script: impl Fn(&str, usize) -> (Vec<u8>, Then) + Send + Sync + 'static,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.certificate.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signed.key.serialize_der()));
        let config = builder.with_single_cert(vec![signed.certificate.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(script);
        let (count, seen) = (Arc::clone(&connections), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, script) = (acceptor.clone(), Arc::clone(&script));
                let (count, seen) = (Arc::clone(&count), Arc::clone(&seen));
                tasks.spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    count.fetch_add(1, Ordering::SeqCst);
                    while let Some(head) = head(&mut stream).await {
                        let before = {
                            let mut seen = seen.lock().unwrap();
                            seen.push(head.clone());
                            seen.len() - 1
                        };
                        let (bytes, then) = script(&head, before);
                        let _ = stream.write_all(&bytes).await;
                        let _ = stream.flush().await;
                        match then {
                            Then::Keep => {}
                            Then::Cut => break,
                            Then::Hang => std::future::pending().await,
                        }
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { port, ca: authority.pem(), connections, requests, task }
    }

    /// The connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The first lines of all requests.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|head| head.lines().next().unwrap().to_owned()).collect()
    }
}

async fn head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut whole = String::from_utf8(head).ok()?;
    let length = whole
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    if let Some(length) = length {
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        whole.push_str(&String::from_utf8(body).ok()?);
    }
    Some(whole)
}
