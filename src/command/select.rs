//! What one selector chooses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use regex::{Regex, RegexBuilder};

use super::fault::Fault;
use super::{Selector, word};
use crate::catalogue::Catalogue;
use crate::inventory::Device;
use crate::table::natural;
use crate::text::nearest;

/// Names of devices as the inventory spells them.
pub(super) type Names = BTreeSet<String>;

/// How many candidates an error lists.
const SHOWN: usize = 8;

/// The devices that a selector chooses, at least one; `column` is where it stands.
pub(super) fn select(selector: &Selector, column: usize, catalogue: &Catalogue) -> Result<Names, Fault> {
    let devices = || catalogue.inventory.devices();
    if devices().next().is_none() {
        return Err(Fault::new(column, "the inventory has no devices")
            .hint("add devices to the inventory that `nocbot.yaml` names"));
    }
    let names = match selector {
        Selector::All => names(catalogue, |_| true),
        Selector::Regex(pattern) => names(catalogue, |device| pattern.is_match(&device.name)),
        Selector::Glob(text) => {
            let pattern = glob(text, column)?;
            names(catalogue, |device| pattern.is_match(&device.name))
        }
        Selector::Group(name) => match group(name, catalogue) {
            Some(names) => names,
            None => {
                return less(name, '@', column, catalogue)
                    .unwrap_or_else(|| Err(no_group(name, column, catalogue)));
            }
        },
        Selector::Key(key, value) => return by_key(key, value, column, catalogue),
        Selector::Name(name) => return by_name(name, column, catalogue),
    };
    if names.is_empty() {
        let text = super::canonical::selector(selector);
        return Err(Fault::new(column, format!("`{text}` matches no device"))
            .hint(format!("devices here: {}", all(catalogue))));
    }
    Ok(names)
}

fn names(catalogue: &Catalogue, wanted: impl Fn(&Device) -> bool) -> Names {
    catalogue.inventory.devices().filter(|device| wanted(device)).map(|device| device.name.clone()).collect()
}

/// The first few names of all devices.
fn all(catalogue: &Catalogue) -> String {
    let mut names: Vec<&str> = catalogue.inventory.devices().map(|device| device.name.as_str()).collect();
    names.sort_by(|left, right| natural(left, right));
    word::some(names, SHOWN)
}

/// The members of a group, by its name in any case.
fn group(name: &str, catalogue: &Catalogue) -> Option<Names> {
    let same = |exact: bool| {
        catalogue.inventory.groups().find(|(group, _)| {
            if exact { *group == name } else { group.to_lowercase() == name.to_lowercase() }
        })
    };
    same(true).or_else(|| same(false)).map(|(_, members)| members.iter().cloned().collect())
}

fn no_group(name: &str, column: usize, catalogue: &Catalogue) -> Fault {
    let known: Vec<&str> = catalogue.inventory.groups().map(|(group, _)| group).collect();
    let near: Vec<String> =
        nearest(name, known.iter().copied(), 3).iter().map(|group| format!("`@{group}`")).collect();
    let fault = Fault::new(column, format!("there is no group `{name}`"));
    if near.is_empty() {
        return fault.hint(format!("groups here: {}", word::some(known, SHOWN)));
    }
    fault.hint(format!("did you mean {}?", near.join(" or ")))
}

/// `@core-r1` where there is no group `core-r1`: group `core` without the device `r1`.
///
/// The longest group wins, and the rest must be the exact name of a device.
fn less(text: &str, mark: char, column: usize, catalogue: &Catalogue) -> Option<Result<Names, Fault>> {
    let dashes: Vec<usize> = text.match_indices('-').map(|(index, _)| index).collect();
    for index in dashes.into_iter().rev() {
        let (left, right) = text.split_at(index);
        let right = right.strip_prefix('-')?;
        let Some(whole) = (mark == '@').then(|| group(left, catalogue)).flatten() else { continue };
        let Some(device) = exact(right, catalogue) else { continue };
        let rest: Names = whole.into_iter().filter(|name| *name != device).collect();
        if rest.is_empty() {
            return Some(Err(Fault::new(column, format!("no device is left of `{mark}{text}`"))
                .hint(format!("`{mark}{left}` has no other device than {device}"))));
        }
        return Some(Ok(rest));
    }
    None
}

/// A device by its name, in any case where that is clear.
fn exact(name: &str, catalogue: &Catalogue) -> Option<String> {
    if let Some(device) = catalogue.inventory.get(name) {
        return Some(device.name.clone());
    }
    only(names(catalogue, |device| device.name.to_lowercase() == name.to_lowercase()))
}

