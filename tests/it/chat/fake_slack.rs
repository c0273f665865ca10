//! A stand-in for Slack: Socket Mode with single-use tickets, confirmation within 3 s and redelivery, and
//! the Web API with its limits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::server::{Platform, Reply, Request, Server, serve};

pub const BOT: &str = "UBOT";
const CONFIRM: Duration = Duration::from_secs(3);

enum Out {
    Text(String),
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
    attempts: u32,
}

#[derive(Default)]
struct State {
    base: String,
    next: u64,
    tickets: BTreeSet<String>,
    links: BTreeMap<u64, mpsc::UnboundedSender<Out>>,
    pending: Vec<Pending>,
    /// Posted messages, as they stand now.
    messages: Vec<Value>,
    ephemeral: Vec<Value>,
    files: Vec<Value>,
    uploads: BTreeMap<String, (String, usize, Vec<u8>)>,
    reactions: Vec<Value>,
    edits: usize,
    /// Method → how many calls fail with this status before the next is taken; 0 cuts after doing it.
    failing: BTreeMap<String, (usize, u16)>,
    /// Method → not before.
    closed: BTreeMap<String, Instant>,
    early: usize,
    faults: Vec<String>,
    refuse_tables: bool,
    scopes: String,
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
        state.next = 1_700_000_000;
        state.scopes =
            "app_mentions:read,chat:write,im:history,im:read,im:write,commands,files:write,users:read,\
                        channels:read,groups:read,reactions:write,usergroups:read"
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

impl FakeSlack {
    fn ts(&self) -> String {
        let mut state = self.state.lock().unwrap();
        state.next += 1;
        format!("{}.000100", state.next)
    }

    fn queue(&self, kind: &'static str, payload: Value) {
        self.state.lock().unwrap().pending.push(Pending {
            kind,
            payload,
            envelope: String::new(),
            sent: None,
            attempts: 0,
        });
    }

    /// Sends what waits, and again what was not confirmed in time or whose link is gone.
    fn push(&self) {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        state.links.retain(|_, link| !link.is_closed());
        let Some((link, sender)) = state.links.iter().next_back().map(|(id, link)| (*id, link.clone()))
        else {
            return;
        };
        state.pending.retain(|pending| pending.attempts < 5);
        for pending in &mut state.pending {
            let due = pending
                .sent
                .is_none_or(|(at, over)| at.elapsed() > CONFIRM || !state.links.contains_key(&over));
            if !due {
                continue;
            }
            pending.envelope = format!("env-{}-{}", link, state.next);
            state.next += 1;
            let mut frame = json!({"type": pending.kind, "envelope_id": pending.envelope,
                "accepts_response_payload": pending.kind != "events_api", "payload": pending.payload});
            if pending.attempts > 0 {
                frame["retry_attempt"] = json!(pending.attempts);
                frame["retry_reason"] = json!("timeout");
            }
            pending.attempts += 1;
            pending.sent = Some((Instant::now(), link));
            let _ = sender.send(Out::Text(frame.to_string()));
        }
    }

    pub fn event(&self, event: Value) {
        let id = self.ts();
        self.queue(
            "events_api",
            json!({"type": "event_callback", "team_id": "T1", "event_id": format!("Ev{id}"), "event": event}),
        );
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
        self.event(json!({"type": "message", "channel_type": "im", "user": user, "text": text, "ts": ts, "channel": "D1"}));
        ts
    }

    pub fn command(&self, user: &str, channel: &str, text: &str) {
        let trigger = self.ts();
        let url = format!("http://{}/response/{trigger}", self.state.lock().unwrap().base);
        self.queue(
            "slash_commands",
            json!({"command": "/nocbot", "text": text, "user_id": user, "channel_id": channel,
                "trigger_id": trigger, "response_url": url}),
        );
    }

    /// Presses the button with this label on a message.
    pub fn press(&self, user: &str, message: &Value, label: &str) {
        let blocks = message["blocks"].as_array().unwrap();
        let actions = blocks.iter().find(|block| block["type"] == "actions").expect("no buttons");
        let elements = actions["elements"].as_array().unwrap();
        let button = elements.iter().find(|b| b["text"]["text"] == label).expect("no such button");
        let action = json!({"type": "button", "action_id": button["action_id"], "value": button["value"],
            "block_id": actions["block_id"], "action_ts": self.ts()});
        self.queue(
            "interactive",
            json!({"type": "block_actions", "user": {"id": user}, "channel": {"id": message["channel"]},
                "container": {"message_ts": message["ts"]}, "message": {"ts": message["ts"],
                "thread_ts": message["thread_ts"]}, "trigger_id": "t", "actions": [action]}),
        );
    }

