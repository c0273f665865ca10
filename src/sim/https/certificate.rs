//! The certificate of all simulated HTTPS servers.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Kind, Result};
use crate::inventory::Fingerprint;

/// A certificate with its key, ready for connections. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    /// What clients pin.
    pub fingerprint: Fingerprint,
}

impl Identity {
    /// A new one, for this address.
    pub fn new(address: &str) -> Result<Self> {
        let wrong =
            |error: &dyn std::fmt::Display| Error::new(Kind::Internal, format!("no certificate: {error}"));
        let key = KeyPair::generate().map_err(|error| wrong(&error))?;
        let names = vec![address.to_owned(), "localhost".to_owned()];
        let params = CertificateParams::new(names).map_err(|error| wrong(&error))?;
        let certificate = params.self_signed(&key).map_err(|error| wrong(&error))?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der());
        let fingerprint = digest.as_ref().try_into().map_err(|error| wrong(&error))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(|error| wrong(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), fingerprint: Fingerprint(fingerprint) })
    }

    /// What takes the TLS off connections.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}