fn only(names: Names) -> Option<String> {
    let mut names = names.into_iter();
    names.next().filter(|_| names.next().is_none())
}

fn by_name(name: &str, column: usize, catalogue: &Catalogue) -> Result<Names, Fault> {
    let one = |name: String| Ok(Names::from([name]));
    if catalogue.inventory.get(name).is_some() {
        return one(name.to_owned());
    }
    let lower = name.to_lowercase();
    let same = names(catalogue, |device| device.name.to_lowercase() == lower);
    if same.len() > 1 {
        return Err(ambiguous(name, &same, column));
    }
    let short = names(catalogue, |device| {
        device.name.to_lowercase().split_once('.').is_some_and(|(label, _)| label == lower)
    });
    if let Some(found) = only(same).or_else(|| only(short)) {
        return one(found);
    }
    let begun = names(catalogue, |device| device.name.to_lowercase().starts_with(&lower));
    let group = group(name, catalogue);
    match (group, only(begun.clone())) {
        // Both readings are whole: choosing either would be a guess.
        (Some(members), Some(device)) if members != begun => {
            return Err(Fault::new(
                column,
                format!("`{name}` could be the device {device} or the group {name}"),
            )
            .hint(format!("write `{device}` or `@{name}`")));
        }
        (_, Some(device)) => return one(device),
        (Some(members), None) => return Ok(members),
        (None, None) => {}
    }
    let at = names(catalogue, |device| is_host(device, name));
    match at.len() {
        0 if begun.is_empty() => {}
        0 => return Err(ambiguous(name, &begun, column)),
        1 => return Ok(at),
        _ => return Err(ambiguous(name, &at, column)),
    }
    if let Some(rest) = all_but(name, catalogue) {
        return Ok(rest);
    }
    Err(unknown(name, column, catalogue))
}

/// `all-r1`, where nothing has that name.
fn all_but(text: &str, catalogue: &Catalogue) -> Option<Names> {
    let (all, right) = text.split_once('-')?;
    let device = all.eq_ignore_ascii_case("all").then(|| exact(right, catalogue)).flatten()?;
    Some(names(catalogue, |other| other.name != device)).filter(|names| !names.is_empty())
}

fn ambiguous(name: &str, found: &Names, column: usize) -> Fault {
    let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
    found.sort_by(|left, right| natural(left, right));
    Fault::new(
        column,
        format!("`{name}` could be {} devices: {}", found.len(), word::some(found.iter().copied(), SHOWN)),
    )
    .hint(format!("write the whole name, or `{name}*` for all of them"))
}

fn unknown(name: &str, column: usize, catalogue: &Catalogue) -> Fault {
    if name.contains('/') && name.parse::<IpNetwork>().is_ok() {
        return Fault::new(column, format!("no device has the address {name}"))
            .hint(format!("`host:{name}` chooses the devices whose address lies in a prefix"));
    }
    let devices: Vec<&str> = catalogue.inventory.devices().map(|device| device.name.as_str()).collect();
    let near = nearest(name, devices, 3);
    let near = if near.is_empty() {
        let groups = nearest(name, catalogue.inventory.groups().map(|(group, _)| group), 3);
        groups.iter().map(|group| format!("@{group}")).collect()
    } else {
        near.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let fault = Fault::new(column, format!("nothing in the inventory is called `{name}`"));
    if near.is_empty() {
        return fault.hint(format!("devices here: {}", all(catalogue)));
    }
    let near: Vec<String> = near.iter().map(|near| format!("`{near}`")).collect();
    fault.hint(format!("did you mean {}?", near.join(" or ")))
}

/// Whether a device is dialled at `text`.
fn is_host(device: &Device, text: &str) -> bool {
    match (device.hostname.parse::<IpAddr>(), text.parse::<IpAddr>()) {
        (Ok(address), Ok(wanted)) => address == wanted,
        _ => device.hostname.eq_ignore_ascii_case(text),
    }
}

fn by_key(key: &str, value: &str, column: usize, catalogue: &Catalogue) -> Result<Names, Fault> {
    let known = keys(catalogue);
    let lower = key.to_lowercase();
    if !known.contains(&lower) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(Fault::new(column, format!("no device has the key `{key}`")).hint(word::suggest(
            key,
            &known,
            "the keys are",
        )));
    }
    let matches = matcher(value, column)?;
    let found = names(catalogue, |device| {
        values(device, &lower).iter().any(|value| matches.is_match(value))
            || lower == "platform" && same_platform(device, value, catalogue)
            || lower == "host" && lies_in(device, value)
    });
    if !found.is_empty() {
        return Ok(found);
    }
    // `site:ams-r1` where no value is `ams-r1`.
    for (index, _) in value.match_indices('-').collect::<Vec<_>>().into_iter().rev() {
        let (left, right) = value.split_at(index);
        let Some(device) = exact(right.trim_start_matches('-'), catalogue) else { continue };
        if let Ok(mut whole) = by_key(key, left, column, catalogue) {
            whole.remove(&device);
            if !whole.is_empty() {
                return Ok(whole);
            }
        }
    }
    let mut there: Vec<String> = catalogue
        .inventory
        .devices()
        .flat_map(|device| values(device, &lower))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    there.sort_by(|left, right| natural(left, right));
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    Err(Fault::new(column, format!("no device has {key} `{value}`")).hint(word::suggest(
        value,
        &there,
        &format!("{lower} can be"),
    )))
}

