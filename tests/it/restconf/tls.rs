//! Certificates: right ones, wrong ones, pinned ones, ours.

use nocbot::error::{Failure, FailureKind};
use nocbot::inventory::{Fingerprint, HttpsLogin};
use nocbot::transport::http::Settings;
use nocbot::transport::restconf::{Reply, Restconf};

use super::server::{Authority, Server, Signed, json};
use super::{File, device, get, login};

async fn server(authority: &Authority, signed: &Signed) -> Server {
    Server::with(authority, signed, None, |_, _| json("{}")).await
}

async fn ask(login: HttpsLogin) -> Result<Reply, Failure> {
    get(&Restconf::new(Settings::default()), &device(login), "m:a").await
}

fn sha256(der: &[u8]) -> Fingerprint {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    Fingerprint(digest.as_ref().try_into().unwrap())
}

#[tokio::test]
async fn each_wrong_certificate_is_one_clear_failure() {
    let (authority, other) = (Authority::new(), Authority::new());
    let file = File::new(&authority.pem());
    for (signed, message, hint) in [
        (authority.sign(&["127.0.0.1"], 2020), "has expired", "renew it"),
        (
            authority.sign(&["r9.example.net"], 2100),
            "is for r9.example.net, not for 127.0.0.1",
            "`server_name`",
        ),
        (other.sign(&["127.0.0.1"], 2100), "is signed by an unknown authority", "set `ca_file`"),
    ] {
        let server = server(&authority, &signed).await;
        let failure = ask(login(&server, &file)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Certificate, "{failure}");
        assert!(failure.message.contains(message), "{failure}");
        let said = failure.hint.unwrap();
        assert!(
            said.contains(hint) && said.contains(&sha256(signed.certificate.der()).to_string()),
            "{said}"
        );
        assert!(server.asked().is_empty(), "a login was sent to a server that is not trusted");
    }
}

#[tokio::test]
async fn a_server_name_a_pin_or_no_verification_make_it_right() {
    let authority = Authority::new();
    let file = File::new(&authority.pem());
    let named = authority.sign(&["r9.example.net"], 2100);
    let at = server(&authority, &named).await;
    let good = HttpsLogin { server_name: Some("r9.example.net".into()), ..login(&at, &file) };
    assert_eq!(ask(good).await.unwrap().notes, [""; 0]);

    let expired = authority.sign(&["elsewhere"], 2020);
    let at = server(&authority, &expired).await;
    let base = HttpsLogin { ca_file: None, ..login(&at, &file) };
    for der in [expired.certificate.der().to_vec(), expired.key.public_key_der()] {
        let pinned = HttpsLogin { fingerprint: Some(sha256(&der)), ..base.clone() };
        assert_eq!(ask(pinned).await.unwrap().notes, [""; 0]);
    }
    let wrong = HttpsLogin { fingerprint: Some(Fingerprint([7; 32])), ..base.clone() };
    let failure = ask(wrong).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Certificate);
    assert!(failure.message.contains("is not the pinned one"), "{failure}");

    let unverified = HttpsLogin { unverified: true, ..base };
    let reply = ask(unverified).await.unwrap();
    assert!(reply.notes[0].contains("not verified"), "{:?}", reply.notes);
}

#[tokio::test]
async fn our_own_certificate() {
    let (authority, ours) = (Authority::new(), Authority::new());
    let signed = authority.sign(&["127.0.0.1"], 2100);
    let at = Server::with(&authority, &signed, Some(&ours), |_, _| json("{}")).await;
    let file = File::new(&authority.pem());
    let none = HttpsLogin { username: None, password: None, ..login(&at, &file) };
    let failure = ask(none.clone()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth, "{failure}");
    assert!(failure.message.contains("wants a certificate of ours"), "{failure}");

    let me = ours.sign(&["nocbot"], 2100);
    let both = File::new(&format!("{}{}", me.certificate.pem(), me.key.serialize_pem()));
    let with = HttpsLogin { cert_file: both.path(), ..none.clone() };
    ask(with.clone()).await.unwrap();
    assert!(!at.requests.lock().unwrap()[0].to_lowercase().contains("authorization"));

    let stranger = authority.sign(&["nocbot"], 2100);
    let file = File::new(&format!("{}{}", stranger.certificate.pem(), stranger.key.serialize_pem()));
    let failure = ask(HttpsLogin { cert_file: file.path(), ..none.clone() }).await.unwrap_err();
    assert!(failure.message.contains("refuses our certificate"), "{failure}");

    let no_key = File::new(&me.certificate.pem());
    let failure = ask(HttpsLogin { cert_file: no_key.path(), ..none }).await.unwrap_err();
    assert!(failure.message.contains("has no private key that can be read"), "{failure}");
    let mixed = HttpsLogin { key_file: file.path(), ..with };
    let failure = ask(mixed).await.unwrap_err();
    assert!(failure.message.contains("cannot be used"), "{failure}");
}

#[tokio::test]
async fn what_is_no_tls_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-OpenSSH_9.2\r\n").await;
        }
    });
    let failure = ask(HttpsLogin { port: Some(port), unverified: true, ..HttpsLogin::default() });
    let failure = failure.await.unwrap_err();
    assert!(failure.message.contains("does not speak TLS on this port"), "{failure}");
    task.abort();
}
