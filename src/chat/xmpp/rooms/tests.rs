use proptest::prelude::*;

use super::*;

const ROOM: &str = "noc@conf.x";

fn rooms() -> Rooms {
    let mut rooms = Rooms::new(&["NOC@conf.x".to_owned()], "nocbot");
    rooms.set_password(Some("a<b".into()));
    let entering = rooms.enter_all();
    assert!(entering[0].contains("to=\"noc@conf.x/nocbot\""), "{entering:?}");
    assert!(!entering[0].contains("password"), "nobody asked for it");
    rooms
}

fn presence(rooms: &mut Rooms, name: &str, kind: &str, inner: &str) -> Vec<Act> {
    let frame = format!("<presence xmlns='jabber:client' from='{ROOM}/{name}'{kind}>{inner}</presence>");
    rooms.presence(&Element::read(&frame).unwrap())
}

fn user(inner: &str) -> String {
    format!("<x xmlns='{MUC_USER}'>{inner}</x>")
}

#[test]
fn in_and_out_and_in_again() {
    let mut rooms = rooms();
    let own = user("<status code='110'/><status code='100'/>");
    let acts = presence(&mut rooms, "nocbot", "", &own);
    assert_eq!(acts, [Act::Entered(ROOM.into())]);
    assert!(rooms.is_inside(ROOM) && rooms.is_open(ROOM) && rooms.due().is_empty());
    assert!(presence(&mut rooms, "nocbot", "", &own).is_empty(), "a presence of ours is no new entry");
    rooms.look();
    assert_eq!(rooms.due(), [Act::Ping(ROOM.into(), format!("{ROOM}/nocbot"))]);
    rooms.lost(ROOM);
    assert!(matches!(&rooms.due()[..], [Act::Send(_)]) && !rooms.is_inside(ROOM));
    let acts = presence(&mut rooms, "nocbot", "", &user("<status code='110'/><status code='201'/>"));
    assert!(matches!(&acts[..], [Act::Entered(_), Act::Send(unlock)] if unlock.contains("muc#owner")));
    let kicked = user("<status code='307'/><status code='110'/><item><reason>no</reason></item>");
    assert!(presence(&mut rooms, "nocbot", " type='unavailable'", &kicked).is_empty());
    assert!(!rooms.is_inside(ROOM) && rooms.due().is_empty(), "not at once: people want us out");
}

#[test]
fn names_and_people() {
    let mut rooms = rooms();
    let taken = "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    let acts = presence(&mut rooms, "nocbot", " type='error'", taken);
    assert!(matches!(&acts[..], [Act::Send(enter)] if enter.contains("/nocbot_\"")), "{acts:?}");
    presence(&mut rooms, "nocbot_", "", &user("<status code='110'/>"));
    assert!(rooms.is_us(ROOM, "nocbot_") && !rooms.is_us(ROOM, "nocbot") && !rooms.is_us(ROOM, "bob"));
    let moved = user("<item nick='robot'/><status code='303'/><status code='110'/>");
    presence(&mut rooms, "nocbot_", " type='unavailable'", &moved);
    assert_eq!(rooms.nick(ROOM), Some("robot"));
    let bob = user("<item jid='bob@x/1'/>") + "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o1'/>";
    presence(&mut rooms, "bob", "", &bob);
    let from = format!("{ROOM}/bob");
    assert_eq!(rooms.real(&from), Some("bob@x/1"));
    assert_eq!(rooms.real_then(&from, Some("o1")), Some("bob@x/1"));
    // Somebody else had the name then.
    assert_eq!((rooms.real_then(&from, Some("o2")), rooms.real_then(&from, None)), (None, None));
    presence(&mut rooms, "bob", " type='unavailable'", "");
    assert_eq!(rooms.real(&from), None);
}

#[test]
fn the_password_is_for_rooms_that_ask() {
    let mut rooms = rooms();
    let refused = "<error type='auth'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    let acts = presence(&mut rooms, "nocbot", " type='error'", refused);
    assert!(matches!(&acts[..], [Act::Send(enter)] if enter.contains("<password>a&lt;b</password>")));
    assert_eq!(presence(&mut rooms, "nocbot", " type='error'", refused), []);
    assert!(rooms.due().is_empty(), "a wrong one is not tried at once again");
}

proptest! {
    #[test]
    fn no_presence_panics(name in "\\PC{0,6}", kind in "( type='(error|unavailable|x)')?", code in "[0-9]{0,3}") {
        let name = super::super::element::escape(&name);
        let _ = presence(&mut rooms(), &name, &kind, &user(&format!("<status code='{code}'/><item/>")));
    }
}

#[test]
fn the_history_is_asked_for_what_was_missed_only() {
    let mut rooms = rooms();
    let bounds = |at| HashMap::from([(ROOM.to_owned(), at)]);
    rooms.set_since(&bounds(i64::MAX));
    assert!(rooms.enter_all()[0].contains("maxstanzas=\"0\""));
    rooms.set_since(&bounds(1000));
    assert!(rooms.enter_all()[0].contains("<history since=\"1970-01-01T00:00:01Z\"/>"));
    presence(&mut rooms, "nocbot", "", &user("<status code='110'/>"));
    rooms.set_since(&bounds(5000));
    rooms.leave_all();
    assert!(rooms.enter_all()[0].contains("T00:00:01Z"), "inside, nothing new is missed");
}
