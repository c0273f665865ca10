//! The contract of chat connectors.

pub mod terminal;
