//! Faults of the servers for programs: each ends in data or in one clear error, never in wrong data.

use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::sim::Fault;
use nocbot::transport::netconf::{Filter, Operation};
use nocbot::transport::restconf::Query;
use tokio::time::{Instant, timeout_at};

use super::super::start;
use super::Asker;

const INTERFACES: &str = "Cisco-IOS-XE-interfaces-oper:interfaces";

fn get() -> Operation {
    let filter = "<interfaces xmlns='http://cisco.com/ns/yang/Cisco-IOS-XE-interfaces-oper'/>";
    Operation::get(Filter::subtree(filter).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_answers_are_one_clear_error() {
    for (fault, restconf, netconf) in [
        (Fault::Drop { after: 300 }, FailureKind::Connect, FailureKind::Connect),
        (Fault::LyingLength, FailureKind::Connect, FailureKind::Parse),
        (Fault::Refuse, FailureKind::Connect, FailureKind::Connect),
        (Fault::WrongPassword, FailureKind::Auth, FailureKind::Auth),
        (Fault::Garbage { bytes: 9 }, FailureKind::Parse, FailureKind::Parse),
    ] {
        let asker = Asker::new(start(&[("r5", fault.clone())]).await);
        let failure = asker.get("r5", INTERFACES, Query::default()).await.unwrap_err();
        assert_eq!(failure.kind, restconf, "{fault:?}: {failure:?}");
        let failure = asker.rpc("r5", get()).await.unwrap_err();
        assert_eq!(failure.kind, netconf, "{fault:?}: {failure:?}");
        asker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_in_place_of_data_and_numbers_that_are_none() {
    let asker = Asker::new(start(&[("r5", Fault::ErrorObject)]).await);
    let failure = asker.get("r5", INTERFACES, Query::default()).await.unwrap_err();
    assert!(failure.message.contains("the process that knows is not there"), "{failure:?}");
    let failure = asker.rpc("r5", get()).await.unwrap_err();
    assert!(failure.message.contains("the process that knows is not there"), "{failure:?}");
    asker.stop().await;

    let asker = Asker::new(start(&[("r5", Fault::WrongNumber)]).await);
    let failure = asker.get("r5", INTERFACES, Query::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Parse, "{failure:?}");
    // XML has no numbers of its own: who reads the leaf must refuse it.
    let reply = asker.rpc("r5", get()).await.unwrap();
    assert!(reply.text.contains(".e+</"), "{}", &reply.text[..800]);
    asker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn huge_answers_are_whole_and_silence_ends_with_the_deadline() {
    let asker = Asker::new(start(&[("r5", Fault::Huge { megabytes: 20 })]).await);
    let reply = asker.get("r5", INTERFACES, Query::default()).await.unwrap();
    assert!(reply.text.len() >= 20_000_000 && reply.text.len() < 21_000_000, "{}", reply.text.len());
    let reply = asker.rpc("r5", get()).await.unwrap();
    assert!(reply.text.len() >= 20_000_000 && reply.text.len() < 21_000_000, "{}", reply.text.len());
    asker.stop().await;

    for fault in [Fault::Hang, Fault::Stall { after: 300 }, Fault::SilentAfterLogin, Fault::Drip { ms: 50 }] {
        let asker = Asker::new(start(&[("r5", fault.clone())]).await);
        let moment = Instant::now() + Duration::from_millis(700);
        let answer = timeout_at(moment, asker.get("r5", INTERFACES, Query::default())).await;
        assert!(answer.is_err(), "{fault:?}: {answer:?}");
        let moment = Instant::now() + Duration::from_millis(700);
        let answer = timeout_at(moment, asker.rpc("r5", get())).await;
        assert!(answer.is_err(), "{fault:?}: {answer:?}");
        asker.stop().await;
    }
}
