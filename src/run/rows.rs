//! From one output to rows or text.

use std::sync::Arc;

use super::{Gathered, INLINE, Reading, Step, data};
use crate::catalogue::{Catalogue, join, rows};
use crate::error::{Error, Failure, FailureKind};
use crate::parse::merge::{Part, merge};
use crate::parse::{Reader, Records};
use crate::table::Value;
use crate::verb::Class;

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

/// Whether a step sends packets: then what it has said so far is true by itself, hop by hop.
pub(super) fn is_probe(step: &Step) -> bool {
    matches!(&step.reading, Reading::Verb(verb, _) if verb.class == Class::Probe)
}

/// How many last lines may be in the middle of something.
const UNFINISHED: usize = 3;

/// Keeps the rows of a probe that had begun when its device stopped answering: the hops of a long trace. What
/// cannot be rows yet stays in the failure as text.
pub(super) async fn begun(
    catalogue: &Arc<Catalogue>,
    step: &Step,
    failure: Failure,
    gathered: &mut Gathered,
) -> Failure {
    let Some(text) = failure.partial.as_deref().filter(|_| is_probe(step)) else { return failure };
    // The last line may lack its end, and half an address is another address.
    let mut whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
    for _ in 0..UNFINISHED {
        let mut rows = Gathered::default();
        if read(catalogue, step, whole.into(), &mut rows).await.is_ok() && !rows.rows.is_empty() {
            gathered.columns = rows.columns;
            gathered.rows.extend(rows.rows);
            gathered.notes.extend(rows.notes);
            gathered.parsed = true;
            let message = format!("{}; the rows are what it had said", failure.message);
            return Failure { message, partial: None, ..failure };
        }
        let shorter =
            whole.trim_end_matches('\n').rfind('\n').map_or("", |end| whole.get(..=end).unwrap_or_default());
        whole = shorter;
    }
    failure
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

    #[tokio::test]
    async fn a_trace_that_was_cut_keeps_its_whole_hops() {
        let catalogue = Arc::new(Catalogue::builtin_with(crate::inventory::Inventory::default()).unwrap());
        let verb = Arc::clone(catalogue.verbs.get("trace").unwrap());
        let source =
            catalogue.platform("linux").unwrap().verbs.get("trace").unwrap().first().unwrap().clone();
        let reading = Reading::Verb(verb, Arc::new(source));
        let step = Step::new(crate::transport::Ask::Command, "traceroute -n 192.0.2.9".to_owned(), reading);
        let said = "traceroute to 192.0.2.9 (192.0.2.9), 30 hops max, 60 byte packets\n \
            1  10.0.0.1  0.204 ms  0.060 ms  0.047 ms\n 2  10.0.1.1  0.3 ms  0.2 ms  0.2 ms\n 3  * * *\n 4  10.0.2.10";
        let late = || Failure::new(FailureKind::Timeout, "gave no answer in time");
        let mut gathered = Gathered::default();
        let failure = begun(&catalogue, &step, late().partial(said), &mut gathered).await;
        // The fourth hop may be 10.0.2.10 or 10.0.2.101: nobody knows.
        assert_eq!(gathered.rows.len(), 3, "{gathered:?}");
        assert_eq!((failure.kind, failure.partial), (FailureKind::Timeout, None));
        let mut gathered = Gathered::default();
        let failure =
            begun(&catalogue, &step, late().partial("traceroute to 192.0.2.9"), &mut gathered).await;
        assert!(gathered.rows.is_empty() && failure.partial.is_some());
    }
}
