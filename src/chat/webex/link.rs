//! The Mercury link of a registered device.
//!
//! ```text
//!   login ─► device: known, reused by name, or registered ─► WebSocket ─► authorization ─► ready
//!               ▲ 404 at the handshake: the device is gone        │ ping every 15 s, pong within 14 s
//!               └──────────────────────────────────────────────── ┘
//!   event ─► queue ─► store ─► ack         (the reader itself waits for nothing but the link)
//! ```

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::wire::{self, What};
use super::{Webex, missed};
use crate::chat::intake::Intake;
use crate::chat::link::socket::Unopened;
use crate::chat::link::{Backoff, Frame, Socket, Trouble};
use crate::chat::since::now;
use crate::chat::{Connector as _, Desk};
use crate::secret::Secret;

const MOST: Duration = Duration::from_secs(32);
/// After wrong credentials.
const LOGIN: Duration = Duration::from_mins(1);
/// Where another instance has taken the device over: it is looked ever more seldom whether it still runs.
const REPLACED: Duration = Duration::from_mins(5);
const REPLACED_MOST: Duration = Duration::from_hours(1);
const READY: Duration = Duration::from_secs(15);
const PING: Duration = Duration::from_secs(15);
const PONG: Duration = Duration::from_secs(14);
/// So often the platform is told that the device is in use.
const REFRESH: Duration = Duration::from_hours(1);

/// How a link ended.
enum End {
    Trouble(Trouble),
    /// The token is not accepted by the link; REST says whether it is wrong.
    Token(String),
    /// The device is unknown: it is registered anew.
    Gone,
    /// Another link of the same device was opened.
    Replaced,
}

pub(super) async fn run(webex: Arc<Webex>, desk: Arc<Desk>, stop: CancellationToken) {
    webex.since.load(desk.store(), webex.name()).await;
    let intake = Intake::start(Arc::clone(&webex), Arc::clone(&desk), stop.clone());
    let looking = {
        let (webex, desk, stop) = (Arc::clone(&webex), Arc::clone(&desk), stop.clone());
        async move {
            let look = |from| Box::pin(missed::look_back(&webex, &desk, from)) as _;
            webex.since.keep(desk.store(), webex.name(), &stop, look).await;
        }
    };
    tokio::spawn(looking);
    let mut backoff = Backoff::new(MOST);
    let mut replaced = REPLACED;
    loop {
        let Some(end) = stop.run_until_cancelled(hold(&webex, &desk, &intake, &mut backoff)).await else {
            break;
        };
        let (why, wait) = match end {
            End::Trouble(Trouble::Login(why)) => (why, LOGIN),
            End::Trouble(Trouble::Wait(wait)) => ("asked to wait".to_owned(), wait),
            End::Trouble(trouble) => (trouble.to_string(), backoff.wait()),
            End::Token(why) => {
                webex.forget();
                (why, backoff.wait())
            }
            End::Gone => {
                webex.gone();
                ("the device is no longer registered".to_owned(), backoff.wait())
            }
            End::Replaced => {
                let wait = replaced;
                replaced = (replaced * 2).min(REPLACED_MOST);
                ("another nocbot has taken this device over; give it a token of its own".to_owned(), wait)
            }
        };
        tracing::warn!(%why, "no link to webex");
        webex.board.down("webex", why);
        if stop.run_until_cancelled(sleep(wait)).await.is_none() {
            break;
        }
    }
}

async fn hold(webex: &Arc<Webex>, desk: &Arc<Desk>, intake: &Intake, backoff: &mut Backoff) -> End {
    let mut socket = match open(webex).await {
        Ok(socket) => socket,
        Err(end) => return end,
    };
    let end = tokio::select! {
        end = read(webex, desk, intake, backoff, &mut socket) => end,
        () = refresh(webex) => End::Gone,
    };
    socket.close().await;
    end
}

/// Tells now and then that the device is in use; ends when it is not known any more.
async fn refresh(webex: &Webex) {
    loop {
        sleep(REFRESH).await;
        match webex.refresh().await {
            Ok(true) => {}
            Ok(false) => return,
            Err(trouble) => tracing::warn!(%trouble, "the device was not refreshed"),
        }
    }
}

