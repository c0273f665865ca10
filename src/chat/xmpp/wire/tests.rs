use proptest::prelude::*;

use super::*;

const ROOM: &str = "noc@conf.x";

fn rooms() -> Rooms {
    let mut rooms = Rooms::new(&[ROOM.to_owned()], "nocbot");
    let here = "<presence xmlns='jabber:client' from='noc@conf.x/alice'>\
                <x xmlns='http://jabber.org/protocol/muc#user'><item jid='alice@x/phone'/></x>\
                <occupant-id xmlns='urn:xmpp:occupant-id:0' id='o1'/></presence>";
    rooms.presence(&Element::read(here).unwrap());
    let own = "<presence xmlns='jabber:client' from='noc@conf.x/nocbot'>\
               <x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/><status code='100'/></x>\
               </presence>";
    rooms.presence(&Element::read(own).unwrap());
    rooms
}

fn asked_from(frame: &str, source: Source<'_>, allow: &[&str]) -> Option<Asked> {
    let allow: Vec<String> = allow.iter().map(|&entry| entry.to_owned()).collect();
    let rooms = rooms();
    let own = Own { jid: "nocbot@x", rooms: &rooms, allow: &allow };
    question(&Element::read(frame).unwrap(), own, source)
}

fn asked(frame: &str) -> Option<Asked> {
    asked_from(frame, Source::Link, &[])
}

fn in_room(body: &str, more: &str) -> String {
    format!("<message from='noc@conf.x/alice' type='groupchat' id='2'><body>{body}</body>{more}</message>")
}

#[test]
fn rooms_and_people() {
    let direct = asked("<message from='bob@x/1' type='chat' id='1'><body>vrf r1</body></message>").unwrap();
    assert_eq!(
        (direct.how, direct.who.id.as_str(), direct.place.channel.as_str()),
        (How::Direct, "bob@x", "bob@x/1")
    );
    let called = asked(&in_room("NOCbot: vrf r1", "")).unwrap();
    assert_eq!(
        (called.how, called.text.as_str(), called.who.id.as_str()),
        (How::Mention, "vrf r1", "alice@x")
    );
    assert_eq!(called.place.reply.as_deref(), Some("noc@conf.x/alice"));
    assert_eq!(asked(&in_room("nocbots: vrf r1", "")).unwrap().how, How::Overheard);
    assert_eq!(asked(&in_room("nocbot: a", "<replace xmlns='urn:xmpp:message-correct:0' id='1'/>")), None);
    let private = "<message from='noc@conf.x/alice' type='chat' id='1'><body>vrf r1</body></message>";
    let private = asked(private).unwrap();
    assert_eq!((private.how, private.place.channel.as_str()), (How::Direct, "noc@conf.x/alice"));
    assert_eq!((private.who.id.as_str(), private.place.reply), ("alice@x", None));
}

#[test]
fn our_own_words_and_errors_are_no_questions() {
    for frame in [
        "<message from='noc@conf.x/nocbot' type='groupchat' id='2'><body>nocbot: vrf r1</body></message>",
        "<message from='noc@conf.x' type='groupchat'><body>welcome</body></message>",
        "<message from='bob@x/1' type='error' id='1'><body>vrf r1</body></message>",
        "<message from='bob@x/1' type='headline' id='1'><body>vrf r1</body></message>",
        "<message from='nocbot@x/2' type='chat' id='1'><body>vrf r1</body></message>",
        "<message from='bob@x/1' type='chat'><composing xmlns='c'/></message>",
        "<message from='x' id='1'><body>welcome to this server</body></message>",
        "<message from='bob@x/1' type='chat' id='1'><body>▸ ✖ no verb</body></message>",
        "<message from='ops@conf.x'><body>come</body><x xmlns='http://jabber.org/protocol/muc#user'>\
         <invite from='bob@x'/></x></message>",
        "<message from='other@conf.x/bob' type='groupchat' id='1'><body>nocbot: vrf r1</body></message>",
    ] {
        assert_eq!(asked(frame), None, "{frame}");
    }
}

