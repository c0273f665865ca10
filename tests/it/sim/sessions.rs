//! Shells, pagers, modes, exec requests, logins.

use std::time::Duration;

use nocbot::sim::{Network, Options};

use super::client::{Shell, connect, device, exec, login, password, questions, refused, secret};
use super::{prompt, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banner_an_echo_and_the_usual_keys() {
    let running = start(&[]).await;
    let mut shell = Shell::open(login(&running, "r1").await).await;
    let banner = shell.until("r1>").await;
    assert!(banner.contains("# Everything is <computed>"), "{banner:?}");
    assert!(banner.contains("\r\n"), "{banner:?}");
    // Typed by hand: mended with backspace, finished with tab.
    shell.send("shpw").await;
    shell.until("shpw").await;
    shell.send("\u{7f}\u{7f}ow ver\t\r").await;
    let text = shell.until(" --More-- ").await;
    assert!(text.starts_with("\u{8} \u{8}\u{8} \u{8}ow ver"), "{text:?}");
    assert!(text.contains("show version"), "{text:?}");
    assert!(text.contains("r1 uptime is 6 weeks"), "{text:?}");
    shell.send("q").await;
    shell.until("r1>").await;
    // Ctrl-C leaves the line, Ctrl-U empties it, an empty line is only a new prompt.
    shell.send("reload\u{3}").await;
    assert_eq!(shell.until("r1>").await, "reload^C\r\nr1>");
    shell.send("reload\u{15}\r").await;
    let text = shell.until("r1>").await;
    assert!(!text.contains("Invalid"), "{text:?}");
    // Help lists what may follow and keeps the line.
    shell.send("show ip ?").await;
    let text = shell.until("\r\n\r\nr1>show ip ").await;
    assert!(text.contains("  route\r\n"), "{text:?}");
    shell.send("\r\n").await;
    let text = shell.until("r1>").await;
    assert!(text.contains("% Incomplete command."), "{text:?}");
    shell.send("exit\r").await;
    assert!(shell.listen(Duration::from_secs(5)).await, "exit ends the session");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enable_asks_for_the_secret() {
    let running = start(&[]).await;
    let own = device(&running.inventory(), "r1");
    let mut shell = Shell::open(login(&running, "r1").await).await;
    shell.until("r1>").await;
    let refused = shell.ask("show running-config", "r1>").await;
    assert!(refused.contains("% Invalid input detected"), "{refused}");
    shell.send("enable\r").await;
    shell.until("Password: ").await;
    shell.send("wrong\rwrong\rwrong\r").await;
    let text = shell.until("r1>").await;
    assert!(text.contains("% Bad secrets"), "{text:?}");
    shell.send("ena\r").await;
    shell.until("Password: ").await;
    shell.send(&format!("{}\r", secret(&own))).await;
    let text = shell.until("r1#").await;
    assert!(!text.contains(&secret(&own)), "a secret is not echoed");
    shell.ask("terminal length 0", "r1#").await;
    let config = shell.ask("show running-config", "r1#").await;
    assert!(config.contains("\nhostname r1\n") && config.ends_with("end\n\n"), "{config}");
    shell.ask("disable", "r1>").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pager_stops_every_screen_until_it_is_off() {
    let running = start(&[]).await;
    for (name, more, off) in [
        ("r1", " --More-- ", "terminal length 0"),
        ("r2", " --More-- ", "terminal length 0"),
        ("r3", "---(more)---", "set cli screen-length 0"),
    ] {
        let prompt = prompt(name);
        let mut shell = Shell::open(login(&running, name).await).await;
        shell.until(prompt).await;
        let long = "show interfaces";
        shell.send(&format!("{long}\r")).await;
        let first = shell.until(more).await;
        // The echoed line, then 23 lines, then the pager on the last one.
        assert_eq!(first.matches("\r\n").count(), 24, "{name}: {first:?}");
        shell.send("\r").await;
        let one = shell.until(more).await;
        assert_eq!(one.matches("\r\n").count(), 1, "{name}: {one:?}");
        shell.send("q").await;
        shell.until(prompt).await;
        shell.ask(off, prompt).await;
        let whole = shell.ask(long, prompt).await;
        assert!(!whole.contains(more), "{name}");
        assert!(whole.lines().count() > 100, "{name}: {whole}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exec_requests() {
    let running = start(&[]).await;
    let r4 = login(&running, "r4").await;
    let (text, status) = exec(&r4, "show vrf").await;
    assert_eq!((text.lines().count(), status), (2, Some(0)), "{text}");
    let (text, status) = exec(&r4, "vtysh -c 'show version' -c \"show vrf\"").await;
    assert!(text.starts_with("FRRouting ") && text.contains("vrf RED"), "{text}");
    assert_eq!(status, Some(0));
    let (text, status) = exec(&r4, "show nonsense").await;
    assert_eq!((text.as_str(), status), ("% Unknown command: show nonsense\n", Some(1)));
    for (name, command, words) in [
        ("r1", "show running-config", "hostname r1"),
        ("r2", "show vrf", "MGMT"),
        ("r3", "show version", "Junos: "),
    ] {
        let (text, status) = exec(&login(&running, name).await, command).await;
        assert!(text.contains(words), "{name}: {text}");
        assert_eq!(status, Some(0), "{name}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins() {
    let running = start(&[]).await;
    let own = device(&running.inventory(), "r1");
    let mut handle = connect(&running, "r1").await.unwrap();
    assert!(refused(&handle.authenticate_password("nocbot", "wrong").await.unwrap()));
    assert!(refused(&handle.authenticate_password("root", password(&own)).await.unwrap()));
    assert!(!questions(&mut handle, "nocbot", "wrong").await);
    assert!(questions(&mut handle, "nocbot", &password(&own)).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_inventory_says_how_to_reach_each_device() {
    let running = start(&[]).await;
    let inventory = running.inventory();
    let names: Vec<&str> = inventory.devices().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["r1", "r2", "r3", "r4", "r5", "r6"]);
    let groups: Vec<(&str, usize)> =
        inventory.groups().map(|(name, members)| (name, members.len())).collect();
    assert_eq!(groups, [("ams", 3), ("core", 4), ("edge", 2), ("fra", 3)]);
    let r4 = device(&inventory, "r4");
    assert_eq!((r4.platform.as_str(), r4.hostname.as_str()), ("frr", "127.0.0.1"));
    assert_eq!(r4.data.get("site").map(String::as_str), Some("fra"));
    assert_eq!(r4.data.get("role").map(String::as_str), Some("core"));
    assert_eq!(r4.data.get("owner").map(String::as_str), Some("noc"));
    assert_eq!(running.known_hosts().lines().count(), 6);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_devices() {
    let running = Network::builtin(Some(500)).unwrap().start(Options::default()).await.unwrap();
    assert_eq!(running.inventory().devices().count(), 500);
    let mut shell = Shell::open(login(&running, "r500").await).await;
    shell.until("r500>").await;
    let text = shell.ask("ping 10.255.0.1 repeat 2", "r500>").await;
    assert!(text.contains("2 received, 0% packet loss"), "{text}");
    let r1 = login(&running, "r1").await;
    let (text, _) = exec(&r1, "show bgp all summary").await;
    assert!(text.lines().filter(|line| line.contains(" 65000 ")).count() > 400, "{text}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_listeners_and_sessions() {
    let running = start(&[]).await;
    let port = device(&running.inventory(), "r1").login.port.unwrap();
    let mut shell = Shell::open(login(&running, "r1").await).await;
    shell.until("r1>").await;
    tokio::time::timeout(Duration::from_secs(5), running.stop()).await.unwrap();
    assert!(shell.listen(Duration::from_secs(5)).await, "the session ended");
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err(), "the port is closed");
}
