//! From an answer to what is sent, one part after the other, and the follow-ups that it offers.

use serde::{Deserialize, Serialize};

use super::Capabilities;
use crate::answer::pages::{self, File, Piece, Shape};
use crate::answer::{Answer, Block, Status};
use crate::bot::Progress;
use crate::text::count;

/// The most follow-ups of one answer.
const ACTIONS: usize = 5;

/// A follow-up: a question that can be typed, and the button that stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What stands on the button.
    pub label: String,
    /// What it types.
    pub text: String,
}

/// One message of an answer, in no platform's form yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What it is known by on the platform; of letters, digits and `-`.
    pub tag: String,
    /// One line for notifications and screen readers.
    pub summary: String,
    /// What it says.
    pub pieces: Vec<Piece>,
    /// What stands on its buttons.
    pub actions: Vec<Action>,
    /// For the asker's eyes only, where the platform can.
    pub private: bool,
    /// Set on delivery when the answer comes late: when the question was asked.
    #[serde(skip)]
    pub late: Option<String>,
}

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A message.
    Message(Message),
    /// A file in the same thread.
    File(File),
}

/// The parts of an answer for a platform. `choices` are whole questions for one with a part missing.
pub fn parts(
    answer: &Answer,
    shape: &Shape,
    capabilities: Capabilities,
    tag: &str,
    choices: Vec<String>,
) -> Vec<Part> {
    let cut = pages::cut(answer, shape);
    let last = cut.pages.len().saturating_sub(1);
    let summary = summary(answer);
    let actions = if choices.is_empty() {
        actions(answer, cut.next)
    } else {
        choices.into_iter().map(|text| Action { label: text.clone(), text }).collect()
    };
    let messages = cut.pages.into_iter().enumerate().map(|(number, pieces)| {
        Part::Message(Message {
            tag: format!("{tag}-{number}"),
            summary: summary.clone(),
            pieces,
            actions: if number == last { actions.clone() } else { Vec::new() },
            private: capabilities.ephemeral && answer.status == Status::Refused,
            late: None,
        })
    });
    messages.chain(cut.file.map(Part::File)).collect()
}

