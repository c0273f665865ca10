//! A russh and a reqwest client that do the input and output and nothing else: no deadlines, no pool, no checks of
//! what came, anybody's host key and certificate.
#![allow(dead_code, reason = "what is measured is shared with other clients")]

#[path = "../../measure.rs"]
mod measure;
mod netconf;
mod restconf;

use measure::{Job, Measured};

#[tokio::main]
async fn main() {
    let job = Job::read();
    let measured: Measured = match std::env::args().nth(1).as_deref() {
        Some("netconf") => netconf::run(&job).await,
        Some("restconf") => restconf::run(&job, false).await,
        Some("restconf-one") => restconf::run(&job, true).await,
        other => panic!("no client {other:?}"),
    };
    println!("{}", serde_json::to_string(&measured).unwrap());
}
