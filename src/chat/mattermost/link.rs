//! The WebSocket link, resumed after a cut: the server sends again what was missed, if it still knows.
//!
//! ```text
//!   connect(connection_id, next seq) ─► resumed: events go on where they stopped
//!                                    └► hello with a new id: catch up by REST, keys keep doubles out
//! ```

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::wire::{self, Own};
use super::{Mattermost, text};
use crate::chat::link::rest::encode;
use crate::chat::link::socket::Unopened;
use crate::chat::link::{Backoff, Frame, Socket, Trouble};
use crate::chat::{Connector as _, Desk};

const MOST: Duration = Duration::from_secs(30);
/// After wrong credentials.
const LOGIN: Duration = Duration::from_mins(1);
/// For the hello, or the answer to our ping on a resumed link.
const HELLO: Duration = Duration::from_secs(10);
/// How far back questions are still answered that were asked while nobody listened.
const BACK: i64 = 15 * 60 * 1000;
/// Channels that are looked through then.
const CHANNELS: usize = 200;

/// Where a link can be taken up again.
#[derive(Debug, Default)]
struct Resume {
    connection: String,
    /// The number of the next event.
    next: u64,
}

pub(super) async fn run(mattermost: Arc<Mattermost>, desk: Arc<Desk>, stop: CancellationToken) {
    let mut backoff = Backoff::new(MOST);
    let mut resume = Resume::default();
    loop {
        let ended = tokio::select! {
            ended = hold(&mattermost, &desk, &mut resume, &mut backoff, &stop) => ended,
            () = stop.cancelled() => break,
        };
        if stop.is_cancelled() {
            break;
        }
        let wait = match &ended {
            Trouble::Login(_) => LOGIN,
            Trouble::Wait(wait) => *wait,
            _ => backoff.wait(),
        };
        tracing::warn!(%ended, "no link to mattermost");
        mattermost.board.down("mattermost", ended.to_string());
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => break,
        }
    }
}

/// One link, from its opening to its end; gives the reason.
async fn hold(
    mattermost: &Arc<Mattermost>,
    desk: &Arc<Desk>,
    resume: &mut Resume,
    backoff: &mut Backoff,
    stop: &CancellationToken,
) -> Trouble {
    let mut socket = match open(mattermost, resume).await {
        Ok(socket) => socket,
        Err(trouble) => return trouble,
    };
    let ended = read(mattermost, desk, resume, backoff, stop, &mut socket).await;
    socket.close().await;
    ended
}

async fn open(mattermost: &Mattermost, resume: &Resume) -> Result<Socket, Trouble> {
    let token = mattermost.login().await?;
    let base = mattermost.settings.url.trim_end_matches('/').replacen("http", "ws", 1);
    let next = resume.next.to_string();
    let query = encode(&[("connection_id", resume.connection.as_str()), ("sequence_number", &next)]);
    let uri = format!("{base}/api/v4/websocket?{query}");
    let uri = uri.parse().map_err(|_| Trouble::Refused("the server's address cannot be used".into()))?;
    let mut headers = HeaderMap::new();
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| Trouble::Login("the token has characters that no header may hold".into()))?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Socket::open(&mattermost.settings.net, &uri, headers).await.map_err(|unopened| match unopened {
        Unopened::Status(401, _) => Trouble::Login("mattermost does not take the token".into()),
        Unopened::Status(429, wait) => Trouble::Wait(wait.unwrap_or(Duration::from_secs(15))),
        Unopened::Status(status, _) => {
            Trouble::unsent(format!("mattermost refused the WebSocket with {status}"))
        }
        Unopened::Trouble(trouble) => trouble,
    })
}

