//! The WebSocket link, resumed after a cut: the server sends again what was missed, if it still knows.
//!
//! ```text
//!   connect(connection_id, next seq) ─► resumed: events go on where they stopped
//!                                    └► hello with a new id: look back by REST, keys keep doubles out
//!   posted ─► queue ─► store        (the reader itself waits for nothing but the link)
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::wire::{self, Own};
use super::{CHANNELS, Mattermost, text};
use crate::chat::intake::Intake;
use crate::chat::link::rest::encode;
use crate::chat::link::socket::Unopened;
use crate::chat::link::{Backoff, Frame, Socket, Trouble};
use crate::chat::since::now;
use crate::chat::{Connector as _, Desk};

const MOST: Duration = Duration::from_secs(30);
/// After wrong credentials.
const LOGIN: Duration = Duration::from_mins(1);
/// For the hello, or the answer to our ping on a resumed link.
const HELLO: Duration = Duration::from_secs(10);
/// Between two of our pings: they are answered by the server itself, not only by its proxy.
const PING: Duration = Duration::from_secs(30);
/// So often a link may be taken up again without a single new event; then it begins afresh.
const STUCK: usize = 2;

/// Where a link can be taken up again.
#[derive(Debug, Default)]
struct Resume {
    connection: String,
    /// The number of the next event.
    next: u64,
    /// How often it was taken up without getting any further: what comes next may be what breaks it.
    stuck: usize,
}

/// How far one link came.
#[derive(Debug, Default, PartialEq, Eq)]
enum Came {
    /// It was not opened.
    #[default]
    Nowhere,
    /// It was opened, and ended before the server's hello.
    Opened,
    /// It was in use.
    Up,
}

pub(super) async fn run(mattermost: Arc<Mattermost>, desk: Arc<Desk>, stop: CancellationToken) {
    mattermost.since.load(desk.store(), mattermost.name()).await;
    let intake = Intake::start(Arc::clone(&mattermost), Arc::clone(&desk), stop.clone());
    let looking = {
        let (mattermost, desk, stop) = (Arc::clone(&mattermost), Arc::clone(&desk), stop.clone());
        async move {
            let look = |from| Box::pin(look_back(&mattermost, &desk, from)) as _;
            mattermost.since.keep(desk.store(), mattermost.name(), &stop, look).await;
        }
    };
    tokio::spawn(looking);
    let mut backoff = Backoff::new(MOST);
    let mut resume = Resume::default();
    loop {
        let before = resume.next;
        let mut came = Came::default();
        let link = hold(&mattermost, &desk, &intake, &mut resume, &mut backoff, &mut came);
        let Some(ended) = stop.run_until_cancelled(link).await else { break };
        mattermost.typist(None);
        if came != Came::Nowhere && resume.next == before {
            resume.stuck += 1;
            if resume.stuck >= STUCK {
                resume = Resume::default();
            }
        } else if resume.next != before {
            resume.stuck = 0;
        }
        if came == Came::Opened {
            // A wrong token is not told on the WebSocket: the server only hangs up. REST tells it.
            mattermost.forget();
        }
        let wait = match &ended {
            Trouble::Login(_) => LOGIN,
            Trouble::Wait(wait) => *wait,
            _ => backoff.wait(),
        };
        tracing::warn!(%ended, "no link to mattermost");
        mattermost.board.down("mattermost", ended.to_string());
        if stop.run_until_cancelled(sleep(wait)).await.is_none() {
            break;
        }
    }
}

/// One link, from its opening to its end; gives the reason.
async fn hold(
    mattermost: &Arc<Mattermost>,
    desk: &Arc<Desk>,
    intake: &Intake,
    resume: &mut Resume,
    backoff: &mut Backoff,
    came: &mut Came,
) -> Trouble {
    let mut socket = match open(mattermost, resume).await {
        Ok(socket) => socket,
        Err(trouble) => return trouble,
    };
    *came = Came::Opened;
    let ended = read(mattermost, desk, intake, resume, backoff, came, &mut socket).await;
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
        // Whoever names a time is given it, busy servers too.
        Unopened::Status(_, Some(wait)) => Trouble::Wait(wait),
        Unopened::Status(429, None) => Trouble::Wait(Duration::from_secs(15)),
        Unopened::Status(status, None) => {
            Trouble::unsent(format!("mattermost refused the WebSocket with {status}"))
        }
        Unopened::Trouble(trouble) => trouble,
    })
}

