//! From a question to one job per device: which source, which command line, which parser.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Incoming;
use crate::answer::DeviceFailure;
use crate::catalogue::{Catalogue, narrow};
use crate::command::{self, Command, Question, Stage};
use crate::error::{Error, Failure, FailureKind, Kind, Result};
use crate::inventory::Device;
use crate::policy;
use crate::profile::{Platform, Source};
use crate::run::{Job, Reading, Step};
use crate::store::Entry;
use crate::verb::{ArgumentValue, Arguments, Verb};

/// What will be done, before anything is sent.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The question as understood.
    pub question: String,
    /// The verb asked.
    pub verb: Arc<Verb>,
    /// One job per device that can be asked.
    pub jobs: Vec<Job>,
    /// The devices that cannot, and why.
    pub unable: Vec<DeviceFailure>,
    /// What the verb's columns of an argument's name are when the device does not repeat it.
    pub given: Arguments,
    /// How many of each device's last rows are kept.
    pub newest: Option<usize>,
    /// The verb's own time limit.
    pub timeout: Option<Duration>,
}

/// Plans a question; refuses more than `most` devices.
pub(super) fn make(question: &Question, catalogue: &Catalogue, most: usize) -> Result<Plan> {
    let (Command::Verb { verb, targets, .. } | Command::Show { verb, targets, .. }) = &question.command
    else {
        return Err(Error::new(Kind::Internal, "this question needs no device"));
    };
    let devices = command::resolve(targets, catalogue)?;
    if devices.len() > most {
        return Err(Error::new(
            Kind::Limit,
            format!(
                "`{}` means {} devices; {most} is the most for one question",
                targets.text,
                devices.len()
            ),
        )
        .hint("ask a smaller group, or raise `limits.devices` in nocbot.yaml"));
    }
    let mut plan = Plan {
        question: command::canonical(question),
        verb: Arc::clone(verb),
        jobs: Vec::new(),
        unable: Vec::new(),
        given: given(&question.command),
        newest: newest(&question.command),
        timeout: verb.timeout.map(Duration::from_secs),
    };
    for device in devices {
        match job(question, &device, catalogue) {
            Ok(job) => plan.jobs.push(job),
            Err(failure) => plan.unable.push(DeviceFailure { device: device.name.clone(), failure }),
        }
    }
    Ok(plan)
}

