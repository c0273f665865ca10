//! `pmtu`, `tcp`, `dns`, `tls`: rows of what single hosts say.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::sheet::{self, Known, push};
use super::{Found, Work};
use crate::answer::DeviceFailure;
use crate::command;
use crate::error::{Error, Failure, FailureKind, Kind, Result};
use crate::probe::{dns, pmtu, tcp, tls};
use crate::table::Value;

/// How many hosts are asked at the same time.
const AT_ONCE: usize = 64;
/// Seconds of a day.
const DAY: i64 = 86_400;

impl Work<'_> {
    pub(super) async fn pmtu(&mut self) -> Result<Found> {
        let (src, timeout) = (self.source()?, self.asked.time("timeout", Duration::from_secs(1)));
        let (hosts, failures, notes) = self.hosts().await;
        let mut found = self.found(hosts.len(), failures, notes);
        let known = Known::of(&self.asked.catalogue.inventory);
        let permits = Semaphore::new(AT_ONCE);
        let (pace, limits) = (self.pace(), &self.limits);
        let results = join_all(hosts.iter().map(|host| async {
            let _permit = permits.acquire().await;
            pmtu::find(host.address, src, timeout, pace, limits).await
        }))
        .await;
        for (host, result) in hosts.iter().zip(results) {
            match result {
                Ok(path) => {
                    let (at, interface) = path.by.map_or((Value::Null, Value::Null), |by| known.get(by));
                    let how = match (path.by, path.silent) {
                        (Some(_), _) => "a router says so",
                        (None, true) => "larger packets vanish",
                        (None, false) => "this machine's link",
                    };
                    push(
                        &mut found.table,
                        [
                            ("host", sheet::host(&host.name)),
                            ("address", Value::Ip(host.address)),
                            ("mtu", Value::int(path.mtu)),
                            ("link", Value::int(path.link)),
                            ("how", Value::text(how)),
                            ("by", sheet::address(path.by)),
                            ("at", at),
                            ("interface", interface),
                            ("sent", sheet::number(path.sent)),
                        ],
                    );
                }
                Err(failure) => found.failures.push(DeviceFailure { device: host.name.clone(), failure }),
            }
        }
        Ok(found)
    }

    pub(super) async fn tcp(&mut self) -> Result<Found> {
        let (src, timeout) = (self.source()?, self.asked.time("timeout", Duration::from_secs(2)));
        let ports = command::ports(self.asked.word("port").unwrap_or_default()).map_err(Error::question)?;
        let (hosts, failures, notes) = self.hosts().await;
        let most = self.settings().addresses;
        if hosts.len() * ports.len() > most {
            let number = hosts.len() * ports.len();
            return Err(Error::new(
                Kind::Limit,
                format!("these are {number} connections; {most} is the most for one question"),
            )
            .hint("ask fewer hosts or ports, or raise `probe.addresses` in nocbot.yaml"));
        }
        let mut found = self.found(hosts.len(), failures, notes);
        let permits = Semaphore::new(AT_ONCE);
        let (pace, limits) = (self.pace(), &self.limits);
        let pairs = hosts.iter().flat_map(|host| ports.iter().map(move |port| (host, *port)));
        let results = join_all(pairs.map(|(host, port)| {
            let permits = &permits;
            async move {
                let _permit = permits.acquire().await;
                let to = SocketAddr::new(host.address, port);
                (host, port, tcp::connect(to, src, timeout, pace, limits).await)
            }
        }))
        .await;
        for (host, port, result) in results {
            push(
                &mut found.table,
                [
                    ("host", sheet::host(&host.name)),
                    ("address", Value::Ip(host.address)),
                    ("port", Value::Int(i64::from(port))),
                    ("state", Value::text(result.state.as_str())),
                    ("time", sheet::time(result.time)),
                    ("banner", result.banner.map_or(Value::Null, Value::text)),
                    ("error", result.why.map_or(Value::Null, Value::text)),
                ],
            );
        }
        Ok(found)
    }

    pub(super) async fn dns(&mut self) -> Result<Found> {
        let kind = self.asked.word("type").unwrap_or("A").to_uppercase();
        let servers = self.servers().await?;
        let names: Vec<String> = self.asked.wanted.iter().map(|wanted| wanted.dial.clone()).collect();
        let mut found = self.found(names.len(), Vec::new(), Vec::new());
        let permits = Semaphore::new(AT_ONCE);
        let limits = &self.limits;
        let results = join_all(names.iter().map(|name| async {
            let _permit = permits.acquire().await;
            let mut last = None;
            for server in &servers {
                match dns::ask(*server, name, &kind, limits).await {
                    Ok(reply) => return Ok(reply),
                    Err(failure) => last = Some(failure),
                }
            }
            Err(last.unwrap_or_else(|| Failure::new(FailureKind::Resolve, "there is no name server to ask")))
        }))
        .await;
        for (name, result) in names.into_iter().zip(results) {
            let reply = match result {
                Ok(reply) => reply,
                Err(failure) => {
                    found.failures.push(DeviceFailure { device: name, failure });
                    continue;
                }
            };
            let common = |section: &str| {
                [
                    ("query", Value::text(name.as_str())),
                    ("status", Value::text(reply.status.as_str())),
                    ("server", sheet::address(reply.server.map(|server| server.ip()))),
                    ("time", Value::Duration(reply.took)),
                    ("section", Value::text(section)),
                ]
            };
            if reply.records.is_empty() {
                push(&mut found.table, common(""));
            }
            for record in &reply.records {
                let [query, status, server, time, section] = common(record.section);
                let cells = [
                    query,
                    status,
                    server,
                    time,
                    section,
                    ("name", Value::text(record.name.as_str())),
                    ("type", Value::text(record.kind.as_str())),
                    ("ttl", Value::Int(i64::from(record.ttl))),
                    ("data", Value::text(record.data.as_str())),
                ];
                push(&mut found.table, cells);
            }
            if reply.by_tcp {
                found.notes.push(format!("{name}: the answer came by TCP, it was too long for UDP"));
            }
        }
        Ok(found)
    }

    /// The name server that the question names, or the machine's own.
    async fn servers(&self) -> Result<Vec<SocketAddr>> {
        let Some(server) = self.asked.word("server").map(|server| server.trim_start_matches('@')) else {
            let own: Vec<SocketAddr> =
                dns::servers().into_iter().map(|server| SocketAddr::new(server, 53)).collect();
            if own.is_empty() {
                return Err(
                    Error::question("this machine has no name server").hint("name one: `dns NAME @SERVER`")
                );
            }
            return Ok(own);
        };
        let port = self.asked.int("port").unwrap_or(53);
        if let Ok(address) = server.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let looked_up =
            tokio::time::timeout_at(self.limits.deadline, tokio::net::lookup_host((server.to_owned(), port)))
                .await;
        match looked_up {
            Ok(Ok(found)) => Ok(found.collect()),
            _ => Err(Error::question(format!("the name server `{server}` has no address"))),
        }
    }

    pub(super) async fn tls(&mut self) -> Result<Found> {
        let port: u16 = self.asked.int("port").unwrap_or(443);
        let timeout = self.asked.time("timeout", Duration::from_secs(5));
        let name = self.asked.word("name").map(str::to_owned);
        let (hosts, failures, notes) = self.hosts().await;
        let mut found = self.found(hosts.len(), failures, notes);
        let permits = Semaphore::new(AT_ONCE);
        let limits = &self.limits;
        let asked = self.asked;
        let results = join_all(hosts.iter().map(|host| {
            let (permits, name) = (&permits, &name);
            async move {
                let _permit = permits.acquire().await;
                let dial = asked
                    .wanted
                    .iter()
                    .find(|wanted| wanted.name == host.name)
                    .map(|wanted| wanted.dial.as_str());
                let name = name.as_deref().or(dial).unwrap_or(&host.name);
                tls::look(SocketAddr::new(host.address, port), name, timeout, limits).await
            }
        }))
        .await;
        let now = jiff::Timestamp::now().as_second();
        for (host, result) in hosts.iter().zip(results) {
            let seen = match result {
                Ok(seen) => seen,
                Err(failure) => {
                    found.failures.push(DeviceFailure { device: host.name.clone(), failure });
                    continue;
                }
            };
            for (depth, certificate) in seen.chain.iter().enumerate() {
                let own = depth == 0;
                let only = |value: Value| if own { value } else { Value::Null };
                let trusted = match &seen.trusted {
                    Ok(()) => "yes".to_owned(),
                    Err(why) => why.clone(),
                };
                push(
                    &mut found.table,
                    [
                        ("host", sheet::host(&host.name)),
                        ("address", Value::Ip(host.address)),
                        ("depth", Value::int(depth)),
                        ("subject", Value::text(certificate.subject.as_str())),
                        ("issuer", Value::text(certificate.issuer.as_str())),
                        ("names", Value::List(certificate.names.iter().map(Value::text).collect())),
                        ("days", Value::Int((certificate.until - now).div_euclid(DAY))),
                        ("until", date(certificate.until)),
                        ("trusted", only(Value::text(trusted))),
                        ("protocol", only(Value::text(seen.protocol.replace("TLSv1_", "TLS 1.")))),
                        ("cipher", only(Value::text(seen.cipher.as_str()))),
                        ("time", only(Value::Duration(seen.took))),
                        ("serial", Value::text(certificate.serial.as_str())),
                    ],
                );
            }
        }
        Ok(found)
    }

    fn found(&self, asked: usize, failures: Vec<DeviceFailure>, notes: Vec<String>) -> Found {
        Found {
            table: sheet::table(&self.asked.verb),
            asked: asked + failures.len(),
            failures,
            notes,
            silent: 0,
        }
    }
}

/// A moment as its day.
fn date(seconds: i64) -> Value {
    let day = jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string());
    day.and_then(|day| day.get(..10).map(Value::text)).unwrap_or_default()
}
