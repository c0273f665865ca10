//! What people do before the stand-in for Slack: mention, write, command, press.

use serde_json::{Value, json};

use crate::chat::slack::fake::{BOT, FakeSlack};

impl FakeSlack {
    pub fn event(&self, event: Value) {
        let mut state = self.state.lock().unwrap();
        let id = format!("Ev{:08}", state.next);
        state.next += 1;
        let text = |key: &str| event[key].as_str().map(str::to_owned);
        if let (Some(channel), Some(ts)) = (text("channel"), text("ts")) {
            if let Some(root) = text("thread_ts").filter(|root| *root != ts) {
                state.roots.insert((channel.clone(), root.clone()));
                state.begun.insert((channel.clone(), root));
                state.replies.insert((channel, ts));
            } else {
                state.roots.insert((channel, ts));
            }
        }
        drop(state);
        let mut event = event;
        if event["event_ts"].is_null() && event["ts"].is_string() {
            event["event_ts"] = event["ts"].clone();
        }
        let payload = json!({"token": "x", "type": "event_callback", "team_id": "T1", "api_app_id": "A1",
            "event_id": id, "event_time": 1, "is_ext_shared_channel": false, "event_context": "4-x", "event": event,
            "authorizations": [{"enterprise_id": null, "team_id": "T1", "user_id": BOT, "is_bot": true,
                "is_enterprise_install": false}]});
        self.queue("events_api", payload);
    }

    /// Somebody mentions the bot; gives the message's ts.
    pub fn mention(&self, user: &str, channel: &str, text: &str) -> String {
        let ts = self.ts();
        let text = format!("<@{BOT}> {text}");
        self.event(json!({"type": "app_mention", "user": user, "text": text, "ts": ts, "channel": channel, "team": "T1"}));
        ts
    }

    pub fn direct(&self, user: &str, text: &str) -> String {
        let ts = self.ts();
        self.event(json!({"type": "message", "channel_type": "im", "user": user, "text": text, "ts": ts,
            "channel": "D1", "team": "T1"}));
        ts
    }

    fn address(&self) -> String {
        let mut state = self.state.lock().unwrap();
        let path = format!("/response/{}", state.ts());
        state.addresses.insert(path.clone(), 0);
        format!("http://{}{path}", state.base)
    }

    pub fn command(&self, user: &str, channel: &str, text: &str) {
        let (trigger, url) = (self.ts(), self.address());
        self.queue(
            "slash_commands",
            json!({"token": "x", "team_id": "T1", "team_domain": "noc", "command": "/nocbot", "text": text,
                "user_id": user, "user_name": user.to_lowercase(), "channel_id": channel, "channel_name": "noc",
                "api_app_id": "A1", "is_enterprise_install": "false", "trigger_id": trigger, "response_url": url}),
        );
    }

    /// Presses the button with this label on a message, or chooses it from its menu.
    pub fn press(&self, user: &str, message: &Value, label: &str) {
        let blocks = message["blocks"].as_array().unwrap();
        let actions = blocks.iter().find(|block| block["type"] == "actions").expect("no buttons");
        let elements = actions["elements"].as_array().unwrap();
        let mut action = if elements[0]["type"] == "static_select" {
            let options = elements[0]["options"].as_array().unwrap();
            let option = options.iter().find(|o| o["text"]["text"] == label).expect("no such choice");
            json!({"type": "static_select", "action_id": elements[0]["action_id"], "selected_option": option})
        } else {
            let button = elements.iter().find(|b| b["text"]["text"] == label).expect("no such button");
            json!({"type": "button", "action_id": button["action_id"], "value": button["value"], "text": button["text"]})
        };
        action["block_id"] = actions["block_id"].clone();
        action["action_ts"] = json!(self.ts());
        let ephemeral = message["user"].is_string();
        let mut container = json!({"type": "message", "message_ts": message["ts"], "channel_id": message["channel"],
            "is_ephemeral": ephemeral});
        if message["thread_ts"].is_string() {
            container["thread_ts"] = message["thread_ts"].clone();
        }
        let mut payload = json!({"type": "block_actions", "user": {"id": user, "username": user.to_lowercase(),
            "team_id": "T1"}, "api_app_id": "A1", "token": "x", "team": {"id": "T1", "domain": "noc"},
            "channel": {"id": message["channel"], "name": "noc"}, "container": container,
            "trigger_id": self.ts(), "response_url": self.address(), "state": {"values": {}}, "actions": [action]});
        if !ephemeral {
            payload["message"] = json!({"ts": message["ts"], "thread_ts": message["thread_ts"], "text": message["text"],
                "blocks": message["blocks"], "bot_id": "B1", "user": BOT});
        }
        self.queue("interactive", payload);
    }
}
