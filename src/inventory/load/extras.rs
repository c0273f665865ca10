//! `extras` of a connection: the login's part of netmiko's and scrapli's arguments.

use std::path::PathBuf;

use super::element::Reader;
use crate::secret::{SecretRef, path_of};
use crate::yaml::Node;

/// What a login takes from `extras`.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub use_keys: Option<bool>,
    pub key_file: Option<PathBuf>,
    pub passphrase: Option<SecretRef>,
    pub secret: Option<SecretRef>,
    pub connect_timeout: Option<u64>,
}

/// What is read, in both spellings.
const USED: [&str; 9] = [
    "use_keys",
    "key_file",
    "passphrase",
    "secret",
    "conn_timeout",
    "auth_private_key",
    "auth_private_key_passphrase",
    "auth_secondary",
    "timeout_socket",
];

/// Further arguments of netmiko and scrapli, which mean nothing to nocbot.
const IGNORED: [&str; 57] = [
    "allow_agent",
    "allow_auto_change",
    "alt_host_keys",
    "alt_key_file",
    "auth_bypass",
    "auth_strict_key",
    "auth_timeout",
    "auto_connect",
    "banner_timeout",
    "blocking_timeout",
    "channel_lock",
    "channel_log",
    "channel_log_mode",
    "comms_ansi",
    "comms_prompt_pattern",
    "comms_return_char",
    "comms_roughly_match_inputs",
    "default_desired_privilege_level",
    "default_enter",
    "delay_factor_compat",
    "device_type",
    "disable_lf_normalization",
    "disable_sha2_fix",
    "disabled_algorithms",
    "encoding",
    "failed_when_contains",
    "fast_cli",
    "genie_platform",
    "global_cmd_verify",
    "global_delay_factor",
    "keepalive",
    "logging_uid",
    "on_close",
    "on_init",
    "on_open",
    "pkey",
    "privilege_levels",
    "read_timeout_override",
    "response_return",
    "serial_settings",
    "session_log",
    "session_log_file_mode",
    "session_log_record_writes",
    "session_timeout",
    "sock",
    "sock_telnet",
    "ssh_config_file",
    "ssh_known_hosts_file",
    "ssh_strict",
    "system_host_keys",
    "textfsm_platform",
    "timeout",
    "timeout_ops",
    "timeout_transport",
    "transport",
    "transport_options",
    "verbose",
];

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Extras {
    let known: Vec<&str> = USED.iter().chain(&IGNORED).copied().collect();
    node.unknown_keys(&known, &mut reader.errors);
    for name in IGNORED.iter().filter(|name| node.get(name).is_some()) {
        reader.notes.insert(format!("`{name}` in `extras` is not used"));
    }
    Extras {
        use_keys: reader.decode(node, "use_keys"),
        key_file: key_file(reader, node, "key_file").or_else(|| key_file(reader, node, "auth_private_key")),
        passphrase: reader
            .secret(node, "passphrase")
            .or_else(|| reader.secret(node, "auth_private_key_passphrase")),
        secret: reader.secret(node, "secret").or_else(|| reader.secret(node, "auth_secondary")),
        connect_timeout: reader
            .seconds(node, "conn_timeout")
            .or_else(|| reader.seconds(node, "timeout_socket")),
    }
}

fn key_file(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<PathBuf> {
    let text = reader.text(node, key).filter(|text| !text.is_empty())?;
    let place = node.nearest(&[key]);
    let path = path_of(&text, reader.base, reader.environment).map_err(|error| place.place_error(error));
    let path = reader.keep(path)?;
    if !path.is_file() {
        let warning = place.error(format!("there is no key file {}", path.display()));
        reader.warnings.push(warning.hint("relative paths count from the directory of nocbot.yaml"));
    }
    Some(path)
}
