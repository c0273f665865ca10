//! The contract of chat connectors.
