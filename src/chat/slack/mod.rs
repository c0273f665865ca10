//! Slack, by Socket Mode: a WebSocket that we open, and the Web API. No port is open to the outside.

mod check;
mod link;
mod render;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::Method;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::link::http::Http;
use super::link::{Ask, Net, Rest, Trouble, put};
use super::{Asked, Capabilities, Connector, Desk, Finding, How, Message, Sign};
use crate::answer::pages::{File, Shape};
use crate::metrics::Board;
use crate::secret::SecretRef;

/// Names and groups are asked for again after this time.
const CACHE: Duration = Duration::from_mins(5);
/// A message a second in one channel is what the platform promises to take; for how long that is minded.
const PACE: Duration = Duration::from_millis(1050);
const PACED: Duration = Duration::from_mins(3);
/// Names that are kept.
const CACHED: usize = 2000;

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
}

/// What is known of a person.
#[derive(Debug, Clone)]
struct Person {
    name: String,
    outside: bool,
    team: String,
}

/// The connector.
#[derive(Debug)]
pub struct Slack {
    settings: Settings,
    bot: Rest,
    app: Rest,
    board: Arc<Board>,
    identity: RwLock<Identity>,
    people: Mutex<HashMap<String, (Instant, Person)>>,
    members: Mutex<Option<(Instant, Vec<String>)>>,
    /// Channels that were too fast: when the next message may go, and until when that is minded.
    paced: Mutex<HashMap<String, (Instant, Instant)>>,
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
            people: Mutex::default(),
            members: Mutex::default(),
            paced: Mutex::default(),
        }
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
            let me = ok(&self.bot.call(Ask::form("auth.test", "/auth.test", &[])).await?.body)?;
            let text = |key: &str| me.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let identity = Identity { user: text("user_id"), team: text("team_id") };
            *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
        }
        Ok(())
    }

    /// A writing call of the Web API.
    async fn write(&self, method: &'static str, body: &Value) -> Result<Value, Trouble> {
        let reply = self.bot.call(Ask::json(method, Method::POST, format!("/{method}"), body)).await?;
        self.waited(method, ok(&reply.body))
    }

    /// A reading call: those take no JSON.
    async fn read(&self, method: &'static str, fields: &[(&str, &str)]) -> Result<Value, Trouble> {
        let reply = self.bot.call(Ask::form(method, format!("/{method}"), fields)).await?;
        self.waited(method, ok(&reply.body))
    }

    /// `ratelimited` without HTTP 429 closes the lane as well.
    fn waited(&self, method: &'static str, result: Result<Value, Trouble>) -> Result<Value, Trouble> {
        match result {
            Err(Trouble::Wait(wait)) => Err(self.bot.close(method, wait)),
            other => other,
        }
    }

    /// Sends a message by a method, in the plainest form that is refused by nobody.
    async fn post(&self, method: &'static str, to: &Value, message: &Message) -> Result<Value, Trouble> {
        let mut refused = Trouble::Form("no form of the answer is accepted".into());
        for form in render::forms(message) {
            let mut body = to.clone();
            if let (Some(body), Value::Object(form)) = (body.as_object_mut(), form) {
                body.extend(form);
            }
            let channel = to.get("channel").and_then(Value::as_str).unwrap_or_default();
            if method != "chat.update" {
                self.pace(channel).await;
            }
            match self.write(method, &body).await {
                Err(Trouble::Wait(wait)) => {
                    let now = Instant::now();
                    let mut paced = self.paced.lock().unwrap_or_else(PoisonError::into_inner);
                    paced.retain(|_, (_, until)| *until > now);
                    paced.insert(channel.to_owned(), (now + wait, now + PACED));
                    return Err(Trouble::Wait(wait));
                }
                Err(Trouble::Form(why)) => {
                    tracing::warn!(%why, "slack refuses a form of an answer; a plainer one is tried");
                    refused = Trouble::Form(why);
                }
                other => return other,
            }
        }
        Err(refused)
    }

    /// Short bursts pass; a channel that was once too fast gets a message a second for a while, so that
    /// the others need not wait with it.
    async fn pace(&self, channel: &str) {
        let at = {
            let mut paced = self.paced.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((next, until)) = paced.get_mut(channel) else { return };
            let now = Instant::now();
            if *until < now {
                paced.remove(channel);
                return;
            }
            let at = (*next).max(now);
            *next = at + PACE;
            at
        };
        tokio::time::sleep_until(at).await;
    }

    async fn person(&self, id: &str) -> Result<Person, Trouble> {
        let known = self.people.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some((_, person)) = known.filter(|(since, _)| since.elapsed() < CACHE) {
            return Ok(person);
        }
        let person = match self.read("users.info", &[("user", id)]).await {
            Ok(info) => {
                let user = info.get("user").cloned().unwrap_or_default();
                let flag = |key: &str| user.get(key).and_then(Value::as_bool).unwrap_or(false);
                let name = user.pointer("/profile/display_name").or_else(|| user.get("real_name"));
                let name = name.and_then(Value::as_str).filter(|name| !name.is_empty());
                let name = name.or_else(|| user.get("name").and_then(Value::as_str)).unwrap_or(id);
                Person {
                    name: crate::text::clean_line(name),
                    outside: flag("is_stranger") || flag("is_restricted") || flag("is_ultra_restricted"),
                    team: user.get("team_id").and_then(Value::as_str).unwrap_or_default().to_owned(),
                }
            }
            // Without the scope, the id stands for the name.
            Err(Trouble::Refused(_)) => Person { name: id.to_owned(), outside: false, team: String::new() },
            Err(trouble) => return Err(trouble),
        };
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= CACHED {
            people.clear();
        }
        people.insert(id.to_owned(), (Instant::now(), person.clone()));
        Ok(person)
    }

    /// Everybody whom `allow` names, the members of user groups included.
    async fn allowed(&self) -> Result<Vec<String>, Trouble> {
        let known = self.members.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, members)) = known.filter(|(since, _)| since.elapsed() < CACHE) {
            return Ok(members);
        }
        let mut members = Vec::new();
        for id in &self.settings.allow {
            if !id.starts_with('S') {
                members.push(id.clone());
                continue;
            }
            let list = self.read("usergroups.users.list", &[("usergroup", id)]).await?;
            let users = list.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
            members.extend(users.iter().filter_map(|user| user.as_str().map(str::to_owned)));
        }
        *self.members.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), members.clone()));
        Ok(members)
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

    fn complete(&self, mut asked: Asked) -> BoxFuture<'_, Result<Option<Asked>, Trouble>> {
        Box::pin(async move {
            let person = self.person(&asked.who.id).await?;
            asked.who.name = person.name;
            let own = self.identity().team;
            let foreign = !person.team.is_empty() && !own.is_empty() && person.team != own;
            if person.outside || foreign {
                asked.denied = Some("only members of this workspace may ask the network".into());
            } else if !self.settings.allow.is_empty() {
                match self.allowed().await {
                    Ok(allowed) if allowed.contains(&asked.who.id) => {}
                    Ok(_) => asked.denied = Some("you are not among those who may ask the network".into()),
                    Err(Trouble::Refused(why)) => {
                        tracing::error!(%why, "slack tells no members of user groups; nobody of them may ask");
                        asked.denied = Some("it cannot be told whether you may ask the network".into());
                    }
                    Err(trouble) => return Err(trouble),
                }
            }
            Ok(Some(asked))
        })
    }

    fn reply<'a>(&'a self, to: &'a Asked, message: &'a Message) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(async move {
            let mut body = json!({"channel": to.place.channel, "unfurl_links": false, "unfurl_media": false});
            if let Some(thread) = &to.place.thread {
                put(&mut body, "thread_ts", thread.as_str());
            }
            // In a conversation of two, everything is for the asker's eyes only anyway.
            if message.private && to.how != How::Direct {
                let mut private = json!({"channel": to.place.channel, "user": to.who.id});
                if let Some(thread) = &to.place.thread {
                    put(&mut private, "thread_ts", thread.as_str());
                }
                match self.post("chat.postEphemeral", &private, message).await {
                    Ok(sent) => return Ok(text(&sent, "message_ts")),
                    Err(Trouble::Refused(_)) => {}
                    Err(trouble) => return Err(trouble),
                }
            }
            let metadata = json!({"event_type": "nocbot_answer", "event_payload": {"tag": message.tag}});
            put(&mut body, "metadata", metadata);
            let sent = match (self.post("chat.postMessage", &body, message).await, &to.place.reply) {
                (Err(Trouble::Refused(why)), Some(address)) => {
                    // We are not in that channel; the command's own address works for half an hour.
                    tracing::info!(%why, "a command is answered by its own address");
                    let form = render::forms(message).into_iter().next().unwrap_or_default();
                    let mut body = json!({"response_type": "ephemeral"});
                    if let (Some(body), Value::Object(form)) = (body.as_object_mut(), form) {
                        body.extend(form);
                    }
                    let ask = Ask::json("response_url", Method::POST, address.clone(), &body);
                    self.bot.call(ask.without_login()).await?;
                    return Ok(String::new());
                }
                (sent, _) => sent?,
            };
            Ok(text(&sent, "ts"))
        })
    }

    fn edit<'a>(
        &'a self,
        to: &'a Asked,
        id: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let body = json!({"channel": to.place.channel, "ts": id});
            self.post("chat.update", &body, message).await.map(drop)
        })
    }

    fn editable(&self, message: &Message) -> bool {
        // A message that everybody sees cannot become one for the asker alone.
        !message.private
    }

    fn remove<'a>(&'a self, to: &'a Asked, id: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let body = json!({"channel": to.place.channel, "ts": id});
            self.write("chat.delete", &body).await.map(drop)
        })
    }

    fn file<'a>(
        &'a self,
        to: &'a Asked,
        file: &'a File,
        _tag: &'a str,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let length = file.text.len().to_string();
            let fields = [("filename", file.name.as_str()), ("length", length.as_str())];
            let place = self.read("files.getUploadURLExternal", &fields).await?;
            let (address, id) = (text(&place, "upload_url"), text(&place, "file_id"));
            let upload = Ask {
                method: Method::POST,
                path: address,
                body: Some(("application/octet-stream".into(), bytes::Bytes::from(file.text.clone()))),
                login: false,
                lane: "upload",
            };
            self.bot.call(upload).await?;
            let mut body = json!({
                "files": [{"id": id, "title": file.name}],
                "channel_id": to.place.channel,
            });
            if let Some(thread) = &to.place.thread {
                put(&mut body, "thread_ts", thread.as_str());
            }
            self.write("files.completeUploadExternal", &body).await.map(drop)
        })
    }

    fn find<'a>(&'a self, to: &'a Asked, tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async move {
            let mut fields = vec![
                ("channel", to.place.channel.as_str()),
                ("include_all_metadata", "true"),
                ("limit", "200"),
            ];
            let method = match &to.place.thread {
                Some(thread) => {
                    fields.push(("ts", thread));
                    "conversations.replies"
                }
                None => "conversations.history",
            };
            let found = self.read(method, &fields).await?;
            let messages = found.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
            let ours = messages.iter().find(|message| {
                let noted = message.pointer("/metadata/event_payload/tag").and_then(Value::as_str);
                let block = message.pointer("/blocks/0/block_id").and_then(Value::as_str);
                noted == Some(tag) || block.is_some_and(|block| block.starts_with(&format!("{tag}.")))
            });
            Ok(ours.map(|message| text(message, "ts")))
        })
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

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The body of an answer of the Web API, or what its error code means.
fn ok(body: &[u8]) -> Result<Value, Trouble> {
    let unclear =
        || Trouble::Unreachable { why: "slack answered something that is no JSON".into(), sent: true };
    let value: Value = serde_json::from_slice(body).map_err(|_| unclear())?;
    if value.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(value);
    }
    let code = crate::text::clean_line(value.get("error").and_then(Value::as_str).unwrap_or("no error code"));
    let detail = value.pointer("/response_metadata/messages/0").and_then(Value::as_str);
    let needed =
        value.get("needed").and_then(Value::as_str).map(|scope| format!("the scope {scope} is missing"));
    let detail = needed.or(detail.map(crate::text::clean_line)).map(|more| format!(" ({more})"));
    let why = format!("slack answered `{code}`{}", detail.unwrap_or_default());
    Err(match code.as_str() {
        "ratelimited" | "rate_limited" => Trouble::Wait(Duration::from_secs(30)),
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "not_allowed_token_type"
        | "user_removed_from_team"
        | "team_disabled" => Trouble::Login(why),
        "invalid_blocks"
        | "msg_blocks_too_long"
        | "invalid_attachments"
        | "only_one_table_allowed"
        | "invalid_blocks_format"
        | "msg_too_long"
        | "no_text"
        | "too_many_attachments" => Trouble::Form(why),
        "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org" => Trouble::Unreachable { why, sent: true },
        _ => Trouble::Refused(why),
    })
}
