//! nocbot: a network ChatOps appliance. See ARCHITECTURE.md for the bird's-eye view; the first file
//! to read is `bot/mod.rs`.

pub mod answer;
pub mod app;
pub mod bot;
pub mod catalogue;
pub mod chat;
pub mod cli;
pub mod command;
pub mod config;
pub mod error;
pub mod inventory;
pub mod metrics;
pub mod parse;
pub mod policy;
pub mod probe;
pub mod profile;
pub mod run;
pub mod secret;
pub mod sim;
pub mod store;
pub mod table;
pub mod text;
pub mod transport;
pub mod verb;
pub mod web;
pub mod yaml;
pub mod yang;
