//! Why there is no answer, in the operator's words, with what would mend it.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::endpoint::{Endpoint, Trust};
use super::message::{Progress, Stage};
use crate::error::{Failure, FailureKind};
use crate::inventory::Fingerprint;
use crate::text::clean_line;
use crate::transport::tcp::without_number;

/// The name is no DNS name and no address, so no certificate can be for it.
pub(super) fn no_name(endpoint: &Endpoint, name: &str) -> Failure {
    let message = format!("no TLS with {}: `{name}` is no DNS name and no address", endpoint.who());
    Failure::new(FailureKind::Resolve, message).hint("check `hostname` and `server_name` in the inventory")
}

/// TCP or TLS took too long.
pub(super) fn slow(endpoint: &Endpoint, limit: Duration, stage: Stage) -> Failure {
    let who = endpoint.who();
    let (message, hint) = match stage {
        Stage::Connecting => (
            format!("no TCP connection to {who} within {limit:?}"),
            "check the address, the route and the filters on the way",
        ),
        _ => (
            format!("{who} did not finish the TLS handshake within {limit:?}"),
            "check that HTTPS is what is spoken on this port; slow devices need a `connect_timeout` in `extras`",
        ),
    };
    Failure::new(FailureKind::Connect, message).hint(hint)
}

/// The request's own time is up.
pub(super) fn late(endpoint: &Endpoint, progress: &Progress, after: Duration) -> Failure {
    let who = endpoint.who();
    let after = Duration::from_millis(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    let message = match progress.stage() {
        Stage::Waiting => format!("{who} was busy with other requests for {after:?}"),
        Stage::Connecting => format!("no TCP connection to {who} within {after:?}"),
        Stage::Securing => format!("{who} did not finish the TLS handshake within {after:?}"),
        Stage::Asked => format!("{who} did not answer within {after:?}"),
        Stage::Reading => {
            format!("{who} did not finish its answer within {after:?}: {} bytes came", progress.received())
        }
        Stage::Pausing => format!("{who} wanted to be asked again later than in {after:?}"),
    };
    let hint = match progress.stage() {
        Stage::Waiting | Stage::Pausing => "ask again in a moment",
        Stage::Connecting | Stage::Securing => "check the address, the route and the filters on the way",
        Stage::Asked | Stage::Reading => {
            "ask for less: a longer path, `depth` or `fields`; or allow more time"
        }
    };
    Failure::new(FailureKind::Timeout, message).hint(hint)
}

/// The connection broke, or what came on it is no HTTP.
pub(super) fn broken(endpoint: &Endpoint, error: &hyper::Error, progress: &Progress) -> Failure {
    let who = endpoint.who();
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            // With TLS 1.3 a server refuses our certificate after the handshake only.
            if let Some(TlsError::AlertReceived(alert)) = tls_error(io) {
                return refused(endpoint, *alert);
            }
        }
        source = inner.source();
    }
    if progress.stage() == Stage::Reading {
        let received = progress.received();
        let why = if error.is_incomplete_message() || is_eof(error) {
            "the connection ended there".to_owned()
        } else {
            reason(error)
        };
        let message = format!("the answer of {who} broke off after {received} bytes: {why}");
        return Failure::new(FailureKind::Connect, message).hint("ask again; see the device's log");
    }
    let (why, hint) = if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        (
            "closed the connection without an answer".to_owned(),
            "too many sessions or a restart of its web server may be the reason",
        )
    } else if error.is_parse() {
        (format!("does not answer in HTTP: {}", reason(error)), "check `port` in the inventory")
    } else {
        (format!("broke the connection: {}", reason(error)), "ask again; see the device's log")
    };
    Failure::new(FailureKind::Connect, format!("{who} {why}")).hint(hint)
}

fn is_eof(error: &hyper::Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof)
}

/// The innermost reason, on one line: the outer ones only say that there is one.
fn reason(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.downcast_ref::<io::Error>().map_or_else(|| inner.to_string(), without_number);
        source = inner.source();
    }
    clean_line(&text)
}

fn tls_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref::<TlsError>()
}

