//! What was asked while no link was up: the platform sends events again only for a short while, so the
//! conversations are looked through by REST. Messages are known by the same ids there, and asked once.

use std::sync::Arc;

use serde_json::Value;

use super::{Webex, text, wire};
use crate::chat::link::rest::encode;
use crate::chat::{Connector as _, Desk, Trouble};

/// Messages of one reading call; more is refused together with `mentionedPeople`.
const PAGE: usize = 100;
/// Pages of one space.
const PAGES: usize = 5;

/// Looks through the spaces that were active from a time on.
pub(super) async fn look_back(webex: &Arc<Webex>, desk: &Arc<Desk>, from: i64) -> Result<(), Trouble> {
    let rooms = match webex.get("/rooms?sortBy=lastactivity&max=100").await {
        Err(Trouble::Refused(_) | Trouble::Form(_)) => webex.known_spaces(),
        rooms => rooms?,
    };
    let rooms = rooms.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    for room in rooms.iter().filter(|room| time(room, "lastActivity").is_none_or(|at| at >= from)) {
        match space(webex, desk, from, room).await {
            // We are no longer in it.
            Ok(()) | Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

async fn space(webex: &Arc<Webex>, desk: &Arc<Desk>, from: i64, room: &Value) -> Result<(), Trouble> {
    let (id, most) = (text(room, "id"), PAGE.to_string());
    let mut before = String::new();
    let mut missed = Vec::new();
    for _ in 0..PAGES {
        let mut fields = vec![("roomId", id.as_str()), ("max", most.as_str())];
        if text(room, "type") != "direct" {
            fields.push(("mentionedPeople", "me"));
        }
        if !before.is_empty() {
            fields.push(("beforeMessage", before.as_str()));
        }
        let list = webex.get(&format!("/messages?{}", encode(&fields))).await?;
        // Newest first.
        let page = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let (count, last) = (page.len(), page.last().cloned().unwrap_or_default());
        missed
            .extend(page.into_iter().filter(|message| time(message, "created").is_some_and(|at| at >= from)));
        if count < PAGE || time(&last, "created").is_none_or(|at| at < from) {
            break;
        }
        before = text(&last, "id");
    }
    let own = webex.identity().id;
    for message in missed.iter().rev() {
        if let Some(asked) = wire::missed(message, &own)
            && let Err(error) = desk.accept(webex, asked).await
        {
            return Err(Trouble::unsent(format!("{}: {error}", webex.name())));
        }
    }
    Ok(())
}

/// A time of RFC 3339, in milliseconds since 1970.
fn time(value: &Value, key: &str) -> Option<i64> {
    let at = text(value, key).parse::<jiff::Timestamp>().ok()?;
    Some(at.as_millisecond())
}
