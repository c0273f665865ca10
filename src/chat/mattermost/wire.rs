//! What comes over the WebSocket, and which posts are questions.

use serde_json::Value;

use crate::bot::Who;
use crate::chat::{Asked, How, Place};

/// One frame.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// An event with its number.
    Event {
        /// Its name.
        name: String,
        /// What it says.
        data: Value,
        /// Counted from 0 on each connection that is not resumed.
        seq: u64,
    },
    /// The answer to something that we sent.
    Reply {
        /// Whether it was taken.
        ok: bool,
        /// Which of our requests it answers.
        number: u64,
    },
    /// Anything else.
    Other,
}

/// Reads a frame.
pub(super) fn read(frame: &str) -> Frame {
    let Ok(mut value) = serde_json::from_str::<Value>(frame) else { return Frame::Other };
    let seq = value.get("seq").and_then(Value::as_u64);
    match (value.get("event").and_then(Value::as_str).map(str::to_owned), seq) {
        (Some(name), Some(seq)) => {
            let data = value.get_mut("data").map(Value::take).unwrap_or_default();
            Frame::Event { name, data, seq }
        }
        _ => match value.get("seq_reply").and_then(Value::as_u64) {
            Some(number) => {
                Frame::Reply { ok: value.get("status").and_then(Value::as_str) == Some("OK"), number }
            }
            None => Frame::Other,
        },
    }
}

/// Who we are, as far as it decides what is for us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub team: Option<&'a str>,
}

/// The question of a `posted` event.
pub(super) fn posted(data: &Value, own: Own<'_>) -> Option<Asked> {
    let post: Value = serde_json::from_str(data.get("post")?.as_str()?).ok()?;
    let team = text(data, "team_id");
    if own.team.is_some_and(|own| !team.is_empty() && team != own) {
        return None;
    }
    let mentions = data.get("mentions").and_then(Value::as_str).unwrap_or("[]");
    let mentions: Vec<String> = serde_json::from_str(mentions).unwrap_or_default();
    let mentioned = mentions.iter().any(|id| id == own.id);
    let name = text(data, "sender_name").trim_start_matches('@');
    question(&post, text(data, "channel_type"), mentioned, name, own)
}

/// The question of a post: people's own new ones, nothing else.
pub(super) fn question(
    post: &Value,
    channel_type: &str,
    mentioned: bool,
    name: &str,
    own: Own<'_>,
) -> Option<Asked> {
    let user = text(post, "user_id");
    let number = |key: &str| post.get(key).and_then(Value::as_i64).unwrap_or(0);
    let machine = ["from_bot", "from_webhook", "from_plugin", "from_oauth_app"].into_iter().any(|key| {
        let mark = post.pointer(&format!("/props/{key}"));
        mark.is_some_and(|mark| mark != "false" && !mark.is_null() && *mark != Value::Bool(false))
    });
    if user.is_empty() || user == own.id || machine || !text(post, "type").is_empty() {
        return None;
    }
    if number("edit_at") > 0 || number("delete_at") > 0 {
        return None;
    }
    let said = text(post, "message");
    let (called, rest) = without_mention(said, own.name);
    // `@all` makes a mention as well; it must be our own name.
    let how = match channel_type {
        "D" => How::Direct,
        _ if mentioned && called => How::Mention,
        _ => How::Overheard,
    };
    let id = text(post, "id");
    let channel = text(post, "channel_id");
    if id.is_empty() || channel.is_empty() {
        return None;
    }
    let root = match text(post, "root_id") {
        "" => id,
        root => root,
    };
    let name = if name.is_empty() { user.to_owned() } else { crate::text::clean_line(name) };
    Some(Asked {
        keys: vec![id.to_owned()],
        who: Who { way: "mattermost".to_owned(), id: user.to_owned(), name },
        place: Place {
            channel: channel.to_owned(),
            thread: Some(root.to_owned()),
            message: Some(id.to_owned()),
            reply: None,
        },
        text: rest,
        how,
        denied: None,
    })
}

