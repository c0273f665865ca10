//! A device with its command line: one line in, what it prints and does out. No terminal here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use minijinja::Value;
use regex::Regex;

use super::dialect::{Action, Dialect, Mode};
use super::pipe::{self, Filter, Stage};
use super::view::View;
use super::words::Meaning;
use crate::error::Result;
use crate::secret::Secret;
use crate::sim::data::Offer;
use crate::sim::fault::Faults;
use crate::sim::netconf::Sessions;

/// A running device; shared by its sessions.
#[derive(Debug)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// What its templates see.
    pub view: Arc<View>,
    /// What is wrong with it.
    pub faults: Faults,
    /// Who may log in.
    pub username: String,
    /// With what.
    pub password: Secret,
    /// The secret of its privileged mode.
    pub secret: Secret,
    /// Its mode after login.
    pub mode: Option<String>,
    /// Its NETCONF sessions.
    pub sessions: Sessions,
}

/// What a line did.
#[derive(Debug, Default)]
pub struct Printed {
    /// The output, with `\n`.
    pub text: String,
    /// Whether the command was refused.
    pub refused: bool,
    /// Whether the pager may stop it.
    pub pager: bool,
    /// What happens besides.
    pub action: Action,
    /// Its arguments.
    pub arguments: BTreeMap<String, String>,
}

/// A command, its form and its filters.
type Staged<'a> = (&'a str, Option<&'a str>, Vec<Stage>);

impl Device {
    /// Its command line.
    pub fn dialect(&self) -> &Dialect {
        &self.view.dialect
    }

    /// What it offers to programs: old releases offer nothing.
    pub fn offer(&self) -> Option<&Offer> {
        let node = self.view.node().filter(|node| !node.old)?;
        let offers = &self.dialect().offers;
        offers.get(&node.variant).or_else(|| offers.get("all"))
    }

    /// The mode of a new session.
    pub fn first_mode(&self) -> Option<Mode> {
        self.dialect().mode(self.mode.as_deref()).cloned()
    }

    /// The prompt in a mode.
    pub fn prompt(&self, mode: &Mode) -> String {
        if let Some(odd) = &self.faults.prompt {
            return odd.clone();
        }
        self.text(&mode.prompt, &[])
    }

    /// A short template of the command line's file; a fault in it is printed, as it is a test's.
    pub fn text(&self, template: &str, values: &[(&str, Value)]) -> String {
        self.dialect().render_text(template, self.context(values)).unwrap_or_else(|error| {
            tracing::error!(device = %self.name, "{error}");
            format!("{error}\n")
        })
    }

    /// The full name of an interface as typed.
    pub fn interface(&self, typed: &str) -> Option<String> {
        self.view.interface(typed)
    }

    /// What templates see.
    pub fn context(&self, values: &[(&str, Value)]) -> Value {
        let user = ("user", Value::from(self.username.as_str()));
        let device = [("device", Value::from_dyn_object(Arc::clone(&self.view))), user];
        Value::from_pairs(device.into_iter().chain(values.iter().cloned()))
    }

    /// Runs one line in a mode.
    pub fn run(&self, line: &str, mode: &Mode) -> Printed {
        self.run_with(line, mode, &[])
    }

    /// Runs one line in a mode, with further values for its template.
    pub fn run_with(&self, line: &str, mode: &Mode, more: &[(&str, Value)]) -> Printed {
        let (command, form, stages) = match self.stages(line) {
            Ok(parts) => parts,
            Err(word) => return self.refuse(line, mode, &Meaning::Unknown { word }),
        };
        if command.trim().is_empty() {
            return Printed::default();
        }
        let dialect = self.dialect();
        let meaning = dialect.words.read(command, &|typed| self.interface(typed));
        let Meaning::Command(number, arguments) = meaning else {
            return self.refuse(line, mode, &meaning);
        };
        let mut action = dialect.actions.get(number).cloned().unwrap_or_default();
        if !action.modes.is_empty() && !action.modes.contains(&mode.name) {
            let word = command.split_whitespace().count().saturating_sub(1);
            return self.refuse(line, mode, &Meaning::Unknown { word });
        }
        if let Some(form) = form {
            let Some(template) = action.forms.get(form).cloned() else {
                let text =
                    self.text(&dialect.file.refusals.form, &[("line", Value::from(command.trim_end()))]);
                return Printed { text, refused: true, pager: true, ..Printed::default() };
            };
            action.show = Some(template);
            action.print = None;
        }
        let mut values: Vec<(&str, Value)> =
            action.with.iter().map(|(name, value)| (name.as_str(), Value::from(value.clone()))).collect();
        values.extend(arguments.iter().map(|(name, value)| (name.as_str(), Value::from(value.clone()))));
        values.extend(more.iter().cloned());
        let text = self.print(&action, &values).unwrap_or_else(|error| {
            tracing::error!(device = %self.name, line, "{error}");
            format!("{error}\n")
        });
        let (text, pager) = if stages.is_empty() {
            (text, true)
        } else {
            pipe::apply(&text, &stages, &dialect.file.count_text)
        };
        Printed { text, refused: false, pager, action, arguments }
    }

