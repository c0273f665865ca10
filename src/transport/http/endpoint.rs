//! The HTTPS server of one device: where it is, whom it trusts and how to log in.

use std::path::PathBuf;
use std::time::Duration;

use crate::inventory::{Device, Fingerprint, HttpsLogin};
use crate::secret::SecretRef;

/// The HTTPS server of one device.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The device's name, for messages.
    pub name: String,
    /// The address or DNS name to dial.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The name that the certificate is for, when it is not `host`.
    pub server_name: Option<String>,
    /// How the server's certificate is judged.
    pub trust: Trust,
    /// Our own certificate.
    pub identity: Option<Identity>,
    /// How to log in.
    pub credentials: Credentials,
    /// For TCP and TLS together, when it is not the transport's.
    pub connect_timeout: Option<Duration>,
}

/// How a server's certificate is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Signed by an authority of this file (PEM); of the system's where there is none.
    Authorities(Option<PathBuf>),
    /// This one certificate or key, whatever name, date and authority it has.
    Pin(Fingerprint),
    /// Not at all. Every answer says so.
    Anybody,
}

/// Our own certificate, for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate with its chain, PEM.
    pub cert_file: PathBuf,
    /// The private key, PEM; it may be the same file.
    pub key_file: PathBuf,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Not by HTTP: by a certificate, or not at all.
    None,
    /// RFC 7617.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: SecretRef,
    },
    /// RFC 6750.
    Bearer(SecretRef),
}

impl Endpoint {
    /// The RESTCONF server of a device, from its inventory.
    pub fn restconf(device: &Device) -> Self {
        Self::of(device, &device.login.restconf)
    }

    /// An HTTPS server of a device with the login of its connection.
    pub fn of(device: &Device, login: &HttpsLogin) -> Self {
        let trust = match (login.unverified, login.fingerprint) {
            (true, _) => Trust::Anybody,
            (false, Some(fingerprint)) => Trust::Pin(fingerprint),
            (false, None) => Trust::Authorities(login.ca_file.clone()),
        };
        let identity = login.cert_file.clone().map(|cert_file| Identity {
            key_file: login.key_file.clone().unwrap_or_else(|| cert_file.clone()),
            cert_file,
        });
        let credentials = match (&login.token, &login.username, &login.password) {
            (Some(token), _, _) => Credentials::Bearer(token.clone()),
            (None, Some(username), Some(password)) => {
                Credentials::Basic { username: username.clone(), password: password.clone() }
            }
            _ => Credentials::None,
        };
        Self {
            name: device.name.clone(),
            host: login.hostname.as_ref().unwrap_or(&device.hostname).trim_matches(['[', ']']).to_owned(),
            port: login.port.unwrap_or(443),
            server_name: login.server_name.clone(),
            trust,
            identity,
            credentials,
            connect_timeout: login.connect_timeout.map(Duration::from_secs),
        }
    }

    /// `host:port`, an IPv6 address in brackets.
    pub fn address(&self) -> String {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// The device for messages: `r1 (192.0.2.1:443)`.
    pub fn who(&self) -> String {
        format!("{} ({})", self.name, self.address())
    }

    /// What a reader must know about every answer of this server.
    pub fn notes(&self) -> Vec<String> {
        match self.trust {
            Trust::Anybody => {
                vec![
                    "the certificate was not verified (`verify: false`); anybody may have answered"
                        .to_owned(),
                ]
            }
            Trust::Authorities(_) | Trust::Pin(_) => Vec::new(),
        }
    }

    /// Connections of one key are as good as each other. Secrets print as `***`.
    pub(super) fn key(&self) -> String {
        format!(
            "{} {} {:?} {:?} {:?} {:?}",
            self.name,
            self.address(),
            self.server_name,
            self.trust,
            self.identity,
            self.credentials
        )
    }
}
