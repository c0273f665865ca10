//! The link: a session is resumed after a cut; where that is not possible, a new one begins and what was
//! missed is read from the archives.
//!
//! ```text
//!   open ─► resume ─► resumed: both sides send again what the other has not confirmed
//!               └───► failed: bind ─► presence, rooms ─► archives (archive.rs)
//!   read: a stanza counts as handled when what it asks stands in the store
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::element::Element;
use super::reader::Reader;
use super::stream::{End, FRAMING, Resumed, Stream};
use super::{Xmpp, domain, lock};
use crate::chat::link::{Backoff, Frame, Socket, Trouble};
use crate::chat::{Connector as _, Desk};

const MOST: Duration = Duration::from_secs(30);
/// After a wrong password, or when somebody else has our place.
const LOGIN: Duration = Duration::from_mins(1);
/// A session that could not be taken up for so long is given up.
const FORGET: Duration = Duration::from_mins(10);
/// How often we look after ourselves.
const TICK: Duration = Duration::from_secs(1);
/// Between two questions to the server whether it has everything; its answer shows that it is there.
const ASK: u32 = 5;
/// Stanzas that are confirmed to the server without being asked.
const CONFIRM: u32 = 50;
/// Addresses to which servers send us on, one after the other.
const HOPS: usize = 3;

/// What survives a link.
#[derive(Debug, Default)]
struct Session {
    /// The name to resume by.
    id: Option<String>,
    /// Stanzas of the server that we have handled, modulo 2³².
    handled: u32,
    managed: bool,
    resource: Option<String>,
}

/// Why a link ended.
struct Ended {
    trouble: Trouble,
    /// Another instance has our place.
    conflict: bool,
    other: Option<String>,
}

impl Ended {
    fn by(why: impl Into<String>) -> Self {
        Self { trouble: Trouble::unsent(why), conflict: false, other: None }
    }
}

pub(super) async fn run(xmpp: Arc<Xmpp>, desk: Arc<Desk>, stop: CancellationToken) {
    let mut backoff = Backoff::new(MOST);
    let resource = resource(&xmpp, &desk).await;
    let mut session = Session { resource: Some(resource), ..Session::default() };
    let mut other: Option<String> = None;
    let mut hops = 0;
    let mut down = Instant::now();
    loop {
        let url = other.take().unwrap_or_else(|| xmpp.settings.url.clone());
        let opened = tokio::select! {
            opened = open(&xmpp, &desk, &mut session, &url, &mut other) => opened,
            () = stop.cancelled() => break,
        };
        let ended = match opened {
            Ok((socket, link, resumed)) => {
                backoff.reset();
                hops = 0;
                xmpp.board.up("xmpp");
                let ended = hold(&xmpp, &desk, &mut session, socket, link, resumed, &stop).await;
                xmpp.out.down();
                xmpp.listened();
                xmpp.remember(&desk).await;
                down = Instant::now();
                ended
            }
            Err(trouble) => Ended { trouble, conflict: false, other: other.take() },
        };
        if stop.is_cancelled() {
            break;
        }
        tracing::warn!(trouble = %ended.trouble, "no link to xmpp");
        xmpp.board.down("xmpp", ended.trouble.to_string());
        if ended.conflict {
            // Whoever took our place is not fought for it: the next session has another name.
            tracing::error!("another client has taken the resource of this one; is nocbot running twice?");
            session.resource = None;
        }
        if ended.conflict || session.id.is_none() || down.elapsed() > FORGET {
            give_up(&xmpp, &mut session, None);
        }
        if let Some(next) = ended.other.filter(|next| hops < HOPS && is_safe(next, &xmpp.settings.url)) {
            hops += 1;
            other = Some(next);
            continue;
        }
        let wait = match &ended.trouble {
            Trouble::Login(_) => LOGIN,
            Trouble::Wait(wait) => *wait,
            _ if ended.conflict => LOGIN,
            _ => backoff.wait(),
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => break,
        }
    }
}

/// The name of our session: the same after a restart, so that what is left of the session before ends with
/// the new one, and another for each installation.
async fn resource(xmpp: &Xmpp, desk: &Desk) -> String {
    if let Ok(Some(name)) = desk.store().note(xmpp.name(), "resource").await {
        return name;
    }
    let mut random = [0; 4];
    // Without random numbers there is no TLS either.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let name = format!("nocbot-{:08x}", u32::from_le_bytes(random));
    if let Err(error) = desk.store().set_note(xmpp.name(), "resource", name.clone()).await {
        tracing::warn!(%error, "the name of the xmpp session is not noted");
    }
    name
}

/// An address that is no worse than ours: never from TLS to none.
fn is_safe(next: &str, own: &str) -> bool {
    next.starts_with("wss://") || (next.starts_with("ws://") && own.starts_with("ws://"))
}

/// The session is lost. Whoever looks for an answer waits until the archives were read again.
fn give_up(xmpp: &Xmpp, session: &mut Session, h: Option<u32>) {
    (session.id, session.handled, session.managed) = (None, 0, false);
    xmpp.caught.send_modify(std::collections::HashSet::clear);
    xmpp.unanswered();
    xmpp.out.lose(h);
}

