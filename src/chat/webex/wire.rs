//! What comes over the Mercury link. Its texts are encrypted; only who and where is read here, the text
//! is fetched by REST.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::bot::Who;
use crate::chat::{Asked, How, Place};

/// One frame.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// The link is up.
    Ready {
        /// To be confirmed, if it has an id.
        id: Option<String>,
    },
    /// The answer to our ping.
    Pong(String),
    /// An event to be confirmed.
    Event {
        /// What the confirmation names.
        id: Option<String>,
        /// Grows by one.
        number: Option<u64>,
        /// The question that it announces, if it does.
        asked: Option<Box<Asked>>,
    },
    /// Anything else.
    Other,
}

/// Reads a frame.
pub(super) fn read(frame: &str) -> Frame {
    let Ok(value) = serde_json::from_str::<Value>(frame) else { return Frame::Other };
    let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
    if value.get("type").and_then(Value::as_str) == Some("pong") {
        return Frame::Pong(id.unwrap_or_default());
    }
    match value.pointer("/data/eventType").and_then(Value::as_str) {
        Some("mercury.buffer_state" | "mercury.registration_status") => Frame::Ready { id },
        Some(kind) => {
            let number = value.get("sequenceNumber").and_then(Value::as_u64);
            let activity = value.pointer("/data/activity").filter(|_| kind == "conversation.activity");
            Frame::Event { id, number, asked: activity.and_then(question).map(Box::new) }
        }
        None => Frame::Other,
    }
}

/// The question of an activity, its text still missing.
fn question(activity: &Value) -> Option<Asked> {
    let text = |pointer: &str| activity.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let how = match text("/verb") {
        // Whether it is for us in a space says the message itself.
        "post" | "share" => How::Overheard,
        "cardAction" => How::Button,
        _ => return None,
    };
    if !text("/actor/type").eq_ignore_ascii_case("PERSON") {
        return None;
    }
    let id = text("/id");
    if id.is_empty() {
        return None;
    }
    let kind = if how == How::Button { "attachment/actions" } else { "messages" };
    let (target, url) = (text("/target/id"), text("/target/url"));
    let conversation = format!("conversations/{target}");
    let own_address =
        url.contains(&conversation).then(|| url.replace(&conversation, &format!("{kind}/{id}")));
    let person = text("/actor/entryUUID");
    let email = text("/actor/emailAddress");
    let name = if email.is_empty() { text("/actor/displayName") } else { email };
    Some(Asked {
        keys: vec![id.to_owned()],
        who: Who { way: "webex".to_owned(), id: person.to_owned(), name: crate::text::clean_line(name) },
        place: Place {
            channel: target.to_owned(),
            thread: None,
            message: Some(id.to_owned()),
            reply: own_address.filter(|_| !target.is_empty()),
        },
        text: String::new(),
        how,
        denied: None,
    })
}

/// The public id of an activity, for the data centre where bots live.
pub(super) fn public_id(kind: &str, uuid: &str) -> String {
    let kind = if kind == "messages" { "MESSAGE" } else { "ATTACHMENT_ACTION" };
    URL_SAFE_NO_PAD.encode(format!("ciscospark://us/{kind}/{uuid}"))
}

/// The text of a message without the bot's name: what the mention shows, since people rename bots.
pub(super) fn without_mention(message: &Value, own: &str, name: &str) -> String {
    let get = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
    let said = get("text");
    let html = get("html");
    for part in html.split("<spark-mention").skip(1) {
        let Some((tag, rest)) = part.split_once('>') else { continue };
        let Some((shown, _)) = rest.split_once("</spark-mention>") else { continue };
        let ours = tag.contains(own) && !own.is_empty();
        let shown = shown.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
        if ours && let Some(at) = said.find(&shown).filter(|_| !shown.is_empty()) {
            let before = said.get(..at).unwrap_or_default().trim_end();
            let after = said.get(at + shown.len()..).unwrap_or_default().trim_start_matches([',', ':']);
            return format!("{before} {}", after.trim_start()).trim().to_owned();
        }
    }
    // A plain text message: the name as it is now.
    let behind = said.strip_prefix(name).filter(|rest| !name.is_empty() && rest.starts_with([' ', ':', ',']));
    behind.map_or(said, |rest| rest.trim_start_matches([' ', ':', ','])).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn activity(more: &Value) -> Value {
        let mut activity = json!({"id": "a1", "verb": "post", "actor": {"type": "PERSON", "entryUUID": "u1",
            "emailAddress": "a@x"}, "target": {"id": "t1", "url": "https://c.x/conversation/api/v1/conversations/t1"}});
        for (key, value) in more.as_object().unwrap() {
            activity[key] = value.clone();
        }
        json!({"id": "e1", "sequenceNumber": 4, "data": {"eventType": "conversation.activity", "activity": activity}})
    }

    #[test]
    fn a_persons_post_is_a_question_to_be_fetched() {
        let Frame::Event { id, number, asked } = read(&activity(&json!({})).to_string()) else { panic!() };
        assert_eq!((id.as_deref(), number), (Some("e1"), Some(4)));
        let asked = asked.unwrap();
        assert_eq!(asked.place.reply.as_deref(), Some("https://c.x/conversation/api/v1/messages/a1"));
        for more in [
            json!({"verb": "update"}),
            json!({"verb": "delete"}),
            json!({"verb": "acknowledge"}),
            json!({"actor": {"type": "BOT"}}),
        ] {
            let Frame::Event { asked, .. } = read(&activity(&more).to_string()) else { panic!() };
            assert_eq!(asked, None, "{more}");
        }
        assert_eq!(public_id("messages", "a1"), "Y2lzY29zcGFyazovL3VzL01FU1NBR0UvYTE");
    }

    #[test]
    fn the_mention_is_taken_out_by_what_it_shows() {
        let message = json!({"text": "Night Watch vrf r1",
            "html": "<p><spark-mention data-object-type=\"person\" data-object-id=\"ME\">Night Watch</spark-mention> vrf r1</p>"});
        assert_eq!(without_mention(&message, "ME", "nocbot"), "vrf r1");
        assert_eq!(without_mention(&json!({"text": "nocbot: vrf r1"}), "ME", "nocbot"), "vrf r1");
        assert_eq!(without_mention(&json!({"text": "nocbots vrf"}), "ME", "nocbot"), "nocbots vrf");
    }

    proptest! {
        #[test]
        fn no_frame_panics(frame in "\\PC{0,80}|[{}\":,a-z_0-9]{0,80}", html in "(<spark-mention)?[<>a-z/ ]{0,40}") {
            let _ = read(&frame);
            let _ = without_mention(&json!({"text": frame, "html": html}), "a", "b");
        }
    }
}
