//! The index of a template collection: which template fits a platform and a command.
//!
//! The format is that of the public collection's file `index`, read as its reference reads it: fields divided
//! by commas (there is no quoting), the first line that is no comment naming them, `Template` among them. A
//! template field may chain several, `a:b`. Every other field is a regular expression; in `Command` a
//! `[[word]]` stands for every beginning of the word.

mod choose;
mod shape;

pub use choose::{Candidate, is_argument};

use std::collections::HashMap;
use std::sync::OnceLock;

use self::choose::Commands;
use super::pyre::{Kind, Pattern, Scratch, Sets};
use super::textfsm::TemplateError;

/// A read index.
#[derive(Debug, Default)]
pub struct Index {
    columns: Vec<String>,
    rows: Vec<Row>,
    dropped: Vec<Dropped>,
    patterns: Vec<Pattern>,
    sets: Sets,
    commands: OnceLock<Commands>,
}

/// A line of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line of the file, from 1.
    pub line: usize,
    /// The templates, to be merged in this order.
    pub templates: Vec<String>,
    /// The field `Command` as it stands there; empty without such a column.
    pub command: String,
    /// Per column the place of its pattern; none for the empty field, which every value satisfies.
    fields: Vec<Option<usize>>,
}

/// A line that says nothing because it has another number of fields than the header; most often a regular
/// expression with a comma in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Line of the file, from 1.
    pub line: usize,
    /// The line itself.
    pub text: String,
}

impl Index {
    /// Reads an index file's text.
    ///
    /// # Errors
    /// There is no header, it lacks `Template` or names a column twice, or a regular expression is wrong.
    pub fn read(text: &str) -> Result<Self, TemplateError> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut lines = (1..).zip(text.lines());
        let fault = |line, column, message: String| TemplateError { line, column, message };
        let header = lines.by_ref().find_map(|(number, line)| {
            let names = line.split('#').next().unwrap_or("").trim();
            (!names.is_empty()).then_some((number, names))
        });
        let Some((number, names)) = header else {
            return Err(fault(1, 1, "an index begins with the names of its columns".to_owned()));
        };
        let columns: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
        if let Some(twice) =
            columns.iter().enumerate().find(|(at, name)| columns.iter().take(*at).any(|n| n == *name))
        {
            return Err(fault(number, 1, format!("the column `{}` twice", twice.1)));
        }
        let Some(template) = columns.iter().position(|name| name == "Template") else {
            return Err(fault(number, 1, "the column `Template` is missing".to_owned()));
        };
        let mut index = Self { columns, ..Self::default() };
        let mut known: HashMap<String, usize> = HashMap::new();
        for (number, line) in lines.filter(|(_, line)| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split(',').collect();
            if fields.len() != index.columns.len() {
                if !line.trim().is_empty() {
                    index.dropped.push(Dropped { line: number, text: line.to_owned() });
                }
                continue;
            }
            let mut row =
                Row { line: number, templates: Vec::new(), command: String::new(), fields: Vec::new() };
            let mut column = 1;
            for (place, field) in fields.iter().enumerate() {
                let start = column + field.chars().take_while(|c| c.is_whitespace()).count();
                column += field.chars().count() + 1;
                let field = field.trim();
                if place == template {
                    row.templates = field.split(':').map(str::to_owned).collect();
                }
                if place == template || field.is_empty() {
                    row.fields.push(None);
                    continue;
                }
                let is_command = index.columns.get(place).is_some_and(|name| name == "Command");
                if is_command {
                    field.clone_into(&mut row.command);
                }
                let source = if is_command { completed(field) } else { field.to_owned() };
                let pattern = match known.get(&source) {
                    Some(&pattern) => pattern,
                    None => index.add(&source).map_err(|message| fault(number, start, message))?,
                };
                known.insert(source, pattern);
                row.fields.push(Some(pattern));
            }
            index.rows.push(row);
        }
        Ok(index)
    }

    fn add(&mut self, source: &str) -> Result<usize, String> {
        let pattern =
            Pattern::compile(source, Kind::Text, &mut self.sets).map_err(|error| error.to_string())?;
        self.patterns.push(pattern);
        Ok(self.patterns.len() - 1)
    }

    /// The first row all of whose fields match `attributes` (pairs of a column and a value) at their start.
    ///
    /// The order of the rows is the disambiguation. A value may be longer than what its field matches, so
    /// `show version | include x` finds the row of `show version`; case and leading blanks matter. Attributes
    /// that are no columns are ignored, as are columns without an attribute.
    pub fn find(&self, attributes: &[(&str, &str)]) -> Option<&Row> {
        let place = |name: &str| self.columns.iter().position(|column| column == name);
        let asked: Vec<(usize, &str)> =
            attributes.iter().filter_map(|(name, value)| Some((place(name)?, *value))).collect();
        let mut scratch = Scratch::default();
        // A few platforms share all rows, so each pattern is asked at most once per attribute.
        let mut answers: Vec<Vec<Option<bool>>> = vec![vec![None; self.patterns.len()]; asked.len()];
        self.rows.iter().find(|row| {
            asked.iter().zip(&mut answers).all(|((column, value), answers)| {
                let Some(Some(number)) = row.fields.get(*column) else { return true };
                let (Some(pattern), Some(answer)) = (self.patterns.get(*number), answers.get_mut(*number))
                else {
                    return false;
                };
                *answer.get_or_insert_with(|| pattern.matches(&self.sets, value, &mut scratch) == Ok(true))
            })
        })
    }

    /// All rows, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The lines that were left out; worth a warning each.
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }
}

