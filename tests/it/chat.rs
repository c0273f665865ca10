//! The chat platforms against servers that enforce the vendors' documented rules.

mod fake_mattermost;
mod fake_slack;
mod fake_webex;
mod mattermost;
mod proxy;
mod schema;
mod server;
mod slack;
mod stub;
mod webex;
mod whole;
mod xmpp;
