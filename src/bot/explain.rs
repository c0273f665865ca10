//! `explain`: everything but sending.

use std::fmt::Write as _;

use super::plan::Plan;
use crate::answer::{Answer, Block};
use crate::catalogue::Catalogue;
use crate::run::{Job, Reading, Step};
use crate::table::{Column, Table, Type, Value};

/// The devices, the way to each, the literal command lines and the parsers.
pub(super) fn answer(plan: &Plan, catalogue: &Catalogue) -> Answer {
    let columns = ["device", "platform", "command", "parser", "transport", "remark"];
    let mut table = Table::new(columns.map(|name| Column::new(name, Type::Text)).to_vec());
    for job in &plan.jobs {
        for step in &job.steps {
            table.push(row(job, step, Value::Null));
            for other in &step.otherwise {
                table.push(row(job, other, Value::text(format!("if `{}` is refused", step.command))));
            }
        }
    }
    for row in &plan.unable {
        let device = catalogue.inventory.get(&row.device);
        table.push(vec![
            Value::text(row.device.as_str()),
            device.map_or(Value::Null, |device| Value::text(device.platform.as_str())),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::text(format!("{}: {}", row.failure.kind, row.failure.message)),
        ]);
    }
    let text = format!("`{}` would send this; nothing was sent.", plan.question);
    Answer::of(
        format!("explain {}", plan.question),
        vec![Block::Text { text }, Block::Table { title: None, table }],
    )
}

fn row(job: &Job, step: &Step, remark: Value) -> Vec<Value> {
    vec![
        Value::text(job.device.name.as_str()),
        Value::text(job.platform.name.as_str()),
        Value::text(step.command.as_str()),
        Value::text(parser(step)),
        Value::text(way(job)),
        remark,
    ]
}

fn way(job: &Job) -> String {
    let port = job.device.login.port.unwrap_or(job.platform.port);
    let mut way = String::from("ssh ");
    for (hop, _) in &job.jumps {
        way.push_str(&hop.name);
        way.push_str(" > ");
    }
    way.push_str(&job.device.hostname);
    if port != 22 {
        let _ = write!(way, ":{port}");
    }
    way
}

fn parser(step: &Step) -> String {
    match &step.reading {
        Reading::Verb(_, source) | Reading::Join(_, source) => source.parser.clone(),
        Reading::Parser(parser) => parser.clone(),
        Reading::Text => String::new(),
    }
}
