//! A stand-in for Webex: the catalog, device registration, the Mercury link, and REST with its limits.
//! `webex_client.rs` proves it with the bot framework that people use there.

mod mercury;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;

use crate::chat::shared::form::{Fate, Fates};
use crate::chat::shared::server::{Platform, Reply, Request, Server, serve};

pub const TOKEN: &str = "wx-token";
const BOT_UUID: &str = "b0000000-0000-4000-8000-000000000000";
/// The most devices of one account.
const DEVICES: usize = 10;

enum Out {
    Text(String),
    Cut,
    Close(u16),
    Mute,
}

struct State {
    base: String,
    token: String,
    next: u64,
    devices: BTreeMap<String, Value>,
    /// Listed by the registration, and unknown to Mercury.
    stale: BTreeSet<String>,
    registered: usize,
    links: BTreeMap<u64, (String, mpsc::UnboundedSender<Out>)>,
    opened: Vec<Instant>,
    /// Events that were not confirmed: they come again on the next link.
    pending: BTreeMap<String, Value>,
    sent: usize,
    messages: Vec<Value>,
    actions: BTreeMap<String, Value>,
    members: BTreeSet<(String, String)>,
    edits: BTreeMap<String, usize>,
    fates: Fates,
    number: u64,
    /// The next event is neither sent nor kept.
    lose: bool,
    /// Own messages do not come back over the link.
    deaf_to_own: bool,
    late: usize,
    authorization: Duration,
    refuse: Option<(usize, u16, Option<u64>)>,
}

pub struct FakeWebex {
    state: Mutex<State>,
}

pub struct Running {
    pub webex: Arc<FakeWebex>,
    pub server: Server,
}

pub async fn start() -> Running {
    let state = State {
        base: String::new(),
        token: TOKEN.into(),
        next: 0,
        devices: BTreeMap::new(),
        stale: BTreeSet::new(),
        registered: 0,
        links: BTreeMap::new(),
        opened: Vec::new(),
        pending: BTreeMap::new(),
        sent: 0,
        messages: Vec::new(),
        actions: BTreeMap::new(),
        members: BTreeSet::new(),
        edits: BTreeMap::new(),
        fates: Fates::default(),
        number: 0,
        lose: false,
        deaf_to_own: false,
        late: 0,
        authorization: Duration::from_secs(30),
        refuse: None,
    };
    let webex = Arc::new(FakeWebex { state: Mutex::new(state) });
    let server = serve(Arc::clone(&webex)).await;
    webex.change(|state| state.base = server.address.to_string());
    Running { webex, server }
}

/// The public id of something.
pub fn public(kind: &str, uuid: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("ciscospark://us/{kind}/{uuid}"))
}

/// What stands in a public id; both forms are taken, as the platform does.
fn uuid(id: &str) -> String {
    let inner = URL_SAFE_NO_PAD.decode(id).ok().and_then(|inner| String::from_utf8(inner).ok());
    inner.and_then(|inner| inner.rsplit('/').next().map(str::to_owned)).unwrap_or_else(|| id.to_owned())
}

pub fn bot() -> String {
    public("PEOPLE", BOT_UUID)
}

pub fn person(name: &str) -> String {
    public("PEOPLE", &format!("person-{name}"))
}

pub fn room(direct: bool) -> String {
    public("ROOM", if direct { "room-direct" } else { "room-group" })
}

fn now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    jiff::Timestamp::from_millisecond(i64::try_from(now.as_millis()).unwrap()).unwrap().to_string()
}

impl State {
    fn uuid(&mut self) -> String {
        self.next += 1;
        format!("a0000000-0000-4000-8000-{:012}", self.next)
    }

    fn fault(&mut self, what: impl Into<String>) {
        self.fates.faults.push(what.into());
    }

    fn event(&mut self, activity: &Value) {
        self.number += 1;
        let lost = std::mem::take(&mut self.lose);
        let id = self.uuid();
        let millis = now().parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let event = json!({"id": id, "sequenceNumber": self.number, "timestamp": millis, "trackingId": "T_1",
            "alertType": "full", "data": {"eventType": "conversation.activity", "activity": activity}});
        if lost {
            return;
        }
        self.pending.insert(id, event.clone());
        self.sent += 1;
        for (_, link) in self.links.values() {
            let _ = link.send(Out::Text(event.to_string()));
        }
    }

