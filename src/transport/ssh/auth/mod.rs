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
use crate::secret::Secret;

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
    /// The server wants a new password before it lets anybody in.
    expired: bool,
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
        let mut course = Course {
            handle,
            user,
            offered: Vec::new(),
            tried: Vec::new(),
            notes: Vec::new(),
            expired: false,
        };
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
        let mut keys =
            self.login.use_keys || (self.login.key_file.is_some() && self.login.password.is_none());
        let mut password = self.login.password.is_some();
        let mut questions = password;
        // Each way once; a server may want several of them, one after the other.
        loop {
            let step = if keys && course.offers(MethodKind::PublicKey) {
                keys = false;
                self.keys(course).await?
            } else if password && course.offers(MethodKind::Password) {
                password = false;
                let step = self.password(course).await?;
                // Refused: the same password as an answer would be a second attempt.
                questions &= matches!(step, Step::More { partial: true });
                step
            } else if questions && course.offers(MethodKind::KeyboardInteractive) {
                questions = false;
                let step = questions::answer(course, &self.secret().await?).await?;
                password &= matches!(step, Step::More { partial: true });
                step
            } else {
                return Ok(false);
            };
            if matches!(step, Step::Done) {
                return Ok(true);
            }
        }
    }

    async fn password(&self, course: &mut Course<'_>) -> Result<Step, Stop> {
        let password = self.secret().await?;
        course.tried.push("password".to_owned());
        let user = course.user.clone();
        let reply = course.handle.authenticate_password(user, password.expose()).await?;
        Ok(course.take(reply))
    }

    /// The device's password, now.
    async fn secret(&self) -> Result<Secret, Stop> {
        let Some(password) = &self.login.password else { return Ok(Secret::new("")) };
        password.resolve().await.map_err(|error| {
            let message = format!("no password for {}: {}", self.who, error.message());
            let failure = Failure::new(FailureKind::Auth, message);
            Stop::Failure(match error.hints().first() {
                Some(hint) => failure.hint(hint.clone()),
                None => failure,
            })
        })
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
        let hint = if course.expired {
            "log in by hand, set a new password, then give it to nocbot"
        } else if course.offered.is_empty() {
            "the server closed the connection during the login; see its log"
        } else if course.tried.is_empty() && self.login.password.is_none() && !has_keys {
            "give the device a `password`, or `use_keys: true` with a `key_file`"
        } else if course.tried.is_empty() && has(MethodKind::PublicKey) && self.login.key_file.is_some() {
            "the server wants a key and the device's cannot be used: check its `key_file` and `passphrase`"
        } else if course.tried.is_empty() && has(MethodKind::PublicKey) && self.login.use_keys {
            "the server wants a key: name one by `key_file`, or add one to the agent"
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

impl From<russh::Error> for Stop {
    fn from(error: russh::Error) -> Self {
        Self::Protocol(error)
    }
}
