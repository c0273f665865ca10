//! Logging in (RFC 4252, 4256, 8308, 8332): keys, then the password, then questions.
//!
//! A wrong password is tried once and no more: many AAA servers lock an account after three, and a
//! bot that asks a hundred devices would lock it in a second. So the password is not repeated as an
//! answer to keyboard-interactive questions after the server has refused it as a password.

use std::path::Path;
use std::time::Duration;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey};

use super::keys;
use super::session::{Client, Remarks, plain};
use crate::error::{Failure, FailureKind};
use crate::inventory::Login;
use crate::profile::Level;
use crate::secret::Secret;

/// Rounds of questions; a server that asks for more is not going to let anybody in.
const MAX_ROUNDS: usize = 10;
/// Keys of an agent that are shown; servers close after a handful of failures.
const MAX_AGENT_KEYS: usize = 4;
/// How long to wait for the server to say which RSA signatures it takes; it says so with its
/// first packets or never.
const SIGNATURE_ALGORITHMS_TIME: Duration = Duration::from_millis(150);
/// For each answer of the agent.
const AGENT_TIME: Duration = Duration::from_secs(5);

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
            return questions(course, &password).await;
        }
        Ok(false)
    }

    /// The key file, then the agent's keys.
    async fn keys(&self, course: &mut Course<'_>) -> Result<bool, Stop> {
        let hashes = self.rsa_hashes(course).await?;
        if let Some(path) = &self.login.key_file {
            match keys::load(path, self.login.passphrase.as_ref()).await {
                Ok(key) => {
                    let shown = format!("key {} ({})", path.display(), key.algorithm());
                    for hash in hashes_for(&key.algorithm(), &hashes) {
                        if !course.offers(MethodKind::PublicKey) {
                            break;
                        }
                        course.tried.push(with_hash(&shown, hash));
                        let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
                        let user = course.user.clone();
                        let reply = course.handle.authenticate_publickey(user, key).await?;
                        match course.take(reply) {
                            Step::Done => return Ok(true),
                            Step::More { partial: true } => return Ok(false),
                            Step::More { partial: false } => {}
                        }
                    }
                    if key.algorithm().is_rsa() && hashes.is_empty() {
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
            return self.agent(course, socket, &hashes).await;
        }
        Ok(false)
    }

    async fn agent(
        &self,
        course: &mut Course<'_>,
        socket: &Path,
        hashes: &[Option<HashAlg>],
    ) -> Result<bool, Stop> {
        let opened = tokio::time::timeout(AGENT_TIME, async {
            let mut agent = AgentClient::connect_uds(socket).await?;
            let identities = agent.request_identities().await?;
            Ok::<_, russh::keys::Error>((agent, identities))
        });
        let (mut agent, identities) = match opened.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => {
                course.notes.push(format!("the agent at {} cannot be used: {error}", socket.display()));
                return Ok(false);
            }
            Err(_) => {
                course.notes.push(format!("the agent at {} does not answer", socket.display()));
                return Ok(false);
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
            for hash in hashes_for(&key.algorithm(), hashes) {
                if !course.offers(MethodKind::PublicKey) {
                    return Ok(false);
                }
                course.tried.push(with_hash(&shown, hash));
                let user = course.user.clone();
                let attempt = course.handle.authenticate_publickey_with(user, key.clone(), hash, &mut agent);
                match attempt.await {
                    Ok(reply) => match course.take(reply) {
                        Step::Done => return Ok(true),
                        Step::More { partial: true } => return Ok(false),
                        Step::More { partial: false } => {}
                    },
                    Err(error) => {
                        course
                            .notes
                            .push(format!("the agent did not sign with {}: {error}", plain(&comment)));
                    }
                }
            }
        }
        Ok(false)
    }

    /// The RSA signatures to try, best first; `None` in it is SHA-1.
    async fn rsa_hashes(&self, course: &mut Course<'_>) -> Result<Vec<Option<HashAlg>>, Stop> {
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

/// Answers questions (RFC 4256): the password where the answer is not shown, the user name where
/// it is asked for. The same question twice means that the answer was wrong.
async fn questions(course: &mut Course<'_>, password: &Secret) -> Result<bool, Stop> {
    course.tried.push("keyboard-interactive".to_owned());
    let user = course.user.clone();
    let mut reply = course.handle.authenticate_keyboard_interactive_start(user, None).await?;
    let mut answered: Vec<String> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        match reply {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { remaining_methods, .. } => {
                if !remaining_methods.is_empty() {
                    course.offered = remaining_methods.to_vec();
                }
                return Ok(false);
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let mut answers = Vec::with_capacity(prompts.len());
                for prompt in &prompts {
                    let question = plain(&prompt.prompt).to_lowercase();
                    if prompt.echo {
                        let name = ["user", "login", "name"].iter().any(|word| question.contains(word));
                        if !name {
                            course.notes.push(format!(
                                "the server asks `{}`, for which there is no answer",
                                plain(&prompt.prompt)
                            ));
                        }
                        answers.push(if name { course.user.clone() } else { String::new() });
                    } else if answered.contains(&question) {
                        course.notes.push(format!("the server asked `{}` again", plain(&prompt.prompt)));
                        return Ok(false);
                    } else {
                        answers.push(password.expose().to_owned());
                    }
                }
                answered.extend(
                    prompts
                        .iter()
                        .filter(|prompt| !prompt.echo)
                        .map(|prompt| plain(&prompt.prompt).to_lowercase()),
                );
                reply = course.handle.authenticate_keyboard_interactive_respond(answers).await?;
            }
        }
    }
    course.notes.push(format!("the server asked more than {MAX_ROUNDS} times"));
    Ok(false)
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

/// The hashes to try with a key: for other keys than RSA there is nothing to choose.
fn hashes_for(algorithm: &Algorithm, rsa: &[Option<HashAlg>]) -> Vec<Option<HashAlg>> {
    if matches!(algorithm, Algorithm::Rsa { .. }) { rsa.to_vec() } else { vec![None] }
}

fn with_hash(shown: &str, hash: Option<HashAlg>) -> String {
    match hash {
        Some(hash) => format!("{shown} with {hash}"),
        None => shown.to_owned(),
    }
}
