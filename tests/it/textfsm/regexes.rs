//! Our matcher and Python's `re`, on random patterns and texts.

use nocbot::parse::pyre::{Kind, Regex, Scratch};
use serde_json::{Value, json};

use super::Reference;
use super::dice::Dice;

const CASES: usize = 6_000;

/// What `dump.py regex` would answer.
fn ours(pattern: &str, kind: Kind, text: &str) -> Value {
    let Ok(regex) = Regex::of(pattern, kind) else { return json!({"error": ""}) };
    let mut scratch = Scratch::default();
    match regex.matches(text, &mut scratch) {
        Err(_) => json!({"slow": true}),
        Ok(false) => json!({"groups": null}),
        Ok(true) => {
            let groups = 0..=regex.pattern().groups();
            let taken = groups.map(|group| scratch.group(group).map(|(start, end)| &text[start..end]));
            json!({"groups": taken.collect::<Vec<_>>()})
        }
    }
}

fn compare(reference: &Reference, cases: &[(String, String)]) {
    let input: String = cases
        .iter()
        .map(|(pattern, text)| json!({"pattern": pattern, "text": text}).to_string() + "\n")
        .collect();
    let answers = reference.ask(&["regex"], &input);
    assert_eq!(answers.len(), cases.len());
    let mut wrong = Vec::new();
    let mut compared = 0;
    for ((pattern, text), answer) in cases.iter().zip(&answers) {
        let kinds = if text.contains('\n') { &[Kind::Text][..] } else { &[Kind::Text, Kind::Lines] };
        for &kind in kinds {
            let ours = ours(pattern, kind, text);
            let same = match answer {
                answer if answer.get("slow").is_some() => true,
                answer if answer.get("error").is_some() => ours.get("error").is_some(),
                answer => ours == *answer,
            };
            compared += usize::from(answer.get("groups").is_some());
            if !same {
                wrong.push(format!("{pattern:?} on {text:?} ({kind:?}): {ours}, Python {answer}"));
            }
        }
    }
    assert!(compared > cases.len() / 20, "only {compared} patterns were valid");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn random_patterns_match_as_in_python() {
    let Some(reference) = Reference::find() else { return };
    let mut dice = Dice::new();
    let cases: Vec<(String, String)> = (0..CASES).map(|_| (dice.pattern(), dice.text())).collect();
    compare(&reference, &cases);
}

#[test]
fn noise_is_refused_where_python_refuses_it() {
    let Some(reference) = Reference::find() else { return };
    let mut dice = Dice::new();
    let cases: Vec<(String, String)> = (0..CASES).map(|_| (dice.noise(), dice.text())).collect();
    compare(&reference, &cases);
}
