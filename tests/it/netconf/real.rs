//! What is read from a real server: filters, schemas, errors, events, jump hosts.

use std::sync::Arc;
use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::transport::netconf::{
    AskError, Datastore, Filter, GetData, Operation, Settings, Subscription, WithDefaults,
};
use tokio_util::sync::CancellationToken;

use super::yuma::Yuma;
use super::{ask, netconf, netconf_with, request, settings, soon, target};
use crate::ssh::sshd::Sshd;
use crate::ssh::{device, exec_platform};

const INTERFACES: &str = "urn:ietf:params:xml:ns:yang:ietf-interfaces";

fn names() -> Filter {
    Filter::subtree(&format!(
        "<interfaces-state xmlns=\"{INTERFACES}\"><interface><name/><oper-status/></interface></interfaces-state>"
    ))
    .unwrap()
}

#[tokio::test]
async fn filters_schemas_and_capabilities() {
    let Some(yuma) = Yuma::start(&[]).await else { return };
    let netconf = netconf();
    let reply = ask(&netconf, yuma.port, Operation::get(names())).await.unwrap();
    assert!(reply.text.contains("<name>lo</name>") && !reply.text.contains("<statistics>"), "{}", reply.text);

    // The parsers read the reply as it is.
    let parser = "format: xml\nrows: /rpc-reply/data/interfaces-state/interface\nvalues: {NAME: name, STATE: oper-status}\n";
    let parser = nocbot::parse::paths::Paths::compile("test", parser).unwrap();
    let records = parser.parse(&reply.text).unwrap();
    assert_eq!(format!("{records:?}").matches("lo").count(), 1, "{records:?}");

    let xpath = Filter::XPath {
        select: "/if:interfaces-state/if:interface[if:name='lo']/if:oper-status".into(),
        namespaces: vec![("if".into(), INTERFACES.into())],
    };
    let reply = ask(&netconf, yuma.port, Operation::get(xpath)).await.unwrap();
    assert!(reply.warm && reply.text.contains("<oper-status>") && !reply.text.contains("statistics"));

    let config = Operation::GetConfig {
        source: Datastore::Candidate,
        filter: None,
        with_defaults: Some(WithDefaults::ReportAll),
    };
    assert!(ask(&netconf, yuma.port, config).await.unwrap().text.contains("<data"));

    let schema = |identifier: &str| Operation::GetSchema {
        identifier: identifier.into(),
        version: None,
        format: Some("yang".into()),
    };
    let module = ask(&netconf, yuma.port, schema("ietf-interfaces")).await.unwrap().content().unwrap();
    assert!(
        module.trim_start().starts_with("module ietf-interfaces {") && module.contains("\"up\"")
            || module.contains("enum up")
    );
    let Err(AskError::Refused(refused)) = netconf.ask(&request(yuma.port, schema("no-such"))).await else {
        panic!()
    };
    assert_eq!(
        (refused.errors[0].tag.as_str(), refused.errors[0].error_type.is_empty()),
        ("operation-failed", false)
    );

    let capabilities =
        netconf.capabilities(&target(yuma.port), soon(10), &CancellationToken::new()).await.unwrap();
    assert!(capabilities.base("1.1") && capabilities.protocol("candidate").is_some());
    let system = capabilities.modules().find(|module| module.name == "ietf-system").unwrap();
    assert_eq!(system.revision.as_deref(), Some("2014-08-06"));
    assert!(system.features.iter().any(|feature| feature == "ntp"));

    netconf.close_all().await;
    let log = yuma.log();
    assert!(log.contains("closed") && !log.contains("session 2"), "one session, closed politely: {log}");
}

#[tokio::test]
async fn a_server_of_base_1_0_and_refusals() {
    let Some(yuma) = Yuma::start(&["--protocols=netconf1.0"]).await else { return };
    let netconf = netconf();
    let reply = ask(&netconf, yuma.port, Operation::get(names())).await.unwrap();
    assert!(reply.text.contains("<name>lo</name>"));
    let wrong = Operation::Rpc(super::element("<no-such-rpc xmlns=\"urn:x\"><a>&lt;&amp;</a></no-such-rpc>"));
    let failure = ask(&netconf, yuma.port, wrong).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert!(failure.message.contains("refused `no-such-rpc`: "), "{failure}");
    assert!(ask(&netconf, yuma.port, Operation::get(names())).await.unwrap().warm);
    let without = netconf_with(Settings { chunks: false, ..settings() });
    assert!(ask(&without, yuma.port, Operation::get(names())).await.is_ok());
}

#[tokio::test]
async fn many_at_once_on_one_session_through_a_jump_host() {
    let Some(yuma) = Yuma::start(&[]).await else { return };
    let Some(gateway) = Sshd::start("").await else { return };
    let netconf = netconf();
    let tasks = (0..40).map(|number| {
        let mut request = request(yuma.port, Operation::get(names()));
        if number % 2 == 0 {
            request.operation = Operation::get_config(None);
        }
        request.target.jumps = vec![(Arc::new(device("gw", gateway.port)), Arc::new(exec_platform()))];
        netconf.request(request)
    });
    for done in futures_util::future::join_all(tasks).await {
        done.unwrap();
    }
    assert!(gateway.log().matches("Accepted password").count() == 1);
}

#[tokio::test]
async fn events_come_as_they_happen() {
    let Some(yuma) = Yuma::start(&[]).await else { return };
    let netconf = netconf();
    let never = CancellationToken::new();
    let subscription = Subscription::default();
    let mut events = netconf.subscribe(&target(yuma.port), &subscription, soon(10), &never).await.unwrap();
    // Another session's beginning is an event.
    ask(&netconf, yuma.port, Operation::get(names())).await.unwrap();
    let event = loop {
        let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap();
        if event.event.ends_with("session-start") {
            break event;
        }
    };
    assert!(event.time.starts_with("20") && event.lost == 0, "{event:?}");
    let wrong = Subscription { stream: Some("no-such".into()), ..subscription };
    let failure = netconf.subscribe(&target(yuma.port), &wrong, soon(10), &never).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected, "{failure}");
    events.close();
    netconf.close_all().await;
}

#[tokio::test]
async fn datastores_of_rfc_8342_where_they_are_offered() {
    let Some(yuma) = Yuma::start(&["--with-nmda=true"]).await else { return };
    let filter = Filter::subtree("<system xmlns=\"urn:ietf:params:xml:ns:yang:ietf-system\"/>").unwrap();
    let data = GetData { filter: Some(filter), config: Some(true), ..GetData::default() };
    let reply = ask(&netconf(), yuma.port, Operation::GetData(data)).await.unwrap();
    assert!(reply.text.contains("<data"), "{}", reply.text);
}

#[tokio::test]
async fn a_session_that_is_given_up_is_killed_on_the_server() {
    let Some(yuma) = Yuma::start(&["--log-level=debug"]).await else { return };
    let netconf = netconf();
    let session = netconf.exclusive(&target(yuma.port), soon(10), &CancellationToken::new()).await.unwrap();
    assert!(session.ask(&Operation::get(None), Duration::ZERO).await.is_err());
    let begun = std::time::Instant::now();
    while !yuma.log().contains("<kill-session>") {
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", yuma.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    netconf.close_all().await;
}
