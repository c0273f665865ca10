//! The rooms that we are in (XEP-0045), and who is in them.
//!
//! ```text
//!   outside ──enter──► entering ──our own presence (110)──► inside ──self-ping (XEP-0410) every 30 s
//!      ▲                  │ refused: again in 30 s             │ put out, destroyed, forgotten by the service
//!      └──────────────────┴────────────────────────────────────┘
//! ```

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::element::{Element, escape};
use super::stream::condition;
use super::wire::bare;

/// A room that refused us, or whose people put us out, is tried again after this time.
const LATER: Duration = Duration::from_secs(30);
/// A room that went away, or a service that forgot us.
const SOON: Duration = Duration::from_secs(1);
/// A service that does not answer an entry.
const ENTRY: Duration = Duration::from_secs(15);
/// Between two questions whether we are still inside.
const PING: Duration = Duration::from_secs(30);
/// People whose real addresses are remembered.
const PEOPLE: usize = 10_000;
/// Names that are tried when ours is taken.
const NAMES: usize = 6;
const MUC_USER: &str = "http://jabber.org/protocol/muc#user";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Outside,
    Entering,
    Inside,
}

#[derive(Debug)]
struct Room {
    nick: String,
    at: At,
    due: Instant,
    /// Whether somebody else has the name that we want.
    taken: bool,
    /// Whether it asks for a password.
    guarded: bool,
    /// Whether everybody there sees real addresses.
    open: bool,
    /// From when on we want to know what was said, in milliseconds since 1970; nothing when nothing was
    /// missed.
    since: Option<i64>,
    renames: bool,
}

#[derive(Debug)]
struct Person {
    real: String,
    /// XEP-0421: the same for the same account, given by the room.
    occupant: Option<String>,
}

/// The rooms of the configuration.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    list: HashMap<String, Room>,
    people: HashMap<String, Person>,
    nick: String,
    password: Option<String>,
}

/// What a presence or the time asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// We are inside; what was said meanwhile can be looked up.
    Entered(String),
    /// A stanza to send.
    Send(String),
    /// Ask our own place, `room/nick`, whether we are still there.
    Ping(String, String),
}

impl Rooms {
    pub(super) fn new(rooms: &[String], nick: &str) -> Self {
        let at = |room: &String| {
            let room = room.to_lowercase();
            (
                room,
                Room {
                    nick: nick.to_owned(),
                    at: At::Outside,
                    due: Instant::now(),
                    taken: false,
                    guarded: false,
                    open: false,
                    since: None,
                    renames: false,
                },
            )
        };
        Self { list: rooms.iter().map(at).collect(), nick: nick.to_owned(), ..Self::default() }
    }

    /// For rooms that ask for one.
    pub(super) fn set_password(&mut self, password: Option<String>) {
        self.password = password;
    }

    /// The session is lost, and with it every place in a room.
    pub(super) fn leave_all(&mut self) {
        for room in self.list.values_mut() {
            room.at = At::Outside;
        }
    }

    /// From when on the history of a room is news to us, unless we are inside.
    pub(super) fn set_since(&mut self, bounds: &HashMap<String, i64>) {
        for (name, room) in self.list.iter_mut().filter(|(_, room)| room.at != At::Inside) {
            room.since = bounds.get(name).copied().filter(|bound| *bound != i64::MAX);
        }
    }

    /// A new session: into every room, by the first name.
    pub(super) fn enter_all(&mut self) -> Vec<String> {
        self.people.clear();
        let names: Vec<String> = self.list.keys().cloned().collect();
        for room in self.list.values_mut() {
            (room.at, room.due) = (At::Entering, Instant::now() + ENTRY);
            room.nick.clone_from(&self.nick);
            room.taken = false;
        }
        names.iter().filter_map(|room| self.enter(room)).collect()
    }

