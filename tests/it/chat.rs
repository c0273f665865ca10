//! The chat platforms against servers that enforce the vendors' documented rules.

mod fake_mattermost;
mod fake_slack;
mod fake_webex;
mod form;
mod killed;
mod kit;
mod mattermost;
mod mattermost_client;
mod payloads;
mod proxy;
mod schema;
mod server;
mod slack;
mod stub;
mod webex;
mod webex_client;
mod whole;
mod xmpp;
