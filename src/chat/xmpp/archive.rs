//! The server's archives (XEP-0313): what was asked while nobody listened, and which answers of ours were
//! taken.
//!
//! ```text
//!   new session ─► each archive, back from now ─► questions since we last listened, 15 min at most
//!                                              └► our own messages since the oldest open question
//! ```
//!
//! Keys keep doubles out: a message over the link names the number that it has in the archive.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::element::Element;
use super::iq::Unanswered;
use super::wire::{self, Own, Source, bare};
use super::{Xmpp, ids, lock};
use crate::chat::{Asked, Connector as _, Desk, Trouble};

/// How far back questions are still answered that were asked while nobody listened.
const BACK: i64 = 15 * 60 * 1000;
/// Clocks differ, and notes are written now and then only.
const OVERLAP: i64 = 60 * 1000;
/// How far back answers of ours are looked for.
const OLDEST: i64 = 24 * 3600 * 1000;
/// Messages of a page, and pages of one look.
const PAGE: usize = 100;
const PAGES: usize = 60;
/// An archive that does not answer is asked again.
const TRIES: usize = 3;
const AGAIN: Duration = Duration::from_secs(1);
/// For the archives to be read after a new session.
const READ: Duration = Duration::from_secs(30);
/// Messages of ours that are remembered.
const KNOWN: usize = 20_000;
const MAM: &str = "urn:xmpp:mam:2";

/// When we began to listen to an archive's messages, and until when all of them were heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    first: i64,
    since: i64,
    noted: i64,
    /// Whether nobody has ever listened before this link: then nothing was missed.
    new: bool,
}

/// A page that is being read.
#[derive(Debug)]
pub(super) struct Page {
    archive: String,
    results: Vec<Element>,
}

/// Messages of ours that others have seen, by their tags.
#[derive(Debug, Default)]
pub(super) struct Known {
    set: HashSet<String>,
    order: VecDeque<String>,
}

impl Known {
    pub(super) fn add(&mut self, tag: &str) {
        if tag.is_empty() || !self.set.insert(tag.to_owned()) {
            return;
        }
        self.order.push_back(tag.to_owned());
        if self.order.len() > KNOWN
            && let Some(old) = self.order.pop_front()
        {
            self.set.remove(&old);
        }
    }

    pub(super) fn has(&self, tag: &str) -> bool {
        self.set.contains(tag)
    }

    /// It came back: nobody has it.
    fn take_back(&mut self, tag: &str) {
        self.set.remove(tag);
        self.order.retain(|other| other != tag);
    }
}

pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Xmpp {
    /// Reads the notes of an earlier run; `archives` are the rooms, and nothing for our own.
    pub(super) async fn recall(&self, desk: &Desk, archives: &[String]) {
        for archive in archives {
            if lock(&self.seen).contains_key(archive) {
                continue;
            }
            let noted = desk.store().note(self.name(), &format!("seen {archive}")).await.ok().flatten();
            let noted = noted.as_deref().and_then(|text| text.split_once(' '));
            let noted = noted.and_then(|(first, since)| Some((first.parse().ok()?, since.parse().ok()?)));
            let new = noted.is_none();
            let (first, since) = noted.unwrap_or_else(|| (now(), now()));
            lock(&self.seen).insert(archive.clone(), Seen { first, since, noted: 0, new });
        }
        self.remember(desk).await;
    }

    /// Notes until when all was heard.
    pub(super) async fn remember(&self, desk: &Desk) {
        let new: Vec<(String, Seen)> = lock(&self.seen)
            .iter_mut()
            .filter(|(_, seen)| seen.noted != seen.since)
            .map(|(archive, seen)| {
                seen.noted = seen.since;
                (archive.clone(), *seen)
            })
            .collect();
        for (archive, seen) in new {
            let text = format!("{} {}", seen.first, seen.since);
            let key = format!("seen {archive}");
            if let Err(error) = desk.store().set_note(self.name(), &key, text).await {
                tracing::warn!(%error, "how far xmpp was heard is not noted");
            }
        }
    }

    /// The first link is over: from now on something may be missed.
    pub(super) fn listened(&self) {
        for seen in lock(&self.seen).values_mut() {
            seen.new = false;
        }
    }

    /// Something came from there: all that was said before was heard.
    pub(super) fn heard(&self, archive: &str) {
        if self.caught.borrow().contains(archive)
            && let Some(seen) = lock(&self.seen).get_mut(archive)
        {
            seen.since = now();
        }
    }

    /// What was said since then is a question that nobody has heard.
    pub(super) fn bound(&self, archive: &str) -> i64 {
        let seen = lock(&self.seen).get(archive).copied();
        // Servers stamp by the second.
        let bound = seen
            .filter(|seen| !seen.new)
            .map(|seen| (seen.since - OVERLAP).max(seen.first).max(now() - BACK));
        bound.map_or(i64::MAX, |bound| bound - bound.rem_euclid(1000))
    }

    /// The same of every archive.
    pub(super) fn bounds(&self) -> HashMap<String, i64> {
        let all: Vec<String> = lock(&self.seen).keys().cloned().collect();
        all.into_iter().map(|archive| (archive.clone(), self.bound(&archive))).collect()
    }

    /// Takes a message that belongs to a page; false for any other.
    pub(super) fn result(&self, message: &Element) -> bool {
        let Some(result) = message.of("result", MAM) else { return false };
        let from = message.attribute("from");
        let query = result.attribute("queryid").unwrap_or_default();
        if let Some(page) = lock(&self.pages).get_mut(query) {
            let ours = if page.archive.is_empty() {
                from.is_none_or(|from| from.eq_ignore_ascii_case(&self.settings.jid))
            } else {
                from == Some(&page.archive)
            };
            if ours && page.results.len() < 2 * PAGE {
                page.results.push(result.clone());
            }
        }
        true
    }

    /// One page, oldest first: of what was said after `start`, the last before the message `before`. Gives
    /// the number of its first message when there may be more.
    async fn page(
        &self,
        archive: &str,
        start: i64,
        before: &str,
    ) -> Result<(Vec<Element>, Option<String>), Unanswered> {
        let start = jiff::Timestamp::from_millisecond(start.max(0)).unwrap_or_default();
        let query = self.id();
        let inner = format!(
            "<query xmlns=\"{MAM}\" queryid=\"{query}\"><x xmlns=\"jabber:x:data\" type=\"submit\">\
             <field var=\"FORM_TYPE\" type=\"hidden\"><value>{MAM}</value></field>\
             <field var=\"start\"><value>{start:.0}</value></field></x>\
             <set xmlns=\"http://jabber.org/protocol/rsm\"><max>{PAGE}</max><before>{}</before></set></query>",
            super::element::escape(before)
        );
        let page = Page { archive: archive.to_owned(), results: Vec::new() };
        lock(&self.pages).insert(query.clone(), page);
        let answer = self.ask((!archive.is_empty()).then_some(archive), "set", &inner).await;
        let page = lock(&self.pages).remove(&query);
        let results = page.map(|page| page.results).unwrap_or_default();
        let answer = answer?;
        let fin = answer.of("fin", MAM);
        let complete = fin.is_none_or(|fin| fin.attribute("complete") == Some("true"));
        let first = fin.and_then(|fin| fin.child("set")).and_then(|set| set.child("first"));
        let first = first.map(|first| first.text.trim().to_owned()).filter(|first| !first.is_empty());
        Ok((results, first.filter(|_| !complete)))
    }

    /// Keeps a message of a room's history.
    pub(super) fn hold(&self, room: &str, message: &Element) {
        let mut held = lock(&self.held);
        let list = held.entry(room.to_owned()).or_default();
        if list.len() < PAGE {
            list.push(message.clone());
        }
    }

    /// Asks what the history of a room has: it has no archive.
    async fn ask_held(self: &Arc<Self>, desk: &Arc<Desk>, room: &str) {
        let held = lock(&self.held).remove(room).unwrap_or_default();
        for message in held {
            let asked = {
                let rooms = lock(&self.rooms);
                let own = Own { jid: &self.settings.jid, rooms: &rooms, allow: &self.settings.allow };
                wire::question(&message, own, Source::Late)
            };
            if let Some(asked) = asked
                && let Err(error) = desk.accept(self, asked).await
            {
                tracing::error!(%error, "a question could not be accepted");
            }
        }
    }

    /// A message of ours by its tag, once what the archive of a place has is known.
    pub(super) async fn look_up(&self, to: &Asked, tag: &str) -> Result<Option<String>, Trouble> {
        let archive = to.place.reply.as_ref().map_or("", |_| to.place.channel.as_str()).to_owned();
        let mut caught = self.caught.subscribe();
        // A word in a room's private way stands in our own archive.
        let both = [archive, String::new()];
        let read = caught.wait_for(|caught| both.iter().all(|archive| caught.contains(archive)));
        if !matches!(timeout(READ, read).await, Ok(Ok(_))) {
            return Err(Trouble::unsent("the archive of xmpp was not read"));
        }
        let known = lock(&self.known);
        let found = [tag.to_owned(), super::private_tag(tag)].into_iter().find(|tag| known.has(tag));
        Ok(found)
    }
}

