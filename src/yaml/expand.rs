//! `${NAME}` and `${NAME:-default}` in scalars, and texts that YAML takes for comments.

use super::{Node, Value};
use crate::error::Error;
use crate::secret::{Environment, Piece, pieces};

impl Node {
    /// The same tree with every `${NAME}` and `${NAME:-default}` replaced, but for the values of the
    /// keys in `secrets`, which stay as written. A variable without a value is an error here.
    #[must_use]
    pub fn expand(&self, environment: &Environment, secrets: &[&str], errors: &mut Vec<Error>) -> Self {
        match &self.value {
            Value::Null => self.clone(),
            Value::Scalar { text, plain } => {
                if !text.contains("${") {
                    return self.clone();
                }
                let text = self.expand_text(text, environment, errors);
                let value = if *plain && text.is_empty() {
                    Value::Null
                } else {
                    Value::Scalar { text, plain: *plain }
                };
                self.with_value(value)
            }
            Value::List(items) => self.with_value(Value::List(
                items.iter().map(|item| item.expand(environment, secrets, errors)).collect(),
            )),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let secret = key.text().is_some_and(|key| secrets.contains(&key));
                    let value =
                        if secret { value.clone() } else { value.expand(environment, secrets, errors) };
                    (key.clone(), value)
                });
                self.with_value(Value::Map(entries.collect()))
            }
        }
    }

    fn expand_text(&self, text: &str, environment: &Environment, errors: &mut Vec<Error>) -> String {
        let mut out = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(name, default) => match (environment.get(name), default) {
                    (Some(value), None) => out.push_str(&value),
                    (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
                    (_, Some(default)) => out.push_str(default),
                    (None, None) => errors.push(
                        self.error(format!("the environment variable {name} is not set"))
                            .hint(format!("set {name}, or write `${{{name}:-default}}`")),
                    ),
                },
            }
        }
        out
    }

    /// For nothing behind a key: the text that YAML took for a comment because it begins with `#`,
    /// as in `password: #x`. A `#` with a blank behind it is a comment.
    pub fn taken_for_comment(&self) -> Option<String> {
        if !self.is_null() {
            return None;
        }
        let line = self.source.text.lines().nth(self.line.checked_sub(1)?)?;
        let from = line.char_indices().nth(self.column.checked_sub(1)?)?.0;
        let (_, value) = line.get(from..)?.split_once(':')?;
        let value = value.trim();
        let word = value.strip_prefix('#')?;
        (!word.is_empty() && !word.starts_with([' ', '\t', '#'])).then(|| value.to_owned())
    }
}
