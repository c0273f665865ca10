//! The parts of the app and how the configuration shapes them.

use std::time::Duration;

use super::Machine;
use crate::config::{Config, HostKeys};
use crate::sim;
use crate::transport::ssh::{HostKeyPolicy, Settings, Ssh};
use crate::transport::{http, netconf};

/// The most of one command's output that is kept: a whole table of full Internet routes fits.
const MAX_OUTPUT: usize = 64 * 1024 * 1024;
/// The system's own known hosts are read as well, never written.
const SYSTEM_KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// SSH as the configuration wants it.
pub(super) fn ssh(config: &Config, machine: &Machine) -> Ssh {
    let policy = match config.ssh.host_keys {
        HostKeys::Strict => HostKeyPolicy::Strict,
        HostKeys::AcceptNew => HostKeyPolicy::AcceptNew,
    };
    Ssh::new(Settings {
        known_hosts: Some(config.ssh.known_hosts.clone().unwrap_or_else(|| config.base.join("known_hosts"))),
        more_known_hosts: vec![SYSTEM_KNOWN_HOSTS.into()],
        host_keys: policy,
        agent: machine.agent.clone(),
        max_output: MAX_OUTPUT,
        max_sessions: config.limits.parallel.max(256),
        ..Settings::default()
    })
}

/// NETCONF as the configuration wants it.
pub(super) fn netconf(config: &Config) -> netconf::Settings {
    netconf::Settings {
        max_message: MAX_OUTPUT,
        max_sessions: config.limits.parallel.max(256),
        ..netconf::Settings::default()
    }
}

/// HTTPS to devices as the configuration wants it.
pub(super) fn http(config: &Config) -> http::Settings {
    http::Settings {
        max_body: MAX_OUTPUT,
        max_connections: config.limits.parallel.max(256),
        ..http::Settings::default()
    }
}

/// SSH to the simulated network: its keys are known beforehand, so nothing is written anywhere.
pub(super) fn demo_ssh(network: &sim::Running, devices: usize) -> Ssh {
    Ssh::new(Settings {
        known: network.known_hosts(),
        host_keys: HostKeyPolicy::Strict,
        keep_warm: Duration::from_mins(15),
        max_output: MAX_OUTPUT,
        max_sessions: devices.max(256),
        ..Settings::default()
    })
}
