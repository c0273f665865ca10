//! What the bot answers by itself, without asking a device.

use std::sync::Arc;

use super::{Bot, Incoming, Who, explain, native, plan};
use crate::answer::{Answer, Block};
use crate::catalogue::Catalogue;
use crate::command::{self, Command, Question};
use crate::error::{Error, Result};
use crate::inventory::Device;
use crate::table::{Column, Table, Type, Value};
use crate::text::count;

/// How many questions `history` lists.
const HISTORY: u32 = 20;

impl Bot {
    /// `again` becomes the asker's last question; everything else stays as it is.
    pub(super) async fn repeated(
        &self,
        question: Question,
        who: &Who,
        catalogue: &Catalogue,
    ) -> Result<Question> {
        if !matches!(question.command, Command::Again) {
            return Ok(question);
        }
        let Some(last) = self.store.last(&who.way, &who.id).await? else {
            return Err(
                Error::question("there is no question of yours to repeat").hint("for example `vrf r1`")
            );
        };
        command::understand(&last, catalogue)
    }

    /// The answer to a question that needs no device, or nothing.
    pub(super) async fn builtin(
        &self,
        question: &Question,
        incoming: &Incoming,
        catalogue: &Arc<Catalogue>,
    ) -> Result<Option<Answer>> {
        let who = &incoming.who;
        let blocks = match &question.command {
            Command::Verb { .. } | Command::Show { .. } => return Ok(None),
            Command::Explain(inner) => {
                let plan = match native::Asked::of(inner, catalogue, self)? {
                    None => plan::make(inner, catalogue, self.limits.devices)?,
                    Some(asked) => match asked.matrix(inner, self) {
                        Some(plan) => plan?,
                        None => return Ok(Some(asked.explained())),
                    },
                };
                return Ok(Some(explain::answer(&plan, catalogue)));
            }
            Command::Help(topic) => command::help(topic.as_deref(), catalogue),
            Command::Examples => command::examples(catalogue),
            Command::Devices(targets) => {
                let devices = match targets {
                    Some(targets) => command::resolve(targets, catalogue)?,
                    None => catalogue.inventory.devices().cloned().collect(),
                };
                vec![Block::Table { title: None, table: devices_table(&devices) }]
            }
            Command::Cancel(id) => {
                let job = self.jobs.cancel(who, id.as_deref())?;
                vec![Block::Text { text: format!("{} was cancelled: {}", job.id, job.question) }]
            }
            Command::Whoami => {
                let text = format!("{} ({}) by {}, in {}", who.name, who.id, who.way, incoming.place);
                vec![Block::Text { text }]
            }
            Command::More { answer, row } => {
                let answer = self.more(incoming, *answer, *row).await?;
                if question.stages.is_empty() {
                    return Ok(Some(answer));
                }
                // Rows that were chosen are an answer of their own, not a part of the earlier one.
                answer.blocks
            }
            Command::History => vec![Block::Table { title: None, table: self.history(who).await? }],
            Command::Status => vec![Block::Table { title: None, table: self.status(catalogue) }],
            Command::Again => return Err(Error::question("a repeated question cannot repeat")),
        };
        let answer = Answer::of(question.text.clone(), blocks);
        super::stages::apply(answer, &question.stages).map(Some)
    }

    async fn history(&self, who: &Who) -> Result<Table> {
        let columns = vec![
            Column::new("asked", Type::Text),
            Column::new("question", Type::Text),
            Column::new("status", Type::State),
            Column::new("took_ms", Type::Int),
        ];
        let mut table = Table::new(columns);
        for past in self.store.history(&who.way, &who.id, HISTORY).await? {
            let asked = past.asked.get(..19).unwrap_or(&past.asked).replace('T', " ");
            table.push(vec![
                Value::text(format!("{asked} UTC")),
                Value::text(past.question),
                Value::text(if past.status.is_empty() { "running" } else { &past.status }),
                Value::Int(past.took_ms),
            ]);
        }
        Ok(table)
    }

    fn status(&self, catalogue: &Catalogue) -> Table {
        let mut table = Table::new(vec![Column::new("what", Type::Text), Column::new("value", Type::Text)]);
        let mut line = |what: &str, value: String| table.push(vec![Value::text(what), Value::text(value)]);
        line("version", env!("CARGO_PKG_VERSION").to_owned());
        line("up", Value::Duration(self.started.elapsed()).to_string());
        line("devices", catalogue.inventory.devices().count().to_string());
        line("platforms", catalogue.platforms.keys().cloned().collect::<Vec<_>>().join(", "));
        for (name, link) in self.board.links() {
            let since = link.since.get(..19).unwrap_or(&link.since).replace('T', " ");
            let mut text = format!("{} since {since} UTC", if link.up { "up" } else { "down" });
            if let Some(error) = &link.error {
                text = format!("{text} ({error})");
            }
            let last = link.last_event.as_deref().and_then(|at| at.get(11..19)).unwrap_or("never");
            let times = count(usize::try_from(link.reconnects).unwrap_or(usize::MAX), "reconnect");
            text = format!("{text}; last event {last}; {times}; {} open", link.open);
            line(&name, text);
        }
        let running = self.jobs.list();
        line("running", count(running.len(), "question"));
        for job in running {
            let since = Value::Duration(job.since.elapsed());
            line(&job.id, format!("{} ({}, {since})", job.question, job.who.name));
        }
        table
    }
}

/// The inventory as rows: the usual columns, then every key of `data`.
fn devices_table(devices: &[Arc<Device>]) -> Table {
    let mut keys: Vec<&str> =
        devices.iter().flat_map(|device| device.data.keys().map(String::as_str)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut columns = vec![
        Column::new("device", Type::Text),
        Column::new("host", Type::Host),
        Column::new("platform", Type::Text),
        Column::new("groups", Type::List),
    ];
    columns.extend(keys.iter().map(|key| Column::new(*key, Type::Text)));
    let mut table = Table::new(columns);
    for device in devices {
        let mut row = vec![
            Value::text(device.name.as_str()),
            Value::read(Type::Host, &device.hostname).unwrap_or_default(),
            Value::text(device.platform.as_str()),
            Value::List(device.groups.iter().map(Value::text).collect()),
        ];
        row.extend(keys.iter().map(|key| device.data.get(*key).map_or(Value::Null, Value::text)));
        table.push(row);
    }
    table
}