async fn open(webex: &Webex) -> Result<Socket, End> {
    let token = webex.login().await.map_err(End::Trouble)?;
    let address = webex.device().await.map_err(End::Trouble)?.socket;
    let joint = if address.contains('?') { '&' } else { '?' };
    let uri = format!("{address}{joint}outboundWireFormat=text&bufferStates=true&aliasHttpStatus=true");
    let uri =
        uri.parse().map_err(|_| End::Trouble(Trouble::unsent("the device's WebSocket cannot be used")))?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer(&token).map_err(End::Trouble)?);
    let socket = match Socket::open(&webex.settings.net, &uri, headers).await {
        Ok(socket) => socket,
        Err(Unopened::Status(404, _)) => return Err(End::Gone),
        Err(Unopened::Status(401 | 403, _)) => {
            return Err(End::Token("webex does not take the token for its WebSocket".into()));
        }
        // Whoever names a time is given it, busy servers too.
        Err(Unopened::Status(_, Some(wait))) => return Err(End::Trouble(Trouble::Wait(wait))),
        Err(Unopened::Status(429, None)) => return Err(End::Trouble(Trouble::Wait(PING))),
        Err(Unopened::Status(status, None)) => {
            return Err(End::Trouble(Trouble::unsent(format!("webex refused the WebSocket with {status}"))));
        }
        Err(Unopened::Trouble(trouble)) => return Err(End::Trouble(trouble)),
    };
    let authorization = json!({
        "id": uuid(), "type": "authorization", "data": {"token": format!("Bearer {}", token.expose())},
        "trackingId": format!("nocbot_{}", now()),
    });
    socket.sender().text(authorization.to_string()).await.map_err(End::Trouble)?;
    Ok(socket)
}

fn bearer(token: &Secret) -> Result<HeaderValue, Trouble> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| Trouble::Login("the token has characters that no header may hold".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

async fn read(
    webex: &Arc<Webex>,
    desk: &Arc<Desk>,
    intake: &Intake,
    backoff: &mut Backoff,
    socket: &mut Socket,
) -> End {
    let started = Instant::now();
    let mut up = false;
    let mut ticks = interval(PING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pinged: Option<(String, Instant)> = None;
    let mut number: Option<u64> = None;
    loop {
        let due = match &pinged {
            _ if !up => Some(started + READY),
            Some((_, at)) => Some(*at + PONG),
            None => None,
        };
        let frame = tokio::select! {
            frame = socket.next() => frame,
            _ = ticks.tick(), if up && pinged.is_none() => {
                let id = uuid();
                if let Err(trouble) = socket.sender().text(json!({"id": id, "type": "ping"}).to_string()).await {
                    return End::Trouble(trouble);
                }
                pinged = Some((id, Instant::now()));
                continue;
            }
            () = sleep_until(due.unwrap_or(started)), if due.is_some() => {
                let why = if up {
                    "webex did not answer a ping within 14 s"
                } else {
                    "webex did not say that the link is up"
                };
                return End::Trouble(Trouble::unsent(why));
            }
        };
        let frame = match frame {
            Frame::Text(frame) => frame,
            Frame::Closed(code, why) => return ended(code, why),
        };
        let Some(heard) = wire::read(&frame) else { continue };
        if let What::Pong = heard.what {
            if pinged.as_ref().is_some_and(|(sent, _)| Some(sent) == heard.id.as_ref()) {
                pinged = None;
            }
            continue;
        }
        if !up && heard.what != What::Other {
            up = true;
            ticks.reset_immediately();
            backoff.reset();
            webex.board.up("webex");
            // The platform sends again for a short while only what came meanwhile.
            webex.since.look_back();
        }
        if let (Some(before), Some(now)) = (number, heard.number)
            && now > before + 1
        {
            tracing::warn!(before, now, "webex skipped events");
            webex.since.look_back();
        }
        number = heard.number.or(number);
        webex.board.event("webex");
        let ack = heard.id.map(|id| json!({"type": "ack", "messageId": id}).to_string());
        if let What::Asked(asked) = heard.what {
            let (webex, desk, sender) = (Arc::clone(webex), Arc::clone(desk), socket.sender());
            let at = heard.at.unwrap_or_else(now);
            let taken = async move {
                if let Some(ack) = ack {
                    // Over an ended link it is not confirmed; it comes again and is known then.
                    let _ = sender.text(ack).await;
                }
                webex.since.heard(desk.store(), webex.name(), at).await;
            };
            if !intake.offer(*asked, Box::pin(taken)) {
                return End::Trouble(Trouble::unsent("too many questions wait for the store"));
            }
            continue;
        }
        if let What::Own(own) = heard.what {
            let (webex, sender) = (Arc::clone(webex), socket.sender());
            tokio::spawn(async move {
                webex.echoes.heard(own).await;
                // Confirmed only now: else a run that ends here would know of it, and the next one not.
                if let Some(ack) = ack {
                    let _ = sender.text(ack).await;
                }
            });
            continue;
        }
        if let Some(ack) = ack
            && let Err(trouble) = socket.sender().text(ack).await
        {
            return End::Trouble(trouble);
        }
    }
}

fn ended(code: Option<u16>, why: String) -> End {
    match code {
        Some(4000) => End::Replaced,
        Some(4401 | 1008) => End::Token(format!("webex wants a new login: {why}")),
        Some(4403) => End::Trouble(Trouble::Login(format!("webex refuses this account: {why}"))),
        _ => End::Trouble(Trouble::unsent(why)),
    }
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    // Only told apart by the other end; without random numbers there is no TLS anyway.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    let mut number = u128::from_be_bytes(bytes);
    number = number & !(0xf << 76) | (4 << 76);
    number = number & !(0x3 << 62) | (2 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