async fn read(
    mattermost: &Arc<Mattermost>,
    desk: &Arc<Desk>,
    intake: &Intake,
    resume: &mut Resume,
    backoff: &mut Backoff,
    came: &mut Came,
    socket: &mut Socket,
) -> Trouble {
    let identity = mattermost.identity();
    let own = Own { id: &identity.id, name: &identity.name, team: identity.team.as_deref() };
    // A resumed link says no hello; the answer to this says that it lives.
    let mut ping = 1;
    let mut answered = true;
    let mut due = Instant::now() + HELLO;
    mattermost.calls.store(ping, Ordering::SeqCst);
    if let Err(trouble) = socket.sender().text(request("ping", ping, &json!({}))).await {
        return trouble;
    }
    loop {
        let up = *came == Came::Up;
        let frame = match timeout_at(due, socket.next()).await {
            Ok(Frame::Text(frame)) => wire::read(&frame),
            Ok(Frame::Closed(_, why)) => return Trouble::unsent(why),
            Err(_) if !up => return Trouble::unsent("mattermost said no hello within 10 s"),
            Err(_) if !answered => return Trouble::unsent("mattermost did not answer a ping within 30 s"),
            Err(_) => {
                ping = mattermost.calls.fetch_add(1, Ordering::SeqCst) + 1;
                (answered, due) = (false, Instant::now() + PING);
                if let Err(trouble) = socket.sender().text(request("ping", ping, &json!({}))).await {
                    return trouble;
                }
                continue;
            }
        };
        match frame {
            wire::Frame::Event { name, data, seq } if name == "hello" => {
                let connection = text(&data, "connection_id");
                if connection != resume.connection {
                    // What happened while nobody listened; the link is read meanwhile.
                    mattermost.since.look_back();
                }
                *resume = Resume { connection, next: seq + 1, stuck: 0 };
                *came = Came::Up;
            }
            wire::Frame::Event { name, data, seq } => {
                if seq != resume.next {
                    return Trouble::unsent(format!("event {seq} came where {} was due", resume.next));
                }
                *came = Came::Up;
                if name == "posted"
                    && let Some(asked) = wire::posted(&data, own)
                {
                    mattermost.asked_in(&asked.place.channel, &text(&data, "channel_type"));
                    let (mattermost, desk, at) = (Arc::clone(mattermost), Arc::clone(desk), created(&data));
                    let taken = async move {
                        mattermost.since.heard(desk.store(), mattermost.name(), at).await;
                    };
                    if !intake.offer(asked, Box::pin(taken)) {
                        // The number is not counted: after a reconnect the server sends the event again.
                        return Trouble::unsent("too many questions wait for the store");
                    }
                }
                resume.next = seq + 1;
                mattermost.board.event("mattermost");
            }
            wire::Frame::Reply { ok, number } if number == ping => {
                if !ok {
                    return Trouble::unsent("mattermost does not know who we are");
                }
                answered = true;
                *came = Came::Up;
            }
            wire::Frame::Reply { .. } | wire::Frame::Other => {}
        }
        if !up && *came == Came::Up {
            due = Instant::now() + PING;
            backoff.reset();
            mattermost.typist(Some(socket.sender()));
            mattermost.board.up("mattermost");
        }
    }
}

/// Something that we ask of the server over the link.
pub(super) fn request(action: &str, number: u64, data: &Value) -> String {
    json!({"action": action, "seq": number, "data": data}).to_string()
}

fn created(data: &Value) -> i64 {
    let post = data.get("post").and_then(Value::as_str).unwrap_or_default();
    let post: Value = serde_json::from_str(post).unwrap_or_default();
    post.get("create_at").and_then(Value::as_i64).unwrap_or_else(now)
}

/// Looks through the posts from a time on, for questions that came while the link was down.
async fn look_back(mattermost: &Arc<Mattermost>, desk: &Arc<Desk>, from: i64) -> Result<(), Trouble> {
    let identity = mattermost.identity();
    let own = Own { id: &identity.id, name: &identity.name, team: identity.team.as_deref() };
    let channels = match mattermost.get("/users/me/channels").await {
        Err(Trouble::Refused(_)) => mattermost.known_channels(),
        channels => channels?,
    };
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_i64);
    let mut recent: Vec<&Value> = channels.as_array().into_iter().flatten().collect();
    recent.retain(|channel| {
        let team = text(channel, "team_id");
        number(channel, "last_post_at").unwrap_or(i64::MAX) >= from
            && own.team.is_none_or(|own| team.is_empty() || team == own)
    });
    recent.sort_by_key(|channel| std::cmp::Reverse(number(channel, "last_post_at")));
    for channel in recent.into_iter().take(CHANNELS) {
        let path = format!("/channels/{}/posts?since={from}", text(channel, "id"));
        let list = match mattermost.get(&path).await {
            // We are no longer a member.
            Err(Trouble::Refused(_)) => continue,
            list => list?,
        };
        let posts = list.get("posts").and_then(Value::as_object);
        let mut posts: Vec<&Value> = posts.into_iter().flatten().map(|(_, post)| post).collect();
        posts.retain(|post| number(post, "create_at").unwrap_or(0) >= from);
        posts.sort_by_key(|post| number(post, "create_at"));
        for post in posts {
            let mentioned = wire::without_mention(&text(post, "message"), own.name).0;
            let asked = wire::question(post, &text(channel, "type"), mentioned, "", own);
            if let Some(asked) = asked
                && let Err(error) = desk.accept(mattermost, asked).await
            {
                return Err(Trouble::unsent(error.to_string()));
            }
        }
    }
    Ok(())
}
