//! The collection's own templates and samples, damaged at random: what our machine and the reference's make of them.

use nocbot::parse::textfsm::Template;
use serde_json::json;

use super::dice::Dice;
use super::{Reference, rows};

const CASES: usize = 3_000;
/// Of a sample so many lines in a row are used, so that the reference is done in time.
const LINES: usize = 60;
/// What templates are made of.
const PIECES: [&str; 34] = [
    "(",
    ")",
    "[",
    "]",
    "?",
    "*",
    "+",
    "|",
    ".",
    "\\s",
    "\\d",
    "\\S",
    "\\w",
    "^",
    "$",
    "$$",
    "{",
    "}",
    "{2,}",
    "{,3}",
    "(?=",
    "(?<!",
    "(?:",
    " -> ",
    "Record",
    "Continue",
    "Next",
    "Clear",
    "Error",
    "List ",
    "Filldown ",
    "Required ",
    " ",
    "\t",
];
/// What outputs are made of.
const LETTERS: [&str; 16] =
    [" ", "  ", "\t", "0", "9", "a", "Z", "-", ".", ":", "/", "é", "\u{a0}", "\r", "", "up"];

/// One thing changed in a text: a letter, or a whole line.
fn damage(dice: &mut Dice, text: &str, pieces: &[&str]) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = dice.below(lines.len());
    match dice.below(6) {
        0 => {
            lines.remove(at);
        }
        1 => {
            let line = lines[at].clone();
            lines.insert(at, line);
        }
        2 => {
            let other = dice.below(lines.len());
            lines.swap(at, other);
        }
        kind => {
            let mut letters: Vec<String> = lines[at].chars().map(String::from).collect();
            let place = dice.below(letters.len() + 1);
            if kind != 3 && place < letters.len() {
                letters.remove(place);
            }
            if kind != 4 {
                letters.insert(place, dice.one(pieces).to_owned());
            }
            lines[at] = letters.concat();
        }
    }
    lines.join("\n")
}

#[test]
fn damaged_templates_and_outputs_give_the_reference_records() {
    let Some(reference) = Reference::find() else { return };
    let paths = [reference.templates.to_str().unwrap(), reference.samples.to_str().unwrap()];
    let jobs = reference.ask(&["jobs", paths[0], paths[1]], "");
    let (mut dice, seed) = Dice::fresh();
    let cases: Vec<(String, String)> = (0..CASES)
        .map(|_| {
            let job = &jobs[dice.below(jobs.len())];
            let name = job["template"].as_str().unwrap();
            let mut template = std::fs::read_to_string(reference.templates.join(name)).unwrap();
            let sample = reference.sample(job["raw"].as_str().unwrap());
            let lines: Vec<&str> = sample.split('\n').collect();
            let from = dice.below(lines.len().saturating_sub(LINES) + 1);
            let mut text = lines[from..lines.len().min(from + LINES)].join("\n");
            for _ in 0..dice.below(3) {
                template = damage(&mut dice, &template, &PIECES);
            }
            for _ in 0..dice.below(4) {
                text = damage(&mut dice, &text, &LETTERS);
            }
            (template, text)
        })
        .collect();
    let input: String = cases
        .iter()
        .map(|(template, text)| json!({"template": template, "text": text}).to_string() + "\n")
        .collect();
    let answers = reference.ask(&["templates"], &input);
    assert_eq!(answers.len(), cases.len());
    let mut wrong = Vec::new();
    let mut with_rows = 0;
    for ((template, text), answer) in cases.iter().zip(&answers) {
        // The reference backtracks without an end; ours does not, and there is nothing to compare.
        if answer.get("slow").is_some() {
            continue;
        }
        let ours = match Template::compile(template).map(|template| template.parse(text)) {
            Err(error) => json!({"error": error.to_string()}),
            Ok(Err(error)) => json!({"failure": error.to_string()}),
            Ok(Ok(records)) => json!({"rows": rows(&records.rows)}),
        };
        let same =
            ["error", "failure"].iter().any(|kind| ours.get(kind).is_some() && answer.get(kind).is_some());
        with_rows += usize::from(answer["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
        if !same && ours != *answer {
            wrong.push(format!("--- ours {ours}\nreference {answer}\n{template}\non {text:?}"));
        }
    }
    assert!(with_rows > CASES / 4, "only {with_rows} gave rows (NOCBOT_SEED={seed})");
    assert!(
        wrong.is_empty(),
        "{} differ (NOCBOT_SEED={seed}):\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n")
    );
}
