//! The machine: each line through the rules of the current state.

use super::super::Records;
use super::super::pyre::Scratch;
use super::ParseError;
use super::action::{LineOp, RecordOp};
use super::lines::lines;
use super::record::Record;
use super::rule::{Rule, Target};
use super::template::Template;

/// Watches the machine.
pub(super) trait Observer {
    /// A rule matched line `number`.
    fn matched(&mut self, number: usize, line: &str, state: usize, rule: usize);
    /// No rule let line `number` rest.
    fn missed(&mut self, number: usize, line: &str, state: usize);
}

/// Watches nothing.
pub(super) struct Silent;

impl Observer for Silent {
    fn matched(&mut self, _: usize, _: &str, _: usize, _: usize) {}
    fn missed(&mut self, _: usize, _: &str, _: usize) {}
}

pub(super) struct Machine<'m, 't, O> {
    template: &'m Template,
    record: Record<'m, 't>,
    state: usize,
    scratch: Scratch,
    /// For lists with groups inside, whose regex is matched again.
    again: Scratch,
    observer: O,
}

impl<'m, 't, O: Observer> Machine<'m, 't, O> {
    pub(super) fn new(template: &'m Template, observer: O) -> Self {
        let record = Record::new(&template.values);
        let (scratch, again) = (Scratch::default(), Scratch::default());
        Self { template, record, state: template.start, scratch, again, observer }
    }

    /// Runs the whole text.
    pub(super) fn run(mut self, text: &'t str) -> Result<Records, ParseError> {
        let mut end = Target::Same;
        for (index, line) in lines(text).enumerate() {
            end = self.line(index + 1, line)?;
            match end {
                Target::Eof | Target::End => break,
                Target::State(state) => self.state = state,
                Target::Same => {}
            }
        }
        if end != Target::End && !self.template.eof {
            self.write();
        }
        Ok(Records { header: self.template.header(), rows: self.record.rows })
    }

    fn write(&mut self) {
        if !self.template.values.is_empty() {
            self.record.write();
        }
    }

    /// Tries the rules on a line, in order; gives where the rule leads that let it rest.
    fn line(&mut self, number: usize, line: &'t str) -> Result<Target, ParseError> {
        let template = self.template;
        let Some(state) = template.states.get(self.state) else { return Ok(Target::Same) };
        for place in state.dispatch.rules(line) {
            let Some(rule) = state.rules.get(place) else { continue };
            let matched = rule.pattern.matches(&template.sets, line, &mut self.scratch);
            if !matched.map_err(|error| failure(number, line, rule, &error.to_string()))? {
                continue;
            }
            self.observer.matched(number, line, self.state, place);
            self.assign(rule, line).map_err(|message| failure(number, line, rule, &message))?;
            match rule.record_op {
                RecordOp::NoRecord => {}
                RecordOp::Record => self.write(),
                RecordOp::Clear => self.record.clear(),
                RecordOp::Clearall => self.record.clear_all(),
            }
            match rule.line_op {
                LineOp::Continue => {}
                LineOp::Next => return Ok(rule.target),
                LineOp::Error => {
                    let message = rule.report.as_deref().unwrap_or("the template does not know this line");
                    return Err(failure(number, line, rule, message));
                }
            }
        }
        self.observer.missed(number, line, self.state);
        Ok(Target::Same)
    }

    fn assign(&mut self, rule: &Rule, line: &'t str) -> Result<(), String> {
        for &(group, value) in &rule.assigns {
            let text = self.scratch.group(group).and_then(|(start, end)| line.get(start..end));
            self.record.assign(value, text, &mut self.again)?;
        }
        Ok(())
    }
}

fn failure(line: usize, text: &str, rule: &Rule, message: &str) -> ParseError {
    let message = format!("{message} (rule in line {} of the template)", rule.line);
    ParseError { line, text: text.to_owned(), message }
}
