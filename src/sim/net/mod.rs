//! The network as a graph of devices, and what each device knows of it: pure computation on the
//! state, without any text of a command line.

mod around;
mod bgp;
mod grow;
mod routes;
mod spf;
mod topology;
mod walk;

pub use around::{Adjacency, ArpEntry, Event, Neighbor};
pub use bgp::Session;
pub use routes::{Hop, Protocol, Route};
pub use topology::{Interface, Kind, Net, Node, Traits};
pub use walk::{Probe, TraceHop};

pub(crate) use grow::grow;
