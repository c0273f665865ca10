//! A stand-in for Slack, as strict as its documentation: Socket Mode with single-use tickets that expire,
//! confirmation within 3 s on the link that something came over, redelivery of events and of nothing else;
//! and the Web API with its content types, scopes, limits and Block Kit. What breaks a rule is a fault.
//! `slack_clients.rs` proves it with the vendor's own clients.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::block_kit;
use super::server::{Platform, Reply, Request, Server, serve};

pub const BOT: &str = "UBOT";
const CONFIRM: Duration = Duration::from_secs(3);
/// How long a ticket is good.
const TICKET: Duration = Duration::from_secs(30);
/// Further deliveries of an event that nobody confirms in time.
const RETRIES: u32 = 3;
/// Links of one app.
const LINKS: usize = 10;

enum Out {
    Text(String),
    Binary(Vec<u8>),
    /// A close frame, as after a warning.
    Close,
    /// No goodbye: the TCP connection ends.
    Cut,
    /// It stays open, and nothing is read or written any more.
    Freeze,
}

struct Pending {
    kind: &'static str,
    payload: Value,
    envelope: String,
    sent: Option<(Instant, u64)>,
    /// Deliveries over links that lived.
    attempts: u32,
    /// All deliveries.
    times: u32,
    queued: Instant,
}

impl Pending {
    /// Slack delivers events again; a command or a press that is not confirmed fails before its user's eyes.
    fn is_event(&self) -> bool {
        self.kind == "events_api"
    }
}

#[derive(Default)]
struct Upload {
    name: String,
    length: usize,
    bytes: Vec<u8>,
    done: bool,
}

/// What the workspace refuses.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refuse {
    #[default]
    Nothing,
    Tables,
    Blocks,
    /// Every message, whatever its form.
    Messages,
}

#[derive(Default)]
struct State {
    base: String,
    next: u64,
    tickets: BTreeMap<String, Instant>,
    links: BTreeMap<u64, mpsc::UnboundedSender<Out>>,
    /// Which link the next delivery goes to.
    turn: usize,
    pending: Vec<Pending>,
    /// Envelopes that were delivered again under another id, or given up.
    old: BTreeSet<String>,
    confirmed: usize,
    lost: usize,
    /// Messages of people that begin a thread, and those within one.
    roots: BTreeSet<(String, String)>,
    replies: BTreeSet<(String, String)>,
    /// Posted messages, as they stand now.
    messages: Vec<Value>,
    /// By the key that a client may put on a message.
    keyed: BTreeMap<String, String>,
    ephemeral: Vec<Value>,
    files: Vec<Value>,
    uploads: BTreeMap<String, Upload>,
    reactions: BTreeSet<String>,
    /// Response address → messages sent to it.
    addresses: BTreeMap<String, usize>,
    edits: usize,
    calls: BTreeMap<String, usize>,
    /// Every body of a writing call, by its method.
    bodies: Vec<(String, Map<String, Value>)>,
    /// Method → how many calls fail with this status before the next is taken; 0 cuts after doing it, 200 is
    /// `ratelimited` without its status.
    failing: BTreeMap<String, (usize, u16)>,
    retry_after: String,
    /// Method → not before.
    closed: BTreeMap<String, Instant>,
    early: usize,
    faults: Vec<String>,
    refuse: Refuse,
    /// (channel, user): who has left.
    gone: BTreeSet<(String, String)>,
    disabled: bool,
    scopes: String,
    manifest: Value,
    /// The bot's and the app's.
    tokens: [String; 2],
    /// Calls to addresses of their own that carried the token: the vendor's client for Node does that.
    leaks: usize,
    bare_hello: bool,
    opened: usize,
    /// The longest time without a link, since the first.
    gap: Duration,
    down_since: Option<Instant>,
}

pub struct FakeSlack {
    state: Mutex<State>,
}

/// The server and what it knows.
pub struct Running {
    pub slack: Arc<FakeSlack>,
    pub server: Server,
}

