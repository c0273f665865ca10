//! `nocbot xmpp check`: whether the server takes the login and lets us into the rooms, and what it has.

use std::time::Duration;

use tokio::time::timeout;

use super::element::Element;
use super::rooms::Act;
use super::stream::{Stream, condition};
use super::wire::bare;
use super::{Xmpp, lock};
use crate::chat::link::Frame;
use crate::chat::{Finding, Trouble};

const ROOMS: Duration = Duration::from_secs(10);

/// Opens a stream beside the one at work, and enters the rooms.
pub(super) async fn check(xmpp: &Xmpp) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut other = None;
    let opened = async {
        let mut stream = Stream::open(xmpp, &xmpp.settings.url, &mut other).await?;
        let jid = stream.bind(None).await?;
        Ok::<_, Trouble>((stream, jid))
    };
    let (stream, jid) = match opened.await {
        Ok(opened) => opened,
        Err(trouble) => {
            let hint = match trouble {
                Trouble::Login(_) => "is the account registered, and the password right?",
                _ => "is `url` reachable from here, and does the server serve WebSockets for the domain?",
            };
            out.push(Finding::wrong(trouble.to_string(), hint));
            return out;
        }
    };
    out.push(Finding::ok(format!("logged in as {jid}")));
    out.push(Finding::ok(if stream.has_management() {
        "sessions survive a cut link (XEP-0198)"
    } else {
        "no stream management (XEP-0198): after a cut link the archives alone say what was missed"
    }));
    let mut socket = stream.socket;
    let password = match &xmpp.settings.room_password {
        Some(password) => password.resolve().await.ok().map(|found| found.expose().to_owned()),
        None => None,
    };
    let mut stanzas = vec!["<presence xmlns=\"jabber:client\"><priority>-1</priority></presence>".to_owned()];
    let mut rooms: Vec<String> = xmpp.settings.rooms.iter().map(|room| room.to_lowercase()).collect();
    {
        let mut all = lock(&xmpp.rooms);
        all.set_password(password);
        stanzas.extend(all.enter_all());
    }
    for stanza in stanzas {
        if let Err(trouble) = socket.sender().text(stanza).await {
            out.push(Finding::wrong(trouble.to_string(), "the server ended the link at once"));
            return out;
        }
    }
    let entering = async {
        while !rooms.is_empty() {
            let Frame::Text(frame) = socket.next().await else { break };
            let Some(element) = Element::read(&frame).filter(|element| element.name == "presence") else {
                continue;
            };
            let room = bare(element.attribute("from").unwrap_or_default()).to_owned();
            if !rooms.contains(&room) {
                continue;
            }
            let acts = lock(&xmpp.rooms).presence(&element);
            if acts.contains(&Act::Entered(room.clone())) {
                out.push(Finding::ok(format!("in the room {room}")));
                rooms.retain(|other| *other != room);
                continue;
            }
            let mut again = false;
            for act in acts {
                if let Act::Send(stanza) = act {
                    again = socket.sender().text(stanza).await.is_ok();
                }
            }
            if again || element.attribute("type") != Some("error") {
                continue;
            }
            rooms.retain(|other| *other != room);
            let what = condition(&element);
            let hint = match what.as_str() {
                "not-authorized" => "does it ask for a password? `room_password` gives it",
                "conflict" => "somebody else has the name there; another `nick`?",
                _ => "is the bot a member there?",
            };
            out.push(Finding::wrong(format!("not in the room {room}: {what}"), hint));
        }
    };
    let _ = timeout(ROOMS, entering).await;
    for room in rooms {
        out.push(Finding::wrong(format!("the room {room} does not answer"), "does its service exist?"));
    }
    socket.close().await;
    out
}
