//! A stand-in for Mattermost: numbered events, links that can be resumed, and REST v4 with its limits.

use std::collections::BTreeMap;
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

pub const BOT: &str = "botbotbotbotbotbotbotbotbo";
/// Events that a link is sent again.
const KEPT: usize = 128;

#[derive(Default)]
struct Connection {
    next: u64,
    kept: Vec<(u64, Value)>,
    link: Option<mpsc::UnboundedSender<Option<String>>>,
}

#[derive(Default)]
struct State {
    next: u64,
    connections: BTreeMap<String, Connection>,
    posts: Vec<Value>,
    ephemeral: Vec<Value>,
    files: BTreeMap<String, String>,
    may_whisper: bool,
    failing: BTreeMap<String, (usize, u16)>,
    faults: Vec<String>,
    opened: usize,
    resumed: usize,
    skip: bool,
}

pub struct FakeMattermost {
    state: Mutex<State>,
}

pub struct Running {
    pub mattermost: Arc<FakeMattermost>,
    pub server: Server,
}

pub async fn start() -> Running {
    let mattermost = Arc::new(FakeMattermost { state: Mutex::default() });
    let server = serve(Arc::clone(&mattermost)).await;
    Running { mattermost, server }
}

fn now() -> i64 {
    i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis())
        .unwrap()
}

impl FakeMattermost {
    fn id(state: &mut State) -> String {
        state.next += 1;
        format!("{:0>26}", state.next)
    }

    fn emit(state: &mut State, event: &str, data: &Value) {
        let skip = std::mem::take(&mut state.skip);
        for connection in state.connections.values_mut() {
            let seq = connection.next;
            connection.next += 1;
            let event = json!({"event": event, "data": data, "broadcast": {}, "seq": seq});
            connection.kept.push((seq, event.clone()));
            if connection.kept.len() > KEPT {
                connection.kept.remove(0);
            }
            if let Some(link) = &connection.link
                && !skip
            {
                let _ = link.send(Some(event.to_string()));
            }
        }
    }

    /// Somebody posts; gives the post's id.
    pub fn post(&self, user: &str, channel: &str, text: &str, more: &Value) -> String {
        let mut state = self.state.lock().unwrap();
        let id = Self::id(&mut state);
        let mut post = json!({"id": id, "user_id": user, "channel_id": channel, "message": text, "root_id": "",
            "type": "", "create_at": now(), "edit_at": 0, "props": {}});
        for (key, value) in more.as_object().unwrap() {
            post[key] = value.clone();
        }
        let kind = if channel.starts_with('d') { "D" } else { "O" };
        let mut data = json!({"post": post.to_string(), "channel_type": kind, "sender_name": format!("@{user}"), "team_id": ""});
        let lower = text.to_lowercase();
        if lower.contains("@nocbot") || lower.contains("@all") {
            data["mentions"] = json!(json!([BOT]).to_string());
        }
        state.posts.push(post);
        Self::emit(&mut state, "posted", &data);
        id
    }

    pub fn ask(&self, user: &str, channel: &str, text: &str) -> String {
        self.post(user, channel, &format!("@nocbot {text}"), &json!({}))
    }

    pub fn noise(&self) {
        Self::emit(&mut self.state.lock().unwrap(), "status_change", &json!({}));
    }

    /// Ends all links; they can be resumed.
    pub fn cut(&self) {
        for connection in self.state.lock().unwrap().connections.values_mut() {
            if let Some(link) = connection.link.take() {
                let _ = link.send(None);
            }
        }
    }

    /// As a server that was restarted: no link can be resumed.
    pub fn forget(&self) {
        self.cut();
        self.state.lock().unwrap().connections.clear();
    }

    /// The next event gets lost on its way.
    pub fn lose_one(&self) {
        self.state.lock().unwrap().skip = true;
    }

    pub fn may_whisper(&self) {
        self.state.lock().unwrap().may_whisper = true;
    }

    pub fn fail(&self, path: &str, times: usize, status: u16) {
        self.state.lock().unwrap().failing.insert(path.into(), (times, status));
    }

