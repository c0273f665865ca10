//! Examples that work here: a verb's own examples, with devices of this inventory in them.

use std::sync::Arc;

use super::fault::{About, Fault};
use super::parse::{Trouble, read};
use super::{Command, Question, Selector, Targets, canonical, resolve, select, word};
use crate::catalogue::Catalogue;
use crate::error::{Error, Result};
use crate::table::natural;
use crate::verb::Verb;

/// As [`super::parse()`], with hints that name devices and groups of this inventory.
///
/// # Errors
/// As [`super::parse()`].
pub fn understand(text: &str, catalogue: &Catalogue) -> Result<Question> {
    let question = read(text, &catalogue.verbs).map_err(|unread| {
        let mut example = here(&unread.example(&catalogue.verbs), catalogue);
        let about = unread.about();
        let first = unread.text.split_whitespace().next().unwrap_or_default().to_owned();
        let swapped = matches!(&unread.trouble, Trouble::Read(fault)
            if fault.hints.iter().any(|hint| hint.starts_with("the verb comes first")));
        let wrong = unread.targets.as_ref().filter(|targets| resolve::chosen(targets, catalogue).is_err());
        let reordered = wrong.and_then(|targets| reordered(targets, catalogue));
        let mut error = reordered.into_iter().fold(unread.into_error(), Error::hint);
        if about == About::NoTargets {
            error = error.hint(choices(catalogue));
        }
        if about == About::NoVerb && !swapped && select::is_here(&first, catalogue) {
            example = with(&example, &first, catalogue).unwrap_or(example);
            error = error.hint(format!("`{first}` is a device: say before it what you want to know"));
        }
        error.hint(format!("for example: `{example}`"))
    })?;
    match second_device(&question, catalogue) {
        Some(error) => Err(error),
        None => Ok(question),
    }
}

/// `vrf r1 r2` asks two devices for their VRFs, not r1 for the VRF r2: where the value of an argument that
/// only narrows the rows was given by its place and is a device, it is refused.
fn second_device(question: &Question, catalogue: &Catalogue) -> Option<Error> {
    let command = match &question.command {
        Command::Explain(inner) => return second_device(inner, catalogue),
        command => command,
    };
    let Command::Verb { verb, targets, arguments } = command else { return None };
    let text = question.text.to_lowercase();
    let mistaken = verb.arguments.iter().filter(|argument| argument.positional && argument.narrows.is_some());
    mistaken.into_iter().find_map(|argument| {
        let value = arguments.get(&argument.name)?.to_string();
        let (name, lower) = (&argument.name, value.to_lowercase());
        let named = text.contains(&format!("{name}={lower}")) || text.contains(&format!(" {name} {lower}"));
        if named || !catalogue.inventory.devices().any(|device| device.name.eq_ignore_ascii_case(&value)) {
            return None;
        }
        let (verb, first) = (&verb.name, &targets.text);
        let before = text.rfind(&lower).and_then(|at| text.get(..at));
        let column = before.map_or(1, |before| before.chars().count() + 1);
        let fault = Fault::new(column, format!("`{value}` is a device, and this would ask {first} only"))
            .hint(format!("if you mean {}: `{verb} {first} {name}={value}`", argument.help))
            .hint("several devices are joined by commas")
            .hint(format!("for example: `{verb} {first},{value}`"));
        Some(fault.into_error(&question.text))
    })
}

/// A few devices and groups to choose from.
fn choices(catalogue: &Catalogue) -> String {
    let mut devices: Vec<&str> = catalogue.inventory.devices().map(|device| device.name.as_str()).collect();
    devices.sort_by(|left, right| natural(left, right));
    let groups: Vec<String> = catalogue.inventory.groups().map(|(name, _)| format!("@{name}")).collect();
    if devices.is_empty() {
        return "the inventory has no devices yet".into();
    }
    let devices = word::some(devices, 6);
    if groups.is_empty() {
        return format!("devices here: {devices}");
    }
    format!("devices here: {devices}; groups: {}", word::some(groups.iter().map(String::as_str), 6))
}

