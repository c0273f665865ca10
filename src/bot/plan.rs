//! From a question to one job per device: which source, which command line, which parser.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Incoming, ways};
use crate::answer::DeviceFailure;
use crate::catalogue::Catalogue;
use crate::command::{self, Command, Question, Stage};
use crate::error::{Error, Failure, FailureKind, Kind, Result};
use crate::inventory::Device;
use crate::policy;
use crate::profile::Platform;
use crate::run::{Job, Reading, Step, Way};
use crate::store::Entry;
use crate::transport::Ask;
use crate::verb::{ArgumentValue, Arguments, Verb, Via};

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
            self.jobs.iter().flat_map(Job::steps).map(|step| step.command.as_str()).collect();
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
    let ways = match &question.command {
        Command::Show { line, .. } => vec![show(&platform, line, &question.stages, catalogue)?],
        Command::Verb { verb, arguments, .. } => ways::of(verb, arguments, device, &platform)?,
        _ => Vec::new(),
    };
    let jumps = catalogue.inventory.jumps(device);
    let jumps = jumps.into_iter().map(|hop| platform_of_jump(hop, catalogue)).collect::<Result<_, _>>()?;
    Ok(Job { device: Arc::clone(device), platform, jumps, ways })
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

fn show(platform: &Platform, line: &str, stages: &[Stage], catalogue: &Catalogue) -> Result<Way, Failure> {
    let command = policy::gate(platform, line)?;
    let reading = match catalogue.show_parser(&platform.name, &command) {
        Some(parser) if !lines_wanted(stages) => Reading::Parser(parser),
        _ => Reading::Text,
    };
    Ok(Way { via: Via::Ssh, steps: vec![Step::new(Ask::Command, command, reading)] })
}

/// Whether the bars filter lines and nothing needs columns: then `show` means the device's own lines.
fn lines_wanted(stages: &[Stage]) -> bool {
    let lines = |stage: &Stage| {
        matches!(stage, Stage::Include(_) | Stage::Exclude(_) | Stage::Begin(_) | Stage::Section(_))
    };
    stages.iter().any(lines)
        && stages.iter().all(|stage| lines(stage) || matches!(stage, Stage::Count | Stage::File(_)))
}
