//! Webex: a registered device, the Mercury link, and REST, from which the text of each message comes.

mod check;
mod device;
mod link;
mod missed;
mod own;
mod people;
mod render;
mod wire;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::link::http::Http;
use super::link::rest::{Part as FormPart, encode};
use super::link::{Ask, Net, Rest, Trouble, put};
use super::since::Since;
use super::{Asked, Capabilities, Connector, Desk, Finding, How, Message};
use crate::answer::pages::{File, Shape};
use crate::metrics::Board;
use crate::secret::{Secret, SecretRef};

/// The catalog that names the registration service.
const CATALOG: &str = "https://u2c.wbx2.com/u2c/api/v1/catalog";
/// A message may be told of a little before it can be fetched.
const NOT_YET: [Duration; 3] =
    [Duration::from_millis(300), Duration::from_secs(1), Duration::from_millis(2500)];
/// For a message of ours to come back over the link.
const ECHO: Duration = Duration::from_secs(3);
/// Spaces that are remembered.
const SPACES: usize = 200;
/// Files whose upload may have been carried out, at most.
const UNSURE: usize = 1000;

/// How often it is looked whether a message of ours has come back, and how long at most.
const LOOK: Duration = Duration::from_millis(100);
const ECHO_LATEST: Duration = Duration::from_secs(30);

/// How Webex is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://webexapis.com/v1`.
    pub api_url: String,
    /// The registration of devices; the catalog is asked when it is not given.
    pub wdm_url: Option<String>,
    /// The bot's token.
    pub token: SecretRef,
    /// The catalog; the platform's own when it is not given.
    pub u2c_url: Option<String>,
    /// Domains of the e-mail addresses of those who may ask; with `allow` empty as well, everybody may.
    pub domains: Vec<String>,
    /// Ids of people, and of spaces whose members may ask.
    pub allow: Vec<String>,
    /// How to connect.
    pub net: Net,
}

/// Who we are there.
#[derive(Debug, Clone, Default)]
struct Identity {
    id: String,
    name: String,
}

/// The connector.
#[derive(Debug)]
pub struct Webex {
    settings: Settings,
    rest: Rest,
    board: Arc<Board>,
    identity: RwLock<Identity>,
    registration: Mutex<device::Registration>,
    people: people::People,
    since: Since,
    echoes: own::Echoes,
    /// Spaces where we were asked, and their type: where nothing else says which there are.
    asked_in: Mutex<BTreeMap<String, String>>,
    /// Files whose upload may have been carried out.
    unsure: Mutex<HashSet<String>>,
}

impl Webex {
    /// The connector; nothing is sent before [`Connector::run`].
    pub fn new(settings: Settings, board: Arc<Board>) -> Self {
        let http = Http::new(settings.net.clone());
        let rest = Rest::new(http, &settings.api_url, "webex", Arc::clone(&board));
        Self {
            settings,
            rest,
            board,
            identity: RwLock::default(),
            registration: Mutex::default(),
            people: people::People::default(),
            since: Since::default(),
            echoes: own::Echoes::default(),
            asked_in: Mutex::default(),
            unsure: Mutex::default(),
        }
    }

    fn identity(&self) -> Identity {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the token as it is now, and looks whose it is.
    async fn login(&self) -> Result<Secret, Trouble> {
        let token = self.settings.token.resolve().await;
        let token = token.map_err(|error| Trouble::Login(error.message().to_owned()))?;
        self.rest.set_token(token.clone());
        if self.identity().id.is_empty() {
            let me = self.get("/people/me").await?;
            if text(&me, "id").is_empty() {
                return Err(Trouble::unsent("webex does not say whose token it is"));
            }
            let identity = Identity { id: text(&me, "id"), name: text(&me, "displayName") };
            *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
        }
        Ok(token)
    }

    /// The next login asks again whose token it is, and so whether it still works.
    fn forget(&self) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = Identity::default();
    }

