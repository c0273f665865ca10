//! A stand-in for Slack, as strict as its documentation: Socket Mode with single-use tickets that expire,
//! confirmation within 3 s on the link that something came over, redelivery of events and of nothing else;
//! and the Web API with its content types, scopes, limits and Block Kit. What breaks a rule is a fault.
//! The Web API is in `fake_slack_api.rs`, what
//! people do in `fake_slack_people.rs`; `slack_clients.rs` proves it with the vendor's own clients.

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
use crate::chat::shared::server::{Platform, Reply, Request, Server, serve};

pub const BOT: &str = "UBOT";
const CONFIRM: Duration = Duration::from_secs(3);
/// How long a ticket is good.
const TICKET: Duration = Duration::from_secs(30);
/// Further deliveries of an event that nobody confirms in time.
const RETRIES: u32 = 3;
/// Links of one app.
const LINKS: usize = 10;

pub(super) enum Out {
    Text(String),
    Binary(Vec<u8>),
    /// A close frame, as after a warning.
    Close,
    /// No goodbye: the TCP connection ends.
    Cut,
    /// It stays open, and nothing is read or written any more.
    Freeze,
}

pub(super) struct Pending {
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
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) length: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) done: bool,
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
pub(super) struct State {
    pub(super) base: String,
    pub(super) next: u64,
    pub(super) tickets: BTreeMap<String, Instant>,
    pub(super) links: BTreeMap<u64, mpsc::UnboundedSender<Out>>,
    /// Which link the next delivery goes to.
    pub(super) turn: usize,
    pub(super) pending: Vec<Pending>,
    /// Envelopes that were delivered again under another id, or given up.
    pub(super) old: BTreeSet<String>,
    pub(super) confirmed: usize,
    pub(super) lost: usize,
    /// Messages of people that begin a thread, and those within one.
    pub(super) roots: BTreeSet<(String, String)>,
    pub(super) replies: BTreeSet<(String, String)>,
    /// The roots that have a reply of somebody.
    pub(super) begun: BTreeSet<(String, String)>,
    /// Posted messages, as they stand now.
    pub(super) messages: Vec<Value>,
    /// By the key that a client may put on a message.
    pub(super) keyed: BTreeMap<String, String>,
    pub(super) ephemeral: Vec<Value>,
    pub(super) files: Vec<Value>,
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) reactions: BTreeSet<String>,
    /// Response address → messages sent to it.
    pub(super) addresses: BTreeMap<String, usize>,
    pub(super) edits: usize,
    pub(super) calls: BTreeMap<String, usize>,
    /// Every body of a writing call, by its method.
    pub(super) bodies: Vec<(String, Map<String, Value>)>,
    /// Method → how many calls fail with this status before the next is taken; 0 cuts after doing it, 200 is
    /// `ratelimited` without its status.
    pub(super) failing: BTreeMap<String, (usize, u16)>,
    pub(super) retry_after: String,
    /// Method → not before.
    pub(super) closed: BTreeMap<String, Instant>,
    pub(super) early: usize,
    pub(super) faults: Vec<String>,
    pub(super) refuse: Refuse,
    /// How many messages a channel takes at once, beside one a second; what is left of that, since when.
    pub(super) burst: Option<f64>,
    pub(super) left: BTreeMap<String, (f64, Instant)>,
    pub(super) limited: usize,
    /// (channel, user): who has left.
    pub(super) gone: BTreeSet<(String, String)>,
    pub(super) disabled: bool,
    pub(super) scopes: String,
    pub(super) manifest: Value,
    /// The bot's and the app's.
    pub(super) tokens: [String; 2],
    /// Calls to addresses of their own that carried the token: the vendor's client for Node does that.
    pub(super) leaks: usize,
    pub(super) bare_hello: bool,
    pub(super) opened: usize,
    /// The longest time without a link, since the first.
    pub(super) gap: Duration,
    pub(super) down_since: Option<Instant>,
}

pub struct FakeSlack {
    pub(super) state: Mutex<State>,
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
    pub(super) fn ts(&mut self) -> String {
        self.next += 1;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        format!("{now}.{:06}", self.next % 1_000_000)
    }

    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.split(',').any(|granted| granted.trim() == scope)
    }

    pub(super) fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }
}

impl FakeSlack {
    pub(super) fn ts(&self) -> String {
        self.state.lock().unwrap().ts()
    }

    pub(super) fn queue(&self, kind: &'static str, payload: Value) {
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

    /// A channel takes so many messages at once, and one a second.
    pub fn limit(&self, burst: u32) {
        self.state.lock().unwrap().burst = Some(burst.into());
    }

    /// Messages that were too many for their channel.
    pub fn limited(&self) -> usize {
        self.state.lock().unwrap().limited
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
