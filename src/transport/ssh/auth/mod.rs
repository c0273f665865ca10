//! Logging in (RFC 4252, 4256, 8308, 8332): keys, then the password, then questions.
//!
//! A wrong password is tried once and no more: many AAA servers lock an account after three, and a
//! bot that asks a hundred devices would lock it in a second. So the password is not repeated as an
//! answer to keyboard-interactive questions after the server has refused it as a password.

mod key_file;
mod public_key;
mod questions;

use std::path::Path;

use russh::MethodKind;
use russh::client::{AuthResult, Handle};

use super::session::{Client, Remarks};
use crate::error::{Failure, FailureKind};
use crate::inventory::Login;
use crate::profile::Level;

/// Logs in to the server behind `handle`.
pub(super) struct Auth<'a> {
    /// The device for messages.
    pub(super) who: &'a str,
    /// Its login.
    pub(super) login: &'a Login,
    /// The agent's socket.
    pub(super) agent: Option<&'a Path>,
    /// Its algorithm level: ssh-rsa signatures are made at legacy only.
    pub(super) level: Level,
    /// What the library's callbacks noted.
    pub(super) remarks: &'a Remarks,
}

/// What happened so far in one login.
struct Course<'h> {
    handle: &'h mut Handle<Client>,
    user: String,
    offered: Vec<MethodKind>,
    tried: Vec<String>,
    notes: Vec<String>,
}

/// How one step went.
enum Step {
    /// In.
    Done,
    /// Not yet; the server may have accepted this as one of several factors.
    More {
        /// Whether the server accepted it.
        partial: bool,
    },
}

impl Auth<'_> {
    /// Logs in, or says what the server offered and what was tried.
    pub(super) async fn run(&self, handle: &mut Handle<Client>) -> Result<(), Failure> {
        let Some(user) = self.login.username.clone().filter(|user| !user.is_empty()) else {
            return Err(Failure::new(FailureKind::Auth, format!("there is no user name for {}", self.who))
                .hint("set `username` for the device, its group or in defaults.yaml"));
        };
        let mut course = Course { handle, user, offered: Vec::new(), tried: Vec::new(), notes: Vec::new() };
        match self.steps(&mut course).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.refusal(&course)),
            Err(Stop::Failure(failure)) => Err(failure),
            Err(Stop::Protocol(error)) => {
                course.notes.push(error.to_string());
                Err(self.refusal(&course))
            }
        }
    }

    async fn steps(&self, course: &mut Course<'_>) -> Result<bool, Stop> {
        // `none` costs one round trip and tells what the server takes (RFC 4252, 5.2).
        let user = course.user.clone();
        let reply = course.handle.authenticate_none(user).await?;
        if matches!(course.take(reply), Step::Done) {
            return Ok(true);
        }
        if (self.login.use_keys || (self.login.key_file.is_some() && self.login.password.is_none()))
            && course.offers(MethodKind::PublicKey)
            && self.keys(course).await?
        {
            return Ok(true);
        }
        let Some(password) = &self.login.password else { return Ok(false) };
        if !course.offers(MethodKind::Password) && !course.offers(MethodKind::KeyboardInteractive) {
            return Ok(false);
        }
        let password = password.resolve().await.map_err(|error| {
            let failure =
                Failure::new(FailureKind::Auth, format!("no password for {}: {}", self.who, error.message()));
            match error.hints().first() {
                Some(hint) => failure.hint(hint.clone()),
                None => failure,
            }
        })?;
        if course.offers(MethodKind::Password) {
            course.tried.push("password".to_owned());
            let user = course.user.clone();
            let reply = course.handle.authenticate_password(user, password.expose()).await?;
            match course.take(reply) {
                Step::Done => return Ok(true),
                Step::More { partial: false } => return Ok(false),
                Step::More { partial: true } => {}
            }
        }
        if course.offers(MethodKind::KeyboardInteractive) {
            return questions::answer(course, &password).await;
        }
        Ok(false)
    }

    fn refusal(&self, course: &Course<'_>) -> Failure {
        let mut message = format!("the login of {} to {} was refused; tried: ", course.user, self.who);
        if course.tried.is_empty() {
            message.push_str("nothing");
        } else {
            message.push_str(&course.tried.join(", "));
        }
        let offered: Vec<&str> = course.offered.iter().map(<&str>::from).collect();
        if !offered.is_empty() {
            message.push_str("; the server offers: ");
            message.push_str(&offered.join(", "));
        }
        for note in &course.notes {
            message.push_str("; ");
            message.push_str(note);
        }
        if course.handle.is_closed()
            && let Some(goodbye) = self.remarks.goodbye()
        {
            message.push_str("; it closed with: ");
            message.push_str(&goodbye);
        }
        let has_keys = self.login.use_keys || self.login.key_file.is_some();
        let has = |kind| course.offered.contains(&kind);
        let hint = if course.offered.is_empty() {
            "the server closed the connection during the login; see its log"
        } else if course.tried.is_empty() && self.login.password.is_none() && !has_keys {
            "give the device a `password`, or `use_keys: true` with a `key_file`"
        } else if course.tried.is_empty() && has(MethodKind::PublicKey) {
            "the server wants a key: set `use_keys: true` and `key_file`"
        } else if course.tried.is_empty() {
            "the server offers nothing for which the inventory has a credential: give the device a `password`"
        } else {
            "check `username` and the credentials of the device in the inventory, and its AAA server"
        };
        Failure::new(FailureKind::Auth, message).hint(hint)
    }
}

impl Course<'_> {
    fn offers(&self, kind: MethodKind) -> bool {
        self.offered.contains(&kind) && !self.handle.is_closed()
    }

    fn take(&mut self, reply: AuthResult) -> Step {
        match reply {
            AuthResult::Success => Step::Done,
            AuthResult::Failure { remaining_methods, partial_success } => {
                if !remaining_methods.is_empty() {
                    self.offered = remaining_methods.to_vec();
                }
                Step::More { partial: partial_success }
            }
        }
    }
}

/// Why the steps ended early.
enum Stop {
    Failure(Failure),
    Protocol(russh::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<russh::Error> for Stop {
    fn from(error: russh::Error) -> Self {
        Self::Protocol(error)
    }
}
