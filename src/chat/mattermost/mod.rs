//! Mattermost: its WebSocket with the bot account's token, and REST v4.

mod check;
mod escape;
mod link;
mod people;
mod render;
mod wire;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::Method;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::link::http::Http;
use super::link::rest::Part as FormPart;
use super::link::socket::Sender;
use super::link::{Ask, Net, Rest, Trouble, put};
use super::since::Since;
use super::{Asked, Capabilities, Connector, Desk, Finding, How, Message, Sign};
use crate::answer::pages::{File, Shape};
use crate::metrics::Board;
use crate::secret::SecretRef;

/// Channels that are remembered and looked through for what was missed.
const CHANNELS: usize = 200;
/// The server counts all calls of a token together: if one has to wait, all have.
const LANE: &str = "rest";
/// Where ephemeral posts are not permitted, it is tried again after this time.
const WHISPER: Duration = Duration::from_mins(10);

/// How Mattermost is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://chat.example.net`.
    pub url: String,
    /// The bot account's token.
    pub token: SecretRef,
    /// The name of the team to serve; all of the bot's when none is given.
    pub team: Option<String>,
    /// Ids of people, and of channels and teams whose members may ask; everybody when empty.
    pub allow: Vec<String>,
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
    people: people::People,
    since: Since,
    /// Channels where we were asked, and their type: where nothing else says which there are.
    asked_in: Mutex<BTreeMap<String, String>>,
    /// How many characters a post may have.
    most: AtomicUsize,
    /// The link that is up, to tell that somebody types, and the number of its last request.
    link: Mutex<Option<Sender>>,
    calls: AtomicU64,
    /// Since when ephemeral posts are known not to be permitted.
    mute: Mutex<Option<Instant>>,
}

impl Mattermost {
    /// The connector; nothing is sent before [`Connector::run`].
    pub fn new(settings: Settings, board: Arc<Board>) -> Self {
        let base = format!("{}/api/v4", settings.url.trim_end_matches('/'));
        let rest = Rest::new(Http::new(settings.net.clone()), &base, "mattermost", Arc::clone(&board));
        Self {
            settings,
            rest,
            board,
            identity: RwLock::default(),
            people: people::People::default(),
            since: Since::default(),
            asked_in: Mutex::default(),
            most: AtomicUsize::new(render::MOST),
            link: Mutex::default(),
            calls: AtomicU64::new(0),
            mute: Mutex::default(),
        }
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
            if text(&me, "id").is_empty() {
                return Err(Trouble::unsent("mattermost does not say whose token it is"));
            }
            let team = match &self.settings.team {
                Some(name) => Some(text(&self.get(&format!("/teams/name/{name}")).await?, "id")),
                None => None,
            };
            let identity = Identity { id: text(&me, "id"), name: text(&me, "username"), team };
            // A server that does not tell this takes what all take.
            if let Ok(config) = self.get("/config/client?format=old").await {
                let most = text(&config, "MaxPostSize").parse().unwrap_or(render::MOST);
                self.most.store(most, Ordering::SeqCst);
            }
            *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
        }
        Ok(token)
    }

    /// The next login asks again whose token it is, and so whether it still works.
    fn forget(&self) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = Identity::default();
    }

    /// The link by which it is told that somebody types.
    fn typist(&self, link: Option<Sender>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }

    /// We were asked in a channel of this type.
    fn asked_in(&self, channel: &str, kind: &str) {
        let mut known = self.asked_in.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < CHANNELS {
            known.insert(channel.to_owned(), kind.to_owned());
        }
    }

    /// The channels where we were asked, in the form in which the server lists them.
    fn known_channels(&self) -> Value {
        let known = self.asked_in.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(id, kind)| json!({"id": id, "type": kind})).collect()
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    async fn get(&self, path: &str) -> Result<Value, Trouble> {
        json_of(&self.rest.call(Ask::get(LANE, path)).await?.body)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Trouble> {
        json_of(&self.rest.call(Ask::json(LANE, method, path, body)).await?.body)
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
        let said = render::message(message, self.most());
        let mute = *self.mute.lock().unwrap_or_else(PoisonError::into_inner);
        if mute.is_none_or(|since| since.elapsed() > WHISPER) {
            // With an id of its own the same post takes its own place when it comes twice.
            let id = id_of(&message.tag);
            let mut post = json!({"id": id, "channel_id": to.place.channel, "message": said});
            if let Some(thread) = &to.place.thread {
                put(&mut post, "root_id", thread.as_str());
            }
            let body = json!({"user_id": to.who.id, "post": post});
            match self.send(Method::POST, "/posts/ephemeral", &body).await {
                Err(Trouble::Refused(_)) => {
                    *self.mute.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                }
                Err(Trouble::Form(_)) => {}
                other => return other.map(|sent| text(&sent, "id")),
            }
        }
        let direct = self.direct(to).await?;
        self.post(to, &direct, &message.tag, json!({"message": said})).await
    }

    /// The channel of the bot and the asker alone.
    async fn direct(&self, to: &Asked) -> Result<String, Trouble> {
        let pair = json!([self.identity().id, to.who.id]);
        Ok(text(&self.send(Method::POST, "/channels/direct", &pair).await?, "id"))
    }

    /// The post of ours with this tag among others, if it is there.
    fn tagged(&self, list: &Value, tag: &str) -> Option<String> {
        let own = self.identity().id;
        let posts = list.get("posts").and_then(Value::as_object)?;
        let ours = posts.values().find(|post| {
            post.pointer("/props/nocbot").and_then(Value::as_str) == Some(tag)
                && text(post, "user_id") == own
                && post.get("delete_at").and_then(Value::as_i64).unwrap_or(0) == 0
        });
        ours.map(|post| text(post, "id"))
    }
}