impl Plan {
    /// The audit row of this plan.
    pub(super) fn entry(&self, incoming: &Incoming) -> Entry {
        let commands: BTreeSet<&str> =
            self.jobs.iter().flat_map(|job| &job.steps).map(|step| step.command.as_str()).collect();
        Entry {
            way: incoming.who.way.clone(),
            user_id: incoming.who.id.clone(),
            user_name: incoming.who.name.clone(),
            place: incoming.place.clone(),
            text: incoming.text.clone(),
            question: self.question.clone(),
            devices: self.jobs.iter().map(|job| job.device.name.clone()).collect(),
            commands: commands.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The typed arguments of a verb.
fn given(command: &Command) -> Arguments {
    match command {
        Command::Verb { arguments, .. } => arguments.clone(),
        _ => Arguments::new(),
    }
}

/// The number that the verb's `newest` argument was given, or its default.
fn newest(command: &Command) -> Option<usize> {
    let Command::Verb { verb, arguments, .. } = command else { return None };
    match arguments.get(verb.newest.as_ref()?)? {
        ArgumentValue::Int(count) => usize::try_from(*count).ok(),
        _ => None,
    }
}

fn job(question: &Question, device: &Arc<Device>, catalogue: &Catalogue) -> Result<Job, Failure> {
    let platform = platform(device, catalogue)?;
    let steps = match &question.command {
        Command::Show { line, .. } => vec![show(&platform, line, &question.stages, catalogue)?],
        Command::Verb { verb, arguments, .. } => steps(verb, arguments, &platform)?,
        _ => Vec::new(),
    };
    let jumps = catalogue.inventory.jumps(device);
    let jumps = jumps.into_iter().map(|hop| platform_of_jump(hop, catalogue)).collect::<Result<_, _>>()?;
    Ok(Job { device: Arc::clone(device), platform, jumps, steps })
}

fn platform(device: &Device, catalogue: &Catalogue) -> Result<Arc<Platform>, Failure> {
    let unable = |message: String| Failure::new(FailureKind::Unsupported, message);
    if device.platform.is_empty() {
        return Err(unable("has no platform in the inventory".to_owned())
            .hint("set `platform:` on the host or one of its groups; `nocbot check` lists the platforms"));
    }
    catalogue.platform(&device.platform).cloned().ok_or_else(|| {
        unable(format!("its platform `{}` has no profile", device.platform))
            .hint("`nocbot check` lists the platforms and their other names")
    })
}

/// A jump host needs a platform only for its port and level.
fn platform_of_jump(
    hop: Arc<Device>,
    catalogue: &Catalogue,
) -> Result<(Arc<Device>, Arc<Platform>), Failure> {
    let platform = platform(&hop, catalogue).map_err(|failure| Failure {
        message: format!("the jump host {}: {}", hop.name, failure.message),
        ..failure
    })?;
    Ok((hop, platform))
}

fn show(platform: &Platform, line: &str, stages: &[Stage], catalogue: &Catalogue) -> Result<Step, Failure> {
    let command = policy::gate(platform, line)?;
    let reading = match catalogue.show_parser(&platform.name, &command) {
        Some(parser) if !lines_wanted(stages) => Reading::Parser(parser),
        _ => Reading::Text,
    };
    Ok(Step { command, interrupt: None, reading, further: false, otherwise: Vec::new(), narrows: Vec::new() })
}

/// Whether the bars filter lines and nothing needs columns: then `show` means the device's own lines.
fn lines_wanted(stages: &[Stage]) -> bool {
    let lines = |stage: &Stage| {
        matches!(stage, Stage::Include(_) | Stage::Exclude(_) | Stage::Begin(_) | Stage::Section(_))
    };
    stages.iter().any(lines)
        && stages.iter().all(|stage| lines(stage) || matches!(stage, Stage::Count | Stage::File(_)))
}

fn steps(verb: &Arc<Verb>, arguments: &Arguments, platform: &Platform) -> Result<Vec<Step>, Failure> {
    let unable = |message: String| Failure::new(FailureKind::Unsupported, message);
    let sources = platform.verbs.get(&verb.name).ok_or_else(|| {
        unable(format!("{} has no `{}`", platform.title, verb.name))
            .hint(format!("`show <device> …` sends any read command of {}", platform.title))
    })?;
    let source = sources.iter().find(|source| source.applies(arguments)).ok_or_else(|| {
        unable(format!("{} cannot answer `{}` with these arguments", platform.title, verb.name))
    })?;
    let further = |step: Result<Step, Failure>| step.map(|step| Step { further: true, ..step });
    let own = std::iter::once(step(verb, source, arguments, false));
    let own = own.chain(source.also.iter().map(|source| further(step(verb, source, arguments, false))));
    own.chain(source.join.iter().map(|source| step(verb, source, arguments, true))).collect()
}

fn step(verb: &Arc<Verb>, source: &Source, arguments: &Arguments, join: bool) -> Result<Step, Failure> {
    let command = source
        .command
        .render(arguments)
        .map_err(|error| Failure::new(FailureKind::Unsupported, error.message().to_owned()))?;
    let interrupt = source.interrupt_after(arguments);
    let narrows = narrow::narrows(verb, source, arguments);
    let otherwise = source.otherwise.iter().map(|other| step(verb, other, arguments, join));
    let otherwise = otherwise.collect::<Result<_, _>>()?;
    let (verb, source) = (Arc::clone(verb), Arc::new(source.clone()));
    let reading = if join { Reading::Join(verb, source) } else { Reading::Verb(verb, source) };
    Ok(Step { command, interrupt, reading, further: false, otherwise, narrows })
}