    /// What an event tells; texts are encrypted and of no use to bots.
    fn activity(
        &self,
        verb: &str,
        uuid: &str,
        actor: &str,
        kind: &str,
        direct: bool,
        parent: Option<&str>,
    ) -> Value {
        let tags = if direct { json!(["ONE_ON_ONE", "LOCKED"]) } else { json!(["LOCKED"]) };
        let id = if kind == "PERSON" { format!("person-{actor}") } else { BOT_UUID.to_owned() };
        let mail = if kind == "PERSON" { format!("{actor}@noc.example") } else { "nocbot@webex.bot".into() };
        let mut activity = json!({"id": uuid, "objectType": "activity", "verb": verb, "published": now(),
            "actor": {"id": id, "objectType": "person", "entryUUID": id, "type": kind,
                "emailAddress": mail, "displayName": actor},
            "object": {"objectType": "comment", "displayName": "eyJhbGciOiJkaXIi.encrypted.text"},
            "target": {"id": "conv1", "objectType": "conversation", "tags": tags,
                "url": format!("http://{}/conversation/api/v1/conversations/conv1", self.base)},
            "encryptionKeyUrl": "kms://kms.example/keys/1"});
        if let Some(parent) = parent {
            activity["parent"] = json!({"id": parent, "type": "reply"});
        }
        activity
    }
}

impl FakeWebex {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// Somebody writes; gives the message's public id.
    pub fn post(&self, text: &str, direct: bool) -> String {
        self.post_as("alice", text, direct, None)
    }

    /// Somebody writes, perhaps in a thread.
    pub fn post_as(&self, who: &str, text: &str, direct: bool, parent: Option<&str>) -> String {
        self.change(|state| {
            let uuid = state.uuid();
            let id = public("MESSAGE", &uuid);
            let mut message = json!({"id": id, "roomId": room(direct), "created": now(),
                "roomType": if direct { "direct" } else { "group" },
                "text": text, "personId": person(who), "personEmail": format!("{who}@noc.example")});
            if !direct {
                message["text"] = json!(format!("Night Watch {text}"));
                message["html"] = json!(format!(
                    "<p><spark-mention data-object-type=\"person\" data-object-id=\"{}\">Night Watch</spark-mention> {text}</p>",
                    bot()
                ));
                message["mentionedPeople"] = json!([bot()]);
            }
            if let Some(parent) = parent {
                message["parentId"] = json!(parent);
            }
            let root = parent.map(self::uuid);
            let activity = state.activity("post", &uuid, who, "PERSON", direct, root.as_deref());
            state.messages.push(message);
            state.event(&activity);
            id
        })
    }

    /// The same message once more, as other events of it.
    pub fn repeat(&self, id: &str) {
        let again = uuid(id);
        self.change(|state| {
            for verb in ["post", "update", "acknowledge"] {
                let activity = state.activity(verb, &again, "alice", "PERSON", true, None);
                state.event(&activity);
            }
            let activity = state.activity("post", "of-a-bot", "robot", "BOT", true, None);
            state.event(&activity);
        });
    }

    /// Presses a button of a card, with what was chosen or written in it.
    pub fn press(&self, message: &Value, title: &str, inputs: &Value) {
        let card = &message["attachments"][0]["content"];
        let action =
            card["actions"].as_array().unwrap().iter().find(|a| a["title"] == title).expect("no such button");
        let mut merged = action["data"].as_object().cloned().unwrap_or_default();
        merged.extend(inputs.as_object().unwrap().clone());
        self.change(|state| {
            let uuid = state.uuid();
            state.actions.insert(
                public("ATTACHMENT_ACTION", &uuid),
                json!({"id": public("ATTACHMENT_ACTION", &uuid), "type": "submit", "inputs": merged,
                    "messageId": message["id"], "personId": person("bob"), "roomId": message["roomId"]}),
            );
            let direct = message["roomId"] == room(true);
            let mut activity = state.activity("cardAction", &uuid, "bob", "PERSON", direct, None);
            activity["parent"] =
                json!({"id": self::uuid(message["id"].as_str().unwrap()), "type": "cardAction"});
            state.event(&activity);
        });
    }

    fn end(&self, out: impl Fn() -> Out) {
        self.change(|state| {
            for (_, link) in std::mem::take(&mut state.links).into_values() {
                let _ = link.send(out());
            }
        });
    }

    pub fn cut(&self) {
        self.end(|| Out::Cut);
    }

    pub fn close(&self, code: u16) {
        self.end(|| Out::Close(code));
    }

