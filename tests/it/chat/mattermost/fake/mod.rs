//! A stand-in for Mattermost: numbered events, links that can be resumed, and REST v4 with its limits.
//! `mattermost_client.rs` proves it with the vendor's own client.

mod rest;
mod socket;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;

use crate::chat::shared::form::{Fate, Fates};
use crate::chat::shared::server::{Platform, Reply, Request, Server, serve};

pub const BOT: &str = "botbotbotbotbotbotbotbotbo";
pub const TOKEN: &str = "mm-token";
/// Events that a link is sent again.
const KEPT: usize = 128;

/// An id of the server's form for a short name.
pub fn id_of(name: &str) -> String {
    format!("{name:x<26}")
}

fn is_id(id: &str) -> bool {
    id.len() == 26 && id.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

fn now() -> i64 {
    i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis())
        .unwrap()
}

/// What is written to a link.
enum Out {
    Text(String),
    /// TCP is cut.
    Cut,
    /// It is closed in order.
    Close(u16),
    /// It stays open, and nothing comes or goes any more.
    Mute,
}

#[derive(Default)]
struct Connection {
    next: u64,
    kept: Vec<(u64, Value)>,
    link: Option<mpsc::UnboundedSender<Out>>,
}

struct State {
    token: String,
    next: u64,
    connections: BTreeMap<String, Connection>,
    posts: Vec<Value>,
    ephemeral: BTreeMap<String, Value>,
    /// Content, channel, and whether it belongs to a post.
    files: BTreeMap<String, (String, String, bool)>,
    directs: BTreeMap<String, String>,
    members: BTreeSet<(String, String)>,
    reactions: Vec<Value>,
    typing: Vec<Value>,
    may_whisper: bool,
    most: usize,
    pending: Duration,
    pendings: BTreeMap<String, (Instant, String)>,
    fates: Fates,
    opened: usize,
    resumed: usize,
    upgrades: Vec<Instant>,
    skip: bool,
    refuse: Option<(usize, u16, Option<u64>)>,
    /// Between the server's pings, and after what silence it hangs up.
    pings: (Duration, Duration),
    pongs: usize,
}

pub struct FakeMattermost {
    state: Mutex<State>,
}

pub struct Running {
    pub mattermost: Arc<FakeMattermost>,
    pub server: Server,
}

pub async fn start() -> Running {
    let state = State {
        token: TOKEN.into(),
        next: 0,
        connections: BTreeMap::new(),
        posts: Vec::new(),
        ephemeral: BTreeMap::new(),
        files: BTreeMap::new(),
        directs: BTreeMap::from([(id_of("alice"), id_of("d1"))]),
        members: BTreeSet::new(),
        reactions: Vec::new(),
        typing: Vec::new(),
        may_whisper: false,
        most: 16_383,
        pending: Duration::from_secs(30),
        pendings: BTreeMap::new(),
        fates: Fates { together: true, ..Fates::default() },
        opened: 0,
        resumed: 0,
        upgrades: Vec::new(),
        skip: false,
        refuse: None,
        pings: (Duration::from_mins(1), Duration::from_secs(100)),
        pongs: 0,
    };
    let mattermost = Arc::new(FakeMattermost { state: Mutex::new(state) });
    let server = serve(Arc::clone(&mattermost)).await;
    Running { mattermost, server }
}

/// Whether a header is that of the token; the scheme's case does not count (RFC 9110, 11.1).
fn is_login(header: &str, token: &str) -> bool {
    header
        .split_once(' ')
        .is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("bearer") && given == token)
}

impl State {
    fn id(&mut self) -> String {
        self.next += 1;
        format!("{:0>26}", self.next)
    }

    fn emit(&mut self, event: &str, data: &Value) {
        let skip = std::mem::take(&mut self.skip);
        for connection in self.connections.values_mut() {
            let seq = connection.next;
            connection.next += 1;
            let broadcast = json!({"omit_users": null, "user_id": "", "channel_id": "", "team_id": "", "connection_id": "", "omit_connection_id": ""});
            let event = json!({"event": event, "data": data, "broadcast": broadcast, "seq": seq});
            connection.kept.push((seq, event.clone()));
            if connection.kept.len() > KEPT {
                connection.kept.remove(0);
            }
            if let Some(link) = &connection.link
                && !skip
            {
                let _ = link.send(Out::Text(event.to_string()));
            }
        }
    }

    fn fault(&mut self, what: impl Into<String>) {
        self.fates.faults.push(what.into());
    }

    /// The channel of the bot and somebody.
    fn direct(&mut self, user: &str) -> String {
        let count = self.directs.len() + 1;
        self.directs.entry(user.into()).or_insert_with(|| id_of(&format!("d{count}"))).clone()
    }
}

impl FakeMattermost {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// Somebody posts; gives the post's id. People and channels are named shortly.
    pub fn post(&self, user: &str, channel: &str, text: &str, more: &Value) -> String {
        let (user_id, channel_id) = (id_of(user), id_of(channel));
        self.change(|state| {
            let id = state.id();
            let mut post = json!({"id": id, "user_id": user_id, "channel_id": channel_id, "message": text,
                "root_id": "", "type": "", "create_at": now(), "update_at": now(), "edit_at": 0, "delete_at": 0,
                "props": {}, "hashtags": "", "pending_post_id": "", "reply_count": 0, "metadata": {}});
            for (key, value) in more.as_object().unwrap() {
                post[key] = value.clone();
            }
            let kind = if channel.starts_with('d') { "D" } else { "O" };
            let mut data = json!({"post": post.to_string(), "channel_type": kind, "sender_name": format!("@{user}"),
                "channel_name": channel, "channel_display_name": channel, "set_online": true,
                "team_id": if kind == "D" { String::new() } else { id_of("t1") }});
            let lower = text.to_lowercase();
            if lower.contains("@nocbot") || lower.contains("@all") {
                data["mentions"] = json!(json!([BOT]).to_string());
            }
            state.posts.push(post);
            state.emit("posted", &data);
            id
        })
    }

