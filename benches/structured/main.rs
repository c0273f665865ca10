//! Clients of NETCONF and RESTCONF, side by side on one simulated fleet.
//!
//! ```text
//! eval "$(tests/reference/clients)" && cargo bench --bench structured
//! ```
//! The fleet is a process of its own. Each client is one, too, and is started when the one before has ended. It asks
//! every device at once for `ietf-interfaces`. Cold: connects, asks one question and closes. Warm: the sessions are open,
//! so many questions follow each other on each. What counts is the processor time of the client's process, user and
//! system; the least of several rounds, imports and start-up left out.
//!
//! Arguments: `--devices 20`, `--rounds 5`, `--questions 50`, and parts of names of clients to be measured alone.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark talks and may panic"
)]

mod clients;
mod fleet;
mod measure;
mod ours;
mod table;

use measure::Job;

const FILTER: &str = r#"<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"/>"#;
const PATH: &str = "ietf-interfaces:interfaces";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // As many threads as the product has.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match words.as_slice() {
        ["fleet", count] => runtime.block_on(fleet::run(count.parse().unwrap())),
        ["client", name] => {
            let measured = runtime.block_on(ours::run(name));
            println!("{}", serde_json::to_string(&measured).unwrap());
        }
        _ => compare(&words),
    }
}

fn compare(arguments: &[&str]) {
    let number = |name: &str, usual: usize| {
        let place = arguments.iter().position(|argument| *argument == name);
        place.and_then(|place| arguments.get(place + 1)?.parse().ok()).unwrap_or(usual)
    };
    let only: Vec<&&str> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--") && argument.parse::<usize>().is_err())
        .collect();
    let (fleet, said) = fleet::Fleet::start(number("--devices", 20));
    let job = Job {
        servers: said.servers,
        fingerprint: said.fingerprint,
        known_hosts: said.known_hosts,
        filter: FILTER.to_owned(),
        path: PATH.to_owned(),
        rounds: number("--rounds", 5),
        questions: number("--questions", 50),
    };
    println!(
        "{} devices, one question each cold, {} each warm; least of {} rounds",
        job.servers.len(),
        job.questions,
        job.rounds
    );
    let wanted = |name: &str| only.is_empty() || only.iter().any(|part| name.contains(**part));
    for protocol in clients::PROTOCOLS {
        let rows = clients::measure(protocol, &job, &wanted);
        table::print(protocol, &job, &rows);
    }
    drop(fleet);
}
