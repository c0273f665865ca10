//! What the operator decides about SSH; the library reads none of it from the environment.

use std::path::PathBuf;
use std::time::Duration;

/// What to do about the key of a host that no file knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// Refuse it.
    Strict,
    /// Write it down on the first connection; refuse a changed one ever after.
    #[default]
    AcceptNew,
}

/// How this transport behaves, for all devices.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The operator's known_hosts file: read, and appended to under
    /// [`HostKeyPolicy::AcceptNew`]. `None`: nothing is remembered beyond this process, and every
    /// key of a host that the other files do not know is refused under `Strict`.
    pub known_hosts: Option<PathBuf>,
    /// Lines of known_hosts that are known beforehand; used only without a file.
    pub known: String,
    /// Further known_hosts files that are only read (`/etc/ssh/ssh_known_hosts`).
    pub more_known_hosts: Vec<PathBuf>,
    /// What to do about unknown host keys.
    pub host_keys: HostKeyPolicy,
    /// The socket of an SSH agent, asked when a device's `use_keys` is set.
    pub agent: Option<PathBuf>,
    /// For TCP and the SSH handshake of one hop, when the device sets none.
    pub connect_timeout: Duration,
    /// For the login of one hop: TACACS and RADIUS servers may take their time.
    pub auth_timeout: Duration,
    /// For the first prompt to appear after the shell has opened.
    pub prompt_timeout: Duration,
    /// How long a command may stay silent before it is given up, partial output kept.
    pub idle_timeout: Duration,
    /// After so much silence of the peer a keepalive is sent; three without any answer end the
    /// connection.
    pub keepalive: Duration,
    /// Bytes of cleaned output kept of one command; a longer answer is cut there and fails.
    pub max_output: usize,
    /// How long a session without work stays open.
    pub keep_warm: Duration,
    /// Sessions open at the same time, over all devices; jump connections not counted.
    pub max_sessions: usize,
    /// Sessions open at the same time to one device.
    pub max_per_device: usize,
    /// Requests that may wait for a session of one device; more are refused at once.
    pub max_waiting: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            known_hosts: None,
            known: String::new(),
            more_known_hosts: Vec::new(),
            host_keys: HostKeyPolicy::default(),
            agent: None,
            connect_timeout: Duration::from_secs(10),
            auth_timeout: Duration::from_secs(20),
            prompt_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            keepalive: Duration::from_secs(30),
            max_output: 16 * 1024 * 1024,
            keep_warm: Duration::from_mins(5),
            max_sessions: 256,
            max_per_device: 2,
            max_waiting: 32,
        }
    }
}
