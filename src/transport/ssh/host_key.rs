//! Deciding about a host key: the known_hosts files, the policy, and the failure that says what
//! happened and how to mend it.

use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::known_hosts::{HostKey, HostName, KnownHosts, Verdict};
use super::settings::{HostKeyPolicy, Settings};
use crate::error::{Failure, FailureKind};

/// The operator's view of host keys, shared by all connections.
#[derive(Debug, Clone)]
pub(super) struct HostKeys {
    files: Arc<Files>,
}

#[derive(Debug)]
struct Files {
    own: Option<PathBuf>,
    more: Vec<PathBuf>,
    policy: HostKeyPolicy,
    /// Lines accepted by this process; also what keeps two first connections from writing twice.
    accepted: Mutex<String>,
}

impl HostKeys {
    /// As the settings have it.
    pub(super) fn new(settings: &Settings) -> Self {
        let files = Files {
            own: settings.known_hosts.clone(),
            more: settings.more_known_hosts.clone(),
            policy: settings.host_keys,
            accepted: Mutex::new(settings.known.clone()),
        };
        Self { files: Arc::new(files) }
    }

    /// The key types known for a host, best known first.
    pub(super) async fn kinds(&self, name: &HostName) -> Result<Vec<String>, Failure> {
        let (files, name) = (Arc::clone(&self.files), name.clone());
        blocking(move || Ok(files.read(&name)?.kinds(&name))).await
    }

    /// Checks `key` for `name`; `who` names the device for messages. Writes an unknown key down
    /// when the policy accepts it.
    pub(super) async fn check(&self, who: &str, name: &HostName, key: HostKey) -> Result<(), Failure> {
        let (files, who, name) = (Arc::clone(&self.files), who.to_owned(), name.clone());
        blocking(move || files.check(&who, &name, &key)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::new(FailureKind::HostKey, "reading known_hosts was interrupted")))
}

impl Files {
    /// What is known of a host.
    fn read(&self, name: &HostName) -> Result<KnownHosts, Failure> {
        let mut known = KnownHosts::default();
        for path in self.own.iter().chain(&self.more) {
            match std::fs::read(path) {
                Ok(bytes) => known.add(path, &String::from_utf8_lossy(&bytes), name),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(unusable("read", path, &error)),
            }
        }
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        // Only what no file holds: a line that the operator removed from the file is gone.
        if self.own.is_none() {
            known.add(Path::new("accepted since the start"), &accepted, name);
        }
        Ok(known)
    }

    fn check(&self, who: &str, name: &HostName, key: &HostKey) -> Result<(), Failure> {
        match self.read(name)?.verdict(name, key) {
            Verdict::Known => Ok(()),
            Verdict::Unknown if self.policy == HostKeyPolicy::AcceptNew => self.accept(who, name, key),
            verdict => Err(self.refusal(who, name, key, verdict)),
        }
    }

    fn refusal(&self, who: &str, name: &HostName, key: &HostKey, verdict: Verdict) -> Failure {
        let shown = format!("{} {}", key.kind, key.fingerprint());
        match verdict {
            Verdict::Changed(spot, known) => Failure::new(
                FailureKind::HostKey,
                format!(
                    "the host key of {who} has changed: it shows {shown}, but {}:{} has {} {}",
                    spot.file.display(),
                    spot.line,
                    known.kind,
                    known.fingerprint()
                ),
            )
            .hint(format!(
                "somebody may be in the path; if the device was replaced or reset, compare the fingerprint on its \
                 console, then remove the old key: ssh-keygen -R '{}' -f {}",
                name.spelled(),
                spot.file.display()
            )),
            Verdict::Revoked(spot) => Failure::new(
                FailureKind::HostKey,
                format!("the host key of {who} is revoked: {shown}, by {}:{}", spot.file.display(), spot.line),
            )
            .hint("give the device a new host key, or remove that line"),
            Verdict::Known | Verdict::Unknown => {
                let hint = match &self.own {
                    Some(path) => format!(
                        "compare the fingerprint on its console, then add the key to {} (a line `{}`), or set \
                         `ssh: {{host_keys: accept-new}}`",
                        path.display(),
                        key.line(name).trim_end()
                    ),
                    None => "set `ssh: {known_hosts: FILE}` and add the key there, or `host_keys: accept-new`".to_owned(),
                };
                Failure::new(FailureKind::HostKey, format!("the host key of {who} is unknown: {shown}")).hint(hint)
            }
        }
    }

