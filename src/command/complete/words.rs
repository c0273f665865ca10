//! Completion of the part before the first bar: verbs, devices, arguments.

use super::{Found, Piece};
use crate::catalogue::Catalogue;
use crate::command::word::{self, Found as Lookup};
use crate::command::{BUILTINS, STAGES, select};
use crate::table::natural;
use crate::verb::{Argument, ArgumentType, Verb};

/// What a first word stands for here.
#[derive(Clone, PartialEq, Eq)]
enum First {
    Verb(String),
    Builtin(&'static str),
}

/// The verb that a word names, if it is clear.
pub(super) fn verb<'c>(catalogue: &'c Catalogue, typed: &str) -> Option<&'c Verb> {
    match first(catalogue, typed)? {
        First::Verb(name) => catalogue.verbs.get(&name).map(AsRef::as_ref),
        First::Builtin(_) => None,
    }
}

fn first(catalogue: &Catalogue, typed: &str) -> Option<First> {
    let builtins = BUILTINS.iter().flat_map(|builtin| {
        std::iter::once(builtin.name)
            .chain(builtin.aliases.iter().copied())
            .map(|word| (word, First::Builtin(builtin.name)))
    });
    let verbs = catalogue.verbs.values();
    let names = verbs.clone().map(|verb| (verb.name.as_str(), First::Verb(verb.name.clone())));
    let aliases = verbs
        .flat_map(|verb| verb.aliases.iter().map(|alias| (alias.as_str(), First::Verb(verb.name.clone()))));
    match word::named(typed, builtins.chain(names), aliases) {
        Lookup::One(first) => Some(first),
        _ => None,
    }
}

/// The command without a bot's name or prefix and without `explain`.
pub(super) fn bare<'a>(catalogue: &Catalogue, piece: Piece<'a>) -> Piece<'a> {
    let mut piece = piece.trim_start();
    for name in ["@nocbot", "nocbot"] {
        let rest = piece.text.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name));
        let after = piece.text.get(name.len()..).filter(|after| after.starts_with([' ', ',', ':']));
        if rest.is_some() && after.is_some() {
            piece = piece.skip(name.len() + 1).trim_start();
        }
    }
    if piece.text.starts_with('!') && !piece.text.starts_with("!!") {
        piece = piece.skip(1);
    }
    let (word, rest) = piece.first_word();
    match (first(catalogue, word), rest) {
        (Some(First::Builtin("explain")), Some(rest)) => rest,
        _ => piece,
    }
}

