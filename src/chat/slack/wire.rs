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
        /// What sort of thing it is, for the check: one of [`KINDS`].
        kind: Option<&'static str>,
        /// The question in it, if it is one.
        asked: Option<Box<Asked>>,
    },
    /// Anything else.
    Other,
}

/// What the app must hear: the event or feature, and where it is switched on.
pub(super) const KINDS: [(&str, &str); 4] = [
    ("app_mention", "Event Subscriptions, bot events: app_mention; and /invite the bot into the channel"),
    ("message.im", "Event Subscriptions, bot events: message.im; App Home: allow messages"),
    ("slash command", "Slash Commands: /nocbot"),
    ("button", "Interactivity & Shortcuts: on"),
];

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
            let kind = match (kind, text(payload, "/event/type")) {
                ("events_api", "app_mention") => Some("app_mention"),
                ("events_api", "message") if is_direct(payload) => Some("message.im"),
                ("slash_commands", _) => Some("slash command"),
                ("interactive", _) => Some("button"),
                _ => None,
            };
            if text(payload, "/type") == "app_rate_limited" {
                tracing::error!("slack delivers no more events for this minute: there are too many");
            }
            Envelope::Delivery { id: id.to_owned(), kind, asked: asked.map(Box::new) }
        }
    }
}

/// The app's id, which the hello tells.
pub(super) fn app(hello: &str) -> String {
    let value = serde_json::from_str::<Value>(hello).unwrap_or_default();
    text(&value, "/connection_info/app_id").to_owned()
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

/// Whether an event stands in a conversation with us alone.
fn is_direct(payload: &Value) -> bool {
    match text(payload, "/event/channel_type") {
        "im" | "app_home" => true,
        "" => text(payload, "/event/channel").starts_with('D'),
        _ => false,
    }
}

/// A text without its calls of us: wherever somebody puts our name, the question is the rest.
fn without_mention(text: &str, own: &str) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    let begin = format!("<@{own}");
    while let Some((before, after)) = rest.split_once(&begin).filter(|_| !own.is_empty()) {
        out.push_str(before);
        let end = if after.starts_with('>') {
            Some(0)
        } else {
            after.starts_with('|').then(|| after.find('>')).flatten()
        };
        if let Some(tail) = end.and_then(|end| after.get(end + 1..)) {
            found = true;
            // One blank is enough where our name stood between two.
            rest = if out.is_empty() || out.ends_with(' ') { tail.trim_start() } else { tail };
        } else {
            // Somebody else's id that begins like ours.
            out.push_str(&begin);
            rest = after;
        }
    }
    out.push_str(rest);
    (out, found)
}

