//! XMPP over WebSocket (RFC 6120, RFC 7395): rooms (XEP-0045) and direct messages.

mod check;
mod element;
mod link;
mod render;
mod scram;
mod wire;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::element::escape;
use super::link::socket::Sender;
use super::link::{Net, Trouble};
use super::{Asked, Capabilities, Connector, Desk, Finding, Message};
use crate::answer::pages::{File, Shape};
use crate::metrics::Board;
use crate::secret::SecretRef;

/// For the link to come back, and for the server to confirm a message.
const PATIENCE: Duration = Duration::from_secs(30);
const CONFIRM: Duration = Duration::from_secs(10);
/// Refused messages that are remembered.
const REFUSED: usize = 256;

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
    /// Our name in rooms.
    pub nick: String,
    /// How to connect.
    pub net: Net,
}

/// A link that is up.
#[derive(Debug, Clone)]
struct Live {
    sender: Sender,
    domain: String,
    over: CancellationToken,
}

/// The connector.
#[derive(Debug)]
pub struct Xmpp {
    settings: Settings,
    board: Arc<Board>,
    live: watch::Sender<Option<Live>>,
    next: AtomicU64,
    /// Questions to the server that wait for their answer, by id.
    waiting: Mutex<HashMap<String, oneshot::Sender<bool>>>,
    /// Messages of ours that came back as errors: id and what the server said.
    refused: Mutex<Vec<(String, String)>>,
    /// Messages of ours that a room has shown to everybody.
    shown: Mutex<Vec<String>>,
}

impl Xmpp {
    /// The connector; nothing is sent before [`Connector::run`].
    pub fn new(settings: Settings, board: Arc<Board>) -> Self {
        Self {
            settings,
            board,
            live: watch::channel(None).0,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            refused: Mutex::default(),
            shown: Mutex::default(),
        }
    }

    fn id(&self) -> String {
        format!("nb{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The link, waiting for it to come back.
    async fn link(&self) -> Result<Live, Trouble> {
        let mut live = self.live.subscribe();
        let found = timeout(PATIENCE, live.wait_for(Option::is_some)).await;
        match found {
            Ok(Ok(live)) => live.clone().ok_or_else(|| Trouble::unsent("no link")),
            _ => Err(Trouble::unsent("the link to xmpp is not up")),
        }
    }

    /// Sends a message and waits until the server has taken it: it answers in order, so the answer to a
    /// ping (XEP-0199) behind the message says so.
    async fn say(&self, to: &str, kind: &str, id: &str, inner: &str) -> Result<(), Trouble> {
        let live = self.link().await?;
        let ping = self.id();
        let (tell, told) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(ping.clone(), tell);
        let message = format!(
            "<message xmlns=\"jabber:client\" to=\"{}\" type=\"{kind}\" id=\"{}\">{inner}</message>",
            escape(to),
            escape(id)
        );
        let asking = format!(
            "<iq xmlns=\"jabber:client\" type=\"get\" to=\"{}\" id=\"{ping}\"><ping xmlns=\"urn:xmpp:ping\"/></iq>",
            escape(&live.domain)
        );
        let sent = async {
            live.sender.text(message).await?;
            live.sender.text(asking).await?;
            let lost = || Trouble::Unreachable {
                why: "the link was lost before the server confirmed".into(),
                sent: true,
            };
            tokio::select! {
                told = timeout(CONFIRM, told) => match told {
                    Ok(Ok(_)) => Ok(()),
                    _ => Err(lost()),
                },
                () = live.over.cancelled() => Err(lost()),
            }
        };
        let sent = sent.await;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&ping);
        sent?;
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.iter().find(|(refused, _)| refused == id) {
            Some((_, why)) => Err(Trouble::Refused(format!("the server refuses a message to {to}: {why}"))),
            None => Ok(()),
        }
    }

    /// An error for one of our messages.
    fn note_refusal(&self, id: &str, why: String) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= REFUSED {
            refused.remove(0);
        }
        refused.push((id.to_owned(), why));
    }

    /// A room has shown a message of ours.
    fn note_shown(&self, id: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.len() >= REFUSED {
            shown.remove(0);
        }
        shown.push(id.to_owned());
    }

    /// The server has answered a question of ours.
    fn answered(&self, id: &str, ok: bool) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(waiting) = waiting {
            // Whoever asked may have given up.
            let _ = waiting.send(ok);
        }
    }
}

impl Connector for Xmpp {
    fn name(&self) -> &'static str {
        "xmpp"
    }

    fn capabilities(&self) -> Capabilities {
        // Corrections (XEP-0308) look like a second message where a client does not know them.
        Capabilities {
            tables: false,
            buttons: false,
            edits: None,
            threads: false,
            ephemeral: true,
            files: false,
        }
    }

    fn shape(&self) -> Shape {
        render::SHAPE
    }

    fn run(self: Arc<Self>, desk: Arc<Desk>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(link::run(self, desk, stop))
    }

    fn reply<'a>(&'a self, to: &'a Asked, message: &'a Message) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(async move {
            let thread =
                to.place.thread.as_ref().map(|thread| format!("<thread>{}</thread>", escape(thread)));
            let inner =
                format!("<body>{}</body>{}", escape(&render::body(message)), thread.unwrap_or_default());
            let group = to.place.reply.as_deref() == Some("groupchat");
            if let (true, true, Some(person)) = (group, message.private, &to.place.message) {
                // A word in the room's private way, where the room allows that.
                let id = format!("{}-p", message.tag);
                match self
                    .say(
                        person,
                        "chat",
                        &id,
                        &format!("{inner}<x xmlns=\"http://jabber.org/protocol/muc#user\"/>"),
                    )
                    .await
                {
                    Err(Trouble::Refused(_)) => {}
                    other => return other.map(|()| id),
                }
            }
            let kind = if group { "groupchat" } else { "chat" };
            self.say(&to.place.channel, kind, &message.tag, &inner).await?;
            Ok(message.tag.clone())
        })
    }

    fn edit<'a>(&'a self, _: &'a Asked, _: &'a str, _: &'a Message) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async { Err(Trouble::Refused("messages are not edited here".into())) })
    }

    fn file<'a>(&'a self, _: &'a Asked, _: &'a File, _: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async { Err(Trouble::Refused("there are no files here".into())) })
    }

    fn find<'a>(&'a self, _: &'a Asked, tag: &'a str) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async move {
            let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(shown.iter().find(|shown| *shown == tag).cloned())
        })
    }

    fn typing<'a>(&'a self, to: &'a Asked) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let live = self.live.borrow().clone();
            let Some(live) = live else { return Ok(()) };
            let kind = if to.place.reply.is_some() { "groupchat" } else { "chat" };
            let message = format!(
                "<message xmlns=\"jabber:client\" to=\"{}\" type=\"{kind}\">\
                 <composing xmlns=\"http://jabber.org/protocol/chatstates\"/></message>",
                escape(&to.place.channel)
            );
            live.sender.text(message).await
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(check::check(self))
    }
}
