//! Secrets: where they come from, and how they stay out of everything that is printed.
//!
//! A configuration holds a [`SecretRef`]: the secret itself or where it is to be had. It is resolved
//! into a [`Secret`] when a device is dialled and not before, so that a rotated password needs no
//! reload. No error of this module holds a secret or what a helper printed.

mod mask;
mod read;
mod resolve;

pub use mask::mask_document;
pub use read::path_of;
pub(crate) use read::{Piece, pieces};

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A resolved secret: prints as `***`, is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a plain text.
    pub fn new(plain: impl Into<String>) -> Self {
        Self(Zeroizing::new(plain.into()))
    }

    /// The plain text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The environment variables as the application passes them in; the library reads none itself.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// An environment that asks `get` for a variable each time.
    pub fn new(get: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(get))
    }

    /// An environment without variables.
    pub fn empty() -> Self {
        Self::new(|_| None)
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

/// Where a secret is to be had; resolved only when a device is dialled.
#[derive(Clone)]
pub enum SecretRef {
    /// The secret itself, as the inventory has it.
    Plain(Secret),
    /// `env:NAME`, `${NAME}` or `${NAME:-default}`.
    Env {
        /// The variable.
        name: String,
        /// What stands in for a variable that is not set or empty.
        default: Option<Secret>,
        /// Where to look it up.
        environment: Environment,
    },
    /// `file:PATH`: the first line of that file.
    File(PathBuf),
    /// `exec:COMMAND ARG...`: the first line that the helper prints, run without a shell.
    Exec(Vec<String>),
    /// Several parts put together: `${USER}-suffix`.
    Joined(Vec<SecretRef>),
}

impl SecretRef {
    /// What it would fail for if it were needed now: a variable that is not set, a file that is not
    /// there. Helpers are not run.
    pub fn lacks(&self) -> Option<String> {
        match self {
            Self::Env { name, default: None, environment }
                if environment.get(name).is_none_or(|value| value.is_empty()) =>
            {
                Some(format!("the environment variable {name} is not set"))
            }
            Self::File(path) if !path.exists() => Some(format!("there is no file {}", path.display())),
            Self::Joined(parts) => parts.iter().find_map(Self::lacks),
            Self::Plain(_) | Self::Env { .. } | Self::File(_) | Self::Exec(_) => None,
        }
    }
}

impl PartialEq for SecretRef {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(one), Self::Plain(two)) => one == two,
            (Self::Env { name, default, .. }, Self::Env { name: other, default: other_default, .. }) => {
                name == other && default == other_default
            }
            (Self::File(one), Self::File(two)) => one == two,
            (Self::Exec(one), Self::Exec(two)) => one == two,
            (Self::Joined(one), Self::Joined(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for SecretRef {}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) | Self::Joined(_) => f.write_str("***"),
            Self::Env { name, .. } => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            // Only the program: its arguments may hold a token.
            Self::Exec(words) => write!(f, "exec:{}", words.first().map_or("", String::as_str)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests;