    pub fn links(&self) -> usize {
        self.state.lock().unwrap().connections.values().filter(|c| c.link.is_some()).count()
    }

    pub fn resumed(&self) -> usize {
        self.state.lock().unwrap().resumed
    }

    pub fn faults(&self) -> Vec<String> {
        self.state.lock().unwrap().faults.clone()
    }

    pub fn ephemeral(&self) -> Vec<Value> {
        self.state.lock().unwrap().ephemeral.clone()
    }

    pub fn file(&self, id: &str) -> String {
        self.state.lock().unwrap().files.get(id).cloned().unwrap_or_default()
    }

    /// The bot's own posts in a thread.
    pub fn thread(&self, root: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        state.posts.iter().filter(|post| post["user_id"] == BOT && post["root_id"] == root).cloned().collect()
    }

    pub fn posts(&self) -> Vec<Value> {
        self.state.lock().unwrap().posts.iter().filter(|post| post["user_id"] == BOT).cloned().collect()
    }

    pub async fn until<T>(&self, what: &str, seconds: u64, look: impl Fn(&Self) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < end, "no {what} within {seconds} s; posts: {:#?}", self.posts());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn answer(&self, root: &str) -> Value {
        self.until("answer", 20, |it| it.thread(root).into_iter().next()).await
    }

    fn call(&self, request: &Request) -> Reply {
        let error = |status: u16, id: &str| {
            Reply::json(status, &json!({"id": id, "message": id, "status_code": status}))
        };
        if request.header("authorization") != "Bearer mm-token" {
            return error(401, "api.context.session_expired.app_error");
        }
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        let path = request.path.strip_prefix("/api/v4").unwrap();
        let mut cut_after = false;
        if let Some((times, status)) = state.failing.get_mut(path)
            && *times > 0
        {
            *times -= 1;
            match *status {
                0 => cut_after = true,
                429 => return error(429, "limited").with("Retry-After", 1),
                status => return error(status, "oops"),
            }
        }
        let body = request.json();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let reply = match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["users", "me"]) => Reply::json(200, &json!({"id": BOT, "username": "nocbot"})),
            ("GET", ["users", "me", "channels"]) => Reply::json(
                200,
                &json!([{"id": "c1", "type": "O", "team_id": "t1", "last_post_at": now()},
                    {"id": "d1", "type": "D", "team_id": "", "last_post_at": now()}]),
            ),
            ("GET", ["channels", id, "posts"]) => {
                let since: i64 = request.query["since"].parse().unwrap();
                let found = state
                    .posts
                    .iter()
                    .filter(|p| p["channel_id"] == **id && p["create_at"].as_i64().unwrap() >= since);
                let posts: serde_json::Map<String, Value> =
                    found.map(|p| (p["id"].as_str().unwrap().to_owned(), p.clone())).collect();
                Reply::json(200, &json!({"posts": posts, "order": []}))
            }
            ("GET", ["posts", root, "thread"]) => {
                let found = state.posts.iter().filter(|p| p["root_id"] == **root || p["id"] == **root);
                let posts: serde_json::Map<String, Value> =
                    found.map(|p| (p["id"].as_str().unwrap().to_owned(), p.clone())).collect();
                Reply::json(200, &json!({"posts": posts}))
            }
            ("POST", ["channels", "direct"]) => Reply::json(201, &json!({"id": "d1", "type": "D"})),
            ("POST", ["users", "me", "typing"] | ["reactions"]) => Reply::json(200, &json!({})),
            ("POST", ["posts", "ephemeral"]) => {
                if !state.may_whisper {
                    return error(403, "api.context.permissions.app_error");
                }
                state.ephemeral.push(body.clone());
                Reply::json(201, &json!({"id": "e1"}))
            }
            ("POST", ["files"]) => {
                let text = String::from_utf8_lossy(&request.body).into_owned();
                let id = Self::id(state);
                state.files.insert(id.clone(), text);
                Reply::json(201, &json!({"file_infos": [{"id": id}]}))
            }
            ("POST", ["posts"]) => {
                if body["message"].as_str().unwrap().chars().count() > 16_383 {
                    state.faults.push("a post is too long".into());
                    return error(400, "model.post.is_valid.message_length.app_error");
                }
                let root = body["root_id"].as_str().unwrap_or_default();
                if !root.is_empty() && !state.posts.iter().any(|p| p["id"] == root && p["root_id"] == "") {
                    state.faults.push(format!("{root} is no root of a thread"));
                    return error(400, "api.post.create_post.root_id.app_error");
                }
                let pending = &body["pending_post_id"];
                let known =
                    state.posts.iter().find(|p| p["pending_post_id"] == *pending && pending.is_string());
                if let Some(known) = known {
                    Reply::json(201, known)
                } else {
                    let mut post = body.clone();
                    post["id"] = json!(Self::id(state));
                    post["user_id"] = json!(BOT);
                    post["create_at"] = json!(now());
                    post["type"] = json!("");
                    post["edit_at"] = json!(0);
                    state.posts.push(post.clone());
                    // Own posts come back.
                    let data =
                        json!({"post": post.to_string(), "channel_type": "O", "sender_name": "@nocbot"});
                    Self::emit(state, "posted", &data);
                    Reply::json(201, &post)
                }
            }
            ("PUT", ["posts", id, "patch"]) => {
                let Some(post) = state.posts.iter_mut().find(|p| p["id"] == **id) else {
                    return error(404, "gone");
                };
                post["message"] = body["message"].clone();
                post["edit_at"] = json!(now());
                Reply::json(200, post)
            }
            ("DELETE", ["posts", id]) => {
                state.posts.retain(|p| p["id"] != **id);
                Reply::json(200, &json!({}))
            }
            _ => error(404, "api.context.404.app_error"),
        };
        if cut_after { Reply::cut() } else { reply }
    }
}

