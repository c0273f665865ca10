//! Simulated devices on loopback: the network of `nocbot demo`, and of tests and benchmarks.
