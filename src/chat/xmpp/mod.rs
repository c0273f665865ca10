//! XMPP over WebSocket (RFC 6120, RFC 7395): rooms (XEP-0045) and direct messages, over sessions that
//! survive a cut link (XEP-0198) and archives that say what happened without us (XEP-0313).

mod archive;
mod check;
mod element;
mod iq;
mod link;
mod reader;
mod render;
mod rooms;
mod scram;
mod smacks;
mod stream;
mod upload;
mod wire;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::archive::{Known, Page, Seen};
use self::element::{Element, escape};
use self::iq::Waiting;
use self::rooms::Rooms;
use self::smacks::Outbox;
use self::upload::Service;
use super::link::http::Http;
use super::link::{Net, Trouble};
use super::{Asked, Capabilities, Connector, Desk, Finding, Message, Sign};
use crate::answer::pages::{File, Shape};
use crate::metrics::Board;
use crate::secret::SecretRef;

/// Refused messages that are remembered.
const REFUSED: usize = 256;
/// For a room to show a message of ours, over as many links as that takes; and to send back a private one.
const SHOWN: Duration = Duration::from_secs(30);
const BACK: Duration = Duration::from_millis(400);
/// How often a message is corrected: clients that do not know corrections show each as a new message.
const EDITS: usize = 24;

/// How the server is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `wss://…`.
    pub url: String,
    /// Our address, without a resource.
    pub jid: String,
    /// Its password.
    pub password: SecretRef,
    /// Rooms to be in.
    pub rooms: Vec<String>,
    /// For rooms that ask for a password.
    pub room_password: Option<SecretRef>,
    /// Our name in rooms.
    pub nick: String,
    /// Addresses, domains and rooms that may ask; everybody when empty.
    pub allow: Vec<String>,
    /// How to connect.
    pub net: Net,
}

/// A message of ours that came back.
#[derive(Debug, Clone)]
struct Refusal {
    what: String,
    later: bool,
}

/// The connector.
#[derive(Debug)]
pub struct Xmpp {
    settings: Settings,
    board: Arc<Board>,
    http: Http,
    out: Outbox,
    next: AtomicU64,
    /// Questions to the server that wait for their answer, by id.
    waiting: Mutex<HashMap<String, Waiting>>,
    pages: Mutex<HashMap<String, Page>>,
    refused: Mutex<VecDeque<(String, Refusal)>>,
    known: Mutex<Known>,
    rooms: Mutex<Rooms>,
    /// Archives that were read in this session; nothing stands for our own.
    caught: watch::Sender<HashSet<String>>,
    seen: Mutex<HashMap<String, Seen>>,
    /// The history of rooms whose archive is being read.
    held: Mutex<HashMap<String, Vec<Element>>>,
    upload: Mutex<Option<Service>>,
    /// Counts what is waited for: messages shown or sent back, rooms entered.
    news: watch::Sender<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn domain(jid: &str) -> &str {
    jid.split_once('@').map_or(jid, |(_, domain)| domain)
}

/// What a message is known by that only its asker sees.
fn private_tag(tag: &str) -> String {
    format!("{tag}-p")
}

/// The ids of a message (XEP-0359).
fn ids(message: &Element) -> impl Iterator<Item = &str> {
    let origin = message.of("origin-id", "urn:xmpp:sid:0").and_then(|origin| origin.attribute("id"));
    message.attribute("id").into_iter().chain(origin)
}

/// XEP-0184.
fn receipt(to: &str, id: &str) -> String {
    format!(
        "<message xmlns=\"jabber:client\" to=\"{}\" type=\"chat\">\
         <received xmlns=\"urn:xmpp:receipts\" id=\"{}\"/></message>",
        escape(to),
        escape(id)
    )
}

impl Xmpp {
    /// The connector; nothing is sent before [`Connector::run`].
    pub fn new(mut settings: Settings, board: Arc<Board>) -> Self {
        // Servers give addresses back in small letters.
        settings.jid = settings.jid.to_lowercase();
        Self {
            http: Http::new(settings.net.clone()),
            rooms: Mutex::new(Rooms::new(&settings.rooms, &settings.nick)),
            settings,
            board,
            out: Outbox::default(),
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            pages: Mutex::default(),
            refused: Mutex::default(),
            known: Mutex::default(),
            caught: watch::channel(HashSet::new()).0,
            seen: Mutex::default(),
            held: Mutex::default(),
            upload: Mutex::default(),
            news: watch::channel(0).0,
        }
    }

