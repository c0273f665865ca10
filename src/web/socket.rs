//! The console's WebSocket: one JSON object per text message, named by its only key.
//!
//! From the page:
//!
//! ```json
//! {"ask": {"id": "c1", "text": "vrf r1"}}
//! {"cancel": {"id": "c1"}}
//! {"complete": {"id": "k7", "text": "vrf r"}}
//! ```
//!
//! `id` is the page's own, at most 64 bytes, unique among its questions in flight. `text` of
//! `complete` is what stands before the cursor.
//!
//! To the page:
//!
//! ```json
//! {"hello": {"version": "0.1.0", "devices": 6, "message": 16384, "questions": 8,
//!            "heartbeat": 20000, "verbs": [{"name": "vrf", "aliases": ["vrfs"], "help": "…", "examples": ["vrf r1"]}]}}
//! {"progress": {"id": "c1", "job": "7", "question": "vrf all", "done": 3, "total": 6,
//!               "waiting": ["r4", "r5", "r6"], "lines": []}}
//! {"answer": {"id": "c1", "answer": {"id": "17", "question": "vrf r1", "status": "ok", "blocks": […],
//!             "failures": […], "notes": […], "devices": 1, "took_ms": 412}}}
//! {"completions": {"id": "k7", "items": [{"text": "r1", "start": 4, "help": "…"}]}}
//! {"beat": {}}
//! {"error": {"id": "c1", "message": "…", "hints": ["…"]}}
//! ```
//!
//! `hello` comes first. Every `ask` ends in exactly one `answer` or one `error` with its id; until then
//! `progress` may come, at most ten times a second, each standing for all before it. `answer` is
//! [`crate::answer::Answer`], cut to 5000 rows and 1 MiB of text, which a note then says; its own `id`
//! names its files, `/answers/<id>.csv`. An answered `cancel` is the question's `answer`. `start` counts
//! UTF-16 code units, as browsers do. An `error` whose `id` is null concerns no question.
//!
//! A message over the limit is refused with an `error`; one over eight times the limit ends the
//! connection. The server pings, and sends a `beat` every `heartbeat` milliseconds, because a page cannot
//! see pings and would not know that its network is gone. A page that answers nothing, or takes too long
//! to take a message, is dropped, and its questions are cancelled.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Site;
use super::listen::Peer;
use super::protocol::{Hello, ID, Reply, Request};
use crate::bot::{Incoming, Progress, Who};

/// Messages that wait for the network.
const QUEUE: usize = 16;
/// The shortest time between two `progress` of a question.
const PACE: Duration = Duration::from_millis(100);

/// `GET /socket`: 401 without a session, 503 when there are too many sockets.
pub(super) async fn upgrade(
    State(site): State<Arc<Site>>,
    axum::Extension(Peer(peer)): axum::Extension<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !site.sessions.admit(&headers) {
        return (StatusCode::UNAUTHORIZED, "the console's token is needed\n").into_response();
    }
    let Ok(slot) = Arc::clone(&site.sockets).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many consoles are open; close one\n").into_response();
    };
    let most = site.limits.message.saturating_mul(8);
    let tracked = site.tasks.token();
    upgrade.max_message_size(most).max_frame_size(most).on_upgrade(move |socket| async move {
        let _tracked = tracked;
        converse(socket, site, peer.ip(), slot).await;
    })
}

/// One console, until either side ends it.
async fn converse(socket: WebSocket, site: Arc<Site>, peer: IpAddr, _slot: OwnedSemaphorePermit) {
    let (sink, stream) = socket.split();
    let (out, queue) = mpsc::channel(QUEUE);
    let ended = CancellationToken::new();
    let mut desk = Conversation {
        site: Arc::clone(&site),
        peer,
        out,
        ended: ended.clone(),
        running: HashMap::new(),
        names: HashMap::new(),
        tasks: JoinSet::new(),
    };
    let reading = async {
        desk.read(stream).await;
        desk.finish().await;
        // The last sender: the writer ends when it has sent what is queued.
        drop(desk);
    };
    let writing = async {
        write(sink, queue, site.limits.write).await;
        ended.cancel();
    };
    tokio::join!(reading, writing);
}

/// Sends what is queued; ends when the queue does or when the page does not take a message in time.
async fn write(mut sink: SplitSink<WebSocket, Message>, mut queue: mpsc::Receiver<Message>, limit: Duration) {
    while let Some(message) = queue.recv().await {
        match timeout(limit, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return debug!(%error, "console socket"),
            Err(_) => return warn!("a console is too slow and was dropped"),
        }
    }
}

/// The reading half and the questions in flight.
struct Conversation {
    site: Arc<Site>,
    peer: IpAddr,
    out: mpsc::Sender<Message>,
    ended: CancellationToken,
    /// By the page's id.
    running: HashMap<String, CancellationToken>,
    /// The page's id of each task.
    names: HashMap<tokio::task::Id, String>,
    tasks: JoinSet<()>,
}