async fn read(
    mattermost: &Arc<Mattermost>,
    desk: &Arc<Desk>,
    resume: &mut Resume,
    backoff: &mut Backoff,
    stop: &CancellationToken,
    socket: &mut Socket,
) -> Trouble {
    let identity = mattermost.identity();
    let own = Own { id: &identity.id, name: &identity.name, team: identity.team.as_deref() };
    // A resumed link says no hello; the answer to this says that it lives.
    if let Err(trouble) = socket.sender().text(json!({"action": "ping", "seq": 1}).to_string()).await {
        return trouble;
    }
    let mut up = false;
    loop {
        let frame = tokio::select! {
            frame = timeout(if up { MOST * 100 } else { HELLO }, socket.next()) => frame,
            () = stop.cancelled() => return Trouble::unsent("stopped"),
        };
        let frame = match frame {
            Ok(Frame::Text(frame)) => wire::read(&frame),
            Ok(Frame::Closed(_, why)) => return Trouble::unsent(why),
            Err(_) => return Trouble::unsent("mattermost said no hello within 10 s"),
        };
        let first = !up;
        match frame {
            wire::Frame::Event { name, data, seq } if name == "hello" => {
                let connection = text(&data, "connection_id");
                let new = connection != resume.connection;
                *resume = Resume { connection, next: seq + 1 };
                up = true;
                if new {
                    // What happened while nobody listened; the link is read meanwhile.
                    let (mattermost, desk) = (Arc::clone(mattermost), Arc::clone(desk));
                    let stop = stop.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = catch_up(&mattermost, &desk) => {}
                            () = stop.cancelled() => {}
                        }
                    });
                }
            }
            wire::Frame::Event { name, data, seq } => {
                if seq != resume.next {
                    return Trouble::unsent(format!("event {seq} came where {} was due", resume.next));
                }
                up = true;
                if name == "posted"
                    && let Some(asked) = wire::posted(&data, own)
                {
                    let at = created(&data);
                    if let Err(error) = desk.accept(mattermost, asked).await {
                        // The number is not counted: after a reconnect the server sends the event again.
                        tracing::error!(%error, "a question could not be accepted");
                        return Trouble::unsent("the store does not write");
                    }
                    let _ = desk.store().set_note(mattermost.name(), "since", at.to_string()).await;
                }
                resume.next = seq + 1;
                mattermost.board.event("mattermost");
            }
            wire::Frame::Reply { ok: true } => up = true,
            wire::Frame::Reply { ok: false } | wire::Frame::Other => {}
        }
        if first && up {
            backoff.reset();
            mattermost.board.up("mattermost");
        }
    }
}

fn created(data: &Value) -> i64 {
    let post = data.get("post").and_then(Value::as_str).unwrap_or_default();
    let post: Value = serde_json::from_str(post).unwrap_or_default();
    post.get("create_at").and_then(Value::as_i64).unwrap_or_else(now)
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Looks through the posts since the last question, for those that came while the link was down.
async fn catch_up(mattermost: &Arc<Mattermost>, desk: &Arc<Desk>) {
    let since = match desk.store().note(mattermost.name(), "since").await {
        Ok(Some(since)) => since.parse::<i64>().unwrap_or_else(|_| now()).max(now() - BACK),
        // The first start: nothing was missed.
        Ok(None) => {
            let _ = desk.store().set_note(mattermost.name(), "since", now().to_string()).await;
            return;
        }
        Err(_) => return,
    };
    if let Err(trouble) = look_back(mattermost, desk, since).await {
        tracing::warn!(%trouble, "what was asked while mattermost was away could not be looked up");
    }
}

async fn look_back(mattermost: &Arc<Mattermost>, desk: &Arc<Desk>, since: i64) -> Result<(), Trouble> {
    let identity = mattermost.identity();
    let own = Own { id: &identity.id, name: &identity.name, team: identity.team.as_deref() };
    let channels = mattermost.get("/users/me/channels").await?;
    let recent = channels.as_array().into_iter().flatten().filter(|channel| {
        let last = channel.get("last_post_at").and_then(Value::as_i64).unwrap_or(i64::MAX);
        let team = text(channel, "team_id");
        last >= since && own.team.is_none_or(|own| team.is_empty() || team == own)
    });
    for channel in recent.take(CHANNELS) {
        let path = format!("/channels/{}/posts?since={since}", text(channel, "id"));
        let list = mattermost.get(&path).await?;
        let posts = list.get("posts").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut posts: Vec<Value> = posts.into_iter().map(|(_, post)| post).collect();
        posts.retain(|post| post.get("create_at").and_then(Value::as_i64).unwrap_or(0) >= since);
        posts.sort_by_key(|post| post.get("create_at").and_then(Value::as_i64).unwrap_or(0));
        for post in posts {
            let mentioned = wire::without_mention(&text(&post, "message"), own.name).0;
            let asked = wire::question(&post, &text(channel, "type"), mentioned, "", own);
            if let Some(asked) = asked
                && let Err(error) = desk.accept(mattermost, asked).await
            {
                tracing::error!(%error, "a question could not be accepted");
            }
        }
    }
    Ok(())
}