/// An id of the platform's form (26 of `a-z0-9`), the same for the same tag.
fn id_of(tag: &str) -> String {
    const LETTERS: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, tag.as_bytes());
    let letters = digest.as_ref().iter().take(26);
    letters
        .map(|byte| LETTERS.get(usize::from(byte % 32)).map_or('a', |letter| char::from(*letter)))
        .collect()
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
        render::shape(self.most())
    }

    fn run(self: Arc<Self>, desk: Arc<Desk>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(link::run(self, desk, stop))
    }

    fn renew(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async { self.login().await.map(drop) })
    }

    fn complete(&self, mut asked: Asked) -> BoxFuture<'_, Result<Option<Asked>, Trouble>> {
        Box::pin(async move {
            let nameless = asked.who.name == asked.who.id;
            if self.settings.allow.is_empty() && !nameless {
                return Ok(Some(asked));
            }
            // Nobody is asked about people who speak among themselves.
            if asked.how == How::Overheard && !asked.text.trim_start().starts_with('!') {
                return Ok(Some(asked));
            }
            let person = self.person(&asked.who.id).await?;
            if person.bot {
                return Ok(None);
            }
            if nameless && !person.name.is_empty() {
                asked.who.name = person.name;
            }
            if !person.may {
                asked.denied = Some("the network is asked by the people of its configuration only".into());
            }
            Ok(Some(asked))
        })
    }

    fn reply<'a>(&'a self, to: &'a Asked, message: &'a Message) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(async move {
            if message.private && to.how != How::Direct {
                match self.whisper(to, message).await {
                    Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
                    other => return other,
                }
            }
            let body = json!({"message": render::message(message, self.most())});
            match self.post(to, &to.place.channel, &message.tag, body).await {
                Err(Trouble::Form(why)) => {
                    tracing::warn!(%why, "mattermost refuses an answer; a plainer form is tried");
                    let body = json!({"message": render::plainest(message)});
                    self.post(to, &to.place.channel, &message.tag, body).await
                }
                sent => sent,
            }
        })
    }

    fn edit<'a>(
        &'a self,
        _to: &'a Asked,
        id: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let body = json!({"message": render::message(message, self.most())});
            self.send(Method::PUT, &format!("/posts/{id}/patch"), &body).await.map(drop)
        })
    }

    fn remove<'a>(&'a self, _to: &'a Asked, id: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let ask = Ask { method: Method::DELETE, ..Ask::get(LANE, format!("/posts/{id}")) };
            self.rest.call(ask).await.map(drop)
        })
    }

    fn file<'a>(&'a self, to: &'a Asked, file: &'a File, tag: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            // The server knows a repeated post for half a minute only; after that it is looked for.
            if let Some(root) = &to.place.thread {
                match self.get(&format!("/posts/{root}/thread")).await {
                    Ok(thread) if self.tagged(&thread, tag).is_some() => return Ok(()),
                    Ok(_) | Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
                    Err(trouble) => return Err(trouble),
                }
            }
            let parts = [
                FormPart { name: "channel_id", file: None, body: to.place.channel.as_bytes() },
                FormPart {
                    name: "files",
                    file: Some((file.name.as_str(), file.kind.as_str())),
                    body: file.text.as_bytes(),
                },
            ];
            let sent = json_of(&self.rest.call(Ask::multipart(LANE, "/files", &parts)).await?.body)?;
            let id = sent.pointer("/file_infos/0/id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let body = json!({"message": "", "file_ids": [id]});
            self.post(to, &to.place.channel, tag, body).await.map(drop)
        })
    }

    fn find<'a>(&'a self, to: &'a Asked, tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async move {
            let Some(root) = &to.place.thread else { return Ok(None) };
            let thread = self.get(&format!("/posts/{root}/thread")).await?;
            let found = self.tagged(&thread, tag);
            if found.is_some() || to.how == How::Direct {
                return Ok(found);
            }
            // What is for the asker alone may have become a direct message.
            let direct = self.direct(to).await?;
            let latest = self.get(&format!("/channels/{direct}/posts?per_page=100")).await?;
            Ok(self.tagged(&latest, tag))
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
            let link = self.link.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some(link) = link else { return Ok(()) };
            let parent = to.place.thread.as_deref().unwrap_or_default();
            let data = json!({"channel_id": to.place.channel, "parent_id": parent});
            let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
            link.text(link::request("user_typing", number, &data)).await
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

/// Reads a frame and drops what it says.
pub(super) fn look_at(frame: &str) {
    if let wire::Frame::Event { data, .. } = wire::read(frame) {
        let _ = wire::posted(&data, wire::Own { id: "me", name: "nocbot", team: None });
    }
}
