//! Secrets: where they come from, and how they stay out of everything that is printed.

use std::fmt;

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

/// Where a secret is to be had; resolved only when a device is dialled.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// The secret itself, as the inventory has it.
    Plain(Secret),
    /// `env:NAME` or `${NAME}`.
    Env(String),
    /// `file:PATH`: the first line of that file.
    File(std::path::PathBuf),
    /// `exec:COMMAND ARG...`: the first line that the helper prints, run without a shell.
    Exec(Vec<String>),
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("***"),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Exec(words) => write!(f, "exec:{}", words.first().map_or("", String::as_str)),
        }
    }
}
