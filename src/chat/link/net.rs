//! A byte stream to a platform: TCP, through an HTTP CONNECT proxy where there is one, and TLS.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Trouble;
use crate::error::{Error, Result};
use crate::transport::tcp::{Unconnected, race, without_number};

/// For TCP, proxy and TLS together.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest answer to CONNECT.
const PROXY_ANSWER: usize = 8 * 1024;
/// Where systems keep the authorities that they trust.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A stream of bytes both ways.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connected stream.
pub type Stream = Box<dyn Io>;

/// How platforms are reached; clones share it.
#[derive(Clone)]
pub struct Net {
    tls: Arc<ClientConfig>,
    proxy: Option<Arc<Proxy>>,
}

struct Proxy {
    address: String,
    login: Option<String>,
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net")
            .field("proxy", &self.proxy.as_ref().map(|proxy| &proxy.address))
            .finish_non_exhaustive()
    }
}

impl Net {
    /// Trusts the system's authorities and those of `ca_file` (PEM); `proxy` is
    /// `http://[user:password@]host:port`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Config`] for a file without certificates or a proxy that is none.
    pub fn new(ca_file: Option<&Path>, proxy: Option<&str>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let system = SYSTEM.map(Path::new).into_iter().find(|path| path.is_file());
        if let Some(Ok(pem)) = system.map(std::fs::read) {
            roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
        }
        if let Some(path) = ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| Error::io(format!("the authorities of {}", path.display()), error))?;
            let found = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
            if roots.add_parsable_certificates(found).0 == 0 {
                return Err(Error::config(format!("{} has no certificate of an authority", path.display()))
                    .hint("a PEM file with `-----BEGIN CERTIFICATE-----`"));
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config(format!("no TLS here: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let proxy = proxy.map(Proxy::read).transpose()?.map(Arc::new);
        Ok(Self { tls: Arc::new(tls), proxy })
    }

    /// Connects to the host of `uri`, by TLS for `https` and `wss`.
    ///
    /// # Errors
    /// [`Trouble::Unreachable`], never sent.
    pub async fn connect(&self, uri: &Uri) -> Result<Stream, Trouble> {
        let (host, port, secure) = target(uri)?;
        let doing = async {
            let stream = match &self.proxy {
                Some(proxy) => proxy.connect(&host, port).await?,
                None => {
                    dial(&host, port).await.map_err(|why| Trouble::unsent(format!("{host}:{port}: {why}")))?
                }
            };
            if !secure {
                return Ok(Box::new(stream) as Stream);
            }
            let name = ServerName::try_from(host.clone())
                .map_err(|_| Trouble::unsent(format!("`{host}` is no name of a host")))?;
            let stream = TlsConnector::from(Arc::clone(&self.tls))
                .connect(name, stream)
                .await
                .map_err(|error| Trouble::unsent(format!("TLS with {host}:{port}: {error}")))?;
            Ok(Box::new(stream) as Stream)
        };
        tokio::time::timeout(CONNECT, doing)
            .await
            .unwrap_or_else(|_| Err(Trouble::unsent(format!("{host}:{port} did not answer in 10 s"))))
    }
}

/// Host without brackets, port, and whether TLS is wanted.
fn target(uri: &Uri) -> Result<(String, u16, bool), Trouble> {
    let host = uri.host().ok_or_else(|| Trouble::unsent("the address names no host"))?;
    let secure = matches!(uri.scheme_str(), Some("https" | "wss"));
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let host = host.trim_matches(['[', ']']).to_owned();
    if !secure && !is_loopback(&host) {
        return Err(Trouble::unsent(format!("{host} is asked without TLS; that is for loopback only")));
    }
    Ok((host, port, secure))
}

/// Whether a host is this machine by its very name.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, String> {
    race(host, port).await.map_err(|unconnected| match unconnected {
        Unconnected::Resolve(error) => format!("the name has no address: {error}"),
        Unconnected::Connect(error) => without_number(&error),
    })
}

impl Proxy {
    fn read(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::config(format!("the proxy cannot be used: {why}"))
                .hint("for instance http://proxy.example.net:3128")
        };
        let rest = text.strip_prefix("http://").ok_or_else(|| wrong("it must begin with http://"))?;
        let rest = rest.trim_end_matches('/');
        let (login, address) = match rest.rsplit_once('@') {
            Some((login, address)) => (Some(STANDARD.encode(login)), address),
            None => (None, rest),
        };
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let address = if port.is_some() { address.to_owned() } else { format!("{address}:80") };
        if address.starts_with(':') {
            return Err(wrong("it names no host"));
        }
        Ok(Self { address, login })
    }

    /// RFC 9110, 9.3.6.
    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Trouble> {
        let failed = |why: String| Trouble::unsent(format!("the proxy {}: {why}", self.address));
        let (name, own_port) = self.address.rsplit_once(':').unwrap_or((&self.address, "80"));
        let name = name.trim_matches(['[', ']']);
        let mut stream = dial(name, own_port.parse().unwrap_or(80)).await.map_err(failed)?;
        let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let login = self.login.as_ref().map(|login| format!("Proxy-Authorization: Basic {login}\r\n"));
        let request =
            format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n", login.unwrap_or_default());
        stream.write_all(request.as_bytes()).await.map_err(|error| failed(error.to_string()))?;
        let mut head = Vec::new();
        // Byte by byte: what follows the head belongs to whoever is behind the proxy.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= PROXY_ANSWER {
                return Err(failed("its answer is too long".into()));
            }
            head.push(stream.read_u8().await.map_err(|error| failed(error.to_string()))?);
        }
        let head = String::from_utf8_lossy(&head);
        let status = head.split(' ').nth(1).unwrap_or_default();
        if status.starts_with('2') {
            return Ok(stream);
        }
        let line = head.lines().next().unwrap_or_default();
        Err(failed(format!("it refused {target}: {}", crate::text::clean_line(line))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for (uri, right) in [
            ("http://127.0.0.1:80/x", true),
            ("ws://[::1]:9/x", true),
            ("http://localhost/x", true),
            ("http://192.0.2.1/", false),
            ("ws://localhost.evil.example/", false),
            ("https://192.0.2.1/", true),
        ] {
            assert_eq!(target(&uri.parse().unwrap()).is_ok(), right, "{uri}");
        }
    }

    #[test]
    fn a_proxy_is_read_and_its_login_never_shown() {
        let net = Net::new(None, Some("http://user:hunter2@proxy:3128/")).unwrap();
        assert!(!format!("{net:?}").contains("hunter2"));
        assert_eq!(net.proxy.as_ref().unwrap().address, "proxy:3128");
        assert!(Net::new(None, Some("socks5://proxy")).is_err());
    }
}