/// The keys that a selector may name, in lower case.
pub(super) fn keys(catalogue: &Catalogue) -> BTreeSet<String> {
    let data = catalogue.inventory.devices().flat_map(|device| device.data.keys());
    ["group", "platform", "name", "host"]
        .into_iter()
        .map(str::to_owned)
        .chain(data.map(|key| key.to_lowercase()))
        .collect()
}

/// The values of a key on one device; a list in `data` is its elements and also the whole.
pub(super) fn values(device: &Device, key: &str) -> Vec<String> {
    match key {
        "group" => device.groups.clone(),
        "platform" => vec![device.platform.clone()],
        "name" => vec![device.name.clone()],
        "host" => vec![device.hostname.clone()],
        _ => {
            let texts =
                device.data.iter().filter(|(name, _)| name.to_lowercase() == key).map(|(_, text)| text);
            texts
                .flat_map(|text| {
                    let parts =
                        text.contains(',').then(|| text.split(',').map(|part| part.trim().to_owned()));
                    std::iter::once(text.clone()).chain(parts.into_iter().flatten())
                })
                .collect()
        }
    }
}

/// How a key's value is compared: as a pattern if it has signs of one, else whole; in any case.
fn matcher(value: &str, column: usize) -> Result<Regex, Fault> {
    if value.contains(['*', '?', '[']) {
        glob(value, column)
    } else {
        anchored(&regex::escape(value), value, column)
    }
}

/// Two names of the same platform.
fn same_platform(device: &Device, value: &str, catalogue: &Catalogue) -> bool {
    match (catalogue.platform(&device.platform), catalogue.platform(value)) {
        (Some(own), Some(wanted)) => own.name == wanted.name,
        _ => false,
    }
}

fn lies_in(device: &Device, value: &str) -> bool {
    match (device.hostname.parse::<IpAddr>(), value.parse::<IpNetwork>()) {
        (Ok(address), Ok(network)) => network.contains(address),
        _ => false,
    }
}

/// A shell pattern: `*`, `?`, `[abc]`, `[a-z]`, `[!x]`; the whole name, in any case.
fn glob(text: &str, column: usize) -> Result<Regex, Fault> {
    let mut pattern = String::new();
    let mut rest = text.chars();
    while let Some(found) = rest.next() {
        match found {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '[' => {
                let Some((class, after)) =
                    rest.as_str().split_once(']').filter(|(class, _)| !class.is_empty())
                else {
                    return Err(Fault::new(column, format!("`[` in `{text}` is never closed"))
                        .hint("a class of characters is written `r[1-3]`"));
                };
                let (not, class) = class.strip_prefix('!').map_or(("", class), |class| ("^", class));
                let class: String = class.chars().map(class_character).collect();
                pattern.extend(["[", not, &class, "]"]);
                rest = after.chars();
            }
            _ => pattern.push_str(&regex::escape(&found.to_string())),
        }
    }
    anchored(&pattern, text, column)
}

fn anchored(pattern: &str, text: &str, column: usize) -> Result<Regex, Fault> {
    let whole = format!("^(?:{pattern})$");
    RegexBuilder::new(&whole).case_insensitive(true).size_limit(1 << 20).build().map_err(|_| {
        Fault::new(column, format!("`{text}` is no pattern for names"))
            .hint("`*` stands for anything, `?` for one character, `[1-3]` for one of several")
    })
}

fn class_character(found: char) -> String {
    if found == '-' { found.to_string() } else { regex::escape(&found.to_string()) }
}

/// Whether a word is made of whole names of devices and `@groups` that exist here.
pub(super) fn is_here(text: &str, catalogue: &Catalogue) -> bool {
    text.split(',').all(|part| match part.strip_prefix('@') {
        Some(name) => group(name, catalogue).is_some(),
        None => exact(part, catalogue).is_some(),
    })
}
