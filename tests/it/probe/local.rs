//! `tcp`, `dns`, `tls` and `doctor`: servers on loopback that the tests are themselves.

use std::sync::Arc;

use nocbot::answer::{Answer, Status};
use nocbot::catalogue::Catalogue;
use nocbot::inventory::Inventory;
use nocbot::table::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use crate::support;

async fn ask(question: &str) -> Answer {
    let catalogue = Arc::new(Catalogue::builtin_with(Inventory::default()).unwrap());
    support::ask(&support::bot(catalogue), question).await
}

fn cells(answer: &Answer, column: &str) -> Vec<String> {
    let table = answer.table().unwrap_or_else(|| panic!("{answer:?}"));
    let index = table.column(column).unwrap();
    table.rows.iter().map(|row| row.get(index).map_or(String::new(), Value::to_string)).collect()
}

#[tokio::test]
async fn ports_are_open_or_refused_and_say_something() {
    let (talks, silent) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let [first, second, third] =
        [&talks, &silent, &closed].map(|listener| listener.local_addr().unwrap().port());
    drop(closed);
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = talks.accept().await.unwrap();
            stream.write_all(b"\r\nSSH-2.0-test\x1b[2J\r\nmore\r\n").await.unwrap();
        }
    });
    let answer = ask(&format!("tcp 127.0.0.1 {first} {second},{third}")).await;
    server.abort();
    let found: Vec<(String, String)> =
        cells(&answer, "port").into_iter().zip(cells(&answer, "state")).collect();
    for (port, state) in [(first, "open"), (second, "open"), (third, "refused")] {
        assert!(found.contains(&(port.to_string(), state.to_owned())), "{found:?}");
    }
    let banners = cells(&answer, "banner");
    assert!(
        banners.iter().any(|banner| banner.starts_with("SSH-2.0-test") && !banner.contains('\x1b')),
        "{banners:?}"
    );
    assert_eq!(cells(&answer, "state")[0], "refused", "trouble first");
}

/// An answer with these records (each already as bytes), made of its question.
fn reply(question: &[u8], flags: [u8; 2], records: &[Vec<u8>]) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let mut bytes = question[..end].to_vec();
    bytes[2..4].copy_from_slice(&flags);
    bytes[6..12].copy_from_slice(&[0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
    for record in records {
        bytes.extend(record);
    }
    bytes
}

fn address(last: u8) -> Vec<u8> {
    vec![0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last]
}

#[tokio::test]
async fn a_name_server_is_asked_by_udp_and_then_by_tcp() {
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = udp.local_addr().unwrap().port();
    let tcp = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let by_udp = tokio::spawn(async move {
        let mut buffer = [0; 512];
        loop {
            let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
            let question = buffer[..length].to_vec();
            let text = String::from_utf8_lossy(&question).to_lowercase();
            // An answer to another question comes first and must be passed over.
            let mut wrong = reply(&question, [0x84, 0], &[address(66)]);
            wrong[0] ^= 0xff;
            udp.send_to(&wrong, from).await.unwrap();
            let right = if text.contains("long") {
                reply(&question, [0x86, 0], &[])
            } else if text.contains("missing") {
                reply(&question, [0x84, 3], &[])
            } else {
                reply(&question, [0x84, 0], &[address(1), address(2)])
            };
            udp.send_to(&right, from).await.unwrap();
        }
    });
    let by_tcp = tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let length = stream.read_u16().await.unwrap();
            let mut question = vec![0; usize::from(length)];
            stream.read_exact(&mut question).await.unwrap();
            let records: Vec<Vec<u8>> = (1..=100).map(address).collect();
            let bytes = reply(&question, [0x84, 0], &records);
            stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    });
    let both = ask(&format!("dns r1.example.net @127.0.0.1 A port={port}")).await;
    assert_eq!(cells(&both, "data"), ["192.0.2.1", "192.0.2.2"], "{both:?}");
    assert_eq!(cells(&both, "ttl"), ["60", "60"]);
    let missing = ask(&format!("dns missing.example.net @127.0.0.1 port={port}")).await;
    assert_eq!(cells(&missing, "status"), ["NXDOMAIN"], "{missing:?}");
    let long = ask(&format!("dns long.example.net @127.0.0.1 port={port}")).await;
    assert_eq!(cells(&long, "data").len(), 100, "{long:?}");
    assert!(long.notes.iter().any(|note| note.contains("by TCP")), "{:?}", long.notes);
    by_udp.abort();
    by_tcp.abort();
    let dead = ask(&format!("dns r1.example.net @127.0.0.1 port={port}")).await;
    assert_eq!((dead.status, dead.failures.len()), (Status::Failed, 1), "{dead:?}");
}

#[tokio::test]
async fn certificates_are_shown_with_their_days() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let made =
        rcgen::generate_simple_self_signed(["r1.example.net".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.key_pair.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = acceptor.accept(stream).await;
        }
    });
    let answer = ask(&format!("tls 127.0.0.1 {port}")).await;
    server.abort();
    assert_eq!(answer.status, Status::Ok, "{answer:?}");
    assert_eq!(cells(&answer, "names"), ["r1.example.net, 127.0.0.1"]);
    assert_eq!(cells(&answer, "protocol"), ["TLS 1.3"]);
    let trusted = &cells(&answer, "trusted")[0];
    assert!(trusted == "unknown authority" || trusted.contains("no authorities"), "{trusted}");
    assert!(cells(&answer, "days")[0].parse::<i64>().unwrap() > 365);
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = plain.accept().await.unwrap();
            let _ = stream.write_all(b"220 hello\r\n").await;
        }
    });
    let failed = ask(&format!("tls 127.0.0.1 {port}")).await;
    server.abort();
    assert_eq!(failed.failures.len(), 1, "{failed:?}");
    assert!(failed.failures[0].failure.message.contains("no TLS with"), "{failed:?}");
}

#[tokio::test]
async fn explain_sends_nothing_and_tells_the_source() {
    let answer = ask("explain ping 127.0.0.0/30 count 2").await;
    assert_eq!(cells(&answer, "address"), ["127.0.0.1", "127.0.0.2"]);
    assert_eq!(cells(&answer, "source")[0], "127.0.0.1");
    assert!(cells(&answer, "sent")[0].contains("count 2"), "{answer:?}");
}

#[test]
fn doctor_tells_what_is_there_and_how_to_get_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let run = support::nocbot(&["doctor"], directory.path());
    for word in ["ICMP datagram sockets", "raw ICMP sockets", "UDP with its error queue", "name servers"] {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
    let missing = run.out.contains("ICMP datagram sockets      no")
        && run.out.contains("raw ICMP sockets           no");
    assert_eq!(run.status.success(), !missing, "{}", run.out);
    assert_eq!(run.out.contains("ping_group_range"), missing, "{}", run.out);
}