    /// Into a room, without its history but for what was missed: a service without an archive may have that.
    fn enter(&self, room: &str) -> Option<String> {
        let Room { nick, guarded, since, .. } = self.list.get(room)?;
        // Only where it is asked for: not every room's service need know it.
        let password = self.password.as_ref().filter(|_| *guarded);
        let password =
            password.map(|text| format!("<password>{}</password>", escape(text))).unwrap_or_default();
        let since = since.and_then(|since| jiff::Timestamp::from_millisecond(since).ok());
        let history = since.map_or_else(
            || "<history maxstanzas=\"0\"/>".to_owned(),
            |since| format!("<history since=\"{since:.0}\"/>"),
        );
        Some(format!(
            "<presence xmlns=\"jabber:client\" to=\"{}/{}\"><x xmlns=\"http://jabber.org/protocol/muc\">\
             {history}{password}</x></presence>",
            escape(room),
            escape(nick)
        ))
    }

    /// Our name in a room of ours.
    pub(super) fn nick(&self, room: &str) -> Option<&str> {
        self.list.get(room).map(|room| room.nick.as_str())
    }

    /// The name that the configuration gives us.
    pub(super) fn wanted(&self) -> &str {
        &self.nick
    }

    /// Whether somebody in a room is us, or was.
    pub(super) fn is_us(&self, room: &str, name: &str) -> bool {
        self.list.get(room).is_some_and(|room| name == room.nick || (name == self.nick && !room.taken))
    }

    /// Whether we are in it.
    pub(super) fn is_inside(&self, room: &str) -> bool {
        self.list.get(room).is_some_and(|room| room.at == At::Inside)
    }

    /// A room has shown a message of ours, with the id that we gave it or with another.
    pub(super) fn shows_ids(&mut self, room: &str, ours: bool) {
        if let Some(room) = self.list.get_mut(room) {
            room.renames = !ours;
        }
    }

    /// Whether a room gives messages other ids (XEP-0045 did not forbid it once): then it cannot be told
    /// which of them it has shown.
    pub(super) fn renames(&self, room: &str) -> bool {
        self.list.get(room).is_some_and(|room| room.renames)
    }

    /// Those that we are in.
    pub(super) fn inside(&self) -> Vec<String> {
        let inside = self.list.iter().filter(|(_, room)| room.at == At::Inside);
        inside.map(|(name, _)| name.clone()).collect()
    }

    /// Whether the room shows real addresses to all.
    pub(super) fn is_open(&self, room: &str) -> bool {
        self.list.get(room).is_some_and(|room| room.open)
    }

    /// The real address of `room/name`, as the presence there says it now.
    pub(super) fn real(&self, from: &str) -> Option<&str> {
        self.people.get(from).map(|person| person.real.as_str())
    }

    /// The same for something said earlier: only if it is surely the same person.
    pub(super) fn real_then(&self, from: &str, occupant: Option<&str>) -> Option<&str> {
        let person = self.people.get(from)?;
        (occupant.is_some() && person.occupant.as_deref() == occupant).then_some(person.real.as_str())
    }

    /// The service does not know us there any more.
    pub(super) fn lost(&mut self, room: &str) {
        if let Some(room) = self.list.get_mut(room) {
            (room.at, room.due) = (At::Outside, Instant::now());
        }
    }

    /// Asks of every room, soon, whether we are still inside.
    pub(super) fn look(&mut self) {
        for room in self.list.values_mut().filter(|room| room.at == At::Inside) {
            room.due = Instant::now();
        }
    }

    /// What the time asks for.
    pub(super) fn due(&mut self) -> Vec<Act> {
        let now = Instant::now();
        let mut out = Vec::new();
        let mut entering = Vec::new();
        for (name, room) in self.list.iter_mut().filter(|(_, room)| room.due <= now) {
            if room.at == At::Inside {
                room.due = now + PING;
                out.push(Act::Ping(name.clone(), format!("{name}/{}", room.nick)));
            } else {
                (room.at, room.due) = (At::Entering, now + ENTRY);
                entering.push(name.clone());
            }
        }
        out.extend(entering.iter().filter_map(|room| self.enter(room)).map(Act::Send));
        out
    }

