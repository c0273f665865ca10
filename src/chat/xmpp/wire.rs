//! Which messages are questions, and of whom.

use super::element::Element;
use super::rooms::Rooms;
use crate::bot::Who;
use crate::chat::{Asked, How, Place};

/// The part of an address before the resource.
pub(super) fn bare(address: &str) -> &str {
    address.split('/').next().unwrap_or(address)
}

/// What decides whether a message is for us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'a> {
    /// Our address, without a resource.
    pub jid: &'a str,
    /// The rooms.
    pub rooms: &'a Rooms,
    /// Addresses, domains and rooms that may ask; everybody when empty.
    pub allow: &'a [String],
}

/// Where a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source<'a> {
    /// Over the link.
    Link,
    /// Over the link, but said earlier.
    Late,
    /// From an archive, and its number there.
    Archive(&'a str),
}

/// A stamp of a message that was kept somewhere (XEP-0203): who kept it, and when it was said, in
/// milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delay {
    pub by: Option<String>,
    pub at: Option<i64>,
}

/// The stamp of a message, if it has one.
pub(super) fn delay(message: &Element) -> Option<Delay> {
    let delay = message.children.iter().find(|child| {
        (child.name == "delay" && child.space == "urn:xmpp:delay")
            || (child.name == "x" && child.space == "jabber:x:delay")
    })?;
    let at = delay.attribute("stamp").and_then(|stamp| stamp.parse::<jiff::Timestamp>().ok());
    let by = delay.attribute("from").map(str::to_owned);
    Some(Delay { by, at: at.map(jiff::Timestamp::as_millisecond) })
}

/// The question of a message stanza of somebody else. Stamps are the caller's to judge.
pub(super) fn question(message: &Element, own: Own<'_>, source: Source<'_>) -> Option<Asked> {
    let from = message.attribute("from")?;
    let said = message.child("body")?.text.clone();
    let kind = message.attribute("type").unwrap_or("normal");
    // An edited question is not asked again, nor what another client of ours has got.
    let corrected = message.of("replace", "urn:xmpp:message-correct:0").is_some();
    let forwarded = message.children.iter().any(|child| child.space == "urn:xmpp:carbons:2");
    let address = bare(from);
    if corrected || forwarded || matches!(kind, "error" | "headline") || address == own.jid {
        return None;
    }
    let room = own.rooms.nick(address);
    // A server's news, an invitation, an answer of another bot like us: nothing to answer.
    let server = room.is_none() && !address.contains('@');
    if server || is_invitation(message) || said.trim_start().starts_with('▸') {
        return None;
    }
    let (_, name) = from.split_once('/').unwrap_or((from, ""));
    if room.is_some() && (name.is_empty() || own.rooms.is_us(address, name)) {
        return None;
    }
    let group = kind == "groupchat";
    let (how, text) = match (group, room) {
        // By the name that we should have, too: in a crowd we may have got another.
        (true, Some(nick)) => match addressed(&said, nick).or_else(|| addressed(&said, own.rooms.wanted())) {
            Some(rest) => (How::Mention, rest.to_owned()),
            None => (How::Overheard, said.clone()),
        },
        (true, None) => return None,
        (false, _) => (How::Direct, said.clone()),
    };
    let id = match room {
        Some(_) => {
            real(message, from, own, source).map_or_else(|| from.to_owned(), |real| bare(real).to_owned())
        }
        None => address.to_owned(),
    };
    let shown = if room.is_some() { name.to_owned() } else { id.split('@').next().unwrap_or(&id).to_owned() };
    let given = message.attribute("id").filter(|id| !id.is_empty());
    let stanza = stanza_id(message, own, source);
    let mut denied =
        (!allowed(&id, address, own.allow)).then(|| "you are not among those who may ask".into());
    if how == How::Direct && denied.is_none() && is_encrypted(message) {
        denied = Some("it is encrypted for devices of others; send it without encryption".into());
    }
    Some(Asked {
        keys: keys(message, from, &said, stanza.as_deref()),
        who: Who { way: "xmpp".to_owned(), id, name: crate::text::clean_line(&shown) },
        place: Place {
            // In a room to all; a word in private, in a room or not, to whoever said it.
            channel: if group { address.to_owned() } else { from.to_owned() },
            thread: message.child("thread").map(|thread| thread.text.clone()).filter(|text| !text.is_empty()),
            // What replies and reactions point at: in a room the number that the room gave.
            message: if group { stanza } else { given.map(str::to_owned) },
            reply: group.then(|| from.to_owned()),
        },
        text,
        how,
        denied,
    })
}

