//! `nocbot xmpp check`: whether the server takes the login and lets us into the rooms.

use std::time::Duration;

use tokio::time::timeout;

use super::element::Element;
use super::wire::bare;
use super::{Xmpp, link};
use crate::chat::link::Frame;
use crate::chat::{Finding, Trouble};

/// Opens a stream and enters the rooms.
pub(super) async fn check(xmpp: &Xmpp) -> Vec<Finding> {
    let mut out = Vec::new();
    let (mut socket, jid) = match link::open(xmpp).await {
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
    let mut rooms = xmpp.settings.rooms.clone();
    let entering = async {
        while !rooms.is_empty() {
            let Frame::Text(frame) = socket.next().await else { break };
            let Some(element) = Element::read(&frame).filter(|element| element.name == "presence") else {
                continue;
            };
            let room = bare(element.attribute("from").unwrap_or_default()).to_owned();
            let own =
                element.children.iter().flat_map(|x| &x.children).any(|c| c.attribute("code") == Some("110"));
            let failed = element.attribute("type") == Some("error");
            if !rooms.contains(&room) || !(own || failed) {
                continue;
            }
            rooms.retain(|other| *other != room);
            if own {
                out.push(Finding::ok(format!("in the room {room}")));
            } else {
                let what = element.child("error").and_then(|error| error.children.first());
                let what = what.map_or("unknown", |what| what.name.as_str());
                out.push(Finding::wrong(
                    format!("not in the room {room}: {what}"),
                    "is the bot a member there?",
                ));
            }
        }
    };
    let _ = timeout(Duration::from_secs(10), entering).await;
    for room in rooms {
        out.push(Finding::wrong(format!("the room {room} does not answer"), "does its service exist?"));
    }
    socket.close().await;
    out
}
