//! A question for one device.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::channel::Progress;
use super::error::AskError;
use super::operation::Operation;
use super::session::Session;
use super::settings::PORT;
use crate::error::FailureKind;
use crate::inventory::Device;
use crate::profile::Platform;
use crate::transport::ssh::key;

/// Whom to ask.
#[derive(Debug, Clone)]
pub struct Target {
    /// The device.
    pub device: Arc<Device>,
    /// Its platform.
    pub platform: Arc<Platform>,
    /// The devices to jump through, outermost first, each with its platform.
    pub jumps: Vec<(Arc<Device>, Arc<Platform>)>,
}

/// One question for one device.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whom.
    pub target: Target,
    /// What.
    pub operation: Operation,
    /// When to give up.
    pub deadline: Instant,
    /// Ends it at once when cancelled.
    pub cancel: CancellationToken,
}

impl Target {
    /// The NETCONF server of a device.
    pub fn new(
        device: Arc<Device>,
        platform: Arc<Platform>,
        jumps: Vec<(Arc<Device>, Arc<Platform>)>,
    ) -> Self {
        Self { device, platform, jumps }
    }

    /// The device as it is dialled: with the address, the port and the login of its connection.
    pub(super) fn dialled(&self) -> Device {
        let mut device = Device::clone(&self.device);
        let login = &self.device.login.netconf;
        device.login.port = Some(login.port.unwrap_or(PORT));
        if let Some(hostname) = &login.hostname {
            device.hostname.clone_from(hostname);
        }
        if login.username.is_some() {
            device.login.username.clone_from(&login.username);
        }
        if login.password.is_some() {
            device.login.password.clone_from(&login.password);
        }
        device
    }

    /// Sessions of one key are as good as each other.
    pub(super) fn key(&self) -> String {
        // What differs from the login of SSH, and that: the device is not copied only to ask.
        format!("{:?} {}", self.device.login.netconf, key(&self.device, &self.platform, &self.jumps))
    }
}

/// How far a request had come when its time was up.
#[derive(Default)]
pub(super) struct Stage(Mutex<Option<Arc<Progress>>>);

impl Stage {
    /// The session is there, and the question is about to be sent.
    pub(super) fn reached(&self, session: &Session) {
        let progress = Arc::clone(&session.shared.progress);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    /// Adds to a timeout where the answer stood still.
    pub(super) fn explain(&self, error: AskError) -> AskError {
        let progress = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (error, progress) {
            (AskError::Failed(mut failure), Some(progress)) if failure.kind == FailureKind::Timeout => {
                let (_, standing) = progress.now();
                if standing.bytes > 0 && !failure.message.contains("fell silent") {
                    failure.message = format!("{}; it stood {standing}", failure.message);
                }
                failure.into()
            }
            (error, _) => error,
        }
    }
}
