//! The `nocbot` command.

fn main() {}
