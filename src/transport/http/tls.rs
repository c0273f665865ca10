//! TLS of one device: its authorities or pin, and our own certificate.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::endpoint::{Endpoint, Identity, Trust};
use super::verify::{Check, Verifier};
use crate::error::{Failure, FailureKind};
use crate::transport::tcp::without_number;

/// Where systems keep the authorities that they trust.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// TLS of one device, ready to connect.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) verifier: Arc<Verifier>,
}

impl Tls {
    /// Reads the files; what cannot be used is a failure of the device.
    pub(super) async fn of(endpoint: &Endpoint) -> Result<Self, Failure> {
        // Named, not the process's default: there is no order of start-up to get wrong.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let check = match &endpoint.trust {
            Trust::Authorities(file) => {
                Check::Authorities(authorities(endpoint, file.as_deref(), &provider).await?)
            }
            Trust::Pin(fingerprint) => Check::Pin(*fingerprint),
            Trust::Anybody => Check::Nothing,
        };
        let algorithms = provider.signature_verification_algorithms;
        let verifier = Arc::new(Verifier::new(check, algorithms));
        let internal =
            |error: rustls::Error| Failure::new(FailureKind::Connect, format!("no TLS here: {error}"));
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(internal)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
        let mut config = match &endpoint.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = own(endpoint, identity).await?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    let path = identity.key_file.display();
                    unusable(
                        endpoint,
                        FailureKind::Auth,
                        &format!("the key of {path} cannot be used: {error}"),
                    )
                    .hint("it must be the key of `cert_file`")
                })?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), verifier })
    }
}

fn unusable(endpoint: &Endpoint, kind: FailureKind, why: &str) -> Failure {
    Failure::new(kind, format!("no TLS with {}: {why}", endpoint.who()))
}

async fn read(endpoint: &Endpoint, kind: FailureKind, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    tokio::fs::read(path).await.map(Zeroizing::new).map_err(|error| {
        unusable(endpoint, kind, &format!("{}: {}", path.display(), without_number(&error)))
            .hint("relative paths count from the directory of nocbot.yaml")
    })
}

async fn authorities(
    endpoint: &Endpoint,
    file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    let kind = FailureKind::Certificate;
    let path = match file {
        Some(path) => path,
        None => SYSTEM.map(Path::new).into_iter().find(|path| path.is_file()).ok_or_else(|| {
            unusable(endpoint, kind, "this system has no file of certificate authorities")
                .hint("set `ca_file` or `fingerprint` in the `extras` of its connection")
        })?,
    };
    let pem = read(endpoint, kind, path).await?;
    let mut roots = RootCertStore::empty();
    let found: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    let (added, _) = roots.add_parsable_certificates(found);
    if added == 0 {
        let why = format!("{} has no certificate of an authority", path.display());
        return Err(unusable(endpoint, kind, &why).hint("a PEM file with `-----BEGIN CERTIFICATE-----`"));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| unusable(endpoint, kind, &error.to_string()))
}

type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

async fn own(endpoint: &Endpoint, identity: &Identity) -> Result<Own, Failure> {
    let kind = FailureKind::Auth;
    let pem = read(endpoint, kind, &identity.cert_file).await?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if chain.is_empty() {
        let why = format!("{} has no certificate", identity.cert_file.display());
        return Err(unusable(endpoint, kind, &why).hint("a PEM file with `-----BEGIN CERTIFICATE-----`"));
    }
    let pem = read(endpoint, kind, &identity.key_file).await?;
    // The error is dropped: it could hold a part of the file.
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let why = format!("{} has no private key that can be read", identity.key_file.display());
        unusable(endpoint, kind, &why).hint("a PEM file without a passphrase, kept from other users")
    })?;
    Ok((chain, key))
}