    async fn get(&self, path: &str) -> Result<Value, Trouble> {
        json_of(&self.rest.call(Ask::get("read", path)).await?.body)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Trouble> {
        json_of(&self.rest.call(Ask::json("write", method, path, body)).await?.body)
    }

    /// What every message to a place says.
    fn to(asked: &Asked) -> Value {
        let mut body = json!({"roomId": asked.place.channel});
        if let Some(parent) = &asked.place.thread {
            put(&mut body, "parentId", parent.as_str());
        }
        body
    }

    /// A reading call for something that is known by its activity, or by an address that leads to it.
    async fn fetch(&self, kind: &str, activity: &str, address: Option<&str>) -> Result<Value, Trouble> {
        // The public id, built as the platform builds it; where that is not the right data centre, the
        // event's own address leads to it.
        let direct = self.get(&format!("/{kind}/{}", wire::public_id(kind, activity))).await;
        let Some(address) = address else { return direct };
        match direct {
            Err(Trouble::Refused(_) | Trouble::Form(_)) => {
                let found = self.get(address).await?;
                self.get(&format!("/{kind}/{}", text(&found, "id"))).await
            }
            other => other,
        }
    }

    /// What a question's event did not say.
    async fn fetched(&self, kind: &str, asked: &Asked) -> Result<Value, Trouble> {
        let activity = asked.place.message.as_deref().unwrap_or_default();
        for wait in NOT_YET {
            match self.fetch(kind, activity, asked.place.reply.as_deref()).await {
                Err(Trouble::Refused(_)) => sleep(wait).await,
                other => return other,
            }
        }
        self.fetch(kind, activity, asked.place.reply.as_deref()).await
    }

    /// A pressed button, or a form that was sent.
    async fn pressed(&self, asked: &mut Asked) -> Result<bool, Trouble> {
        let action = self.fetched("attachment/actions", asked).await?;
        let said = |key: &str| {
            let said = action.pointer(&format!("/inputs/{key}")).and_then(Value::as_str);
            said.filter(|said| !said.trim().is_empty()).map(str::to_owned)
        };
        let Some(text_of) = said("ask").or_else(|| said("text")) else { return Ok(false) };
        asked.text = text_of;
        asked.who.id = text(&action, "personId");
        asked.place.channel = text(&action, "roomId");
        let message = text(&action, "messageId");
        // A reply cannot be replied to: the root of the thread it is.
        let card = match self.get(&format!("/messages/{message}")).await {
            Err(Trouble::Refused(_) | Trouble::Form(_)) => Value::Null,
            card => card?,
        };
        let parent = card.get("parentId").and_then(Value::as_str).unwrap_or(&message).to_owned();
        asked.place.thread = Some(parent);
        if text(&card, "roomType") == "direct" {
            asked.how = How::Direct;
        }
        Ok(true)
    }

    /// We were asked in a space of this type.
    fn asked_in(&self, room: &str, kind: &str) {
        let mut known = self.asked_in.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < SPACES {
            known.insert(room.to_owned(), kind.to_owned());
        }
    }

    /// The spaces where we were asked, in the form in which the platform lists them.
    fn known_spaces(&self) -> Value {
        let known = self.asked_in.lock().unwrap_or_else(PoisonError::into_inner);
        let items: Value = known.iter().map(|(id, kind)| json!({"id": id, "type": kind})).collect();
        json!({"items": items})
    }

    /// Whether somebody is a bot.
    async fn is_bot(&self, person: &str) -> Result<bool, Trouble> {
        match self.get(&format!("/people/{person}")).await {
            Ok(person) => Ok(text(&person, "type") == "bot"),
            Err(Trouble::Refused(_) | Trouble::Form(_)) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// Whether a message of ours with this mark has come back in a thread, `wait` being the time for it while the
    /// link is up: without one nothing comes back.
    async fn echoed(&self, parent: &str, mark: &str, wait: Duration) -> Result<Option<String>, Trouble> {
        let (mut left, parent) = (wait, wire::uuid_of(parent));
        let latest = Instant::now() + ECHO_LATEST;
        let mut looked = HashSet::new();
        let mut earlier = self.echoes.earlier(&parent).await;
        loop {
            for own in self.echoes.of(&parent).into_iter().chain(std::mem::take(&mut earlier)) {
                if looked.contains(&own.id) {
                    continue;
                }
                match self.fetch("messages", &own.id, own.address.as_deref()).await {
                    Ok(message) if is_marked(&message, mark) => return Ok(Some(text(&message, "id"))),
                    Ok(_) | Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
                    Err(trouble) => return Err(trouble),
                }
                looked.insert(own.id);
            }
            if left.is_zero() || Instant::now() >= latest {
                return Ok(None);
            }
            sleep(LOOK).await;
            if self.board.links().get("webex").is_some_and(|link| link.up) {
                left = left.saturating_sub(LOOK);
            }
        }
    }

    /// A message of ours in a thread. In a space a bot may list only what mentions it; there, what came
    /// back over the link tells, and a message that was just sent may take a while.
    async fn found(&self, to: &Asked, tag: &str, wait: Duration) -> Result<Option<String>, Trouble> {
        let Some(parent) = &to.place.thread else { return Ok(None) };
        let mark = render::mark_of(tag);
        let mut fields =
            vec![("roomId", to.place.channel.as_str()), ("parentId", parent.as_str()), ("max", "100")];
        if to.how != How::Direct {
            fields.push(("mentionedPeople", "me"));
        }
        let list = match self.get(&format!("/messages?{}", encode(&fields))).await {
            Err(Trouble::Refused(_)) => Value::Null,
            list => list?,
        };
        let items = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let ours = items.iter().find(|message| is_marked(message, &mark));
        if ours.is_some() || to.how == How::Direct {
            return Ok(ours.map(|message| text(message, "id")));
        }
        self.echoed(parent, &mark, wait).await
    }
}

/// Whether a message bears a mark of ours.
fn is_marked(message: &Value, mark: &str) -> bool {
    ["text", "markdown", "html"].into_iter().any(|key| text(message, key).contains(mark))
}

impl Connector for Webex {
    fn name(&self) -> &'static str {
        "webex"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            tables: false,
            buttons: true,
            edits: Some(9),
            threads: true,
            ephemeral: false,
            files: true,
        }
    }

    fn shape(&self) -> Shape {
        render::SHAPE
    }

    fn run(self: Arc<Self>, desk: Arc<Desk>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        self.echoes.keep_in(desk.store());
        Box::pin(link::run(self, desk, stop))
    }

    fn renew(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async { self.login().await.map(drop) })
    }

