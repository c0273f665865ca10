//! The chat platforms against servers that enforce the vendors' documented rules.

mod desk;
mod fake_mattermost;
mod fake_slack;
mod mattermost;
mod server;
mod slack;
mod stub;
mod xmpp;
