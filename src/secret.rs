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

/// How long an `exec:` helper may take.
const HELPER_TIME: std::time::Duration = std::time::Duration::from_secs(10);

impl SecretRef {
    /// Gets the secret: now, since it may have been rotated since the inventory was read.
    pub async fn resolve(&self) -> crate::error::Result<Secret> {
        use crate::error::Error;
        let first_line = |text: &str| Secret::new(text.lines().next().unwrap_or_default());
        match self {
            Self::Plain(secret) => Ok(secret.clone()),
            Self::Env(name) => std::env::var(name)
                .map(Secret::new)
                .map_err(|_| Error::config(format!("the environment variable {name} is not set"))),
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await.map_err(|error| {
                    Error::io(format!("cannot read the secret from {}", path.display()), error)
                })?;
                Ok(first_line(&Zeroizing::new(text)))
            }
            Self::Exec(words) => {
                let Some((program, arguments)) = words.split_first() else {
                    return Err(Error::config("an exec: secret without a command"));
                };
                let child = tokio::process::Command::new(program)
                    .args(arguments)
                    .stdin(std::process::Stdio::null())
                    .kill_on_drop(true)
                    .output();
                let output = tokio::time::timeout(HELPER_TIME, child)
                    .await
                    .map_err(|_| {
                        Error::config(format!("the helper {program} gave no secret within {HELPER_TIME:?}"))
                    })?
                    .map_err(|error| Error::io(format!("cannot run the helper {program}"), error))?;
                let text = Zeroizing::new(String::from_utf8_lossy(&output.stdout).into_owned());
                if !output.status.success() || text.is_empty() {
                    return Err(Error::config(format!(
                        "the helper {program} gave no secret ({})",
                        output.status
                    )));
                }
                Ok(first_line(&text))
            }
        }
    }
}
