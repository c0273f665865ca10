//! The catalogue: verbs, platforms, parsers and inventory, loaded whole or not at all.

pub mod check;
mod collection;
mod files;
pub mod join;
mod load;
pub mod narrow;
mod parser;
pub mod parsing;
pub mod rows;
mod show;
mod units;

pub use collection::Collection;
pub use files::File;
pub use load::{Loaded, Sample};
pub use parser::Parser;
pub use show::Lookup;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inventory::Inventory;
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
    /// Directories with an `index`, in the order of the configuration.
    pub collections: Vec<Arc<Collection>>,
    /// Per platform, whose parsers it may use: its own, then those of what it extends.
    pub families: BTreeMap<String, Vec<String>>,
    /// The devices.
    pub inventory: Arc<Inventory>,
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

    /// A parser by its whole name, `<platform>/<command_words>`.
    pub fn parser(&self, name: &str) -> Option<&Arc<Parser>> {
        self.parsers.get(name)
    }

    /// The parsers that read one output together, their tables merged: a folder's one, or those of a
    /// collection's row, by the name that [`Catalogue::show_parser`] gave.
    pub fn parsers_of(&self, name: &str) -> Option<Vec<Arc<Parser>>> {
        let own = self.parsers.get(name).map(|parser| vec![Arc::clone(parser)]);
        own.or_else(|| self.collections.iter().find_map(|collection| collection.named(name)))
    }
}