/// `app_mention` and `message`: people's own new messages, nothing else.
fn event(payload: &Value, own: &str) -> Option<Asked> {
    let event = payload.get("event")?;
    let set =
        |key: &str| event.get(key).is_some_and(|value| !value.is_null() && *value != Value::Bool(false));
    let user = owned(event, "/user")?;
    if ["bot_id", "hidden", "edited"].into_iter().any(set) || user == own {
        return None;
    }
    let kind = text(event, "/type");
    match text(event, "/subtype") {
        // Words beside a file are words.
        "" | "file_share" => {}
        // Said in a thread and shown in the channel.
        "thread_broadcast" if kind == "app_mention" => {}
        _ => return None,
    }
    let (said, mentioned) = without_mention(text(event, "/text"), own);
    if said.trim().is_empty() && text(event, "/subtype") == "file_share" && !mentioned {
        return None;
    }
    let how = match kind {
        "app_mention" => How::Mention,
        "message" if is_direct(payload) => How::Direct,
        "message" if mentioned => How::Mention,
        "message" => How::Overheard,
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
        text: said,
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
    // What only one person sees is no message that could be answered in a thread or get a sign.
    let ephemeral = payload.pointer("/container/is_ephemeral").and_then(Value::as_bool) == Some(true);
    // Its buttons may name the thread of the question that it is about.
    let home = text(action, "/action_id").split_once('@').map(|(_, thread)| thread.to_owned());
    let home = home.filter(|_| ephemeral && thread.is_none());
    let root = thread.or_else(|| home.clone()).or_else(|| (!ephemeral).then(|| message.clone()));
    Some(Asked {
        keys: vec![format!("press:{channel}:{message}:{user}:{}", text(action, "/action_ts"))],
        who: who(&user),
        place: Place {
            channel,
            thread: root,
            message: if ephemeral { home } else { Some(message) },
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
    fn our_name_may_stand_anywhere() {
        for (typed, meant, called) in [
            ("<@UBOT>\u{a0}vrf r1", "vrf r1", true),
            ("vrf <@UBOT|nocbot> r1", "vrf r1", true),
            ("<@UBOT> <@UBOT> vrf", "vrf", true),
            ("vrf<@UBOT> r1", "vrf r1", true),
            ("<@UBOTHER> vrf", "<@UBOTHER> vrf", false),
            ("vrf <@UBOT|x", "vrf <@UBOT|x", false),
            ("<@UBOT", "<@UBOT", false),
        ] {
            assert_eq!(without_mention(typed, "UBOT"), (meant.to_owned(), called), "{typed}");
        }
        assert_eq!(without_mention("<@> vrf", ""), ("<@> vrf".to_owned(), false));
        // Undone further by what every question goes through.
        let asked = asked(&message(
            &json!({"text": "<@UBOT>\u{a0}vrf <http://r1.example|r1.example> | include \u{201c}a b\u{201d}"}),
        ));
        let meant = crate::command::normalise(&asked.unwrap().text).unwrap();
        assert_eq!(meant, "vrf r1.example | include \"a b\"");
    }

    #[test]
    fn words_beside_a_file_are_words() {
        let more = json!({"subtype": "file_share", "files": [{"id": "F1"}]});
        assert_eq!(asked(&message(&more)).unwrap().text, "vrf r1");
        assert_eq!(asked(&message(&json!({"subtype": "file_share", "text": ""}))), None);
        assert_eq!(asked(&message(&json!({"subtype": "thread_broadcast"}))), None);
        let more = json!({"subtype": "thread_broadcast", "type": "app_mention"});
        assert!(asked(&message(&more)).is_some());
        assert_eq!(asked(&message(&json!({"channel_type": null}))).unwrap().how, How::Direct);
    }

    #[test]
    fn a_button_that_only_one_person_sees_is_answered_beside_it() {
        let pressed = |more: Value| {
            let mut payload = json!({"type": "block_actions", "user": {"id": "U1"}, "channel": {"id": "C1"},
                "container": {"message_ts": "5.1", "is_ephemeral": false}, "response_url": "https://x",
                "actions": [{"type": "static_select", "selected_option": {"value": "vrf r1"}, "action_ts": "6"}]});
            payload["container"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            press(&payload).unwrap()
        };
        let open = pressed(json!({}));
        assert_eq!((open.text.as_str(), open.place.thread.as_deref()), ("vrf r1", Some("5.1")));
        let hidden = pressed(json!({"is_ephemeral": true}));
        assert_eq!((hidden.place.thread, hidden.place.message), (None, None));
        let mut about = json!({"type": "block_actions", "user": {"id": "U1"}, "channel": {"id": "C1"},
            "container": {"message_ts": "5.1", "is_ephemeral": true},
            "actions": [{"value": "vrf r1", "action_ts": "6", "action_id": "ask-0@3.5"}]});
        let led = press(&about).unwrap().place;
        assert_eq!((led.thread.as_deref(), led.message.as_deref()), (Some("3.5"), Some("3.5")));
        about["container"]["is_ephemeral"] = json!(false);
        assert_eq!(press(&about).unwrap().place.thread.as_deref(), Some("5.1"));
        let threaded = pressed(json!({"is_ephemeral": true, "thread_ts": "4.0"}));
        assert_eq!(threaded.place.thread.as_deref(), Some("4.0"));
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
