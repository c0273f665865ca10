//! Jump hosts, chained.

use std::sync::Arc;

use nocbot::error::FailureKind;
use nocbot::transport::Request;
use nocbot::transport::ssh::Ssh;

use super::sshd::Sshd;
use super::{ask, device, exec_platform, platform, request, secret, settings};

fn through(port: u16, jumps: &[(&str, u16)], command: &str) -> Request {
    let mut request = request(&device("r1", port), &exec_platform(), command);
    request.jumps =
        jumps.iter().map(|(name, port)| (Arc::new(device(name, *port)), Arc::new(platform()))).collect();
    request
}

#[tokio::test]
async fn through_two_hosts_and_their_failures() {
    let (Some(one), Some(two)) = (Sshd::start("").await, Sshd::start("").await) else { return };
    let Some(shut) = Sshd::start("AllowTcpForwarding no\n").await else { return };
    let ssh = Ssh::new(settings());
    let chain = [("gw1", one.port), ("gw2", two.port)];
    assert_eq!(
        ssh.run(through(one.port, &chain, "echo $SSH_CLIENT")).await.unwrap().text.split(' ').next(),
        Some("127.0.0.1")
    );
    let mut shell = through(two.port, &chain[..1], "echo shell");
    shell.platform = Arc::new(platform());
    assert_eq!(ssh.run(shell).await.unwrap().text, "shell");

    // Many devices behind one host share its connection.
    let logins = |sshd: &Sshd| sshd.log().matches("Accepted password").count();
    let ssh = Ssh::new(settings());
    let before = logins(&one);
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let mut request = through(two.port, &chain[..1], "echo ok");
            request.device = Arc::new(device(&format!("r{n}"), two.port));
            let ssh = ssh.clone();
            tokio::spawn(async move { ssh.run(request).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().text, "ok");
    }
    assert_eq!(logins(&one), before + 1);

    let failure = Ssh::new(settings())
        .run(through(one.port, &[("gw1", one.port), ("gw9", 1)], "echo x"))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.message.contains("jump host gw9 on the way to r1"), "{failure}");
    let failure = ssh.run(through(one.port, &[("shut", shut.port)], "echo x")).await.unwrap_err();
    assert!(
        failure.message.contains("shut (127.0.0.1:") && failure.hint.unwrap().contains("AllowTcpForwarding")
    );

    let mut wrong = through(one.port, &chain, "echo x");
    let mut gw = device("gw2", two.port);
    gw.login.password = Some(secret("wrong"));
    wrong.jumps[1].0 = Arc::new(gw);
    let failure = Ssh::new(settings()).run(wrong).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(failure.message.contains("jump host gw2 on the way to r1"), "{failure}");

    // The host in the middle goes away: the next request finds out and dials again.
    drop(ask(&ssh, &device("r1", one.port), &exec_platform(), "echo ok").await.unwrap());
    ssh.close_all().await;
    assert_eq!(ssh.run(through(two.port, &chain[..1], "echo again")).await.unwrap().text, "again");
}

#[tokio::test]
async fn a_silent_jump_host_is_waited_for_once() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut gw = device("gw", port);
    gw.login.connect_timeout = Some(1);
    let gw = Arc::new(gw);
    let ssh = Ssh::new(settings());
    let begun = std::time::Instant::now();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let mut request = request(&device(&format!("r{n}"), 22), &platform(), "show x");
            request.jumps = vec![(Arc::clone(&gw), Arc::new(platform()))];
            let ssh = ssh.clone();
            tokio::spawn(async move { ssh.run(request).await })
        })
        .collect();
    for task in tasks {
        let failure = task.await.unwrap().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Connect);
        assert!(failure.message.contains("jump host gw on the way to r"), "{failure}");
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(4), "{:?}", begun.elapsed());
}
