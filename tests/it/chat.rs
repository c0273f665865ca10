//! The chat platforms against servers that enforce the vendors' documented rules. A folder a platform: its
//! stand-in (proved by the vendor's own clients) and what our connector does before it.

mod chaos;
mod killed;
mod mattermost;
mod payloads;
mod proxy;
mod schema;
mod shared;
mod slack;
mod webex;
mod xmpp;
