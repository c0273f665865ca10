//! A path's way through a document.

use super::step::{Filter, Path, Step};
use crate::parse::tree::Tree;

/// Where a walk stands: the maps around, the innermost last, and the keys met on the way.
#[derive(Debug, Clone, Default)]
pub(super) struct Place<'t> {
    pub around: Vec<&'t Tree>,
    pub keys: Vec<(&'t str, &'t str)>,
}

static NOTHING: Tree = Tree::Null;

/// Calls `found` at every place that the path leads to.
pub(super) fn walk<'t>(place: &mut Place<'t>, path: &'t Path, found: &mut dyn FnMut(&Place<'t>)) {
    if path.root {
        let mut root =
            Place { around: place.around.first().copied().into_iter().collect(), keys: Vec::new() };
        go(&mut root, &path.steps, found);
    } else {
        go(place, &path.steps, found);
    }
}

fn go<'t>(place: &mut Place<'t>, steps: &'t [Step], found: &mut dyn FnMut(&Place<'t>)) {
    let Some((step, rest)) = steps.split_first() else { return found(place) };
    let here = place.around.last().copied().unwrap_or(&NOTHING);
    match step {
        Step::Up => {
            let mut above = place.clone();
            above.around.pop();
            go(&mut above, rest, found);
        }
        Step::Name { name, optional, filters } => {
            let mut none = true;
            for (key, value) in here.entries() {
                if is(key, name) {
                    value.each(&mut |item| {
                        if filters.iter().all(|filter| meets(item, filter)) {
                            none = false;
                            enter(place, item, rest, found);
                        }
                    });
                }
            }
            if none && *optional {
                enter(place, &NOTHING, rest, found);
            }
        }
        Step::Each { value: name, optional } => {
            let mut none = true;
            for (key, value) in here.entries() {
                value.each(&mut |item| {
                    // A count beside the entries is none of them.
                    if rest.is_empty() || !matches!(item, Tree::Text(_)) {
                        none = false;
                        place.keys.push((name, key));
                        enter(place, item, rest, found);
                        place.keys.pop();
                    }
                });
            }
            if none && *optional {
                enter(place, &NOTHING, rest, found);
            }
        }
        Step::Any => {
            for (_, value) in here.entries() {
                value.each(&mut |item| enter(place, item, rest, found));
            }
        }
        // The keys are read by `texts`.
        Step::Keys => found(place),
    }
}

fn enter<'t>(place: &mut Place<'t>, item: &'t Tree, rest: &'t [Step], found: &mut dyn FnMut(&Place<'t>)) {
    place.around.push(item);
    go(place, rest, found);
    place.around.pop();
}

/// The texts of all leaves that the path leads to.
pub(super) fn texts<'t>(place: &Place<'t>, path: &'t Path) -> Vec<&'t str> {
    let keys = path.steps.last() == Some(&Step::Keys);
    let mut texts = Vec::new();
    walk(&mut place.clone(), path, &mut |place| {
        let here = place.around.last().copied().unwrap_or(&NOTHING);
        if keys {
            texts.extend(here.entries().iter().map(|(key, _)| key.as_str()));
        } else {
            here.each(&mut |item| texts.extend(item.leaf()));
        }
    });
    texts
}

/// Whether the document has the entries that the path begins with: those before the first step over data.
/// An empty container on the way counts: there is nothing in it.
pub(super) fn leads(document: &Tree, path: &Path) -> bool {
    let mut here = vec![document];
    for step in &path.steps {
        let Step::Name { name, optional: false, filters } = step else { return true };
        if here.iter().all(|tree| tree.is_empty()) {
            return true;
        }
        let mut next = Vec::new();
        for tree in here {
            tree.each(&mut |tree| {
                next.extend(tree.entries().iter().filter(|(key, _)| is(key, name)).map(|(_, value)| value));
            });
        }
        if next.is_empty() {
            return false;
        }
        if !filters.is_empty() {
            return true;
        }
        here = next;
    }
    true
}

/// Whether the document is empty, or has the entry that the path begins with.
pub(super) fn begins(document: &Tree, path: &Path) -> bool {
    match path.steps.first() {
        Some(Step::Name { name, .. }) => {
            let entries = document.entries();
            entries.is_empty() || entries.iter().any(|(key, _)| is(key, name))
        }
        _ => true,
    }
}

/// A name without a module's prefix means the entry of every module (RFC 7951).
fn is(key: &str, name: &str) -> bool {
    key == name || !name.contains(':') && key.split_once(':').is_some_and(|(_, local)| local == name)
}

fn meets(item: &Tree, filter: &Filter) -> bool {
    let mut equal = false;
    for (_, value) in item.entries().iter().filter(|(key, _)| is(key, &filter.key)) {
        value.each(&mut |value| equal |= value.leaf() == Some(&filter.value));
    }
    equal == filter.equal
}
