//! Every fault does what it says, and to its own device only.

use std::time::{Duration, Instant};

use nocbot::sim::{Fault, Network, Options};
use tokio::io::AsyncReadExt;

use super::client::{Shell, connect, device, exec, login, password, questions, refused};
use super::start;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuse_and_hang() {
    let running = start(&[("r1", Fault::Refuse), ("r2", Fault::Hang)]).await;
    let inventory = running.inventory();
    let port = |name: &str| device(&inventory, name).login.port.unwrap();
    let refused = tokio::net::TcpStream::connect(("127.0.0.1", port("r1"))).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let mut silent = tokio::net::TcpStream::connect(("127.0.0.1", port("r2"))).await.unwrap();
    let mut byte = [0];
    assert!(
        tokio::time::timeout(Duration::from_millis(400), silent.read(&mut byte)).await.is_err(),
        "not a byte"
    );
    let (text, _) = exec(&login(&running, "r3").await, "show version").await;
    assert!(text.contains("Junos"), "{text}");
    drop(silent);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_that_fail_and_logins_by_question() {
    let running = start(&[("r1", Fault::WrongPassword), ("r2", Fault::KeyboardInteractiveOnly)]).await;
    let inventory = running.inventory();
    let (r1, r2) = (device(&inventory, "r1"), device(&inventory, "r2"));
    let mut handle = connect(&running, "r1").await.unwrap();
    assert!(refused(&handle.authenticate_password("nocbot", password(&r1)).await.unwrap()));
    assert!(!questions(&mut handle, "nocbot", &password(&r1)).await);
    let mut handle = connect(&running, "r2").await.unwrap();
    assert!(refused(&handle.authenticate_password("nocbot", password(&r2)).await.unwrap()));
    assert!(questions(&mut handle, "nocbot", &password(&r2)).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_after_the_login() {
    let running = start(&[("r1", Fault::SilentAfterLogin)]).await;
    let mut shell = Shell::open(login(&running, "r1").await).await;
    shell.send("show version\r").await;
    assert!(!shell.listen(Duration::from_millis(500)).await, "the session stays open");
    assert!(shell.seen.is_empty(), "{:?}", shell.seen);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drop_and_stall_in_the_middle_of_an_answer() {
    let running = start(&[("r1", Fault::Drop { after: 300 }), ("r2", Fault::Stall { after: 300 })]).await;
    for (name, ends) in [("r1", true), ("r2", false)] {
        let mut shell = Shell::open(login(&running, name).await).await;
        shell.until(&format!("{name}>")).await;
        shell.send("terminal length 0\r").await;
        shell.until(&format!("{name}>")).await;
        let before = shell.seen.len();
        shell.send("show interfaces\r").await;
        assert_eq!(shell.listen(Duration::from_millis(1500)).await, ends, "{name}");
        let answer = shell.seen.len() - before - "show interfaces\r\n".len();
        assert_eq!(answer, 300, "{name}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_dripping() {
    let running = start(&[("r1", Fault::Slow { ms: 700 }), ("r4", Fault::Drip { ms: 2 })]).await;
    let r1 = login(&running, "r1").await;
    let begin = Instant::now();
    exec(&r1, "show vrf").await;
    assert!(begin.elapsed() >= Duration::from_millis(700));
    let r4 = login(&running, "r4").await;
    let begin = Instant::now();
    let (text, _) = exec(&r4, "show vrf").await;
    assert!(text.contains("vrf RED"), "{text}");
    assert!(begin.elapsed() >= Duration::from_millis(2 * text.len() as u64), "{:?}", begin.elapsed());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_odd_prompts_and_a_prompt_in_the_output() {
    let odd = Fault::OddPrompt { prompt: "\u{1b}[32m(lab) r2 %\u{1b}[0m ".to_owned() };
    let running =
        start(&[("r1", Fault::Garbage { bytes: 64 }), ("r2", odd), ("r3", Fault::PromptInOutput)]).await;
    let mut shell = Shell::open(login(&running, "r1").await).await;
    shell.until("r1>").await;
    let start = shell.seen.len() + "show vrf\r\n".len();
    shell.send("show vrf\r").await;
    shell.until("r1>").await;
    assert!(shell.seen[start..start + 64].iter().all(|byte| *byte >= 0x80));
    assert!(String::from_utf8_lossy(&shell.seen[start + 64..]).contains("65000:10"));

    let mut shell = Shell::open(login(&running, "r2").await).await;
    shell.until("(lab) r2 %\u{1b}[0m ").await;

    let mut shell = Shell::open(login(&running, "r3").await).await;
    shell.until("nocbot@r3> ").await;
    shell.send("show version\r").await;
    let text =
        shell.until("Routing mpls-oam-basic [20230421.104101_builder_junos_214_r3_s5]\r\nnocbot@r3> ").await;
    assert!(text.contains("]\r\nnocbot@r3> \r\nJUNOS"), "{text:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pager_that_cannot_be_switched_off() {
    let running = start(&[("r1", Fault::StuckPager)]).await;
    let mut shell = Shell::open(login(&running, "r1").await).await;
    shell.until("r1>").await;
    shell.ask("terminal length 0", "r1>").await;
    shell.send("show interfaces\r").await;
    for _ in 0..5 {
        shell.until(" --More-- ").await;
        shell.send(" ").await;
    }
    shell.until(" --More-- ").await;
    shell.send("q").await;
    shell.until("r1>").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn huge_output() {
    let running = start(&[("r4", Fault::Huge { megabytes: 5 })]).await;
    let (text, status) = exec(&login(&running, "r4").await, "show ip route").await;
    assert!(text.len() >= 5_000_000 && text.len() < 5_100_000, "{}", text.len());
    assert_eq!(status, Some(0));
    running.stop().await;
}

#[tokio::test]
async fn faults_come_from_files_too() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("network.yaml"),
        "as: 1\nuptime: 1d\nloopbacks: {v4: 10.0.0.0/24, v6: 'fd00::/64'}\n\
         devices: {r1: {id: 1, cli: frr, faults: [{slow: {ms: 5}}, refuse]}}\n",
    )
    .unwrap();
    let running = Network::load(dir.path()).unwrap().start(Options::default()).await.unwrap();
    let port = device(&running.inventory(), "r1").login.port.unwrap();
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
    running.stop().await;

    let wrong = "as: 1\nuptime: 1d\nloopbacks: {v4: 10.0.0.0/24, v6: 'fd00::/64'}\n\
                 devices: {r1: {id: 1, cli: frr, faults: [explode]}}\n";
    std::fs::write(dir.path().join("network.yaml"), wrong).unwrap();
    let error = Network::load(dir.path()).unwrap_err();
    assert!(error.report().contains("explode"), "{}", error.report());
    let options = Options { faults: [("r9".to_owned(), vec![Fault::Hang])].into(), ..Options::default() };
    let error = Network::builtin(None).unwrap().start(options).await.unwrap_err();
    assert!(error.message().contains("`r9`"), "{}", error.message());
}
