//! Logging in with keys (RFC 4252, 7; RFC 8332): a key file's, then those of an agent.

use std::path::Path;
use std::time::Duration;

use russh::MethodKind;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey};

use super::{Auth, Course, Step, Stop, key_file};
use crate::profile::Level;
use crate::transport::ssh::session::plain;

/// Keys of an agent that are shown; servers close after a handful of failures.
const MAX_AGENT_KEYS: usize = 4;
/// How long to wait for the server to say which RSA signatures it takes; it says so with its
/// first packets or never.
const SIGNATURE_ALGORITHMS_TIME: Duration = Duration::from_millis(150);
/// For each answer of the agent.
const AGENT_TIME: Duration = Duration::from_secs(5);

/// Hashes for RSA signatures, best first; `None` in it is SHA-1.
type Hashes = Vec<Option<HashAlg>>;

impl Auth<'_> {
    /// The key file, then the agent's keys.
    pub(super) async fn keys(&self, course: &mut Course<'_>) -> Result<Step, Stop> {
        let mut rsa = None;
        if let Some(path) = &self.login.key_file {
            match key_file::load(path, self.login.passphrase.as_ref()).await {
                Ok(key) => {
                    let shown = format!("key {} ({})", path.display(), key.algorithm());
                    let hashes = self.hashes(course, &key.algorithm(), &mut rsa).await?;
                    for hash in &hashes {
                        if !course.offers(MethodKind::PublicKey) {
                            break;
                        }
                        course.tried.push(with_hash(&shown, *hash));
                        let key = PrivateKeyWithHashAlg::new(key.clone(), *hash);
                        let user = course.user.clone();
                        let reply = course.handle.authenticate_publickey(user, key).await?;
                        match course.take(reply) {
                            Step::More { partial: false } => {}
                            step => return Ok(step),
                        }
                    }
                    if hashes.is_empty() {
                        course.notes.push(
                            "the server takes RSA keys with SHA-1 signatures only, which needs level legacy"
                                .to_owned(),
                        );
                    }
                }
                Err(note) => course.notes.push(note),
            }
        }
        if let Some(socket) = self.agent
            && course.offers(MethodKind::PublicKey)
        {
            return self.agent(course, socket, &mut rsa).await;
        }
        if self.login.key_file.is_none() && self.agent.is_none() {
            course.notes.push(
                "`use_keys` is set, but there is no `key_file` and no agent (SSH_AUTH_SOCK)".to_owned(),
            );
        }
        Ok(Step::More { partial: false })
    }

    async fn agent(
        &self,
        course: &mut Course<'_>,
        socket: &Path,
        rsa: &mut Option<Hashes>,
    ) -> Result<Step, Stop> {
        let opened = tokio::time::timeout(AGENT_TIME, async {
            let mut agent = AgentClient::connect_uds(socket).await?;
            let identities = agent.request_identities().await?;
            Ok::<_, russh::keys::Error>((agent, identities))
        });
        let (mut agent, identities) = match opened.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => {
                course.notes.push(format!("the agent at {} cannot be used: {error}", socket.display()));
                return Ok(Step::More { partial: false });
            }
            Err(_) => {
                course.notes.push(format!("the agent at {} does not answer", socket.display()));
                return Ok(Step::More { partial: false });
            }
        };
        let mut public: Vec<(PublicKey, String)> = identities
            .into_iter()
            .filter_map(|identity| match identity {
                AgentIdentity::PublicKey { key, comment } => Some((key, comment)),
                AgentIdentity::Certificate { .. } => None,
            })
            .collect();
        if public.is_empty() {
            course.notes.push(format!("the agent at {} holds no keys", socket.display()));
        } else if public.len() > MAX_AGENT_KEYS {
            course.notes.push(format!(
                "only the first {MAX_AGENT_KEYS} of the agent's {} keys were shown",
                public.len()
            ));
            public.truncate(MAX_AGENT_KEYS);
        }
        for (key, comment) in public {
            let shown = format!("agent key {} ({})", plain(&comment), key.algorithm());
            for hash in self.hashes(course, &key.algorithm(), rsa).await? {
                if !course.offers(MethodKind::PublicKey) {
                    return Ok(Step::More { partial: false });
                }
                course.tried.push(with_hash(&shown, hash));
                let user = course.user.clone();
                let attempt = course.handle.authenticate_publickey_with(user, key.clone(), hash, &mut agent);
                match attempt.await {
                    Ok(reply) => match course.take(reply) {
                        Step::More { partial: false } => {}
                        step => return Ok(step),
                    },
                    Err(error) => {
                        course
                            .notes
                            .push(format!("the agent did not sign with {}: {error}", plain(&comment)));
                    }
                }
            }
        }
        Ok(Step::More { partial: false })
    }

    /// The hashes to try with a key: for other keys than RSA there is nothing to choose. `rsa` keeps
    /// the server's answer, which may have to be waited for.
    async fn hashes(
        &self,
        course: &mut Course<'_>,
        algorithm: &Algorithm,
        rsa: &mut Option<Hashes>,
    ) -> Result<Hashes, Stop> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(vec![None]);
        }
        if rsa.is_none() {
            *rsa = Some(self.rsa_hashes(course).await?);
        }
        Ok(rsa.clone().unwrap_or_default())
    }

    /// The RSA signatures to try.
    async fn rsa_hashes(&self, course: &mut Course<'_>) -> Result<Hashes, Stop> {
        let asked =
            tokio::time::timeout(SIGNATURE_ALGORITHMS_TIME, course.handle.best_supported_rsa_hash()).await;
        let legacy = self.level == Level::Legacy;
        Ok(match asked {
            Ok(Ok(Some(None))) if legacy => vec![None],
            Ok(Ok(Some(None))) => Vec::new(),
            // Servers list what they know, not what they are configured to take.
            Ok(Ok(Some(best))) if legacy => vec![best, None],
            Ok(Ok(Some(best))) => vec![best],
            // It did not say: an old router at legacy, or a server that knows only what it must.
            Ok(Ok(None)) | Err(_) if legacy => vec![None, Some(HashAlg::Sha256)],
            Ok(Ok(None)) | Err(_) => vec![Some(HashAlg::Sha512), Some(HashAlg::Sha256)],
            Ok(Err(error)) => return Err(error.into()),
        })
    }
}

fn with_hash(shown: &str, hash: Option<HashAlg>) -> String {
    match hash {
        Some(hash) => format!("{shown} with {hash}"),
        None => shown.to_owned(),
    }
}
