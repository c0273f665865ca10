//! Simulated devices on loopback: the network of `nocbot demo`, and of tests and benchmarks.

mod fault;
mod files;
mod net;
mod state;

pub use fault::Fault;
