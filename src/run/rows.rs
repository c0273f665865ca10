//! From one output to rows or text.

use std::sync::Arc;

use super::{Gathered, INLINE, Reading, Step, data};
use crate::catalogue::{Catalogue, join, rows};
use crate::error::{Error, Failure, FailureKind};
use crate::parse::merge::{Part, merge};
use crate::parse::{Reader, Records};
use crate::table::Value;

/// Adds what `text` holds to `gathered`.
pub(super) async fn read(
    catalogue: &Arc<Catalogue>,
    step: &Step,
    text: Arc<str>,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    match &step.reading {
        Reading::Text => gathered.texts.push((step.command.clone(), text.to_string())),
        Reading::Data => data::read(step, &text, gathered)?,
        Reading::Parser(parser) => match parse(catalogue, parser, &step.below, text).await {
            Ok((records, _)) if !records.rows.is_empty() => {
                let (columns, rows) = rows::plain(&records);
                gathered.columns = columns;
                gathered.rows = rows;
                gathered.parsed = true;
            }
            Ok((_, text)) => gathered.texts.push((step.command.clone(), text.to_string())),
            Err((failure, text)) => {
                gathered.notes.push(format!("shown as printed: {}", failure.message));
                gathered.texts.push((step.command.clone(), text.to_string()));
            }
        },
        Reading::Verb(verb, source) | Reading::Join(verb, source) => {
            let parsed = parse(catalogue, &source.parser, &step.below, text).await;
            let (records, _) = parsed
                .and_then(|parsed| not_ignored(catalogue, &source.parser, parsed))
                .map_err(|(mut failure, text)| {
                    failure.message = format!("`{}`: {}", step.command, failure.message);
                    failure.partial(text.to_string()).hint(format!(
                        "`show` gives the output as it is; put it into a file, and `nocbot parse --parser {} \
                         --explain FILE` says which rule took which line",
                        source.parser
                    ))
                })?;
            let mapped = rows::rows(verb, source, &records);
            if matches!(step.reading, Reading::Join(..)) {
                join::fill(verb, &mut gathered.rows, &mapped.rows);
                rows::overlay(verb, &mut gathered.rows);
            } else {
                gathered.columns = rows::columns(verb);
                gathered.parsed = true;
                let meant = |row: &Vec<Value>| step.narrows.iter().all(|narrow| narrow.keeps(row));
                gathered.rows.extend(mapped.rows.into_iter().filter(meant));
            }
            gathered.notes.extend(mapped.notes);
        }
    }
    Ok(())
}

/// Parses a text; gives it back either way, since a failure shows it.
async fn parse(
    catalogue: &Arc<Catalogue>,
    parser: &str,
    below: &[String],
    text: Arc<str>,
) -> Result<(Records, Arc<str>), (Failure, Arc<str>)> {
    if text.len() <= INLINE {
        return parse_now(catalogue, parser, below, text);
    }
    let (catalogue, parser, below) = (Arc::clone(catalogue), parser.to_owned(), below.to_vec());
    match tokio::task::spawn_blocking(move || parse_now(&catalogue, &parser, &below, text)).await {
        Ok(result) => result,
        Err(_) => Err((Failure::new(FailureKind::Parse, "the parser failed"), "".into())),
    }
}

fn parse_now(
    catalogue: &Catalogue,
    parser: &str,
    below: &[String],
    text: Arc<str>,
) -> Result<(Records, Arc<str>), (Failure, Arc<str>)> {
    let missing = || Error::config(format!("there is no parser {parser}"));
    let parsers = match catalogue.parsers_of(parser).ok_or_else(missing) {
        Ok(parsers) => parsers,
        Err(error) => return Err((Failure::new(FailureKind::Parse, error.message()), text)),
    };
    let mut parts = Vec::with_capacity(parsers.len());
    for parser in parsers {
        let reader = match parser.reader() {
            Ok(reader) => reader,
            Err(error) => return Err((Failure::new(FailureKind::Parse, error.message()), text)),
        };
        match reader.parse_below(&text, below) {
            Ok(records) => parts.push(Part { records, keys: reader.keys() }),
            Err(error) if matches!(reader, Reader::Paths(_)) => {
                let message = format!("its document is not what its parser knows: {}", error.message);
                return Err((Failure::new(FailureKind::Parse, message), text));
            }
            Err(error) => return Err((unknown_line(error.line, &error.text), text)),
        }
    }
    match merge(parts) {
        Ok(records) => Ok((records, text)),
        Err(error) => Err((Failure::new(FailureKind::Parse, error.to_string()), text)),
    }
}

fn unknown_line(line: usize, text: &str) -> Failure {
    let shown = text.chars().take(120).collect::<String>();
    let message = format!("line {line} is not what its parser knows: `{}`", shown.trim());
    Failure::new(FailureKind::Parse, message)
}

/// No records are an answer only where the parser's rules took every line: a template that passes over what it
/// does not know must not make an empty table of it.
fn not_ignored(
    catalogue: &Catalogue,
    parser: &str,
    (records, text): (Records, Arc<str>),
) -> Result<(Records, Arc<str>), (Failure, Arc<str>)> {
    if !records.rows.is_empty() || text.trim().is_empty() {
        return Ok((records, text));
    }
    let ignored = catalogue
        .parsers_of(parser)
        .into_iter()
        .flatten()
        .find_map(|parser| parser.reader().ok()?.ignored(&text));
    match ignored {
        Some((line, found)) => Err((unknown_line(line, &found), text)),
        None => Ok((records, text)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::catalogue::Parser;

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::default();
        let rules = [
            ("lax", " ^${A}$$ -> Record\n"),
            ("strict", " ^${A}$$ -> Record\n ^Head\n ^\\s*$$\n ^. -> Error\n"),
        ];
        for (name, rules) in rules {
            let template = format!("Value A (x\\d)\n\nStart\n{rules}");
            catalogue.parsers.insert(name.to_owned(), Arc::new(Parser::new(name, name, template)));
        }
        catalogue
    }

    fn read(parser: &str, text: &str) -> Result<usize, String> {
        let catalogue = catalogue();
        let parsed = parse_now(&catalogue, parser, &[], text.into());
        let read = parsed.and_then(|parsed| not_ignored(&catalogue, parser, parsed));
        read.map(|(records, _)| records.rows.len()).map_err(|(failure, kept)| {
            assert_eq!((failure.kind, &*kept), (FailureKind::Parse, text));
            failure.message
        })
    }

    #[test]
    fn output_that_no_rule_takes_is_no_empty_answer() {
        assert_eq!(read("strict", "Head\n\n"), Ok(0), "every line was taken by a rule");
        assert_eq!(read("lax", " \n"), Ok(0), "there was no output");
        assert_eq!(read("lax", "noise\nx1\n"), Ok(1));
        assert!(read("lax", "\nnew release\n").unwrap_err().contains("line 2 is not what"));
        assert!(read("strict", "Head\nnew\n").unwrap_err().contains("line 2 is not what"));
        assert!(read("none", "x1").unwrap_err().contains("no parser none"));
    }
}