    pub fn ask(&self, user: &str, channel: &str, text: &str) -> String {
        self.post(user, channel, &format!("@nocbot {text}"), &json!({}))
    }

    pub fn noise(&self) {
        self.change(|state| state.emit("status_change", &json!({})));
    }

    /// An event that the server itself would hardly send.
    pub fn event(&self, event: &str, data: &Value) {
        self.change(|state| state.emit(event, data));
    }

    /// A frame without a number.
    pub fn raw(&self, frame: &str) {
        self.change(|state| {
            for link in state.connections.values().filter_map(|connection| connection.link.as_ref()) {
                let _ = link.send(Out::Text(frame.into()));
            }
        });
    }

    fn end(&self, out: impl Fn() -> Out) {
        self.change(|state| {
            for connection in state.connections.values_mut() {
                if let Some(link) = connection.link.take() {
                    let _ = link.send(out());
                }
            }
        });
    }

    /// Cuts all links; they can be resumed.
    pub fn cut(&self) {
        self.end(|| Out::Cut);
    }

    pub fn close(&self, code: u16) {
        self.end(|| Out::Close(code));
    }

    /// As a server that was restarted: no link can be resumed.
    pub fn forget(&self) {
        self.cut();
        self.change(|state| state.connections.clear());
    }

    /// All links go half-open, and new ones are as they should be.
    pub fn half_open(&self) {
        self.end(|| Out::Mute);
    }

    /// The next event gets lost on its way.
    pub fn lose_one(&self) {
        self.change(|state| state.skip = true);
    }

    pub fn may_whisper(&self) {
        self.change(|state| state.may_whisper = true);
    }

    pub fn most(&self, most: usize) {
        self.change(|state| state.most = most);
    }

    /// For how long repeated posts are known by their `pending_post_id`.
    pub fn pending(&self, time: Duration) {
        self.change(|state| state.pending = time);
    }

    pub fn pings(&self, every: Duration, silence: Duration) {
        self.change(|state| state.pings = (every, silence));
    }

    pub fn pongs(&self) -> usize {
        self.change(|state| state.pongs)
    }

    pub fn token(&self, token: &str) {
        self.change(|state| state.token = token.into());
    }

    pub fn join(&self, place: &str, user: &str) {
        self.change(|state| state.members.insert((id_of(place), id_of(user))));
    }

    pub fn leave(&self, place: &str, user: &str) {
        self.change(|state| state.members.remove(&(id_of(place), id_of(user))));
    }

    pub fn plan(&self, call: &str, times: usize, fate: Fate) {
        self.change(|state| state.fates.plan(call, times, fate));
    }

    /// The next upgrades are refused.
    pub fn refuse(&self, times: usize, status: u16, wait: Option<u64>) {
        self.change(|state| state.refuse = Some((times, status, wait)));
    }

    pub fn links(&self) -> usize {
        self.change(|state| state.connections.values().filter(|c| c.link.is_some()).count())
    }

    pub fn resumed(&self) -> usize {
        self.change(|state| state.resumed)
    }

    pub fn opened(&self) -> usize {
        self.change(|state| state.opened)
    }

    pub fn upgrades(&self) -> Vec<Instant> {
        self.change(|state| state.upgrades.clone())
    }

    pub fn calls(&self, call: &str) -> usize {
        self.change(|state| state.fates.calls.get(call).copied().unwrap_or(0))
    }

    pub fn faults(&self) -> Vec<String> {
        self.change(|state| state.fates.faults.clone())
    }

    pub fn ephemeral(&self) -> Vec<Value> {
        self.change(|state| state.ephemeral.values().cloned().collect())
    }

    pub fn reactions(&self) -> Vec<Value> {
        self.change(|state| state.reactions.clone())
    }

    pub fn typing(&self) -> Vec<Value> {
        self.change(|state| state.typing.clone())
    }

    pub fn file(&self, id: &str) -> String {
        self.change(|state| state.files.get(id).map(|file| file.0.clone()).unwrap_or_default())
    }

    /// The bot's own posts in a thread.
    pub fn thread(&self, root: &str) -> Vec<Value> {
        self.posts().into_iter().filter(|post| post["root_id"] == root).collect()
    }

    pub fn posts(&self) -> Vec<Value> {
        self.change(|state| state.posts.iter().filter(|post| post["user_id"] == BOT).cloned().collect())
    }

    pub async fn until<T>(&self, what: &str, seconds: u64, look: impl Fn(&Self) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let (posts, faults) = (self.posts(), self.faults());
            assert!(Instant::now() < end, "no {what} within {seconds} s; posts: {posts:#?} {faults:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn answer(&self, root: &str) -> Value {
        self.until("answer", 20, |it| it.thread(root).into_iter().next()).await
    }
}

impl Platform for FakeMattermost {
    fn http(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        Box::pin(async move { self.call(&request) })
    }

    fn admit(&self, request: &Request) -> Result<(), u16> {
        if request.path != "/api/v4/websocket" {
            return Err(404);
        }
        self.change(|state| {
            state.upgrades.push(Instant::now());
            match &mut state.refuse {
                Some((times, status, _)) if *times > 0 => {
                    *times -= 1;
                    Err(*status)
                }
                _ => Ok(()),
            }
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
