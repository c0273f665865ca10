//! Webex: a registered device, the Mercury link, and REST, from which the text of each message comes.

mod check;
mod link;
mod render;
mod wire;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures_util::future::BoxFuture;
use hyper::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::link::http::Http;
use super::link::rest::{Part as FormPart, encode};
use super::link::{Ask, Net, Rest, Trouble, put};
use super::{Asked, Capabilities, Connector, Desk, Finding, How, Message};
use crate::answer::pages::{File, Shape};
use crate::metrics::Board;
use crate::secret::{Secret, SecretRef};

/// The catalog that names the registration service.
const CATALOG: &str = "https://u2c.wbx2.com/u2c/api/v1/catalog?format=hostmap";

/// How Webex is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://webexapis.com/v1`.
    pub api_url: String,
    /// The registration of devices; the catalog is asked when it is not given.
    pub wdm_url: Option<String>,
    /// The bot's token.
    pub token: SecretRef,
    /// Domains of the e-mail addresses of those who may ask; everybody when empty.
    pub domains: Vec<String>,
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
    /// Where our device is registered, and its WebSocket.
    device: Mutex<Option<(String, String)>>,
}

impl Webex {
    /// The connector; nothing is sent before [`Connector::run`].
    pub fn new(settings: Settings, board: Arc<Board>) -> Self {
        let http = Http::new(settings.net.clone());
        let rest = Rest::new(http, &settings.api_url, "webex", Arc::clone(&board));
        Self { settings, rest, board, identity: RwLock::default(), device: Mutex::default() }
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
            let identity = Identity { id: text(&me, "id"), name: text(&me, "displayName") };
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

    /// What every message to a place says.
    fn to(asked: &Asked) -> Value {
        let mut body = json!({"roomId": asked.place.channel});
        if let Some(parent) = &asked.place.thread {
            put(&mut body, "parentId", parent.as_str());
        }
        body
    }

    /// A reading call for something that may be known by a long id or an address of its own.
    async fn fetch(&self, kind: &str, asked: &Asked) -> Result<Value, Trouble> {
        let activity = asked.place.message.as_deref().unwrap_or_default();
        // The public id, built as the platform builds it; where that is not the right data centre, the
        // event's own address leads to it.
        let direct = self.get(&format!("/{kind}/{}", wire::public_id(kind, activity))).await;
        let Some(address) = asked.place.reply.as_deref() else { return direct };
        match direct {
            Err(Trouble::Refused(_) | Trouble::Form(_)) => {
                let found = self.get(address).await?;
                self.get(&format!("/{kind}/{}", text(&found, "id"))).await
            }
            other => other,
        }
    }
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
        Box::pin(link::run(self, desk, stop))
    }

    fn renew(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async { self.login().await.map(drop) })
    }

    fn complete(&self, mut asked: Asked) -> BoxFuture<'_, Result<Option<Asked>, Trouble>> {
        Box::pin(async move {
            let own = self.identity();
            if asked.how == How::Button {
                let action = self.fetch("attachment/actions", &asked).await?;
                let said = action.pointer("/inputs/ask").and_then(Value::as_str);
                // A form: the choice, or what was written into it.
                let said = said.or_else(|| action.pointer("/inputs/text").and_then(Value::as_str));
                let Some(said) = said.filter(|said| !said.trim().is_empty()) else { return Ok(None) };
                asked.text = said.to_owned();
                asked.who.id = text(&action, "personId");
                asked.place.channel = text(&action, "roomId");
                let message = text(&action, "messageId");
                // A reply cannot be replied to: the root of the thread it is.
                let card = self.get(&format!("/messages/{message}")).await.unwrap_or_default();
                let parent = card.get("parentId").and_then(Value::as_str).unwrap_or(&message).to_owned();
                asked.place.thread = Some(parent);
            } else {
                let message = self.fetch("messages", &asked).await?;
                let person = text(&message, "personId");
                if person == own.id {
                    return Ok(None);
                }
                asked.text = wire::without_mention(&message, &own.id, &own.name);
                asked.who.id = person;
                asked.place.channel = text(&message, "roomId");
                let id = text(&message, "id");
                let parent = message.get("parentId").and_then(Value::as_str).map(str::to_owned);
                asked.place.thread = Some(parent.unwrap_or(id));
                let direct = text(&message, "roomType") == "direct";
                let mentioned = message.get("mentionedPeople").and_then(Value::as_array);
                let mentioned = mentioned.is_some_and(|people| people.iter().any(|id| *id == own.id));
                asked.how = match (direct, mentioned) {
                    (true, _) => How::Direct,
                    (false, true) => How::Mention,
                    (false, false) => How::Overheard,
                };
            }
            let domain = asked.who.name.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
            let domains = &self.settings.domains;
            let known = |domain: String| domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(&domain));
            if !domains.is_empty() && !domain.is_some_and(known) {
                asked.denied = Some("only people of this organisation may ask the network".into());
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
                    sent => return sent.map(|sent| text(&sent, "id")),
                }
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

    fn file<'a>(
        &'a self,
        to: &'a Asked,
        file: &'a File,
        _tag: &'a str,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let mut parts = vec![FormPart { name: "roomId", file: None, body: to.place.channel.as_bytes() }];
            if let Some(parent) = &to.place.thread {
                parts.push(FormPart { name: "parentId", file: None, body: parent.as_bytes() });
            }
            let kind = Some((file.name.as_str(), file.kind.as_str()));
            parts.push(FormPart { name: "files", file: kind, body: file.text.as_bytes() });
            self.rest.call(Ask::multipart("write", "/messages", &parts)).await.map(drop)
        })
    }

    fn find<'a>(&'a self, to: &'a Asked, tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async move {
            let Some(parent) = &to.place.thread else { return Ok(None) };
            let mut fields =
                vec![("roomId", to.place.channel.as_str()), ("parentId", parent.as_str()), ("max", "100")];
            if to.how != How::Direct {
                fields.push(("mentionedPeople", "me"));
            }
            let found = self.get(&format!("/messages?{}", encode(&fields))).await?;
            let items = found.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            let mark = render::mark_of(tag);
            let own = self.identity().id;
            let ours = items.iter().find(|message| {
                text(message, "personId") == own
                    && (text(message, "text").contains(&mark) || text(message, "markdown").contains(&mark))
            });
            Ok(ours.map(|message| text(message, "id")))
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
        why: "webex answered something that is no JSON".into(),
        sent: true,
    })
}
