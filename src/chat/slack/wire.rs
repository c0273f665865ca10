//! What comes over a Socket Mode link, read leniently: an unknown field or type never ends the link.

use serde_json::Value;

use crate::bot::Who;
use crate::chat::{Asked, How, Place};

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    /// The link is usable; how many links the app has.
    Hello(u64),
    /// The platform will close this link, and why.
    Disconnect(String),
    /// Something to be confirmed.
    Delivery {
        /// What the confirmation names.
        id: String,
        /// The question in it, if it is one.
        asked: Option<Box<Asked>>,
    },
    /// Anything else.
    Other,
}

/// Reads a frame; `own` is our user id.
pub(super) fn read(frame: &str, own: &str) -> Envelope {
    let Ok(value) = serde_json::from_str::<Value>(frame) else { return Envelope::Other };
    let kind = text(&value, "/type");
    match kind {
        "hello" => Envelope::Hello(value.get("num_connections").and_then(Value::as_u64).unwrap_or(1)),
        "disconnect" => Envelope::Disconnect(text(&value, "/reason").to_owned()),
        _ => {
            let id = text(&value, "/envelope_id");
            if id.is_empty() {
                return Envelope::Other;
            }
            let payload = value.get("payload").unwrap_or(&Value::Null);
            let asked = match kind {
                "events_api" => event(payload, own),
                "slash_commands" => command(payload),
                "interactive" => press(payload),
                _ => None,
            };
            Envelope::Delivery { id: id.to_owned(), asked: asked.map(Box::new) }
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn owned(value: &Value, pointer: &str) -> Option<String> {
    let found = text(value, pointer);
    (!found.is_empty()).then(|| found.to_owned())
}

fn who(id: &str) -> Who {
    Who { way: "slack".to_owned(), id: id.to_owned(), name: id.to_owned() }
}

/// `app_mention` and `message`: people's own new messages, nothing else.
fn event(payload: &Value, own: &str) -> Option<Asked> {
    let event = payload.get("event")?;
    let set =
        |key: &str| event.get(key).is_some_and(|value| !value.is_null() && *value != Value::Bool(false));
    let user = owned(event, "/user")?;
    if ["bot_id", "subtype", "hidden", "edited"].into_iter().any(set) || user == own {
        return None;
    }
    let said = text(event, "/text");
    let mentioned =
        !own.is_empty() && [format!("<@{own}>"), format!("<@{own}|")].iter().any(|m| said.contains(m));
    let how = match (text(event, "/type"), text(event, "/channel_type")) {
        ("app_mention", _) => How::Mention,
        ("message", "im") => How::Direct,
        ("message", _) if mentioned => How::Mention,
        ("message", _) => How::Overheard,
        _ => return None,
    };
    let channel = owned(event, "/channel")?;
    let ts = owned(event, "/ts")?;
    // One message may come as two events, and one event twice under new envelopes.
    let mut keys = vec![format!("{channel}:{ts}")];
    keys.extend(owned(payload, "/event_id"));
    let mut asked = Asked {
        keys,
        who: who(&user),
        place: Place {
            channel,
            thread: Some(owned(event, "/thread_ts").unwrap_or_else(|| ts.clone())),
            message: Some(ts),
            reply: None,
        },
        text: said.to_owned(),
        how,
        denied: None,
    };
    let own_team = text(payload, "/team_id");
    let team = owned(event, "/user_team").or_else(|| owned(event, "/team"));
    let shared = payload.get("is_ext_shared_channel").and_then(Value::as_bool) == Some(true);
    if shared && team.is_none_or(|team| team != own_team) {
        asked.denied = Some("only members of this workspace may ask the network".into());
    }
    Some(asked)
}

/// `/nocbot vrf r1`.
fn command(payload: &Value) -> Option<Asked> {
    let user = owned(payload, "/user_id")?;
    let channel = owned(payload, "/channel_id")?;
    let key = owned(payload, "/trigger_id")?;
    Some(Asked {
        keys: vec![format!("command:{key}")],
        who: who(&user),
        place: Place { channel, thread: None, message: None, reply: owned(payload, "/response_url") },
        text: text(payload, "/text").to_owned(),
        how: How::Command,
        denied: None,
    })
}

/// A button of an answer: its value is the question that it stands for.
fn press(payload: &Value) -> Option<Asked> {
    if text(payload, "/type") != "block_actions" {
        return None;
    }
    let action = payload.pointer("/actions/0")?;
    let said = owned(action, "/value").or_else(|| owned(action, "/selected_option/value"))?;
    let user = owned(payload, "/user/id")?;
    let channel = owned(payload, "/channel/id").or_else(|| owned(payload, "/container/channel_id"))?;
    let message = owned(payload, "/container/message_ts").or_else(|| owned(payload, "/message/ts"))?;
    let thread = owned(payload, "/message/thread_ts").or_else(|| owned(payload, "/container/thread_ts"));
    Some(Asked {
        keys: vec![format!("press:{channel}:{message}:{user}:{}", text(action, "/action_ts"))],
        who: who(&user),
        place: Place {
            channel,
            thread: Some(thread.unwrap_or_else(|| message.clone())),
            message: Some(message),
            reply: owned(payload, "/response_url"),
        },
        text: said,
        how: How::Button,
        denied: None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn asked(payload: &Value) -> Option<Asked> {
        let frame = json!({"type": "events_api", "envelope_id": "e1", "payload": payload});
        match read(&frame.to_string(), "UBOT") {
            Envelope::Delivery { asked, .. } => asked.map(|asked| *asked),
            other => panic!("{other:?}"),
        }
    }

    fn message(more: &Value) -> Value {
        let mut event = json!({
            "type": "message", "channel_type": "im", "user": "U1", "text": "vrf r1", "ts": "1.5", "channel": "D1"
        });
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        json!({"event_id": "Ev1", "team_id": "T1", "event": event})
    }

    #[test]
    fn a_direct_message_is_a_question_in_its_own_thread() {
        let asked = asked(&message(&json!({}))).unwrap();
        assert_eq!(asked.keys, ["D1:1.5", "Ev1"]);
        assert_eq!((asked.how, asked.place.thread.as_deref()), (How::Direct, Some("1.5")));
        let threaded = super::tests::asked(&message(&json!({"thread_ts": "1.0"}))).unwrap();
        assert_eq!(threaded.place.thread.as_deref(), Some("1.0"));
    }

    #[test]
    fn what_is_no_new_message_of_a_person_is_dropped() {
        for more in [
            json!({"bot_id": "B1"}),
            json!({"subtype": "message_changed"}),
            json!({"subtype": "channel_join"}),
            json!({"hidden": true}),
            json!({"edited": {"ts": "2.0"}}),
            json!({"user": "UBOT"}),
            json!({"user": null}),
            json!({"type": "reaction_added"}),
        ] {
            assert_eq!(asked(&message(&more)), None, "{more}");
        }
        assert_eq!(asked(&json!({"type": "app_rate_limited"})), None);
    }

    #[test]
    fn in_channels_it_matters_who_is_spoken_to() {
        let overheard = asked(&message(&json!({"channel_type": "channel"}))).unwrap();
        assert_eq!(overheard.how, How::Overheard);
        let more = json!({"channel_type": "channel", "text": "<@UBOT> vrf r1"});
        assert_eq!(asked(&message(&more)).unwrap().how, How::Mention);
        let mut shared = message(&json!({"type": "app_mention", "team": "T9"}));
        shared["is_ext_shared_channel"] = json!(true);
        assert!(asked(&shared).unwrap().denied.is_some());
    }

    proptest! {
        #[test]
        fn no_frame_panics(frame in "\\PC{0,80}|[{}\\[\\]\":,a-z_0-9]{0,80}") {
            let _ = read(&frame, "UBOT");
        }
    }
}
