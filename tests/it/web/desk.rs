//! A desk that answers from its pocket, so that the console can be tested without a network:
//! every sort of answer at once, and some only when the test wants them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use nocbot::answer::{Answer, Block, DeviceFailure, FileFormat, Status};
use nocbot::bot::{Incoming, Progress};
use nocbot::catalogue::Catalogue;
use nocbot::command::Completion;
use nocbot::error::{Error, Failure, FailureKind, Place};
use nocbot::inventory::{Device, Inventory, Login};
use nocbot::table::{Column, Table, Type, Value};
use nocbot::verb::Verb;
use nocbot::web::Desk;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The words of the fixture's verbs.
const VERBS: [(&str, &str, &[&str]); 5] = [
    ("bgp", "The BGP sessions of a device.", &["bgp all", "bgp r1 | where state != established"]),
    ("interfaces", "The interfaces of a device with their states.", &["interfaces r2"]),
    ("ping", "Pings an address from a device.", &["ping r1 10.0.0.6"]),
    ("route", "The routing table of a device.", &["route r1", "route all 10.0.0.0/8"]),
    ("vrf", "The VRFs of a device with their route distinguishers and interfaces.", &["vrf r1", "vrf all"]),
];

pub struct FakeDesk {
    catalogue: Arc<Catalogue>,
    kept: Mutex<BTreeMap<String, Arc<Answer>>>,
    /// Questions that are being answered at this moment.
    pub busy: AtomicUsize,
    /// Questions that were cancelled.
    pub cancelled: AtomicUsize,
}

impl FakeDesk {
    pub fn new() -> Arc<Self> {
        let device = |n| Device {
            name: format!("r{n}"),
            hostname: "127.0.0.1".into(),
            platform: String::new(),
            groups: vec!["core".into()],
            data: BTreeMap::new(),
            login: Login::default(),
        };
        let verb = |(name, help, examples): (&str, &str, &[&str])| {
            let verb = Verb {
                bot: None,
                name: name.into(),
                aliases: Vec::new(),
                help: help.into(),
                examples: examples.iter().map(|example| (*example).to_owned()).collect(),
                class: nocbot::verb::Class::Read,
                timeout: None,
                asks: None,
                newest: None,
                arguments: Vec::new(),
                columns: Vec::new(),
                key: Vec::new(),
                volatile: Vec::new(),
                sort: Vec::new(),
            };
            (name.to_owned(), Arc::new(verb))
        };
        let catalogue = Catalogue {
            verbs: VERBS.into_iter().map(verb).collect(),
            inventory: Arc::new(Inventory::new((1..=6).map(device))),
            ..Catalogue::default()
        };
        Arc::new(Self {
            catalogue: Arc::new(catalogue),
            kept: Mutex::default(),
            busy: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
        })
    }

    /// `slow`: progress until cancelled. Like a real run it keeps what it has.
    async fn slow(&self, text: &str, tell: watch::Sender<Progress>, cancel: CancellationToken) -> Answer {
        for done in 0..3 {
            let waiting = (done + 1..=6).take(5).map(|n| format!("r{n}")).collect();
            let lines =
                (0..done * 2).map(|n| format!("64 bytes from 10.0.0.6: icmp_seq={n} ttl=62 time=1.2{n} ms"));
            tell.send_replace(Progress {
                job: "7".into(),
                question: text.into(),
                done,
                total: 6,
                waiting,
                lines: lines.collect(),
            });
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        cancel.cancelled().await;
        self.cancelled.fetch_add(1, Ordering::SeqCst);
        let mut answer = bgp(text);
        answer.failures = (4..=6)
            .map(|n| DeviceFailure {
                device: format!("r{n}"),
                failure: Failure::new(FailureKind::Cancelled, "cancelled before it answered"),
            })
            .collect();
        answer.status = Status::Partial;
        answer
    }
}

impl Desk for FakeDesk {
    fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            self.busy.fetch_add(1, Ordering::SeqCst);
            let text = incoming.text.as_str();
            let words: Vec<&str> = text.split_whitespace().collect();
            let mut answer = match words.as_slice() {
                ["slow", ..] => self.slow(text, progress, cancel).await,
                ["panic"] => panic!("as the test wished"),
                ["vrf", ..] => vrf(text),
                ["bgp", ..] => bgp(text),
                ["big", rows, ..] => big(text, rows.parse().unwrap()),
                ["dead", ..] => dead(text),
                ["version", ..] => code(text),
                ["help", ..] => help(text),
                ["html", ..] => html(text),
                _ => refused(text),
            };
            self.busy.fetch_sub(1, Ordering::SeqCst);
            let mut kept = self.kept.lock().unwrap();
            answer.id = (kept.len() + 1).to_string();
            kept.insert(answer.id.clone(), Arc::new(answer.clone()));
            answer
        })
    }

    fn kept(&self, id: &str) -> Option<Arc<Answer>> {
        self.kept.lock().unwrap().get(id).cloned()
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }

    fn complete(&self, text: &str) -> Vec<Completion> {
        let start = text.rfind(' ').map_or(0, |at| at + 1);
        let verbs = VERBS.iter().map(|(name, help, _)| ((*name).to_owned(), (*help).to_owned()));
        let devices = (1..=6).map(|n| (format!("r{n}"), format!("10.0.0.{n}, frr")));
        let known: Vec<(String, String)> = if start == 0 { verbs.collect() } else { devices.collect() };
        let mut found: Vec<Completion> = known
            .into_iter()
            .filter(|(word, _)| word.starts_with(&text[start..]))
            .map(|(text, help)| Completion { text, start, help })
            .collect();
        found.truncate(20);
        found
    }
}

