//! Line by line which state and rule took a text.

use std::fmt::Write as _;

use super::library::Compiled;
use crate::parse::Reader;
use crate::parse::textfsm::Step;
use crate::text::{clean_line, count};

/// What a template makes of a text, for its author: below each line of the text the rules that matched it,
/// with their state and their line in the template. Gives the explanation and whether the text was taken.
pub fn explain(compiled: &Compiled, file: &str, text: &str) -> (String, bool) {
    let template = match &compiled.reader {
        Reader::Template(template) => template,
        Reader::Paths(paths) => {
            let found = paths.explain(text);
            return (format!("{file} by {}\n{found}", compiled.origin), paths.parse(text).is_ok());
        }
    };
    let explanation = template.explain(text);
    let mut out = format!("{file} by {}\n", compiled.origin);
    let rules: Vec<&str> = compiled.text.split('\n').map(str::trim).collect();
    let digits = explanation.steps.last().map_or(1, |step| step.line.to_string().len()).max(3);
    let mut last = 0;
    let mut left = 0;
    for step in &explanation.steps {
        if step.line != last {
            let _ = writeln!(out, "{:>digits$} | {}", step.line, clean_line(&step.text));
            last = step.line;
        }
        let _ = writeln!(out, "{:>digits$} {}", "", taken(step, &rules));
        if step.rule.is_none() && !step.text.trim().is_empty() {
            left += 1;
        }
    }
    let lines = count(last, "line");
    match &explanation.outcome {
        Ok(records) => {
            let rest = match left {
                0 => "each was taken by a rule".to_owned(),
                1 => "1 was taken by no rule (see `!`)".to_owned(),
                left => format!("{left} were taken by no rule (see `!`)"),
            };
            let _ = writeln!(out, "{lines}, {rest}; {}", count(records.rows.len(), "record"));
        }
        Err(error) => {
            let _ = writeln!(out, "no records: line {} of {file}: {}", error.line, error.message);
        }
    }
    (out, explanation.outcome.is_ok())
}

fn taken(step: &Step, rules: &[&str]) -> String {
    match step.rule {
        Some(line) => {
            let rule = line.checked_sub(1).and_then(|at| rules.get(at)).copied().unwrap_or_default();
            format!("= {} line {line}: {}", step.state, clean_line(rule))
        }
        None if step.text.trim().is_empty() => format!("- {}: a blank line, which no rule took", step.state),
        None => format!("! {}: no rule took it", step.state),
    }
}
