//! The one integration binary. Each module is one part of the product, by the name of the part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod ask;
mod browser;
mod catalogue;
mod chat;
mod command;
mod docs;
mod fakenos;
mod faults;
mod lab;
mod layers;
mod netconf;
mod parse;
mod platforms;
mod probe;
mod restconf;
mod sim;
mod sources;
mod ssh;
mod structured;
mod support;
mod table;
mod terminal;
mod textfsm;
mod ways;
mod web;
