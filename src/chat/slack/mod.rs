//! Slack, by Socket Mode: a WebSocket that we open, and the Web API. No port is open to the outside.

mod call;
mod check;
mod files;
mod link;
mod manifest;
mod people;
mod post;
mod render;
mod wire;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::call::{ok, text};
use super::link::http::Http;
use super::link::{Ask, Net, Rest, Trouble};
use super::{Asked, Capabilities, Connector, Desk, Finding, Message, Sign};
use crate::answer::pages::{File, Shape};
use crate::metrics::Board;
use crate::secret::SecretRef;
use crate::store::Store;

/// How often it is noted that something was heard.
const NOTED: Duration = Duration::from_mins(1);

/// How Slack is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://slack.com/api`.
    pub api_url: String,
    /// `xoxb-…`.
    pub bot_token: SecretRef,
    /// `xapp-…`, with `connections:write`.
    pub app_token: SecretRef,
    /// Ids of people (`U…`) and user groups (`S…`) who may ask; everybody of the workspace when empty.
    pub allow: Vec<String>,
    /// How to connect.
    pub net: Net,
}

/// Who we are there.
#[derive(Debug, Clone, Default)]
struct Identity {
    user: String,
    team: String,
    /// What the bot's token may do; nothing where the platform does not say.
    scopes: Option<Vec<String>>,
}

/// The connector.
#[derive(Debug)]
pub struct Slack {
    settings: Settings,
    bot: Rest,
    app: Rest,
    board: Arc<Board>,
    identity: RwLock<Identity>,
    people: people::People,
    paced: post::Paced,
    courtesies: post::Courtesies,
    /// Channels in which a look was refused.
    blind: Mutex<HashSet<String>>,
    uploads: files::Uploads,
    /// When each kind of delivery was last noted.
    heard: Mutex<HashMap<&'static str, Instant>>,
    /// Where an earlier run has noted what it heard, for the check.
    notes: Option<Store>,
    /// Reads the app's own configuration, for the check.
    config_token: Option<SecretRef>,
}

impl Slack {
    /// The connector; nothing is sent before [`Connector::run`].
    pub fn new(settings: Settings, board: Arc<Board>) -> Self {
        let http = Http::new(settings.net.clone());
        Self {
            bot: Rest::new(http.clone(), &settings.api_url, "slack", Arc::clone(&board)),
            app: Rest::new(http, &settings.api_url, "slack", Arc::clone(&board)),
            settings,
            board,
            identity: RwLock::default(),
            people: people::People::default(),
            paced: post::Paced::default(),
            courtesies: post::Courtesies::default(),
            blind: Mutex::default(),
            uploads: files::Uploads::new(),
            heard: Mutex::default(),
            notes: None,
            config_token: None,
        }
    }

    /// The same, with what only the check uses: the store of the running nocbot, which notes what was
    /// heard, and an app configuration token.
    #[must_use]
    pub fn checking(mut self, notes: Option<Store>, config_token: Option<SecretRef>) -> Self {
        (self.notes, self.config_token) = (notes, config_token);
        self
    }

    /// Whether it is time to note that this was heard.
    fn hears(&self, kind: &'static str) -> bool {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let due = heard.get(kind).is_none_or(|at| at.elapsed() > NOTED);
        if due {
            heard.insert(kind, Instant::now());
        }
        due
    }

    fn identity(&self) -> Identity {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the tokens as they are now: they may have been rotated.
    async fn login(&self) -> Result<(), Trouble> {
        let failed = |error: crate::error::Error| Trouble::Login(error.message().to_owned());
        self.bot.set_token(self.settings.bot_token.resolve().await.map_err(failed)?);
        self.app.set_token(self.settings.app_token.resolve().await.map_err(failed)?);
        if self.identity().user.is_empty() {
            let reply = self.bot.call(Ask::form("auth.test", "/auth.test", &[])).await?;
            let me = ok(&reply)?;
            let scopes = call::scopes(&reply);
            let identity = Identity { user: text(&me, "user_id"), team: text(&me, "team_id"), scopes };
            *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
        }
        Ok(())
    }
}

impl Connector for Slack {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            tables: true,
            buttons: true,
            edits: Some(usize::MAX),
            threads: true,
            ephemeral: true,
            files: true,
        }
    }

    fn shape(&self) -> Shape {
        render::SHAPE
    }

    fn run(self: Arc<Self>, desk: Arc<Desk>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(link::run(self, desk, stop))
    }

    fn renew(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async { self.login().await.map(drop) })
    }

    fn complete(&self, asked: Asked) -> BoxFuture<'_, Result<Option<Asked>, Trouble>> {
        Box::pin(async move { self.known(asked).await.map(Some) })
    }

    fn reply<'a>(&'a self, to: &'a Asked, message: &'a Message) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(self.answer(to, message))
    }

    fn edit<'a>(
        &'a self,
        to: &'a Asked,
        id: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(self.replace(to, id, message))
    }

    fn editable(&self, message: &Message) -> bool {
        // A message that everybody sees cannot become one for the asker alone.
        !message.private
    }

    fn remove<'a>(&'a self, to: &'a Asked, id: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            if id.is_empty() {
                return Ok(());
            }
            let body = json!({"channel": to.place.channel, "ts": id});
            self.write("chat.delete", &body).await.map(drop)
        })
    }

    fn file<'a>(&'a self, to: &'a Asked, file: &'a File, tag: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(self.upload(to, file, tag, None))
    }

    fn find<'a>(&'a self, to: &'a Asked, tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(self.sent_before(to, tag))
    }

    fn react<'a>(&'a self, to: &'a Asked, sign: Sign) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let Some(message) = &to.place.message else { return Ok(()) };
            let name = match sign {
                Sign::Seen => "eyes",
            };
            let body = json!({"channel": to.place.channel, "timestamp": message, "name": name});
            self.write("reactions.add", &body).await.map(drop)
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(check::check(self))
    }
}

/// Reads a frame and drops what it says.
pub(super) fn look_at(frame: &str) {
    let _ = wire::read(frame, "U1");
}