/// The number that the archive has, or will have, for a message (XEP-0359).
fn stanza_id(message: &Element, own: Own<'_>, source: Source<'_>) -> Option<String> {
    if let Source::Archive(id) = source {
        return Some(id.to_owned());
    }
    let group = message.attribute("type") == Some("groupchat");
    let by = if group { bare(message.attribute("from")?) } else { own.jid };
    let given = message.children.iter().find(|child| {
        child.name == "stanza-id" && child.space == "urn:xmpp:sid:0" && child.attribute("by") == Some(by)
    })?;
    given.attribute("id").map(str::to_owned)
}

/// What a message is known by: the archive's number, and the sender's id. Some clients count from one in
/// each session, so the text belongs to the latter.
fn keys(message: &Element, from: &str, said: &str, stanza: Option<&str>) -> Vec<String> {
    let origin = message.of("origin-id", "urn:xmpp:sid:0").and_then(|origin| origin.attribute("id"));
    let given = origin.or_else(|| message.attribute("id")).filter(|id| !id.is_empty());
    let mut keys: Vec<String> = stanza.map(|id| format!("sid {} {id}", bare(from))).into_iter().collect();
    if let Some(given) = given {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, said.as_bytes());
        let short = digest.as_ref().iter().take(8).fold(0_u64, |short, byte| short << 8 | u64::from(*byte));
        keys.push(format!("{from} {given} {short:016x}"));
    }
    if keys.is_empty() {
        // A message without any id cannot come twice either: nothing would deliver it again.
        keys.push(format!("{from} {}", jiff::Timestamp::now()));
    }
    keys
}

/// Who stands behind a name in a room, where the room tells it. What was said earlier may have been said
/// by somebody who had the name before.
fn real<'a>(message: &'a Element, from: &str, own: Own<'a>, source: Source<'_>) -> Option<&'a str> {
    let occupant = message.of("occupant-id", "urn:xmpp:occupant-id:0").and_then(|one| one.attribute("id"));
    match source {
        Source::Link => own.rooms.real(from),
        Source::Late => own.rooms.real_then(from, occupant),
        Source::Archive(_) => own.rooms.real_then(from, occupant).or_else(|| {
            if !own.rooms.is_open(bare(from)) {
                return None;
            }
            // The room notes the address in its archive. More than one note: one of them is forged.
            let mut notes = message
                .children
                .iter()
                .filter(|child| child.name == "x" && child.space == "http://jabber.org/protocol/muc#user");
            let note = notes.next()?;
            if notes.next().is_some() { None } else { note.child("item")?.attribute("jid") }
        }),
    }
}

/// Whether an asker is named, or their domain, or the room in which they ask.
pub(super) fn allowed(id: &str, address: &str, allow: &[String]) -> bool {
    let is = |entry: &String, other: &str| entry.eq_ignore_ascii_case(other);
    let domain = |jid: &'_ str| jid.split_once('@').map_or("", |(_, domain)| domain).to_owned();
    // A name in a room is no address, and the room's domain is not the asker's.
    let person = !id.contains('/');
    allow.is_empty()
        || allow
            .iter()
            .any(|entry| is(entry, address) || (person && (is(entry, id) || is(entry, &domain(id)))))
}

/// XEP-0249, or by the room itself.
fn is_invitation(message: &Element) -> bool {
    message.children.iter().any(|child| {
        child.space == "jabber:x:conference"
            || (child.space == "http://jabber.org/protocol/muc#user" && child.child("invite").is_some())
    })
}

/// OMEMO and others (XEP-0380): the body only says that it is encrypted.
fn is_encrypted(message: &Element) -> bool {
    message.children.iter().any(|child| {
        child.name == "encrypted"
            || (child.name == "encryption" && child.space == "urn:xmpp:eme:0")
            || child.space == "jabber:x:encrypted"
    })
}

/// What follows `nick:`, `nick,`, `@nick` or `nick ` at the start of a message.
fn addressed<'a>(said: &'a str, nick: &str) -> Option<&'a str> {
    let said = said.trim_start();
    let said = said.strip_prefix('@').unwrap_or(said);
    let head = said.get(..nick.len())?;
    if !head.eq_ignore_ascii_case(nick) {
        return None;
    }
    let rest = said.get(nick.len()..)?;
    let rest = match rest.chars().next() {
        None => rest,
        Some(':' | ',') => rest.get(1..)?,
        Some(c) if c.is_whitespace() => rest,
        Some(_) => return None,
    };
    Some(rest.trim())
}

#[cfg(test)]
mod tests;
