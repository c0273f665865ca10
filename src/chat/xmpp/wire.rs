//! What comes over the stream, and which messages are questions.

use std::collections::HashMap;

use super::element::Element;
use crate::bot::Who;
use crate::chat::{Asked, How, Place};

/// The part of an address before the resource.
pub(super) fn bare(address: &str) -> &str {
    address.split('/').next().unwrap_or(address)
}

/// What decides whether a message is for us.
#[derive(Debug)]
pub(super) struct Own<'a> {
    /// Our whole address.
    pub jid: &'a str,
    /// Room → our name in it.
    pub rooms: &'a HashMap<String, String>,
    /// `room/name` → the real address, where the room tells it.
    pub people: &'a HashMap<String, String>,
}

/// The question of a message stanza: a new one of somebody else, nothing from an archive.
pub(super) fn question(message: &Element, own: &Own<'_>) -> Option<Asked> {
    let from = message.attribute("from")?;
    let said = message.child("body")?.text.clone();
    let kind = message.attribute("type").unwrap_or("normal");
    // What is stamped was said before we listened: room history, offline storage, an archive.
    let old = message.of("delay", "urn:xmpp:delay").is_some() || message.of("x", "jabber:x:delay").is_some();
    let corrected = message.of("replace", "urn:xmpp:message-correct:0").is_some();
    let forwarded = message.children.iter().any(|child| child.space == "urn:xmpp:carbons:2");
    if old || corrected || forwarded || kind == "error" || bare(from) == bare(own.jid) {
        return None;
    }
    let room = own.rooms.get(bare(from));
    let (_, name) = from.split_once('/').unwrap_or((from, ""));
    if let Some(nick) = room
        && (name == nick || name.is_empty())
    {
        return None;
    }
    let (how, text) = match (kind, room) {
        ("groupchat", Some(nick)) => match addressed(&said, nick) {
            Some(rest) => (How::Mention, rest.to_owned()),
            None => (How::Overheard, said),
        },
        ("groupchat", None) => return None,
        _ => (How::Direct, said),
    };
    let id = match (room, own.people.get(from)) {
        (Some(_), Some(real)) => bare(real).to_owned(),
        (Some(_), None) => from.to_owned(),
        (None, _) => bare(from).to_owned(),
    };
    let shown = if room.is_some() { name.to_owned() } else { id.split('@').next().unwrap_or(&id).to_owned() };
    let key = message.attribute("id").filter(|id| !id.is_empty()).map(|id| format!("{from} {id}"));
    let stanza = message.of("stanza-id", "urn:xmpp:sid:0").and_then(|stanza| stanza.attribute("id"));
    let mut keys: Vec<String> = key.into_iter().chain(stanza.map(|id| format!("sid {id}"))).collect();
    if keys.is_empty() {
        // A message without any id cannot come twice either: nothing would deliver it again.
        keys.push(format!("{from} {}", jiff::Timestamp::now()));
    }
    let group = kind == "groupchat";
    Some(Asked {
        keys,
        who: Who { way: "xmpp".to_owned(), id, name: crate::text::clean_line(&shown) },
        place: Place {
            // In a room to all; a word in private, in a room or not, to whoever said it.
            channel: if group { bare(from).to_owned() } else { from.to_owned() },
            thread: message.child("thread").map(|thread| thread.text.clone()).filter(|text| !text.is_empty()),
            message: Some(from.to_owned()),
            reply: group.then(|| "groupchat".to_owned()),
        },
        text,
        how,
        denied: None,
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
mod tests {
    use super::*;

    fn asked(frame: &str) -> Option<Asked> {
        let rooms = HashMap::from([("noc@conf.x".to_owned(), "nocbot".to_owned())]);
        let people = HashMap::from([("noc@conf.x/alice".to_owned(), "alice@x/phone".to_owned())]);
        let own = Own { jid: "nocbot@x/1", rooms: &rooms, people: &people };
        question(&Element::read(frame).unwrap(), &own)
    }

    #[test]
    fn rooms_and_people() {
        let direct =
            asked("<message from='bob@x/1' type='chat' id='1'><body>vrf r1</body></message>").unwrap();
        assert_eq!(
            (direct.how, direct.who.id.as_str(), direct.place.channel.as_str()),
            (How::Direct, "bob@x", "bob@x/1")
        );
        let room = |body: &str, more: &str| {
            asked(&format!(
                "<message from='noc@conf.x/alice' type='groupchat' id='2'><body>{body}</body>{more}</message>"
            ))
        };
        let called = room("NOCbot: vrf r1", "").unwrap();
        assert_eq!(
            (called.how, called.text.as_str(), called.who.id.as_str()),
            (How::Mention, "vrf r1", "alice@x")
        );
        assert_eq!(called.place.reply.as_deref(), Some("groupchat"));
        assert_eq!(room("nocbots: vrf r1", "").unwrap().how, How::Overheard);
        assert_eq!(room("nocbot: vrf r1", "<delay xmlns='urn:xmpp:delay' stamp='x'/>"), None);
        assert_eq!(room("nocbot: vrf r1", "<replace xmlns='urn:xmpp:message-correct:0' id='1'/>"), None);
    }

    #[test]
    fn our_own_words_and_errors_are_no_questions() {
        for frame in [
            "<message from='noc@conf.x/nocbot' type='groupchat' id='2'><body>nocbot: vrf r1</body></message>",
            "<message from='noc@conf.x' type='groupchat'><body>welcome</body></message>",
            "<message from='bob@x/1' type='error' id='1'><body>vrf r1</body></message>",
            "<message from='nocbot@x/2' type='chat' id='1'><body>vrf r1</body></message>",
            "<message from='bob@x/1' type='chat'><composing xmlns='c'/></message>",
        ] {
            assert_eq!(asked(frame), None, "{frame}");
        }
    }
}
