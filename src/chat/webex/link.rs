//! The Mercury link of a registered device.
//!
//! ```text
//!   login ─► device: known, reused by name, or registered ─► WebSocket ─► authorization ─► ready
//!               ▲ 404 at the handshake: the device is gone        │ ping every 15 s, pong within 14 s
//!               └──────────────────────────────────────────────── ┘
//! ```

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::wire::{self, Frame as Mercury};
use super::{CATALOG, Webex, text};
use crate::chat::Desk;
use crate::chat::link::socket::Unopened;
use crate::chat::link::{Backoff, Frame, Socket, Trouble};
use crate::secret::Secret;

const MOST: Duration = Duration::from_secs(32);
/// After wrong credentials, or where another instance has taken the device over.
const LOGIN: Duration = Duration::from_mins(1);
const REPLACED: Duration = Duration::from_mins(5);
const READY: Duration = Duration::from_secs(15);
const PING: Duration = Duration::from_secs(15);
const PONG: Duration = Duration::from_secs(14);
/// The name by which our device is found again.
const DEVICE: &str = "nocbot";

/// How a link ended.
enum End {
    Trouble(Trouble),
    /// The device is unknown: it is registered anew.
    Gone,
    /// Another link of the same device was opened.
    Replaced,
}

pub(super) async fn run(webex: Arc<Webex>, desk: Arc<Desk>, stop: CancellationToken) {
    let mut backoff = Backoff::new(MOST);
    loop {
        let end = tokio::select! {
            end = hold(&webex, &desk, &mut backoff, &stop) => end,
            () = stop.cancelled() => break,
        };
        if stop.is_cancelled() {
            break;
        }
        let (why, wait) = match end {
            End::Trouble(Trouble::Login(why)) => (why, LOGIN),
            End::Trouble(Trouble::Wait(wait)) => ("asked to wait".to_owned(), wait),
            End::Trouble(trouble) => (trouble.to_string(), backoff.wait()),
            End::Gone => {
                *webex.device.lock().unwrap_or_else(PoisonError::into_inner) = None;
                ("the device is no longer registered".to_owned(), backoff.wait())
            }
            End::Replaced => {
                ("another nocbot has taken this device over; give it a token of its own".to_owned(), REPLACED)
            }
        };
        tracing::warn!(%why, "no link to webex");
        webex.board.down("webex", why);
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => break,
        }
    }
}

/// The device, as it was registered before or anew.
pub(super) async fn device(webex: &Webex) -> Result<(String, String), Trouble> {
    let known = webex.device.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(known) = known {
        return Ok(known);
    }
    let wdm = if let Some(url) = &webex.settings.wdm_url {
        url.clone()
    } else {
        let catalog = webex.get(CATALOG).await?;
        let wdm = catalog.pointer("/serviceLinks/wdm").and_then(Value::as_str);
        wdm.ok_or_else(|| Trouble::unsent("the catalog names no registration service"))?.to_owned()
    };
    let wdm = wdm.trim_end_matches('/').to_owned();
    let body = json!({
        "deviceName": DEVICE, "name": DEVICE, "deviceType": "DESKTOP", "model": "nocbot",
        "localizedModel": "nocbot", "systemName": DEVICE, "systemVersion": env!("CARGO_PKG_VERSION"),
    });
    // Devices that are registered again and again pile up until no more are given.
    let list = match webex.get(&format!("{wdm}/devices")).await {
        Ok(list) => list,
        Err(Trouble::Refused(_)) => Value::Null,
        Err(trouble) => return Err(trouble),
    };
    let devices = list.get("devices").and_then(Value::as_array).cloned().unwrap_or_default();
    let ours =
        devices.iter().find(|device| text(device, "name") == DEVICE && !text(device, "url").is_empty());
    let refreshed = match ours {
        Some(ours) => match webex.send(Method::PUT, &text(ours, "url"), &body).await {
            Ok(device) => Some(device),
            Err(Trouble::Refused(_)) => None,
            Err(trouble) => return Err(trouble),
        },
        None => None,
    };
    let device = match refreshed {
        Some(device) => device,
        None => webex.send(Method::POST, &format!("{wdm}/devices"), &body).await?,
    };
    let found = (text(&device, "url"), text(&device, "webSocketUrl"));
    if found.1.is_empty() {
        return Err(Trouble::unsent("the registered device has no WebSocket"));
    }
    *webex.device.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
    Ok(found)
}

async fn hold(webex: &Arc<Webex>, desk: &Arc<Desk>, backoff: &mut Backoff, stop: &CancellationToken) -> End {
    let mut socket = match open(webex).await {
        Ok(socket) => socket,
        Err(end) => return end,
    };
    let end = read(webex, desk, backoff, stop, &mut socket).await;
    socket.close().await;
    end
}

