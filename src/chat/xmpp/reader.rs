//! What comes in: each stanza to where it belongs, questions to the desk.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::element::{Element, escape};
use super::iq::Unanswered;
use super::rooms::Act;
use super::wire::{self, Own, Source, bare};
use super::{Xmpp, archive, domain, ids, lock};
use crate::chat::Desk;

/// Takes stanzas, one after the other.
pub(super) struct Reader<'a> {
    pub xmpp: &'a Arc<Xmpp>,
    pub desk: &'a Arc<Desk>,
    /// The end of the link.
    pub over: &'a CancellationToken,
    /// From when on each archive's messages were not heard, as the link began.
    pub bounds: HashMap<String, i64>,
}

impl Reader<'_> {
    /// A task that ends with the link.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let over = self.over.clone();
        tokio::spawn(async move { over.run_until_cancelled(task).await });
    }

    /// Reads an archive; until that is done, nothing counts as heard there.
    fn look_back(&self, archive: String) {
        let bound = self.xmpp.bound(&archive);
        self.xmpp.caught.send_modify(|caught| {
            caught.remove(&archive);
        });
        self.spawn(archive::catch_up(Arc::clone(self.xmpp), Arc::clone(self.desk), archive, bound));
    }

    /// Reads what a cut has left unread, or all of it in a new session.
    pub(super) fn take_up(&self) {
        let caught = self.xmpp.caught.borrow().clone();
        if !caught.contains("") {
            self.look_back(String::new());
            let xmpp = Arc::clone(self.xmpp);
            self.spawn(async move { xmpp.find_upload().await });
        }
        let inside = lock(&self.xmpp.rooms).inside();
        for room in inside.into_iter().filter(|room| !caught.contains(room)) {
            self.look_back(room);
        }
    }

    /// Takes a stanza. An error says that it could not be handled, and must come again.
    pub(super) async fn stanza(&self, element: &Element) -> Result<(), String> {
        match element.name.as_str() {
            "message" => return self.message(element).await,
            "iq" => self.xmpp.iq(element),
            _ => self.presence(element),
        }
        Ok(())
    }

    fn presence(&self, element: &Element) {
        let from = element.attribute("from").unwrap_or_default();
        if element.attribute("type") == Some("subscribe") {
            // Whoever may ask may see that we are there.
            let address = bare(from);
            if wire::allowed(address, address, &self.xmpp.settings.allow) {
                let to = escape(address);
                let yes = format!("<presence xmlns=\"jabber:client\" type=\"subscribed\" to=\"{to}\"/>");
                let _ = self.xmpp.out.push(yes);
            }
            return;
        }
        let acts = lock(&self.xmpp.rooms).presence(element);
        if !acts.is_empty() {
            self.xmpp.tell();
        }
        for act in acts {
            self.act(act);
        }
    }

    /// Does what is due in the rooms.
    pub(super) fn look_after_rooms(&self) {
        let bounds = self.xmpp.bounds();
        let due = {
            let mut rooms = lock(&self.xmpp.rooms);
            rooms.set_since(&bounds);
            rooms.due()
        };
        for act in due {
            self.act(act);
        }
    }

    fn act(&self, act: Act) {
        match act {
            Act::Send(stanza) => {
                // A full queue: the room is tried again later.
                let _ = self.xmpp.out.push(stanza);
            }
            Act::Entered(room) => {
                // What was heard before we were put out stays known; the rest is looked up.
                self.look_back(room);
            }
            Act::Ping(room, place) => {
                let xmpp = Arc::clone(self.xmpp);
                self.spawn(async move {
                    let answer = xmpp.ask(Some(&place), "get", "<ping xmlns=\"urn:xmpp:ping\"/>").await;
                    match answer {
                        Err(Unanswered::Error(what, _)) if what == "not-acceptable" => {
                            tracing::warn!(%room, "xmpp has forgotten us in a room; it is entered again");
                            lock(&xmpp.rooms).lost(&room);
                        }
                        // Whatever else is said comes from ourselves, through the room.
                        Ok(_) => xmpp.heard(&room),
                        Err(_) => {}
                    }
                });
            }
        }
    }

    async fn message(&self, element: &Element) -> Result<(), String> {
        let xmpp = self.xmpp;
        if xmpp.result(element) {
            return Ok(());
        }
        let id = element.attribute("id").unwrap_or_default();
        let from = element.attribute("from").unwrap_or_default();
        if element.attribute("type") == Some("error") {
            xmpp.note_refusal(id, element);
            return Ok(());
        }
        let room = bare(from);
        let mut told = false;
        let asked = {
            let mut rooms = lock(&xmpp.rooms);
            let name = from.split_once('/').map_or("", |(_, name)| name);
            if rooms.is_inside(room) {
                if rooms.is_us(room, name) {
                    for id in ids(element) {
                        lock(&xmpp.known).add(id);
                    }
                    if element.child("body").is_some() {
                        rooms.shows_ids(room, ids(element).any(|id| id.starts_with("nb-")));
                    }
                    told = true;
                }
                xmpp.heard(room);
            }
            let own = Own { jid: &xmpp.settings.jid, rooms: &rooms, allow: &xmpp.settings.allow };
            self.source(element).and_then(|source| wire::question(element, own, source))
        };
        if told {
            xmpp.tell();
        }
        let Some(asked) = asked else { return Ok(()) };
        let receipt = (!id.is_empty() && element.of("request", "urn:xmpp:receipts").is_some())
            .then(|| super::receipt(from, id));
        if let Err(error) = self.desk.accept(xmpp, asked).await {
            // It is not counted: the server sends it again when the session is resumed.
            tracing::error!(%error, "a question could not be accepted");
            return Err("the store does not write".to_owned());
        }
        if let Some(receipt) = receipt.filter(|_| element.attribute("type") != Some("groupchat")) {
            let _ = xmpp.out.push(receipt);
        }
        Ok(())
    }

    /// Whether a message is one for now. Stamped ones were kept somewhere: by a room as its history, or for
    /// us, while we were away for a moment. What was said before that is nobody's question any more. A room's
    /// history is held until it is known whether its archive says it better.
    fn source(&self, message: &Element) -> Option<Source<'static>> {
        let Some(delay) = wire::delay(message) else { return Some(Source::Link) };
        let own = &self.xmpp.settings.jid;
        let ours = delay.by.as_deref().is_none_or(|by| bare(by) == own || by == domain(own));
        let group = message.attribute("type") == Some("groupchat");
        let room = bare(message.attribute("from").unwrap_or_default());
        let bound = self.bounds.get(if group { room } else { "" });
        let fresh = delay.at.zip(bound).is_some_and(|(at, bound)| at >= *bound);
        match (fresh, ours, group) {
            (false, ..) | (true, false, false) => None,
            // Sent again by a session that goes on, in its order: names are as they were then.
            (true, true, true) => Some(Source::Link),
            (true, true, false) => Some(Source::Late),
            (true, false, true) => {
                self.xmpp.hold(room, message);
                None
            }
        }
    }
}
