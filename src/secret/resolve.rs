//! Getting a secret when it is needed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use super::{Secret, SecretRef};
use crate::error::{Error, Result};

/// How long a helper may take.
const HELPER_TIME: Duration = Duration::from_secs(10);
/// How much is read from a file or a helper at most; a secret is its first line.
const MAX_BYTES: u64 = 64 << 10;

impl SecretRef {
    /// The secret itself. Environment variables, files and helpers are asked each time.
    pub async fn resolve(&self) -> Result<Secret> {
        match self {
            Self::Plain(secret) => Ok(secret.clone()),
            Self::Env { name, default, environment } => {
                match environment.get(name).filter(|value| !value.is_empty()) {
                    Some(value) => Ok(Secret::new(value)),
                    None => default.clone().ok_or_else(|| {
                        Error::config(format!(
                            "the environment variable {name}, which holds a secret, is not set"
                        ))
                        .hint(format!("set {name} where nocbot is started, or write `${{{name}:-default}}`"))
                    }),
                }
            }
            Self::File(path) => {
                let what = format!("the secret's file {}", path.display());
                match tokio::time::timeout(HELPER_TIME, file(path)).await {
                    Ok(Ok(bytes)) => first_line(bytes, &what),
                    Ok(Err(error)) => Err(Error::io(what, error)),
                    Err(_) => Err(Error::config(format!("{what} could not be read within {HELPER_TIME:?}"))),
                }
            }
            Self::Exec(words) => exec(words, HELPER_TIME).await,
            Self::Joined(parts) => {
                let mut whole = Zeroizing::new(String::new());
                for part in parts {
                    whole.push_str(Box::pin(part.resolve()).await?.expose());
                }
                Ok(Secret(whole))
            }
        }
    }
}

async fn file(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let file = tokio::fs::File::open(path).await?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Runs a helper without a shell, without input, and with its own words kept from every message.
async fn exec(words: &[String], limit: Duration) -> Result<Secret> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Error::config("the secret's helper has no name"));
    };
    let what = format!("the secret's helper {program}");
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Error::io(format!("{what} could not be started"), error))?;
    let mut bytes = Zeroizing::new(Vec::new());
    let run = async {
        if let Some(stdout) = child.stdout.take() {
            stdout.take(MAX_BYTES).read_to_end(&mut bytes).await?;
        }
        child.wait().await
    };
    match tokio::time::timeout(limit, run).await {
        Ok(Ok(status)) if status.success() => first_line(bytes, &what),
        Ok(Ok(status)) => {
            Err(Error::config(format!("{what} failed: {status}")).hint("run it by hand as the same user"))
        }
        Ok(Err(error)) => Err(Error::io(what, error)),
        Err(_) => Err(Error::config(format!("{what} did not answer within {limit:?}"))
            .hint("a helper must not ask anything: it has no terminal")),
    }
}

fn first_line(bytes: Zeroizing<Vec<u8>>, what: &str) -> Result<Secret> {
    // The error of `from_utf8` is dropped: it would hold the bytes.
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Error::config(format!("{what} gave no UTF-8 text")))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(Error::config(format!("{what} gave an empty first line"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn a_helper_that_hangs_is_ended() {
        let begun = Instant::now();
        let words = ["sleep".to_owned(), "100".to_owned()];
        let error = super::exec(&words, Duration::from_millis(50)).await.unwrap_err();
        assert!(error.message().contains("did not answer within 50ms"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
