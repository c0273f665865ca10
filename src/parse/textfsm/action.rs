//! What a rule does when it matches: the text behind `->`.

use super::super::pyre::{is_space, is_word};

/// What happens to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LineOp {
    /// The next line is read, and the state may change.
    #[default]
    Next,
    /// The next rule of the same state is tried on the same line.
    Continue,
    /// The whole parse fails.
    Error,
}

/// What happens to the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum RecordOp {
    /// Nothing.
    #[default]
    NoRecord,
    /// It is written.
    Record,
    /// It is emptied; `Filldown` values stay.
    Clear,
    /// It is emptied.
    Clearall,
}

/// An action as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Action {
    pub(super) line: LineOp,
    pub(super) record: RecordOp,
    /// The state to go to; for `Error` a word or a quoted text to report.
    pub(super) target: Option<String>,
}

/// Names that are no states.
pub(super) const OPERATORS: [&str; 7] =
    ["Continue", "Next", "Error", "Clear", "Clearall", "Record", "NoRecord"];

fn line_op(word: &str) -> Option<LineOp> {
    match word {
        "Next" => Some(LineOp::Next),
        "Continue" => Some(LineOp::Continue),
        "Error" => Some(LineOp::Error),
        _ => None,
    }
}

fn record_op(word: &str) -> Option<RecordOp> {
    match word {
        "NoRecord" => Some(RecordOp::NoRecord),
        "Record" => Some(RecordOp::Record),
        "Clear" => Some(RecordOp::Clear),
        "Clearall" => Some(RecordOp::Clearall),
        _ => None,
    }
}

/// A word, or anything in double quotes.
fn is_target(text: &str) -> bool {
    let quoted = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
    quoted || (!text.is_empty() && text.chars().all(|c| is_word(c.into())))
}

impl Action {
    /// Reads what stands behind `->`, without blanks at its end. Empty is legal and means `Next`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let blank = |c: char| is_space(c.into());
        let bad = || format!("`->{text}` is no action; write for example `-> Next.Record State`");
        if text.is_empty() {
            return Ok(Self::default());
        }
        let words = text.trim_start_matches(blank);
        if words.len() == text.len() {
            return Err(bad());
        }
        let (head, tail) = words.split_at(words.find(blank).unwrap_or(words.len()));
        let tail = tail.trim_start_matches(blank);
        let target = (!tail.is_empty()).then(|| tail.to_owned());
        let fits = target.is_none() || is_target(tail);
        let (before, after) =
            head.split_once('.').map_or((head, None), |(line, record)| (line, Some(record)));
        let action = match (line_op(before), after.map(record_op), record_op(head)) {
            (Some(line), None, _) if fits => Self { line, record: RecordOp::NoRecord, target },
            (Some(line), Some(Some(record)), _) if fits => Self { line, record, target },
            (_, _, Some(record)) if fits => Self { line: LineOp::Next, record, target },
            _ if is_target(words) => Self { target: Some(words.to_owned()), ..Self::default() },
            _ => return Err(bad()),
        };
        action.check()
    }

    fn check(self) -> Result<Self, String> {
        match (&self.target, self.line) {
            (Some(state), LineOp::Continue) => {
                Err(format!("`Continue` stays on the line and in the state, so it cannot go to `{state}`"))
            }
            (Some(text), LineOp::Next) if text.starts_with('"') => {
                Err(format!("only `Error` takes a text; {text} is no state"))
            }
            _ => Ok(self),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(text: &str) -> (LineOp, RecordOp, Option<String>) {
        let action = Action::read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (action.line, action.record, action.target)
    }

    #[test]
    fn every_form() {
        assert_eq!(read(""), (LineOp::Next, RecordOp::NoRecord, None));
        assert_eq!(read(" Next.Record Up"), (LineOp::Next, RecordOp::Record, Some("Up".into())));
        assert_eq!(read(" Record Up"), (LineOp::Next, RecordOp::Record, Some("Up".into())));
        assert_eq!(read("\tClearall"), (LineOp::Next, RecordOp::Clearall, None));
        assert_eq!(read(" Nextfoo"), (LineOp::Next, RecordOp::NoRecord, Some("Nextfoo".into())));
        assert_eq!(read(" Continue.Record"), (LineOp::Continue, RecordOp::Record, None));
        assert_eq!(
            read(" Error \"no such thing\""),
            (LineOp::Error, RecordOp::NoRecord, Some("\"no such thing\"".into()))
        );
        assert_eq!(read(" Error word"), (LineOp::Error, RecordOp::NoRecord, Some("word".into())));
    }

    #[test]
    fn what_the_reference_refuses() {
        for text in [
            "Next",
            " Next.Foo",
            " Next.Record.Clear",
            " Continue Up",
            " \"text\"",
            " Next \"text\"",
            " a b",
            " Error\"x\"",
        ] {
            assert!(Action::read(text).is_err(), "{text}");
        }
    }
}
