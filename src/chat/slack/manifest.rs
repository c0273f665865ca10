//! The app's own configuration, compared with what the connector needs: only an app configuration token
//! may read it, and those live for twelve hours; so it is for the check alone, and not a must.

use serde_json::Value;

use super::Slack;
use super::call::ok;
use crate::chat::Finding;
use crate::chat::link::http::Http;
use crate::chat::link::{Ask, Rest, Trouble};

/// What the app's configuration must say: where, what, and what to do.
const SWITCHES: [(&str, bool, &str, &str); 4] = [
    ("/settings/socket_mode_enabled", true, "Socket Mode", "switch it on under Socket Mode"),
    (
        "/settings/interactivity/is_enabled",
        true,
        "interactivity",
        "switch it on under Interactivity & Shortcuts, or buttons do nothing",
    ),
    (
        "/features/app_home/messages_tab_enabled",
        true,
        "messages tab",
        "switch it on under App Home, or nobody can write to the bot",
    ),
    (
        "/features/app_home/messages_tab_read_only_enabled",
        false,
        "messages tab open for messages",
        "under App Home, allow users to send messages from the messages tab",
    ),
];
/// The events without which questions are not heard.
const EVENTS: [&str; 2] = ["app_mention", "message.im"];

/// Compares the configuration of this app.
pub(super) async fn compare(slack: &Slack, app: &str, out: &mut Vec<Finding>) {
    let unknown = |why: &str| Finding {
        ok: true,
        what: format!("events: {why}"),
        hint: Some(
            "Event Subscriptions must name app_mention and message.im, App Home must allow messages; \
             packaging/slack-manifest.yaml has all of it, and with `config_token` it is compared here"
                .into(),
        ),
    };
    let Some(secret) = &slack.config_token else {
        return out.push(unknown("the platform tells no app which it is subscribed to"));
    };
    let token = match secret.resolve().await {
        Ok(token) => token,
        Err(error) => return out.push(unknown(error.message())),
    };
    let http = Http::new(slack.settings.net.clone());
    let rest = Rest::new(http, &slack.settings.api_url, "slack", std::sync::Arc::clone(&slack.board));
    rest.set_token(token);
    let method = "apps.manifest.export";
    let exported = match rest.call(Ask::form(method, format!("/{method}"), &[("app_id", app)])).await {
        Ok(reply) => ok(&reply),
        Err(trouble) => Err(trouble),
    };
    match exported {
        Ok(exported) => look(exported.get("manifest").unwrap_or(&Value::Null), out),
        Err(Trouble::Login(why)) => out.push(Finding::wrong(
            format!("`config_token`: {why}"),
            "it lives for twelve hours: make a new one at api.slack.com/apps, App Configuration Tokens",
        )),
        Err(trouble) => out.push(unknown(&trouble.to_string())),
    }
}

fn look(manifest: &Value, out: &mut Vec<Finding>) {
    let events = manifest.pointer("/settings/event_subscriptions/bot_events").and_then(Value::as_array);
    for event in EVENTS {
        let there = events.into_iter().flatten().any(|found| found == event);
        out.push(if there {
            Finding::ok(format!("event {event}"))
        } else {
            Finding::wrong(
                format!("event {event} is missing"),
                "add it under Event Subscriptions, bot events",
            )
        });
    }
    for (at, wanted, name, hint) in SWITCHES {
        let found = manifest.pointer(at).and_then(Value::as_bool).unwrap_or(false);
        out.push(if found == wanted {
            Finding::ok(name)
        } else {
            Finding::wrong(format!("{name} is not switched on"), hint)
        });
    }
    let commands = manifest.pointer("/features/slash_commands").and_then(Value::as_array);
    out.push(match commands.and_then(|commands| commands.first()?.get("command")?.as_str()) {
        Some(command) => Finding::ok(format!("slash command {}", crate::text::clean_line(command))),
        None => Finding::wrong(
            "there is no slash command",
            "add /nocbot under Slash Commands; all else works without",
        ),
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_app_does_not_have_is_named() {
        let mut manifest = json!({
            "features": {"app_home": {"messages_tab_enabled": true}, "slash_commands": [{"command": "/nocbot"}]},
            "settings": {"event_subscriptions": {"bot_events": ["app_mention", "message.im"]},
                "interactivity": {"is_enabled": true}, "socket_mode_enabled": true},
        });
        let wrong = |manifest: &Value| {
            let mut out = Vec::new();
            look(manifest, &mut out);
            out.into_iter().filter(|finding| !finding.ok).map(|finding| finding.what).collect::<Vec<_>>()
        };
        assert_eq!(wrong(&manifest), Vec::<String>::new());
        manifest["settings"]["event_subscriptions"]["bot_events"] = json!(["app_mention"]);
        manifest["features"]["app_home"]["messages_tab_read_only_enabled"] = json!(true);
        let found = wrong(&manifest);
        assert_eq!(
            found,
            ["event message.im is missing", "messages tab open for messages is not switched on"]
        );
        assert!(wrong(&json!([])).len() >= 5);
    }
}
