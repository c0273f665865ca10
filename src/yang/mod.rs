//! Paths to data of YANG models and what is asked of them, as people and profiles write them. One path serves RESTCONF, where
//! it is a URL, and NETCONF, where it is a filter: the transports translate.

mod path;
mod query;

pub use path::{Path, Step};
pub use query::{Content, Depth, Field, Fields, Query};
