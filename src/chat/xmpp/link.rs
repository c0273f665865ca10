//! The stream: open, login, bind, presence, rooms; then read until it is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::element::{Element, escape};
use super::scram::{Hash, Scram};
use super::wire::{self, Own, bare};
use super::{Live, Xmpp};
use crate::chat::Desk;
use crate::chat::link::socket::Unopened;
use crate::chat::link::{Backoff, Frame, Socket, Trouble};

const MOST: Duration = Duration::from_secs(30);
/// After a wrong password.
const LOGIN: Duration = Duration::from_mins(1);
/// For the whole opening.
const OPENING: Duration = Duration::from_secs(20);
/// A room that we could not enter, or were put out of, is tried again after this time.
const REJOIN: Duration = Duration::from_secs(30);
/// People whose real addresses are remembered.
const PEOPLE: usize = 10_000;
const FRAMING: &str = "urn:ietf:params:xml:ns:xmpp-framing";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const MUC_USER: &str = "http://jabber.org/protocol/muc#user";

pub(super) async fn run(xmpp: Arc<Xmpp>, desk: Arc<Desk>, stop: CancellationToken) {
    let mut backoff = Backoff::new(MOST);
    loop {
        let opened = tokio::select! {
            opened = open(&xmpp) => opened,
            () = stop.cancelled() => break,
        };
        let trouble = match opened {
            Ok((socket, jid)) => {
                backoff.reset();
                xmpp.board.up("xmpp");
                let over = CancellationToken::new();
                let domain = domain(&xmpp.settings.jid).to_owned();
                xmpp.live.send_replace(Some(Live { sender: socket.sender(), domain, over: over.clone() }));
                let why = read(&xmpp, &desk, socket, &jid, &stop).await;
                xmpp.live.send_replace(None);
                over.cancel();
                Trouble::unsent(why)
            }
            Err(trouble) => trouble,
        };
        if stop.is_cancelled() {
            break;
        }
        tracing::warn!(%trouble, "no link to xmpp");
        xmpp.board.down("xmpp", trouble.to_string());
        let wait = if matches!(trouble, Trouble::Login(_)) { LOGIN } else { backoff.wait() };
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => break,
        }
    }
}

fn domain(jid: &str) -> &str {
    jid.split_once('@').map_or(jid, |(_, domain)| domain)
}

/// Opens the stream; gives the link and our whole address.
pub(super) async fn open(xmpp: &Xmpp) -> Result<(Socket, String), Trouble> {
    let password = xmpp.settings.password.resolve().await;
    let password = password.map_err(|error| Trouble::Login(error.message().to_owned()))?;
    let uri = xmpp
        .settings
        .url
        .parse()
        .map_err(|_| Trouble::Refused("the server's address cannot be used".into()))?;
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("sec-websocket-protocol"), HeaderValue::from_static("xmpp"));
    let socket =
        Socket::open(&xmpp.settings.net, &uri, headers).await.map_err(|unopened| match unopened {
            Unopened::Status(status, _) => {
                Trouble::unsent(format!("the server refused the WebSocket with {status}"))
            }
            Unopened::Trouble(trouble) => trouble,
        })?;
    let opening = async {
        let mut stream = Stream { socket, domain: domain(&xmpp.settings.jid).to_owned() };
        let features = stream.start().await?;
        stream.login(&features, &xmpp.settings.jid, password.expose()).await?;
        stream.start().await?;
        let jid = stream.bind().await?;
        stream
            .socket
            .sender()
            .text("<presence xmlns=\"jabber:client\"><priority>1</priority></presence>")
            .await?;
        for room in &xmpp.settings.rooms {
            stream.socket.sender().text(enter(room, &xmpp.settings.nick)).await?;
        }
        Ok((stream.socket, jid))
    };
    timeout(OPENING, opening)
        .await
        .unwrap_or_else(|_| Err(Trouble::unsent("the stream was not open within 20 s")))
}

/// Into a room, without its history.
fn enter(room: &str, nick: &str) -> String {
    format!(
        "<presence xmlns=\"jabber:client\" to=\"{}/{}\"><x xmlns=\"http://jabber.org/protocol/muc\">\
         <history maxstanzas=\"0\"/></x></presence>",
        escape(room),
        escape(nick)
    )
}

struct Stream {
    socket: Socket,
    domain: String,
}

impl Stream {
    async fn next(&mut self) -> Result<Element, Trouble> {
        loop {
            match self.socket.next().await {
                Frame::Text(frame) => {
                    let Some(element) = Element::read(&frame) else { continue };
                    if element.name == "close" {
                        return Err(Trouble::unsent("the server closed the stream"));
                    }
                    if element.name == "error" {
                        let what = element.children.first().map_or("unknown", |child| child.name.as_str());
                        return Err(Trouble::unsent(format!("the server ended the stream: {what}")));
                    }
                    return Ok(element);
                }
                Frame::Closed(_, why) => return Err(Trouble::unsent(why)),
            }
        }
    }