fn rows(columns: &[(&str, Type)], rows: Vec<Vec<Value>>) -> Table {
    let columns = columns.iter().map(|(name, kind)| {
        let mut column = Column::new(*name, *kind);
        if *kind == Type::State {
            column.good = vec!["Established".into(), "up".into()];
        }
        column
    });
    let mut table = Table::new(columns.collect());
    for row in rows {
        table.push(row);
    }
    table
}

fn answered(text: &str, devices: usize, table: Table) -> Answer {
    let blocks = vec![Block::Table { title: None, table }];
    Answer { devices, took_ms: 412, ..Answer::of(text, blocks) }
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| Value::text(*item)).collect())
}

fn vrf(text: &str) -> Answer {
    let columns = [
        ("device", Type::Text),
        ("vrf", Type::Text),
        ("rd", Type::Text),
        ("protocols", Type::List),
        ("interfaces", Type::List),
    ];
    let row = |vrf: &str, rd: &str, interfaces: &[&str]| {
        vec![Value::text("r1"), Value::text(vrf), Value::text(rd), list(&["ipv4", "ipv6"]), list(interfaces)]
    };
    let rows = rows(
        &columns,
        vec![
            row("BLUE", "65000:20", &["Gi0/3"]),
            row("MGMT", "", &["Gi0/0"]),
            row("RED", "65000:10", &["Gi0/1", "Gi0/2.100", "TenGigabitEthernet1/1/1.4094"]),
        ],
    );
    answered(text, 1, rows)
}

fn bgp(text: &str) -> Answer {
    let columns = [
        ("device", Type::Text),
        ("vrf", Type::Text),
        ("neighbor", Type::Ip),
        ("as", Type::Asn),
        ("state", Type::State),
        ("prefixes", Type::Int),
        ("uptime", Type::Duration),
        ("description", Type::Text),
    ];
    let row = |device: u8,
               neighbor: u8,
               state: &str,
               prefixes: Option<i64>,
               seconds: Option<u64>,
               description: &str| {
        vec![
            Value::text(format!("r{device}")),
            Value::text("default"),
            Value::Ip(IpAddr::V4(Ipv4Addr::new(10, 0, 0, neighbor))),
            Value::Int(4_200_000_000 + i64::from(neighbor)),
            Value::text(state),
            prefixes.map_or(Value::Null, Value::Int),
            seconds.map_or(Value::Null, |seconds| Value::Duration(Duration::from_secs(seconds))),
            Value::text(description),
        ]
    };
    let table = rows(
        &columns,
        vec![
            row(2, 6, "Idle (Admin)", None, None, "to r6, maintenance"),
            row(3, 5, "Active", None, Some(93), "to r5"),
            row(
                1,
                2,
                "Established",
                Some(914_212),
                Some(86_400 * 12 + 7200),
                "transit, the long way round by the old cable",
            ),
            row(1, 3, "Established", Some(12), Some(3723), ""),
            row(2, 1, "Established", Some(7), Some(86_400 * 400), "to r1"),
            row(3, 1, "Established", Some(0), Some(59), "to r1"),
        ],
    );
    let mut answer = answered(text, 6, table);
    answer.status = Status::Partial;
    answer.took_ms = 5034;
    answer.failures = vec![
        DeviceFailure {
            device: "r4".into(),
            failure: Failure::new(
                FailureKind::Timeout,
                "r4 (10.0.0.4:22): no answer to `show bgp summary` within 5 s",
            )
            .hint("raise `timeout` or look at the device's load")
            .partial("BGP router identifier 10.0.0.4, local AS number 65004\nRIB entries 93, using 17 kB"),
        },
        DeviceFailure {
            device: "r5".into(),
            failure: Failure::new(FailureKind::HostKey, "r5 (10.0.0.5:22): the host key has changed")
                .hint("if the device was replaced, remove its line from known_hosts"),
        },
    ];
    answer.notes = vec!["r6: `uptime` is not shown by this platform".into()];
    answer
}

