//! Which rule took which line.

use super::super::Records;
use super::ParseError;
use super::machine::Observer;
use super::template::Template;

/// A rule that matched a line; or that none let it rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Line of the text, from 1. A line that rules with `Continue` matched has several steps.
    pub line: usize,
    /// The line itself.
    pub text: String,
    /// The state it was read in.
    pub state: String,
    /// Line of the template with the rule, from 1; none when no rule let the line rest.
    pub rule: Option<usize>,
    /// What the rule did, as `Next.Record State`; empty without a rule.
    pub action: String,
}

/// How a text was parsed.
#[derive(Debug)]
pub struct Explanation {
    /// In the order of the text.
    pub steps: Vec<Step>,
    /// What came out.
    pub outcome: Result<Records, ParseError>,
}

struct Seen {
    line: usize,
    text: String,
    state: usize,
    rule: Option<usize>,
}

/// Writes down what it sees.
#[derive(Default)]
pub(super) struct Recorder {
    seen: Vec<Seen>,
}

impl Recorder {
    pub(super) fn steps(self, template: &Template) -> Vec<Step> {
        let name =
            |state: usize| template.states.get(state).map_or_else(String::new, |state| state.name.clone());
        let step = |seen: Seen| {
            let rule = seen.rule.and_then(|rule| template.states.get(seen.state)?.rules.get(rule));
            Step {
                line: seen.line,
                text: seen.text,
                state: name(seen.state),
                rule: rule.map(|rule| rule.line),
                action: rule.map_or_else(String::new, |rule| rule.action(name)),
            }
        };
        self.seen.into_iter().map(step).collect()
    }
}

impl Observer for &mut Recorder {
    fn matched(&mut self, line: usize, text: &str, state: usize, rule: usize) {
        self.seen.push(Seen { line, text: text.to_owned(), state, rule: Some(rule) });
    }

    fn missed(&mut self, line: usize, text: &str, state: usize) {
        self.seen.push(Seen { line, text: text.to_owned(), state, rule: None });
    }
}