    /// Opens (again, after the login) and gives the server's features.
    async fn start(&mut self) -> Result<Element, Trouble> {
        let open = format!("<open xmlns=\"{FRAMING}\" to=\"{}\" version=\"1.0\"/>", escape(&self.domain));
        self.socket.sender().text(open).await?;
        loop {
            let element = self.next().await?;
            if element.name == "features" {
                return Ok(element);
            }
        }
    }

    async fn login(&mut self, features: &Element, jid: &str, password: &str) -> Result<(), Trouble> {
        let offered: Vec<&str> = features
            .child("mechanisms")
            .map(|list| list.children.iter().map(|mechanism| mechanism.text.trim()).collect())
            .unwrap_or_default();
        let user = jid.split('@').next().unwrap_or_default();
        let hash = [Hash::Sha256, Hash::Sha1].into_iter().find(|hash| offered.contains(&hash.mechanism()));
        let Some(hash) = hash else {
            // The password itself is only sent where nobody listens.
            if !offered.contains(&"PLAIN") {
                return Err(Trouble::Login(format!(
                    "the server offers no login that we know: {}",
                    offered.join(", ")
                )));
            }
            let plain = STANDARD.encode(format!("\0{user}\0{password}"));
            self.auth("PLAIN", &plain).await?;
            let answer = self.next().await?;
            return if answer.name == "success" { Ok(()) } else { Err(failure(&answer)) };
        };
        let broken = |why: &str| Trouble::Login(format!("the login failed: {why}"));
        let (scram, first) = Scram::begin(hash, user).ok_or_else(|| broken("no random numbers"))?;
        self.auth(hash.mechanism(), &STANDARD.encode(first)).await?;
        let challenge = self.next().await?;
        if challenge.name != "challenge" {
            return Err(failure(&challenge));
        }
        let challenge = decode(&challenge.text).ok_or_else(|| broken("the challenge cannot be read"))?;
        let proof = scram.answer(&challenge, password).map_err(broken)?;
        let response = format!("<response xmlns=\"{SASL}\">{}</response>", STANDARD.encode(&proof.message));
        self.socket.sender().text(response).await?;
        let mut last = self.next().await?;
        if last.name == "challenge" {
            // Some servers send their proof as one more challenge.
            let right = decode(&last.text).is_some_and(|text| proof.verify(&text));
            self.socket.sender().text(format!("<response xmlns=\"{SASL}\"/>")).await?;
            last = self.next().await?;
            if right && last.name == "success" {
                return Ok(());
            }
        }
        match last.name.as_str() {
            "success" if decode(&last.text).is_some_and(|text| proof.verify(&text)) => Ok(()),
            "success" => Err(broken("the server does not know the password; is it the right one?")),
            _ => Err(failure(&last)),
        }
    }

    async fn auth(&mut self, mechanism: &str, text: &str) -> Result<(), Trouble> {
        let auth = format!("<auth xmlns=\"{SASL}\" mechanism=\"{mechanism}\">{text}</auth>");
        self.socket.sender().text(auth).await
    }

    /// Binds a resource of the server's choice: an older link of ours that hangs is not in the way.
    async fn bind(&mut self) -> Result<String, Trouble> {
        let bind = "<iq xmlns=\"jabber:client\" type=\"set\" id=\"bind\">\
                    <bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"/></iq>";
        self.socket.sender().text(bind).await?;
        loop {
            let answer = self.next().await?;
            if answer.attribute("id") != Some("bind") {
                continue;
            }
            let jid =
                answer.child("bind").and_then(|bind| bind.child("jid")).map(|jid| jid.text.trim().to_owned());
            return jid.ok_or_else(|| Trouble::unsent("the server binds no resource"));
        }
    }
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}

fn failure(answer: &Element) -> Trouble {
    let what = answer.children.first().map_or(answer.name.as_str(), |child| child.name.as_str());
    if what == "temporary-auth-failure" {
        return Trouble::unsent("the server cannot check logins for now");
    }
    Trouble::Login(format!("the server does not take the login: {what}"))
}

