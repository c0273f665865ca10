//! Servers that refuse, hang, stall, drop and babble: a clear failure each, and in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nocbot::error::FailureKind;
use nocbot::transport::ssh::{Settings, Ssh};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::server::{Door, Plan, Term};
use super::{ask, device, platform, request, settings};

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let failure = ask(&Ssh::new(settings()), &device("r1", port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(
        failure.message.contains("refused") && failure.message.contains(&format!("127.0.0.1:{port}")),
        "{failure}"
    );
}

#[tokio::test]
async fn a_name_without_an_address() {
    let mut device = device("r1", 22);
    device.hostname = "no-such-host.invalid".to_owned();
    let failure = ask(&Ssh::new(settings()), &device, &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Resolve, "{failure}");
}

#[tokio::test]
async fn accepts_and_never_speaks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut device = device("r1", port);
    device.login.connect_timeout = Some(1);
    let begun = Instant::now();
    let failure = ask(&Ssh::new(settings()), &device, &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.message.contains("did not begin to speak SSH"), "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(8));
    drop(listener);
}

/// A full backlog: the kernel drops what asks for a connection, as a filter on the way would.
#[tokio::test]
async fn no_connection_is_not_called_a_silent_server() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(300), tokio::net::TcpStream::connect(address)).await
    {
        waiting.push(stream);
        assert!(waiting.len() < 16, "the backlog never fills");
    }
    let mut device = device("r1", address.port());
    device.login.connect_timeout = Some(1);
    let failure = ask(&Ssh::new(settings()), &device, &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.message.starts_with("no TCP connection to r1"), "{failure}");
}

/// A TCP server that says one thing, and then holds or closes the connection.
async fn says(words: &'static [u8], hold: bool) -> (u16, tokio::task::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(words).await.unwrap();
        let mut heard = Vec::new();
        if hold {
            let _ = stream.read_to_end(&mut heard).await;
        }
        heard.len()
    });
    (port, task)
}

#[tokio::test]
async fn stops_speaking_in_the_handshake_and_the_connection_is_given_up() {
    let (port, task) = says(b"SSH-2.0-Sleepy\r\n", true).await;
    let mut device = device("r1", port);
    device.login.connect_timeout = Some(1);
    let failure = ask(&Ssh::new(settings()), &device, &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.message.contains("did not finish the SSH handshake"), "{failure}");
    assert!(failure.hint.unwrap().contains("connect_timeout"), "the hint names a key that is read");
    // The server sees the end: no task is left waiting for it.
    tokio::time::timeout(Duration::from_secs(3), task).await.unwrap().unwrap();
}

