//! The simulated network, over SSH as everybody else sees it.

mod answers;
mod client;
mod commands;
mod examples;
mod faults;
mod programs;
mod sessions;
mod ways;

use std::collections::BTreeMap;

use nocbot::sim::{Fault, Network, Options, Running};

/// The built-in network with these faults.
async fn start(faults: &[(&str, Fault)]) -> Running {
    let mut all: BTreeMap<String, Vec<Fault>> = BTreeMap::new();
    for (device, fault) in faults {
        all.entry((*device).to_owned()).or_default().push(fault.clone());
    }
    let options = Options { faults: all, ..Options::default() };
    Network::builtin(None).unwrap().start(options).await.unwrap()
}

/// The prompts of the six devices after login.
fn prompt(device: &str) -> &'static str {
    match device {
        "r1" => "r1>",
        "r2" => "r2>",
        "r3" => "nocbot@r3> ",
        "r4" => "r4# ",
        "r5" => "r5#",
        "r6" => "r6>",
        _ => panic!("{device}"),
    }
}
