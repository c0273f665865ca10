//! Parsers and indexes by their paths, each read and compiled once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::files::{self, PATHS};
use crate::error::{Error, Place, Result};
use crate::parse::Reader;
use crate::parse::index::Index;
use crate::parse::paths::Paths;
use crate::parse::textfsm::{ParseError, Template, TemplateError};

/// A compiled template with what an explanation needs.
#[derive(Debug)]
pub struct Compiled {
    /// The file as it was named.
    pub origin: String,
    /// The file's text.
    pub text: String,
    /// What reads outputs by it.
    pub reader: Reader,
}

/// Everything that was read so far. What could not be read is kept as well: a second question about the
/// same file gets the same answer.
#[derive(Debug, Default)]
pub struct Library {
    templates: HashMap<PathBuf, Result<Arc<Compiled>, String>>,
    indexes: HashMap<PathBuf, Result<Arc<Index>, String>>,
}

impl Library {
    /// Reads and compiles one template.
    pub fn read(path: &Path) -> Result<Compiled> {
        compile(&path.display().to_string(), files::read(path)?)
    }

    /// The template of a file.
    pub(super) fn template(&mut self, path: &Path) -> Result<Arc<Compiled>, String> {
        if let Some(known) = self.templates.get(path) {
            return known.clone();
        }
        let read = Self::read(path).map(Arc::new).map_err(|error| one_line(&error));
        self.templates.insert(path.to_owned(), read.clone());
        read
    }

    /// The index of a file, or of a directory's file `index`.
    pub(super) fn index(&mut self, path: &Path) -> Result<Arc<Index>, String> {
        if let Some(known) = self.indexes.get(path) {
            return known.clone();
        }
        let read = files::read(path).and_then(|text| {
            Index::read(&text).map_err(|error| template_error(&path.display().to_string(), &text, &error))
        });
        let read = read.map(Arc::new).map_err(|error| one_line(&error));
        self.indexes.insert(path.to_owned(), read.clone());
        read
    }
}

/// Compiles a parser's text: paths where the file is called so, else a template.
pub(in super::super) fn compile(origin: &str, text: String) -> Result<Compiled> {
    let reader = if origin.rsplit(['/', '\\']).next() == Some(PATHS) {
        Reader::Paths(Arc::new(Paths::compile(origin, &text)?))
    } else {
        let template = Template::compile(&text).map_err(|error| template_error(origin, &text, &error))?;
        Reader::Template(Arc::new(template))
    };
    Ok(Compiled { origin: origin.to_owned(), text, reader })
}

/// What is wrong with a template or an index, with the place in its file.
pub(in super::super) fn template_error(origin: &str, text: &str, error: &TemplateError) -> Error {
    let line = error.line.max(1);
    let excerpt = text.lines().nth(line - 1).unwrap_or_default().to_owned();
    let place = Place { source: origin.to_owned(), line, column: error.column.max(1), excerpt };
    Error::config(error.message.clone()).at(place)
}

/// What a template says about a text that it refuses, with the place in the text.
pub(super) fn refusal(origin: &str, error: &ParseError) -> Error {
    let found = Error::config(error.message.clone());
    if error.line == 0 {
        return Error::config(format!("{origin}: {}", error.message));
    }
    let excerpt = crate::text::clean_line(&error.text);
    found.at(Place { source: origin.to_owned(), line: error.line, column: 1, excerpt })
}

/// Place and message in one line.
pub(super) fn one_line(error: &Error) -> String {
    match error.place() {
        Some(place) => format!("{}:{}:{}: {}", place.source, place.line, place.column, error.message()),
        None => error.message().to_owned(),
    }
}
