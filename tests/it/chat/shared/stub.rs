//! A partner that answers at once, or as slowly as it is told, and counts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use nocbot::answer::{Answer, Block, DeviceFailure, Status};
use nocbot::bot::{Incoming, Progress};
use nocbot::chat::Partner;
use nocbot::error::{Error, Failure, FailureKind};
use nocbot::table::{Column, Table, Type, Value};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
pub struct Stub {
    /// How often each text was asked, as normalised.
    pub asked: Mutex<BTreeMap<String, usize>>,
    /// Who asked last.
    pub last: Mutex<Option<Incoming>>,
}

impl Stub {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn times(&self, text: &str) -> usize {
        self.asked.lock().unwrap().get(text).copied().unwrap_or(0)
    }
}

/// `n` rows about `text`.
pub fn table(text: &str, rows: usize) -> Table {
    let mut state = Column::new("state", Type::State);
    state.good = vec!["Established".into()];
    let columns = vec![
        Column::new("device", Type::Text),
        Column::new("neighbor", Type::Ip),
        state,
        Column::new("n", Type::Int),
    ];
    let mut table = Table::new(columns);
    for row in 0..rows {
        let neighbor = Value::Ip(format!("192.0.2.{}", row % 250).parse().unwrap());
        let state = if row == 0 { "Active" } else { "Established" };
        table.push(vec![Value::text(text), neighbor, Value::text(state), Value::int(row)]);
    }
    table
}

impl Partner for Stub {
    fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        _cancel: CancellationToken,
    ) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let text = nocbot::command::normalise(&incoming.text).unwrap();
            *self.asked.lock().unwrap().entry(text.clone()).or_default() += 1;
            *self.last.lock().unwrap() = Some(incoming);
            let words: Vec<&str> = text.split_whitespace().collect();
            let rows = match words.as_slice() {
                ["vrf"] => {
                    let error = Error::question("`vrf` needs devices").hint("for example `vrf r1`");
                    return Answer::refused(text, &error);
                }
                ["many"] => return Answer::refused(text, &Error::question("`many` needs one of many")),
                ["unknown", ..] => return Answer::refused(text, &Error::question("no verb")),
                ["evil", ..] => {
                    let evil = "<!channel> @all @here <@all> ``` | </body> <b>\u{7}";
                    let mut table =
                        Table::new(vec![Column::new("device", Type::Text), Column::new("x", Type::Text)]);
                    table.push(vec![Value::text(evil), Value::text(evil)]);
                    let blocks = vec![
                        Block::Table { title: None, table },
                        Block::Code { title: evil.into(), text: format!("{evil}\n```\n{evil}") },
                    ];
                    return Answer { devices: 1, ..Answer::of(text, blocks) };
                }
                ["slow", seconds, ..] => {
                    let total = seconds.parse::<u32>().unwrap();
                    for done in 0..total {
                        progress.send_replace(Progress {
                            job: "j1".into(),
                            question: text.clone(),
                            done: done as usize,
                            total: total as usize,
                            waiting: vec!["r9".into()],
                            lines: Vec::new(),
                        });
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    1
                }
                ["big", rows, ..] => rows.parse().unwrap(),
                // Cells so long that few rows fill a message.
                ["wide", rows, ..] => {
                    let mut table =
                        Table::new(vec![Column::new("device", Type::Text), Column::new("x", Type::Text)]);
                    for row in 0..rows.parse().unwrap() {
                        table.push(vec![Value::text(format!("r{row}")), Value::text("x".repeat(300))]);
                    }
                    let blocks = vec![Block::Table { title: None, table }];
                    return Answer { devices: 1, ..Answer::of(text, blocks) };
                }
                _ => 2,
            };
            let blocks = vec![Block::Table { title: None, table: table(&text, rows) }];
            let mut answer = Answer { devices: 2, id: "1".into(), ..Answer::of(text, blocks) };
            if answer.question.starts_with("partial") {
                answer.status = Status::Partial;
                let failure = Failure::new(FailureKind::Timeout, "r2 (192.0.2.2:22): no answer within 5 s");
                answer.failures = vec![DeviceFailure { device: "r2".into(), failure }];
            }
            answer
        })
    }

    fn understands(&self, text: &str) -> bool {
        !text.contains("unknown")
    }

    fn is_heavy(&self, text: &str) -> bool {
        !text.contains("help")
    }

    fn choices(&self, text: &str) -> Vec<String> {
        if text.trim().ends_with("many") {
            (0..8).map(|n| format!("many r{n}")).collect()
        } else if text.trim().ends_with("vrf") {
            vec!["vrf r1".into(), "vrf r2".into()]
        } else {
            Vec::new()
        }
    }
}
