//! Whom a probe is for: devices of the inventory, addresses, prefixes, names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnetwork::IpNetwork;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::answer::DeviceFailure;
use crate::catalogue::Catalogue;
use crate::command::{self, Join, Selector, Targets};
use crate::error::{Error, Failure, FailureKind, Kind, Result};
use crate::probe::{self, Limits, socket};

/// How long a name may take, and how many are looked up at the same time.
const NAME: Duration = Duration::from_secs(5);
const AT_ONCE: usize = 32;

/// Somebody as the question names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    /// A device's name, an address or a DNS name.
    pub name: String,
    /// What is looked up where it is no address: a device's `hostname`.
    pub dial: String,
    /// The address, where no name has to be looked up.
    pub address: Option<IpAddr>,
}

/// Somebody with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// As the question names them.
    pub name: String,
    /// Where packets go.
    pub address: IpAddr,
}

/// Everybody whom a target expression names, each once, in the order named.
///
/// # Errors
/// For what can be no host, for addresses that stand for many, and for more addresses than `most`.
pub(super) fn wanted(targets: &Targets, catalogue: &Arc<Catalogue>, most: usize) -> Result<Vec<Wanted>> {
    let mut chosen: Vec<Wanted> = Vec::new();
    for (index, term) in targets.terms.iter().enumerate() {
        let found = one(targets, index, &term.selector, catalogue, most)?;
        let addresses: BTreeSet<IpAddr> = found.iter().filter_map(|wanted| wanted.address).collect();
        let names: BTreeSet<&str> = found.iter().map(|wanted| wanted.name.as_str()).collect();
        let within = |wanted: &Wanted| {
            names.contains(wanted.name.as_str())
                || wanted.address.is_some_and(|address| addresses.contains(&address))
        };
        match term.join {
            Join::Union => {
                let known: BTreeSet<Wanted> = chosen.iter().cloned().collect();
                chosen.extend(found.into_iter().filter(|wanted| !known.contains(wanted)));
            }
            Join::Intersection => chosen.retain(within),
            Join::Minus => chosen.retain(|wanted| !within(wanted)),
        }
        if chosen.len() > most {
            return Err(too_many(&targets.text, &chosen.len().to_string(), most));
        }
    }
    if chosen.is_empty() {
        return Err(Error::question(format!("no host is left of `{}`", targets.text)).hint(
            "terms are joined from left to right: `,` adds, `&` keeps what both have, ` - ` takes away",
        ));
    }
    Ok(chosen)
}

/// What a name server is asked about: the words as they are, devices by what is dialled.
pub(super) fn names(targets: &Targets, catalogue: &Arc<Catalogue>) -> Result<Vec<Wanted>> {
    let mut found = Vec::new();
    for (index, term) in targets.terms.iter().enumerate() {
        match (&term.selector, term.join) {
            (Selector::Name(name), Join::Union) => {
                let device = catalogue.inventory.get(name).map(|device| device.hostname.clone());
                let dial = device.unwrap_or_else(|| name.clone());
                found.push(Wanted { name: name.clone(), dial, address: None });
            }
            (_, Join::Union) => {
                found.extend(command::term(targets, index, catalogue)?.iter().map(|device| Wanted {
                    name: device.name.clone(),
                    dial: device.hostname.clone(),
                    address: None,
                }));
            }
            _ => {
                return Err(Error::question("names are joined by `,` here")
                    .hint("for example `dns a.example,b.example`"));
            }
        }
    }
    Ok(found)
}

fn too_many(text: &str, number: &str, most: usize) -> Error {
    Error::new(Kind::Limit, format!("`{text}` means {number} addresses; {most} is the most for one question"))
        .hint("ask a longer prefix, or raise `probe.addresses` in nocbot.yaml")
}

fn one(
    targets: &Targets,
    index: usize,
    selector: &Selector,
    catalogue: &Arc<Catalogue>,
    most: usize,
) -> Result<Vec<Wanted>> {
    if let Selector::Name(name) = selector {
        if let Ok(address) = name.parse::<IpAddr>() {
            allowed(address, name)?;
            return Ok(vec![of_address(address)]);
        }
        if name.contains('/')
            && let Ok(network) = name.parse::<IpNetwork>()
        {
            allowed(network.network(), name)?;
            allowed(network.ip(), name)?;
            let hosts = probe::hosts(network, most).map_err(|number| too_many(name, &number, most))?;
            return Ok(hosts.into_iter().map(of_address).collect());
        }
    }
    let found = command::term(targets, index, catalogue);
    match (found, selector) {
        (Ok(devices), _) => Ok(devices
            .iter()
            .map(|device| {
                let address = device.hostname.parse().ok();
                Wanted { name: device.name.clone(), dial: device.hostname.clone(), address }
            })
            .collect()),
        (Err(_), Selector::Name(name)) if could_be_a_name(name) => {
            Ok(vec![Wanted { name: name.clone(), dial: name.clone(), address: None }])
        }
        (Err(error), _) => Err(error),
    }
}

