//! `trace` and `mtr`: rows of hops.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::hosts::Host;
use super::sheet::{self, Known, push};
use super::{Found, Work};
use crate::answer::{DeviceFailure, text};
use crate::error::{Error, Failure, FailureKind, Result};
use crate::probe::ping::Tally;
use crate::probe::trace::{Hop, Options, Protocol, Reply, Tracer, What};
use crate::probe::{Limits, dns};
use crate::table::{Table, Value};

/// How many paths are traced at the same time.
const AT_ONCE: usize = 16;
/// What names may take beyond the trace itself.
const NAMES: Duration = Duration::from_millis(700);

/// Names of hops, looked up while packets are still out.
#[derive(Default)]
struct Names {
    tasks: JoinSet<(IpAddr, Option<String>)>,
    known: BTreeMap<IpAddr, Option<String>>,
}

impl Names {
    fn want(&mut self, hops: &[Hop], limits: &Limits) {
        for address in hops.iter().flat_map(|hop| &hop.replies).map(|reply| reply.from) {
            if self.known.insert(address, self.known.get(&address).cloned().flatten()).is_none() {
                let limits = limits.clone();
                self.tasks.spawn(async move { (address, dns::name_of(address, &limits).await) });
            }
        }
    }

    /// What is known within a moment; the rest stays without a name.
    async fn finish(&mut self) -> &BTreeMap<IpAddr, Option<String>> {
        let all = async {
            while let Some(Ok((address, name))) = self.tasks.join_next().await {
                self.known.insert(address, name);
            }
        };
        let _ = timeout(NAMES, all).await;
        self.tasks.abort_all();
        &self.known
    }
}

/// What hops are matched with.
struct Match {
    known: Known,
    names: BTreeMap<IpAddr, Option<String>>,
}

impl Match {
    fn name(&self, address: IpAddr) -> Value {
        self.names.get(&address).cloned().flatten().map_or(Value::Null, Value::text)
    }
}

