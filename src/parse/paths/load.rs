//! Reads a `template.yaml`.

use std::fmt;

use regex::Regex;
use serde::Deserialize;

use super::step::{Filter, Path, Step};
use super::{Empty, Format, Paths, Rows, Source};
use crate::error::{Error, Result};
use crate::yaml::Node;

/// The keys of a file and of each item of `also`.
const KEYS: [&str; 6] = ["format", "rows", "values", "also", "empty", "key"];

#[derive(Deserialize)]
struct Head {
    format: Format,
}

impl Paths {
    /// Reads a file's text; `origin` names it in errors.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place.
    pub fn compile(origin: &str, text: &str) -> Result<Self> {
        let node = Node::read(origin, text).map_err(|errors| {
            errors.into_iter().next().unwrap_or_else(|| Error::config(format!("{origin} cannot be read")))
        })?;
        let mut unknown = Vec::new();
        node.unknown_keys(&KEYS, &mut unknown);
        if let Some(error) = unknown.into_iter().next() {
            return Err(error);
        }
        let format = node
            .get("format")
            .ok_or_else(|| node.error("the key `format` is missing").hint("it is `json`, `xml` or `yang`"))?;
        let Head { format } = Head { format: format.decode()? };
        let mut paths =
            Self { format, header: Vec::new(), tables: Vec::new(), empty: Vec::new(), keys: Vec::new() };
        paths.table(&node)?;
        if let Some(also) = node.get("also") {
            for item in also.items("`also`")? {
                let mut unknown = Vec::new();
                item.unknown_keys(&["rows", "values"], &mut unknown);
                if let Some(error) = unknown.into_iter().next() {
                    return Err(error);
                }
                paths.table(item)?;
            }
        }
        paths.keys(&node)?;
        if let Some(empty) = node.get("empty") {
            for item in empty.items("`empty`")? {
                paths.empty.push(nothing(item)?);
            }
        }
        Ok(paths)
    }

    fn keys(&mut self, node: &Node) -> Result<()> {
        let Some(key) = node.get("key") else {
            if self.format == Format::Yang {
                let error = node.error("`key` is missing: the values that every record has");
                return Err(error.hint("without it, an error of the server could look like a row"));
            }
            return Ok(());
        };
        let names = match key.items("`key`") {
            Ok(items) => items.iter().collect(),
            Err(_) => vec![key],
        };
        for name in names {
            let text = name.text().unwrap_or_default();
            let column = self.header.iter().position(|known| known == text);
            self.keys.push(column.ok_or_else(|| name.error(format!("there is no value `{text}`")))?);
        }
        Ok(())
    }

    fn table(&mut self, node: &Node) -> Result<()> {
        let rows = node.get("rows").ok_or_else(|| {
            node.error("the key `rows` is missing").hint("it is the path to the records: `/vrfs/{VRF}`")
        })?;
        let path = path(rows)?;
        if path.steps.iter().any(|step| matches!(step, Step::Up | Step::Keys)) {
            return Err(rows.error("`rows` goes down only: no `..` and no `{}`"));
        }
        for name in path.values() {
            self.column(name);
        }
        let mut values = Vec::new();
        if let Some(list) = node.get("values") {
            for (key, value) in list.entries("`values`")? {
                let name = key.text().unwrap_or_default();
                let good =
                    |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
                if name.is_empty() || !name.chars().all(good) {
                    let error = key.error(format!("`{name}` is no name of a value"));
                    return Err(error.hint("values are named in capitals, digits and `_`"));
                }
                let sources = match value.items("a value") {
                    Ok(items) => items.iter().map(source).collect::<Result<Vec<_>>>()?,
                    Err(_) => vec![source(value)?],
                };
                values.push((self.column(name), sources));
            }
        }
        self.tables.push(Rows { rows: path, values });
        Ok(())
    }

    fn column(&mut self, name: &str) -> usize {
        self.header.iter().position(|known| known == name).unwrap_or_else(|| {
            self.header.push(name.to_owned());
            self.header.len() - 1
        })
    }
}

fn path(node: &Node) -> Result<Path> {
    let text = node.text().ok_or_else(|| node.error("a path is a text: `/vrfs/{VRF}`"))?;
    Path::parse(text).map_err(|message| node.error(message))
}

fn source(node: &Node) -> Result<Source> {
    if let Some(constant) = node.text().and_then(|text| text.strip_prefix('=')) {
        return Ok(Source::Constant(constant.to_owned()));
    }
    let identity = node.get("identity");
    if identity.is_some() {
        let mut unknown = Vec::new();
        node.unknown_keys(&["identity"], &mut unknown);
        if let Some(error) = unknown.into_iter().next() {
            return Err(error);
        }
    }
    let path = path(identity.unwrap_or(node))?;
    if path.values().next().is_some() {
        return Err(node.error("a value's path takes no `{NAME}`; write `*` for every entry"));
    }
    Ok(if identity.is_some() { Source::Identity(path) } else { Source::Path(path) })
}

fn nothing(node: &Node) -> Result<Empty> {
    let text = node.text().unwrap_or_default();
    if text.starts_with('/') {
        return path(node).map(Empty::Entry);
    }
    Regex::new(text).map(Empty::Line).map_err(|error| {
        node.error(format!("`{text}` is no regular expression: {error}"))
            .hint("a path in the document begins with `/`; everything else is matched with the lines of a text that is no document")
    })
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            if self.root || index > 0 {
                f.write_str("/")?;
            }
            match step {
                Step::Up => f.write_str("..")?,
                Step::Any => f.write_str("*")?,
                Step::Keys => f.write_str("{}")?,
                Step::Each { value, .. } => write!(f, "{{{value}}}")?,
                Step::Name { name, filters, .. } => {
                    f.write_str(name)?;
                    for Filter { key, value, equal } in filters {
                        write!(f, "[{key}{}{value}]", if *equal { "=" } else { "!=" })?;
                    }
                }
            }
        }
        Ok(())
    }
}
