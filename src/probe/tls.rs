//! What a TLS server shows: its certificates, and what would be spoken.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::Limits;
use crate::error::{Failure, FailureKind};
use crate::text::clean_line;

/// Where the machine's own authorities are, by distribution.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// One certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// From when on, in seconds since 1970.
    pub from: i64,
    /// Until when, in seconds since 1970.
    pub until: i64,
    /// Its serial number, in hex.
    pub serial: String,
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The certificates as the server sent them, its own first.
    pub chain: Vec<Certificate>,
    /// `TLSv1_3`
    pub protocol: String,
    /// The cipher suite.
    pub cipher: String,
    /// Whether the machine's authorities vouch for it under the name asked, or why not.
    pub trusted: Result<(), String>,
    /// TCP and handshake together.
    pub took: Duration,
}

/// Shakes hands with a server and looks at what it shows; `name` is what it is asked for.
///
/// # Errors
/// When there is no connection or no handshake.
pub async fn look(to: SocketAddr, name: &str, limit: Duration, limits: &Limits) -> Result<Seen, Failure> {
    let failure = |kind, message: String| Failure::new(kind, message);
    let server = ServerName::try_from(name.trim_end_matches('.').to_owned())
        .map_err(|_| failure(FailureKind::Resolve, format!("`{name}` is no DNS name and no address")))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let keeper = Arc::new(Keeper { provider: Arc::clone(&provider), kept: Mutex::default() });
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failure(FailureKind::Connect, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&keeper) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let start = Instant::now();
    let late = limits.deadline.min(start + limit);
    let work = async {
        let stream = TcpStream::connect(to)
            .await
            .map_err(|error| failure(FailureKind::Connect, format!("no TCP connection to {to}: {error}")))?;
        TlsConnector::from(Arc::new(config)).connect(server.clone(), stream).await.map_err(|error| {
            failure(FailureKind::Connect, format!("no TLS with {to}: {}", clean_line(&error.to_string())))
                .hint("TLS 1.2 and 1.3 are spoken here; an older or another protocol looks like this")
        })
    };
    let stream = tokio::select! {
        done = timeout_at(late, work) => {
            done.map_err(|_| failure(FailureKind::Timeout, format!("{to} did not finish TCP and TLS in {limit:?}")))??
        }
        () = limits.cancel.cancelled() => return Err(failure(FailureKind::Cancelled, "was cancelled".to_owned())),
    };
    let took = start.elapsed();
    let (_, session) = stream.get_ref();
    let kept = keeper.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let trusted = trusted(&kept, &server, provider);
    let protocol = session.protocol_version().and_then(|version| version.as_str().map(str::to_owned));
    let cipher =
        session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str().map(str::to_owned));
    Ok(Seen {
        chain: kept.iter().map(|der| read(der)).collect(),
        protocol: protocol.unwrap_or_default(),
        cipher: cipher.unwrap_or_default(),
        trusted,
        took,
    })
}

/// What the machine's own authorities say.
fn trusted(
    chain: &[CertificateDer<'static>],
    server: &ServerName<'_>,
    provider: Arc<CryptoProvider>,
) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for path in AUTHORITIES {
        if let Ok(found) = CertificateDer::pem_file_iter(path) {
            roots.add_parsable_certificates(found.flatten());
            break;
        }
    }
    if roots.is_empty() {
        return Err("this machine has no authorities".to_owned());
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| error.to_string())?;
    let (first, rest) = chain.split_first().ok_or("the server showed no certificate")?;
    match verifier.verify_server_cert(first, rest, server, &[], UnixTime::now()) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(why)) => Err(reason(&why)),
        Err(error) => Err(clean_line(&error.to_string())),
    }
}

fn reason(why: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Why;
    let text = match why {
        Why::Expired | Why::ExpiredContext { .. } => "expired",
        Why::NotValidYet | Why::NotValidYetContext { .. } => "not valid yet",
        Why::UnknownIssuer => "unknown authority",
        Why::NotValidForName | Why::NotValidForNameContext { .. } => "for another name",
        Why::Revoked => "revoked",
        other => return clean_line(&other.to_string()),
    };
    text.to_owned()
}

/// Reads one certificate; what cannot be read stays empty.
pub fn read(der: &[u8]) -> Certificate {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Certificate { subject: "not readable".to_owned(), ..Certificate::default() };
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|found| &found.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(clean_line(name)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
        },
        _ => None,
    });
    Certificate {
        names: names.collect(),
        subject: clean_line(&certificate.subject().to_string()),
        issuer: clean_line(&certificate.issuer().to_string()),
        from: certificate.validity().not_before.timestamp(),
        until: certificate.validity().not_after.timestamp(),
        serial: certificate.raw_serial_as_string(),
    }
}

/// Keeps what the server shows and lets it pass: nothing secret is sent, and the answer says what is wrong.
#[derive(Debug)]
struct Keeper {
    provider: Arc<CryptoProvider>,
    kept: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Keeper {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(certificate).chain(intermediates);
        let all = all.map(|certificate| certificate.clone().into_owned()).collect();
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
