//! What the operator decides about NETCONF. Logins, host keys, jump hosts and the time limits of
//! connecting are those of SSH.

use std::time::Duration;

/// The port of NETCONF over SSH (RFC 6242, 3).
pub const PORT: u16 = 830;

/// How this transport behaves, for all devices.
#[derive(Debug, Clone)]
pub struct Settings {
    /// For the subsystem to open and the server's hello to come.
    pub hello_timeout: Duration,
    /// How long a server may stay silent while it owes an answer.
    pub idle_timeout: Duration,
    /// Bytes of one message; a longer one ends its session.
    pub max_message: usize,
    /// How long a session without work stays open.
    pub keep_warm: Duration,
    /// Sessions open at the same time, over all devices; those of [`super::Exclusive`] and
    /// [`super::Notifications`] count, too.
    pub max_sessions: usize,
    /// Sessions open at the same time to one device.
    pub max_per_device: usize,
    /// Requests under way on one session; another session is opened when all are full.
    pub pipeline: usize,
    /// Requests that may wait for one device; more are refused at once.
    pub max_waiting: usize,
    /// Whether base:1.1 is offered to servers: some announce it and cannot do it.
    pub chunks: bool,
    /// Notifications that wait for whoever reads them; more are dropped, and counted.
    pub max_notifications: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hello_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            max_message: 64 * 1024 * 1024,
            keep_warm: Duration::from_mins(5),
            max_sessions: 256,
            max_per_device: 2,
            pipeline: 8,
            max_waiting: 32,
            chunks: true,
            max_notifications: 256,
        }
    }
}
