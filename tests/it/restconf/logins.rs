//! Logins: sent to the device and to nobody else, printed nowhere.

use nocbot::error::FailureKind;
use nocbot::inventory::HttpsLogin;
use nocbot::secret::{Environment, SecretRef};
use nocbot::transport::http::Settings;
use nocbot::transport::restconf::Restconf;

use super::server::{Server, Then, answer, json};
use super::{File, device, get, login, secret};

/// `admin:hunter2`.
const BASIC: &str = "Basic YWRtaW46aHVudGVyMg==";

fn authorization(head: &str) -> String {
    let line = head.lines().find(|line| line.to_lowercase().starts_with("authorization:"));
    line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn basic_bearer_and_nothing() {
    let server = Server::start(|head, _| match authorization(head).as_str() {
        BASIC | "Bearer t0ken" => json("{}"),
        _ => answer("401 Unauthorized", "text/plain", "no"),
    })
    .await;
    let ca = File::new(&server.ca);
    let restconf = Restconf::new(Settings::default());
    let base = login(&server, &ca);
    get(&restconf, &device(base.clone()), "m:a").await.unwrap();
    let bearer = HttpsLogin { token: secret("t0ken"), ..base.clone() };
    get(&restconf, &device(bearer), "m:a").await.unwrap();
    for (wrong, message) in [
        (HttpsLogin { password: secret("hunter3"), ..base.clone() }, "refuses user or password"),
        (HttpsLogin { token: secret("old"), ..base.clone() }, "refuses the token"),
        (HttpsLogin { username: None, ..base.clone() }, "the inventory has none"),
        (HttpsLogin { token: secret("a\nb"), ..base.clone() }, "no header can hold"),
        (HttpsLogin { username: Some("a:b".into()), ..base.clone() }, "has a colon in it"),
    ] {
        // A connection of its own each time: a warm one keeps the login that it was made with.
        let restconf = Restconf::new(Settings::default());
        let failure = get(&restconf, &device(wrong.clone()), "m:a").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth);
        assert!(failure.message.contains(message), "{failure}");
        let printed = format!("{failure:?} {wrong:?} {restconf:?} {:?}", device(wrong.clone()));
        assert!(!printed.contains("hunter") && !printed.contains("YWRta"), "{printed}");
    }
}

#[tokio::test]
async fn a_password_that_was_changed_needs_no_restart() {
    let server = Server::start(|head, before| match (authorization(head) == BASIC, before) {
        (true, 0) | (false, 2..) => json("{}"),
        _ => answer("401 Unauthorized", "text/plain", "no"),
    })
    .await;
    let ca = File::new(&server.ca);
    let password = File::new("hunter2\n");
    let restconf = Restconf::new(Settings::default());
    let from_file = SecretRef::read(
        &format!("file:{}", password.path().unwrap().display()),
        std::path::Path::new("/"),
        &Environment::empty(),
    );
    let device = device(HttpsLogin { password: Some(from_file.unwrap()), ..login(&server, &ca) });
    get(&restconf, &device, "m:a").await.unwrap();
    std::fs::write(password.path().unwrap(), "hunter4\n").unwrap();
    let reply = get(&restconf, &device, "m:a").await.unwrap();
    assert!(!reply.warm);
    assert_eq!((server.connections(), server.asked().len()), (2, 3));
}

#[tokio::test]
async fn redirects_stay_on_the_device() {
    let elsewhere = Server::start(|_, _| json("{}")).await;
    let to = format!("https://u:s3cret@127.0.0.1:{}/restconf/data/m:a?t=s3cret", elsewhere.port);
    let server = Server::start(move |head, _| {
        let to = match head.split(' ').nth(1).unwrap() {
            "/restconf/data/m:a" => to.as_str(),
            "/restconf/data/m:here" => "/restconf/data/m:there",
            "/restconf/data/m:plain" => "http://127.0.0.1/x",
            "/restconf/data/m:circle" => "/restconf/data/m:circle",
            _ => return json("{\"m:there\": 1}"),
        };
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        (head.into_bytes(), Then::Keep)
    })
    .await;
    assert_eq!(super::ask(&server, "m:here").await.unwrap().text, "{\"m:there\": 1}");
    for (path, message) in [
        ("m:a", format!("redirects us to https://127.0.0.1:{} (302)", elsewhere.port)),
        ("m:plain", "redirects us to http://127.0.0.1 (302)".to_owned()),
        ("m:circle", "redirects us in a circle".to_owned()),
    ] {
        let failure = super::ask(&server, path).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Rejected);
        assert!(failure.message.contains(&message) && !failure.message.contains("s3cret"), "{failure}");
    }
    assert_eq!(elsewhere.connections(), 0);
}
