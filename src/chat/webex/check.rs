//! `nocbot webex check`: whether the token is a bot's, and a device can be registered.

use super::{Webex, text};
use crate::chat::{Finding, Trouble};

/// Looks at the account, its device and its spaces.
pub(super) async fn check(webex: &Webex) -> Vec<Finding> {
    let mut out = Vec::new();
    if let Err(trouble) = webex.login().await {
        let hint = match trouble {
            Trouble::Login(_) => "make a bot at developer.webex.com and use its access token",
            _ => "is `api_url` reachable from here?",
        };
        out.push(Finding::wrong(trouble.to_string(), hint));
        return out;
    }
    match webex.get("/people/me").await {
        Ok(me) => {
            let name = crate::text::clean_line(&text(&me, "displayName"));
            if text(&me, "type") == "person" {
                let hint = "questions would be answered in this person's name; make a bot and use its token";
                out.push(Finding::wrong(format!("the token is that of a person, {name}"), hint));
            } else {
                out.push(Finding::ok(format!("the token is that of the bot {name}")));
            }
        }
        Err(trouble) => out.push(Finding::wrong(trouble.to_string(), "the account is not told")),
    }
    match webex.device().await {
        Ok(_) => out.push(Finding::ok("a device is registered")),
        Err(trouble) => {
            out.push(Finding::wrong(
                format!("no device: {trouble}"),
                "are wdm and Mercury addresses reachable?",
            ));
        }
    }
    out
}