/// Reads until the stream is over; gives the reason.
async fn read(
    xmpp: &Arc<Xmpp>,
    desk: &Arc<Desk>,
    mut socket: Socket,
    jid: &str,
    stop: &CancellationToken,
) -> String {
    let mut rooms = Rooms { nicks: HashMap::new(), people: HashMap::new(), again: Instant::now() + REJOIN };
    for room in &xmpp.settings.rooms {
        rooms.nicks.insert(room.clone(), xmpp.settings.nick.clone());
    }
    let mut outside: Vec<String> = Vec::new();
    loop {
        let frame = tokio::select! {
            frame = socket.next() => frame,
            () = sleep_until(rooms.again), if !outside.is_empty() => {
                for room in outside.drain(..) {
                    let nick = rooms.nicks.get(&room).cloned().unwrap_or_else(|| xmpp.settings.nick.clone());
                    let _ = socket.sender().text(enter(&room, &nick)).await;
                }
                continue;
            }
            () = stop.cancelled() => {
                let _ = socket.sender().text(format!("<close xmlns=\"{FRAMING}\"/>")).await;
                socket.close().await;
                return "stopped".to_owned();
            }
        };
        let element = match frame {
            Frame::Text(frame) => match Element::read(&frame) {
                Some(element) => element,
                None => continue,
            },
            Frame::Closed(_, why) => return why,
        };
        match element.name.as_str() {
            "message" => message(xmpp, desk, &element, jid, &rooms).await,
            "iq" => iq(xmpp, &socket, &element).await,
            "presence" => {
                if let Some(room) = rooms.presence(&element, &socket).await {
                    outside.push(room);
                    rooms.again = Instant::now() + REJOIN;
                }
            }
            "close" => return "the server closed the stream".to_owned(),
            "error" => {
                let what = element.children.first().map_or("unknown", |child| child.name.as_str());
                return format!("the server ended the stream: {what}");
            }
            _ => {}
        }
    }
}

async fn message(xmpp: &Arc<Xmpp>, desk: &Arc<Desk>, element: &Element, jid: &str, rooms: &Rooms) {
    let id = element.attribute("id").unwrap_or_default();
    let from = element.attribute("from").unwrap_or_default();
    if element.attribute("type") == Some("error") {
        let what = element.child("error").and_then(|error| error.children.first());
        xmpp.note_refusal(id, what.map_or("unknown", |what| what.name.as_str()).to_owned());
        return;
    }
    let own_name = rooms.nicks.get(bare(from));
    if own_name.is_some_and(|nick| from.split_once('/').is_some_and(|(_, name)| name == nick)) {
        xmpp.note_shown(id);
    }
    let own = Own { jid, rooms: &rooms.nicks, people: &rooms.people };
    if let Some(asked) = wire::question(element, &own)
        && let Err(error) = desk.accept(xmpp, asked).await
    {
        tracing::error!(%error, "a question could not be accepted");
    }
}

async fn iq(xmpp: &Xmpp, socket: &Socket, element: &Element) {
    let id = element.attribute("id").unwrap_or_default();
    match element.attribute("type") {
        Some("result") => xmpp.answered(id, true),
        Some("error") => xmpp.answered(id, false),
        Some("get" | "set") => {
            let to =
                element.attribute("from").map(|from| format!(" to=\"{}\"", escape(from))).unwrap_or_default();
            let id = escape(id);
            let answer = if element.of("ping", "urn:xmpp:ping").is_some() {
                format!("<iq xmlns=\"jabber:client\" type=\"result\" id=\"{id}\"{to}/>")
            } else {
                format!(
                    "<iq xmlns=\"jabber:client\" type=\"error\" id=\"{id}\"{to}><error type=\"cancel\">\
                     <service-unavailable xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></iq>"
                )
            };
            let _ = socket.sender().text(answer).await;
        }
        _ => {}
    }
}

/// The rooms that we are in, and who is in them.
struct Rooms {
    nicks: HashMap<String, String>,
    people: HashMap<String, String>,
    again: Instant,
}

impl Rooms {
    /// Takes a presence; gives a room that is to be entered again later.
    async fn presence(&mut self, element: &Element, socket: &Socket) -> Option<String> {
        let from = element.attribute("from")?.to_owned();
        let room = bare(&from).to_owned();
        let nick = self.nicks.get(&room)?.clone();
        let name = from.split_once('/').map_or("", |(_, name)| name);
        let user = element.of("x", MUC_USER);
        let status = |code: &str| {
            user.is_some_and(|x| {
                x.children.iter().any(|c| c.name == "status" && c.attribute("code") == Some(code))
            })
        };
        match element.attribute("type") {
            Some("error") => {
                let error = element.child("error");
                if error.is_some_and(|error| error.child("conflict").is_some()) {
                    // Somebody has our name: perhaps we ourselves, on a link that hangs.
                    let other = format!("{nick}_");
                    let _ = socket.sender().text(enter(&room, &other)).await;
                    if other.len() < nick.len() + 8 {
                        self.nicks.insert(room, other);
                    }
                    return None;
                }
                let what =
                    error.and_then(|error| error.children.first()).map_or("unknown", |what| &what.name);
                tracing::error!(%room, %what, "xmpp lets us not into a room; it is tried again");
                Some(room)
            }
            Some("unavailable") if name == nick || status("110") => {
                tracing::warn!(%room, "xmpp put us out of a room; it is entered again");
                Some(room)
            }
            Some("unavailable") => {
                self.people.remove(&from);
                None
            }
            _ => {
                // The server may have changed the name.
                if status("110") && !name.is_empty() {
                    self.nicks.insert(room, name.to_owned());
                }
                let real = user.and_then(|x| x.child("item")).and_then(|item| item.attribute("jid"));
                if let Some(real) = real
                    && self.people.len() < PEOPLE
                {
                    self.people.insert(from, real.to_owned());
                }
                None
            }
        }
    }
}
