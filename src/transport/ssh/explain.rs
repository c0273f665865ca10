//! Why a connection failed, in the operator's words, with what would mend it.

use std::time::Duration;

use super::algorithms::{level_name, lowest_level, missing};
use super::offer::Opening;
use super::session::Remarks;
use crate::error::{Failure, FailureKind};
use crate::inventory::Device;
use crate::profile::Level;
use crate::transport::tcp::without_number;

/// One attempt at a handshake, with what it left behind.
pub(super) struct Attempt<'a> {
    /// The device for messages: `r1 (10.0.0.1:22)`.
    pub(super) who: &'a str,
    /// The device.
    pub(super) device: &'a Device,
    /// The level that was offered.
    pub(super) level: Level,
    /// How long TCP and handshake might take.
    pub(super) limit: Duration,
    /// The first bytes of the server.
    pub(super) opening: Opening,
    /// What the library's callbacks noted.
    pub(super) remarks: Remarks,
}

impl Attempt<'_> {
    /// The failure behind an error of the library.
    pub(super) fn explain(&self, error: &russh::Error) -> Failure {
        if let Some(refusal) = self.remarks.refusal() {
            return refusal;
        }
        if let Some(failure) = self.no_common_level() {
            return failure;
        }
        if let Some(failure) = self.not_ssh() {
            return failure;
        }
        let who = self.who;
        if self.opening.is_silent() {
            return Failure::new(
                FailureKind::Connect,
                format!("{who} closed the connection before a word of SSH"),
            )
            .hint("an access list, a limit on sessions or another service may stand there");
        }
        let why = match error {
            russh::Error::WrongServerSig => "its signature is wrong".to_owned(),
            russh::Error::Disconnect | russh::Error::HUP => match self.remarks.goodbye() {
                Some(goodbye) => format!("it closed the connection: {goodbye}"),
                None => "it closed the connection".to_owned(),
            },
            russh::Error::IO(error) => without_number(error),
            other => other.to_string(),
        };
        let failure =
            Failure::new(FailureKind::Connect, format!("the SSH handshake with {who} failed: {why}"));
        match (error, self.level) {
            (russh::Error::KexInit, Level::Legacy) => failure
                .hint("its Diffie-Hellman group may be smaller than 2048 bits; enlarge it on the device"),
            _ => failure
                .hint("see the device's log; too many sessions, or an old SSH server, may be the reason"),
        }
    }

    /// The failure when the time was up.
    pub(super) fn timed_out(&self) -> Failure {
        if let Some(failure) = self.not_ssh() {
            return failure;
        }
        let (who, limit) = (self.who, self.limit);
        if !self.remarks.is_reached() {
            return Failure::new(
                FailureKind::Connect,
                format!("no TCP connection to {who} within {limit:?}"),
            )
            .hint("check the address, the route and the filters on the way");
        }
        if self.opening.is_silent() {
            Failure::new(FailureKind::Connect, format!("{who} did not begin to speak SSH within {limit:?}"))
                .hint("check the address, the filters on the way, and whether the device is overloaded")
        } else {
            Failure::new(
                FailureKind::Connect,
                format!("{who} did not finish the SSH handshake within {limit:?}"),
            )
            .hint("slow devices need more time: `data: {ssh: {connect_timeout: SECONDS}}`")
        }
    }

    fn not_ssh(&self) -> Option<Failure> {
        if let Some(line) = self.opening.version_one() {
            let message = format!("{} speaks only SSH version 1 ({line})", self.who);
            return Some(
                Failure::new(FailureKind::Connect, message).hint("enable SSH version 2 on the device"),
            );
        }
        let line = self.opening.not_ssh()?;
        let message = format!("{} answers with `{line}` instead of SSH", self.who);
        Some(
            Failure::new(FailureKind::Connect, message).hint(
                "check `port` in the inventory; a server with too many sessions says so in this way, too",
            ),
        )
    }

    /// The two ends share no algorithm of some kind: names the level to set.
    fn no_common_level(&self) -> Option<Failure> {
        let offer = self.opening.offer()?;
        let missing = missing(self.level, &offer);
        if missing.is_empty() {
            return None;
        }
        let lacks: Vec<String> = missing
            .iter()
            .map(|missing| format!("no common {} (it offers {})", missing.what, missing.theirs.join(", ")))
            .collect();
        let message = format!("{} and level {} have {}", self.who, level_name(self.level), lacks.join("; "));
        let hint = match lowest_level(&offer) {
            Some(level) => format!(
                "set `data: {{ssh: {{level: {}}}}}` for {} or its group",
                level_name(level),
                self.device.name
            ),
            None => {
                "no level has what it offers; update its SSH server or generate other keys on it".to_owned()
            }
        };
        Some(Failure::new(FailureKind::Connect, message).hint(hint))
    }
}

/// A jump host's failure, as the failure of the device behind it.
pub(super) fn hop_failure(failure: Failure, hop: &Device, target: &Device) -> Failure {
    let message = format!("jump host {} on the way to {}: {}", hop.name, target.name, failure.message);
    Failure { message, ..failure }
}
