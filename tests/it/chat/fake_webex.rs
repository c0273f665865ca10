//! A stand-in for Webex: device registration, the Mercury link, and REST with its limits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::server::{Platform, Reply, Request, Server, serve};

pub const BOT: &str = "PERSON-BOT";

enum Out {
    Text(String),
    Cut,
    Close(u16),
}

#[derive(Default)]
struct State {
    base: String,
    next: u64,
    devices: Vec<String>,
    registered: usize,
    links: BTreeMap<u64, mpsc::UnboundedSender<Out>>,
    /// Events that were not confirmed: they come again on the next link.
    pending: BTreeMap<String, Value>,
    messages: BTreeMap<String, Value>,
    actions: BTreeMap<String, Value>,
    posted: Vec<Value>,
    failing: BTreeMap<String, (usize, u16)>,
    faults: Vec<String>,
    number: u64,
}

pub struct FakeWebex {
    state: Mutex<State>,
}

pub struct Running {
    pub webex: Arc<FakeWebex>,
    pub server: Server,
}

pub async fn start() -> Running {
    let webex = Arc::new(FakeWebex { state: Mutex::default() });
    let server = serve(Arc::clone(&webex)).await;
    webex.state.lock().unwrap().base = server.address.to_string();
    Running { webex, server }
}

fn public(kind: &str, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("ciscospark://us/{kind}/{id}"))
}

impl FakeWebex {
    fn event(state: &mut State, activity: &Value) {
        state.next += 1;
        state.number += 1;
        let id = format!("event-{}", state.next);
        let event = json!({"id": id, "sequenceNumber": state.number,
            "data": {"eventType": "conversation.activity", "activity": activity}});
        state.pending.insert(id, event.clone());
        if let Some(link) = state.links.values().next_back() {
            let _ = link.send(Out::Text(event.to_string()));
        }
    }

    fn activity(&self, verb: &str, uuid: &str, actor: &str) -> Value {
        let base = self.state.lock().unwrap().base.clone();
        json!({"id": uuid, "verb": verb, "actor": {"type": actor, "entryUUID": "u1", "emailAddress": "alice@noc.example"},
            "object": {"displayName": "eyJhbGciOi.encrypted"},
            "target": {"id": "conv1", "url": format!("http://{base}/conv/conversations/conv1")}})
    }

    /// Somebody writes; gives the message's public id.
    pub fn post(&self, text: &str, direct: bool) -> String {
        let uuid = {
            let mut state = self.state.lock().unwrap();
            state.next += 1;
            format!("uuid-{}", state.next)
        };
        let id = public("MESSAGE", &uuid);
        let room = if direct { "ROOM-D" } else { "ROOM-1" };
        let mut message = json!({"id": id, "roomId": room, "roomType": if direct { "direct" } else { "group" },
            "text": text, "personId": "PERSON-1", "personEmail": "alice@noc.example"});
        if !direct {
            message["text"] = json!(format!("Night Watch {text}"));
            message["html"] = json!(format!(
                "<p><spark-mention data-object-type=\"person\" data-object-id=\"{BOT}\">Night Watch</spark-mention> {text}</p>"
            ));
            message["mentionedPeople"] = json!([BOT]);
        }
        let activity = self.activity("post", &uuid, "PERSON");
        let mut state = self.state.lock().unwrap();
        state.messages.insert(id.clone(), message);
        Self::event(&mut state, &activity);
        id
    }

    /// The same event once more, under another id.
    pub fn repeat(&self) {
        let mut state = self.state.lock().unwrap();
        let last = state.messages.keys().last().cloned().unwrap();
        let uuid = String::from_utf8(URL_SAFE_NO_PAD.decode(last).unwrap()).unwrap();
        let uuid = uuid.rsplit('/').next().unwrap().to_owned();
        drop(state);
        for verb in ["post", "update", "acknowledge"] {
            let activity = self.activity(verb, &uuid, "PERSON");
            state = self.state.lock().unwrap();
            Self::event(&mut state, &activity);
            drop(state);
        }
        let activity = self.activity("post", "of-a-bot", "BOT");
        Self::event(&mut self.state.lock().unwrap(), &activity);
    }