fn of_address(address: IpAddr) -> Wanted {
    let name = address.to_string();
    Wanted { dial: name.clone(), name, address: Some(address) }
}

fn allowed(address: IpAddr, typed: &str) -> Result<()> {
    match probe::refused(address) {
        None => Ok(()),
        Some(why) => Err(Error::new(Kind::Denied, format!("`{typed}` {why}; nothing was sent"))
            .hint("name hosts: addresses, prefixes, devices or names")),
    }
}

/// Whether DNS may know it: a word that is not in the inventory is more often misspelt than a name, but only
/// DNS can tell.
pub(super) fn could_be_a_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
    };
    // `127.1` and `0x7f000001` are addresses to some resolvers.
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    name.len() <= 253 && !number && name.split('.').all(label)
}

/// The addresses of all; a name has at most one of each family. `families` are `v4` and `v6` as the question has them.
pub(super) async fn resolve(
    wanted: &[Wanted],
    (v4, v6): (bool, bool),
    most: usize,
    limits: &Limits,
) -> (Vec<Host>, Vec<DeviceFailure>, Vec<String>) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut lookups = JoinSet::new();
    for name in wanted.iter().filter(|wanted| wanted.address.is_none()).map(|wanted| wanted.dial.clone()) {
        let (permits, deadline) = (Arc::clone(&permits), limits.deadline);
        lookups.spawn(async move {
            let _permit = permits.acquire().await;
            let late = deadline.min(tokio::time::Instant::now() + NAME);
            let found = tokio::time::timeout_at(late, tokio::net::lookup_host((name.clone(), 0))).await;
            let found: std::result::Result<Vec<IpAddr>, String> = match found {
                Ok(Ok(addresses)) => Ok(addresses.map(|address| address.ip().to_canonical()).collect()),
                Ok(Err(error)) => Err(crate::text::clean_line(&error.to_string())),
                Err(_) => Err("no name server answered in time".to_owned()),
            };
            (name, found)
        });
    }
    let mut known = BTreeMap::new();
    loop {
        tokio::select! {
            done = lookups.join_next() => match done {
                Some(Ok((name, found))) => { known.insert(name, found); }
                Some(Err(_)) => {}
                None => break,
            },
            () = limits.cancel.cancelled() => break,
        }
    }
    let (mut hosts, mut failures, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for Wanted { name, dial, address } in wanted {
        let addresses = match (address, known.get(dial)) {
            (Some(address), _) => Ok(vec![*address]),
            (None, Some(Ok(addresses))) => {
                let first = |wanted: bool, is: fn(&IpAddr) -> bool| {
                    addresses.iter().copied().find(|address| wanted && is(address))
                };
                let v4_only = first(v4 || !v6, IpAddr::is_ipv4);
                let mut v6_only = first(v6 || !v4, IpAddr::is_ipv6);
                // A name with both is asked for both only where this machine has both.
                if v4_only.is_some() && !v6 && v6_only.is_some_and(|address| socket::source(address).is_err())
                {
                    notes.push(format!("{name}: not asked at its IPv6 address: no route to it here"));
                    v6_only = None;
                }
                Ok(v4_only.into_iter().chain(v6_only).collect::<Vec<_>>())
            }
            (None, Some(Err(why))) => Err(why.clone()),
            (None, None) => Err("was not looked up".to_owned()),
        };
        let failure = |kind, message: String| DeviceFailure {
            device: name.clone(),
            failure: Failure::new(kind, message),
        };
        match addresses {
            Ok(addresses) if addresses.is_empty() => {
                failures.push(failure(
                    FailureKind::Resolve,
                    format!("`{dial}` has no address of the wanted family"),
                ));
            }
            Ok(addresses) => {
                for address in addresses {
                    if let Some(why) = probe::refused(address) {
                        failures.push(failure(
                            FailureKind::Unsupported,
                            format!("{address} {why}; nothing was sent"),
                        ));
                    } else if seen.insert(address) && hosts.len() < most {
                        hosts.push(Host { name: name.clone(), address });
                    }
                }
            }
            Err(why) => {
                let missing = failure(FailureKind::Resolve, format!("no address for `{dial}`: {why}"));
                failures.push(DeviceFailure {
                    failure: missing
                        .failure
                        .hint("`devices` lists the inventory; any other name is asked of DNS"),
                    ..missing
                });
            }
        }
    }
    (hosts, failures, notes)
}