#[test]
fn a_message_and_its_copy_in_the_archive_have_a_key_in_common() {
    let id = "<stanza-id xmlns='urn:xmpp:sid:0' by='noc@conf.x' id='77'/>";
    let forged = "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@x' id='78'/>";
    let live = asked(&in_room("nocbot: vrf r1", &format!("{forged}{id}"))).unwrap();
    let kept = asked_from(&in_room("nocbot: vrf r1", ""), Source::Archive("77"), &[]).unwrap();
    assert_eq!(live.keys, kept.keys);
    assert_eq!(live.place, kept.place);
    let direct = |more: &str| {
        format!("<message from='bob@x/1' type='chat' id='1'><body>vrf r1</body>{more}</message>")
    };
    let live = asked(&direct("<stanza-id xmlns='urn:xmpp:sid:0' by='nocbot@x' id='77'/>")).unwrap();
    let kept = asked_from(&direct(""), Source::Archive("77"), &[]).unwrap();
    assert_eq!((live.keys.len(), &live.keys), (2, &kept.keys));
    // The same id for another text is another question: some clients count from one each time.
    let other = asked(&direct("").replace("r1", "r2")).unwrap();
    assert!(!live.keys.contains(&other.keys[0]));
}

#[test]
fn who_asked_earlier_is_only_known_when_it_is_sure() {
    let who = |more: &str, source: Source<'_>| {
        asked_from(&in_room("nocbot: vrf r1", more), source, &[]).unwrap().who.id
    };
    let same = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o1'/>";
    let other = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o2'/>";
    let note = "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='eve@x'/></x>";
    let kept = Source::Archive("7");
    assert_eq!(who(same, kept), "alice@x");
    assert_eq!((who(other, kept), who("", Source::Late)), (format!("{ROOM}/alice"), format!("{ROOM}/alice")));
    assert_eq!(who(note, kept), "eve@x");
    assert_eq!(who(&format!("{note}{note}"), kept), format!("{ROOM}/alice"));
    assert_eq!(who(note, Source::Link), "alice@x");
}

#[test]
fn who_may_ask() {
    let may = |allow: &[&str], frame: &str| asked_from(frame, Source::Link, allow).unwrap().denied.is_none();
    let direct = "<message from='Bob@x/1' type='chat' id='1'><body>vrf r1</body></message>";
    let alice = in_room("nocbot: vrf r1", "");
    let stranger = alice.replace("/alice", "/mallory");
    for entry in ["bob@x", "x"] {
        assert!(may(&[entry], direct), "{entry}");
    }
    assert!(!may(&["alice@x", "conf.x", "y"], direct));
    assert!(may(&["alice@x"], &alice) && may(&["x"], &alice) && may(&[ROOM], &alice));
    // Who is not known cannot be named, but the room can.
    assert!(!may(&["x", "conf.x", "mallory"], &stranger) && may(&[ROOM], &stranger));
    let secret = "<message from='bob@x/1' type='chat' id='1'><body>I sent you an OMEMO message</body>\
                  <encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/></message>";
    assert!(asked(secret).unwrap().denied.unwrap().contains("encrypted"));
}

#[test]
fn stamps() {
    let stamp = |inner: &str| delay(&Element::read(&format!("<message>{inner}</message>")).unwrap());
    let new = stamp("<delay xmlns='urn:xmpp:delay' from='x' stamp='1970-01-01T00:00:01Z'/>").unwrap();
    assert_eq!((new.by.as_deref(), new.at), (Some("x"), Some(1000)));
    assert_eq!(stamp("<x xmlns='jabber:x:delay' stamp='20260101T00:00:00'/>").map(|old| old.by), Some(None));
    assert_eq!(stamp("<delay xmlns='urn:xmpp:delay'/>").unwrap().at, None);
    assert_eq!(stamp("<body/>"), None);
}

proptest! {
    #[test]
    fn nobody_becomes_somebody_by_a_text(body in "\\PC{0,40}", name in "[a-z@/.]{1,12}") {
        let frame = format!(
            "<message from='noc@conf.x/{name}' type='groupchat' id='2'><body>{}</body></message>",
            super::super::element::escape(&body)
        );
        if let Some(asked) = asked(&frame) && name != "alice" {
            prop_assert!(asked.who.id.starts_with("noc@conf.x/"), "{:?}", asked.who);
        }
    }
}