/// A message that tells how far a question is.
pub fn progress(progress: &Progress, tag: &str) -> Message {
    let mut text =
        format!("asked {}: {} of {}", count(progress.total, "device"), progress.done, progress.total);
    if !progress.waiting.is_empty() {
        let more =
            (progress.total - progress.done.min(progress.total)).saturating_sub(progress.waiting.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text = format!("{text}, waiting for {}{more}", progress.waiting.join(", "));
    }
    let mut pieces = vec![Piece::Head { text: progress.question.clone(), status: Status::Ok }];
    if !progress.lines.is_empty() {
        pieces.push(Piece::Code(progress.lines.join("\n").chars().take(1500).collect()));
    }
    pieces.push(Piece::Small(text.clone()));
    let actions = vec![Action { label: "cancel".into(), text: format!("cancel {}", progress.job) }];
    let summary = format!("{}: {text}", progress.question);
    Message { tag: format!("{tag}-w"), summary, pieces, actions, private: false, late: None }
}

/// One line about an answer.
fn summary(answer: &Answer) -> String {
    let mut out = answer.question.chars().take(80).collect::<String>();
    if let Some(Block::Error { message, .. }) = answer.blocks.first() {
        out.push_str(": ");
        out.extend(message.chars().take(120));
    } else if let Some(table) = answer.table() {
        out = format!("{out}: {}", count(table.rows.len(), "row"));
    }
    if !answer.failures.is_empty() {
        out = format!("{out}, {} failed", count(answer.failures.len(), "device"));
    }
    out
}

/// What can be asked next: each a question that could as well be typed.
fn actions(answer: &Answer, next: Option<usize>) -> Vec<Action> {
    let mut out = Vec::new();
    let of = answer.later.as_ref().map_or(answer.id.as_str(), |later| later.of.as_str());
    if let Some(row) = next.filter(|_| !of.is_empty()) {
        out.push(Action { label: "next page".into(), text: format!("more {of} {row}") });
    }
    if answer.later.is_some() {
        return out;
    }
    if answer.devices == 0 || answer.status == Status::Refused {
        return out;
    }
    // The question as it was understood, and not `again`: somebody else's press asks the same.
    let question = answer.question.as_str();
    out.push(Action { label: "again".into(), text: question.to_owned() });
    if let Some(table) = answer.table() {
        if answer.file.is_none() && !table.rows.is_empty() {
            out.push(Action { label: "csv".into(), text: format!("{question} | csv") });
        }
        let at = |name: &str| table.column(name);
        if let (Some(device), Some(neighbor)) = (at("device"), at("neighbor")) {
            for row in &table.rows {
                let trouble = table.columns.iter().zip(row).any(|(column, cell)| column.is_trouble(cell));
                let (Some(device), Some(neighbor)) = (row.get(device), row.get(neighbor)) else { continue };
                let (device, neighbor) = (device.to_string(), neighbor.to_string());
                // A name is no address to ping; only what an address is gets a button.
                if trouble && neighbor.parse::<std::net::IpAddr>().is_ok() && out.len() < ACTIONS {
                    let text = format!("ping {device} {neighbor}");
                    out.push(Action { label: text.clone(), text });
                }
            }
        }
    }
    out.dedup();
    out
}

/// The typed form of follow-ups, for platforms without buttons.
pub fn typed(actions: &[Action]) -> Option<String> {
    let list: Vec<&str> = actions.iter().map(|action| action.text.as_str()).collect();
    (!list.is_empty()).then(|| list.join("  ·  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::pages::{Piece, Shape, later};
    use crate::table::{Column, Table, Type, Value};

    const SHAPE: Shape = Shape {
        budget: 4000,
        measure: |piece| if let Piece::Table(table) = piece { table.rows.len() * 20 } else { 20 },
        rows: 100,
        columns: 9,
        tables: 1,
        most: 40,
        width: 60,
        files: true,
    };
    const ALL: Capabilities = Capabilities {
        tables: true,
        buttons: true,
        edits: None,
        threads: true,
        ephemeral: true,
        files: true,
    };

    fn bgp(rows: usize) -> Answer {
        let mut state = Column::new("state", Type::State);
        state.good = vec!["Established".into()];
        let mut table =
            Table::new(vec![Column::new("device", Type::Text), Column::new("neighbor", Type::Ip), state]);
        for row in 0..rows {
            let neighbor = Value::Ip(format!("192.0.2.{}", row % 250).parse().unwrap());
            let state = if row == 0 { "Idle" } else { "Established" };
            table.push(vec![Value::text("r1"), neighbor, Value::text(state)]);
        }
        let blocks = vec![Block::Table { title: None, table }];
        Answer { id: "17".into(), devices: 1, ..Answer::of("bgp r1", blocks) }
    }

    fn asks(parts: &[Part]) -> Vec<(String, String)> {
        let Some(Part::Message(last)) = parts.iter().rfind(|part| matches!(part, Part::Message(_))) else {
            return Vec::new();
        };
        last.actions.iter().map(|action| (action.label.clone(), action.text.clone())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(label, text)| ((*label).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn follow_ups_are_questions_and_a_long_answer_has_a_next_page() {
        let short = parts(&bgp(3), &SHAPE, ALL, "nb-1", Vec::new());
        let expected = pairs(&[
            ("again", "bgp r1"),
            ("csv", "bgp r1 | csv"),
            ("ping r1 192.0.2.0", "ping r1 192.0.2.0"),
        ]);
        assert_eq!(asks(&short), expected);
        let long = parts(&bgp(97), &SHAPE, ALL, "nb-1", Vec::new());
        assert_eq!(asks(&long)[0], ("next page".to_owned(), "more 17 41".to_owned()));
        assert!(matches!(long.last(), Some(Part::File(_))));
        let second = parts(&later(&bgp(97), 41), &SHAPE, ALL, "nb-2", Vec::new());
        assert_eq!(asks(&second), pairs(&[("next page", "more 17 81")]));
        assert!(!second.iter().any(|part| matches!(part, Part::File(_))));
        let third = parts(&later(&bgp(97), 81), &SHAPE, ALL, "nb-3", Vec::new());
        assert_eq!(asks(&third), Vec::new());
    }
}