/// Whether `@name` stands in a text, in any case, and the text without it.
pub(super) fn without_mention(said: &str, name: &str) -> (bool, String) {
    if name.is_empty() {
        return (false, said.to_owned());
    }
    let (lower, mark) = (said.to_ascii_lowercase(), format!("@{}", name.to_ascii_lowercase()));
    let word = char::is_alphanumeric;
    let found = lower.match_indices(&mark).find(|(at, _)| {
        let before = lower.get(..*at).and_then(|text| text.chars().next_back());
        let after = lower.get(at + mark.len()..).unwrap_or_default();
        // `.`, `-` and `_` are a part of a longer name only if it goes on behind them, as the server sees it.
        let longer = after.trim_start_matches(['.', '-', '_']).chars().next().is_some_and(word);
        let longer = longer && after.starts_with(|c: char| word(c) || matches!(c, '.' | '-' | '_'));
        !before.is_some_and(|c| word(c) || c == '_') && !longer
    });
    let Some((at, _)) = found else { return (false, said.to_owned()) };
    let before = said.get(..at).unwrap_or_default().trim_end();
    let after =
        said.get(at + mark.len()..).unwrap_or_default().trim_start_matches([',', ':', '.', '-', '_', ';']);
    (true, format!("{before} {}", after.trim_start()).trim().to_owned())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const OWN: Own<'_> = Own { id: "me", name: "nocbot", team: None };

    fn asked(post: &Value, channel: &str, mentions: &str) -> Option<Asked> {
        let mut whole = json!({"id": "p1", "user_id": "u1", "channel_id": "c1", "message": "vrf r1"});
        for (key, value) in post.as_object().unwrap() {
            whole[key] = value.clone();
        }
        posted(
            &json!({"post": whole.to_string(), "channel_type": channel, "mentions": mentions, "sender_name": "@alice"}),
            OWN,
        )
    }

    #[test]
    fn only_peoples_new_posts_are_questions() {
        assert_eq!(asked(&json!({}), "D", "[]").unwrap().how, How::Direct);
        assert_eq!(asked(&json!({}), "O", "[]").unwrap().how, How::Overheard);
        for post in [
            json!({"user_id": "me"}),
            json!({"type": "system_join_channel"}),
            json!({"type": "me"}),
            json!({"props": {"from_bot": "true"}}),
            json!({"props": {"from_webhook": "true"}}),
            json!({"edit_at": 5}),
        ] {
            assert_eq!(asked(&post, "D", "[]"), None, "{post}");
        }
    }

    #[test]
    fn the_own_name_makes_a_mention_and_all_does_not() {
        let mentioned = asked(&json!({"message": "@NocBot: vrf r1"}), "O", "[\"me\"]").unwrap();
        assert_eq!(
            (mentioned.how, mentioned.text.as_str(), mentioned.who.name.as_str()),
            (How::Mention, "vrf r1", "alice")
        );
        assert_eq!(asked(&json!({"message": "@all vrf r1"}), "O", "[\"me\"]").unwrap().how, How::Overheard);
        for (said, found) in [
            ("vrf r1 @nocbot", true),
            ("@nocbot.", true),
            ("@NOCbot- vrf r1", true),
            ("(@nocbot) vrf r1", true),
            ("@nocbot_ vrf r1", true),
            ("@nocbot-2 x", false),
            ("@nocbot_b x", false),
            ("@nocbot2 x", false),
            ("@nocbot.net x", false),
            ("mail@nocbot x", false),
        ] {
            assert_eq!(without_mention(said, "nocbot").0, found, "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_frame_panics(frame in "\\PC{0,80}|[{}\":,a-z_0-9]{0,80}", said in "\\PC{0,30}(@nocbot)?\\PC{0,30}") {
            let _ = read(&frame);
            let _ = without_mention(&said, "nocbot");
        }
    }
}
