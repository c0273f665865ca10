//! The network as a graph of devices, and what each device knows of it: pure computation on the
//! state, without any text of a command line.

mod around;
mod bgp;
mod grow;
mod hardware;
mod routes;
mod spf;
mod switched;
mod topology;
mod walk;
mod wiring;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;

pub use topology::{Interface, Net, Node, Traits, hex};

pub(super) use grow::grow;