    /// Presses a button of a card.
    pub fn press(&self, message: &Value, title: &str) {
        let card = &message["attachments"][0]["content"];
        let action =
            card["actions"].as_array().unwrap().iter().find(|a| a["title"] == title).expect("no such button");
        let uuid = {
            let mut state = self.state.lock().unwrap();
            state.next += 1;
            let uuid = format!("action-{}", state.next);
            state.actions.insert(
                public("ATTACHMENT_ACTION", &uuid),
                json!({"inputs": action["data"], "messageId": message["id"], "personId": "PERSON-2", "roomId": message["roomId"]}),
            );
            uuid
        };
        let activity = self.activity("cardAction", &uuid, "PERSON");
        Self::event(&mut self.state.lock().unwrap(), &activity);
    }

    pub fn cut(&self) {
        for link in self.state.lock().unwrap().links.values() {
            let _ = link.send(Out::Cut);
        }
    }

    pub fn close(&self, code: u16) {
        for link in self.state.lock().unwrap().links.values() {
            let _ = link.send(Out::Close(code));
        }
    }

    /// As after a long absence: the registered devices are gone.
    pub fn forget_devices(&self) {
        self.state.lock().unwrap().devices.clear();
        self.cut();
    }

    pub fn fail(&self, call: &str, times: usize, status: u16) {
        self.state.lock().unwrap().failing.insert(call.into(), (times, status));
    }

    pub fn links(&self) -> usize {
        self.state.lock().unwrap().links.len()
    }

    pub fn registered(&self) -> usize {
        self.state.lock().unwrap().registered
    }

    pub fn unconfirmed(&self) -> usize {
        self.state.lock().unwrap().pending.len()
    }

    pub fn faults(&self) -> Vec<String> {
        self.state.lock().unwrap().faults.clone()
    }

    pub fn posted(&self) -> Vec<Value> {
        self.state.lock().unwrap().posted.clone()
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

    fn call(&self, request: &Request) -> Reply {
        let no = |status: u16| Reply::json(status, &json!({"message": "refused", "trackingId": "T"}));
        if request.header("authorization") != "Bearer wx-token" {
            return no(401);
        }
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        let path = request.path.as_str();
        let call = format!("{} {path}", request.method);
        let mut cut_after = false;
        if let Some((times, status)) = state.failing.get_mut(&call)
            && *times > 0
        {
            *times -= 1;
            match *status {
                0 => cut_after = true,
                429 => return no(429).with("Retry-After", 1),
                status => return no(status),
            }
        }
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let body = request.json();
        let reply = match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["v1", "people", "me"]) => {
                Reply::json(200, &json!({"id": BOT, "displayName": "nocbot", "type": "bot"}))
            }
            ("GET", ["wdm", "devices"]) => {
                if state.devices.is_empty() {
                    return no(404);
                }
                let list: Vec<Value> = state.devices.iter().map(|id| Self::device(&state.base, id)).collect();
                Reply::json(200, &json!({"devices": list}))
            }
            ("POST", ["wdm", "devices"]) => {
                state.registered += 1;
                let id = format!("d{}", state.registered);
                state.devices.push(id.clone());
                Reply::json(200, &Self::device(&state.base, &id))
            }
            ("PUT", ["wdm", "devices", id]) if state.devices.iter().any(|known| known == id) => {
                Reply::json(200, &Self::device(&state.base, id))
            }
            ("GET", ["v1", "messages", id]) => match state.messages.get(*id) {
                Some(message) => Reply::json(200, message),
                None => return no(404),
            },
            ("GET", ["v1", "attachment", "actions", id]) => match state.actions.get(*id) {
                Some(action) => Reply::json(200, action),
                None => return no(404),
            },
            ("GET", ["v1", "messages"]) => {
                if request.query["roomId"] != "ROOM-D" && !request.query.contains_key("mentionedPeople") {
                    return no(403);
                }
                let parent = &request.query["parentId"];
                let found: Vec<&Value> = state.posted.iter().filter(|m| m["parentId"] == **parent).collect();
                Reply::json(200, &json!({"items": found}))
            }
            ("POST", ["v1", "messages"]) => {
                let mut message = if request.header("content-type").starts_with("multipart/") {
                    json!({"file": String::from_utf8_lossy(&request.body)})
                } else {
                    body
                };
                for key in ["text", "markdown"] {
                    if message[key].as_str().is_some_and(|text| text.len() > 7439) {
                        state.faults.push(format!("{key} is too long"));
                        return no(400);
                    }
                }
                // A reply cannot be replied to.
                let parent = message["parentId"].as_str().unwrap_or_default();
                if state.messages.get(parent).is_some_and(|m| m["parentId"].is_string()) {
                    state.faults.push("a reply to a reply".into());
                    return no(400);
                }
                state.next += 1;
                let id = public("MESSAGE", &format!("own-{}", state.next));
                message["id"] = json!(id);
                message["personId"] = json!(BOT);
                state.messages.insert(id, message.clone());
                state.posted.push(message.clone());
                Reply::json(200, &message)
            }
            ("PUT", ["v1", "messages", id]) => {
                let Some(message) = state.posted.iter_mut().find(|m| m["id"] == **id) else { return no(404) };
                if message["attachments"].is_array() {
                    return no(400);
                }
                message["markdown"] = body["markdown"].clone();
                Reply::json(200, message)
            }
            ("DELETE", ["v1", "messages", id]) => {
                state.posted.retain(|m| m["id"] != **id);
                Reply { status: 204, headers: Vec::new(), body: Vec::new() }
            }
            _ => return no(404),
        };
        if cut_after { Reply::cut() } else { reply }
    }

    fn device(base: &str, id: &str) -> Value {
        json!({"name": "nocbot", "url": format!("http://{base}/wdm/devices/{id}"), "webSocketUrl": format!("ws://{base}/mercury/{id}")})
    }
}

