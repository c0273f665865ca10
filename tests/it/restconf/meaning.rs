//! What answers mean: data, nothing, a wrong path, errors; roots, formats, capabilities.

use std::sync::Arc;
use std::time::Duration;

use nocbot::error::FailureKind;
use nocbot::inventory::HttpsLogin;
use nocbot::transport::http::Settings;
use nocbot::transport::restconf::{Content, Depth, Fields, Format, Query, Restconf};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::server::{Server, Then, answer, json};
use super::{File, ask, device, get, login, request};

const ERROR: &str = r#"{"ietf-restconf:errors": {"error": [{"error-type": "application", "error-tag": "TAG",
    "error-path": "/m:a", "error-message": "the reason"}]}}"#;

#[tokio::test]
async fn awkward_content_comes_as_it_is() {
    let body = r#"{"m:a": {"b": "<&> Zürich \u00fc", "empty": {}, "n": 18446744073709551615, "l": [null]}}"#;
    let server = Server::start(move |_, _| json(body)).await;
    let reply = ask(&server, "m:a").await.unwrap();
    assert_eq!((reply.text.as_str(), reply.format, reply.nothing), (body, Format::Json, false));
}

#[tokio::test]
async fn nothing_there_and_no_such_path_are_told_apart() {
    let server = Server::start(|head, _| {
        let kind = "application/yang-data+json";
        match head.split(' ').nth(1).unwrap().rsplit_once('/').unwrap().1 {
            "m:empty" => (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), Then::Keep),
            "m:gone" => answer("404 Not Found", kind, &ERROR.replace("TAG", "invalid-value")),
            "m:missing" => answer("404 Not Found", kind, &ERROR.replace("TAG", "data-missing")),
            "m:unknown" => answer("404 Not Found", kind, &ERROR.replace("TAG", "unknown-element")),
            _ => answer("404 Not Found", "text/html", "<html>no</html>"),
        }
    })
    .await;
    let reply = ask(&server, "m:empty").await.unwrap();
    assert!(reply.nothing && reply.notes.is_empty());
    assert_eq!(reply.text, "{}");
    for (path, note) in [("m:gone", "invalid-value at /m:a: the reason"), ("m:missing", "data-missing")] {
        let reply = ask(&server, path).await.unwrap();
        assert!(reply.nothing && reply.notes[0].contains(note), "{reply:?}");
    }
    for path in ["m:unknown", "m:page"] {
        let failure = ask(&server, path).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Rejected);
        assert!(failure.message.contains(&format!("does not know `{path}` (404)")), "{failure}");
    }
}

#[tokio::test]
async fn each_status_and_each_wrong_body_is_one_failure() {
    for (status, kind, body, wanted, message) in [
        ("400 Bad Request", "json", ERROR, FailureKind::Rejected, "application TAG at /m:a: the reason"),
        ("401 Unauthorized", "json", ERROR, FailureKind::Auth, "refuses user or password (401)"),
        (
            "403 Forbidden",
            "json",
            ERROR,
            FailureKind::Rejected,
            "does not let us read `m:a` (403): application",
        ),
        ("405 Method Not Allowed", "json", "", FailureKind::Rejected, "cannot be read"),
        ("406 Not Acceptable", "json", "", FailureKind::Rejected, "neither JSON nor XML"),
        ("500 Oops", "json", ERROR, FailureKind::Rejected, "failed at `m:a` (500): application TAG"),
        ("302 Found", "json", "", FailureKind::Rejected, "without a place that makes sense"),
        ("200 OK", "json", ERROR, FailureKind::Rejected, "errors instead of data: application TAG"),
        ("200 OK", "xml", "<errors><error/></errors>", FailureKind::Rejected, "errors instead of data"),
        ("200 OK", "json", "{\"a\": 01}", FailureKind::Parse, "is no JSON: invalid number at line 1"),
        ("200 OK", "json", "{\"a\": 0x1}", FailureKind::Parse, "is no JSON"),
        ("200 OK", "json", "{\"a\": [1, 2", FailureKind::Parse, "it ends in the middle"),
        ("200 OK", "json", "{} {}", FailureKind::Parse, "trailing characters"),
        ("200 OK", "json", "{\"a\": 1, \"a\": 2}", FailureKind::Parse, "`a` stands in it twice"),
        ("200 OK", "json", "[]", FailureKind::Parse, "expected a JSON object"),
        ("200 OK", "xml", "<a><b></a>", FailureKind::Parse, "is no XML"),
        ("200 OK", "xml", "<a><b>", FailureKind::Parse, "it ends in the middle"),
        ("200 OK", "text/html", "<html></html>", FailureKind::Parse, "a web page"),
        ("200 OK", "json", "\u{1}", FailureKind::Parse, "is no JSON"),
    ] {
        let kind = if kind.contains('/') { kind.to_owned() } else { format!("application/yang-data+{kind}") };
        let server = Server::start(move |_, _| answer(status, &kind, body)).await;
        let failure = ask(&server, "m:a").await.unwrap_err();
        assert_eq!(failure.kind, wanted, "{status} {body}: {failure}");
        assert!(failure.message.contains(message), "{status} {body}: {failure}");
        assert!(failure.hint.is_some() && failure.message.contains("r1 (127.0.0.1:"), "{failure}");
    }
}

