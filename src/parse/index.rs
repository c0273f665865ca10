//! The index of a template collection: which template fits a platform and a command.
//!
//! The format is that of the public collection's file `index`, read as its reference reads it: fields divided
//! by commas (there is no quoting), the first line that is no comment naming them, `Template` among them. A
//! template field may chain several, `a:b`. Every other field is a regular expression; in `Command` a
//! `[[word]]` stands for every beginning of the word.

mod choose;
mod field;
mod shape;

pub use choose::{Candidate, is_argument};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use self::choose::Commands;
use self::field::Field;
use super::pyre::Scratch;
use super::textfsm::TemplateError;

/// A read index.
#[derive(Debug, Default)]
pub struct Index {
    columns: Vec<String>,
    rows: Vec<Row>,
    dropped: Vec<Dropped>,
    /// The place of the column `Command`.
    command: Option<usize>,
    /// Each pattern once: most rows share their platform with others.
    fields: Vec<Field>,
    /// Attributes that were asked for, and the places of the rows that match them.
    known: Mutex<HashMap<Asked, Arc<Vec<usize>>>>,
    commands: Commands,
}

/// Columns and the values that were asked for.
type Asked = Vec<(usize, String)>;

/// How many attributes are remembered.
const MAX_REMEMBERED: usize = 1_000;

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
        let command = columns.iter().position(|name| name == "Command");
        let mut index = Self { columns, command, ..Self::default() };
        let mut known: HashMap<(bool, String), usize> = HashMap::new();
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
                let is_command = command == Some(place);
                if is_command {
                    field.clone_into(&mut row.command);
                }
                let key = (is_command, field.to_owned());
                let pattern = if let Some(&pattern) = known.get(&key) {
                    pattern
                } else {
                    let field = Field::new(field, is_command);
                    index.fields.push(field.map_err(|message| fault(number, start, message))?);
                    index.fields.len() - 1
                };
                known.insert(key, pattern);
                row.fields.push(Some(pattern));
            }
            index.rows.push(row);
        }
        index.commands = Commands::of(index.rows.len());
        Ok(index)
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
        let (commands, others): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|(column, _)| Some(*column) == self.command);
        let mut scratch = Scratch::default();
        let rows = self.remembered(&others, &mut scratch);
        rows.iter().filter_map(|&at| self.rows.get(at)).find(|row| {
            commands.iter().all(|(column, value)| match row.fields.get(*column) {
                Some(Some(number)) => {
                    self.fields.get(*number).is_some_and(|field| field.matches(value, &mut scratch))
                }
                _ => true,
            })
        })
    }

    /// The rows that match attributes other than the command: a few platforms are asked for again and again.
    fn remembered(&self, asked: &[(usize, &str)], scratch: &mut Scratch) -> Arc<Vec<usize>> {
        let key: Asked = asked.iter().map(|(column, value)| (*column, (*value).to_owned())).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = known.get(&key) {
            return Arc::clone(rows);
        }
        // A few platforms share all rows, so each pattern is asked at most once per attribute.
        let mut answers: HashMap<(usize, usize), bool> = HashMap::new();
        let mut fits = |row: &Row| {
            asked.iter().enumerate().all(|(at, (column, value))| {
                let Some(Some(number)) = row.fields.get(*column) else { return true };
                let Some(field) = self.fields.get(*number) else { return false };
                *answers.entry((at, *number)).or_insert_with(|| field.matches(value, scratch))
            })
        };
        let rows = self.rows.iter().enumerate().filter(|(_, row)| fits(row)).map(|(at, _)| at);
        let rows: Arc<Vec<usize>> = Arc::new(rows.collect());
        if known.len() < MAX_REMEMBERED {
            known.insert(key, Arc::clone(&rows));
        }
        rows
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
}