impl Conversation {
    /// Until the page closes, falls silent, breaks the protocol, or shutdown.
    async fn read(&mut self, mut stream: SplitStream<WebSocket>) {
        let hello = Hello::new(&self.site.desk.catalogue(), &self.site.limits);
        self.send(&Reply::Hello(hello)).await;
        let mut ping = interval(self.site.limits.heartbeat);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                message = stream.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.hear(&text).await,
                        Some(Ok(Message::Binary(_))) => {
                            self.send(&Reply::error(None, "binary messages mean nothing here", "")).await;
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return,
                        Some(Err(error)) => return debug!(%error, "console socket"),
                    }
                }
                Some(task) = self.tasks.join_next_with_id() => self.done(task).await,
                _ = ping.tick() => {
                    // A full queue already shows whether the page is alive.
                    let _ = self.out.try_send(Message::Ping(axum::body::Bytes::new()));
                    let _ = text(&Reply::Beat {}).map(|beat| self.out.try_send(beat));
                }
                () = sleep_until(heard + self.site.limits.silence) => {
                    return debug!("a console fell silent and was dropped");
                }
                () = self.ended.cancelled() => return,
                () = self.site.shutdown.cancelled() => {
                    // Questions end as cancelled and are still answered, as far as time allows.
                    self.running.values().for_each(CancellationToken::cancel);
                    let until = Instant::now() + self.site.limits.drain;
                    while let Ok(Some(task)) = timeout_at(until, self.tasks.join_next_with_id()).await {
                        self.done(task).await;
                    }
                    let farewell = CloseFrame { code: close_code::AWAY, reason: "nocbot is being stopped".into() };
                    let _ = self.out.try_send(Message::Close(Some(farewell)));
                    return;
                }
            }
        }
    }

    /// Cancels what is still running and waits a little for it.
    async fn finish(&mut self) {
        self.ended.cancel();
        let until = Instant::now() + self.site.limits.drain;
        while let Ok(Some(_)) = timeout_at(until, self.tasks.join_next()).await {}
        self.tasks.shutdown().await;
    }

    async fn hear(&mut self, text: &str) {
        let most = self.site.limits.message;
        if text.len() > most {
            let id = serde_json::from_str(text).ok().and_then(|request| match request {
                Request::Ask { id, .. } if id.len() <= ID => Some(id),
                _ => None,
            });
            let message = format!("the message has {} bytes, and {most} are the most", text.len());
            return self.send(&Reply::error(id, message, "ask for less at a time")).await;
        }
        match serde_json::from_str(text) {
            Ok(Request::Ask { id, .. } | Request::Cancel { id } | Request::Complete { id, .. })
                if id.is_empty() || id.len() > ID =>
            {
                self.send(&Reply::error(None, format!("an id has 1 to {ID} bytes"), "")).await;
            }
            Ok(Request::Ask { id, text }) => self.ask(id, text).await,
            Ok(Request::Cancel { id }) => {
                // It may have been answered while the page's message was on its way.
                self.running.get(&id).into_iter().for_each(CancellationToken::cancel);
            }
            Ok(Request::Complete { id, text }) => {
                let items = self.site.desk.complete(&text);
                self.send(&Reply::completions(id, &text, items)).await;
            }
            Err(error) => {
                let hint = "this is a fault of the page; load it again";
                self.send(&Reply::error(None, format!("not a message of the console: {error}"), hint)).await;
            }
        }
    }

    async fn ask(&mut self, id: String, text: String) {
        if self.running.contains_key(&id) {
            let message = format!("a question `{id}` is already in flight");
            return self.send(&Reply::error(None, message, "")).await;
        }
        let most = self.site.limits.questions;
        if self.running.len() >= most {
            let message = format!("{most} questions are already in flight");
            return self.send(&Reply::error(Some(id), message, "wait for one of them, or cancel one")).await;
        }
        let who = Who { way: "console".into(), id: self.peer.to_string(), name: "console".into() };
        let incoming = Incoming { who, place: format!("console:{}", self.peer), text };
        let cancel = self.ended.child_token();
        let work = question(Arc::clone(&self.site), incoming, id.clone(), self.out.clone(), cancel.clone());
        let task = self.tasks.spawn(work);
        self.names.insert(task.id(), id.clone());
        self.running.insert(id, cancel);
    }

    /// Forgets a question; one that ended by a fault of ours still gets its `error`.
    async fn done(&mut self, task: Result<(tokio::task::Id, ()), tokio::task::JoinError>) {
        let (task, broken) = match task {
            Ok((task, ())) => (task, false),
            Err(error) => (error.id(), true),
        };
        let Some(id) = self.names.remove(&task) else { return };
        self.running.remove(&id);
        if broken {
            let hint = "the log says more; please report it";
            self.send(&Reply::error(Some(id), "the question met a fault of nocbot itself", hint)).await;
        }
    }

    async fn send(&self, reply: &Reply) {
        send(&self.out, reply).await;
    }
}

/// One question, from its `ask` to its `answer`.
async fn question(
    site: Arc<Site>,
    incoming: Incoming,
    id: String,
    out: mpsc::Sender<Message>,
    cancel: CancellationToken,
) {
    let (tell, mut told) = watch::channel(Progress::default());
    let mut answer = site.desk.answer(incoming, tell, cancel);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut more = true;
    let answer = loop {
        let news = async {
            pace.tick().await;
            told.changed().await
        };
        tokio::select! {
            answer = &mut answer => break answer,
            news = news, if more => match news {
                Ok(()) => {
                    let progress = told.borrow_and_update().clone();
                    // Left out when the page is slow: the next one stands for it.
                    if let (Ok(room), Some(message)) = (out.try_reserve(), text(&Reply::Progress { id: id.clone(), progress })) {
                        room.send(message);
                    }
                }
                Err(_) => more = false,
            },
        }
    };
    send(&out, &Reply::answer(id, answer)).await;
}

/// Waits for room in the queue; the writer either makes some or ends the conversation.
async fn send(out: &mpsc::Sender<Message>, reply: &Reply) {
    if let Some(message) = text(reply) {
        let _ = out.send(message).await;
    }
}

fn text(reply: &Reply) -> Option<Message> {
    serde_json::to_string(reply)
        .inspect_err(|error| warn!(%error, "a reply cannot be written as JSON"))
        .ok()
        .map(|json| Message::Text(json.into()))
}
