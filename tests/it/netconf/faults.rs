//! Servers that refuse, hang, babble and mix things up: one clear failure each, and in time.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nocbot::error::FailureKind;
use nocbot::transport::netconf::{AskError, Filter, GetData, Operation, Settings, Severity};

use super::server::{BASE, Server, hello};
use super::{ask, netconf, netconf_with, request, settings};

fn get() -> Operation {
    Operation::get(None)
}

#[tokio::test]
async fn no_subsystem() {
    let server = Server::without().await;
    let failure = ask(&netconf(), server.port, get()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("has no subsystem `netconf`") && failure.hint.unwrap().contains("830"));
}

#[tokio::test]
async fn hellos_that_no_session_can_begin_with() {
    let bad = [
        (hello(&["urn:x"], 1), FailureKind::Connect, "neither base:1.0 nor base:1.1"),
        (hello(&[&format!("{BASE}1.0")], 0), FailureKind::Connect, "the session-id `0`"),
        ("<html><body>no</body></html>".to_owned(), FailureKind::Connect, "instead of a NETCONF hello"),
    ];
    for (text, kind, words) in bad {
        let server = Server::start(move |mut peer| {
            let text = text.clone();
            async move {
                peer.send(text).await;
                peer.gone().await;
            }
        })
        .await;
        let failure = ask(&netconf(), server.port, get()).await.unwrap_err();
        assert!(failure.kind == kind && failure.message.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn a_banner_before_the_hello_is_passed_over_and_one_without_is_shown() {
    let server = Server::start(|mut peer| async move {
        peer.raw("*** <Authorized> users only ***\r\nlast login: now\r\n").await;
        peer.hello(&[]).await;
        let id = peer.request().await.unwrap();
        peer.reply(id, "<data>1</data>").await;
        peer.gone().await;
    })
    .await;
    assert!(ask(&netconf(), server.port, get()).await.unwrap().text.contains("<data>1</data>"));

    let server =
        Server::start(|mut peer| async move { peer.raw("% All sessions are in use\r\n").await }).await;
    let failure = ask(&netconf(), server.port, get()).await.unwrap_err();
    assert!(
        failure.message.contains("said `% All sessions are in use` instead of a NETCONF hello"),
        "{failure}"
    );
}

#[tokio::test]
async fn never_says_hello_and_never_answers() {
    let netconf = netconf_with(Settings {
        hello_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(300),
        ..settings()
    });
    let begun = Instant::now();
    let mute = Server::start(|mut peer| async move { peer.gone().await }).await;
    let failure = ask(&netconf, mute.port, get()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("sent no NETCONF hello"), "{failure}");

    let silent = Server::start(|mut peer| async move {
        peer.hello(&[]).await;
        peer.gone().await;
    })
    .await;
    let failure = ask(&netconf, silent.port, get()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("fell silent"), "{failure}");

    let mut late = request(silent.port, get());
    late.deadline = tokio::time::Instant::now() + Duration::from_millis(150);
    let failure = netconf.request(late).await.unwrap_err();
    assert!(failure.message.contains("did not finish `get` over NETCONF in time"), "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn replies_that_belong_to_nobody() {
    let cases: [(&'static str, &'static str); 5] = [
        (
            "<rpc-reply message-id=\"99\"><ok/></rpc-reply>",
            "answered the message-id `99`, which was not asked",
        ),
        ("<rpc-reply message-id=\"one\"><ok/></rpc-reply>", "message-id `one`"),
        (
            "<rpc-reply><rpc-error><error-tag>missing-attribute</error-tag><error-message>no id</error-message></rpc-error></rpc-reply>",
            "without a message-id: no id (missing-attribute)",
        ),
        ("<hello/>", "sent `hello` where a reply must be"),
        ("Segmentation fault", "a message that is no XML: `Segmentation fault`"),
    ];
    for (text, words) in cases {
        let server = Server::start(move |mut peer| async move {
            peer.hello(&[]).await;
            let _ = peer.request().await;
            peer.send(text).await;
            peer.gone().await;
        })
        .await;
        let failure = ask(&netconf(), server.port, get()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Parse);
        assert!(failure.message.contains(words), "{failure}");
    }
}

const ERROR: &str = "<rpc-error><error-type>application</error-type><error-tag>access-denied</error-tag>\
    <error-severity>error</error-severity><error-path>/if:interfaces</error-path>\
    <error-message>not for &lt;you&gt;</error-message><error-info><bad-element>interfaces</bad-element></error-info></rpc-error>";

#[tokio::test]
async fn errors_of_the_server_in_full() {
    let server = Server::answering(&[], |_| ERROR.to_owned()).await;
    let netconf = netconf();
    let Err(AskError::Refused(refused)) = netconf.ask(&request(server.port, get())).await else { panic!() };
    assert_eq!(refused.data, None);
    let error = &refused.errors[0];
    assert_eq!((error.error_type.as_str(), error.tag.as_str()), ("application", "access-denied"));
    assert_eq!(error.path.as_deref(), Some("/if:interfaces"));
    assert_eq!(error.info, [("bad-element".to_owned(), "interfaces".to_owned())]);
    let failure = ask(&netconf, server.port, get()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert!(
        failure.message.ends_with(
            "refused `get`: not for <you> (access-denied, application) at /if:interfaces; bad-element interfaces"
        ),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("access control"));
    // A refusal is an answer: the session is as good as before.
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);

    let with_data = Server::answering(&[], |_| format!("{ERROR}<data><a>1</a></data>")).await;
    let failure = ask(&netconf, with_data.port, get()).await.unwrap_err();
    assert!(failure.partial.unwrap().contains("<a>1</a>"));

    let warning = ERROR.replace(">error<", ">warning<");
    let warned = Server::answering(&[], move |_| format!("{warning}<data><a>1</a></data>")).await;
    let reply = ask(&netconf, warned.port, get()).await.unwrap();
    assert!(reply.text.contains("<a>1</a>"));
    assert_eq!((reply.warnings.len(), reply.warnings[0].severity), (1, Severity::Warning));
}

#[tokio::test]
async fn what_is_not_offered_is_not_sent() {
    let server = Server::answering(&[], |_| "<data/>".to_owned()).await;
    let netconf = netconf();
    let xpath = Filter::XPath { select: "/a:b".into(), namespaces: vec![("a".into(), "urn:a".into())] };
    let schema = Operation::GetSchema { identifier: "a".into(), version: None, format: None };
    for (operation, words) in [
        (Operation::get(xpath.clone()), "does not offer the capability :xpath"),
        (schema, "does not offer get-schema (RFC 6022)"),
        (Operation::GetData(GetData::default()), "does not offer get-data (RFC 8526)"),
    ] {
        let failure = ask(&netconf, server.port, operation).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert!(failure.message.contains(words), "{failure}");
    }
    assert_eq!(server.count("<rpc"), 0);

    let able = Server::answering(
        &[
            "urn:ietf:params:netconf:capability:xpath:1.0",
            "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda?module=ietf-netconf-nmda&amp;revision=2019-01-07",
        ],
        |_| "<data/>".to_owned(),
    )
    .await;
    ask(&netconf, able.port, Operation::get(xpath.clone())).await.unwrap();
    let data = GetData { filter: Some(xpath), config: Some(false), max_depth: Some(3), ..GetData::default() };
    ask(&netconf, able.port, Operation::GetData(data)).await.unwrap();
    assert_eq!(able.count("<filter type=\"xpath\" xmlns:a=\"urn:a\" select=\"/a:b\"/>"), 1);
    assert_eq!(able.count("<xpath-filter xmlns:a=\"urn:a\">/a:b</xpath-filter><config-filter>false</config-filter><max-depth>3</max-depth>"), 1);
    assert_eq!(
        able.count(
            "<datastore xmlns:ds=\"urn:ietf:params:xml:ns:yang:ietf-datastores\">ds:operational</datastore>"
        ),
        1
    );
}

#[tokio::test]
async fn secrets_stay_where_they_are() {
    let server = Server::answering(&[], |_| "<data><password>s3cret</password></data>".to_owned()).await;
    let netconf = netconf();
    let request =
        request(server.port, Operation::Rpc(super::element("<set><password>s3cret</password></set>")));
    let reply = netconf.request(request.clone()).await.unwrap();
    for text in [format!("{request:?}"), format!("{reply:?}"), format!("{netconf:?}")] {
        assert!(!text.contains("s3cret") && !text.contains("hunter2"), "{text}");
    }
}
