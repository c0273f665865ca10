//! The ways by which one device can answer a verb, in its platform's order of preference, and the steps of each.

use std::sync::Arc;

use crate::catalogue::narrow::{self, Narrow};
use crate::error::{Error, Failure, FailureKind, Result};
use crate::inventory::Device;
use crate::profile::{Ask as Asked, Platform, Source, fill};
use crate::run::{Reading, Step, Way};
use crate::text::did_you_mean;
use crate::transport::Ask;
use crate::transport::netconf::{Element, Operation};
use crate::verb::{ArgumentValue, Arguments, Asks, Verb, Via};
use crate::yang::{Content, Depth, Fields, Path, Query};

/// The ways of a verb on a device: those that the inventory offers, or the one that `via` names.
pub(super) fn of(
    verb: &Arc<Verb>,
    arguments: &Arguments,
    device: &Device,
    platform: &Platform,
) -> Result<Vec<Way>, Failure> {
    if let Some(asks) = verb.asks {
        return of_models(verb, asks, arguments, device, platform);
    }
    let sources = platform.verbs.get(&verb.name).ok_or_else(|| {
        unable(format!("{} has no `{}`", platform.title, verb.name))
            .hint(format!("`show <device> …` sends any read command of {}", platform.title))
    })?;
    let mut known: Vec<(Via, &Source)> = Vec::new();
    for source in sources.iter().filter(|source| source.applies(arguments)) {
        for via in source.ask.ways() {
            if !known.iter().any(|(other, _)| other == via) {
                known.push((*via, source));
            }
        }
    }
    if known.is_empty() {
        return Err(unable(format!("{} cannot answer `{}` with these arguments", platform.title, verb.name)));
    }
    let wanted = chosen(arguments);
    let usable = known.iter().filter(|(via, _)| match wanted {
        Some(wanted) => *via == wanted,
        None => offers(device, *via),
    });
    let ways: Vec<Way> = usable
        .map(|(via, source)| {
            let mut steps = steps(verb, source, arguments, *via)?;
            let narrows = late(&mut steps);
            Ok(Way { via: *via, steps, narrows })
        })
        .collect::<Result<_, Failure>>()?;
    if ways.is_empty() {
        return Err(no_way(verb, platform, &known, wanted));
    }
    Ok(ways)
}

/// The ways of a verb that asks for models and their data: the same on every platform.
fn of_models(
    verb: &Verb,
    asks: Asks,
    arguments: &Arguments,
    device: &Device,
    platform: &Platform,
) -> Result<Vec<Way>, Failure> {
    let wanted = chosen(arguments);
    let mut ways = Vec::new();
    for via in [Via::Restconf, Via::Netconf] {
        if wanted.map_or_else(|| offers(device, via), |wanted| wanted == via) {
            let step = model_step(asks, arguments, platform, via)
                .map_err(|error| hinted(Failure::new(FailureKind::Unsupported, error.message()), &error))?;
            ways.push(Way { narrows: Vec::new(), via, steps: vec![step] });
        }
    }
    match (ways.is_empty(), wanted) {
        (false, _) => Ok(ways),
        (true, Some(via)) => Err(unable(format!("`{}` is asked over RESTCONF or NETCONF, not over {via}", verb.name))),
        (true, None) => Err(unable(format!("`{}` is asked over RESTCONF or NETCONF", verb.name)).hint(
            "name the connection `restconf` or `netconf` in the device's `connection_options`, or try `via=netconf`",
        )),
    }
}

fn model_step(asks: Asks, arguments: &Arguments, platform: &Platform, via: Via) -> Result<Step> {
    let text = |name: &str| arguments.get(name).map(ToString::to_string);
    match asks {
        Asks::Data => {
            let path = path(&text("path").unwrap_or_default(), platform)?;
            let query = Query {
                depth: text("depth").map(|depth| Depth::parse(&depth)).transpose()?,
                fields: text("fields").map(|fields| Fields::parse(&fields)).transpose()?,
                content: match text("content").as_deref() {
                    Some("config") => Some(Content::Config),
                    Some("nonconfig") => Some(Content::Nonconfig),
                    Some(_) => Some(Content::All),
                    None => None,
                },
            };
            let name = path.readable();
            let ask = data(path, query, via);
            Ok(Step { below: below(&ask), ..Step::new(ask, name, Reading::Data) })
        }
        Asks::Modules => {
            let step = Step::new(Ask::Modules(via), "the modules".to_owned(), Reading::Data);
            Ok(Step { below: vec!["module".to_owned()], ..step })
        }
        Asks::Schema => {
            let module = text("module").unwrap_or_default();
            let name = format!("the text of {module}");
            Ok(Step::new(Ask::Schema(via, module, text("revision")), name, Reading::Text))
        }
    }
}

/// A path as it was typed, or the platform's by its name.
fn path(typed: &str, platform: &Platform) -> Result<Path> {
    if typed.contains(':') {
        return Path::parse(typed);
    }
    platform.paths.get(typed).cloned().ok_or_else(|| {
        let names: Vec<&str> = platform.paths.keys().map(String::as_str).collect();
        let error = Error::question(format!("{} has no name `{typed}` for a path", platform.title));
        match did_you_mean(typed, names.iter().copied()) {
            Some(hint) => error.hint(hint),
            None if names.is_empty() => {
                error.hint("write the path, such as `ietf-interfaces:interfaces/interface`")
            }
            None => error.hint(format!("it has {}; or write the path with its module", names.join(", "))),
        }
    })
}

fn hinted(failure: Failure, error: &Error) -> Failure {
    match error.hints().first() {
        Some(hint) => failure.hint(hint.clone()),
        None => failure,
    }
}

