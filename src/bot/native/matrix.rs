//! `mping` and `mtrace`: many devices, many hosts, one grid. The devices do it by their command lines, as for
//! `ping r1 10.0.0.1`, each its hosts one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Asked, hosts};
use crate::answer::{Answer, Block};
use crate::bot::{Bot, plan};
use crate::catalogue::Catalogue;
use crate::command::{self, Command, Question};
use crate::error::{Error, Kind, Result};
use crate::table::{Column, Table, Type, Value};
use crate::verb::{ArgumentValue, Native, Verb};

/// The most columns of a grid; more hosts are rows.
const GRID: usize = 12;

/// The plan of a matrix: one job per device, one command per host.
pub(super) fn plan(
    question: &Question,
    asked: &Asked,
    catalogue: &Arc<Catalogue>,
    bot: &Bot,
) -> Result<plan::Plan> {
    let Command::Verb { targets, arguments, .. } = &question.command else {
        return Err(Error::new(Kind::Internal, "this question is no matrix"));
    };
    let most = bot.probing.settings.pairs;
    let devices = command::resolve(targets, catalogue)?.len();
    let dst = command::targets_of(asked.word("dst").unwrap_or_default())?;
    let wanted = hosts::wanted(&dst, catalogue, most.max(1))?;
    let pairs = devices * wanted.len();
    if pairs > most {
        return Err(Error::new(
            Kind::Limit,
            format!(
                "{devices} devices and {} hosts are {pairs} pairs; {most} is the most for one question",
                wanted.len()
            ),
        )
        .hint("name fewer of either, or raise `probe.pairs` in nocbot.yaml"));
    }
    let verb = single(asked.native, catalogue)?;
    let mut whole: Option<plan::Plan> = None;
    for host in wanted {
        let mut arguments = arguments.clone();
        arguments.retain(|name, _| verb.arguments.iter().any(|argument| argument.name == *name));
        // A device knows addresses better than the names of our inventory.
        let value = match host.address {
            Some(address) => ArgumentValue::Ip(address),
            None if hosts::could_be_a_name(&host.dial) => ArgumentValue::Word(host.dial),
            None => {
                let message =
                    format!("`{}` is no address and no DNS name that a device may be given", host.dial);
                return Err(Error::question(message));
            }
        };
        arguments.insert("host".to_owned(), value);
        let command = Command::Verb { verb: Arc::clone(&verb), targets: targets.clone(), arguments };
        let one = plan::make(&Question { command, ..question.clone() }, catalogue, bot.limits.devices)?;
        match &mut whole {
            None => whole = Some(one),
            Some(whole) => {
                for (job, more) in whole.jobs.iter_mut().zip(one.jobs) {
                    for (way, more) in job.ways.iter_mut().zip(more.ways) {
                        let further = |step| crate::run::Step { further: true, ..step };
                        way.steps.extend(more.steps.into_iter().map(further));
                    }
                }
            }
        }
    }
    let whole = whole.ok_or_else(|| Error::question("no host is named"))?;
    // What a device does not repeat is filled in only where there is one host.
    let mut given = whole.given.clone();
    given.remove("host");
    Ok(plan::Plan {
        question: command::canonical(question),
        timeout: asked.verb.timeout.map(std::time::Duration::from_secs),
        given,
        ..whole
    })
}

/// The verb that does it for one pair.
fn single(native: Native, catalogue: &Catalogue) -> Result<Arc<Verb>> {
    let wanted = if native == Native::Mping { Native::Ping } else { Native::Trace };
    let found = catalogue.verbs.values().find(|verb| verb.bot == Some(wanted));
    found.cloned().ok_or_else(|| Error::new(Kind::Config, "there is no verb that does this for one pair"))
}

/// Puts the grid before the rows; with bars, or where it would be too wide, the rows alone stay.
pub(super) fn grid(mut answer: Answer, native: Native, bars: bool) -> Answer {
    let rows = answer.table().filter(|_| native == Native::Mping && !bars);
    let Some(grid) = rows.and_then(made) else { return answer };
    answer.blocks.retain(|block| !matches!(block, Block::Table { .. }));
    answer.blocks.insert(0, Block::Table { title: None, table: grid });
    answer
}

fn made(rows: &Table) -> Option<Table> {
    let at = |name: &str| rows.column(name);
    let (device, host, loss, avg) = (at("device")?, at("host")?, at("loss")?, at("avg")?);
    let mut cells: BTreeMap<String, BTreeMap<String, (f64, f64, String)>> = BTreeMap::new();
    let mut hosts: Vec<(String, f64)> = Vec::new();
    for row in &rows.rows {
        let cell = |index: usize| row.get(index).cloned().unwrap_or_default();
        let lost = match cell(loss) {
            Value::Number(loss) => loss,
            _ => 0.0,
        };
        let time = match cell(avg) {
            Value::Duration(time) => time.as_secs_f64(),
            _ => 0.0,
        };
        let text = match cell(avg) {
            Value::Null => format!("{}%", Value::Number(lost)),
            time if lost == 0.0 => time.to_string(),
            time => format!("{}% {time}", Value::Number(lost)),
        };
        let name = cell(host).to_string();
        match hosts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, worst)) => *worst = worst.max(lost),
            None => hosts.push((name.clone(), lost)),
        }
        cells.entry(cell(device).to_string()).or_default().insert(name, (lost, time, text));
    }
    if hosts.is_empty() || hosts.len() > GRID {
        return None;
    }
    hosts.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    let mut columns = vec![Column::new("device", Type::Text)];
    columns.extend(hosts.iter().map(|(name, _)| Column::new(name.as_str(), Type::Text)));
    let mut lines: Vec<(f64, f64, Vec<Value>)> = cells
        .into_iter()
        .map(|(device, cells)| {
            let worst = cells.values().map(|(loss, ..)| *loss).fold(0.0, f64::max);
            let slowest = cells.values().map(|(_, time, _)| *time).fold(0.0, f64::max);
            let mut row = vec![Value::text(device)];
            row.extend(hosts.iter().map(|(name, _)| {
                cells.get(name).map_or(Value::Null, |(.., text)| Value::text(text.as_str()))
            }));
            (worst, slowest, row)
        })
        .collect();
    lines.sort_by(|left, right| right.0.total_cmp(&left.0).then(right.1.total_cmp(&left.1)));
    let mut table = Table::new(columns);
    for (.., row) in lines {
        table.push(row);
    }
    Some(table)
}
