//! From targets to devices. The only part of the grammar that knows the inventory.

use std::sync::Arc;

use super::fault::Fault;
use super::select::{Names, select};
use super::{Join, Targets, canonical, examples, targets, word};
use crate::catalogue::Catalogue;
use crate::error::{Error, Result};
use crate::inventory::Device;
use crate::table::natural;

/// The devices that a target expression names, each once, in natural order of their names; never none.
///
/// Terms are joined from left to right. A name is looked up as the exact name of a device, then in any
/// case, then as the first label of a full name (`r1` for `r1.example.net`), then as a unique prefix,
/// then as a group, then as an address or host name in the inventory. A term that chooses nothing is an
/// error, also behind a minus: a misspelt exception must not widen what is asked.
///
/// # Errors
/// [`crate::error::Kind::Question`] with the term's place and the nearest names as hints.
pub fn resolve(targets: &Targets, catalogue: &Catalogue) -> Result<Vec<Arc<Device>>> {
    chosen(targets, catalogue).map_err(|fault| error(fault, targets, catalogue))
}

/// As [`resolve`], with the fault itself.
pub(super) fn chosen(targets: &Targets, catalogue: &Catalogue) -> Result<Vec<Arc<Device>>, Fault> {
    let mut chosen = Names::new();
    for term in &targets.terms {
        let found = select(&term.selector, term.column, catalogue)?;
        match term.join {
            Join::Union => chosen.extend(found),
            Join::Intersection => chosen.retain(|name| found.contains(name)),
            Join::Minus => chosen.retain(|name| !found.contains(name)),
        }
    }
    if chosen.is_empty() {
        return Err(nothing_left(targets, catalogue));
    }
    let mut devices: Vec<Arc<Device>> =
        chosen.iter().filter_map(|name| catalogue.inventory.get(name)).map(Arc::clone).collect();
    devices.sort_by(|left, right| natural(&left.name, &right.name));
    Ok(devices)
}

/// The devices that one term of an expression names.
///
/// # Errors
/// As [`resolve`].
pub fn term(targets: &Targets, index: usize, catalogue: &Catalogue) -> Result<Vec<Arc<Device>>> {
    let Some(term) = targets.terms.get(index) else { return Ok(Vec::new()) };
    let names =
        select(&term.selector, term.column, catalogue).map_err(|fault| error(fault, targets, catalogue))?;
    Ok(names.iter().filter_map(|name| catalogue.inventory.get(name)).map(Arc::clone).collect())
}

/// The expression that an argument of the type `targets` holds.
///
/// # Errors
/// [`crate::error::Kind::Question`] where it is none.
pub fn targets_of(text: &str) -> Result<Targets> {
    targets::whole(text).map_err(Error::question)
}

/// Why an expression whose every term chooses something chooses nothing as a whole.
fn nothing_left(targets: &Targets, catalogue: &Catalogue) -> Fault {
    let counts: Vec<String> = targets
        .terms
        .iter()
        .filter_map(|term| {
            let found = select(&term.selector, term.column, catalogue).ok()?;
            let names = word::some(found.iter().map(String::as_str), 3);
            Some(format!("`{}` is {names}", canonical::selector(&term.selector)))
        })
        .collect();
    Fault::new(targets.column, format!("no device is left of `{}`", targets.text))
        .hint(counts.join("; "))
        .hint("terms are joined from left to right: `,` adds, `&` keeps what both have, ` - ` takes away")
}

/// Adds what the whole question shows: devices that stand elsewhere in it, and an example that works here.
fn error(fault: Fault, targets: &Targets, catalogue: &Catalogue) -> Error {
    let mut fault = fault;
    if let Some(better) = examples::reordered(targets, catalogue) {
        fault.hints.insert(0, better);
    }
    let example = examples::nearest(&targets.question, catalogue);
    fault.into_error(&targets.question).hint(format!("for example: `{example}`"))
}
