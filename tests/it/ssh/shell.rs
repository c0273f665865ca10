//! Shell sessions against a server that draws what it likes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nocbot::error::FailureKind;
use nocbot::profile::LoginPrompts;
use nocbot::transport::ssh::{Settings, Ssh};
use tokio::sync::mpsc;

use super::server::{Plan, Term};
use super::{ask, device, platform, regex, request, secret, settings};

#[tokio::test]
async fn echo_prompt_and_line_ends_go() {
    let server = Plan::cli(|line| match line {
        "show version" => "Acme OS 1.2\n  up 3 days\n\nend\n".to_owned(),
        _ => String::new(),
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    let (device, platform) = (device("r1", server.port), platform());
    let first = ask(&ssh, &device, &platform, "show version").await.unwrap();
    assert_eq!(first.text, "Acme OS 1.2\n  up 3 days\n\nend");
    assert!(!first.warm);
    let second = ask(&ssh, &device, &platform, "show version").await.unwrap();
    assert_eq!(second.text, first.text);
    assert!(second.warm);
    assert!(second.took < Duration::from_secs(1), "{:?}", second.took);
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    ssh.close_all().await;
    assert!(!ask(&ssh, &device, &platform, "show version").await.unwrap().warm);
}

#[tokio::test]
async fn banners_with_prompt_marks_are_not_prompts() {
    let server = Plan::shell(|mut term: Term| async move {
        term.send("\r\n#####################\r\n# NOTICE#\r\nUnauthorised>").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        term.send(" access is forbidden\r\nlast:\r\nwarning#").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        term.send("\r\nr1#").await;
        while let Some(line) = term.line().await {
            term.send(if line == "show x" { "warning#\r\nx\r\nr1#" } else { "r1#" }).await;
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    let output = ask(&ssh, &device("r1", server.port), &platform(), "show x").await.unwrap();
    assert_eq!(output.text, "warning#\nx");
}

#[tokio::test]
async fn a_prompt_inside_the_output_is_not_the_end() {
    let text = "banner motd ^C\r\nr2#\r\nr1# show version\r\nr1#\r\nr1>\r\n^C\r\nend\r\n";
    let want = "banner motd ^C\nr2#\nr1# show version\nr1#\nr1>\n^C\nend";
    for pause in [0, 1, 8, 25] {
        let server = Plan::shell(move |mut term: Term| async move {
            term.send("r1#").await;
            while let Some(line) = term.line().await {
                if line == "show run" {
                    if pause == 0 {
                        term.send(text).await;
                    } else {
                        term.drip(text, Duration::from_millis(pause)).await;
                    }
                }
                term.send("r1#").await;
            }
        })
        .start()
        .await;
        let ssh = Ssh::new(settings());
        let output = ask(&ssh, &device("r1", server.port), &platform(), "show run").await.unwrap();
        assert_eq!(output.text, want, "with {pause} ms between two bytes");
    }
}

#[tokio::test]
async fn pagers_are_answered_and_removed() {
    let server = Plan::shell(|mut term: Term| async move {
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            match line.as_str() {
                "terminal length 0" => term.send("% Invalid input detected\r\n").await,
                "show log" => {
                    let erasers = [
                        &b"\x08\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08\x08"
                            [..],
                        b"\r          \r",
                        b"\r\x1b[K",
                        b"\x1b[42D                                \x1b[42D",
                    ];
                    for (page, eraser) in erasers.iter().enumerate() {
                        term.send(format!("page {page} line one\r\npage {page} line two\r\n --More-- "))
                            .await;
                        assert_eq!(term.key().await, Some(b' '));
                        term.send(eraser).await;
                    }
                    term.send("x\r\n").await;
                }
                _ => {}
            }
            term.send("r1#").await;
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    let output = ask(&ssh, &device("r1", server.port), &platform(), "show log").await.unwrap();
    let mut want: Vec<String> =
        (0..4).flat_map(|page| [format!("page {page} line one"), format!("page {page} line two")]).collect();
    want.push("x".to_owned());
    assert_eq!(output.text, want.join("\n"));
}

#[tokio::test]
async fn refused_commands_name_the_devices_line() {
    let server = Plan::cli(|line| match line {
        "show nonsense" => "             ^\n% Invalid input detected at '^' marker.\n\n".to_owned(),
        "show log" => "1\n% Invalid input in a log\n".repeat(30),
        _ => String::new(),
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    let (device, platform) = (device("r1", server.port), platform());
    let failure = ask(&ssh, &device, &platform, "show nonsense").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert!(failure.message.contains("% Invalid input detected at '^' marker."), "{failure}");
    assert_eq!(failure.hint.as_deref(), Some("the device does not know this command"));
    let log = ask(&ssh, &device, &platform, "show log").await.unwrap();
    assert_eq!(log.text.lines().count(), 60, "a long answer is no refusal");
    assert!(log.warm, "a refusal leaves the session as it was");
}

fn with_enable() -> Plan {
    Plan::shell(|mut term: Term| async move {
        let mut mode = '>';
        term.send("r1>").await;
        while let Some(line) = term.line().await {
            match line.as_str() {
                "enable" if mode == '>' => {
                    for _ in 0..3 {
                        term.send("Password: ").await;
                        term.echo = false;
                        let answer = term.line().await;
                        term.echo = true;
                        term.send("\r\n").await;
                        if answer.as_deref() == Some("s3cret") {
                            mode = '#';
                            break;
                        }
                    }
                    if mode == '>' {
                        term.send("% Bad secrets\r\n\r\n").await;
                    }
                }
                "show mode" => term.send(format!("mode {mode}\r\n")).await,
                _ => {}
            }
            term.send(format!("r1{mode}")).await;
        }
    })
}

#[tokio::test]
async fn enable_with_the_right_secret_the_wrong_one_and_none() {
    let server = with_enable().start().await;
    let mut device = device("r1", server.port);
    let ssh = Ssh::new(settings());
    assert_eq!(ask(&ssh, &device, &platform(), "show mode").await.unwrap().text, "mode >");
    device.login.secret = Some(secret("s3cret"));
    assert_eq!(ask(&ssh, &device, &platform(), "show mode").await.unwrap().text, "mode #");
    let ssh = Ssh::new(settings());
    device.login.secret = Some(secret("wr0ng"));
    let begun = Instant::now();
    let failure = ask(&ssh, &device, &platform(), "show mode").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(failure.message.contains("enable"), "{failure}");
    assert!(!format!("{failure:?}").contains("wr0ng"), "{failure:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn an_echo_that_drips_wraps_or_is_drawn_again() {
    let server = Plan::shell(|mut term: Term| async move {
        term.echo = false;
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            match line.as_str() {
                "show drip" => term.drip("show drip\r\n", Duration::from_millis(15)).await,
                "show wrapped by the device" => term.send("show wrapped\r\n by the device\r\n").await,
                "show redrawn" => term.send("sho\x08\x08\x08show re\x1b[2D\x1b[Kredrawn\x1b[0m\r\n").await,
                other => term.send(format!("{other}\r\n")).await,
            }
            if line.starts_with("show") {
                term.send("answer\r\n").await;
            }
            term.send("\x1b[1mr1#\x1b[0m").await;
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    for command in ["show drip", "show wrapped by the device", "show redrawn", "show plain"] {
        let output = ask(&ssh, &device("r1", server.port), &platform(), command).await.unwrap();
        assert_eq!(output.text, "answer", "{command}");
    }
}

#[tokio::test]
async fn a_device_without_echo_loses_nothing() {
    let server = Plan::shell(|mut term: Term| async move {
        term.echo = false;
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            term.send(if line == "show two" { "\r\none\r\ntwo\r\nr1#" } else { "\r\nr1#" }).await;
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    let output = ask(&ssh, &device("r1", server.port), &platform(), "show two").await.unwrap();
    assert_eq!(output.text, "one\ntwo");
}

#[tokio::test]
async fn odd_bytes_become_text() {
    let server = Plan::shell(|mut term: Term| async move {
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            if line == "show odd" {
                term.send(b"caf\xe9 \x07\x00\x1b[31mred\x1b[0m N\x08NA\x08A\r\r\n\xff\r\n").await;
            }
            term.send("r1#").await;
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    let output = ask(&ssh, &device("r1", server.port), &platform(), "show odd").await.unwrap();
    assert_eq!(output.text, "caf\u{fffd} red NA\n\u{fffd}");
}

#[tokio::test]
async fn log_messages_at_the_prompt_are_survived() {
    let server = Plan::shell(|mut term: Term| async move {
        term.echo = false;
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            match line.as_str() {
                "show before" => {
                    term.send(
                        "\r\n*Mar 1 00:00:01: %SYS-5-CONFIG_I: changed\r\nr1#show before\r\nanswer\r\nr1#",
                    )
                    .await;
                }
                // The message pushes the prompt up, and the device does not draw it again.
                "show behind" => {
                    term.send(
                        "show behind\r\nanswer\r\nr1#\r\n*Mar 1 00:00:02: %SYS-5-CONFIG_I: changed\r\n",
                    )
                    .await;
                }
                _ => term.send(format!("{line}\r\nr1#")).await,
            }
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    let (device, platform) = (device("r1", server.port), platform());
    assert_eq!(ask(&ssh, &device, &platform, "show before").await.unwrap().text, "answer");
    assert_eq!(ask(&ssh, &device, &platform, "show behind").await.unwrap().text, "answer");
    assert_eq!(ask(&ssh, &device, &platform, "show before").await.unwrap().text, "answer");
}

#[tokio::test]
async fn lines_above_the_prompt_are_no_output() {
    let server = Plan::shell(|mut term: Term| async move {
        term.send("\r\n{master}\r\nadmin@r1> ").await;
        while let Some(line) = term.line().await {
            let text = if line == "show x" { "x\r\n" } else { "" };
            term.send(format!("{text}\r\n{{master}}\r\nadmin@r1> ")).await;
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    assert_eq!(ask(&ssh, &device("r1", server.port), &platform(), "show x").await.unwrap().text, "x");
}

#[tokio::test]
async fn output_streams_line_by_line() {
    let server = Plan::shell(|mut term: Term| async move {
        term.send("r1#").await;
        while let Some(line) = term.line().await {
            if line == "ping" {
                for n in 0..3 {
                    term.send(format!("reply {n}\r\n")).await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
            term.send("r1#").await;
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(settings());
    let (sender, mut receiver) = mpsc::channel(10);
    let mut request = request(&device("r1", server.port), &platform(), "ping");
    request.stream = Some(sender);
    let task = tokio::spawn(async move { ssh.run(request).await });
    assert_eq!(receiver.recv().await.as_deref(), Some("reply 0"));
    assert!(!task.is_finished());
    assert_eq!(receiver.recv().await.as_deref(), Some("reply 1"));
    assert_eq!(receiver.recv().await.as_deref(), Some("reply 2"));
    assert_eq!(task.await.unwrap().unwrap().text, "reply 0\nreply 1\nreply 2");
}

#[tokio::test]
async fn fifty_megabytes_come_whole_or_are_cut_and_say_so() {
    let server = Plan::cli(|line| match line {
        "show huge" => {
            let row = "10.20.30.0/24 via 192.0.2.1, GigabitEthernet0/0/0, 1d02h, some more words to fill the line\n";
            row.repeat(50 * 1024 * 1024 / row.len())
        }
        "show one line" => format!("{}\n", "x".repeat(3 * 1024 * 1024)),
        _ => String::new(),
    })
    .start()
    .await;
    let (device, platform) = (device("r1", server.port), platform());
    let begun = Instant::now();
    let ssh = Ssh::new(Settings { max_output: 64 * 1024 * 1024, ..settings() });
    let output = ask(&ssh, &device, &platform, "show huge").await.unwrap();
    assert!(output.text.len() > 49 * 1024 * 1024, "{}", output.text.len());
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());

    let ssh = Ssh::new(Settings { max_output: 1024 * 1024, ..settings() });
    let failure = ask(&ssh, &device, &platform, "show huge").await.unwrap_err();
    assert!(failure.message.contains("longer than 1048576 bytes"), "{}", failure.message);
    assert_eq!(failure.partial.map(|text| text.len() > 1_000_000), Some(true));
    let failure = ask(&ssh, &device, &platform, "show one line").await.unwrap_err();
    assert!(failure.message.contains("longer than"), "{}", failure.message);
}

#[tokio::test]
async fn many_requests_share_few_sessions() {
    let server =
        Plan::cli(|line| if line == "show x" { "x\n".to_owned() } else { String::new() }).start().await;
    let ssh = Ssh::new(Settings { max_per_device: 2, ..settings() });
    let (device, platform) = (device("r1", server.port), platform());
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (ssh, request) = (ssh.clone(), request(&device, &platform, "show x"));
            tokio::spawn(async move { ssh.run(request).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().text, "x");
    }
    assert!(server.connections.load(Ordering::SeqCst) <= 2);

    let crowd = Ssh::new(Settings { max_per_device: 1, max_waiting: 2, ..settings() });
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (ssh, request) = (crowd.clone(), request(&device, &platform, "show x"));
            tokio::spawn(async move { ssh.run(request).await })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        refused += usize::from(task.await.unwrap().is_err());
    }
    assert_eq!(refused, 7, "one runs, two wait");
}

#[tokio::test]
async fn idle_sessions_close_when_their_time_is_over() {
    let open = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&open);
    let server = Plan::shell(move |mut term: Term| {
        let open = Arc::clone(&counter);
        async move {
            open.fetch_add(1, Ordering::SeqCst);
            term.send("r1#").await;
            while let Some(line) = term.line().await {
                if line == "exit" {
                    break;
                }
                term.send("r1#").await;
            }
            open.fetch_sub(1, Ordering::SeqCst);
        }
    })
    .start()
    .await;
    let ssh = Ssh::new(Settings { keep_warm: Duration::from_millis(300), ..settings() });
    ask(&ssh, &device("r1", server.port), &platform(), "show x").await.unwrap();
    assert_eq!(open.load(Ordering::SeqCst), 1);
    for _ in 0..100 {
        if open.load(Ordering::SeqCst) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the idle session is still open");
}

#[tokio::test]
async fn the_limit_over_all_devices_makes_idle_sessions_leave() {
    let answer = |line: &str| if line == "show x" { "x\n".to_owned() } else { String::new() };
    let (one, two) = (Plan::cli(answer).start().await, Plan::cli(answer).start().await);
    let ssh = Ssh::new(Settings { max_sessions: 1, ..settings() });
    let (one, two) = (device("r1", one.port), device("r2", two.port));
    assert!(!ask(&ssh, &one, &platform(), "show x").await.unwrap().warm);
    assert!(ask(&ssh, &one, &platform(), "show x").await.unwrap().warm);
    assert!(!ask(&ssh, &two, &platform(), "show x").await.unwrap().warm);
    assert!(!ask(&ssh, &one, &platform(), "show x").await.unwrap().warm, "it had to leave");

    // Twenty requests for two devices through one session: each gets its turn.
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let (ssh, request) =
                (ssh.clone(), request(if n % 2 == 0 { &one } else { &two }, &platform(), "show x"));
            tokio::spawn(async move { ssh.run(request).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().text, "x");
    }
}

#[tokio::test]
async fn a_hundred_devices_at_once() {
    let server =
        Plan::cli(|line| if line == "show x" { "x\n".to_owned() } else { String::new() }).start().await;
    let ssh = Ssh::new(settings());
    let devices: Vec<_> = (0..100)
        .map(|n| {
            let mut device = device(&format!("r{n}"), server.port);
            device.login.connect_timeout = Some(30);
            device
        })
        .collect();
    for warm in [false, true] {
        let tasks: Vec<_> = devices
            .iter()
            .map(|device| {
                let (ssh, request) = (ssh.clone(), request(device, &platform(), "show x"));
                tokio::spawn(async move { ssh.run(request).await })
            })
            .collect();
        for task in tasks {
            let output = task.await.unwrap().unwrap();
            assert_eq!((output.text.as_str(), output.warm), ("x", warm));
        }
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 100);
}

/// A controller that lets everybody in by SSH and asks for the login in its shell.
fn asks_again() -> Plan {
    Plan::shell(|mut term| async move {
        loop {
            term.send("\r\n(Cisco Controller)\r\nUser: ").await;
            let Some(user) = term.line().await else { return };
            term.send("\r\nPassword: ").await;
            let Some(password) = term.line().await else { return };
            if (user.as_str(), password.as_str()) == ("admin", "hunter2") {
                break;
            }
        }
        term.send("\r\nr1>").await;
        while let Some(line) = term.line().await {
            term.send(format!("answer to {line}\r\nr1>")).await;
        }
    })
}

#[tokio::test]
async fn a_login_that_is_asked_for_again_in_the_shell() {
    let server = asks_again().start().await;
    let mut platform = platform();
    platform.login = Some(LoginPrompts { user: regex("^User: ?$"), password: regex("^Password: ?$") });
    platform.open.clear();
    let ssh = Ssh::new(settings());
    let right = device("r1", server.port);
    assert_eq!(ask(&ssh, &right, &platform, "show version").await.unwrap().text, "answer to show version");
    // A controller that never takes it is not asked for ever.
    let stubborn = Plan::shell(|mut term| async move {
        loop {
            term.send("\r\nUser: ").await;
            if term.line().await.is_none() {
                return;
            }
        }
    });
    let stubborn = stubborn.start().await;
    let wrong = device("r2", stubborn.port);
    let failure = ask(&ssh, &wrong, &platform, "show version").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth, "{failure}");
    assert!(failure.message.contains("refuses in its shell the login that SSH took"), "{failure}");
}
