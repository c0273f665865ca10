//! Template text to values, states and rules.

use super::super::Records;
use super::super::pyre::{Sets, is_space, is_word};
use super::action::OPERATORS;
use super::dispatch::Dispatch;
use super::explain::{Explanation, Recorder};
use super::machine::{Machine, Silent};
use super::rule::{Draft, Rule, Target};
use super::value::{Keeping, MAX_NAME, Value};
use super::{ParseError, TemplateError};

/// A compiled template: immutable, shared by any number of threads.
#[derive(Debug)]
pub struct Template {
    pub(super) values: Vec<Value>,
    pub(super) states: Vec<State>,
    pub(super) sets: Sets,
    /// Place of `Start`.
    pub(super) start: usize,
    /// Whether a state is named `EOF`, which takes the implicit record away.
    pub(super) eof: bool,
}

/// A state and its rules.
#[derive(Debug)]
pub(super) struct State {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
    pub(super) dispatch: Dispatch,
}

impl Template {
    /// Compiles a template's text.
    ///
    /// # Errors
    /// The first thing that the reference would refuse, with line and column.
    pub fn compile(text: &str) -> Result<Self, TemplateError> {
        let text = if text.contains('\r') {
            text.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            text.to_owned()
        };
        let mut reader = Reader { sets: Sets::default(), values: Vec::new(), states: Vec::new() };
        let mut lines = (1..).zip(text.lines());
        reader.values(&mut lines)?;
        while reader.state(&mut lines)? {}
        reader.finish()
    }

    /// Parses `text` from a reset machine.
    ///
    /// # Errors
    /// An `Error` action was reached, or a regex ran out of steps; no rows are given then.
    pub fn parse(&self, text: &str) -> Result<Records, ParseError> {
        Machine::new(self, Silent).run(text)
    }

    /// Parses `text` and says line by line which rule of which state took it.
    pub fn explain(&self, text: &str) -> Explanation {
        let mut recorder = Recorder::default();
        let outcome = Machine::new(self, &mut recorder).run(text);
        Explanation { steps: recorder.steps(self), outcome }
    }

    /// The values' names, in order.
    pub fn header(&self) -> Vec<String> {
        self.values.iter().map(|value| value.name.clone()).collect()
    }

    /// The names of the values with the option `Key`.
    pub fn keys(&self) -> Vec<String> {
        self.values.iter().filter(|value| value.has(Keeping::Key)).map(|value| value.name.clone()).collect()
    }
}

struct Reader {
    sets: Sets,
    values: Vec<Value>,
    states: Vec<(String, usize, Vec<Draft>)>,
}

fn error(line: usize, offset: usize, message: impl Into<String>) -> TemplateError {
    TemplateError { line, column: offset + 1, message: message.into() }
}

fn trim_end(line: &str) -> &str {
    line.trim_end_matches(|c: char| is_space(c.into()))
}

fn is_comment(line: &str) -> bool {
    line.trim_start_matches(|c: char| is_space(c.into())).starts_with('#')
}

impl Reader {
    /// The `Value` lines, up to the first blank line.
    fn values<'t>(
        &mut self,
        lines: &mut impl Iterator<Item = (usize, &'t str)>,
    ) -> Result<(), TemplateError> {
        for (number, line) in lines {
            let line = trim_end(line);
            if line.is_empty() {
                return Ok(());
            }
            if is_comment(line) {
                continue;
            }
            if !line.starts_with("Value ") {
                let message = if self.values.is_empty() {
                    "a template begins with its values: `Value NAME (regex)`"
                } else {
                    "a blank line must stand between the values and the first state"
                };
                return Err(error(number, 0, message));
            }
            let value = Value::read(line).map_err(|(at, message)| error(number, at, message))?;
            if self.values.iter().any(|known| known.name == value.name) {
                return Err(error(number, 0, format!("a second value `{}`", value.name)));
            }
            self.values.push(value);
        }
        Ok(())
    }

    /// A state with its rules, up to a blank line; whether there was one.
    fn state<'t>(
        &mut self,
        lines: &mut impl Iterator<Item = (usize, &'t str)>,
    ) -> Result<bool, TemplateError> {
        let named = lines
            .map(|(number, line)| (number, trim_end(line)))
            .find(|(_, line)| !line.is_empty() && !is_comment(line));
        let Some((number, name)) = named else { return Ok(false) };
        if name.starts_with([' ', '\t']) && name.trim_start().starts_with('^') {
            return Err(error(
                number,
                0,
                "a rule outside of a state; is there a blank line within the state?",
            ));
        }
        if !name.chars().all(|c| is_word(c.into())) {
            return Err(error(
                number,
                0,
                format!("`{name}` cannot name a state: letters, digits and `_` only"),
            ));
        }
        if name.chars().count() > MAX_NAME {
            return Err(error(number, 0, format!("a name longer than {MAX_NAME} characters")));
        }
        if OPERATORS.contains(&name) {
            return Err(error(number, 0, format!("`{name}` is an action and cannot name a state")));
        }
        if self.states.iter().any(|(known, ..)| known == name) {
            return Err(error(number, 0, format!("a second state `{name}`")));
        }
        let mut rules = Vec::new();
        for (number, line) in lines {
            let line = trim_end(line);
            if line.is_empty() {
                break;
            }
            if is_comment(line) {
                continue;
            }
            if ![" ^", "  ^", "\t^"].iter().any(|start| line.starts_with(start)) {
                let message = "a rule begins with one or two blanks or one tab, then `^`";
                return Err(error(number, 0, message));
            }
            let draft = Draft::read(line, number, &self.values, &mut self.sets);
            rules.push(draft.map_err(|(at, message)| error(number, at, message))?);
        }
        self.states.push((name.to_owned(), number, rules));
        Ok(true)
    }

    fn finish(mut self) -> Result<Template, TemplateError> {
        for (name, number, rules) in &self.states {
            if matches!(name.as_str(), "End" | "EOF") && !rules.is_empty() {
                return Err(error(
                    *number,
                    0,
                    format!("the state `{name}` ends the parse and takes no rules"),
                ));
            }
        }
        let eof = self.states.iter().any(|(name, ..)| name == "EOF");
        self.states.retain(|(name, ..)| name != "End");
        let names: Vec<String> = self.states.iter().map(|(name, ..)| name.clone()).collect();
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let Some(start) = place("Start") else {
            return Err(error(1, 0, "the state `Start` is missing"));
        };
        let mut states = Vec::new();
        for (name, _, drafts) in self.states {
            let mut rules = Vec::new();
            for Draft { mut rule, state } in drafts {
                rule.target = match state.as_deref() {
                    None => Target::Same,
                    Some("End") => Target::End,
                    Some("EOF") => Target::Eof,
                    Some(wanted) => Target::State(place(wanted).ok_or_else(|| {
                        error(rule.line, 0, format!("there is no state `{wanted}` to go to"))
                    })?),
                };
                rules.push(rule);
            }
            let dispatch = Dispatch::new(rules.iter().map(|rule| rule.pattern.entry()));
            states.push(State { name, rules, dispatch });
        }
        Ok(Template { values: self.values, states, sets: self.sets, start, eof })
    }
}