    /// Writes the key down: one line in one write, under a lock that also other processes honour,
    /// after looking again, since another connection may have been quicker.
    fn accept(&self, who: &str, name: &HostName, key: &HostKey) -> Result<(), Failure> {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = &self.own else {
            let mut known = KnownHosts::default();
            known.add(Path::new("accepted since the start"), &accepted, name);
            return match known.verdict(name, key) {
                Verdict::Unknown => {
                    accepted.push_str(&key.line(name));
                    Ok(())
                }
                Verdict::Known => Ok(()),
                verdict => Err(self.refusal(who, name, key, verdict)),
            };
        };
        let failed = |error: std::io::Error| unusable("write", path, &error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file =
            std::fs::OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        file.lock().map_err(failed)?;
        let mut bytes = Vec::new();
        file.seek(std::io::SeekFrom::Start(0)).map_err(failed)?;
        file.read_to_end(&mut bytes).map_err(failed)?;
        let mut known = KnownHosts::default();
        known.add(path, &String::from_utf8_lossy(&bytes), name);
        match known.verdict(name, key) {
            Verdict::Known => Ok(()),
            Verdict::Unknown => {
                let open_end = bytes.last().is_some_and(|byte| *byte != b'\n');
                let line = format!("{}{}", if open_end { "\n" } else { "" }, key.line(name));
                file.write_all(line.as_bytes()).map_err(failed)?;
                tracing::info!(device = who, fingerprint = key.fingerprint(), "new host key written down");
                Ok(())
            }
            verdict => Err(self.refusal(who, name, key, verdict)),
        }
    }
}

fn unusable(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        FailureKind::HostKey,
        format!("cannot {verb} the known_hosts file {}: {error}", path.display()),
    )
    .hint("check `ssh: {known_hosts: FILE}` and the file's owner")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key(byte: u8) -> HostKey {
        let mut blob = 11_u32.to_be_bytes().to_vec();
        blob.extend(b"ssh-ed25519");
        blob.extend([byte; 8]);
        HostKey { kind: "ssh-ed25519".to_owned(), blob }
    }

    fn keys(path: Option<PathBuf>, host_keys: HostKeyPolicy) -> HostKeys {
        HostKeys::new(&Settings { known_hosts: path, host_keys, ..Settings::default() })
    }

    #[tokio::test]
    async fn accepts_once_and_refuses_a_change_with_both_fingerprints() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ssh/known_hosts");
        let keys = keys(Some(path.clone()), HostKeyPolicy::AcceptNew);
        let name = HostName::new("r1", 2201);
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (keys, name) = (keys.clone(), name.clone());
                tokio::spawn(async move { keys.check("r1", &name, key(1)).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");

        let failure = keys.check("r1", &name, key(2)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::HostKey);
        assert!(failure.message.contains(&key(1).fingerprint()), "{failure}");
        assert!(failure.message.contains(&key(2).fingerprint()), "{failure}");
        assert!(failure.message.contains("known_hosts:1"), "{failure}");
        assert!(failure.hint.unwrap().contains("ssh-keygen -R '[r1]:2201'"));
    }

    #[tokio::test]
    async fn strict_refuses_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        std::fs::write(&path, "# mine, without a newline").unwrap();
        let name = HostName::new("r1", 22);
        let failure =
            keys(Some(path.clone()), HostKeyPolicy::Strict).check("r1", &name, key(1)).await.unwrap_err();
        assert!(failure.message.contains(&key(1).fingerprint()), "{failure}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# mine, without a newline");

        keys(Some(path.clone()), HostKeyPolicy::AcceptNew).check("r1", &name, key(1)).await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[tokio::test]
    async fn without_a_file_a_change_is_still_seen() {
        let keys = keys(None, HostKeyPolicy::AcceptNew);
        let name = HostName::new("r1", 22);
        keys.check("r1", &name, key(1)).await.unwrap();
        keys.check("r1", &name, key(1)).await.unwrap();
        assert!(keys.check("r1", &name, key(2)).await.is_err());
    }
}
