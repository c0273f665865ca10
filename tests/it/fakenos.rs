//! Every platform that the emulator FakeNOS plays and that has a profile: log in, run a command, survive one that
//! nobody knows, run the first one again. Its outputs are canned; what is tested is the conversation.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use nocbot::answer::{Answer, Block, Status};
use nocbot::bot::Bot;
use nocbot::catalogue::Catalogue;
use nocbot::config::Config;
use nocbot::inventory::{Device, Inventory, Login};
use nocbot::secret::{Secret, SecretRef};
use nocbot::transport::ssh::{HostKeyPolicy, Settings};

use crate::support::{ask, bot_over, left_out};

/// Platforms that it plays so unlike the real ones that no conversation is possible, and why.
const LEFT: [(&str, &str); 0] = [];

/// What it can play: the commands of each platform.
const COMMANDS: &str = "
import fakenos, json, pathlib, sys, yaml
plays = {}
for path in pathlib.Path(fakenos.__file__).parent.glob('plugins/nos/platforms_yaml/*.yaml'):
    commands = yaml.safe_load(path.read_text())['commands']
    plays[path.stem] = [c for c, d in commands.items() if isinstance(d.get('output'), str) and not d.get('new_prompt')]
json.dump(plays, sys.stdout)
";

/// The emulator's process; ended with the test.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A played platform.
struct Played {
    name: String,
    platform: String,
    port: u16,
    /// A command that it answers and that the profile's gate allows.
    command: String,
}

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("NOCBOT_REFERENCE_PYTHON").map(PathBuf::from)?;
    let known = Command::new(&python).args(["-c", "import fakenos"]).stderr(Stdio::null()).status().ok()?;
    known.success().then_some(python)
}

/// Free ports of loopback, below those that the system gives to others meanwhile.
fn ports(count: usize) -> Vec<u16> {
    let begin = 20_000 + u16::try_from(std::process::id() % 250).unwrap() * 40;
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (begin..32_000).filter(free).take(count).collect()
}

fn plan(python: &PathBuf, catalogue: &Catalogue) -> Vec<Played> {
    let output = Command::new(python).args(["-c", COMMANDS]).output().unwrap();
    let plays: BTreeMap<String, Vec<String>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut known = Vec::new();
    for (name, commands) in plays {
        let Some(platform) = catalogue.platform(&name) else { continue };
        if LEFT.iter().any(|(left, _)| *left == name) {
            continue;
        }
        let allowed = |command: &&String| {
            nocbot::policy::gate(platform, command).is_ok_and(|line| line == **command)
                && !command.contains(['|', '"', '\''])
        };
        // Plain words first: those that `show` would send as they are.
        let command = commands.iter().filter(allowed).min_by_key(|command| command.len());
        let command = command.unwrap_or_else(|| panic!("the gate of {name} allows none of {commands:?}"));
        known.push((name, platform.name.clone(), command.clone()));
    }
    let ports = ports(known.len());
    let known = known.into_iter().zip(ports);
    known.map(|((name, platform, command), port)| Played { name, platform, port, command }).collect()
}

fn start(python: &std::path::Path, played: &[Played]) -> Emulator {
    let hosts: BTreeMap<&str, serde_json::Value> = played
        .iter()
        .map(|one| (one.name.as_str(), serde_json::json!({ "platform": one.name, "port": one.port })))
        .collect();
    let inventory = serde_json::json!({
        "default": {
            "username": "noc", "password": "s3cr1t", "port": 6000,
            "server": { "plugin": "ParamikoSshServer", "configuration": { "address": "127.0.0.1", "timeout": 1 } },
            "shell": { "plugin": "CMDShell", "configuration": {} },
        },
        "hosts": hosts,
    });
    let script = "import json, sys, time\nfrom fakenos import FakeNOS\nnetwork = FakeNOS(json.loads(sys.argv[1]))\n\
                  network.start()\ntime.sleep(120)\n";
    let child = Command::new(python)
        .args(["-c", script, &inventory.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let emulator = Emulator(child);
    let until = Instant::now() + Duration::from_mins(1);
    for one in played {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, one.port)).is_err() {
            assert!(Instant::now() < until, "{} did not start", one.name);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    emulator
}

fn devices(played: &[Played]) -> Inventory {
    let device = |one: &Played| Device {
        name: one.name.clone(),
        hostname: "127.0.0.1".to_owned(),
        platform: one.platform.clone(),
        groups: Vec::new(),
        data: BTreeMap::new(),
        login: Login {
            port: Some(one.port),
            username: Some("noc".to_owned()),
            password: Some(SecretRef::Plain(Secret::new("s3cr1t"))),
            connect_timeout: Some(20),
            ..Login::default()
        },
    };
    Inventory::new(played.iter().map(device))
}

/// What a device said, or what went wrong.
async fn said(bot: &Bot, device: &str, command: &str) -> Result<String, String> {
    let answer: Answer = ask(bot, &format!("show {device} {command}")).await;
    if answer.status != Status::Ok {
        let failures =
            answer.failures.iter().map(|row| format!("{}: {}", row.failure.kind, row.failure.message));
        return Err(failures.collect::<Vec<_>>().join("; "));
    }
    let shown = answer.blocks.iter().map(|block| match block {
        Block::Code { text, .. } | Block::Text { text } => text.clone(),
        Block::Table { table, .. } => format!("{} rows", table.rows.len()),
        Block::Error { .. } => String::new(),
    });
    Ok(shown.collect::<Vec<_>>().join("\n"))
}

async fn converse(bot: &Bot, one: &Played) -> Result<(), String> {
    let name = &one.name;
    let first = said(bot, name, &one.command).await.map_err(|error| format!("`{}`: {error}", one.command))?;
    if first.trim().is_empty() {
        return Err(format!("`{}` said nothing", one.command));
    }
    let word = one.command.split(' ').next().unwrap_or_default();
    match said(bot, name, &format!("{word} nosuchthing")).await {
        Ok(text) if text.contains("nknown") => {}
        Err(error) if error.starts_with("rejected") => {}
        other => return Err(format!("an unknown command: {other:?}")),
    }
    let again = said(bot, name, &one.command).await.map_err(|error| format!("again: {error}"))?;
    if again == first { Ok(()) } else { Err(format!("another answer the second time: {again}")) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_played_platform_holds_a_conversation() {
    let Some(python) = python() else { return left_out("FakeNOS: eval \"$(tests/reference/prepare)\"") };
    let config = Config::without_file(std::path::Path::new("/nonexistent"));
    let load = |inventory| Catalogue::load_with(&config, inventory).unwrap_or_else(|_| panic!()).catalogue;
    let played = plan(&python, &load(Inventory::default()));
    assert!(played.len() >= 4, "few platforms: {}", played.len());
    let emulator = start(&python, &played);
    let settings = Settings { host_keys: HostKeyPolicy::AcceptNew, ..Settings::default() };
    let bot = bot_over(Arc::new(load(devices(&played))), settings, Duration::from_secs(40));
    let results = all_of(&bot, &played).await;
    drop(emulator);
    let wrong: Vec<String> =
        results.into_iter().filter_map(|(name, result)| Some(format!("{name}: {}", result.err()?))).collect();
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), played.len(), wrong.join("\n"));
}

/// A few at a time: the emulator is one process.
async fn all_of(bot: &Bot, played: &[Played]) -> Vec<(String, Result<(), String>)> {
    let conversations =
        stream::iter(played).map(|one| async { (one.name.clone(), converse(bot, one).await) });
    conversations.buffer_unordered(6).collect().await
}
