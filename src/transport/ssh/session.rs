//! The SSH library's side of a connection: what it calls while the connection lives.

use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{DisconnectReason, Handler, Session};
use russh::keys::{PublicKeyBase64 as _, PublicKeyOrCertificate};

use super::host_key::HostKeys;
use super::known_hosts::{HostKey, HostName};
use crate::error::Failure;

/// What the library's callbacks leave behind for whoever explains a failure.
#[derive(Debug, Clone, Default)]
pub(in crate::transport) struct Remarks(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    refusal: Option<Failure>,
    goodbye: Option<String>,
    reached: bool,
}

impl Remarks {
    /// Why the host key was refused, if it was.
    pub(super) fn refusal(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).refusal.clone()
    }

    /// Why the connection ended, in the server's words or the library's.
    pub(in crate::transport) fn goodbye(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).goodbye.clone()
    }

    /// Notes that bytes can flow: TCP, or the jump host's channel, stands.
    pub(super) fn reached(&self) {
        self.note(|noted| noted.reached = true);
    }

    /// Whether bytes could flow.
    pub(super) fn is_reached(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).reached
    }

    fn note(&self, change: impl FnOnce(&mut Noted)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The callbacks of one connection.
pub(super) struct Client {
    /// The device for messages: `r1 (10.0.0.1:22)`.
    pub(super) who: String,
    /// Its name in known_hosts.
    pub(super) name: HostName,
    /// Where host keys are checked.
    pub(super) host_keys: HostKeys,
    /// What is left behind.
    pub(super) remarks: Remarks,
}

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let key = key.public_key();
        let key = HostKey { kind: key.algorithm().to_string(), blob: key.public_key_bytes() };
        match self.host_keys.check(&self.who, &self.name, key).await {
            Ok(()) => Ok(true),
            Err(failure) => {
                self.remarks.note(|noted| noted.refusal = Some(failure));
                Ok(false)
            }
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let words = plain(&info.message);
                self.remarks.note(|noted| noted.goodbye = (!words.is_empty()).then_some(words));
                Ok(())
            }
            DisconnectReason::Error(error) => {
                self.remarks.note(|noted| noted.goodbye = Some(error.to_string()));
                Err(error)
            }
        }
    }

    async fn auth_banner(&mut self, banner: &str, _session: &mut Session) -> Result<(), Self::Error> {
        tracing::debug!(device = self.who, banner = plain(banner), "login banner");
        Ok(())
    }
}

/// A server's words on one line, without control characters, cut at 200 characters.
pub(super) fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(200).collect()
}