impl Work<'_> {
    fn trace_options(&self) -> Result<Options> {
        let (asked, default) = (self.asked, Options::default());
        let port = asked.int("port").unwrap_or(443);
        Ok(Options {
            protocol: match asked.word("proto") {
                Some("icmp") => Protocol::Icmp,
                Some("tcp") => Protocol::Tcp(port),
                _ => Protocol::Udp,
            },
            probes: asked.int("probes").unwrap_or(default.probes),
            most: asked.int("max").unwrap_or(default.most),
            timeout: asked.time("timeout", default.timeout),
            paris: asked.word("paris") != Some("off"),
            src: self.source()?,
            size: asked.int("size").unwrap_or(default.size),
            tos: asked.int("tos"),
        })
    }

    /// Traces every host; each path in a task of its own.
    pub(super) async fn trace(&mut self) -> Result<Found> {
        let options = self.trace_options()?;
        let (hosts, failures, notes) = self.hosts().await;
        let (said, mut hear) = tokio::sync::mpsc::channel::<(usize, Vec<Hop>)>(64);
        let permits = Semaphore::new(AT_ONCE);
        let Self { asked, bot, limits, shown } = self;
        let (pace, limits) = (&bot.probing.pace, &*limits);
        let work = hosts.iter().enumerate().map(|(index, host)| {
            let (options, said, permits) = (options.clone(), said.clone(), &permits);
            async move {
                let _permit = permits.acquire().await;
                let probes = options.probes;
                let mut tracer = Tracer::new(host.address, options)?;
                let tell = |hops: &[Hop]| {
                    // A full channel means that nobody looks that fast.
                    let _ = said.try_send((index, hops.to_vec()));
                };
                let hops = tracer.round(probes, None, pace, limits, tell).await?;
                Ok::<_, Error>((hops, tracer.apart()))
            }
        });
        let mut work = std::pin::pin!(futures_util::future::join_all(work));
        let mut found = Found {
            table: sheet::table(&asked.verb),
            asked: hosts.len() + failures.len(),
            failures,
            notes,
            silent: 0,
        };
        let mut matched = Match { known: Known::of(&asked.catalogue.inventory), names: BTreeMap::new() };
        let mut names = Names::default();
        let lookups = limits.clone();
        let mut partial: Vec<Vec<Hop>> = vec![Vec::new(); hosts.len()];
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                Some((index, hops)) = hear.recv() => {
                    names.want(&hops, &lookups);
                    if let Some(slot) = partial.get_mut(index) {
                        *slot = hops;
                    }
                    let mut table = sheet::table(&asked.verb);
                    for (host, hops) in hosts.iter().zip(&partial) {
                        rows(&mut table, host, hops, &matched);
                    }
                    let lines = text::table(&table.without_empty_columns(), None);
                    let waiting = hosts.iter().zip(&partial).filter(|(_, hops)| !reached(hops)).map(|(host, _)| host.name.as_str());
                    let done = partial.iter().filter(|hops| reached(hops)).count();
                    shown.tell(done, hosts.len(), waiting, &lines);
                }
            }
        };
        for hops in done.iter().flatten() {
            names.want(&hops.0, &lookups);
        }
        matched.names.clone_from(names.finish().await);
        for (host, result) in hosts.iter().zip(done) {
            match result {
                Ok((hops, apart)) => {
                    rows(&mut found.table, host, &hops, &matched);
                    found.notes.extend(remarks(host, &hops, apart));
                    found.silent += usize::from(!reached(&hops));
                }
                Err(error) => {
                    found
                        .failures
                        .push(DeviceFailure { device: host.name.clone(), failure: failure(&error) });
                }
            }
        }
        Ok(found)
    }

    /// Traces again and again, and shows one table.
    pub(super) async fn mtr(&mut self) -> Result<Found> {
        let options = self.trace_options()?;
        let (hosts, failures, mut notes) = self.hosts().await;
        let count: u32 = self.asked.int("count").unwrap_or(10);
        let interval = self.asked.time("interval", Duration::from_millis(500));
        let known = || Known::of(&self.asked.catalogue.inventory);
        let mut matched = Match { known: known(), names: BTreeMap::new() };
        let mut names = Names::default();
        let mut table = sheet::table(&self.asked.verb);
        let mut silent = 0;
        let asked = hosts.len() + failures.len();
        let mut failed = failures;
        for host in &hosts {
            let limits = self.limits.clone();
            let mut tracer = match Tracer::new(host.address, options.clone()) {
                Ok(tracer) => tracer,
                Err(error) => {
                    failed.push(DeviceFailure { device: host.name.clone(), failure: failure(&error) });
                    continue;
                }
            };
            let (mut lines, mut expected, mut rounds) = (Lines::new(), None, 0);
            while rounds < count && !limits.cancel.is_cancelled() && Instant::now() < limits.deadline {
                let start = Instant::now();
                match tracer.round(1, expected, self.pace(), &limits, |_| {}).await {
                    Ok(hops) => {
                        rounds += 1;
                        let last = hops.iter().rev().find(|hop| !hop.replies.is_empty());
                        expected = last.filter(|_| reached(&hops)).map(|hop| hop.ttl).or(expected);
                        names.want(&hops, &limits);
                        lines.add(&hops);
                    }
                    Err(error) => {
                        failed.push(DeviceFailure { device: host.name.clone(), failure: failure(&error) });
                        break;
                    }
                }
                while let Some(Ok((address, name))) = names.tasks.try_join_next() {
                    names.known.insert(address, name);
                }
                matched.names.clone_from(&names.known);
                let mut shown = sheet::table(&self.asked.verb);
                lines.rows(&mut shown, host, &matched);
                let text = format!(
                    "round {rounds} of {count}\n{}",
                    text::table(&shown.without_empty_columns(), None)
                );
                self.shown.tell(
                    usize::try_from(rounds).unwrap_or(0),
                    usize::try_from(count).unwrap_or(0),
                    std::iter::empty(),
                    &text,
                );
                if rounds < count {
                    tokio::select! {
                        () = tokio::time::sleep_until(limits.deadline.min(start + interval)) => {}
                        () = limits.cancel.cancelled() => {}
                    }
                }
            }
            matched.names.clone_from(names.finish().await);
            lines.rows(&mut table, host, &matched);
            if rounds > 0 && rounds < count {
                notes.push(format!("{}: {rounds} of {count} rounds", host.name));
            }
            silent += usize::from(!lines.reached);
        }
        Ok(Found { table, failures: failed, notes, asked, silent })
    }
}

fn failure(error: &Error) -> Failure {
    let failure = Failure::new(FailureKind::Connect, error.message().to_owned());
    match error.hints().first() {
        Some(hint) => failure.hint(hint.clone()),
        None => failure,
    }
}

/// Whether the destination itself answered.
fn reached(hops: &[Hop]) -> bool {
    hops.iter().flat_map(|hop| &hop.replies).any(|reply| reply.what == What::Reached)
}

/// What rows do not say.
fn remarks(host: &Host, hops: &[Hop], apart: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let last = hops.iter().rev().find(|hop| !hop.replies.is_empty()).map_or(0, |hop| hop.ttl);
    let asked = hops.last().map_or(0, |hop| hop.ttl);
    if asked > last && asked > 0 {
        notes.push(format!("{}: nobody answered from hop {} to {asked}", host.name, last + 1));
    }
    if apart {
        notes.push(format!(
            "{}: a router quotes only headers, so the hops that were silent at first were asked in flows of their own",
            host.name
        ));
    }
    notes
}

