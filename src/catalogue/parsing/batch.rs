//! `nocbot parse --batch`: JSON lines in, one JSON line out for each, in order.
//!
//! | asked | answered |
//! |---|---|
//! | `{"template": path, "raw": path, "repeat": n}` | `{"records": […]}`, cells as the bare engine yields them |
//! | `{"index": path, "platform": p, "command": c, "raw": path or null}` | `{"template": name or null, "records": […]}`, as the collection's own function returns them |
//! | anything else | `{"error": "…"}` |
//!
//! An index is asked exactly as its reference asks it, by prefix and without expanding words first; its
//! templates lie in its directory.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::files;
use super::library::Library;
use crate::error::{Error, Result};
use crate::parse::Records;
use crate::parse::json::{Objects, lower_case, returned};
use crate::parse::merge::{Part, merge};

/// How long a line of the input may be, in bytes.
const MAX_LINE: u64 = 1 << 20;
/// The most often that one text is parsed.
const MAX_REPEAT: u64 = 1_000_000;

/// What a line asks for.
enum Job {
    Template { template: PathBuf, raw: PathBuf, repeat: u64 },
    Index { index: PathBuf, platform: String, command: String, raw: Option<PathBuf> },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Reply<'a> {
    Records { records: Objects<'a> },
    Found { template: Option<String>, records: Objects<'a> },
    Error { error: String },
}

/// Answers every line of `input` on `output`, each before the next is read.
///
/// # Errors
/// Input or output broke; a job's own failure is its answer.
pub fn run(input: &mut dyn BufRead, output: &mut dyn Write) -> Result<()> {
    let mut library = Library::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let broken = |error| Error::io("reading the jobs", error);
        let count =
            std::io::Read::take(&mut *input, MAX_LINE).read_until(b'\n', &mut line).map_err(broken)?;
        if count == 0 {
            return Ok(());
        }
        let whole = line.last() == Some(&b'\n') || (count as u64) < MAX_LINE;
        let mut answer = if whole {
            answer(&mut library, &line)
        } else {
            skip_line(input).map_err(broken)?;
            written(&Reply::Error { error: format!("a line is longer than {MAX_LINE} bytes") })
        };
        answer.push(b'\n');
        let sent = output.write_all(&answer).and_then(|()| output.flush());
        sent.map_err(|error| Error::io("writing the answers", error))?;
    }
}

/// Reads on to the end of a line without keeping it.
fn skip_line(input: &mut dyn BufRead) -> std::io::Result<()> {
    loop {
        let chunk = input.fill_buf()?;
        let end = memchr::memchr(b'\n', chunk);
        let used = end.map_or(chunk.len(), |end| end + 1);
        let done = end.is_some() || chunk.is_empty();
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn answer(library: &mut Library, line: &[u8]) -> Vec<u8> {
    let done = Job::read(line).and_then(|job| match job {
        Job::Template { template, raw, repeat } => {
            let records = parse(library, &template, &raw, repeat)?;
            Ok(written(&Reply::Records { records: Objects(&records) }))
        }
        Job::Index { index, platform, command, raw } => {
            let (template, records) = look_up(library, &index, &platform, &command, raw.as_deref())?;
            Ok(written(&Reply::Found { template, records: Objects(&records) }))
        }
    });
    done.unwrap_or_else(|error| written(&Reply::Error { error }))
}

fn written(reply: &Reply<'_>) -> Vec<u8> {
    // Texts, lists and maps with text keys can always be written.
    serde_json::to_vec(reply).unwrap_or_else(|_| br#"{"error":"the answer cannot be written"}"#.to_vec())
}

impl Job {
    fn read(line: &[u8]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_slice(line).map_err(|error| format!("this is no JSON: {error}"))?;
        let Value::Object(map) = value else { return Err("a job is a JSON object".to_owned()) };
        match (map.contains_key("template"), map.contains_key("index")) {
            (true, false) => Ok(Self::Template {
                template: text(&map, "template")?.into(),
                raw: text(&map, "raw")?.into(),
                repeat: repeat(&map)?,
            }),
            (false, true) => {
                let raw = match map.get("raw") {
                    None | Some(Value::Null) => None,
                    Some(_) => Some(text(&map, "raw")?.into()),
                };
                let index = PathBuf::from(text(&map, "index")?);
                let index = if index.is_dir() { index.join("index") } else { index };
                let (platform, command) = (text(&map, "platform")?, text(&map, "command")?);
                Ok(Self::Index { index, platform: platform.to_owned(), command: command.to_owned(), raw })
            }
            (true, true) => Err("a job has `template` or `index`, not both".to_owned()),
            (false, false) => Err("a job has `template` or `index`".to_owned()),
        }
    }
}

fn text<'j>(map: &'j Map<String, Value>, key: &str) -> Result<&'j str, String> {
    match map.get(key) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("`{key}` must be a text")),
        None => Err(format!("`{key}` is missing")),
    }
}

fn repeat(map: &Map<String, Value>) -> Result<u64, String> {
    match map.get("repeat") {
        None | Some(Value::Null) => Ok(1),
        Some(value) => value
            .as_u64()
            .filter(|repeat| (1..=MAX_REPEAT).contains(repeat))
            .ok_or_else(|| format!("`repeat` must be a whole number from 1 to {MAX_REPEAT}")),
    }
}

fn raw_text(path: &Path) -> Result<String, String> {
    files::read(path).map_err(|error| error.message().to_owned())
}

fn parse(library: &mut Library, template: &Path, raw: &Path, repeat: u64) -> Result<Records, String> {
    let compiled = library.template(template)?;
    let text = raw_text(raw)?;
    let parse = || compiled.reader.parse(&text).map_err(|error| format!("{}: {error}", raw.display()));
    for _ in 1..repeat {
        std::hint::black_box(parse()?);
    }
    parse()
}

type Found = (Option<String>, Records);

fn look_up(
    library: &mut Library,
    path: &Path,
    platform: &str,
    command: &str,
    raw: Option<&Path>,
) -> Result<Found, String> {
    let index = library.index(path)?;
    let text = raw.map(raw_text).transpose()?;
    let Some(row) = index.find(&[("Platform", platform), ("Command", command)]) else {
        return Ok((None, Records::default()));
    };
    let name = Some(row.templates.join(":"));
    let Some(text) = text else { return Ok((name, Records::default())) };
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut parts = Vec::with_capacity(row.templates.len());
    for template in &row.templates {
        let compiled = library.template(&directory.join(template))?;
        let records = compiled.reader.parse(&text).map_err(|error| format!("{template}: {error}"))?;
        // The reference compares keys after `str()`.
        parts.push(Part { records: returned(records), keys: compiled.reader.keys() });
    }
    let records = merge(parts).map_err(|error| error.to_string())?;
    Ok((name, lower_case(records)))
}