pub async fn start() -> Running {
    let slack = Arc::new(FakeSlack { state: Mutex::default() });
    let server = serve(Arc::clone(&slack)).await;
    {
        let mut state = slack.state.lock().unwrap();
        state.base = server.address.to_string();
        state.retry_after = "2".into();
        state.tokens = ["xoxb-1".into(), "xapp-1".into()];
        state.scopes = "app_mentions:read,chat:write,im:history,im:read,im:write,commands,files:write,users:read,\
                        channels:read,groups:read,channels:history,groups:history,reactions:write,usergroups:read"
            .into();
    }
    let weak = Arc::downgrade(&slack);
    tokio::spawn(async move {
        while let Some(slack) = weak.upgrade() {
            slack.push();
            drop(slack);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    Running { slack, server }
}

impl State {
    fn ts(&mut self) -> String {
        self.next += 1;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        format!("{now}.{:06}", self.next % 1_000_000)
    }

    fn has(&self, scope: &str) -> bool {
        self.scopes.split(',').any(|granted| granted.trim() == scope)
    }

    fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }
}

impl FakeSlack {
    fn ts(&self) -> String {
        self.state.lock().unwrap().ts()
    }

    fn queue(&self, kind: &'static str, payload: Value) {
        self.state.lock().unwrap().pending.push(Pending {
            kind,
            payload,
            envelope: String::new(),
            sent: None,
            attempts: 0,
            times: 0,
            queued: Instant::now(),
        });
    }

    /// Sends what waits, and again what was not confirmed in time or whose link is gone.
    fn push(&self) {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        state.links.retain(|_, link| !link.is_closed());
        let (mut kept, mut again) = (Vec::new(), Vec::new());
        for mut pending in std::mem::take(&mut state.pending) {
            let Some((at, link)) = pending.sent else {
                if pending.is_event() || pending.queued.elapsed() < CONFIRM {
                    again.push(pending);
                } else {
                    state.lost += 1;
                }
                continue;
            };
            let gone = !state.links.contains_key(&link);
            let late = at.elapsed() > CONFIRM;
            if !gone && !late {
                kept.push(pending);
                continue;
            }
            state.old.insert(std::mem::take(&mut pending.envelope));
            pending.attempts += u32::from(late);
            if !pending.is_event() {
                state.lost += 1;
                if !gone {
                    state.faults.push(format!("a {} was not confirmed within 3 s", pending.kind));
                }
            } else if pending.attempts > RETRIES {
                state.faults.push(format!("an event was never confirmed: {}", pending.payload));
            } else {
                again.push(pending);
            }
        }
        let links: Vec<_> = state.links.iter().map(|(id, link)| (*id, link.clone())).collect();
        for mut pending in again {
            if links.is_empty() {
                pending.sent = None;
                kept.push(pending);
                continue;
            }
            // Any of the links, in no pattern to rely on.
            state.turn += 1;
            let (link, sender) = &links[state.turn % links.len()];
            state.next += 1;
            pending.envelope = format!("5f3c1a2e-0000-4000-8000-{:012x}", state.next);
            let mut frame = json!({"type": pending.kind, "envelope_id": pending.envelope,
                "accepts_response_payload": pending.kind == "slash_commands", "payload": pending.payload});
            if pending.is_event() {
                frame["retry_attempt"] = json!(pending.times);
                frame["retry_reason"] = json!(if pending.times > 0 { "timeout" } else { "" });
            }
            pending.times += 1;
            pending.sent = Some((Instant::now(), *link));
            let _ = sender.send(Out::Text(frame.to_string()));
            kept.push(pending);
        }
        state.pending = kept;
    }

    /// A confirmation that came over a link.
    fn confirm(&self, link: u64, text: &str) {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        let Ok(Value::Object(confirmation)) = serde_json::from_str::<Value>(text) else {
            return state.fault(format!("no confirmation: {text}"));
        };
        if confirmation.keys().any(|key| key != "envelope_id" && key != "payload") {
            state.fault(format!("unknown fields in {text}"));
        }
        let envelope = confirmation.get("envelope_id").and_then(Value::as_str).unwrap_or_default();
        let Some(at) = state.pending.iter().position(|pending| pending.envelope == envelope) else {
            let late = state.old.contains(envelope);
            return state.fault(if late {
                format!("{envelope} was confirmed too late")
            } else {
                format!("{envelope} was confirmed twice, or never sent")
            });
        };
        let (sent, over) = state.pending[at].sent.unwrap();
        if over != link {
            return state.fault("a confirmation came over another link than its envelope");
        }
        if sent.elapsed() > CONFIRM {
            return state.fault(format!("confirmed after {:?}", sent.elapsed()));
        }
        let pending = state.pending.remove(at);
        state.confirmed += 1;
        let answer = confirmation.get("payload").filter(|payload| **payload != json!({}));
        if let Some(answer) = answer {
            if pending.kind != "slash_commands" {
                return state.fault(format!("a payload that nobody accepts: {text}"));
            }
            let mut message = answer.clone();
            if let Some(blocks) = message.get("blocks")
                && let Err((code, why)) = block_kit::check(blocks)
            {
                state.fault(format!("{code}: {why}"));
            }
            message["confirmation"] = json!(true);
            state.ephemeral.push(message);
        }
    }

    pub fn event(&self, event: Value) {
        let mut state = self.state.lock().unwrap();
        let id = format!("Ev{:08}", state.next);
        state.next += 1;
        let text = |key: &str| event[key].as_str().map(str::to_owned);
        if let (Some(channel), Some(ts)) = (text("channel"), text("ts")) {
            if let Some(root) = text("thread_ts").filter(|root| *root != ts) {
                state.roots.insert((channel.clone(), root));
                state.replies.insert((channel, ts));
            } else {
                state.roots.insert((channel, ts));
            }
        }
        drop(state);
        let mut event = event;
        if event["event_ts"].is_null() && event["ts"].is_string() {
            event["event_ts"] = event["ts"].clone();
        }
        let payload = json!({"token": "x", "type": "event_callback", "team_id": "T1", "api_app_id": "A1",
            "event_id": id, "event_time": 1, "is_ext_shared_channel": false, "event_context": "4-x", "event": event,
            "authorizations": [{"enterprise_id": null, "team_id": "T1", "user_id": BOT, "is_bot": true,
                "is_enterprise_install": false}]});
        self.queue("events_api", payload);
    }

    /// Somebody mentions the bot; gives the message's ts.
    pub fn mention(&self, user: &str, channel: &str, text: &str) -> String {
        let ts = self.ts();
        let text = format!("<@{BOT}> {text}");
        self.event(json!({"type": "app_mention", "user": user, "text": text, "ts": ts, "channel": channel, "team": "T1"}));
        ts
    }

    pub fn direct(&self, user: &str, text: &str) -> String {
        let ts = self.ts();
        self.event(json!({"type": "message", "channel_type": "im", "user": user, "text": text, "ts": ts,
            "channel": "D1", "team": "T1"}));
        ts
    }

    fn address(&self) -> String {
        let mut state = self.state.lock().unwrap();
        let path = format!("/response/{}", state.ts());
        state.addresses.insert(path.clone(), 0);
        format!("http://{}{path}", state.base)
    }

    pub fn command(&self, user: &str, channel: &str, text: &str) {
        let (trigger, url) = (self.ts(), self.address());
        self.queue(
            "slash_commands",
            json!({"token": "x", "team_id": "T1", "team_domain": "noc", "command": "/nocbot", "text": text,
                "user_id": user, "user_name": user.to_lowercase(), "channel_id": channel, "channel_name": "noc",
                "api_app_id": "A1", "is_enterprise_install": "false", "trigger_id": trigger, "response_url": url}),
        );
    }

    /// Presses the button with this label on a message, or chooses it from its menu.
    pub fn press(&self, user: &str, message: &Value, label: &str) {
        let blocks = message["blocks"].as_array().unwrap();
        let actions = blocks.iter().find(|block| block["type"] == "actions").expect("no buttons");
        let elements = actions["elements"].as_array().unwrap();
        let mut action = if elements[0]["type"] == "static_select" {
            let options = elements[0]["options"].as_array().unwrap();
            let option = options.iter().find(|o| o["text"]["text"] == label).expect("no such choice");
            json!({"type": "static_select", "action_id": elements[0]["action_id"], "selected_option": option})
        } else {
            let button = elements.iter().find(|b| b["text"]["text"] == label).expect("no such button");
            json!({"type": "button", "action_id": button["action_id"], "value": button["value"], "text": button["text"]})
        };
        action["block_id"] = actions["block_id"].clone();
        action["action_ts"] = json!(self.ts());
        let ephemeral = message["user"].is_string();
        let mut container = json!({"type": "message", "message_ts": message["ts"], "channel_id": message["channel"],
            "is_ephemeral": ephemeral});
        if message["thread_ts"].is_string() {
            container["thread_ts"] = message["thread_ts"].clone();
        }
        let mut payload = json!({"type": "block_actions", "user": {"id": user, "username": user.to_lowercase(),
            "team_id": "T1"}, "api_app_id": "A1", "token": "x", "team": {"id": "T1", "domain": "noc"},
            "channel": {"id": message["channel"], "name": "noc"}, "container": container,
            "trigger_id": self.ts(), "response_url": self.address(), "state": {"values": {}}, "actions": [action]});
        if !ephemeral {
            payload["message"] = json!({"ts": message["ts"], "thread_ts": message["thread_ts"], "text": message["text"],
                "blocks": message["blocks"], "bot_id": "B1", "user": BOT});
        }
        self.queue("interactive", payload);
    }

    /// Sends a frame of any sort on the newest link; one with an envelope should be confirmed.
    pub fn frame(&self, text: &str) {
        let mut state = self.state.lock().unwrap();
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        if let Some(envelope) = frame["envelope_id"].as_str() {
            let over = state.links.keys().next_back().copied().unwrap_or(0);
            state.pending.push(Pending {
                kind: "of its own",
                payload: frame.clone(),
                envelope: envelope.into(),
                sent: Some((Instant::now(), over)),
                attempts: 0,
                times: 1,
                queued: Instant::now(),
            });
        }
        if let Some(link) = state.links.values().next_back() {
            let _ = link.send(Out::Text(text.to_owned()));
        }
    }

    pub fn binary(&self, bytes: &[u8]) {
        self.all(|| Out::Binary(bytes.to_owned()));
    }

    /// Asks every link of now to be replaced, and closes it after a while.
    pub fn refresh(self: &Arc<Self>, reason: &str, after: Duration) {
        let links: Vec<_> = self.state.lock().unwrap().links.values().cloned().collect();
        let frame = json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}});
        for link in &links {
            let _ = link.send(Out::Text(frame.to_string()));
        }
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            for link in links {
                let _ = link.send(Out::Close);
            }
        });
    }

    fn all(&self, out: impl Fn() -> Out) {
        for link in self.state.lock().unwrap().links.values() {
            let _ = link.send(out());
        }
    }

    pub fn cut(&self) {
        self.all(|| Out::Cut);
    }

    pub fn freeze(&self) {
        self.all(|| Out::Freeze);
    }

    /// Socket Mode is switched off in the app's settings, or on again.
    pub fn disable(&self, disabled: bool) {
        self.state.lock().unwrap().disabled = disabled;
    }

    pub fn fail(&self, method: &str, times: usize, status: u16) {
        self.state.lock().unwrap().failing.insert(method.into(), (times, status));
    }

    /// What `Retry-After` says from now on, in seconds.
    pub fn retry_after(&self, seconds: &str) {
        self.state.lock().unwrap().retry_after = seconds.into();
    }

    pub fn refuse(&self, refuse: Refuse) {
        self.state.lock().unwrap().refuse = refuse;
    }

    pub fn refuse_tables(&self) {
        self.refuse(Refuse::Tables);
    }

    pub fn leave(&self, channel: &str, user: &str) {
        self.state.lock().unwrap().gone.insert((channel.into(), user.into()));
    }

    pub fn scopes(&self, scopes: &str) {
        self.state.lock().unwrap().scopes = scopes.into();
    }

    pub fn without_scopes(&self, without: &[&str]) {
        let mut state = self.state.lock().unwrap();
        let kept: Vec<&str> =
            state.scopes.split(',').filter(|scope| !without.contains(&scope.trim())).collect();
        state.scopes = kept.join(",");
    }

    /// Other tokens are right from now on.
    pub fn rotate(&self, bot: &str, app: &str) {
        self.state.lock().unwrap().tokens = [bot.into(), app.into()];
    }

    /// The hello says nothing but its type.
    pub fn bare_hello(&self) {
        self.state.lock().unwrap().bare_hello = true;
    }

    pub fn leaks(&self) -> usize {
        self.state.lock().unwrap().leaks
    }

    pub fn manifest(&self, manifest: Value) {
        self.state.lock().unwrap().manifest = manifest;
    }

    pub fn messages(&self) -> Vec<Value> {
        self.state.lock().unwrap().messages.clone()
    }

    pub fn ephemeral(&self) -> Vec<Value> {
        self.state.lock().unwrap().ephemeral.clone()
    }

    pub fn files(&self) -> Vec<Value> {
        self.state.lock().unwrap().files.clone()
    }

    pub fn edits(&self) -> usize {
        self.state.lock().unwrap().edits
    }

    /// The bodies of all writing calls, by method; those to response addresses as `response_url`.
    pub fn bodies(&self) -> Vec<(String, Map<String, Value>)> {
        self.state.lock().unwrap().bodies.clone()
    }

    /// How often a method was called.
    pub fn calls(&self, method: &str) -> usize {
        self.state.lock().unwrap().calls.get(method).copied().unwrap_or(0)
    }

    pub fn links(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.links.retain(|_, link| !link.is_closed());
        state.links.len()
    }

    pub fn opened(&self) -> usize {
        self.state.lock().unwrap().opened
    }

    pub fn gap(&self) -> Duration {
        self.state.lock().unwrap().gap
    }

    /// Whatever broke a rule.
    pub fn faults(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let mut faults = state.faults.clone();
        if state.early > 0 {
            faults.push(format!("{} calls came before Retry-After was over", state.early));
        }
        faults
    }

    /// Envelopes that were confirmed as they should be.
    pub fn confirmed(&self) -> usize {
        self.state.lock().unwrap().confirmed
    }

    /// Unconfirmed deliveries.
    pub fn unconfirmed(&self) -> usize {
        self.state.lock().unwrap().pending.len()
    }

    /// Commands and presses that ended with an error before their user's eyes.
    pub fn lost(&self) -> usize {
        self.state.lock().unwrap().lost
    }

    /// The messages in a thread.
    pub fn thread(&self, ts: &str) -> Vec<Value> {
        self.messages().into_iter().filter(|message| message["thread_ts"] == ts).collect()
    }

    pub async fn until<T>(&self, what: &str, seconds: u64, look: impl Fn(&Self) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(
                Instant::now() < end,
                "no {what} within {seconds} s; messages: {:#?}; faults: {:?}",
                self.messages(),
                self.faults()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The one answer in a thread.
    pub async fn answer(&self, ts: &str) -> Value {
        self.until("answer", 20, |slack| slack.thread(ts).into_iter().next()).await
    }

    fn call(&self, method: &str, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        *state.calls.entry(method.to_owned()).or_default() += 1;
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let token = request.header("authorization");
        let wanted = match method {
            "apps.connections.open" => &format!("Bearer {}", state.tokens[1]),
            "apps.manifest.export" => "Bearer xoxe-1",
            _ => &format!("Bearer {}", state.tokens[0]),
        };
        if token != wanted {
            return no(match token {
                "" => "not_authed",
                "Bearer xoxb-1" | "Bearer xapp-1" => "not_allowed_token_type",
                _ => "invalid_auth",
            });
        }
        let now = Instant::now();
        if let Some(until) = state.closed.get(method).copied() {
            if now < until {
                state.early += 1;
                let rest = (until - now).as_secs() + 1;
                return Reply::json(429, &json!({"ok": false, "error": "ratelimited"}))
                    .with("Retry-After", rest);
            }
            state.closed.remove(method);
        }
        let mut cut_after = false;
        let retry_after = state.retry_after.clone();
        if let Some((times, status)) = state.failing.get_mut(method)
            && *times > 0
        {
            *times -= 1;
            match *status {
                0 => cut_after = true,
                status @ (200 | 429) => {
                    let wait = Duration::from_secs_f64(retry_after.parse().unwrap());
                    state.closed.insert(method.into(), now + wait);
                    return Reply::json(status, &json!({"ok": false, "error": "ratelimited"}))
                        .with("Retry-After", retry_after);
                }
                status => return Reply { status, headers: Vec::new(), body: b"oops".to_vec() },
            }
        }
        let reply = match arguments(method, request) {
            Ok(arguments) => {
                if is_writing(method) {
                    state.bodies.push((method.to_owned(), arguments.clone()));
                }
                Self::carry_out(&mut state, method, &arguments)
            }
            Err(why) => {
                state.fault(format!("{method}: {why}"));
                no("invalid_form_data")
            }
        };
        if cut_after { Reply::cut() } else { reply.with("x-oauth-scopes", &state.scopes) }
    }

    fn carry_out(state: &mut State, method: &str, arguments: &Map<String, Value>) -> Reply {
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let yes = |mut body: Value| {
            body["ok"] = json!(true);
            Reply::json(200, &body)
        };
        let arg = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let channel = if method.starts_with("files.") { arg("channel_id") } else { arg("channel") };
        let Some((scope, known)) = method_of(method) else {
            state.fault(format!("no such method: {method}"));
            return no("unknown_method");
        };
        let own = ["token", "team_id"];
        if let Some(key) =
            arguments.keys().find(|key| !known.contains(&key.as_str()) && !own.contains(&key.as_str()))
        {
            state.fault(format!("{method} has no argument {key}"));
        }
        let scope = match (scope, channel.chars().next()) {
            ("history", Some('D')) => "im:history",
            ("history", _) => "channels:history",
            (scope, _) => scope,
        };
        if !scope.is_empty() && !state.has(scope) {
            return Reply::json(
                200,
                &json!({"ok": false, "error": "missing_scope", "needed": scope, "provided": state.scopes}),
            );
        }
        match method {
            "auth.test" => {
                yes(json!({"url": "https://noc.example/", "user_id": BOT, "user": "nocbot", "bot_id": "B1",
                "team_id": "T1", "team": "NOC", "is_enterprise_install": false}))
            }
            "apps.connections.open" => {
                state.next += 1;
                let ticket = format!("ticket-{}", state.next);
                let url = format!("ws://{}/link/?ticket={ticket}&app_id=A1", state.base);
                state.tickets.insert(ticket, Instant::now());
                yes(json!({"url": url}))
            }
            "apps.manifest.export" => yes(json!({"manifest": state.manifest})),
            "users.info" => {
                let id = arg("user");
                yes(
                    json!({"user": {"id": id, "name": id.to_lowercase(), "real_name": format!("name of {id}"),
                    "profile": {"display_name": ""}, "team_id": "T1", "is_restricted": id == "UGUEST"}}),
                )
            }
            "usergroups.users.list" => yes(json!({"users": ["U1"]})),
            "chat.postMessage" | "chat.postEphemeral" | "chat.update" => {
                Self::message(state, method, arguments)
            }
            "chat.delete" => {
                let ts = arg("ts");
                let before = state.messages.len();
                state.messages.retain(|message| message["ts"] != ts.as_str());
                if before == state.messages.len() { no("message_not_found") } else { yes(json!({"ts": ts})) }
            }
            "conversations.replies" | "conversations.history" => Self::look(state, method, arguments),
            "reactions.add" => {
                let at = (channel, arg("timestamp"));
                if arg("name").is_empty() || arg("name").contains(':') {
                    state.fault("a reaction's name goes without colons");
                    return no("invalid_name");
                }
                if !state.roots.contains(&at) && !state.replies.contains(&at) {
                    return no("message_not_found");
                }
                let new = state.reactions.insert(format!("{at:?}{}", arg("name")));
                if new { yes(json!({})) } else { no("already_reacted") }
            }
            "files.getUploadURLExternal" => {
                let length = arg("length").parse().unwrap_or(0);
                if length == 0 || arg("filename").is_empty() {
                    state.fault("an upload without name or length");
                    return no("invalid_arguments");
                }
                state.next += 1;
                let id = format!("F{}", state.next);
                let url = format!("http://{}/upload/{id}", state.base);
                let upload = Upload { name: arg("filename"), length, ..Upload::default() };
                state.uploads.insert(id.clone(), upload);
                yes(json!({"upload_url": url, "file_id": id}))
            }
            "files.completeUploadExternal" => Self::complete(state, arguments),
            _ => unreachable!(),
        }
    }

    /// Whether something may stand in this thread of this channel.
    fn thread_of(
        state: &mut State,
        arguments: &Map<String, Value>,
        channel: &str,
    ) -> Result<(), &'static str> {
        let Some(thread) = arguments.get("thread_ts").and_then(Value::as_str) else { return Ok(()) };
        let at = (channel.to_owned(), thread.to_owned());
        if state.replies.contains(&at)
            || state.messages.iter().any(|m| m["ts"] == thread && m["thread_ts"].is_string())
        {
            state.fault("thread_ts is a reply's, not its parent's");
            return Err("thread_not_found");
        }
        let own = state.messages.iter().any(|message| message["ts"] == thread);
        if own || state.roots.contains(&at) { Ok(()) } else { Err("thread_not_found") }
    }

    fn message(state: &mut State, method: &str, arguments: &Map<String, Value>) -> Reply {
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let arg = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
        let (text, channel) = (arg("text"), arg("channel"));
        let empty = json!([]);
        let blocks = arguments.get("blocks").filter(|blocks| !blocks.is_null()).unwrap_or(&empty);
        let update = method == "chat.update";
        let refused = |code: &str, why: &str| {
            Reply::json(
                200,
                &json!({"ok": false, "error": code, "errors": [why],
                "response_metadata": {"messages": [format!("[ERROR] {why}")]}}),
            )
        };
        if let Err((code, why)) = block_kit::check(blocks) {
            state.fault(format!("{method}: {code}: {why}: {blocks}"));
            return refused(code, &why);
        }
        let has_blocks = *blocks != empty;
        if text.is_empty() {
            state.fault(format!("{method} without a text for notifications"));
            if !has_blocks {
                return no("no_text");
            }
        }
        if block_kit::length(text) > 40_000 {
            state.fault("a text that would be cut");
        }
        if update && block_kit::length(text) > 4000 {
            state.fault("an edit with more than 4,000 characters");
            return no("msg_too_long");
        }
        match state.refuse {
            Refuse::Tables if blocks.to_string().contains("\"type\":\"table\"") => {
                return refused("invalid_blocks", "unsupported type: table [json-pointer:/blocks/1]");
            }
            Refuse::Blocks if has_blocks => return refused("invalid_blocks", "no blocks here"),
            Refuse::Messages => return no("msg_too_long"),
            _ => {}
        }
        if channel.starts_with("CNOT") {
            return no("not_in_channel");
        }
        if update {
            state.edits += 1;
            let found = state.messages.iter_mut().find(|m| m["ts"] == arg("ts") && m["channel"] == channel);
            let Some(found) = found else { return no("message_not_found") };
            let ids = |blocks: &Value| -> BTreeSet<String> {
                let blocks = blocks.as_array().into_iter().flatten();
                blocks.filter_map(|block| block["block_id"].as_str().map(str::to_owned)).collect()
            };
            if !ids(&found["blocks"]).is_disjoint(&ids(blocks)) {
                state.faults.push("an edit with a block_id that stood there before".into());
            }
            found["text"] = json!(text);
            if arguments.contains_key("blocks") {
                found["blocks"] = blocks.clone();
            }
            return Reply::json(200, &json!({"ok": true, "channel": channel, "ts": arg("ts"), "text": text}));
        }
        if let Err(code) = Self::thread_of(state, arguments, channel) {
            state.fault(format!("{method}: {code}: {}", arg("thread_ts")));
            return no(code);
        }
        let ts = state.ts();
        let mut message = Value::Object(arguments.clone());
        message["ts"] = json!(ts);
        if method == "chat.postEphemeral" {
            let user = arg("user").to_owned();
            if user.is_empty() || state.gone.contains(&(channel.to_owned(), user)) {
                return no("user_not_in_channel");
            }
            state.ephemeral.push(message);
            return Reply::json(200, &json!({"ok": true, "message_ts": ts}));
        }
        let key = arg("client_msg_id").to_owned();
        if let Some(ts) = state.keyed.get(&key) {
            return Reply::json(200, &json!({"ok": true, "ts": ts, "channel": channel}));
        }
        if !key.is_empty() {
            state.keyed.insert(key, ts.clone());
        }
        state.messages.push(message.clone());
        Reply::json(200, &json!({"ok": true, "ts": ts, "channel": channel, "message": message}))
    }

    /// A page of what stands in a channel or a thread.
    fn look(state: &mut State, method: &str, arguments: &Map<String, Value>) -> Reply {
        let arg = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
        let (channel, thread) = (arg("channel"), arg("ts"));
        let at = (channel.to_owned(), thread.to_owned());
        let replies = method == "conversations.replies";
        if replies && !state.roots.contains(&at) && !state.messages.iter().any(|m| m["ts"] == thread) {
            return Reply::json(200, &json!({"ok": false, "error": "thread_not_found"}));
        }
        let mut found: Vec<Value> = state.messages.iter().chain(&state.files).cloned().collect();
        found.retain(|message| {
            message["channel"] == channel && message["ts"].as_str().unwrap() > arg("oldest")
        });
        if replies {
            found.retain(|message| message["thread_ts"] == thread);
        } else {
            found.retain(|message| message["thread_ts"].is_null());
        }
        found.sort_by_key(|message| message["ts"].as_str().unwrap().to_owned());
        if replies {
            found.insert(0, json!({"ts": thread, "text": "the question"}));
        } else {
            found.reverse();
        }
        if arg("include_all_metadata") != "true" {
            for message in &mut found {
                message.as_object_mut().unwrap().remove("metadata");
            }
        }
        let limit: usize = arg("limit").parse().unwrap_or(100).min(200);
        let from: usize = arg("cursor").parse().unwrap_or(0);
        let next = if from + limit < found.len() { (from + limit).to_string() } else { String::new() };
        let page: Vec<Value> = found.into_iter().skip(from).take(limit).collect();
        let more = !next.is_empty();
        Reply::json(
            200,
            &json!({"ok": true, "messages": page, "has_more": more, "response_metadata": {"next_cursor": next}}),
        )
    }

    fn complete(state: &mut State, arguments: &Map<String, Value>) -> Reply {
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let arg = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
        let channel = arg("channel_id");
        let channel = if channel.is_empty() { arg("channels") } else { channel };
        if channel.starts_with("CNOT") {
            return no("channel_not_found");
        }
        if let Err(code) = Self::thread_of(state, arguments, channel) {
            state.fault(format!("a file: {code}"));
            return no(code);
        }
        let empty = Vec::new();
        let mut done = Vec::new();
        for file in arguments.get("files").and_then(Value::as_array).unwrap_or(&empty) {
            let id = file["id"].as_str().unwrap_or_default();
            let ts = state.ts();
            let Some(upload) = state.uploads.get_mut(id) else { return no("file_not_found") };
            if upload.bytes.len() != upload.length {
                let why = format!("{} bytes uploaded, {} announced", upload.bytes.len(), upload.length);
                state.fault(why);
                return no("file_upload_size_restricted");
            }
            if upload.done {
                state.fault("an upload was completed twice");
                return no("file_already_completed");
            }
            upload.done = true;
            let text = String::from_utf8(upload.bytes.clone()).unwrap();
            let title = if file["title"].is_string() { file["title"].clone() } else { json!(upload.name) };
            let own = json!({"id": id, "name": upload.name, "title": title});
            done.push(own.clone());
            let name = upload.name.clone();
            state.files.push(json!({"name": name, "text": text, "channel": channel, "ts": ts,
                "thread_ts": arguments.get("thread_ts"), "comment": arguments.get("initial_comment"), "files": [own]}));
        }
        Reply::json(200, &json!({"ok": !done.is_empty(), "files": done}))
    }

    fn respond(&self, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        if !request.header("authorization").is_empty() {
            state.fault("the token was sent to a response address");
        }
        let mut message = request.json();
        if let Some(body) = message.as_object() {
            state.bodies.push(("response_url".into(), body.clone()));
        }
        let no = |error: &str| Reply::json(404, &json!({"ok": false, "error": error}));
        let Some(uses) = state.addresses.get_mut(&request.path) else { return no("expired_url") };
        *uses += 1;
        if *uses > 5 {
            return no("used_url");
        }
        if let Some(blocks) = message.get("blocks")
            && let Err((code, why)) = block_kit::check(blocks)
        {
            state.fault(format!("a response: {code}: {why}"));
            return Reply::json(200, &json!({"ok": false, "error": code}));
        }
        message["response_url"] = json!(request.path);
        state.ephemeral.push(message);
        Reply { status: 200, headers: Vec::new(), body: b"ok".to_vec() }
    }

    fn take_upload(&self, id: &str, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        if !request.header("authorization").is_empty() {
            state.leaks += 1;
        }
        let kind = request.header("content-type");
        let bytes = match kind.split_once("boundary=") {
            Some((_, boundary)) => only_part(&request.body, boundary),
            None => request.body.clone(),
        };
        let Some(upload) = state.uploads.get_mut(id) else { return Reply::json(404, &json!({})) };
        let length = bytes.len();
        upload.bytes = bytes;
        Reply { status: 200, headers: Vec::new(), body: format!("OK - {length}").into_bytes() }
    }
}