pub(super) fn complete(catalogue: &Catalogue, commands: &[Piece<'_>], found: &mut Found) {
    let Some(piece) = commands.last().map(|piece| bare(catalogue, *piece)) else { return };
    let (typed, rest) = piece.first_word();
    let Some(rest) = rest else { return verbs(catalogue, Piece { text: typed, ..piece }, found) };
    match first(catalogue, typed) {
        Some(First::Builtin("help")) => {
            verbs(catalogue, rest, found);
            for stage in &STAGES {
                found.offer(rest, stage.name, stage.help);
            }
        }
        Some(First::Builtin("devices")) if !rest.text.contains(' ') => targets(catalogue, rest, found),
        Some(First::Verb(name)) => {
            let Some(verb) = catalogue.verbs.get(&name) else { return };
            if verb.arguments.iter().any(|argument| argument.kind == ArgumentType::Line) {
                line(catalogue, rest, found);
            } else {
                match behind_targets(rest) {
                    None => targets(catalogue, rest, found),
                    Some(rest) => arguments(verb, rest, found),
                }
            }
        }
        _ => {}
    }
}

fn verbs(catalogue: &Catalogue, piece: Piece<'_>, found: &mut Found) {
    for verb in catalogue.verbs.values() {
        found.offer(piece, &verb.name, &verb.help);
    }
    for builtin in &BUILTINS {
        found.offer(piece, builtin.name, builtin.help);
    }
    if piece.text.is_empty() {
        return;
    }
    let lower = piece.text.to_lowercase();
    for verb in catalogue.verbs.values().filter(|verb| !verb.name.starts_with(&lower)) {
        for alias in &verb.aliases {
            found.offer(piece, alias, &verb.help);
        }
    }
}

/// What stands behind a whole target expression and a blank; `None` while it is being typed.
fn behind_targets(piece: Piece<'_>) -> Option<Piece<'_>> {
    let mut rest = piece;
    loop {
        let (word, next) = rest.first_word();
        let next = next?;
        let joined = word.ends_with([',', '&']) || word == "-" || next.text.starts_with([',', '&']);
        let minus = next.text.starts_with('-') && !next.text.starts_with("--");
        if !joined && !minus {
            return Some(next);
        }
        rest = next;
    }
}

/// Devices, groups, keys and their values.
fn targets(catalogue: &Catalogue, piece: Piece<'_>, found: &mut Found) {
    let piece = piece.last(&[',', '&', ' ']);
    let piece = if piece.text.starts_with('-') { piece.skip(1) } else { piece };
    let inventory = &catalogue.inventory;
    if let Some((key, value)) = piece.text.split_once(':') {
        let lower = key.to_lowercase();
        if !select::keys(catalogue).contains(&lower) {
            return;
        }
        let piece = piece.skip(piece.text.len() - value.len());
        let mut values: Vec<String> =
            inventory.devices().flat_map(|device| select::values(device, &lower)).collect();
        values.sort_by(|left, right| natural(left, right));
        values.dedup();
        for value in values {
            let quoted =
                value.contains(|c: char| c.is_whitespace() || c == ',').then(|| format!("\"{value}\""));
            found.offer(piece, quoted.as_deref().unwrap_or(&value), &format!("devices with this {lower}"));
        }
        return;
    }
    if !piece.text.starts_with('@') {
        let lower = piece.text.to_lowercase();
        let mut devices: Vec<_> =
            inventory.devices().filter(|device| device.name.to_lowercase().starts_with(&lower)).collect();
        devices.sort_by(|left, right| natural(&left.name, &right.name));
        // Room is left for groups and keys where nothing was typed yet.
        let room = if lower.is_empty() { 8 } else { super::MAX };
        for device in devices.into_iter().take(room) {
            found.offer(piece, &device.name, &format!("{} {}", device.platform, device.hostname));
        }
    }
    for (group, members) in inventory.groups() {
        found.offer(piece, &format!("@{group}"), &crate::text::count(members.len(), "device"));
    }
    found.offer(piece, "all", "every device");
    for key in select::keys(catalogue) {
        found.offer(piece, &format!("{key}:"), "devices by a key of the inventory");
    }
}

fn arguments(verb: &Verb, piece: Piece<'_>, found: &mut Found) {
    let named = |name: &str| verb.arguments.iter().find(|argument| argument.name.eq_ignore_ascii_case(name));
    let last = piece.last(&[' ']);
    if let Some((key, value)) = last.text.split_once('=') {
        if let Some(argument) = named(key) {
            values(argument, last.skip(last.text.len() - value.len()), found);
        }
        return;
    }
    let before = piece.text.get(..piece.text.len() - last.text.len()).unwrap_or_default();
    let previous = before.split_whitespace().next_back().and_then(named);
    if let Some(argument) = previous.filter(|argument| argument.kind != ArgumentType::Flag) {
        return values(argument, last, found);
    }
    for argument in &verb.arguments {
        let given = before.split([' ', '=']).any(|word| word.eq_ignore_ascii_case(&argument.name));
        if given {
            continue;
        }
        if argument.positional {
            values(argument, last, found);
        } else {
            found.offer(last, &argument.name, &argument.help);
        }
    }
}

fn values(argument: &Argument, piece: Piece<'_>, found: &mut Found) {
    for choice in &argument.choices {
        found.offer(piece, choice, &argument.help);
    }
    if let Some(default) = &argument.default {
        found.offer(piece, default, &argument.help);
    }
}

/// `show`: devices first or words first, then commands that a parser knows.
fn line(catalogue: &Catalogue, piece: Piece<'_>, found: &mut Found) {
    let on = piece.text.rfind(" on ").map(|index| piece.skip(index + 4).trim_start());
    if let Some(rest) = on {
        return targets(catalogue, rest, found);
    }
    match behind_targets(piece) {
        None => targets(catalogue, piece, found),
        Some(rest) => commands(catalogue, rest, found),
    }
}

/// The next word of a command that some parser knows.
fn commands(catalogue: &Catalogue, piece: Piece<'_>, found: &mut Found) {
    let last = piece.last(&[' ']);
    let before = piece.text.get(..piece.text.len() - last.text.len()).unwrap_or_default();
    let before: Vec<&str> = before.split_whitespace().collect();
    for name in catalogue.parsers.keys() {
        let Some((_, words)) = name.split_once('/') else { continue };
        let mut words = words.split('_').skip_while(|word| *word == "show");
        let same = before.iter().all(|typed| {
            words.next().is_some_and(|word| word.to_lowercase().starts_with(&typed.to_lowercase()))
        });
        if let (true, Some(next)) = (same, words.next()) {
            found.offer(last, next, "a command whose output becomes rows");
        }
    }
}