/// Opens a link; gives its number, and whether the session goes on.
async fn open(
    xmpp: &Arc<Xmpp>,
    desk: &Arc<Desk>,
    session: &mut Session,
    url: &str,
    other: &mut Option<String>,
) -> Result<(Socket, u64, bool), Trouble> {
    let password = match &xmpp.settings.room_password {
        Some(password) => {
            let found =
                password.resolve().await.map_err(|error| Trouble::Login(error.message().to_owned()))?;
            Some(found.expose().to_owned())
        }
        None => None,
    };
    lock(&xmpp.rooms).set_password(password);
    let mut archives = vec![String::new()];
    archives.extend(xmpp.settings.rooms.iter().map(|room| room.to_lowercase()));
    xmpp.recall(desk, &archives).await;
    let mut stream = Stream::open(xmpp, url, other).await?;
    if let Some(id) = session.id.clone() {
        let resumed = stream.resume(&id, session.handled).await?;
        if let Resumed::Yes(h) = resumed
            && let Some(link) = xmpp.out.resume(h)
        {
            return Ok((stream.socket, link, true));
        }
        let h = if let Resumed::No(h) = resumed { h } else { None };
        give_up(xmpp, session, h);
        if matches!(resumed, Resumed::Yes(_)) {
            // The numbers do not fit; this stream belongs to the session that is given up.
            return Err(Trouble::unsent("the server has another count of our stanzas"));
        }
    }
    stream.bind(session.resource.as_deref()).await?;
    let managed = stream.has_management();
    if managed {
        session.id = stream.enable().await?;
    }
    (session.managed, session.handled) = (managed, 0);
    let mut first = vec!["<presence xmlns=\"jabber:client\"><priority>1</priority></presence>".to_owned()];
    let bounds = xmpp.bounds();
    {
        let mut rooms = lock(&xmpp.rooms);
        rooms.leave_all();
        rooms.set_since(&bounds);
        first.extend(rooms.enter_all());
    }
    let link = xmpp.out.begin(managed, domain(&xmpp.settings.jid), first);
    Ok((stream.socket, link, false))
}

/// One link, from its opening to its end.
async fn hold(
    xmpp: &Arc<Xmpp>,
    desk: &Arc<Desk>,
    session: &mut Session,
    mut socket: Socket,
    link: u64,
    resumed: bool,
    stop: &CancellationToken,
) -> Ended {
    let over = CancellationToken::new();
    let _over = over.clone().drop_guard();
    let sender = socket.sender();
    let pump = Arc::clone(xmpp);
    let pumped = sender.clone();
    let ending = over.clone();
    tokio::spawn(async move { ending.run_until_cancelled(pump.out.pump(link, pumped)).await });
    let reader = Reader { xmpp, desk, over: &over, bounds: xmpp.bounds() };
    if resumed {
        lock(&xmpp.rooms).look();
    }
    reader.take_up();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut ticks, mut confirmed) = (0_u32, session.handled);
    loop {
        let frame = tokio::select! {
            frame = socket.next() => frame,
            _ = tick.tick() => {
                ticks = ticks.wrapping_add(1);
                reader.look_after_rooms();
                if xmpp.out.is_stuck() {
                    return Ended::by("the server confirms nothing any more");
                }
                if ticks.is_multiple_of(ASK) {
                    xmpp.remember(desk).await;
                    if let Some(request) = xmpp.out.request(link) {
                        let _ = sender.text(request).await;
                    }
                }
                continue;
            }
            () = stop.cancelled() => {
                goodbye(session, socket).await;
                return Ended::by("stopped");
            }
        };
        let frame = match frame {
            Frame::Text(frame) => frame,
            Frame::Closed(_, why) => return Ended::by(why),
        };
        let Some(element) = Element::read(&frame) else {
            // What cannot be read is handled by leaving it; but it counts.
            session.handled = session.handled.wrapping_add(u32::from(is_stanza(&frame)));
            continue;
        };
        if let Some(end) = End::of(&element) {
            let conflict = end.condition == "conflict";
            return Ended { trouble: Trouble::unsent(end.why), conflict, other: end.other };
        }
        xmpp.heard("");
        match element.name.as_str() {
            "r" => {
                confirmed = session.handled;
                let _ = sender.text(confirmation(confirmed)).await;
            }
            "a" => {
                let h = element.attribute("h").and_then(|h| h.parse().ok());
                if !h.is_some_and(|h| xmpp.out.ack(h)) {
                    session.id = None;
                    return Ended::by("the server confirms what was never sent");
                }
            }
            "message" | "presence" | "iq" => {
                if let Err(why) = reader.stanza(&element).await {
                    return Ended::by(why);
                }
                session.handled = session.handled.wrapping_add(1);
                if session.managed && session.handled.wrapping_sub(confirmed) >= CONFIRM {
                    confirmed = session.handled;
                    let _ = sender.text(confirmation(confirmed)).await;
                }
            }
            _ => {}
        }
    }
}

fn confirmation(handled: u32) -> String {
    format!("<a xmlns=\"urn:xmpp:sm:3\" h=\"{handled}\"/>")
}

fn is_stanza(frame: &str) -> bool {
    ["<message", "<presence", "<iq"].into_iter().any(|name| frame.starts_with(name))
}

/// Ends the session too: nothing is kept for us after that.
async fn goodbye(session: &Session, socket: Socket) {
    let sender = socket.sender();
    if session.managed {
        let _ = sender.text(confirmation(session.handled)).await;
    }
    let _ = sender.text("<presence xmlns=\"jabber:client\" type=\"unavailable\"/>").await;
    let _ = sender.text(format!("<close xmlns=\"{FRAMING}\"/>")).await;
    socket.close().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_sends_us_to_a_place_without_tls() {
        assert!(is_safe("wss://b/x", "wss://a/x") && is_safe("ws://127.0.0.1/x", "ws://127.0.0.1:1/x"));
        assert!(!is_safe("ws://b/x", "wss://a/x") && !is_safe("http://b/x", "ws://a/x"));
    }
}
