//! A recorded output as a verb's rows: what a profile's author wants to see.

use super::Chain;
use crate::catalogue::{Catalogue, rows};
use crate::config::Config;
use crate::error::Error;
use crate::inventory::Inventory;
use crate::parse::{Cell, Records};
use crate::profile::{Platform, Source};
use crate::table::Value;
use crate::text::did_you_mean;
use crate::verb::Verb;

/// A verb on a platform, with everything that may read an output of it.
#[derive(Debug)]
pub struct VerbReader {
    catalogue: Catalogue,
    verb: String,
    platform: String,
}

/// The rows of an output.
#[derive(Debug)]
pub struct VerbRows {
    /// Under the verb's columns, every cell as text.
    pub records: Records,
    /// The command whose parser read it.
    pub command: String,
    /// What did not fit its column.
    pub notes: Vec<String>,
}

impl VerbReader {
    /// A verb by its name or alias on a platform by any of its names.
    ///
    /// # Errors
    /// Something of the data files is wrong, or one of the two is not known.
    pub fn load(config: &Config, platform: &str, verb: &str) -> Result<Self, Vec<Error>> {
        let catalogue = Catalogue::load_with(config, Inventory::default())?.catalogue;
        let platform = catalogue.platform(platform).map(|found| found.name.clone()).ok_or_else(|| {
            let error = Error::question(format!("nobody knows the platform `{platform}`"));
            vec![hinted(error, platform, catalogue.platforms.keys())]
        })?;
        let is = |known: &Verb| known.name == verb || known.aliases.iter().any(|alias| alias == verb);
        let name = catalogue.verbs.values().find(|known| is(known)).map(|known| known.name.clone());
        let verb = name.ok_or_else(|| {
            let error = Error::question(format!("there is no verb `{verb}`"));
            vec![hinted(error, verb, catalogue.verbs.keys())]
        })?;
        let reader = Self { catalogue, verb, platform };
        if reader.sources().is_empty() {
            return Err(vec![Error::question(format!("{} has no `{}`", reader.platform, reader.verb))]);
        }
        Ok(reader)
    }

    /// The rows of a text by the first of the verb's sources that reads it; of those of one command where
    /// `command` is given.
    ///
    /// # Errors
    /// None of them reads it: what each one says.
    pub fn read(&self, file: &str, text: &str, command: Option<&str>) -> Result<VerbRows, Vec<Error>> {
        let mut errors = Vec::new();
        let mut empty = None;
        for source in self.sources() {
            if command.is_some_and(|command| !is_command(source, command)) {
                continue;
            }
            match self.one(source, file, text) {
                // Several may pass over a text; the one that finds something in it is meant.
                Ok(rows) if rows.records.rows.is_empty() => empty = empty.or(Some(rows)),
                Ok(rows) => return Ok(rows),
                Err(error) => errors.push(error),
            }
        }
        match (empty, command) {
            (Some(rows), _) => Ok(rows),
            (None, Some(command)) if errors.is_empty() => {
                let known: Vec<String> = self.sources().iter().map(|source| source.ask.title()).collect();
                let error = Error::question(format!("`{}` does not send `{command}`", self.verb));
                Err(vec![error.hint(format!("it sends {}", known.join(", ")))])
            }
            (None, _) => Err(errors),
        }
    }

    fn one(&self, source: &Source, file: &str, text: &str) -> Result<VerbRows, Error> {
        let chain: Chain = self.catalogue.chain(&source.parser)?;
        let records = chain.parse(file, text)?;
        let Some(verb) = self.catalogue.verbs.get(&self.verb) else {
            return Err(Error::question(format!("there is no verb `{}`", self.verb)));
        };
        let mapped = rows::rows(verb, source, &records);
        let header = verb.columns.iter().map(|column| column.name.clone()).collect();
        let rows = mapped.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let command = source.ask.title();
        Ok(VerbRows { records: Records { header, rows }, command, notes: mapped.notes })
    }

    fn sources(&self) -> Vec<&Source> {
        let platform: Option<&Platform> = self.catalogue.platforms.get(&self.platform).map(AsRef::as_ref);
        let sources = platform.and_then(|platform| platform.verbs.get(&self.verb));
        sources.into_iter().flatten().flat_map(Source::all).collect()
    }
}

/// Whether the words typed begin the words of the source's command.
fn is_command(source: &Source, command: &str) -> bool {
    let own = source.ask.title().to_lowercase();
    let mut own = own.split_whitespace();
    command.to_lowercase().split_whitespace().all(|word| own.next().is_some_and(|own| own.starts_with(word)))
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::List(items) => Cell::List(items.iter().map(|item| Some(item.to_string())).collect()),
        other => Cell::Text(other.to_string()),
    }
}

fn hinted<'a>(error: Error, typed: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let known: Vec<&str> = known.map(String::as_str).collect();
    match did_you_mean(typed, known.iter().copied()) {
        Some(hint) => error.hint(hint),
        None => error.hint(format!("there are {}", known.join(", "))),
    }
}
