//! The chat platforms against servers that enforce the vendors' documented rules.

mod block_kit;
mod chaos;
mod fake_mattermost;
mod fake_slack;
mod fake_slack_api;
mod fake_slack_people;
mod fake_webex;
mod form;
mod killed;
mod kit;
mod mattermost;
mod mattermost_client;
mod payloads;
mod process;
mod proxy;
mod schema;
mod server;
mod slack;
mod slack_clients;
mod slack_payloads;
mod slack_rules;
mod stub;
mod webex;
mod webex_client;
mod whole;
mod xmpp;
