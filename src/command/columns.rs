//! The columns that a stage may name, as far as they are known before a device has answered.

use super::Stage;
use super::fault::{About, Fault};
use super::word::{self, Found};
use crate::verb::Verb;

/// The column that every merged table begins with.
pub(super) const DEVICE: &str = "device";

/// The column of `count` and `group`.
const ROWS: &str = "rows";

/// Known columns, or `None` where only the answer will tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns(Option<Vec<String>>);

impl Columns {
    /// Those of a verb; unknown when the verb leaves them to a parser.
    pub(super) fn of(verb: &Verb) -> Self {
        if verb.columns.is_empty() {
            return Self(None);
        }
        let names = verb.columns.iter().map(|column| column.name.clone());
        Self(Some(std::iter::once(DEVICE.to_owned()).chain(names).collect()))
    }

    /// What the next stage finds behind this one.
    pub(super) fn after(&mut self, stage: &Stage) {
        match (stage, &mut self.0) {
            (Stage::Select(names), Some(known)) => {
                known.retain(|name| name == DEVICE || names.contains(name));
            }
            (Stage::Count, known) => *known = Some(vec![ROWS.to_owned()]),
            (Stage::Group(column), known) => *known = Some(vec![column.clone(), ROWS.to_owned()]),
            _ => {}
        }
    }

    /// The column's own name for what was typed: any case, `-` for `_`, unique prefixes.
    pub(super) fn find(&self, typed: &str, column: usize) -> Result<String, Fault> {
        let Some(known) = &self.0 else { return Ok(typed.to_owned()) };
        let wanted = typed.replace('-', "_");
        match word::find(&wanted, known.iter().map(|name| (name.as_str(), name))) {
            Found::One(name) => Ok(name.clone()),
            Found::Several(several) => {
                let list = word::list(several.iter().map(String::as_str));
                Err(Fault::new(column, format!("`{typed}` could be {list}"))
                    .hint("write one more letter")
                    .about(About::Stage))
            }
            Found::None => {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                let near = crate::text::did_you_mean(typed, names.iter().copied());
                Err(Fault::new(column, format!("there is no column `{typed}`"))
                    .maybe(near)
                    .hint(format!("the columns are {}", word::list(names)))
                    .about(About::Stage))
            }
        }
    }
}

/// Whether a character can stand in the name of a column.
pub(super) fn is_column(found: char) -> bool {
    found.is_alphanumeric() || matches!(found, '_' | '.' | '-')
}