/// Whether a device may be asked by a way without being told to.
pub(super) fn offers(device: &Device, via: Via) -> bool {
    match via {
        Via::Ssh => true,
        Via::Netconf => device.login.netconf.offered,
        Via::Restconf => device.login.restconf.offered,
        Via::Jsonrpc => device.login.jsonrpc.offered,
    }
}

/// The way that the asker wants.
pub(super) fn chosen(arguments: &Arguments) -> Option<Via> {
    match arguments.get(Verb::VIA)? {
        ArgumentValue::Word(word) => Via::of(word),
        _ => None,
    }
}

fn no_way(verb: &Verb, platform: &Platform, known: &[(Via, &Source)], wanted: Option<Via>) -> Failure {
    let list =
        |name: fn(Via) -> String| known.iter().map(|(via, _)| name(*via)).collect::<Vec<_>>().join(" or ");
    let names = list(|via| via.to_string());
    match wanted {
        Some(wanted) => {
            unable(format!("{} answers `{}` over {names}, not over {wanted}", platform.title, verb.name))
                .hint("leave away `via`")
        }
        None => {
            unable(format!("{} answers `{}` over {names} only", platform.title, verb.name)).hint(format!(
                "name the connection {} in the device's `connection_options`",
                list(|via| format!("`{}`", via.word()))
            ))
        }
    }
}

fn steps(verb: &Arc<Verb>, source: &Source, arguments: &Arguments, via: Via) -> Result<Vec<Step>, Failure> {
    let further = |step: Result<Step, Failure>| step.map(|step| Step { further: true, ..step });
    let own = std::iter::once(step(verb, source, arguments, via, false));
    let own = own.chain(source.also.iter().map(|source| further(step(verb, source, arguments, via, false))));
    own.chain(source.join.iter().map(|source| step(verb, source, arguments, via, true))).collect()
}

/// Takes the narrowing out of steps whose rows others fill: a cell that is empty until then may be the one that is meant.
fn late(steps: &mut [Step]) -> Vec<Narrow> {
    let joins = |step: &Step| matches!(step.reading, Reading::Join(..));
    let Some(narrows) = steps.first().map(|step| step.narrows.clone()) else { return Vec::new() };
    let same = |step: &Step| {
        joins(step) || step.narrows == narrows && step.otherwise.iter().all(|other| other.narrows == narrows)
    };
    if !steps.iter().any(joins) || !steps.iter().all(same) {
        return Vec::new();
    }
    for step in steps {
        step.narrows.clear();
        step.otherwise.iter_mut().for_each(|other| other.narrows.clear());
    }
    narrows
}

fn step(
    verb: &Arc<Verb>,
    source: &Source,
    arguments: &Arguments,
    via: Via,
    join: bool,
) -> Result<Step, Failure> {
    let (ask, command) = asked(source, arguments, via)
        .map_err(|error| Failure::new(FailureKind::Unsupported, error.message().to_owned()))?;
    let interrupt = source.interrupt_after(arguments);
    let narrows = narrow::narrows(verb, source, arguments);
    let otherwise = source.otherwise.iter().map(|other| step(verb, other, arguments, via, join));
    let otherwise = otherwise.collect::<Result<_, _>>()?;
    let below = below(&ask);
    let (verb, source) = (Arc::clone(verb), Arc::new(source.clone()));
    let reading = if join { Reading::Join(verb, source) } else { Reading::Verb(verb, source) };
    Ok(Step { interrupt, otherwise, narrows, below, ..Step::new(ask, command, reading) })
}

/// What is sent, and its name for people.
fn asked(source: &Source, arguments: &Arguments, via: Via) -> Result<(Ask, String)> {
    match &source.ask {
        Asked::Command(line) => Ok((Ask::Command, line.render(arguments)?)),
        Asked::Jsonrpc(line) => Ok((Ask::Jsonrpc, line.render(arguments)?)),
        Asked::Yang(path, query) => {
            let path = path.map_keys(|key| fill(key, arguments))?;
            let name = path.readable();
            Ok((data(path, query.clone(), via), name))
        }
        Asked::Rpc(xml) => {
            let element = operation(xml, arguments)?;
            let name = element.readable();
            Ok((Ask::Netconf(Operation::Rpc(element)), name))
        }
    }
}

/// Data of a YANG model by either way.
pub(super) fn data(path: Path, query: Query, via: Via) -> Ask {
    match via {
        Via::Netconf => Ask::Netconf(Operation::Yang(path, query)),
        _ => Ask::Restconf(path, query),
    }
}

/// The nodes around the one that is asked, and its own name: a reply by RESTCONF begins with that one.
pub(super) fn below(ask: &Ask) -> Vec<String> {
    match ask {
        Ask::Restconf(path, _) => path.steps().iter().map(|step| step.name.clone()).collect(),
        _ => Vec::new(),
    }
}

/// A profile's operation with the arguments in it.
fn operation(xml: &str, arguments: &Arguments) -> Result<Element> {
    let wrong = |message: String| Error::config(format!("the operation `{xml}` is wrong: {message}"));
    let read = Element::parse(xml).map_err(|error| wrong(error.to_string()))?;
    let [element] = read.as_slice() else { return Err(wrong("it is not one element".to_owned())) };
    let mut trouble = None;
    let filled = element.try_map_values(&mut |value| match fill(value, arguments) {
        Ok(filled) => Some(filled).filter(|filled| !filled.is_empty() || value.is_empty()),
        Err(error) => {
            trouble.get_or_insert(error);
            None
        }
    });
    match (trouble, filled) {
        (Some(error), _) => Err(error),
        (None, Some(filled)) => Ok(filled),
        (None, None) => Err(wrong("nothing is left of it without its arguments".to_owned())),
    }
}

fn unable(message: String) -> Failure {
    Failure::new(FailureKind::Unsupported, message)
}