/// Adds the rows of one path: a row for each address that answered at a distance.
fn rows(table: &mut Table, host: &Host, hops: &[Hop], matched: &Match) {
    let last = hops.iter().rev().find(|hop| !hop.replies.is_empty()).map_or(0, |hop| hop.ttl);
    for hop in hops.iter().filter(|hop| hop.ttl <= last) {
        let mut by: Vec<(IpAddr, Vec<&Reply>)> = Vec::new();
        for reply in &hop.replies {
            match by.iter_mut().find(|(from, _)| *from == reply.from) {
                Some((_, replies)) => replies.push(reply),
                None => by.push((reply.from, vec![reply])),
            }
        }
        let answered = u32::try_from(hop.replies.len()).unwrap_or(u32::MAX);
        let mut lost = hop.sent.saturating_sub(answered);
        let number = ("hop", Value::Int(i64::from(hop.ttl)));
        if by.is_empty() {
            let stars = (0..hop.sent).map(|_| Value::text("*")).collect();
            push(table, [("host", sheet::host(&host.name)), number, ("rtt", Value::List(stars))]);
            continue;
        }
        for (from, replies) in by {
            let mut times: Vec<Value> = replies.iter().map(|reply| Value::Duration(reply.rtt)).collect();
            times.extend((0..std::mem::take(&mut lost)).map(|_| Value::text("*")));
            let marks: Vec<String> =
                replies.iter().map(|reply| reply.mark()).filter(|mark| !mark.is_empty()).collect();
            let labels: Vec<Value> = replies
                .iter()
                .find(|reply| !reply.labels.is_empty())
                .map(|reply| reply.labels.iter().map(|label| Value::text(label.to_string())).collect())
                .unwrap_or_default();
            let (at, interface) = matched.known.get(from);
            push(
                table,
                [
                    ("host", sheet::host(&host.name)),
                    number.clone(),
                    ("address", Value::Ip(from)),
                    ("name", matched.name(from)),
                    ("at", at),
                    ("interface", interface),
                    ("rtt", Value::List(times)),
                    ("mark", marks.first().map_or(Value::Null, Value::text)),
                    ("mpls", if labels.is_empty() { Value::Null } else { Value::List(labels) }),
                ],
            );
        }
    }
}

/// The hops of many rounds.
struct Lines {
    hops: BTreeMap<u8, Line>,
    reached: bool,
    /// How far the last round went.
    last: u8,
}

/// One distance over all rounds.
#[derive(Default)]
struct Line {
    tally: Tally,
    /// Who answered, and how often; the newest last.
    by: Vec<(IpAddr, u32)>,
    mark: String,
    labels: Vec<Value>,
}

impl Lines {
    fn new() -> Self {
        Self { hops: BTreeMap::new(), reached: false, last: 0 }
    }

    fn add(&mut self, hops: &[Hop]) {
        let ends = reached(hops);
        self.reached |= ends;
        // Beyond the last who ever answered there is nothing to count.
        let last = hops.iter().rev().find(|hop| !hop.replies.is_empty()).map_or(0, |hop| hop.ttl);
        self.last = self.last.max(last);
        for hop in hops {
            let line = self.hops.entry(hop.ttl).or_default();
            line.tally.sent += hop.sent;
            for reply in &hop.replies {
                line.tally.answered(reply.rtt, None);
                let before =
                    line.by.iter().position(|(from, _)| *from == reply.from).map(|at| line.by.remove(at));
                line.by.push((reply.from, before.map_or(1, |(_, count)| count + 1)));
                line.mark = reply.mark();
                line.labels = reply.labels.iter().map(|label| Value::text(label.to_string())).collect();
            }
        }
    }

    fn rows(&self, table: &mut Table, host: &Host, matched: &Match) {
        for (ttl, line) in self.hops.iter().filter(|(ttl, _)| **ttl <= self.last) {
            let newest = line.by.last().map(|(from, _)| *from);
            let (at, interface) = newest.map_or((Value::Null, Value::Null), |from| matched.known.get(from));
            let also: Vec<Value> = line
                .by
                .iter()
                .rev()
                .skip(1)
                .map(|(from, count)| Value::text(format!("{from} ({count})")))
                .collect();
            let tally = &line.tally;
            push(
                table,
                [
                    ("host", sheet::host(&host.name)),
                    ("hop", Value::Int(i64::from(*ttl))),
                    ("address", sheet::address(newest)),
                    ("name", newest.map_or(Value::Null, |from| matched.name(from))),
                    ("at", at),
                    ("interface", interface),
                    ("sent", sheet::number(tally.sent)),
                    ("received", sheet::number(tally.received)),
                    ("loss", Value::Number(tally.loss())),
                    ("last", sheet::time(tally.last)),
                    ("min", sheet::time(tally.min())),
                    ("avg", sheet::time(tally.avg())),
                    ("max", sheet::time(tally.max())),
                    ("mdev", sheet::time(tally.mdev())),
                    ("mark", Value::text(line.mark.as_str())),
                    ("also", if also.is_empty() { Value::Null } else { Value::List(also) }),
                    (
                        "mpls",
                        if line.labels.is_empty() { Value::Null } else { Value::List(line.labels.clone()) },
                    ),
                ],
            );
        }
    }
}