    pub fn half_open(&self) {
        self.end(|| Out::Mute);
    }

    pub fn raw(&self, frame: &str) {
        self.change(|state| {
            for (_, link) in state.links.values() {
                let _ = link.send(Out::Text(frame.into()));
            }
        });
    }

    /// As after a long absence: the registered devices are gone.
    pub fn forget_devices(&self) {
        self.change(|state| state.devices.clear());
        self.cut();
    }

    /// Mercury knows the devices no longer, and the registration still lists them.
    pub fn stale_devices(&self) {
        self.change(|state| state.stale = state.devices.keys().cloned().collect());
        self.cut();
    }

    /// Devices of others fill the account.
    pub fn fill(&self, name: &str, count: usize) {
        self.change(|state| {
            for _ in 0..count {
                let id = state.uuid();
                let device = state.device(&id, name);
                state.devices.insert(id, device);
            }
        });
    }

    /// The next event never comes, not even on the next link.
    pub fn lose_one(&self) {
        self.change(|state| state.lose = true);
    }

    pub fn deaf_to_own(&self) {
        self.change(|state| state.deaf_to_own = true);
    }

    /// The next messages can be fetched only at the second try.
    pub fn late(&self, times: usize) {
        self.change(|state| state.late = times);
    }

    pub fn authorization(&self, time: Duration) {
        self.change(|state| state.authorization = time);
    }

    pub fn token(&self, token: &str) {
        self.change(|state| state.token = token.into());
    }

    pub fn join(&self, room: &str, who: &str) {
        self.change(|state| state.members.insert((room.into(), person(who))));
    }

    pub fn plan(&self, call: &str, times: usize, fate: Fate) {
        self.change(|state| state.fates.plan(call, times, fate));
    }

    pub fn refuse(&self, times: usize, status: u16, wait: Option<u64>) {
        self.change(|state| state.refuse = Some((times, status, wait)));
    }

    pub fn links(&self) -> usize {
        self.change(|state| state.links.len())
    }

    pub fn opened(&self) -> Vec<Instant> {
        self.change(|state| state.opened.clone())
    }

    pub fn registered(&self) -> usize {
        self.change(|state| state.registered)
    }

    pub fn devices(&self, name: &str) -> usize {
        self.change(|state| state.devices.values().filter(|device| device["name"] == name).count())
    }

    pub fn unconfirmed(&self) -> usize {
        self.change(|state| state.pending.len())
    }

    /// The id of a device of this name.
    pub fn device(&self, name: &str) -> String {
        self.change(|state| {
            let mut devices = state.devices.iter().filter(|(_, device)| device["name"] == name);
            devices.next().unwrap().0.clone()
        })
    }

    pub fn faults(&self) -> Vec<String> {
        self.change(|state| state.fates.faults.clone())
    }

    /// The bot's own messages.
    pub fn posted(&self) -> Vec<Value> {
        self.change(|state| state.messages.iter().filter(|m| m["personId"] == bot()).cloned().collect())
    }

    pub fn thread(&self, id: &str) -> Vec<Value> {
        self.posted().into_iter().filter(|message| message["parentId"] == id).collect()
    }

    pub async fn until<T>(&self, what: &str, seconds: u64, look: impl Fn(&Self) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(
                Instant::now() < end,
                "no {what} within {seconds} s; posted: {:#?}; {:?}",
                self.posted(),
                self.faults()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn answer(&self, id: &str) -> Value {
        self.until("answer", 20, |it| it.thread(id).into_iter().next()).await
    }
}

impl Platform for FakeWebex {
    fn http(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        Box::pin(async move { self.call(&request) })
    }

    fn admit(&self, request: &Request) -> Result<(), u16> {
        let id = request.path.rsplit('/').next().unwrap();
        self.change(|state| {
            state.opened.push(Instant::now());
            if let Some((times, status, _)) = &mut state.refuse
                && *times > 0
            {
                *times -= 1;
                return Err(*status);
            }
            let known = state.devices.contains_key(id) && !state.stale.contains(id);
            if known { Ok(()) } else { Err(404) }
        })
    }

    fn retry_after(&self) -> Option<u64> {
        self.change(|state| state.refuse.and_then(|(_, _, wait)| wait))
    }

    fn socket(
        self: Arc<Self>,
        request: Request,
        socket: WebSocketStream<TcpStream>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(self.link(request, socket))
    }
}
