//! `nocbot slack check`: which scope, token or event is missing.

use std::time::Duration;

use hyper::header::HeaderMap;
use serde_json::Value;
use tokio::time::timeout;

use super::call::{ok, scopes, text};
use super::wire::{self, Envelope};
use super::{Slack, manifest};
use crate::chat::link::{Ask, Frame, Socket, Trouble};
use crate::chat::{Connector as _, Finding};

/// What each scope is for.
const SCOPES: [(&str, &str, bool); 14] = [
    ("app_mentions:read", "to hear @nocbot", true),
    ("chat:write", "to answer", true),
    ("im:history", "to hear direct messages", true),
    ("im:read", "to know direct messages", true),
    ("im:write", "to open direct messages", true),
    ("commands", "for /nocbot", true),
    ("files:write", "for long answers as files", true),
    ("users:read", "for names, and to refuse guests", true),
    ("channels:read", "to know channels", true),
    ("groups:read", "to know private channels", true),
    ("reactions:write", "for the sign on a question that waits", true),
    ("usergroups:read", "for user groups under `allow`", true),
    ("channels:history", "to see after a crash whether an answer was delivered", false),
    ("groups:history", "the same in private channels", false),
];

/// Looks at everything that the platform tells.
pub(super) async fn check(slack: &Slack) -> Vec<Finding> {
    let mut out = Vec::new();
    bot(slack, &mut out).await;
    app(slack, &mut out).await;
    heard(slack, &mut out).await;
    out
}

async fn bot(slack: &Slack, out: &mut Vec<Finding>) {
    let where_to = "OAuth & Permissions, `Bot User OAuth Token`, in the app's settings";
    match slack.settings.bot_token.resolve().await {
        Ok(token) => {
            if !token.expose().starts_with("xoxb-") {
                out.push(Finding::wrong("`bot_token` does not begin with xoxb-", where_to));
            }
            slack.bot.set_token(token);
        }
        Err(error) => return out.push(Finding::wrong(error.message().to_owned(), where_to)),
    }
    let reply = match slack.bot.call(Ask::form("auth.test", "/auth.test", &[])).await {
        Ok(reply) => reply,
        Err(trouble) => {
            return out.push(Finding::wrong(trouble.to_string(), "is `api_url` reachable from here?"));
        }
    };
    match ok(&reply) {
        Ok(me) => out.push(Finding::ok(format!(
            "bot token: {} in {}",
            crate::text::clean_line(&text(&me, "user")),
            crate::text::clean_line(&text(&me, "team"))
        ))),
        Err(trouble) => return out.push(Finding::wrong(format!("bot token: {trouble}"), where_to)),
    }
    let Some(granted) = scopes(&reply) else {
        return out.push(Finding::wrong(
            "the platform does not say which scopes the token has",
            "compare OAuth & Permissions with packaging/slack-manifest.yaml",
        ));
    };
    for (scope, purpose, needed) in SCOPES {
        if granted.iter().any(|granted| granted == scope) {
            out.push(Finding::ok(format!("scope {scope}")));
        } else {
            let hint = format!("{purpose}; add it under OAuth & Permissions and install the app again");
            let hint = if needed { hint } else { format!("not a must: {hint}") };
            out.push(Finding { ok: !needed, what: format!("scope {scope} is missing"), hint: Some(hint) });
        }
    }
}

async fn app(slack: &Slack, out: &mut Vec<Finding>) {
    let where_to = "Basic Information, App-Level Tokens: one with the scope connections:write";
    match slack.settings.app_token.resolve().await {
        Ok(token) => {
            if !token.expose().starts_with("xapp-") {
                out.push(Finding::wrong("`app_token` does not begin with xapp-", where_to));
            }
            slack.app.set_token(token);
        }
        Err(error) => return out.push(Finding::wrong(error.message().to_owned(), where_to)),
    }
    let opened = match slack.app.call(Ask::form("apps.connections.open", "/apps.connections.open", &[])).await
    {
        Ok(reply) => ok(&reply),
        Err(trouble) => Err(trouble),
    };
    let opened: Value = match opened {
        Ok(opened) => opened,
        Err(trouble) => return out.push(Finding::wrong(format!("app token: {trouble}"), where_to)),
    };
    out.push(Finding::ok("app token: a link is given"));
    match hello(slack, &text(&opened, "url")).await {
        Ok((links, app)) => {
            out.push(Finding::ok("Socket Mode: the platform says hello"));
            let others = usize::try_from(links.saturating_sub(1)).unwrap_or(usize::MAX);
            if others > 0 {
                let what = format!("Socket Mode: {} of this app", crate::text::count(others, "other link"));
                let hint = "one is the nocbot that runs; of several, each gets only a part of the questions";
                out.push(Finding { ok: true, what, hint: Some(hint.into()) });
            }
            manifest::compare(slack, &app, out).await;
        }
        Err(trouble) => out.push(Finding::wrong(
            format!("Socket Mode: {trouble}"),
            "switch it on under Socket Mode; a proxy must let WebSockets through",
        )),
    }
}

/// What the running nocbot has noted: the platform tells no app to which events it is subscribed, but what
/// has come is switched on.
async fn heard(slack: &Slack, out: &mut Vec<Finding>) {
    let Some(notes) = &slack.notes else { return };
    for (kind, place) in wire::KINDS {
        match notes.note(slack.name(), &format!("heard {kind}")).await {
            Ok(Some(at)) => out.push(Finding::ok(format!("{kind}: last heard {}", ago(&at)))),
            Ok(None) => out.push(Finding {
                ok: true,
                what: format!("{kind}: never heard"),
                hint: Some(format!("if it was tried: {place}")),
            }),
            Err(error) => {
                return out.push(Finding::wrong(error.message().to_owned(), "is `store` readable?"));
            }
        }
    }
}

/// How long ago that was; seconds do not matter.
fn ago(at: &str) -> String {
    let Ok(at) = at.parse::<jiff::Timestamp>() else { return "at an unknown time".to_owned() };
    let minutes = (jiff::Timestamp::now().as_second() - at.as_second()).max(0) / 60;
    match minutes {
        0 => "less than a minute ago".to_owned(),
        1..120 => format!("{minutes} min ago"),
        120..2880 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

/// How many links the app has, and its id.
async fn hello(slack: &Slack, address: &str) -> Result<(u64, String), Trouble> {
    let uri = address.parse().map_err(|_| Trouble::unsent("no address for the link"))?;
    let opened = Socket::open(&slack.settings.net, &uri, HeaderMap::new()).await;
    let mut socket = opened.map_err(|unopened| match unopened {
        crate::chat::link::socket::Unopened::Status(status, _) => {
            Trouble::unsent(format!("the WebSocket was refused with {status}"))
        }
        crate::chat::link::socket::Unopened::Trouble(trouble) => trouble,
    })?;
    let waiting = async {
        loop {
            match socket.next().await {
                Frame::Text(frame) => match wire::read(&frame, "") {
                    Envelope::Hello(links) => return Ok((links, wire::app(&frame))),
                    Envelope::Disconnect(reason) => return Err(Trouble::unsent(reason)),
                    _ => {}
                },
                Frame::Closed(_, why) => return Err(Trouble::unsent(why)),
            }
        }
    };
    let said = timeout(Duration::from_secs(10), waiting).await;
    socket.close().await;
    said.unwrap_or_else(|_| Err(Trouble::unsent("no hello within 10 s")))
}