    fn id(&self) -> String {
        let mut random = [0; 4];
        // Without random numbers there is no TLS either; the count alone is enough to tell them apart.
        let _ = aws_lc_rs::rand::fill(&mut random);
        format!("nb{}-{:08x}", self.next.fetch_add(1, Ordering::Relaxed), u32::from_le_bytes(random))
    }

    /// Sends a message and waits until the server has taken it, or has sent it back.
    async fn say(&self, to: &str, kind: &str, id: &str, inner: &str) -> Result<(), Trouble> {
        lock(&self.refused).retain(|(refused, _)| refused != id);
        let message = format!(
            "<message xmlns=\"jabber:client\" to=\"{}\" type=\"{kind}\" id=\"{1}\">{inner}\
             <origin-id xmlns=\"urn:xmpp:sid:0\" id=\"{1}\"/><store xmlns=\"urn:xmpp:hints\"/></message>",
            escape(to),
            escape(id)
        );
        let group = kind == "groupchat";
        if group {
            self.inside(to).await?;
        }
        self.out.deliver(message).await?;
        // A server may confirm before the room has seen it: the room shows it, or sends it back.
        let private = !group && lock(&self.rooms).nick(wire::bare(to)).is_some();
        let limit = if group { SHOWN } else { BACK };
        let Some(refusal) = (if group || private {
            self.shown(id, group.then_some(to), limit).await?
        } else {
            self.refusal(id)
        }) else {
            return Ok(());
        };
        let why = format!("the server refuses a message to {to}: {}", refusal.what);
        if group && refusal.is_absence() {
            lock(&self.rooms).lost(to);
            return Err(Trouble::unsent(why));
        }
        Err(if refusal.later { Trouble::unsent(why) } else { Trouble::Refused(why) })
    }

    /// Why a message came back, if it did.
    fn refusal(&self, id: &str) -> Option<Refusal> {
        let refused = lock(&self.refused);
        refused.iter().find(|(refused, _)| refused == id).map(|(_, refusal)| refusal.clone())
    }

    /// Waits until we are in a room of ours.
    async fn inside(&self, room: &str) -> Result<(), Trouble> {
        let mut news = self.news.subscribe();
        let inside = news.wait_for(|_| {
            let rooms = lock(&self.rooms);
            rooms.nick(room).is_none() || rooms.is_inside(room)
        });
        match timeout(SHOWN, inside).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Trouble::unsent(format!("we are not in the room {room}"))),
        }
    }

    /// Waits until a message came back, or a room has shown it.
    async fn shown(&self, id: &str, room: Option<&str>, limit: Duration) -> Result<Option<Refusal>, Trouble> {
        let mut news = self.news.subscribe();
        let is_shown =
            || room.is_some_and(|room| lock(&self.known).has(id) || lock(&self.rooms).renames(room));
        let told = news.wait_for(|_| self.refusal(id).is_some() || is_shown());
        let told = matches!(timeout(limit, told).await, Ok(Ok(_)));
        match self.refusal(id) {
            None if room.is_some() && !told => {
                let why = "the room has not shown the message".into();
                Err(Trouble::Unreachable { why, sent: true })
            }
            refusal => Ok(refusal),
        }
    }

    /// Something that others wait for has happened.
    fn tell(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// An error for one of our messages.
    fn note_refusal(&self, id: &str, message: &Element) {
        let what = stream::condition(message);
        let kind = message.child("error").and_then(|error| error.attribute("type"));
        let later = kind == Some("wait") || what == "remote-server-timeout";
        let mut refused = lock(&self.refused);
        if refused.len() >= REFUSED {
            refused.pop_front();
        }
        refused.push_back((id.to_owned(), Refusal { what, later }));
        drop(refused);
        self.tell();
    }

    /// Where an answer goes, and how.
    fn way(to: &Asked) -> (&str, &'static str) {
        let kind = if to.place.reply.is_some() { "groupchat" } else { "chat" };
        (&to.place.channel, kind)
    }

    /// What every message of an answer carries beside its text.
    fn beside(to: &Asked) -> String {
        let mut out = String::new();
        if let Some(thread) = &to.place.thread {
            out = format!("<thread>{}</thread>", escape(thread));
        }
        if let Some(question) = &to.place.message {
            let from = to.place.reply.as_ref().unwrap_or(&to.place.channel);
            let (from, question) = (escape(from), escape(question));
            out = format!("{out}<reply xmlns=\"urn:xmpp:reply:0\" to=\"{from}\" id=\"{question}\"/>");
        }
        if to.place.reply.is_none() {
            out.push_str("<active xmlns=\"http://jabber.org/protocol/chatstates\"/>");
        }
        out
    }
}

