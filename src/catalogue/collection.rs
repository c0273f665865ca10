//! A directory of templates with an `index`, as the public collection has it.
//!
//! The index is read when the catalogue is loaded; a template is read and compiled when first asked for. What is
//! wrong with one template concerns nobody else: `nocbot check` warns of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parsing::template_error;
use super::{Parser, files};
use crate::error::{Error, Place, Result};
use crate::parse::index::Index;

/// The file that makes a directory a collection.
pub(super) const INDEX: &str = "index";

/// One such directory.
#[derive(Debug)]
pub struct Collection {
    /// The directory as the operator named it.
    pub directory: PathBuf,
    /// Its index.
    pub index: Index,
    /// The templates that the index names, by their names there.
    pub templates: BTreeMap<String, Arc<Parser>>,
}

impl Collection {
    /// Whether a directory is one.
    pub(super) fn is_at(directory: &Path) -> bool {
        directory.join(INDEX).is_file()
    }

    /// Reads the index. The lines that say nothing are added to `warnings`.
    pub(super) fn load(directory: &Path, warnings: &mut Vec<Error>) -> Result<Self> {
        let path = directory.join(INDEX);
        let origin = path.display().to_string();
        let text = files::read(&path)?;
        let index = Index::read(&text).map_err(|error| template_error(&origin, &text, &error))?;
        for dropped in index.dropped() {
            let excerpt = crate::text::clean_line(&dropped.text);
            let place = Place { source: origin.clone(), line: dropped.line, column: 1, excerpt };
            let warning =
                Error::config("this line of the index is left out: it has another number of fields")
                    .hint("fields are divided by every comma, also one in a regular expression");
            warnings.push(warning.at(place));
        }
        let names = index.rows().iter().flat_map(|row| &row.templates);
        let parser = |name: &String| (name.clone(), Arc::new(Parser::of_file(directory.join(name))));
        let templates = names.map(parser).collect();
        Ok(Self { directory: directory.to_owned(), index, templates })
    }

    /// What is wrong with each template: all are compiled for it.
    pub(super) fn check(&self, warnings: &mut Vec<Error>) {
        for parser in self.templates.values() {
            if let Err(error) = parser.reader() {
                let hint = "commands that the index gives to it are shown as text";
                warnings.push(error.hint(hint));
            }
        }
    }

    /// The name of a row's templates together: `<directory>/<a>:<b>`.
    pub(super) fn name_of(&self, templates: &[String]) -> String {
        self.directory.join(templates.join(":")).display().to_string()
    }

    /// The parsers of such a name.
    pub(super) fn named(&self, name: &str) -> Option<Vec<Arc<Parser>>> {
        let directory = self.directory.display().to_string();
        let templates = name.strip_prefix(&directory)?.trim_start_matches(['/', '\\']);
        templates.split(':').map(|name| self.templates.get(name).cloned()).collect()
    }
}
