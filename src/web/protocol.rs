//! The messages of the console's WebSocket; `socket.rs` tells when each is sent.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Block};
use crate::bot::Progress;
use crate::catalogue::Catalogue;
use crate::command::Completion;

/// An id that the page gives a question must not be longer than this, in bytes.
pub(super) const ID: usize = 64;
/// Rows of one answer that are sent; the whole table is in its files.
const ROWS: usize = 5000;
/// Bytes of device text of one answer that are sent.
const TEXT: usize = 1024 * 1024;

/// From the page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Request {
    /// A question.
    Ask { id: String, text: String },
    /// Ends a question early.
    Cancel { id: String },
    /// Asks for the ways to go on; `text` is what stands before the cursor.
    Complete { id: String, text: String },
}

/// To the page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    /// First of all.
    Hello(Hello),
    /// How far a question is.
    Progress {
        id: String,
        #[serde(flatten)]
        progress: Progress,
    },
    /// The end of a question.
    Answer { id: String, answer: Box<Answer> },
    /// The ways to go on.
    Completions { id: String, items: Vec<Completion> },
    /// The connection is alive.
    Beat {},
    /// A message that could not be served; with an `id`, the end of that question.
    Error { id: Option<String>, message: String, hints: Vec<String> },
}

impl Reply {
    /// An error about the question `id`, or about no question.
    pub(super) fn error(id: Option<String>, message: impl Into<String>, hint: &str) -> Self {
        let hints = if hint.is_empty() { Vec::new() } else { vec![hint.to_owned()] };
        Self::Error { id, message: message.into(), hints }
    }

    /// Completions of `text`, with `start` counted as a browser counts.
    pub(super) fn completions(id: String, text: &str, mut items: Vec<Completion>) -> Self {
        for item in &mut items {
            item.start = text.get(..item.start).map_or(0, |before| before.encode_utf16().count());
        }
        Self::Completions { id, items }
    }

    /// The answer, cut to what a page can bear.
    pub(super) fn answer(id: String, mut answer: Answer) -> Self {
        let (mut rows, mut bytes) = (ROWS, TEXT);
        let mut cut = Vec::new();
        for block in &mut answer.blocks {
            match block {
                Block::Table { table, .. } => {
                    let all = table.rows.len();
                    if all > rows {
                        table.rows.truncate(rows);
                        cut.push(format!(
                            "the first {rows} of {all} rows are shown; the files have them all"
                        ));
                    }
                    rows -= table.rows.len();
                }
                Block::Code { text, .. } | Block::Text { text } => {
                    let all = text.len();
                    if all > bytes {
                        text.truncate(text.floor_char_boundary(bytes));
                        cut.push(format!(
                            "the first {bytes} of {all} bytes are shown; the files have them all"
                        ));
                    }
                    bytes -= text.len();
                }
                Block::Error { .. } => {}
            }
        }
        for partial in answer.failures.iter_mut().filter_map(|failure| failure.failure.partial.as_mut()) {
            partial.truncate(partial.floor_char_boundary(bytes));
            bytes -= partial.len();
        }
        answer.notes.extend(cut);
        Self::Answer { id, answer: Box::new(answer) }
    }
}

/// What the page knows before the first question.
#[derive(Debug, Serialize)]
pub(super) struct Hello {
    /// Of nocbot.
    version: &'static str,
    /// How many devices there are.
    devices: usize,
    /// Bytes of one message from the page.
    message: usize,
    /// Questions in flight at a time.
    questions: usize,
    /// Milliseconds between two beats.
    heartbeat: u128,
    /// What people can say.
    verbs: Vec<VerbCard>,
}

/// A verb in the page's palette.
#[derive(Debug, Serialize)]
struct VerbCard {
    name: String,
    aliases: Vec<String>,
    help: String,
    examples: Vec<String>,
}

