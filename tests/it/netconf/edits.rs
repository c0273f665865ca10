//! Changes on a real server: locks, candidate, validation, commits that must be confirmed.

use std::time::Duration;

use nocbot::transport::netconf::{
    AskError, Confirmed, Datastore, DefaultOperation, Edit, EditConfig, Element, ErrorOption, Exclusive,
    Operation, Refused, Reply,
};
use tokio_util::sync::CancellationToken;

use super::yuma::Yuma;
use super::{element, netconf, soon, target};

const LIMIT: Duration = Duration::from_secs(10);

/// An interface with an awkward description.
fn interface(description: &str) -> Element {
    element(
        "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name>lo</name>\
         <description>{description}</description>\
         <type xmlns:ianaift=\"urn:ietf:params:xml:ns:yang:iana-if-type\">ianaift:softwareLoopback</type>\
         </interface></interfaces>",
    )
    .try_map_values(&mut |text| Some(text.replace("{description}", description)))
    .unwrap()
}

fn change(description: &str) -> Edit {
    Edit::EditConfig(EditConfig {
        target: Datastore::Candidate,
        default_operation: Some(DefaultOperation::Merge),
        test_only: false,
        error_option: Some(ErrorOption::Rollback),
        config: vec![interface(description)],
    })
}

fn commit() -> Edit {
    Edit::Commit { confirmed: None, persist_id: None }
}

fn confirmed(timeout: u32, persist: Option<&str>) -> Edit {
    let confirmed = Confirmed { timeout: Some(timeout), persist: persist.map(str::to_owned) };
    Edit::Commit { confirmed: Some(confirmed), persist_id: None }
}

async fn done(session: &Exclusive, edit: &Edit) -> Reply {
    session.edit(edit, LIMIT).await.unwrap_or_else(|error| panic!("{}: {error}", edit.name()))
}

async fn refused(session: &Exclusive, edit: &Edit) -> Refused {
    match session.edit(edit, LIMIT).await {
        Err(AskError::Refused(refused)) => *refused,
        other => panic!("{}: {other:?}", edit.name()),
    }
}

async fn running(session: &Exclusive) -> String {
    session.ask(&Operation::get_config(None), LIMIT).await.unwrap().text
}

#[tokio::test]
async fn lock_edit_validate_commit_and_discard() {
    let Some(yuma) = Yuma::start(&[]).await else { return };
    let netconf = netconf();
    let never = CancellationToken::new();
    let one = netconf.exclusive(&target(yuma.port), soon(10), &never).await.unwrap();
    let two = netconf.exclusive(&target(yuma.port), soon(10), &never).await.unwrap();
    assert_ne!(one.id(), two.id());

    done(&one, &Edit::Lock(Datastore::Candidate)).await;
    let denied = refused(&two, &Edit::Lock(Datastore::Candidate)).await;
    assert_eq!(denied.errors[0].tag, "lock-denied");
    assert!(denied.errors[0].info.contains(&("session-id".to_owned(), one.id().to_string())), "{denied}");

    done(&one, &change("<&> ü ]]>]]> \"'")).await;
    assert!(!running(&one).await.contains("]]&gt;]]"));
    done(&one, &commit()).await;
    let text = running(&two).await;
    assert!(text.contains("<description>&lt;&amp;&gt; ü ]]&gt;]]&gt; "), "{text}");

    // In this order, because this server forgets the candidate when it validates it.
    done(&one, &change("second")).await;
    done(&one, &Edit::Validate(Datastore::Candidate)).await;
    done(&one, &change("second")).await;
    done(&one, &Edit::DiscardChanges).await;
    done(&one, &commit()).await;
    assert!(!running(&one).await.contains("second"));
    done(&one, &Edit::Unlock(Datastore::Candidate)).await;
    done(&two, &Edit::Lock(Datastore::Candidate)).await;

    // Who holds a lock and goes gives it free.
    drop(two);
    let begun = std::time::Instant::now();
    while one.edit(&Edit::Lock(Datastore::Candidate), LIMIT).await.is_err() {
        assert!(begun.elapsed() < LIMIT, "the lock stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    one.close();
    netconf.close_all().await;
}

#[tokio::test]
async fn a_commit_that_nobody_confirms_is_rolled_back() {
    let Some(yuma) = Yuma::start(&[]).await else { return };
    let netconf = netconf();
    let never = CancellationToken::new();
    let session = netconf.exclusive(&target(yuma.port), soon(10), &never).await.unwrap();
    done(&session, &change("for two seconds")).await;
    done(&session, &confirmed(2, None)).await;
    assert!(running(&session).await.contains("for two seconds"));
    let begun = std::time::Instant::now();
    while running(&session).await.contains("for two seconds") {
        assert!(begun.elapsed() < Duration::from_secs(12), "it stays: {}", yuma.log());
        // Its timers run only while nobody asks it anything for a second.
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }

    done(&session, &change("for good")).await;
    done(&session, &confirmed(60, Some("nocbot"))).await;
    // Another session confirms it by its name.
    let other = netconf.exclusive(&target(yuma.port), soon(10), &never).await.unwrap();
    done(&other, &Edit::Commit { confirmed: None, persist_id: Some("nocbot".into()) }).await;
    assert!(running(&other).await.contains("for good"));

    done(&session, &change("taken back")).await;
    done(&session, &confirmed(60, None)).await;
    done(&session, &Edit::CancelCommit { persist_id: None }).await;
    assert!(running(&session).await.contains("for good"));

    // A server without a startup datastore is not asked for one.
    let copy = Edit::CopyConfig { source: Datastore::Running, target: Datastore::Startup };
    let failure = session.edit(&copy, LIMIT).await.unwrap_err().to_string();
    assert!(failure.contains("does not offer the capability :startup"), "{failure}");
}