/// Reads an archive after a new session or a new entry into a room; what was said from `bound` on was not
/// heard.
pub(super) async fn catch_up(xmpp: Arc<Xmpp>, desk: Arc<Desk>, archive: String, bound: i64) {
    for _ in 0..TRIES {
        match look_back(&xmpp, &desk, &archive, bound).await {
            Ok(()) => {
                lock(&xmpp.held).remove(&archive);
                break;
            }
            // No archive, or not for us: what was not heard is not known.
            Err(Unanswered::Error(what, false)) => {
                tracing::debug!(%archive, %what, "no archive");
                break;
            }
            Err(_) => sleep(AGAIN).await,
        }
    }
    xmpp.ask_held(&desk, &archive).await;
    if let Some(seen) = lock(&xmpp.seen).get_mut(&archive) {
        seen.new = false;
    }
    xmpp.caught.send_modify(|caught| {
        caught.insert(archive);
    });
    xmpp.tell();
}

async fn look_back(xmpp: &Arc<Xmpp>, desk: &Arc<Desk>, archive: &str, bound: i64) -> Result<(), Unanswered> {
    // Answers can only have been sent after their questions.
    let open = desk.store().open_questions(xmpp.name()).await.unwrap_or_default();
    let oldest =
        open.iter().map(|(_, at)| *at).min().map_or(i64::MAX, |at| (at - OVERLAP).max(now() - OLDEST));
    let mut before = String::new();
    let mut found = Vec::new();
    let mut back = HashSet::new();
    for _ in 0..PAGES {
        let (results, more) = xmpp.page(archive, bound.min(oldest), &before).await?;
        for result in results.iter().rev() {
            found.extend(take(xmpp, archive, result, bound, &mut back));
        }
        match more {
            Some(first) if first != before => before = first,
            _ => break,
        }
    }
    for asked in found.into_iter().rev() {
        if let Err(error) = desk.accept(xmpp, asked).await {
            tracing::error!(%error, "a question could not be accepted");
            return Err(Unanswered::Lost);
        }
    }
    Ok(())
}

/// One message of an archive, the later ones first: ours, or perhaps a question. `back` is what came back.
fn take(
    xmpp: &Xmpp,
    archive: &str,
    result: &Element,
    bound: i64,
    back: &mut HashSet<String>,
) -> Option<Asked> {
    let forwarded = result.of("forwarded", "urn:xmpp:forward:0")?;
    let message = forwarded.child("message")?;
    let at = wire::delay(forwarded).and_then(|delay| delay.at)?;
    let from = message.attribute("from").unwrap_or_default();
    let (address, name) = (bare(from), from.split_once('/').map_or("", |(_, name)| name));
    let rooms = lock(&xmpp.rooms);
    let ours = if archive.is_empty() { address == xmpp.settings.jid } else { rooms.is_us(address, name) };
    match message.attribute("type") {
        Some("error") => {
            for id in ids(message) {
                lock(&xmpp.known).take_back(id);
                back.insert(id.to_owned());
            }
        }
        _ if ours => {
            for id in ids(message).filter(|&id| !back.contains(id)) {
                lock(&xmpp.known).add(id);
            }
        }
        // A room's messages stand in the room's archive.
        Some("groupchat") if archive.is_empty() => {}
        _ if at >= bound && (archive.is_empty() || address == archive) => {
            let own = Own { jid: &xmpp.settings.jid, rooms: &rooms, allow: &xmpp.settings.allow };
            return wire::question(message, own, Source::Archive(result.attribute("id")?));
        }
        _ => {}
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_back_is_not_known_and_the_oldest_are_forgotten() {
        let mut known = Known::default();
        for number in 0..=KNOWN {
            known.add(&format!("nb-{number}"));
        }
        known.add("nb-7");
        known.add("");
        assert!(!known.has("nb-0") && known.has("nb-1") && known.has("nb-7") && !known.has(""));
        known.take_back("nb-7");
        assert!(!known.has("nb-7"));
        assert_eq!((known.set.len(), known.order.len()), (KNOWN - 1, KNOWN - 1));
    }
}
