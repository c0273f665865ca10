//! Judges the certificate of a server, and remembers which one it was, for the failure's hint.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::inventory::Fingerprint;

/// How certificates are judged.
#[derive(Debug)]
pub(super) enum Check {
    /// Name, dates and a chain to one of these authorities (RFC 5280, 6).
    Authorities(Arc<WebPkiServerVerifier>),
    /// This certificate or key and no other.
    Pin(Fingerprint),
    /// Not at all.
    Nothing,
}

/// A [`Check`] as the TLS library wants it.
#[derive(Debug)]
pub(super) struct Verifier {
    check: Check,
    algorithms: WebPkiSupportedAlgorithms,
    seen: Mutex<Option<Fingerprint>>,
}

impl Verifier {
    pub(super) fn new(check: Check, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { check, algorithms, seen: Mutex::default() }
    }

    /// The fingerprint of the last certificate that was shown.
    pub(super) fn seen(&self) -> Option<Fingerprint> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The SHA-256 of some DER.
fn sha256(der: &[u8]) -> Option<Fingerprint> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    digest.as_ref().try_into().ok().map(Fingerprint)
}

/// Whether the pin is that of the certificate or of its public key.
fn is_pinned(pin: Fingerprint, certificate: &CertificateDer<'_>) -> bool {
    let of_key = || {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        sha256(&parsed.subject_public_key_info())
    };
    sha256(certificate) == Some(pin) || of_key() == Some(pin)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = sha256(certificate);
        match &self.check {
            Check::Authorities(inner) => {
                inner.verify_server_cert(certificate, intermediates, name, ocsp, now)
            }
            Check::Pin(pin) if is_pinned(*pin, certificate) => Ok(ServerCertVerified::assertion()),
            Check::Pin(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            Check::Nothing => Ok(ServerCertVerified::assertion()),
        }
    }

    // A pin without these would be worthless: anybody can show a certificate, only its owner can sign.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.check {
            Check::Nothing => Ok(HandshakeSignatureValid::assertion()),
            _ => verify_tls12_signature(message, certificate, signed, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.check {
            Check::Nothing => Ok(HandshakeSignatureValid::assertion()),
            _ => verify_tls13_signature(message, certificate, signed, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
