//! Rule lines: `  ^regex -> action`.

use super::super::pyre::{Kind, Pattern, Sets, is_space};
use super::action::{Action, LineOp, RecordOp};
use super::substitute::substitute;
use super::value::Value;

/// Where a rule leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Stays.
    Same,
    /// A state, by its place.
    State(usize),
    /// The end, with the implicit record unless the template has a state `EOF`.
    Eof,
    /// The end, without a record.
    End,
}

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    /// Groups that are values: number of the group, place of the value.
    pub(super) assigns: Vec<(u32, usize)>,
    pub(super) line_op: LineOp,
    pub(super) record_op: RecordOp,
    pub(super) target: Target,
    /// For `Error`: what to report.
    pub(super) report: Option<String>,
    /// Line of the template, from 1.
    pub(super) line: usize,
}

/// A rule as read, before the states are known.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) rule: Rule,
    /// The state it leads to.
    pub(super) state: Option<String>,
}

impl Draft {
    /// Reads a rule line. An error has its offset in characters.
    pub(super) fn read(
        line: &str,
        number: usize,
        values: &[Value],
        sets: &mut Sets,
    ) -> Result<Self, (usize, String)> {
        let blank = |c: char| is_space(c.into());
        let body = line.trim_matches(blank);
        let indent = line.chars().take_while(|&c| blank(c)).count();
        let (regex, action) = match split_action(body) {
            Some((regex, action)) => (regex, Some(action)),
            None => (body, None),
        };
        let named =
            |name: &str| values.iter().find(|value| value.name == name).map(|value| value.group.as_str());
        let put = substitute(regex, (!values.is_empty()).then_some(named))
            .map_err(|(at, message)| (indent + at, message))?;
        let pattern = Pattern::compile(&put.pattern, Kind::Lines, sets)
            .map_err(|error| (indent + put.origin(error.at), format!("in the regex: {}", error.message)))?;
        let assigns = pattern
            .names()
            .iter()
            .filter_map(|(name, group)| Some((*group, values.iter().position(|value| value.name == *name)?)))
            .collect();
        let at_action = indent + regex.chars().count();
        let action = Action::read(action.unwrap_or("")).map_err(|message| (at_action, message))?;
        let is_error = action.line == LineOp::Error;
        let (report, state) = if is_error { (action.target, None) } else { (None, action.target) };
        let rule = Rule {
            pattern,
            assigns,
            line_op: action.line,
            record_op: action.record,
            target: Target::Same,
            report: report.map(|text| text.trim_matches('"').to_owned()),
            line: number,
        };
        Ok(Self { rule, state })
    }
}

/// Splits at the last blank before `->`; that one blank belongs to neither side.
fn split_action(body: &str) -> Option<(&str, &str)> {
    let mut end = body.len();
    loop {
        let arrow = body.get(..end)?.rfind("->")?;
        let before = body.get(..arrow)?;
        if let Some(c) = before.chars().next_back().filter(|&c| is_space(c.into())) {
            return Some((before.get(..arrow - c.len_utf8())?, body.get(arrow + 2..)?));
        }
        end = arrow + 1;
    }
}

impl Rule {
    /// The action in the usual spelling.
    pub(super) fn action(&self, state: impl Fn(usize) -> String) -> String {
        let line = match self.line_op {
            LineOp::Next => "Next",
            LineOp::Continue => "Continue",
            LineOp::Error => "Error",
        };
        let record = match self.record_op {
            RecordOp::NoRecord => "",
            RecordOp::Record => ".Record",
            RecordOp::Clear => ".Clear",
            RecordOp::Clearall => ".Clearall",
        };
        let target = match (&self.report, self.target) {
            (Some(report), _) => format!(" \"{report}\""),
            (None, Target::Same) => String::new(),
            (None, Target::State(place)) => format!(" {}", state(place)),
            (None, Target::Eof) => " EOF".to_owned(),
            (None, Target::End) => " End".to_owned(),
        };
        format!("{line}{record}{target}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_arrow_divides() {
        assert_eq!(split_action("^a -> b -> Next"), Some(("^a -> b", " Next")));
        assert_eq!(split_action("^a  ->"), Some(("^a ", "")));
        assert_eq!(split_action("^a->b"), None);
        assert_eq!(split_action("^a -> b->c"), Some(("^a", " b->c")));
        assert_eq!(split_action("^--> -> Record"), Some(("^-->", " Record")));
    }
}