/// The bytes of a body of one part (RFC 7578).
fn only_part(body: &[u8], boundary: &str) -> Vec<u8> {
    let find = |what: &[u8], from: usize| {
        body[from..].windows(what.len()).position(|window| window == what).map(|at| at + from)
    };
    let begin = find(b"\r\n\r\n", 0).unwrap() + 4;
    let end = find(format!("\r\n--{}", boundary.trim_matches('"')).as_bytes(), begin).unwrap();
    body[begin..end].to_vec()
}

fn is_writing(method: &str) -> bool {
    method.starts_with("chat.") || ["files.completeUploadExternal", "reactions.add"].contains(&method)
}

/// Reading methods take no JSON; writing ones take both.
fn arguments(method: &str, request: &Request) -> Result<Map<String, Value>, String> {
    if request.method != "POST" && request.method != "GET" {
        return Err(format!("by {}", request.method));
    }
    let writes = is_writing(method);
    let kind = request.header("content-type").to_ascii_lowercase();
    let mut out = Map::new();
    let mut fields = request.query.clone();
    // The vendor's client for Python names JSON even where it sends nothing.
    if kind.starts_with("application/json") && !request.body.is_empty() {
        if !writes {
            return Err("it takes no JSON".into());
        }
        if !kind.replace(' ', "").ends_with("charset=utf-8") {
            return Err("JSON without its charset".into());
        }
        match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => out = body,
            _ => return Err("its JSON cannot be read".into()),
        }
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        fields.extend(request.form());
    } else if !request.body.is_empty() {
        return Err(format!("the content type {kind}"));
    }
    for (key, value) in fields {
        let nested = ["blocks", "attachments", "metadata", "files"].contains(&key.as_str());
        let value = if nested {
            serde_json::from_str(&value).map_err(|_| format!("{key} is no JSON"))?
        } else {
            json!(value)
        };
        out.insert(key, value);
    }
    Ok(out)
}