fn big(text: &str, count: usize) -> Answer {
    let columns = [
        ("device", Type::Text),
        ("prefix", Type::Prefix),
        ("protocol", Type::Text),
        ("next_hop", Type::Ip),
        ("interface", Type::Text),
        ("metric", Type::Int),
        ("age", Type::Duration),
    ];
    let row = |n: usize| {
        let [_, a, b, c] = u32::try_from(n).unwrap().to_be_bytes();
        vec![
            Value::text(format!("r{}", n % 6 + 1)),
            Value::Prefix(format!("10.{a}.{b}.{c}/32").parse().unwrap()),
            Value::text("ospf"),
            Value::Ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2, c))),
            Value::text(format!("eth{}", n % 4)),
            Value::int(n * 7 % 1000),
            Value::Duration(Duration::from_secs(u64::try_from(n).unwrap() * 61)),
        ]
    };
    answered(text, 6, rows(&columns, (0..count).map(row).collect()))
}

fn dead(text: &str) -> Answer {
    let failure = |n: usize| DeviceFailure {
        device: format!("r{n}"),
        failure: Failure::new(FailureKind::Connect, format!("r{n} (10.0.0.{n}:22): connection refused"))
            .hint("is SSH enabled on the device?"),
    };
    Answer {
        status: Status::Failed,
        devices: 6,
        took_ms: 31,
        failures: (1..=6).map(failure).collect(),
        ..Answer::of(text, Vec::new())
    }
}

fn code(text: &str) -> Answer {
    let lines = "FRRouting 8.4.4 (r1) on Linux(6.1.0-18-amd64).\nCopyright 1996-2005 Kunihiro Ishiguro, et al.\n\
        configured with:\n    '--build=x86_64-linux-gnu' '--prefix=/usr' '--includedir=${prefix}/include' '--mandir=${prefix}/share/man'";
    let block = Block::Code { title: "r1: show version".into(), text: lines.into() };
    Answer { devices: 1, took_ms: 88, file: Some(FileFormat::Text), ..Answer::of(text, vec![block]) }
}

fn help(text: &str) -> Answer {
    let lines = "Ask a device, several, or all of them:\n\n  vrf r1            the VRFs of r1\n  bgp all           every BGP session\n  \
        route r1,r2 | count\n\n`help <verb>` tells more about one verb.";
    Answer::of(text, vec![Block::Text { text: lines.into() }])
}

fn html(text: &str) -> Answer {
    let evil = "<img src=x onerror=alert(1)><script>alert(2)</script>";
    let table =
        rows(&[("device", Type::Text), (evil, Type::Text)], vec![vec![Value::text(evil), Value::text(evil)]]);
    let mut answer = answered(text, 1, table);
    answer.blocks.push(Block::Code { title: evil.into(), text: evil.into() });
    answer.blocks.push(Block::Text { text: format!("{evil}\n\n  {evil}") });
    answer.notes = vec![evil.into()];
    answer.failures = vec![DeviceFailure {
        device: evil.into(),
        failure: Failure::new(FailureKind::Parse, evil).hint(evil).partial(evil),
    }];
    answer
}

fn refused(text: &str) -> Answer {
    let word: String = text.split_whitespace().next().unwrap_or_default().chars().take(40).collect();
    let error = Error::question(format!("`{word}` is no verb"))
        .at(Place {
            source: "question".into(),
            line: 1,
            column: 1,
            excerpt: text.chars().take(200).collect(),
        })
        .hint("did you mean `vrf`?")
        .hint("for example: `vrf r1`");
    Answer::refused(text, &error)
}
