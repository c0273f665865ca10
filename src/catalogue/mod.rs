//! The catalogue: verbs, platforms, parsers and inventory, loaded whole or not at all.

pub mod rows;
mod show;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inventory::Inventory;
use crate::parse::textfsm::Template;
use crate::profile::Platform;
use crate::verb::Verb;

/// Everything that is data. Immutable once loaded; a reload makes a new one.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// By name.
    pub verbs: BTreeMap<String, Arc<Verb>>,
    /// By name; use [`Catalogue::platform`] to find one by an alias.
    pub platforms: BTreeMap<String, Arc<Platform>>,
    /// By `<platform>/<command_words>`.
    pub parsers: BTreeMap<String, Arc<Parser>>,
    /// The devices.
    pub inventory: Arc<Inventory>,
}

/// One parser folder; its template is compiled when first asked for and then shared.
#[derive(Debug)]
pub struct Parser {
    /// `<platform>/<command_words>`.
    pub name: String,
    /// Where the template came from, for errors.
    pub origin: String,
    /// The template's text.
    pub text: String,
    /// The compiled template.
    pub template: std::sync::OnceLock<Result<Arc<Template>, String>>,
}

impl Catalogue {
    /// A platform by its name or one of its aliases, in any case.
    pub fn platform(&self, name: &str) -> Option<&Arc<Platform>> {
        self.platforms.get(name).or_else(|| {
            self.platforms.values().find(|platform| {
                platform.name.eq_ignore_ascii_case(name)
                    || platform.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
            })
        })
    }
}
