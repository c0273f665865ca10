//! The spellings of a secret in a file.

use std::path::Path;

use super::{Environment, Secret, SecretRef};
use crate::error::{Error, Result};

/// A `${NAME}` or `${NAME:-default}` in a text.
pub(crate) enum Piece<'a> {
    /// Text to keep.
    Text(&'a str),
    /// A variable, with what stands in for it.
    Variable(&'a str, Option<&'a str>),
}

/// Takes a text apart at its `${...}`. What is not a well-formed reference stays text.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut kept = 0;
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find("${")).map(|at| from + at) {
        let body = text.get(start + 2..).unwrap_or_default();
        match reference(body) {
            Some((name, default, length)) => {
                if let Some(before) = text.get(kept..start).filter(|before| !before.is_empty()) {
                    found.push(Piece::Text(before));
                }
                found.push(Piece::Variable(name, default));
                kept = start + 2 + length;
                from = kept;
            }
            None => from = start + 2,
        }
    }
    if let Some(rest) = text.get(kept..).filter(|rest| !rest.is_empty()) {
        found.push(Piece::Text(rest));
    }
    found
}

/// Name, default and length of what follows `${`, the brace included.
fn reference(body: &str) -> Option<(&str, Option<&str>, usize)> {
    let length = body.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))?;
    let (name, rest) = body.split_at(length);
    if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    if rest.starts_with('}') {
        return Some((name, None, length + 1));
    }
    let default = rest.strip_prefix(":-")?;
    let end = default.find('}')?;
    Some((name, default.get(..end), length + 2 + end + 1))
}

impl SecretRef {
    /// Reads a secret's text: `env:NAME`, `file:PATH`, `exec:COMMAND ARG...`, `plain:TEXT`,
    /// anything with `${NAME}` or `${NAME:-default}` in it, or the secret itself.
    ///
    /// A relative path counts from `base`; `~/` is the `HOME` of `environment`.
    pub fn read(text: &str, base: &Path, environment: &Environment) -> Result<Self> {
        if let Some(plain) = text.strip_prefix("plain:") {
            return Ok(Self::Plain(Secret::new(plain)));
        }
        if let Some(name) = text.strip_prefix("env:") {
            let name = name.trim();
            if name.is_empty() || name.contains(|letter: char| letter.is_whitespace() || letter == '=') {
                return Err(Error::config("`env:` needs the name of one environment variable")
                    .hint("for a secret that begins with these letters write `plain:env:...`"));
            }
            return Ok(Self::Env { name: name.to_owned(), default: None, environment: environment.clone() });
        }
        if let Some(path) = text.strip_prefix("file:") {
            if path.trim().is_empty() {
                return Err(Error::config("`file:` needs the path of a file"));
            }
            return path_of(path.trim(), base, environment).map(Self::File);
        }
        if let Some(command) = text.strip_prefix("exec:") {
            return words(command)
                .map(Self::Exec)
                .ok_or_else(|| Error::config("`exec:` needs a command with its quotes closed"));
        }
        let mut parts: Vec<Self> = pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => Self::Plain(Secret::new(text)),
                Piece::Variable(name, default) => Self::Env {
                    name: name.to_owned(),
                    default: default.map(Secret::new),
                    environment: environment.clone(),
                },
            })
            .collect();
        match parts.pop() {
            None => Ok(Self::Plain(Secret::new(""))),
            Some(part) if parts.is_empty() => Ok(part),
            Some(part) => {
                parts.push(part);
                Ok(Self::Joined(parts))
            }
        }
    }
}

/// A path as written in a file: relative ones count from `base`, `~/` is the environment's `HOME`.
pub fn path_of(text: &str, base: &Path, environment: &Environment) -> Result<std::path::PathBuf> {
    if text.contains('\0') {
        return Err(Error::config("a path cannot hold a null character"));
    }
    match text.strip_prefix("~/") {
        Some(rest) => match environment.get("HOME").filter(|home| !home.is_empty()) {
            Some(home) => Ok(Path::new(&home).join(rest)),
            None => Err(Error::config(format!("`{text}`: there is no HOME")).hint("write the whole path")),
        },
        None => Ok(base.join(text)),
    }
}

/// Words as a shell would split them, quotes and backslashes undone; nothing is expanded.
/// `None` when a quote stays open or there is no word.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => match letters.next()? {
                            escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        inner => word.push(inner),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next()?),
            blank if blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words.first().is_some_and(|program| !program.is_empty()).then_some(words)
}