    fn complete(&self, mut asked: Asked) -> BoxFuture<'_, Result<Option<Asked>, Trouble>> {
        Box::pin(async move {
            let own = self.identity();
            let mut email = None;
            if asked.how == How::Button {
                if !self.pressed(&mut asked).await? {
                    return Ok(None);
                }
            } else {
                let message = self.fetched("messages", &asked).await?;
                let person = text(&message, "personId");
                let is_own = |id: &str| wire::uuid_of(id) == wire::uuid_of(&own.id);
                if is_own(&person) {
                    return Ok(None);
                }
                // Only events say by themselves whether a person spoke.
                if asked.place.message.as_deref().is_some_and(wire::is_public) && self.is_bot(&person).await?
                {
                    return Ok(None);
                }
                asked.text = wire::without_mention(&message, &own.id, &own.name);
                asked.who.id = person;
                asked.place.channel = text(&message, "roomId");
                let id = text(&message, "id");
                let parent = message.get("parentId").and_then(Value::as_str).map(str::to_owned);
                asked.place.thread = Some(parent.unwrap_or(id));
                let kind = text(&message, "roomType");
                let direct = kind == "direct";
                self.asked_in(&asked.place.channel, &kind);
                let mentioned = message.get("mentionedPeople").and_then(Value::as_array);
                let mentioned =
                    mentioned.is_some_and(|people| people.iter().filter_map(Value::as_str).any(is_own));
                asked.how = match (direct, mentioned) {
                    (true, _) => How::Direct,
                    (false, true) => How::Mention,
                    (false, false) => How::Overheard,
                };
                // By REST and not by the event, whose name may be one that people choose.
                email = Some(text(&message, "personEmail")).filter(|email| !email.is_empty());
            }
            let spoken = asked.how != How::Overheard || asked.text.trim_start().starts_with('!');
            if spoken && !self.may_ask(&asked.who.id, email).await? {
                asked.denied = Some("the network is asked by the people of its configuration only".into());
            }
            Ok(Some(asked))
        })
    }

    fn reply<'a>(&'a self, to: &'a Asked, message: &'a Message) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(async move {
            let mut refused = Trouble::Form("no form of the answer is accepted".into());
            for form in render::forms(message) {
                let mut body = Self::to(to);
                if let (Some(body), Value::Object(form)) = (body.as_object_mut(), form) {
                    body.extend(form);
                }
                match self.send(Method::POST, "/messages", &body).await {
                    Err(Trouble::Form(why)) => {
                        tracing::warn!(%why, "webex refuses a form of an answer; a plainer one is tried");
                        refused = Trouble::Form(why);
                    }
                    Err(Trouble::Refused(why)) => {
                        refused = Trouble::Refused(why);
                        break;
                    }
                    sent => return sent.map(|sent| text(&sent, "id")),
                }
            }
            // The thread may be gone, or be none that takes replies: then beside it.
            if to.place.thread.is_some()
                && let Some(Value::Object(form)) = render::forms(message).pop()
            {
                let mut body = json!({"roomId": to.place.channel});
                if let Some(body) = body.as_object_mut() {
                    body.extend(form);
                }
                return match self.send(Method::POST, "/messages", &body).await {
                    Err(Trouble::Form(_) | Trouble::Refused(_)) => Err(refused),
                    sent => sent.map(|sent| text(&sent, "id")),
                };
            }
            Err(refused)
        })
    }

    fn edit<'a>(
        &'a self,
        to: &'a Asked,
        id: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let body = json!({"roomId": to.place.channel, "markdown": render::markdown(message)});
            self.send(Method::PUT, &format!("/messages/{id}"), &body).await.map(drop)
        })
    }

    fn editable(&self, message: &Message) -> bool {
        // A card cannot be edited in or out.
        render::card(message).is_none()
    }

    fn remove<'a>(&'a self, _to: &'a Asked, id: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let ask = Ask { method: Method::DELETE, ..Ask::get("write", format!("/messages/{id}")) };
            self.rest.call(ask).await.map(drop)
        })
    }

    fn file<'a>(&'a self, to: &'a Asked, file: &'a File, tag: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let unsure = |change: &dyn Fn(&mut HashSet<String>) -> bool| {
                change(&mut self.unsure.lock().unwrap_or_else(PoisonError::into_inner))
            };
            let wait = if unsure(&|tags| tags.contains(tag)) { ECHO } else { Duration::ZERO };
            // An earlier run may have sent it.
            if self.found(to, tag, wait).await?.is_some() {
                return Ok(());
            }
            let mut parts = vec![FormPart { name: "roomId", file: None, body: to.place.channel.as_bytes() }];
            if let Some(parent) = &to.place.thread {
                parts.push(FormPart { name: "parentId", file: None, body: parent.as_bytes() });
            }
            let said = format!("{}{}", file.name, render::mark_of(tag));
            parts.push(FormPart { name: "text", file: None, body: said.as_bytes() });
            let kind = Some((file.name.as_str(), file.kind.as_str()));
            parts.push(FormPart { name: "files", file: kind, body: file.text.as_bytes() });
            let sent = self.rest.call(Ask::multipart("write", "/messages", &parts)).await;
            let ambiguous = sent.as_ref().is_err_and(Trouble::is_ambiguous);
            unsure(&|tags| {
                if tags.len() >= UNSURE {
                    tags.clear();
                }
                if ambiguous { tags.insert(tag.to_owned()) } else { tags.remove(tag) }
            });
            sent.map(drop)
        })
    }

    fn find<'a>(&'a self, to: &'a Asked, tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(self.found(to, tag, ECHO))
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
        why: "webex answered something that is no JSON".into(),
        sent: true,
    })
}

/// Reads a frame and drops what it says.
pub(super) fn look_at(frame: &str) {
    let _ = wire::read(frame);
}
