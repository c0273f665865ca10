//! `extends`: a platform takes over what it leaves out.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::text::did_you_mean;
use crate::yaml::{Node, Value};

/// What belongs to one platform and is never taken over.
const OWN: [&str; 4] = ["platform", "title", "aliases", "extends"];
/// Mappings that are filled in key by key; any other field is taken over whole.
const BY_KEY: [&str; 5] = ["ssh", "show", "verbs", "samples", "paths"];
/// In a list of sources: those that the platform takes over stand here.
const INHERITED: &str = "inherited";

/// The platform and what it extends, nearest first; `None` after an error.
pub(super) fn family<'a>(
    stem: &'a str,
    files: &'a BTreeMap<String, Node>,
    errors: &mut Vec<Error>,
) -> Option<Vec<(&'a str, &'a Node)>> {
    let mut family: Vec<(&str, &Node)> = Vec::new();
    let (mut name, mut node) = (stem, files.get(stem)?);
    loop {
        family.push((name, node));
        let Some(parent) = node.get("extends").filter(|parent| !parent.is_null()) else {
            return Some(family);
        };
        let wanted = match parent.scalar("`extends`") {
            Ok(wanted) => wanted,
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        if family.iter().any(|(member, _)| *member == wanted) {
            errors.push(if wanted == stem && family.len() == 1 {
                parent.error(format!("the platform {stem} extends itself")).hint(format!(
                    "to change a few fields of {stem}, name the file and its `platform` otherwise, such as \
                     my_{stem}; a file of the same name replaces it whole"
                ))
            } else {
                parent.error(format!("the platform {stem} extends itself by way of {wanted}"))
            });
            return None;
        }
        let Some((found, next)) = files.get_key_value(wanted) else {
            let error = parent.error(format!("there is no platform `{wanted}`"));
            let hint = did_you_mean(wanted, files.keys().map(String::as_str));
            errors.push(match hint {
                Some(hint) => error.hint(hint),
                None => error.hint("`extends` takes the name of another file in platforms/"),
            });
            return None;
        };
        (name, node) = (found, next);
    }
}

/// The tree of a platform with everything filled in that it leaves out.
pub(super) fn merged(own: &Node, family: &[(&str, &Node)]) -> Node {
    family.iter().skip(1).fold(own.clone(), |child, (_, parent)| fill(&child, parent, &OWN, true))
}

/// `child` with the keys of `parent` that it does not have; a key that is there counts, even if its
/// value is nothing.
fn fill(child: &Node, parent: &Node, except: &[&str], top: bool) -> Node {
    let (Value::Map(own), Value::Map(inherited)) = (child.value(), parent.value()) else {
        return child.clone();
    };
    let mut entries: Vec<(Node, Node)> = own
        .iter()
        .map(|(key, value)| {
            let name = key.text().unwrap_or_default();
            match parent.get(name) {
                Some(from) if top && BY_KEY.contains(&name) => (key.clone(), fill(value, from, &[], false)),
                Some(from) if !top => (key.clone(), spliced(value, from)),
                _ => (key.clone(), value.clone()),
            }
        })
        .collect();
    for (key, value) in inherited {
        let name = key.text().unwrap_or_default();
        if child.get(name).is_none() && !except.contains(&name) {
            entries.push((key.clone(), value.clone()));
        }
    }
    child.with_value(Value::Map(entries))
}

/// A list with the items of `parent` where it says `inherited`.
fn spliced(child: &Node, parent: &Node) -> Node {
    let (Value::List(own), Value::List(inherited)) = (child.value(), parent.value()) else {
        return child.clone();
    };
    let items = own.iter().flat_map(|item| match item.text() {
        Some(INHERITED) => inherited.clone(),
        _ => vec![item.clone()],
    });
    child.with_value(Value::List(items.collect()))
}
