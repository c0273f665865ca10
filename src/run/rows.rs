//! From one output to rows or text.

use std::sync::Arc;

use super::{Gathered, INLINE, Reading, Step};
use crate::catalogue::{Catalogue, join, rows};
use crate::error::{Error, Failure, FailureKind};
use crate::parse::Records;

/// Adds what `text` holds to `gathered`.
pub(super) async fn read(
    catalogue: &Arc<Catalogue>,
    step: &Step,
    text: String,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    match &step.reading {
        Reading::Text => gathered.texts.push((step.command.clone(), text)),
        Reading::Parser(parser) => match parse(catalogue, parser, text).await {
            Ok((records, _)) if !records.rows.is_empty() => {
                let (columns, rows) = rows::plain(&records);
                gathered.columns = columns;
                gathered.rows = rows;
                gathered.parsed = true;
            }
            Ok((_, text)) => gathered.texts.push((step.command.clone(), text)),
            Err((failure, text)) => {
                gathered.notes.push(format!("shown as printed: {}", failure.message));
                gathered.texts.push((step.command.clone(), text));
            }
        },
        Reading::Verb(verb, source) | Reading::Join(verb, source) => {
            let (records, _) =
                parse(catalogue, &source.parser, text).await.map_err(|(mut failure, text)| {
                    failure.message = format!("`{}`: {}", step.command, failure.message);
                    failure
                        .partial(text)
                        .hint(format!("`show` gives the output as it is; the parser is {}", source.parser))
                })?;
            let mapped = rows::rows(verb, source, &records);
            if matches!(step.reading, Reading::Join(..)) {
                join::fill(verb, &mut gathered.rows, &mapped.rows);
            } else {
                gathered.columns = rows::columns(verb);
                gathered.parsed = true;
                gathered.rows.extend(mapped.rows);
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
    text: String,
) -> Result<(Records, String), (Failure, String)> {
    if text.len() <= INLINE {
        return parse_now(catalogue, parser, text);
    }
    let (catalogue, parser) = (Arc::clone(catalogue), parser.to_owned());
    match tokio::task::spawn_blocking(move || parse_now(&catalogue, &parser, text)).await {
        Ok(result) => result,
        Err(_) => Err((Failure::new(FailureKind::Parse, "the parser failed"), String::new())),
    }
}

fn parse_now(
    catalogue: &Catalogue,
    parser: &str,
    text: String,
) -> Result<(Records, String), (Failure, String)> {
    let missing = || Error::config(format!("there is no parser {parser}"));
    let template = match catalogue.parser(parser).ok_or_else(missing).and_then(|parser| parser.template()) {
        Ok(template) => template,
        Err(error) => return Err((Failure::new(FailureKind::Parse, error.message()), text)),
    };
    match template.parse(&text) {
        Ok(records) => Ok((records, text)),
        Err(error) => {
            let line = error.text.chars().take(120).collect::<String>();
            let message = format!("line {} is not what its parser knows: `{}`", error.line, line.trim());
            Err((Failure::new(FailureKind::Parse, message), text))
        }
    }
}