/// The examples of a verb with devices of this inventory; each once.
pub(super) fn of(verb: &Verb, catalogue: &Catalogue) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for example in &verb.examples {
        let example = here(example, catalogue);
        if !out.contains(&example) {
            out.push(example);
        }
    }
    out
}

/// An example with devices that exist here in place of those that do not.
pub(super) fn here(example: &str, catalogue: &Catalogue) -> String {
    let Ok(question) = read(example, &catalogue.verbs) else { return example.to_owned() };
    let Some(targets) = question.targets() else { return example.to_owned() };
    if resolve::chosen(targets, catalogue).is_ok() {
        return example.to_owned();
    }
    let group = matches!(targets.terms.first().map(|term| &term.selector), Some(Selector::Group(_)));
    let other = match catalogue.inventory.groups().next() {
        Some((name, _)) if group => canonical::selector(&Selector::Group(name.to_owned())),
        _ => {
            let mut names: Vec<&str> =
                catalogue.inventory.devices().map(|device| device.name.as_str()).collect();
            names.sort_by(|left, right| natural(left, right));
            let names = names.into_iter().take(targets.terms.len().min(2));
            let names: Vec<String> =
                names.map(|name| canonical::selector(&Selector::Name(name.to_owned()))).collect();
            names.join(",")
        }
    };
    with(example, &other, catalogue).unwrap_or_else(|| example.to_owned())
}

/// An example with other targets; `None` when that makes no question.
fn with(example: &str, other: &str, catalogue: &Catalogue) -> Option<String> {
    let question = read(example, &catalogue.verbs).ok()?;
    let (before, after) = around(question.targets()?);
    let text = format!("{before}{other}{after}");
    read(&text, &catalogue.verbs).ok().filter(|_| !other.is_empty()).map(|_| text)
}

/// What stands before and behind the targets in their question.
fn around(targets: &Targets) -> (String, String) {
    let start = targets.column.saturating_sub(1);
    let end = start + targets.text.chars().count();
    let text = &targets.question;
    (text.chars().take(start).collect(), text.chars().skip(end).collect())
}

/// An example for whoever asked `question`: of the verb that was meant.
pub(super) fn nearest(question: &str, catalogue: &Catalogue) -> String {
    let verb: Option<Arc<Verb>> = read(question, &catalogue.verbs).ok().and_then(|question| question.verb());
    let verb =
        verb.as_ref().or_else(|| catalogue.verbs.get("vrf")).or_else(|| catalogue.verbs.values().next());
    let example = verb.and_then(|verb| verb.examples.first());
    example.map_or_else(|| "help".to_owned(), |example| here(example, catalogue))
}

/// `did you mean …?` for a question whose devices stand behind its arguments: `show version r1`.
pub(super) fn reordered(targets: &Targets, catalogue: &Catalogue) -> Option<String> {
    let (before, after) = around(targets);
    let (command, stages) = match after.find('|') {
        Some(bar) => after.split_at(bar),
        None => (after.as_str(), ""),
    };
    let words: Vec<&str> = command.split_whitespace().collect();
    let at = words.iter().rposition(|word| select::is_here(word, catalogue))?;
    let device = words.get(at)?;
    let mut rest: Vec<&str> = vec![&targets.text];
    rest.extend(words.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, word)| *word));
    let text = format!("{before}{device} {} {stages}", rest.join(" "));
    let text = text.trim_end();
    let question = read(text, &catalogue.verbs).ok()?;
    resolve::chosen(question.targets()?, catalogue).ok()?;
    Some(format!("did you mean `{text}`?"))
}

impl Question {
    /// The devices that it names, if it names any; those of the question within for `explain`.
    pub fn targets(&self) -> Option<&Targets> {
        match &self.command {
            Command::Verb { targets, .. } | Command::Show { targets, .. } => Some(targets),
            Command::Devices(targets) => targets.as_ref(),
            Command::Explain(question) => question.targets(),
            _ => None,
        }
    }

    /// The verb that it asks, if it asks one; that of the question within for `explain`.
    pub fn verb(&self) -> Option<Arc<Verb>> {
        match &self.command {
            Command::Verb { verb, .. } | Command::Show { verb, .. } => Some(Arc::clone(verb)),
            Command::Explain(question) => question.verb(),
            _ => None,
        }
    }
}
