//! Mattermost: its WebSocket with the bot account's token, and REST v4.

mod check;
mod link;
mod render;
mod wire;

use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::BoxFuture;
use hyper::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::link::http::Http;
use super::link::rest::Part as FormPart;
use super::link::{Ask, Net, Rest, Trouble, put};
use super::{Asked, Capabilities, Connector, Desk, Finding, How, Message, Sign};
use crate::answer::pages::{File, Shape};
use crate::metrics::Board;
use crate::secret::SecretRef;

/// How Mattermost is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://chat.example.net`.
    pub url: String,
    /// The bot account's token.
    pub token: SecretRef,
    /// The name of the team to serve; all of the bot's when none is given.
    pub team: Option<String>,
    /// How to connect.
    pub net: Net,
}

/// Who we are there.
#[derive(Debug, Clone, Default)]
struct Identity {
    id: String,
    name: String,
    team: Option<String>,
}

/// The connector.
#[derive(Debug)]
pub struct Mattermost {
    settings: Settings,
    rest: Rest,
    board: Arc<Board>,
    identity: RwLock<Identity>,
}

impl Mattermost {
    /// The connector; nothing is sent before [`Connector::run`].
    pub fn new(settings: Settings, board: Arc<Board>) -> Self {
        let base = format!("{}/api/v4", settings.url.trim_end_matches('/'));
        let rest = Rest::new(Http::new(settings.net.clone()), &base, "mattermost", Arc::clone(&board));
        Self { settings, rest, board, identity: RwLock::default() }
    }

    fn identity(&self) -> Identity {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the token as it is now, and looks who it is.
    async fn login(&self) -> Result<crate::secret::Secret, Trouble> {
        let token = self.settings.token.resolve().await;
        let token = token.map_err(|error| Trouble::Login(error.message().to_owned()))?;
        self.rest.set_token(token.clone());
        if self.identity().id.is_empty() {
            let me = self.get("/users/me").await?;
            let team = match &self.settings.team {
                Some(name) => Some(text(&self.get(&format!("/teams/name/{name}")).await?, "id")),
                None => None,
            };
            let identity = Identity { id: text(&me, "id"), name: text(&me, "username"), team };
            *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
        }
        Ok(token)
    }

    async fn get(&self, path: &str) -> Result<Value, Trouble> {
        json_of(&self.rest.call(Ask::get("read", path)).await?.body)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Trouble> {
        json_of(&self.rest.call(Ask::json("write", method, path, body)).await?.body)
    }

    /// A post in the thread of a question.
    async fn post(&self, to: &Asked, channel: &str, tag: &str, more: Value) -> Result<String, Trouble> {
        let own = self.identity().id;
        let mut body = json!({
            "channel_id": channel,
            // The server gives the first post back when the same one comes again.
            "pending_post_id": format!("{own}:{tag}"),
            "props": {"nocbot": tag},
        });
        if channel == to.place.channel
            && let Some(thread) = &to.place.thread
        {
            put(&mut body, "root_id", thread.as_str());
        }
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        Ok(text(&self.send(Method::POST, "/posts", &body).await?, "id"))
    }

    /// For the asker's eyes only: as an ephemeral post where that is permitted, else in a direct message.
    async fn whisper(&self, to: &Asked, message: &Message) -> Result<String, Trouble> {
        let mut post = json!({"channel_id": to.place.channel, "message": render::message(message)});
        if let Some(thread) = &to.place.thread {
            put(&mut post, "root_id", thread.as_str());
        }
        let body = json!({"user_id": to.who.id, "post": post});
        match self.send(Method::POST, "/posts/ephemeral", &body).await {
            Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
            other => return other.map(|sent| text(&sent, "id")),
        }
        let pair = json!([self.identity().id, to.who.id]);
        let direct = text(&self.send(Method::POST, "/channels/direct", &pair).await?, "id");
        self.post(to, &direct, &message.tag, json!({"message": render::message(message)})).await
    }
}

impl Connector for Mattermost {
    fn name(&self) -> &'static str {
        "mattermost"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            tables: true,
            buttons: false,
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

    fn reply<'a>(&'a self, to: &'a Asked, message: &'a Message) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(async move {
            if message.private && to.how != How::Direct {
                match self.whisper(to, message).await {
                    Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
                    other => return other,
                }
            }
            let body = json!({"message": render::message(message)});
            self.post(to, &to.place.channel, &message.tag, body).await
        })
    }

    fn edit<'a>(
        &'a self,
        _to: &'a Asked,
        id: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let body = json!({"message": render::message(message), "props": {"nocbot": message.tag}});
            self.send(Method::PUT, &format!("/posts/{id}/patch"), &body).await.map(drop)
        })
    }

    fn remove<'a>(&'a self, _to: &'a Asked, id: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let ask = Ask { method: Method::DELETE, ..Ask::get("write", format!("/posts/{id}")) };
            self.rest.call(ask).await.map(drop)
        })
    }

    fn file<'a>(&'a self, to: &'a Asked, file: &'a File, tag: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let parts = [
                FormPart { name: "channel_id", file: None, body: to.place.channel.as_bytes() },
                FormPart {
                    name: "files",
                    file: Some((file.name.as_str(), file.kind.as_str())),
                    body: file.text.as_bytes(),
                },
            ];
            let sent = json_of(&self.rest.call(Ask::multipart("write", "/files", &parts)).await?.body)?;
            let id = sent.pointer("/file_infos/0/id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let body = json!({"message": "", "file_ids": [id]});
            self.post(to, &to.place.channel, tag, body).await.map(drop)
        })
    }

    fn find<'a>(&'a self, to: &'a Asked, tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async move {
            let Some(root) = &to.place.thread else { return Ok(None) };
            let thread = self.get(&format!("/posts/{root}/thread")).await?;
            let posts = thread.get("posts").and_then(Value::as_object).cloned().unwrap_or_default();
            let ours = posts.values().find(|post| {
                post.pointer("/props/nocbot").and_then(Value::as_str) == Some(tag)
                    && post.get("delete_at").and_then(Value::as_i64).unwrap_or(0) == 0
            });
            Ok(ours.map(|post| text(post, "id")))
        })
    }

    fn react<'a>(&'a self, to: &'a Asked, sign: Sign) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let Some(post) = &to.place.message else { return Ok(()) };
            let name = match sign {
                Sign::Seen => "eyes",
            };
            let body = json!({"user_id": self.identity().id, "post_id": post, "emoji_name": name});
            self.send(Method::POST, "/reactions", &body).await.map(drop)
        })
    }

    fn typing<'a>(&'a self, to: &'a Asked) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let body = json!({"channel_id": to.place.channel, "parent_id": to.place.thread});
            self.send(Method::POST, "/users/me/typing", &body).await.map(drop)
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(check::check(self))
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn json_of(body: &[u8]) -> Result<Value, Trouble> {
    serde_json::from_slice(body).map_err(|_| Trouble::Unreachable {
        why: "mattermost answered something that is no JSON".into(),
        sent: true,
    })
}