    /// How long the device takes for it.
    pub fn pause(&self, action: &Action) -> Duration {
        Duration::from_millis(action.takes) + self.faults.slow.unwrap_or_default()
    }

    fn print(&self, action: &Action, values: &[(&str, Value)]) -> Result<String> {
        let mut text = match &action.show {
            Some(template) => self.dialect().render(template, self.context(values))?,
            None => String::new(),
        };
        if let Some(print) = &action.print {
            text.push_str(&self.dialect().render_text(print, self.context(values))?);
        }
        Ok(text)
    }

    /// The command, the form it is to be printed in, and the filters behind its bars; the number of the
    /// wrong word otherwise.
    fn stages<'a>(&'a self, line: &'a str) -> std::result::Result<Staged<'a>, usize> {
        let mut parts = bars(line).into_iter();
        let command = parts.next().unwrap_or_default();
        let mut words = command.split_whitespace().count();
        let mut stages = Vec::new();
        let mut form = None;
        // An old release does not know the word.
        let old = self.view.node().is_some_and(|node| node.old);
        for part in parts {
            words += 1;
            let asked = self
                .dialect()
                .file
                .forms
                .iter()
                .find(|form| !old && part.split_whitespace().eq(form.split_whitespace()));
            if let Some(asked) = asked {
                form = Some(asked.as_str());
                words += part.split_whitespace().count();
                continue;
            }
            let (word, rest) = part.trim().split_once(' ').unwrap_or((part.trim(), ""));
            let fits: Vec<(&String, &Filter)> = (self.dialect().file.pipes.iter())
                .filter(|(name, _)| !word.is_empty() && name.starts_with(&word.to_lowercase()))
                .collect();
            let exact = fits.iter().find(|(name, _)| *name == word);
            let filter = match (exact, fits.as_slice()) {
                (Some((_, filter)), _) | (None, [(_, filter)]) => **filter,
                _ => return Err(words),
            };
            let rest = rest.trim().trim_matches('"');
            let pattern = if rest.is_empty() { None } else { Some(Regex::new(rest).map_err(|_| words + 1)?) };
            stages.push(Stage { filter, pattern });
            words += part.split_whitespace().count();
        }
        Ok((command, form, stages))
    }

    fn refuse(&self, line: &str, mode: &Mode, meaning: &Meaning) -> Printed {
        let refusals = &self.dialect().file.refusals;
        let (template, word, choices) = match meaning {
            Meaning::Unknown { word } => (&refusals.unknown, Some(*word), &[][..]),
            Meaning::Ambiguous { word, choices } => (&refusals.ambiguous, Some(*word), choices.as_slice()),
            Meaning::Incomplete | Meaning::Command(..) => (&refusals.incomplete, None, &[][..]),
        };
        let number = word.unwrap_or(0);
        let text = line.split_whitespace().nth(number).unwrap_or_default();
        let values = [
            ("line", Value::from(line.trim_end())),
            ("word", Value::from(text)),
            ("number", Value::from(number)),
            ("column", Value::from(column(line, number))),
            ("width", Value::from(self.prompt(mode).chars().count())),
            ("choices", choices.iter().map(|choice| Value::from(choice.as_str())).collect()),
        ];
        Printed { text: self.text(template, &values), refused: true, pager: true, ..Printed::default() }
    }
}

/// A line cut at its bars; one in quotes is none.
fn bars(line: &str) -> Vec<&str> {
    let mut quoted = false;
    line.split(|c: char| {
        quoted ^= c == '"';
        c == '|' && !quoted
    })
    .collect()
}

/// Characters before the word with this number.
fn column(line: &str, number: usize) -> usize {
    let mut word = 0;
    let mut inside = false;
    for (place, c) in line.chars().enumerate() {
        if c.is_whitespace() {
            word += usize::from(inside);
            inside = false;
        } else {
            if !inside && word == number {
                return place;
            }
            inside = true;
        }
    }
    line.trim_end().chars().count()
}
