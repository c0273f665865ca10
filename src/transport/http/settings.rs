//! What the operator decides about HTTPS; the library reads none of it from the environment.

use std::time::Duration;

/// How this transport behaves, for all devices.
#[derive(Debug, Clone)]
pub struct Settings {
    /// For TCP and TLS together, when the device sets none.
    pub connect_timeout: Duration,
    /// Bytes of one answer's body; a longer one is refused.
    pub max_body: usize,
    /// How long a connection without work stays open.
    pub keep_warm: Duration,
    /// After so much silence on an HTTP/2 connection in use it is asked whether it lives.
    pub keepalive: Duration,
    /// Connections open at the same time, over all devices.
    pub max_connections: usize,
    /// Requests at the same time to one device.
    pub max_per_device: usize,
    /// Requests that may wait for their turn at one device; more are refused at once.
    pub max_waiting: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            max_body: 32 * 1024 * 1024,
            keep_warm: Duration::from_mins(1),
            keepalive: Duration::from_secs(20),
            max_connections: 256,
            max_per_device: 4,
            max_waiting: 32,
        }
    }
}
