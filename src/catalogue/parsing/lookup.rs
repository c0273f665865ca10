//! From a platform and a command to its templates, without a catalogue of everything.

use std::sync::Arc;

use super::{Chain, Compiled};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::error::Error;
use crate::text::did_you_mean;

impl Catalogue {
    /// The templates that read `command` on `platform`: built-in ones and those of the configuration. Only
    /// what this takes is read: no verbs, no inventory, of the platforms no more than their names.
    ///
    /// # Errors
    /// Nobody knows the platform, no parser fits the command for certain, or a template is wrong.
    pub fn chain_for(config: &Config, platform: &str, command: &str) -> Result<Chain, Vec<Error>> {
        let (catalogue, platform) = Self::load_parsers(config, platform)?;
        let Some(name) = catalogue.show_parser(&platform, command) else {
            return Err(vec![catalogue.no_parser(&platform, command)]);
        };
        catalogue.chain(&name).map_err(|error| vec![error])
    }

    /// The templates of a parser, compiled.
    pub fn chain(&self, name: &str) -> Result<Chain, Error> {
        let parser = self.parser(name).ok_or_else(|| Error::config(format!("there is no parser {name}")))?;
        let template = parser.template()?;
        let compiled = Compiled { origin: parser.origin.clone(), text: parser.text.clone(), template };
        Ok(Chain::new(vec![Arc::new(compiled)]))
    }

    fn no_parser(&self, platform: &str, command: &str) -> Error {
        let error = Error::question(format!("no parser of {platform} reads `{command}`"));
        let prefix = format!("{platform}/");
        let known: Vec<String> = self
            .parsers
            .keys()
            .filter_map(|name| Some(name.strip_prefix(&prefix)?.replace('_', " ")))
            .collect();
        match did_you_mean(command, known.iter().map(String::as_str)) {
            Some(hint) => error.hint(hint),
            None if known.is_empty() => error.hint("name a template by `--template FILE`"),
            None => error.hint(format!("its parsers read {}", known.join(", "))),
        }
    }
}
