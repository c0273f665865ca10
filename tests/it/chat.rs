//! The chat platforms against servers that enforce the vendors' documented rules.

mod chaos;
mod fake_mattermost;
mod fake_slack;
mod fake_webex;
mod mattermost;
mod process;
mod proxy;
mod schema;
mod server;
mod slack;
mod stub;
mod webex;
mod whole;
mod xmpp;