/// TLS failed. `seen` is the certificate that the server showed.
pub(super) fn handshake(endpoint: &Endpoint, error: &io::Error, seen: Option<Fingerprint>) -> Failure {
    let who = endpoint.who();
    match tls_error(error) {
        Some(TlsError::InvalidCertificate(error)) => certificate(endpoint, error, seen),
        Some(TlsError::AlertReceived(alert)) => refused(endpoint, *alert),
        Some(TlsError::InvalidMessage(_)) => {
            Failure::new(FailureKind::Connect, format!("{who} does not speak TLS on this port"))
                .hint("check `port` in the inventory, and that HTTPS is enabled on the device")
        }
        Some(TlsError::PeerIncompatible(why)) => no_common(endpoint, &format!("{why:?}")),
        Some(other) => {
            let message = format!("no TLS with {who}: {}", clean_line(&other.to_string()));
            Failure::new(FailureKind::Connect, message).hint("see the device's log")
        }
        None => {
            let why = match error.kind() {
                io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
                _ => without_number(error),
            };
            Failure::new(FailureKind::Connect, format!("no TLS with {who}: {why}"))
                .hint("too many sessions, an access list, or a service other than HTTPS may be the reason")
        }
    }
}

fn no_common(endpoint: &Endpoint, why: &str) -> Failure {
    let message = format!("{} has no TLS in common with us: {why}", endpoint.who());
    Failure::new(FailureKind::Connect, message)
        .hint("TLS 1.2 with an ECDHE key exchange is needed at least; enable it on the device")
}

fn refused(endpoint: &Endpoint, alert: AlertDescription) -> Failure {
    let who = endpoint.who();
    match alert {
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity => no_common(endpoint, &format!("{alert:?}")),
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            let (what, hint) = if endpoint.identity.is_some() {
                ("refuses our certificate", "check `cert_file`, and what the device trusts")
            } else {
                ("wants a certificate of ours", "set `cert_file` and `key_file` in the `extras`")
            };
            Failure::new(FailureKind::Auth, format!("{who} {what}: {alert:?}")).hint(hint)
        }
        // What servers say of a certificate whose authority has the name of theirs, and another key.
        AlertDescription::DecryptError if endpoint.identity.is_some() => {
            Failure::new(FailureKind::Auth, format!("{who} refuses our certificate: {alert:?}"))
                .hint("check `cert_file`, and what the device trusts")
        }
        other => Failure::new(FailureKind::Connect, format!("{who} ended TLS: {other:?}"))
            .hint("see the device's log"),
    }
}

fn certificate(endpoint: &Endpoint, error: &CertificateError, seen: Option<Fingerprint>) -> Failure {
    let who = endpoint.who();
    let pin = match seen {
        Some(seen) => format!("set `fingerprint: \"{seen}\"` once you know that it is the device's"),
        None => "set its `fingerprint`".to_owned(),
    };
    let (message, hint) = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (format!("the certificate of {who} has expired"), format!("renew it on the device, or {pin}"))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            format!("the certificate of {who} is not valid yet"),
            "compare the clocks of the device and of this machine".to_owned(),
        ),
        CertificateError::NotValidForName => {
            (format!("the certificate of {who} is for another name"), format!("set `server_name`, or {pin}"))
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<String> = presented.iter().take(5).map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            let wanted = endpoint.server_name.as_ref().unwrap_or(&endpoint.host);
            (
                format!("the certificate of {who} is for {names}, not for {wanted}"),
                format!("set `hostname` or `server_name` to a name of the certificate, or {pin}"),
            )
        }
        CertificateError::UnknownIssuer => {
            let authorities = match &endpoint.trust {
                Trust::Authorities(Some(file)) => format!("none of {}", file.display()),
                _ => "none that this system knows".to_owned(),
            };
            (
                format!("the certificate of {who} is signed by an unknown authority: {authorities}"),
                format!("set `ca_file`, or {pin}"),
            )
        }
        CertificateError::BadSignature => (
            format!("the certificate of {who} is not signed by the authority that it names"),
            format!("there may be two of that name: set the right `ca_file`, or {pin}"),
        ),
        CertificateError::ApplicationVerificationFailure => (
            format!("the certificate of {who} is not the pinned one"),
            match seen {
                Some(seen) => format!("it shows {seen}; find out why before you change `fingerprint`"),
                None => "find out why before you change `fingerprint`".to_owned(),
            },
        ),
        other => (
            format!("the certificate of {who} cannot be used: {}", clean_line(&other.to_string())),
            format!("a certificate that is its own authority has to be pinned: {pin}"),
        ),
    };
    Failure::new(FailureKind::Certificate, message).hint(hint)
}

/// The library names them `DnsName("r1.example.net")`.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    clean_line(inner.trim_matches('"'))
}