#[tokio::test]
async fn a_server_without_json_is_asked_for_xml_and_that_is_remembered() {
    let server = Server::start(|head, _| {
        if head.contains("application/yang-data+xml") {
            answer("200 OK", "application/yang-data+xml", "<a xmlns='m'>&lt;x</a>")
        } else {
            answer("406 Not Acceptable", "text/plain", "")
        }
    })
    .await;
    let ca = File::new(&server.ca);
    let (restconf, device) = (Restconf::new(Settings::default()), device(login(&server, &ca)));
    for round in [2, 3] {
        let reply = get(&restconf, &device, "m:a").await.unwrap();
        assert_eq!((reply.format, reply.text.as_str()), (Format::Xml, "<a xmlns='m'>&lt;x</a>"));
        assert_eq!(server.asked().len(), round);
    }
}

#[tokio::test]
async fn the_root_is_asked_for_once() {
    let xrd = "<?xml version='1.0'?><XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\
               <Link rel='other' href='/x'/><Link rel='restconf' href='/top/rc/'/></XRD>";
    for (kind, body, root) in [
        ("application/xrd+xml", xrd, "/top/rc"),
        ("application/json", r#"{"links": [{"rel": "restconf", "href": "/j"}]}"#, "/j"),
        ("text/html", "<html><br></html>", "/restconf"),
        ("", "", "/restconf"),
    ] {
        let server = Server::start(move |head, _| match head.contains("/.well-known/host-meta") {
            true if kind.is_empty() => answer("404 Not Found", "text/plain", "no"),
            true => answer("200 OK", kind, body),
            false => json("{}"),
        })
        .await;
        let ca = File::new(&server.ca);
        let device = device(HttpsLogin { root: None, ..login(&server, &ca) });
        let restconf = Restconf::new(Settings::default());
        assert!(!get(&restconf, &device, "m:a").await.unwrap().warm);
        let mut asked = request(&device, "m:a/l[k='x/y']");
        asked.query = Query {
            depth: Some(Depth::parse("2").unwrap()),
            fields: Some(Fields::parse("b;c(d)").unwrap()),
            content: Some(Content::Config),
        };
        assert!(restconf.get(asked).await.unwrap().warm);
        let wanted = [
            "GET /.well-known/host-meta HTTP/1.1".to_owned(),
            format!("GET {root}/data/m:a HTTP/1.1"),
            format!("GET {root}/data/m:a/l=x%2Fy?depth=2&fields=b;c(d)&content=config HTTP/1.1"),
        ];
        assert_eq!(server.asked(), wanted);
        assert_eq!(server.connections(), 1);
    }
    let server = Server::start(move |_, _| {
        answer(
            "200 OK",
            "application/xrd+xml",
            "<XRD><Link rel='restconf' href='https://evil.example/r'/></XRD>",
        )
    })
    .await;
    let ca = File::new(&server.ca);
    let device = device(HttpsLogin { root: None, ..login(&server, &ca) });
    let failure = get(&Restconf::new(Settings::default()), &device, "m:a").await.unwrap_err();
    assert!(failure.message.contains("has its RESTCONF elsewhere"), "{failure}");
}

#[tokio::test]
async fn capabilities_in_every_form() {
    let new = r#"{"ietf-yang-library:yang-library": {"module-set": [{"name": "all",
        "module": [{"name": "b", "revision": "2020-01-02", "namespace": "urn:b", "feature": ["f"]}, {"name": "a", "namespace": "urn:a"}],
        "import-only-module": [{"name": "t", "revision": "2019-01-01", "namespace": "urn:t"}]}], "content-id": "1"}}"#;
    let old = r#"{"ietf-yang-library:modules-state": {"module-set-id": "1", "module": [
        {"name": "a", "revision": "", "namespace": "urn:a", "conformance-type": "implement"},
        {"name": "b", "revision": "2020-01-02", "namespace": "urn:b", "feature": ["f"], "conformance-type": "implement"},
        {"name": "t", "revision": "2019-01-01", "namespace": "urn:t", "conformance-type": "import"}]}}"#;
    let xml = "<modules-state xmlns='urn:ietf:params:xml:ns:yang:ietf-yang-library'><module><name>a</name><revision/>\
        <namespace>urn:a</namespace></module><module><name>b</name><revision>2020-01-02</revision><namespace>urn:b</namespace>\
        <feature>f</feature></module><module><name>t</name><revision>2019-01-01</revision><namespace>urn:t</namespace>\
        <conformance-type>import</conformance-type></module></modules-state>";
    let uris = r#"{"ietf-restconf-monitoring:capabilities": {"capability": ["urn:x:depth"]}}"#;
    for (body, at) in
        [(new, ":yang-library"), (old, ":modules-state"), (xml, ":modules-state"), (uris, "monitoring")]
    {
        let server = Server::start(move |head, _| match head.lines().next().unwrap().contains(at) {
            true if body.starts_with('<') => answer("200 OK", "application/yang-data+xml", body),
            true => json(body),
            false => answer("404 Not Found", "text/plain", "no"),
        })
        .await;
        let ca = File::new(&server.ca);
        let device = Arc::new(device(login(&server, &ca)));
        let deadline = Instant::now() + Duration::from_secs(10);
        let restconf = Restconf::new(Settings::default());
        let found = restconf.capabilities(device, deadline, CancellationToken::new()).await.unwrap();
        if body == uris {
            assert_eq!(found.uris, ["urn:x:depth"]);
            continue;
        }
        let modules: Vec<_> = found
            .modules
            .iter()
            .map(|module| {
                (module.name.as_str(), module.revision.as_deref(), module.features.len(), module.import_only)
            })
            .collect();
        let wanted =
            [("a", None, 0, false), ("b", Some("2020-01-02"), 1, false), ("t", Some("2019-01-01"), 0, true)];
        assert_eq!(modules, wanted, "{body}");
    }
}