#[tokio::test]
async fn another_service_answers() {
    let (port, _task) = says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", false).await;
    let failure = ask(&Ssh::new(settings()), &device("r1", port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.message.contains("HTTP/1.1 400 Bad Request"), "{failure}");

    let (port, _task) = says(b"", false).await;
    let failure = ask(&Ssh::new(settings()), &device("r1", port), &platform(), "show x").await.unwrap_err();
    assert!(failure.message.contains("before a word of SSH"), "{failure}");

    let (port, _task) = says(b"SSH-2.0-Babble\r\n\x00\xff\xff\xff garbage garbage garbage", false).await;
    let failure = ask(&Ssh::new(settings()), &device("r1", port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
}

#[tokio::test]
async fn never_answers_the_login() {
    let server = Plan::cli(|_| String::new()).door(Door::Stuck).start().await;
    let ssh = Ssh::new(Settings { auth_timeout: Duration::from_millis(700), ..settings() });
    let begun = Instant::now();
    let failure = ask(&ssh, &device("r1", server.port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("login"), "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn shows_no_prompt() {
    let server = Plan::shell(|mut term: Term| async move {
        term.send("Press any key to reboot the router\r\nSure? [y/n] ").await;
        while term.key().await.is_some() {}
    })
    .start()
    .await;
    let ssh = Ssh::new(Settings { prompt_timeout: Duration::from_secs(1), ..settings() });
    let failure = ask(&ssh, &device("r1", server.port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Prompt);
    assert!(failure.message.contains("Sure? [y/n]"), "{failure}");
    assert!(failure.partial.unwrap().contains("Press any key"));
}

fn stalls() -> Plan {
    Plan::shell(|mut term: Term| async move {
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            if line == "show slow" {
                term.send("one\r\ntwo\r\nthr").await;
                std::future::pending::<()>().await;
            }
            term.send("r1#").await;
        }
    })
}

#[tokio::test]
async fn a_stall_in_the_middle_keeps_what_came() {
    let server = stalls().start().await;
    let ssh = Ssh::new(Settings { idle_timeout: Duration::from_millis(800), ..settings() });
    let (device, platform) = (device("r1", server.port), platform());
    let failure = ask(&ssh, &device, &platform, "show slow").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.partial.as_deref(), Some("one\ntwo\nthr"));

    let mut late = request(&device, &platform, "show slow");
    late.deadline = tokio::time::Instant::now() + Duration::from_secs(3);
    let begun = Instant::now();
    let failure = Ssh::new(settings()).run(late).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure}");
    assert_eq!(failure.partial.as_deref(), Some("one\ntwo\nthr"));
    assert!(begun.elapsed() < Duration::from_secs(10));

    // A stalled session is not used again.
    assert!(!ask(&ssh, &device, &platform, "show x").await.unwrap().warm);
}

#[tokio::test]
async fn cancelling_ends_at_once() {
    let server = stalls().start().await;
    let ssh = Ssh::new(settings());
    let request = request(&device("r1", server.port), &platform(), "show slow");
    let cancel = request.cancel.clone();
    let task = tokio::spawn(async move { ssh.run(request).await });
    tokio::time::sleep(Duration::from_millis(700)).await;
    let begun = Instant::now();
    cancel.cancel();
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert_eq!(failure.partial.as_deref(), Some("one\ntwo"));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_keeps_what_came() {
    let server = Plan::shell(|mut term: Term| async move {
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            if line == "show x" {
                term.send("one\r\ntwo\r\n").await;
                tokio::time::sleep(Duration::from_millis(100)).await;
                term.cut().await;
            }
            term.send("r1#").await;
        }
    })
    .start()
    .await;
    let failure =
        ask(&Ssh::new(settings()), &device("r1", server.port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.message.contains("going down"), "{failure}");
    assert_eq!(failure.partial.as_deref(), Some("one\ntwo"));
}

/// A device that answers so many commands per connection, and then does `end`.
fn mortal(commands: usize, cut: bool) -> (Plan, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let plan = Plan::shell(move |mut term: Term| {
        let asked = Arc::clone(&counter);
        async move {
            term.send("r1#").await;
            let mut left = commands;
            while let Some(line) = term.line().await {
                if line == "show x" {
                    asked.fetch_add(1, Ordering::SeqCst);
                    if left == 0 {
                        if cut {
                            term.cut().await;
                        }
                        std::future::pending::<()>().await;
                    }
                    left -= 1;
                    term.send("x\r\n").await;
                }
                term.send("r1#").await;
            }
        }
    });
    (plan, asked)
}

#[tokio::test]
async fn a_dead_warm_session_is_replaced_once_and_nobody_notices() {
    let (plan, asked) = mortal(1, true);
    let server = plan.start().await;
    let ssh = Ssh::new(settings());
    let (device, platform) = (device("r1", server.port), platform());
    assert_eq!(ask(&ssh, &device, &platform, "show x").await.unwrap().text, "x");
    let second = ask(&ssh, &device, &platform, "show x").await.unwrap();
    assert_eq!(second.text, "x");
    assert!(!second.warm);
    assert_eq!(asked.load(Ordering::SeqCst), 3);

    let (plan, asked) = mortal(0, true);
    let server = plan.start().await;
    let failure = ask(&ssh, &super::device("r2", server.port), &platform, "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "a fresh session that dies is not tried again");
}

#[tokio::test]
async fn a_slow_device_delays_nobody_else() {
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server =
        Plan::cli(|line| if line == "show x" { "x\n".to_owned() } else { String::new() }).start().await;
    let ssh = Ssh::new(settings());
    let platform = platform();
    let stuck: Vec<_> = (0..20)
        .map(|n| {
            let mut device = device(&format!("dead{n}"), slow.local_addr().unwrap().port());
            device.login.connect_timeout = Some(4);
            let (ssh, request) = (ssh.clone(), request(&device, &platform, "show x"));
            tokio::spawn(async move { ssh.run(request).await })
        })
        .collect();
    let begun = Instant::now();
    assert_eq!(ask(&ssh, &device("r1", server.port), &platform, "show x").await.unwrap().text, "x");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    for task in stuck {
        assert_eq!(task.await.unwrap().unwrap_err().kind, FailureKind::Connect);
    }
}

#[tokio::test]
async fn a_device_that_never_stops_speaking() {
    let server = Plan::shell(|mut term: Term| async move {
        if term.line().await.is_some() {
            loop {
                term.send(b"nonsense without a prompt \x1b[31m\xfe\r\n".repeat(50)).await;
            }
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(Settings { prompt_timeout: Duration::from_secs(3), ..settings() });
    let begun = Instant::now();
    let failure = ask(&ssh, &device("r1", server.port), &platform(), "show x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Prompt, "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());

    let server = Plan::shell(|mut term: Term| async move {
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            if line == "show endless" {
                loop {
                    term.send("more and more\r\n").await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            term.send("r1#").await;
        }
    })
    .start()
    .await;
    let mut request = request(&device("r1", server.port), &platform(), "show endless");
    request.deadline = tokio::time::Instant::now() + Duration::from_secs(1);
    let begun = Instant::now();
    let failure = ssh.run(request).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.partial.unwrap().starts_with("more and more\nmore"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_second_address_of_a_name_is_tried() {
    // Loopback by name may be ::1 first, where nobody listens.
    let server =
        Plan::cli(|line| if line == "show x" { "x\n".to_owned() } else { String::new() }).start().await;
    let mut device = device("r1", server.port);
    device.hostname = "localhost".to_owned();
    assert_eq!(ask(&Ssh::new(settings()), &device, &platform(), "show x").await.unwrap().text, "x");
}

/// A way to a server that swallows everything once told to; new connections go through.
async fn way_to(target: u16) -> (u16, tokio::sync::watch::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (dead, _) = tokio::sync::watch::channel(());
    let told = dead.clone();
    let way = tokio::spawn(async move {
        let mut ways = tokio::task::JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let mut told = told.subscribe();
            let mut far = tokio::net::TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            ways.spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    _ = told.changed() => {}
                }
                // Both ends stay open, and nothing goes through any more.
                std::future::pending::<()>().await;
            });
        }
    });
    (port, dead, way)
}

#[tokio::test]
async fn a_warm_session_whose_path_has_died_is_replaced() {
    let server =
        Plan::cli(|line| if line == "show x" { "x\n".to_owned() } else { String::new() }).start().await;
    let (port, dead, way) = way_to(server.port).await;
    let ssh = Ssh::new(Settings { idle_timeout: Duration::from_secs(20), ..settings() });
    let device = device("r1", port);
    assert!(!ask(&ssh, &device, &platform(), "show x").await.unwrap().warm);
    assert!(ask(&ssh, &device, &platform(), "show x").await.unwrap().warm);
    dead.send(()).unwrap();
    let begun = Instant::now();
    let output = ask(&ssh, &device, &platform(), "show x").await.unwrap();
    assert_eq!((output.text.as_str(), output.warm), ("x", false));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    way.abort();
}

#[tokio::test]
async fn keepalives_find_a_dead_path_before_anybody_asks() {
    let server =
        Plan::cli(|line| if line == "show x" { "x\n".to_owned() } else { String::new() }).start().await;
    let (port, dead, way) = way_to(server.port).await;
    let ssh = Ssh::new(Settings { keepalive: Duration::from_millis(200), ..settings() });
    let device = device("r1", port);
    ask(&ssh, &device, &platform(), "show x").await.unwrap();
    // While the path lives, keepalives are answered and the session stays.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(ask(&ssh, &device, &platform(), "show x").await.unwrap().warm);
    dead.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let begun = Instant::now();
    assert!(!ask(&ssh, &device, &platform(), "show x").await.unwrap().warm);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    way.abort();
}