    /// Takes a presence from a room.
    pub(super) fn presence(&mut self, element: &Element) -> Vec<Act> {
        let Some(from) = element.attribute("from") else { return Vec::new() };
        let (address, name) = (bare(from).to_owned(), from.split_once('/').map_or("", |(_, name)| name));
        let first = self.nick.clone();
        let Some(room) = self.list.get_mut(&address) else { return Vec::new() };
        let user = element.of("x", MUC_USER);
        let status = |code: &str| {
            user.is_some_and(|x| {
                x.children.iter().any(|c| c.name == "status" && c.attribute("code") == Some(code))
            })
        };
        let own = status("110") || name == room.nick;
        match element.attribute("type") {
            Some("error") => {
                let what = condition(element);
                if what == "conflict" && room.nick.chars().count() < first.chars().count() + NAMES {
                    // Somebody has our name: perhaps we ourselves, on a link that hangs.
                    room.nick.push('_');
                    room.taken = true;
                    return self.enter(&address).map(Act::Send).into_iter().collect();
                }
                if what == "not-authorized" && !room.guarded && self.password.is_some() {
                    room.guarded = true;
                    return self.enter(&address).map(Act::Send).into_iter().collect();
                }
                tracing::error!(room = %address, %what, "xmpp lets us not into a room; it is tried again");
                (room.nick, room.taken) = (first, false);
                (room.at, room.due) = (At::Outside, Instant::now() + LATER);
            }
            Some("unavailable") if own => {
                let item = user.and_then(|x| x.child("item"));
                if status("303")
                    && let Some(new) = item.and_then(|item| item.attribute("nick"))
                {
                    new.clone_into(&mut room.nick);
                    return Vec::new();
                }
                // By people: 307 kicked, 301 banned, 321 and 322 not a member any more.
                let people = ["301", "307", "321", "322"].into_iter().any(status) && !status("333");
                let why = item.and_then(|item| item.child("reason")).map(|reason| reason.text.as_str());
                let why = crate::text::clean_line(why.unwrap_or_default());
                tracing::warn!(room = %address, %why, "xmpp put us out of a room; it is entered again");
                (room.at, room.due) = (At::Outside, Instant::now() + if people { LATER } else { SOON });
                (room.nick, room.taken) = (first, false);
            }
            Some("unavailable") => {
                self.people.remove(from);
            }
            None => {
                let real = user.and_then(|x| x.child("item")).and_then(|item| item.attribute("jid"));
                let entered = status("110");
                if entered {
                    let again = room.at == At::Inside && room.nick == name;
                    // The server may have changed the name.
                    if !name.is_empty() {
                        name.clone_into(&mut room.nick);
                    }
                    (room.at, room.due) = (At::Inside, Instant::now() + PING);
                    room.open |= status("100");
                    if again {
                        return Vec::new();
                    }
                }
                if let Some(real) = real
                    && self.people.len() < PEOPLE
                {
                    let occupant = element.of("occupant-id", "urn:xmpp:occupant-id:0");
                    let occupant = occupant.and_then(|one| one.attribute("id")).map(str::to_owned);
                    self.people.insert(from.to_owned(), Person { real: real.to_owned(), occupant });
                }
                if entered {
                    let mut out = vec![Act::Entered(address.clone())];
                    // A room that did not exist is locked until its maker accepts it as it is.
                    out.extend(status("201").then(|| Act::Send(unlock(&address))));
                    return out;
                }
            }
            Some(_) => {}
        }
        Vec::new()
    }
}

fn unlock(room: &str) -> String {
    format!(
        "<iq xmlns=\"jabber:client\" type=\"set\" id=\"unlock\" to=\"{}\">\
         <query xmlns=\"http://jabber.org/protocol/muc#owner\"><x xmlns=\"jabber:x:data\" type=\"submit\"/>\
         </query></iq>",
        escape(room)
    )
}

#[cfg(test)]
mod tests;