/// Replaces each `[[word]]` by a pattern for every beginning of the word, the empty one too.
fn completed(command: &str) -> String {
    let mut out = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once("[[") {
        // A word has at least one character, which may itself be a bracket.
        let first = after.chars().next().map_or(0, char::len_utf8);
        let end = after.get(first..).and_then(|tail| tail.find("]]")).map(|end| end + first);
        let (Some(end), true) = (end, first > 0) else { break };
        let word = after.get(..end).unwrap_or("");
        out.push_str(before);
        word.chars().for_each(|c| out.extend(['(', c]));
        word.chars().for_each(|_| out.push_str(")?"));
        rest = after.get(end + 2..).unwrap_or("");
    }
    out + rest
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const TEXT: &str = "\
# a comment
Template, Hostname, Platform, Command # the columns

acme_show_clock_detail.textfsm, .*, acme, sh[[ow]] clo[[ck]] det[[ail]]
acme_show_clock.textfsm:acme_zone.textfsm, .*, acme, sh[[ow]] clo[[ck]]
other.textfsm, , (acme|other), dir \\S{1,3}
any.textfsm, r\\d+, , sh[[ow]] x
";

    fn templates(attributes: &[(&str, &str)]) -> Option<Vec<String>> {
        Index::read(TEXT).unwrap().find(attributes).map(|row| row.templates.clone())
    }

    fn command(command: &str) -> Option<Vec<String>> {
        templates(&[("Platform", "acme"), ("Command", command)])
    }

    #[test]
    fn the_first_row_that_matches_a_prefix() {
        assert_eq!(command("show clock detail").unwrap(), ["acme_show_clock_detail.textfsm"]);
        assert_eq!(command("sh clo").unwrap(), ["acme_show_clock.textfsm", "acme_zone.textfsm"]);
        assert_eq!(command("sho clock | include x").unwrap().len(), 2);
        assert_eq!(command("Show clock"), None);
        assert_eq!(command(" show clock"), None);
        assert_eq!(templates(&[("Platform", "none"), ("Command", "sh x")]).unwrap(), ["any.textfsm"]);
        assert_eq!(templates(&[("Platform", "none"), ("Command", "sh x"), ("Hostname", "sw1")]), None);
        assert_eq!(
            templates(&[("Colour", "red"), ("Command", "sh clo det")]).unwrap(),
            ["acme_show_clock_detail.textfsm"]
        );
    }

    #[test]
    fn lines_with_other_numbers_of_fields_are_told() {
        let index = Index::read(TEXT).unwrap();
        assert_eq!(index.rows().len(), 3);
        assert_eq!(index.dropped().len(), 1);
        assert_eq!(index.dropped()[0].line, 6, "the comma in {{1,3}}");
    }

    #[test]
    fn what_is_refused() {
        for text in ["", "# only\n", "Platform, Command\n", "Template, A, A\n"] {
            assert!(Index::read(text).is_err(), "{text}");
        }
        let error = Index::read("Template, Command\na.textfsm,  sh(\n").unwrap_err();
        assert_eq!((error.line, error.column), (2, 13));
    }

    #[test]
    fn words_become_beginnings() {
        assert_eq!(completed("sh[[ow]] x"), "sh(o(w)?)? x");
        assert_eq!(completed("[[a]][[b]]"), "(a)?(b)?");
        assert_eq!(completed("a[[]]b"), "a[[]]b");
        assert_eq!(completed("[[]]x]]"), "(](](x)?)?)?");
        assert_eq!(completed("a[[b"), "a[[b");
        assert_eq!(completed("[[é]]"), "(é)?");
    }
}
