//! From a platform and a command to its templates, without a catalogue of everything.

use super::Chain;
use crate::catalogue::{Catalogue, Lookup};
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
        match catalogue.find_parser(&platform, command) {
            Lookup::Found(name) => catalogue.chain(&name).map_err(|error| vec![error]),
            Lookup::Ambiguous(commands) => {
                let error = Error::question(format!("`{command}` is ambiguous on {platform}"));
                let commands: Vec<String> = commands.iter().map(|command| format!("`{command}`")).collect();
                Err(vec![error.hint(format!("it may be {}", commands.join(" or ")))])
            }
            Lookup::Unknown => Err(vec![catalogue.no_parser(&platform, command)]),
        }
    }

    /// The templates of a parser by its name, `<platform>/<command_words>`, as errors name it.
    pub fn chain_named(config: &Config, name: &str) -> Result<Chain, Vec<Error>> {
        let catalogue = Self::load_all_parsers(config)?;
        catalogue.chain(name).map_err(|error| vec![error])
    }

    /// The templates of a parser, compiled.
    pub fn chain(&self, name: &str) -> Result<Chain, Error> {
        let parsers = self.parsers_of(name).ok_or_else(|| {
            let error = Error::question(format!("there is no parser {name}"));
            match did_you_mean(name, self.parsers.keys().map(String::as_str)) {
                Some(hint) => error.hint(hint),
                None => error.hint("a parser's name is <platform>/<command_words>"),
            }
        })?;
        parsers.iter().map(|parser| parser.compiled()).collect::<Result<_, _>>().map(Chain::new)
    }

    fn no_parser(&self, platform: &str, command: &str) -> Error {
        const SHOWN: usize = 30;
        let error = Error::question(format!("no parser of {platform} reads `{command}`"));
        let known = self.commands_of(platform);
        match did_you_mean(command, known.iter().map(String::as_str)) {
            Some(hint) => error.hint(hint),
            None if known.is_empty() => error.hint("name a template by `--template FILE`"),
            None => {
                let more = if known.len() > SHOWN {
                    format!(" and {} more", known.len() - SHOWN)
                } else {
                    String::new()
                };
                let shown: Vec<&str> = known.iter().map(String::as_str).take(SHOWN).collect();
                error.hint(format!("its parsers read {}{more}", shown.join(", ")))
            }
        }
    }
}