impl Platform for FakeWebex {
    fn http(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        Box::pin(async move { self.call(&request) })
    }

    fn admit(&self, request: &Request) -> Result<(), u16> {
        let id = request.path.rsplit('/').next().unwrap();
        if self.state.lock().unwrap().devices.iter().any(|known| known == id) { Ok(()) } else { Err(404) }
    }

    fn socket(self: Arc<Self>, _: Request, socket: WebSocketStream<TcpStream>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let (mut sink, mut stream) = socket.split();
            // Without an authorization within 30 s the link ends.
            let Ok(Some(Ok(Message::Text(first)))) =
                tokio::time::timeout(Duration::from_secs(30), stream.next()).await
            else {
                return;
            };
            let first: Value = serde_json::from_str(&first).unwrap();
            if first["type"] != "authorization" || first["data"]["token"] != "Bearer wx-token" {
                return;
            }
            let ready = json!({"id": "ready", "data": {"eventType": "mercury.buffer_state"}});
            let _ = sink.send(Message::text(ready.to_string())).await;
            let (sender, mut queue) = mpsc::unbounded_channel();
            let id = {
                let mut state = self.state.lock().unwrap();
                for event in state.pending.values() {
                    let _ = sender.send(Out::Text(event.to_string()));
                }
                state.next += 1;
                let id = state.next;
                state.links.insert(id, sender);
                id
            };
            loop {
                tokio::select! {
                    out = queue.recv() => match out {
                        Some(Out::Text(text)) => if sink.send(Message::text(text)).await.is_err() { break },
                        Some(Out::Close(code)) => {
                            let frame = CloseFrame { code: code.into(), reason: "".into() };
                            let _ = sink.send(Message::Close(Some(frame))).await;
                            break;
                        }
                        Some(Out::Cut) | None => break,
                    },
                    message = stream.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let value: Value = serde_json::from_str(&text).unwrap();
                            if value["type"] == "ping" {
                                let _ = sink.send(Message::text(json!({"id": value["id"], "type": "pong"}).to_string())).await;
                            } else if value["type"] == "ack" {
                                self.state.lock().unwrap().pending.remove(value["messageId"].as_str().unwrap());
                            }
                        }
                        Some(Ok(_)) => {}
                        _ => break,
                    },
                }
            }
            self.state.lock().unwrap().links.remove(&id);
        })
    }
}