impl Hello {
    /// For this catalogue and these bounds.
    pub(super) fn new(catalogue: &Catalogue, limits: &super::Limits) -> Self {
        let devices: Vec<&str> = catalogue.inventory.devices().map(|device| device.name.as_str()).collect();
        let card = |verb: &std::sync::Arc<crate::verb::Verb>| VerbCard {
            name: verb.name.clone(),
            aliases: verb.aliases.clone(),
            help: verb.help.clone(),
            examples: verb.examples.iter().map(|example| localise(example, &devices)).collect(),
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            devices: devices.len(),
            message: limits.message,
            questions: limits.questions,
            heartbeat: limits.heartbeat.as_millis(),
            verbs: catalogue.verbs.values().map(card).collect(),
        }
    }
}

/// A verb's example with the demonstration network's routers replaced by devices that exist here,
/// so that what the page offers can be asked.
fn localise(example: &str, devices: &[&str]) -> String {
    let word = |word: &str| {
        let number = word.strip_prefix('r').and_then(|digits| digits.parse::<usize>().ok());
        match number {
            Some(number) if !devices.contains(&word) => {
                let index = number.saturating_sub(1) % devices.len().max(1);
                devices.get(index).copied().unwrap_or(word).to_owned()
            }
            _ => word.to_owned(),
        }
    };
    let separators = |c: char| c == ' ' || c == ',';
    example
        .split_inclusive(separators)
        .map(|part| {
            let bare = part.trim_end_matches(separators);
            word(bare) + part.get(bare.len()..).unwrap_or_default()
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::table::{Column, Table, Type, Value};

    #[test]
    fn examples_name_devices_that_exist() {
        assert_eq!(localise("vrf r1", &["r1", "r2"]), "vrf r1");
        assert_eq!(
            localise("ping r1,r2 10.0.0.1 | where rd = 1", &["ams-1", "ams-2"]),
            "ping ams-1,ams-2 10.0.0.1 | where rd = 1"
        );
        assert_eq!(localise("vrf r9", &["ams-1", "ams-2"]), "vrf ams-1");
        assert_eq!(localise("vrf r1 all", &[]), "vrf r1 all");
    }

    #[test]
    fn offsets_are_counted_in_utf16() {
        let item = |start| Completion { text: "r1".into(), start, help: String::new() };
        let Reply::Completions { items, .. } =
            Reply::completions("c".into(), "🙂é r", vec![item(7), item(99), item(1)])
        else {
            panic!()
        };
        assert_eq!(items.iter().map(|item| item.start).collect::<Vec<_>>(), [4, 0, 0]);
    }

    #[test]
    fn long_answers_are_cut_and_say_so() {
        let mut table = Table::new(vec![Column::new("n", Type::Int)]);
        (0..=ROWS).for_each(|n| table.push(vec![Value::int(n)]));
        let code = Block::Code { title: String::new(), text: "é".repeat(TEXT) };
        let answer = Answer::of("q", vec![Block::Table { title: None, table }, code]);
        let Reply::Answer { answer, .. } = Reply::answer("c".into(), answer) else { panic!() };
        assert_eq!(answer.table().unwrap().rows.len(), ROWS);
        assert_eq!(answer.notes.len(), 2);
        let Block::Code { text, .. } = &answer.blocks[1] else { panic!() };
        assert_eq!(text.len(), TEXT);
    }

    #[test]
    fn requests_are_strict() {
        let parse = serde_json::from_str::<Request>;
        assert!(matches!(parse(r#"{"ask": {"id": "c1", "text": "vrf r1"}}"#), Ok(Request::Ask { .. })));
        assert!(matches!(parse(r#"{"cancel": {"id": "c1"}}"#), Ok(Request::Cancel { .. })));
        assert!(parse(r#"{"ask": {"id": "c1"}}"#).is_err());
        assert!(parse(r#"{"ask": {"id": "c1", "text": "", "as": "root"}}"#).is_err());
        assert!(parse("[]").is_err());
    }
}
