//! Our machine and the reference's, on random templates and texts.

use nocbot::parse::textfsm::Template;
use serde_json::json;

use super::dice::Dice;
use super::{Reference, rows};

const CASES: usize = 4_000;

#[test]
fn random_templates_give_the_reference_records() {
    let Some(reference) = Reference::find() else { return };
    let mut dice = Dice::new();
    let cases: Vec<(String, String)> = (0..CASES).map(|_| (dice.template(), dice.lines())).collect();
    let input: String = cases
        .iter()
        .map(|(template, text)| json!({"template": template, "text": text}).to_string() + "\n")
        .collect();
    let answers = reference.ask(&["templates"], &input);
    assert_eq!(answers.len(), cases.len());
    let mut wrong = Vec::new();
    let mut compared = 0;
    for ((template, text), answer) in cases.iter().zip(&answers) {
        let ours = match Template::compile(template).map(|template| template.parse(text)) {
            Err(error) => json!({"error": error.to_string()}),
            Ok(Err(error)) => json!({"failure": error.to_string()}),
            Ok(Ok(records)) => json!({"rows": rows(&records.rows)}),
        };
        let same =
            ["error", "failure"].iter().any(|kind| ours.get(kind).is_some() && answer.get(kind).is_some());
        compared += usize::from(answer["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
        if !same && ours != *answer {
            wrong.push(format!("--- {ours}\nreference {answer}\n{template}\non {text:?}"));
        }
    }
    assert!(compared > CASES / 10, "only {compared} templates gave rows");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}
