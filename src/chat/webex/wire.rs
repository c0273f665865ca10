//! What comes over the Mercury link. Its texts are encrypted; only who and where is read here, the text
//! is fetched by REST.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::own::Own;
use crate::bot::Who;
use crate::chat::{Asked, How, Place};

/// One frame.
#[derive(Debug, PartialEq)]
pub(super) struct Heard {
    /// What its confirmation names, or the ping that it answers.
    pub id: Option<String>,
    /// Grows by one.
    pub number: Option<u64>,
    /// When it was, in milliseconds since 1970.
    pub at: Option<i64>,
    /// What it is.
    pub what: What,
}

/// What a frame says.
#[derive(Debug, PartialEq)]
pub(super) enum What {
    /// The link is up.
    Ready,
    /// The answer to our ping.
    Pong,
    /// A question.
    Asked(Box<Asked>),
    /// A message of ours, or of another bot.
    Own(Own),
    /// Another event.
    Event,
    /// Anything else.
    Other,
}

/// Reads a frame; nothing when it is no object.
pub(super) fn read(frame: &str) -> Option<Heard> {
    let value = serde_json::from_str::<Value>(frame).ok()?;
    value.as_object()?;
    let kind = value.get("type").and_then(Value::as_str);
    let what = match value.pointer("/data/eventType").and_then(Value::as_str) {
        _ if kind == Some("pong") => What::Pong,
        Some("mercury.buffer_state" | "mercury.registration_status") => What::Ready,
        Some("conversation.activity") => value.pointer("/data/activity").map_or(What::Event, activity),
        Some(_) => What::Event,
        None => What::Other,
    };
    // What only confirms something of ours is not confirmed again.
    let id = value.get("id").and_then(Value::as_str).filter(|_| kind != Some("ack"));
    Some(Heard {
        id: id.map(str::to_owned),
        number: value.get("sequenceNumber").and_then(Value::as_u64),
        at: value.get("timestamp").and_then(Value::as_i64),
        what,
    })
}

/// A question, its text still missing, or a message of ours.
fn activity(activity: &Value) -> What {
    let text = |pointer: &str| activity.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let how = match text("/verb") {
        // Whether it is for us in a space says the message itself.
        "post" | "share" => How::Overheard,
        "cardAction" => How::Button,
        _ => return What::Event,
    };
    let id = text("/id");
    if id.is_empty() {
        return What::Event;
    }
    let kind = if how == How::Button { "attachment/actions" } else { "messages" };
    let (target, url) = (text("/target/id"), text("/target/url"));
    let conversation = format!("conversations/{target}");
    let address = url.contains(&conversation) && !target.is_empty();
    let address = address.then(|| url.replace(&conversation, &format!("{kind}/{id}")));
    if !text("/actor/type").eq_ignore_ascii_case("PERSON") {
        let parent = text("/parent/id").to_owned();
        return What::Own(Own { parent, id: id.to_owned(), address });
    }
    let email = text("/actor/emailAddress");
    let name = if email.is_empty() { text("/actor/displayName") } else { email };
    What::Asked(Box::new(Asked {
        keys: vec![id.to_owned()],
        who: Who {
            way: "webex".to_owned(),
            id: text("/actor/entryUUID").to_owned(),
            name: crate::text::clean_line(name),
        },
        place: Place {
            channel: target.to_owned(),
            thread: None,
            message: Some(id.to_owned()),
            reply: address,
        },
        text: String::new(),
        how,
        denied: None,
    }))
}

/// The question of a message that was found by REST: people's, nobody else's.
pub(super) fn missed(message: &Value, own: &str) -> Option<Asked> {
    let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
    let (id, person, email) = (text("id"), text("personId"), text("personEmail"));
    // Bots are told by their addresses here.
    let bot = ["@webex.bot", "@sparkbot.io"].into_iter().any(|domain| email.ends_with(domain));
    if id.is_empty() || person.is_empty() || uuid_of(person) == uuid_of(own) || bot {
        return None;
    }
    Some(Asked {
        keys: vec![uuid_of(id)],
        who: Who {
            way: "webex".to_owned(),
            id: person.to_owned(),
            name: crate::text::clean_line(if email.is_empty() { person } else { email }),
        },
        place: Place {
            channel: text("roomId").to_owned(),
            thread: None,
            message: Some(id.to_owned()),
            reply: None,
        },
        text: String::new(),
        how: How::Overheard,
        denied: None,
    })
}

/// The last part of a public id, by which events know the same thing; anything else as it is.
pub(super) fn uuid_of(id: &str) -> String {
    inner(id).and_then(|inner| inner.rsplit('/').next().map(str::to_owned)).unwrap_or_else(|| id.to_owned())
}

/// Whether this is a public id.
pub(super) fn is_public(id: &str) -> bool {
    inner(id).is_some()
}

/// Whether a public id is that of a space.
pub(super) fn is_room(id: &str) -> bool {
    inner(id).is_some_and(|inner| inner.contains("/ROOM/"))
}

fn inner(id: &str) -> Option<String> {
    let inner = URL_SAFE_NO_PAD.decode(id.trim_end_matches('=')).ok()?;
    String::from_utf8(inner).ok().filter(|inner| inner.starts_with("ciscospark://"))
}

/// The public id of an activity, for the data centre where bots live; a public id stays one.
pub(super) fn public_id(kind: &str, uuid: &str) -> String {
    if is_public(uuid) {
        return uuid.to_owned();
    }
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
        let heard = read(&activity(&json!({})).to_string()).unwrap();
        assert_eq!((heard.id.as_deref(), heard.number), (Some("e1"), Some(4)));
        let What::Asked(asked) = heard.what else { panic!() };
        assert_eq!(asked.place.reply.as_deref(), Some("https://c.x/conversation/api/v1/messages/a1"));
        for more in
            [json!({"verb": "update"}), json!({"verb": "delete"}), json!({"verb": null}), json!({"id": 7})]
        {
            assert_eq!(read(&activity(&more).to_string()).unwrap().what, What::Event, "{more}");
        }
        let own =
            read(&activity(&json!({"actor": {"type": "BOT"}, "parent": {"id": "r1"}})).to_string()).unwrap();
        assert!(matches!(own.what, What::Own(Own { parent, .. }) if parent == "r1"));
        for frame in ["null", "[]", "7", "{", ""] {
            assert_eq!(read(frame), None);
        }
        for frame in ["{\"data\":null}", "{\"data\":{\"activity\":null}}", "{\"type\":7}"] {
            assert_eq!(read(frame).unwrap().what, What::Other);
        }
        assert_eq!(public_id("messages", "a1"), "Y2lzY29zcGFyazovL3VzL01FU1NBR0UvYTE");
    }

    #[test]
    fn what_is_found_by_rest_has_the_key_of_its_event() {
        let message =
            json!({"id": public_id("messages", "a1"), "personId": "P", "personEmail": "a@x", "roomId": "R"});
        let asked = missed(&message, "ME").unwrap();
        assert_eq!(
            (asked.keys, public_id("messages", asked.place.message.as_deref().unwrap())),
            (vec!["a1".to_owned()], message["id"].as_str().unwrap().to_owned())
        );
        assert_eq!(missed(&message, "P"), None);
        for bot in ["x@webex.bot", "y@sparkbot.io"] {
            assert_eq!(missed(&json!({"id": "m", "personId": "B", "personEmail": bot}), "ME"), None);
        }
        assert_eq!(uuid_of("not one"), "not one");
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