impl Refusal {
    /// Whether it says that we, or the room, are not there.
    fn is_absence(&self) -> bool {
        matches!(
            self.what.as_str(),
            "not-acceptable" | "item-not-found" | "service-unavailable" | "remote-server-not-found" | "gone"
        )
    }
}

impl Connector for Xmpp {
    fn name(&self) -> &'static str {
        "xmpp"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            tables: false,
            buttons: false,
            edits: Some(EDITS),
            threads: false,
            ephemeral: true,
            files: lock(&self.upload).is_some(),
        }
    }

    fn shape(&self) -> Shape {
        Shape { files: lock(&self.upload).is_some(), ..render::SHAPE }
    }

    fn run(self: Arc<Self>, desk: Arc<Desk>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(link::run(self, desk, stop))
    }

    fn reply<'a>(&'a self, to: &'a Asked, message: &'a Message) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(async move {
            let inner = format!("<body>{}</body>{}", escape(&render::body(message)), Self::beside(to));
            if let (true, Some(person)) = (message.private, &to.place.reply) {
                // A word in the room's private way, where the room allows that.
                let id = private_tag(&message.tag);
                let private = format!("{inner}<x xmlns=\"http://jabber.org/protocol/muc#user\"/>");
                match self.say(person, "chat", &id, &private).await {
                    Err(Trouble::Refused(_)) => {}
                    other => return other.map(|()| id),
                }
            }
            let (place, kind) = Self::way(to);
            self.say(place, kind, &message.tag, &inner).await?;
            Ok(message.tag.clone())
        })
    }

    fn edit<'a>(
        &'a self,
        to: &'a Asked,
        id: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            // Clients without corrections show each as a message of its own: an answer is sent once.
            let progress = message.tag.ends_with("-w");
            if !progress && self.look_up(to, &message.tag).await?.is_some() {
                return Ok(());
            }
            let own = if progress { format!("{}-{}", message.tag, self.id()) } else { message.tag.clone() };
            let inner = format!(
                "<body>{}</body>{}<replace xmlns=\"urn:xmpp:message-correct:0\" id=\"{}\"/>",
                escape(&render::body(message)),
                Self::beside(to),
                escape(id)
            );
            let (place, kind) = Self::way(to);
            self.say(place, kind, &own, &inner).await
        })
    }

    fn remove<'a>(&'a self, to: &'a Asked, id: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let inner = format!(
                "<body>▸ answered below</body><replace xmlns=\"urn:xmpp:message-correct:0\" id=\"{}\"/>",
                escape(id)
            );
            let (place, kind) = Self::way(to);
            self.say(place, kind, &format!("{id}-{}", self.id()), &inner).await
        })
    }

    fn file<'a>(&'a self, to: &'a Asked, file: &'a File, tag: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            if self.look_up(to, tag).await?.is_some() {
                return Ok(());
            }
            let address = escape(&self.put(file).await?);
            // The body is the address and nothing else: then clients show the file (XEP-0066).
            let inner = format!("<body>{address}</body><x xmlns=\"jabber:x:oob\"><url>{address}</url></x>");
            let (place, kind) = Self::way(to);
            self.say(place, kind, tag, &inner).await
        })
    }

    fn find<'a>(&'a self, to: &'a Asked, tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(self.look_up(to, tag))
    }

    fn react<'a>(&'a self, to: &'a Asked, sign: Sign) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let Some(question) = &to.place.message else { return Ok(()) };
            let sign = match sign {
                Sign::Seen => "👀",
            };
            let (place, kind) = Self::way(to);
            self.out.push(format!(
                "<message xmlns=\"jabber:client\" to=\"{}\" type=\"{kind}\" id=\"{}\">\
                 <reactions xmlns=\"urn:xmpp:reactions:0\" id=\"{}\"><reaction>{sign}</reaction></reactions>\
                 <store xmlns=\"urn:xmpp:hints\"/></message>",
                escape(place),
                self.id(),
                escape(question)
            ))
        })
    }

    fn typing<'a>(&'a self, to: &'a Asked) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let (place, kind) = Self::way(to);
            self.out.push(format!(
                "<message xmlns=\"jabber:client\" to=\"{}\" type=\"{kind}\">\
                 <composing xmlns=\"http://jabber.org/protocol/chatstates\"/>\
                 <no-store xmlns=\"urn:xmpp:hints\"/></message>",
                escape(place)
            ))
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(check::check(self))
    }
}

/// Reads a frame and drops what it says.
pub(super) fn look_at(frame: &str) {
    let _ = element::Element::read(frame);
}
