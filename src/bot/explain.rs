//! `explain`: everything but sending.

use std::fmt::Write as _;

use super::plan::Plan;
use crate::answer::{Answer, Block};
use crate::catalogue::Catalogue;
use crate::inventory::HttpsLogin;
use crate::run::{Job, Reading, Step, Way};
use crate::table::{Column, Table, Type, Value};
use crate::transport::netconf::PORT;
use crate::verb::Via;

/// The devices, the way to each, the literal command lines and the parsers.
pub(super) fn answer(plan: &Plan, catalogue: &Catalogue) -> Answer {
    let columns = ["device", "platform", "command", "parser", "transport", "remark"];
    let mut table = Table::new(columns.map(|name| Column::new(name, Type::Text)).to_vec());
    for job in &plan.jobs {
        for (index, each) in job.ways.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| job.ways.get(before));
            let remark = before.map(|before| Value::text(format!("if {} cannot be had", before.via)));
            for step in &each.steps {
                table.push(row(job, each, step, remark.clone().unwrap_or_default()));
                for other in &step.otherwise {
                    let remark = Value::text(format!("if `{}` is refused", step.command));
                    table.push(row(job, each, other, remark));
                }
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

fn row(job: &Job, each: &Way, step: &Step, remark: Value) -> Vec<Value> {
    vec![
        Value::text(job.device.name.as_str()),
        Value::text(job.platform.name.as_str()),
        Value::text(step.command.as_str()),
        Value::text(parser(step)),
        Value::text(way(job, each.via)),
        remark,
    ]
}

fn way(job: &Job, via: Via) -> String {
    let (device, login) = (&job.device, &job.device.login);
    let https = |login: &HttpsLogin| (login.hostname.clone(), login.port.unwrap_or(443), 443);
    let (hostname, port, usual) = match via {
        Via::Ssh => (None, login.port.unwrap_or(job.platform.port), 22),
        Via::Netconf => (login.netconf.hostname.clone(), login.netconf.port.unwrap_or(PORT), PORT),
        Via::Restconf => https(&login.restconf),
        Via::Jsonrpc => https(&login.jsonrpc),
    };
    let mut way = format!("{} ", via.word());
    if matches!(via, Via::Ssh | Via::Netconf) {
        for (hop, _) in &job.jumps {
            way.push_str(&hop.name);
            way.push_str(" > ");
        }
    }
    way.push_str(hostname.as_ref().unwrap_or(&device.hostname));
    if port != usual {
        let _ = write!(way, ":{port}");
    }
    way
}

fn parser(step: &Step) -> String {
    match &step.reading {
        Reading::Verb(_, source) | Reading::Join(_, source) => source.parser.clone(),
        Reading::Parser(parser) => parser.clone(),
        Reading::Data | Reading::Text => String::new(),
    }
}