    /// Sends a frame of any sort on the newest link.
    pub fn frame(&self, text: &str) {
        let state = self.state.lock().unwrap();
        if let Some(link) = state.links.values().next_back() {
            let _ = link.send(Out::Text(text.to_owned()));
        }
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

    pub fn fail(&self, method: &str, times: usize, status: u16) {
        self.state.lock().unwrap().failing.insert(method.into(), (times, status));
    }

    pub fn refuse_tables(&self) {
        self.state.lock().unwrap().refuse_tables = true;
    }

    pub fn scopes(&self, scopes: &str) {
        self.state.lock().unwrap().scopes = scopes.into();
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

    /// Unconfirmed events.
    pub fn unconfirmed(&self) -> usize {
        self.state.lock().unwrap().pending.len()
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
        let token = request.header("authorization").to_owned();
        let wanted = if method == "apps.connections.open" { "Bearer xapp-1" } else { "Bearer xoxb-1" };
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        if token != wanted {
            return no("invalid_auth");
        }
        let mut state = self.state.lock().unwrap();
        let now = Instant::now();
        if let Some(until) = state.closed.get(method).copied() {
            if now < until {
                state.early += 1;
            }
            state.closed.remove(method);
        }
        let mut cut_after = false;
        if let Some((times, status)) = state.failing.get_mut(method)
            && *times > 0
        {
            *times -= 1;
            match *status {
                0 => cut_after = true,
                429 => {
                    state.closed.insert(method.into(), now + Duration::from_secs(2));
                    return Reply::json(429, &json!({"ok": false, "error": "ratelimited"}))
                        .with("Retry-After", 2);
                }
                status => return Reply { status, headers: Vec::new(), body: b"oops".to_vec() },
            }
        }
        let reads = [
            "auth.test",
            "apps.connections.open",
            "users.info",
            "conversations.replies",
            "files.getUploadURLExternal",
            "usergroups.users.list",
        ];
        let kind = request.header("content-type");
        let right = if reads.contains(&method) {
            kind == "application/x-www-form-urlencoded"
        } else {
            kind == "application/json; charset=utf-8"
        };
        if !right {
            state.faults.push(format!("{method} with the content type {kind}"));
        }
        let reply = Self::carry_out(&mut state, method, request);
        if cut_after { Reply::cut() } else { reply }
    }

    fn carry_out(state: &mut State, method: &str, request: &Request) -> Reply {
        let body = request.json();
        let form = request.form();
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let yes = |mut body: Value| {
            body["ok"] = json!(true);
            Reply::json(200, &body)
        };
        state.next += 1;
        let ts = format!("{}.000200", state.next);
        match method {
            "auth.test" => yes(json!({"user_id": BOT, "user": "nocbot", "team_id": "T1", "team": "NOC"}))
                .with("x-oauth-scopes", &state.scopes),
            "apps.connections.open" => {
                let ticket = format!("ticket-{ts}");
                let url = format!("ws://{}/link/?ticket={ticket}", state.base);
                state.tickets.insert(ticket);
                yes(json!({"url": url}))
            }
            "users.info" => {
                let id = form["user"].clone();
                yes(json!({"user": {"name": id.to_lowercase(), "real_name": format!("name of {id}"),
                    "team_id": "T1", "is_restricted": id == "UGUEST"}}))
            }
            "usergroups.users.list" => yes(json!({"users": ["U1"]})),
            "chat.postMessage" | "chat.postEphemeral" | "chat.update" => {
                if let Some(fault) = broken(&body) {
                    state.faults.push(format!("{method}: {fault}: {body}"));
                    return no("invalid_blocks");
                }
                if state.refuse_tables && body["blocks"].to_string().contains("\"table\"") {
                    return no("invalid_blocks");
                }
                if body["channel"] == "CNOT" {
                    return no("not_in_channel");
                }
                let mut message = body.clone();
                if method == "chat.update" {
                    state.edits += 1;
                    if body["text"].as_str().unwrap().chars().count() > 4000 {
                        return no("msg_too_long");
                    }
                    let found = state.messages.iter_mut().find(|m| m["ts"] == body["ts"]);
                    let Some(found) = found else { return no("message_not_found") };
                    found["text"] = body["text"].clone();
                    found["blocks"] = body["blocks"].clone();
                    return yes(json!({"ts": body["ts"]}));
                }
                message["ts"] = json!(ts);
                if method == "chat.postEphemeral" {
                    if body["user"].as_str().is_none() {
                        state.faults.push("an ephemeral message without a user".into());
                    }
                    state.ephemeral.push(message);
                    return yes(json!({"message_ts": ts}));
                }
                state.messages.push(message);
                yes(json!({"ts": ts, "channel": body["channel"]}))
            }
            "chat.delete" => {
                state.messages.retain(|message| message["ts"] != body["ts"]);
                yes(json!({}))
            }
            "conversations.replies" => {
                let thread = &form["ts"];
                let found: Vec<Value> =
                    state.messages.iter().filter(|m| m["thread_ts"] == **thread).cloned().collect();
                yes(json!({"messages": found}))
            }
            "reactions.add" => {
                state.reactions.push(body);
                yes(json!({}))
            }
            "files.getUploadURLExternal" => {
                let length = form["length"].parse().unwrap();
                let id = format!("F{}", state.next);
                let url = format!("http://{}/upload/{id}", state.base);
                state.uploads.insert(id.clone(), (form["filename"].clone(), length, Vec::new()));
                yes(json!({"upload_url": url, "file_id": id}))
            }
            "files.completeUploadExternal" => {
                let id = body["files"][0]["id"].as_str().unwrap();
                let Some((name, length, bytes)) = state.uploads.get(id) else { return no("file_not_found") };
                if bytes.len() != *length {
                    return no("file_upload_size_restricted");
                }
                let text = String::from_utf8(bytes.clone()).unwrap();
                state.files.push(json!({"name": name, "text": text, "channel": body["channel_id"], "thread_ts": body["thread_ts"]}));
                yes(json!({}))
            }
            _ => no("unknown_method"),
        }
    }
}

/// The limits of Block Kit that a payload breaks.
fn broken(body: &Value) -> Option<String> {
    if body["text"].as_str().is_none_or(str::is_empty) {
        return Some("no text".into());
    }
    let empty = Vec::new();
    let blocks = body["blocks"].as_array().unwrap_or(&empty);
    if blocks.len() > 50 {
        return Some("more than 50 blocks".into());
    }
    let mut ids = BTreeSet::new();
    let mut tables = 0;
    for block in blocks {
        if !ids.insert(block["block_id"].as_str().unwrap_or_default()) {
            return Some("a block_id stands twice".into());
        }
        match block["type"].as_str().unwrap_or_default() {
            "table" => {
                tables += 1;
                let rows = block["rows"].as_array()?;
                let cells: usize = rows
                    .iter()
                    .flat_map(|row| row.as_array().unwrap())
                    .map(|c| c["text"].as_str().unwrap_or("").len())
                    .sum();
                if rows.len() > 100
                    || cells > 10_000
                    || rows.iter().any(|row| row.as_array().unwrap().len() > 20)
                {
                    return Some("the table is too large".into());
                }
                if rows.iter().flat_map(|row| row.as_array().unwrap()).any(|cell| cell["text"] == "") {
                    return Some("an empty cell".into());
                }
            }
            "actions" => {
                for button in block["elements"].as_array()? {
                    if button["text"]["text"].as_str()?.chars().count() > 75
                        || button["value"].as_str()?.len() > 2000
                    {
                        return Some("a button is too long".into());
                    }
                }
            }
            "context" => {
                if block["elements"].as_array()?.len() > 10 {
                    return Some("too many elements".into());
                }
            }
            "rich_text" => {}
            other => return Some(format!("an unknown block {other}")),
        }
    }
    (tables > 1).then(|| "only_one_table_allowed".to_owned())
}

impl Platform for FakeSlack {
    fn http(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        Box::pin(async move {
            if let Some(method) = request.path.strip_prefix("/api/") {
                return self.call(method, &request);
            }
            if let Some(id) = request.path.strip_prefix("/upload/") {
                let mut state = self.state.lock().unwrap();
                if !request.header("authorization").is_empty() {
                    state.faults.push("the token was sent to the upload address".into());
                }
                if let Some(upload) = state.uploads.get_mut(id) {
                    upload.2.clone_from(&request.body);
                }
                return Reply::json(200, &json!({}));
            }
            if request.path.starts_with("/response/") {
                let mut state = self.state.lock().unwrap();
                let mut message = request.json();
                message["response_url"] = json!(request.path);
                state.ephemeral.push(message);
                return Reply::json(200, &json!({"ok": true}));
            }
            Reply::json(404, &json!({}))
        })
    }

    fn admit(&self, request: &Request) -> Result<(), u16> {
        let ticket = request.query.get("ticket").cloned().unwrap_or_default();
        // Each ticket is good for one connection.
        if self.state.lock().unwrap().tickets.remove(&ticket) { Ok(()) } else { Err(403) }
    }

    fn socket(self: Arc<Self>, _: Request, socket: WebSocketStream<TcpStream>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let (sender, mut queue) = mpsc::unbounded_channel();
            let (mut sink, mut stream) = socket.split();
            let links = self.links() + 1;
            let hello =
                json!({"type": "hello", "num_connections": links, "connection_info": {"app_id": "A1"}});
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
            loop {
                tokio::select! {
                    out = queue.recv() => match out {
                        Some(Out::Text(text)) => {
                            if sink.send(Message::text(text)).await.is_err() {
                                break;
                            }
                        }
                        Some(Out::Freeze) => {
                            self.state.lock().unwrap().links.remove(&id);
                            tokio::time::sleep(Duration::from_mins(2)).await;
                        }
                        Some(Out::Cut) | None => break,
                    },
                    message = stream.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let confirmation: Value = serde_json::from_str(&text).unwrap();
                            let envelope = confirmation["envelope_id"].as_str().unwrap();
                            let mut state = self.state.lock().unwrap();
                            state.pending.retain(|p| p.envelope != envelope || p.sent.is_some_and(|(at, _)| at.elapsed() > CONFIRM));
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