async fn open(webex: &Webex) -> Result<Socket, End> {
    let token = webex.login().await.map_err(End::Trouble)?;
    let (_, address) = device(webex).await.map_err(End::Trouble)?;
    let joint = if address.contains('?') { '&' } else { '?' };
    let uri = format!("{address}{joint}outboundWireFormat=text&bufferStates=true&aliasHttpStatus=true");
    let uri =
        uri.parse().map_err(|_| End::Trouble(Trouble::unsent("the device's WebSocket cannot be used")))?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer(&token).map_err(End::Trouble)?);
    let socket = match Socket::open(&webex.settings.net, &uri, headers).await {
        Ok(socket) => socket,
        Err(Unopened::Status(404, _)) => return Err(End::Gone),
        Err(Unopened::Status(401, _)) => {
            return Err(End::Trouble(Trouble::Login("webex does not take the token".into())));
        }
        Err(Unopened::Status(429, wait)) => return Err(End::Trouble(Trouble::Wait(wait.unwrap_or(PING)))),
        Err(Unopened::Status(status, _)) => {
            return Err(End::Trouble(Trouble::unsent(format!("webex refused the WebSocket with {status}"))));
        }
        Err(Unopened::Trouble(trouble)) => return Err(End::Trouble(trouble)),
    };
    let authorization = json!({
        "id": uuid(), "type": "authorization", "data": {"token": format!("Bearer {}", token.expose())},
        "trackingId": format!("nocbot_{}", jiff::Timestamp::now().as_millisecond()),
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
    backoff: &mut Backoff,
    stop: &CancellationToken,
    socket: &mut Socket,
) -> End {
    let ready = async {
        loop {
            match socket.next().await {
                Frame::Text(frame) => {
                    if let Some(answer) = take(webex, desk, &frame).await {
                        let _ = socket.sender().text(answer).await;
                    }
                    if matches!(wire::read(&frame), Mercury::Ready { .. }) {
                        return Ok(());
                    }
                }
                Frame::Closed(code, why) => return Err(ended(code, why)),
            }
        }
    };
    match timeout(READY, ready).await {
        Ok(Ok(())) => {}
        Ok(Err(end)) => return end,
        Err(_) => return End::Trouble(Trouble::unsent("webex did not say that the link is up")),
    }
    backoff.reset();
    webex.board.up("webex");
    let mut ticks = interval(PING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pinged: Option<(String, Instant)> = None;
    let mut number: Option<u64> = None;
    loop {
        let due = pinged.as_ref().map(|(_, at)| *at + PONG);
        let frame = tokio::select! {
            frame = socket.next() => frame,
            _ = ticks.tick(), if pinged.is_none() => {
                let id = uuid();
                if let Err(trouble) = socket.sender().text(json!({"id": id, "type": "ping"}).to_string()).await {
                    return End::Trouble(trouble);
                }
                pinged = Some((id, Instant::now()));
                continue;
            }
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                return End::Trouble(Trouble::unsent("webex did not answer a ping within 14 s"));
            }
            () = stop.cancelled() => return End::Trouble(Trouble::unsent("stopped")),
        };
        let frame = match frame {
            Frame::Text(frame) => frame,
            Frame::Closed(code, why) => return ended(code, why),
        };
        match wire::read(&frame) {
            Mercury::Pong(id) => {
                if pinged.as_ref().is_some_and(|(sent, _)| *sent == id) {
                    pinged = None;
                }
            }
            Mercury::Event { number: now, .. } => {
                if let (Some(before), Some(now)) = (number, now)
                    && now > before + 1
                {
                    // What is missing may come after a reconnect, and what came twice is known by its id.
                    tracing::warn!(before, now, "webex skipped events");
                }
                number = now.or(number);
            }
            Mercury::Ready { .. } | Mercury::Other => {}
        }
        if let Some(answer) = take(webex, desk, &frame).await
            && let Err(trouble) = socket.sender().text(answer).await
        {
            return End::Trouble(trouble);
        }
    }
}

/// Accepts what a frame asks; gives its confirmation.
async fn take(webex: &Arc<Webex>, desk: &Arc<Desk>, frame: &str) -> Option<String> {
    let (id, asked) = match wire::read(frame) {
        Mercury::Ready { id } => (id, None),
        Mercury::Event { id, asked, .. } => (id, asked),
        Mercury::Pong(_) | Mercury::Other => return None,
    };
    if let Some(asked) = asked
        && let Err(error) = desk.accept(webex, *asked).await
    {
        tracing::error!(%error, "a question could not be accepted");
        return None;
    }
    webex.board.event("webex");
    id.map(|id| json!({"type": "ack", "messageId": id}).to_string())
}

fn ended(code: Option<u16>, why: String) -> End {
    match code {
        Some(4000) => End::Replaced,
        Some(4401 | 1008) => End::Trouble(Trouble::unsent(format!("webex wants a new login: {why}"))),
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
