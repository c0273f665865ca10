//! `nocbot mattermost check`: whether the token works and where the bot is a member.

use serde_json::Value;

use super::{Mattermost, text};
use crate::chat::{Finding, Trouble};

/// Looks at the account, its teams and its channels.
pub(super) async fn check(mattermost: &Mattermost) -> Vec<Finding> {
    let mut out = Vec::new();
    if let Err(trouble) = mattermost.login().await {
        let hint = match trouble {
            Trouble::Login(_) => "make a bot account under Integrations and use its access token",
            Trouble::Refused(_) => "does the team exist, and is the bot in it?",
            _ => "is `url` reachable from here?",
        };
        out.push(Finding::wrong(trouble.to_string(), hint));
        return out;
    }
    let identity = mattermost.identity();
    out.push(Finding::ok(format!("the token is that of @{}", crate::text::clean_line(&identity.name))));
    match mattermost.get("/users/me/teams").await {
        Ok(teams) => {
            let names: Vec<String> =
                teams.as_array().into_iter().flatten().map(|team| text(team, "name")).collect();
            if names.is_empty() {
                out.push(Finding::wrong("the bot is in no team", "add it under Team Settings, Members"));
            } else {
                out.push(Finding::ok(format!("teams: {}", crate::text::clean_line(&names.join(", ")))));
            }
        }
        Err(trouble) => out.push(Finding::wrong(trouble.to_string(), "the bot's teams are not told")),
    }
    match mattermost.unknown().await {
        Ok(unknown) => out.extend(unknown.iter().map(|id| {
            let hint = "ids of people, and of channels and teams that the bot is in, are known";
            Finding::wrong(
                format!("`allow` names {}, which is nobody here", crate::text::clean_line(id)),
                hint,
            )
        })),
        Err(trouble) => {
            out.push(Finding::wrong(trouble.to_string(), "the ids of `allow` could not be looked up"));
        }
    }
    if let Ok(channels) = mattermost.get("/users/me/channels").await {
        let open = |channel: &&Value| matches!(text(channel, "type").as_str(), "O" | "P");
        let count = channels.as_array().into_iter().flatten().filter(open).count();
        if count == 0 {
            let hint = "say `/invite @nocbot` in each channel where it should hear its name";
            out.push(Finding { ok: true, what: "the bot is in no channel".into(), hint: Some(hint.into()) });
        } else {
            out.push(Finding::ok(format!("it is in {}", crate::text::count(count, "channel"))));
        }
    }
    out
}
