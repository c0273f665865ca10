//! `ping`: rows of tallies.

use std::net::IpAddr;

use super::hosts::Host;
use super::sheet::{self, push};
use super::{Found, Work};
use crate::answer::text;
use crate::error::{Error, Result};
use crate::probe::ping::{self, Options, Tally};
use crate::probe::{Family, socket};
use crate::table::{Table, Value};
use crate::verb::Verb;

/// How many rows are shown while it runs.
const SHOWN: usize = 15;

impl Work<'_> {
    pub(super) async fn ping(&mut self) -> Result<Found> {
        let options = self.ping_options()?;
        let (hosts, failures, mut notes) = self.hosts().await;
        let addresses: Vec<IpAddr> = hosts.iter().map(|host| host.address).collect();
        let limits = self.limits.clone();
        let Self { asked, bot, shown, .. } = self;
        let total = options.count;
        let mut tell = |tallies: &[Tally]| {
            let done = tallies.iter().filter(|tally| tally.received > 0).count();
            let silent = hosts.iter().zip(tallies).filter(|(_, tally)| tally.received == 0 && tally.sent > 0);
            let table =
                rows(&asked.verb, hosts.iter().zip(tallies).filter(|(_, tally)| tally.sent > 0), SHOWN);
            let head = format!("packet {} of {total}\n", tallies.iter().map(|t| t.sent).max().unwrap_or(0));
            let lines = head + &text::table(&table.without_empty_columns(), None);
            shown.tell(done, hosts.len(), silent.map(|(host, _)| host.name.as_str()), &lines);
        };
        let tallies = if addresses.is_empty() {
            Vec::new()
        } else if let Some(hint) = no_icmp(&addresses) {
            let port = bot.probing.settings.tcp_port;
            notes.push(format!(
                "no ICMP socket here: these are the times of TCP connections to port {port}, accepted or refused. {hint}"
            ));
            ping::run_by_tcp(&addresses, port, &options, &bot.probing.pace, &limits, &mut tell).await
        } else {
            ping::run(&addresses, &options, &bot.probing.pace, &limits, &mut tell).await?
        };
        for (host, tally) in hosts.iter().zip(&tallies) {
            if let Some((count, from)) = tally.strange {
                notes.push(format!(
                    "{}: {count} answers came from {from} instead; they are not counted",
                    host.name
                ));
            }
        }
        let table = rows(&asked.verb, hosts.iter().zip(&tallies), usize::MAX);
        let silent = tallies.iter().filter(|tally| tally.received == 0).count();
        Ok(Found { table, asked: hosts.len() + failures.len(), failures, notes, silent })
    }

    fn ping_options(&self) -> Result<Options> {
        let default = Options::default();
        let asked = self.asked;
        Ok(Options {
            count: asked.int("count").unwrap_or(default.count),
            interval: asked.time("interval", default.interval),
            size: asked.int("size").unwrap_or(default.size),
            df: asked.flag("df"),
            ttl: asked.int("ttl"),
            src: self.source()?,
            timeout: asked.time("timeout", default.timeout),
            tos: asked.int("tos"),
        })
    }

    /// The source address that the question names.
    pub(super) fn source(&self) -> Result<Option<IpAddr>> {
        let Some(src) = self.asked.arguments.get("src").map(ToString::to_string) else { return Ok(None) };
        src.parse().map(Some).map_err(|_| {
            Error::question(format!("`{src}` is no address"))
                .hint("from here `src` is an address of the machine on which nocbot runs; an interface's name works on devices")
        })
    }
}

/// How to get ICMP, where a family that is wanted has none.
fn no_icmp(addresses: &[IpAddr]) -> Option<String> {
    let family = |wanted: Family| addresses.iter().any(|address| Family::of(*address) == wanted);
    let mut wanted = [Family::V4, Family::V6].into_iter().filter(|wanted| family(*wanted));
    let error = wanted.find_map(|wanted| socket::icmp(wanted).err())?;
    Some(format!("To ping by ICMP, {}", error.hints().first().cloned().unwrap_or_default()))
}

fn rows<'a>(verb: &Verb, tallies: impl Iterator<Item = (&'a Host, &'a Tally)>, most: usize) -> Table {
    let mut table = sheet::table(verb);
    let mut tallies: Vec<(&Host, &Tally)> = tallies.collect();
    tallies.sort_by(|(_, left), (_, right)| right.loss().total_cmp(&left.loss()));
    for (host, tally) in tallies.into_iter().take(most) {
        let trouble = tally.trouble.as_ref();
        let from = trouble.and_then(ping::Trouble::by).or(tally.strange.map(|(_, from)| from));
        let error = match (trouble, tally.strange) {
            (Some(trouble), _) => Value::text(trouble.words()),
            (None, Some(_)) if tally.received == 0 => Value::text("answered by another address"),
            (None, _) => Value::Null,
        };
        push(
            &mut table,
            [
                ("host", sheet::host(&host.name)),
                ("address", Value::Ip(host.address)),
                ("sent", sheet::number(tally.sent)),
                ("received", sheet::number(tally.received)),
                ("loss", Value::Number(tally.loss())),
                ("min", sheet::time(tally.min())),
                ("avg", sheet::time(tally.avg())),
                ("max", sheet::time(tally.max())),
                ("mdev", sheet::time(tally.mdev())),
                ("ttl", tally.ttl.map_or(Value::Null, |ttl| Value::Int(i64::from(ttl)))),
                ("duplicates", sheet::some(tally.duplicates)),
                ("late", sheet::some(tally.late)),
                ("error", error),
                ("from", sheet::address(from)),
            ],
        );
    }
    table
}