impl Platform for FakeMattermost {
    fn http(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        Box::pin(async move { self.call(&request) })
    }

    fn admit(&self, request: &Request) -> Result<(), u16> {
        if request.path == "/api/v4/websocket" { Ok(()) } else { Err(404) }
    }

    fn socket(
        self: Arc<Self>,
        request: Request,
        socket: WebSocketStream<TcpStream>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if request.header("authorization") != "Bearer mm-token" {
                return;
            }
            let (mut sink, mut stream) = socket.split();
            let (sender, mut queue) = mpsc::unbounded_channel();
            let id = {
                let mut state = self.state.lock().unwrap();
                state.opened += 1;
                let id = request.query.get("connection_id").cloned().unwrap_or_default();
                let next: u64 =
                    request.query.get("sequence_number").and_then(|n| n.parse().ok()).unwrap_or(0);
                let known = state.connections.get_mut(&id).filter(|connection| {
                    next <= connection.next && connection.kept.first().is_none_or(|(seq, _)| *seq <= next)
                });
                if let Some(connection) = known {
                    for (_, event) in connection.kept.iter().filter(|(seq, _)| *seq >= next) {
                        let _ = sender.send(Some(event.to_string()));
                    }
                    connection.link = Some(sender);
                    state.resumed += 1;
                    id
                } else {
                    let id = Self::id(&mut state);
                    let hello = json!({"event": "hello", "data": {"connection_id": id, "server_version": "10"}, "broadcast": {}, "seq": 0});
                    let _ = sender.send(Some(hello.to_string()));
                    state
                        .connections
                        .insert(id.clone(), Connection { next: 1, kept: Vec::new(), link: Some(sender) });
                    id
                }
            };
            loop {
                tokio::select! {
                    out = queue.recv() => match out {
                        Some(Some(text)) => if sink.send(Message::text(text)).await.is_err() { break },
                        _ => return,
                    },
                    message = stream.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let asked: Value = serde_json::from_str(&text).unwrap();
                            let reply = json!({"status": "OK", "data": {"text": "pong"}, "seq_reply": asked["seq"]});
                            let _ = sink.send(Message::text(reply.to_string())).await;
                        }
                        Some(Ok(_)) => {}
                        _ => break,
                    },
                }
            }
            if let Some(connection) = self.state.lock().unwrap().connections.get_mut(&id) {
                connection.link = None;
            }
        })
    }
}
