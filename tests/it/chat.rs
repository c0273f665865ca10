//! The chat platforms against servers that enforce the vendors' documented rules.

mod desk;
mod fake_slack;
mod server;
mod slack;
mod stub;