/// The scope that a method needs, and its arguments.
fn method_of(method: &str) -> Option<(&'static str, &'static [&'static str])> {
    Some(match method {
        "auth.test" | "apps.connections.open" => ("", &[]),
        "apps.manifest.export" => ("", &["app_id"]),
        "users.info" => ("users:read", &["user", "include_locale"]),
        "usergroups.users.list" => ("usergroups:read", &["usergroup", "include_disabled"]),
        "chat.postMessage" => (
            "chat:write",
            &[
                "channel",
                "text",
                "blocks",
                "attachments",
                "thread_ts",
                "reply_broadcast",
                "unfurl_links",
                "unfurl_media",
                "mrkdwn",
                "metadata",
                "parse",
                "link_names",
                "client_msg_id",
            ],
        ),
        "chat.postEphemeral" => (
            "chat:write",
            &["channel", "user", "text", "blocks", "attachments", "thread_ts", "parse", "link_names"],
        ),
        "chat.update" => (
            "chat:write",
            &[
                "channel",
                "ts",
                "text",
                "blocks",
                "attachments",
                "metadata",
                "parse",
                "link_names",
                "reply_broadcast",
            ],
        ),
        "chat.delete" => ("chat:write", &["channel", "ts"]),
        "conversations.replies" => (
            "history",
            &["channel", "ts", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
        ),
        "conversations.history" => (
            "history",
            &["channel", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
        ),
        "reactions.add" => ("reactions:write", &["channel", "timestamp", "name"]),
        "files.getUploadURLExternal" => ("files:write", &["filename", "length", "alt_txt", "snippet_type"]),
        "files.completeUploadExternal" => {
            ("files:write", &["files", "channel_id", "channels", "thread_ts", "initial_comment", "blocks"])
        }
        _ => return None,
    })
}

impl Platform for FakeSlack {
    fn http(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        Box::pin(async move {
            if let Some(method) = request.path.strip_prefix("/api/") {
                return self.call(method, &request);
            }
            if let Some(id) = request.path.strip_prefix("/upload/") {
                return self.take_upload(id, &request);
            }
            if request.path.starts_with("/response/") {
                return self.respond(&request);
            }
            Reply::json(404, &json!({}))
        })
    }

    fn admit(&self, request: &Request) -> Result<(), u16> {
        let ticket = request.query.get("ticket").cloned().unwrap_or_default();
        // Each ticket is good for one connection, soon.
        let mut state = self.state.lock().unwrap();
        match state.tickets.remove(&ticket) {
            Some(since) if since.elapsed() < TICKET => Ok(()),
            _ => {
                state.fault("a link with a ticket that was used or is too old");
                Err(403)
            }
        }
    }

    fn socket(self: Arc<Self>, _: Request, socket: WebSocketStream<TcpStream>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let (sender, mut queue) = mpsc::unbounded_channel();
            let (mut sink, mut stream) = socket.split();
            let links = self.links() + 1;
            let (disabled, bare) = {
                let state = self.state.lock().unwrap();
                (state.disabled, state.bare_hello)
            };
            let unwanted = if disabled {
                Some("link_disabled")
            } else {
                (links > LINKS).then_some("too_many_websockets")
            };
            if let Some(reason) = unwanted {
                let frame =
                    json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}});
                let _ = sink.send(Message::text(frame.to_string())).await;
                let _ = sink.close().await;
                return;
            }
            let hello = if bare {
                json!({"type": "hello"})
            } else {
                json!({"type": "hello", "num_connections": links, "connection_info": {"app_id": "A1"},
                    "debug_info": {"host": "applink-1", "build_number": 10, "approximate_connection_time": 18060}})
            };
            if sink.send(Message::text(hello.to_string())).await.is_err() {
                return;
            }
            let id = {
                let mut state = self.state.lock().unwrap();
                state.opened += 1;
                let id = u64::try_from(state.opened).unwrap();
                if let Some(since) = state.down_since.take() {
                    state.gap = state.gap.max(since.elapsed());
                }
                state.links.insert(id, sender);
                id
            };
            let mut pings = tokio::time::interval(Duration::from_secs(5));
            loop {
                tokio::select! {
                    _ = pings.tick() => {
                        if sink.send(Message::Ping(b"Ping from applink-1".as_slice().into())).await.is_err() {
                            break;
                        }
                    }
                    out = queue.recv() => match out {
                        Some(Out::Text(text)) => {
                            if sink.send(Message::text(text)).await.is_err() {
                                break;
                            }
                        }
                        Some(Out::Binary(bytes)) => {
                            let _ = sink.send(Message::binary(bytes)).await;
                        }
                        Some(Out::Close) => {
                            let _ = sink.close().await;
                            break;
                        }
                        Some(Out::Freeze) => {
                            self.state.lock().unwrap().links.remove(&id);
                            tokio::time::sleep(Duration::from_mins(2)).await;
                        }
                        Some(Out::Cut) | None => break,
                    },
                    message = stream.next() => match message {
                        Some(Ok(Message::Text(text))) => self.confirm(id, &text),
                        Some(Ok(Message::Binary(_))) => {
                            self.state.lock().unwrap().fault("a binary frame from the client");
                        }
                        Some(Ok(_)) => {}
                        _ => break,
                    },
                }
            }
            let mut state = self.state.lock().unwrap();
            state.links.remove(&id);
            if state.links.is_empty() && state.down_since.is_none() {
                state.down_since = Some(Instant::now());
            }
        })
    }
}
