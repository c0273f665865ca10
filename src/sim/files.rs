//! The simulator's data files: embedded, or from a directory laid over the embedded ones.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::yaml::Node;

#[derive(RustEmbed)]
#[folder = "lab/demo"]
struct Demo;

#[derive(RustEmbed)]
#[folder = "inventory"]
struct DemoInventory;

/// Where the files come from.
#[derive(Debug, Clone, Default)]
pub struct Files {
    over: Option<PathBuf>,
}

impl Files {
    /// The embedded files alone.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// A directory of the same shape, file by file before the embedded ones.
    pub fn over(dir: &Path) -> Self {
        Self { over: Some(dir.to_owned()) }
    }

    /// One file: its name for errors, and its text.
    pub fn read(&self, path: &str) -> Result<(String, String)> {
        if let Some(file) = self.over.as_ref().map(|dir| dir.join(path)).filter(|file| file.is_file()) {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(&file)
                .map_err(|error| Error::io(format!("cannot read {name}"), error))?;
            return Ok((name, text));
        }
        let embedded = match path.strip_prefix("inventory/") {
            Some(rest) => DemoInventory::get(rest),
            None => Demo::get(path),
        };
        let Some(file) = embedded else {
            let error = Error::config(format!("the simulator has no file `{path}`"));
            return Err(match &self.over {
                Some(dir) => error.hint(format!("put it into {}", dir.display())),
                None => error,
            });
        };
        let text = String::from_utf8(file.data.into_owned())
            .map_err(|error| Error::config(format!("`{path}` is not UTF-8")).with_source(error))?;
        Ok((path.to_owned(), text))
    }

    /// One YAML file as a tree.
    pub fn tree(&self, path: &str) -> Result<Node> {
        let (source, text) = self.read(path)?;
        node(&source, &text)
    }

    /// The names of the files below `dir` that end in `suffix`, without both.
    pub fn list(&self, dir: &str, suffix: &str) -> Vec<String> {
        let mut names: Vec<String> = Demo::iter()
            .filter_map(|path| Some(path.strip_prefix(dir)?.strip_suffix(suffix)?.to_owned()))
            .collect();
        if let Some(entries) = self.over.as_ref().and_then(|over| std::fs::read_dir(over.join(dir)).ok()) {
            names.extend(
                entries
                    .flatten()
                    .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(suffix)?.to_owned())),
            );
        }
        names.retain(|name| !name.contains('/'));
        names.sort();
        names.dedup();
        names
    }
}

/// Reads one YAML document; `source` names it in errors.
pub fn yaml<T: DeserializeOwned>(source: &str, text: &str) -> Result<T> {
    node(source, text)?.decode()
}

fn node(source: &str, text: &str) -> Result<Node> {
    Node::read(source, text).map_err(|errors| {
        let first = errors.into_iter().next();
        first.unwrap_or_else(|| Error::config(format!("{source} cannot be read")))
    })
}
