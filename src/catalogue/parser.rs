//! A parser: its template or its paths, read and compiled when first asked for.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::parsing::{Compiled, compile};
use crate::error::{Error, Place, Result};
use crate::parse::Reader;

/// A template, or paths, compiled when first asked for and then shared.
#[derive(Debug)]
pub struct Parser {
    /// `<platform>/<command_words>` of a folder, the file's path in a collection.
    pub name: String,
    /// The file that it came from, for errors.
    pub origin: String,
    source: Source,
    compiled: OnceLock<Result<Arc<Compiled>, Wrong>>,
}

#[derive(Debug)]
enum Source {
    Text(String),
    File(PathBuf),
}

/// What is wrong with it, to be told as often as it is asked for.
#[derive(Debug)]
struct Wrong {
    message: String,
    place: Option<Place>,
}

impl Parser {
    /// A parser that is not yet compiled; `origin` names its file, which is a template unless it is `template.yaml`.
    pub fn new(name: impl Into<String>, origin: impl Into<String>, text: impl Into<String>) -> Self {
        let source = Source::Text(text.into());
        Self { name: name.into(), origin: origin.into(), source, compiled: OnceLock::new() }
    }

    /// A parser whose template is not yet read.
    pub fn of_file(path: PathBuf) -> Self {
        let name = path.display().to_string();
        Self { origin: name.clone(), name, source: Source::File(path), compiled: OnceLock::new() }
    }

    /// The compiled parser; who comes first compiles it, everybody else shares it.
    pub fn reader(&self) -> Result<Reader> {
        self.compiled().map(|compiled| compiled.reader.clone())
    }

    /// The compiled parser with its text.
    pub fn compiled(&self) -> Result<Arc<Compiled>> {
        let compiled = self.compiled.get_or_init(|| {
            let text = match &self.source {
                Source::Text(text) => Ok(text.clone()),
                Source::File(path) => super::files::read(path),
            };
            let compiled = text.and_then(|text| compile(&self.origin, text));
            compiled
                .map(Arc::new)
                .map_err(|error| Wrong { message: error.message().to_owned(), place: error.place().cloned() })
        });
        compiled.as_ref().map(Arc::clone).map_err(|wrong| {
            let error = Error::config(wrong.message.clone());
            match &wrong.place {
                Some(place) => error.at(place.clone()),
                None => error,
            }
        })
    }
}
