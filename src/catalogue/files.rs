//! The data files: those embedded in the binary, and the operator's directories laid over them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::Collection;
use crate::error::Error;

/// The file of a parser for screen text.
pub(super) const TEMPLATE: &str = "template.textfsm";
/// The file of a parser for structured output.
pub(super) const PATHS: &str = "template.yaml";
/// How large a data file may be; a recorded output is the largest kind.
const MAX_BYTES: u64 = 16 << 20;

#[derive(RustEmbed)]
#[folder = "device-profiles/"]
struct Profiles;

#[derive(RustEmbed)]
#[folder = "parsers/"]
#[allow_missing = true]
struct Parsers;

/// A file's text and where it came from.
#[derive(Debug, Clone)]
pub struct File {
    /// The path as the operator named its directory, or `built-in:` and the path in the source tree.
    pub origin: String,
    /// The text.
    pub text: Cow<'static, str>,
}

/// Files by their name within the layers (`verbs/vrf.yaml`, `frr/show_vrf/one.raw`), the upper ones.
#[derive(Debug, Default)]
pub struct Layers {
    /// What counts.
    pub files: BTreeMap<String, File>,
    /// Which file lies over which.
    pub overrides: Vec<String>,
    /// Files that nobody reads.
    pub warnings: Vec<Error>,
}

/// Verbs and platforms: the directories' `verbs/*.yaml` and `platforms/*.yaml` over the built-in ones.
pub fn profiles(directories: &[PathBuf], errors: &mut Vec<Error>) -> Layers {
    let mut layers = Layers::default();
    for path in Profiles::iter() {
        layers.embed("device-profiles", &path, Profiles::get(&path), errors);
    }
    layers.lay(directories, &["verbs", "platforms"], errors);
    layers
}

/// Parsers: the directories' `<platform>/<command_words>/*` over the built-in ones; of these only those of some
/// platforms, where they are named.
pub fn parsers(directories: &[PathBuf], platforms: Option<&[String]>, errors: &mut Vec<Error>) -> Layers {
    let mut layers = Layers::default();
    let wanted = |path: &str| {
        let platform = path.split('/').next().unwrap_or_default();
        platforms.is_none_or(|platforms| platforms.iter().any(|wanted| wanted == platform))
    };
    for path in Parsers::iter().filter(|path| wanted(path)) {
        layers.embed("parsers", &path, Parsers::get(&path), errors);
    }
    layers.lay(directories, &[], errors);
    layers
}

/// Whether a file is read, by its name within its layer. Endings are in lower case on every system.
#[allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "`one.RAW` is told as a file nobody reads"
)]
fn is_wanted(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["verbs" | "platforms", file] => file.ends_with(".yaml"),
        [_, _, file] => *file == TEMPLATE || file.ends_with(".raw") || file.ends_with(".yaml"),
        _ => false,
    }
}

/// Files that lie about in every directory and are worth no word.
fn is_ordinary(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.starts_with('.') || file.ends_with('~') || file.to_ascii_uppercase().starts_with("README")
}

impl Layers {
    fn embed(
        &mut self,
        folder: &str,
        path: &str,
        file: Option<rust_embed::EmbeddedFile>,
        errors: &mut Vec<Error>,
    ) {
        let origin = format!("built-in:{folder}/{path}");
        let Some(file) = file.filter(|_| is_wanted(path)) else { return };
        let text = match file.data {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).ok(),
            Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).ok(),
        };
        match text {
            Some(text) => {
                self.files.insert(path.to_owned(), File { origin, text });
            }
            None => errors.push(Error::config(format!("{origin} is not UTF-8 text"))),
        }
    }

    /// Lays directories over what is there, the last one first, so that the first one wins.
    fn lay(&mut self, directories: &[PathBuf], folders: &[&str], errors: &mut Vec<Error>) {
        for directory in directories.iter().rev() {
            let mut found = Vec::new();
            walk(directory, "", 3, &mut found, errors);
            let mut used = 0;
            // Its templates are those that its index names; folders of parsers may stand beside them.
            let indexed = folders.is_empty() && Collection::is_at(directory);
            for (name, path) in found {
                let place = path.display().to_string();
                let in_folder =
                    folders.is_empty() || folders.iter().any(|folder| name.split('/').next() == Some(folder));
                if !in_folder || !is_wanted(&name) {
                    if !is_ordinary(&name) && !indexed {
                        let hint = if folders.is_empty() {
                            "a parser is <platform>/<command_words>/ with template.textfsm or template.yaml, *.raw and *.yaml"
                        } else {
                            "a directory of profiles holds verbs/*.yaml and platforms/*.yaml"
                        };
                        self.warnings.push(Error::config(format!("nobody reads {place}")).hint(hint));
                    }
                    continue;
                }
                used += 1;
                match read(&path) {
                    Ok(text) => self.put(name, place, text),
                    Err(error) => errors.push(error),
                }
            }
            if used == 0 && !indexed {
                let warning = Error::config(format!("{} holds nothing to read", directory.display()));
                self.warnings.push(warning);
            }
        }
    }

    fn put(&mut self, name: String, origin: String, text: String) {
        let file = File { origin, text: Cow::Owned(text) };
        let over = file.origin.clone();
        if let Some(under) = self.files.insert(name, file) {
            self.overrides.push(format!("{over} overrides {}", under.origin));
        }
    }
}

/// All files below a directory, at most `depth` folders deep, by their names with `/`, in order.
fn walk(
    directory: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<(String, PathBuf)>,
    errors: &mut Vec<Error>,
) {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            errors.push(Error::io(format!("the directory {}", directory.display()), error));
            return;
        }
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let name = format!("{prefix}{file}");
        if path.is_dir() {
            if depth > 1 && !file.starts_with('.') {
                walk(&path, &format!("{name}/"), depth - 1, found, errors);
            }
        } else {
            found.push((name, path));
        }
    }
}

/// A regular file's text, of a bounded size.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let what = || path.display().to_string();
    let meta = std::fs::metadata(path).map_err(|error| Error::io(what(), error))?;
    if !meta.is_file() {
        return Err(Error::config(format!("{} is not a file", what())));
    }
    if meta.len() > MAX_BYTES {
        return Err(Error::config(format!("{} is larger than {} MiB", what(), MAX_BYTES >> 20)));
    }
    let bytes = std::fs::read(path).map_err(|error| Error::io(what(), error))?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n');
        Error::config(format!("{} is not UTF-8 text in line {}", what(), line.count() + 1))
    })
}
