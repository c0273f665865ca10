//! Completion behind a bar: stages, columns, conditions.

use super::{Found, Piece, words};
use crate::catalogue::Catalogue;
use crate::command::STAGES;
use crate::command::columns::{DEVICE, is_column};
use crate::command::stage::{self, Kind};
use crate::verb::{ColumnDef, Verb};

pub(super) fn complete(catalogue: &Catalogue, before: &[Piece<'_>], piece: Piece<'_>, found: &mut Found) {
    let (typed, rest) = piece.first_word();
    let Some(rest) = rest else {
        for stage in &STAGES {
            found.offer(piece, stage.name, stage.help);
        }
        for stage in STAGES.iter().filter(|_| !typed.is_empty()) {
            for alias in stage.aliases {
                found.offer(piece, alias, stage.help);
            }
        }
        return;
    };
    let command = before.first().map(|piece| words::bare(catalogue, *piece));
    let Some(verb) = command.and_then(|command| words::verb(catalogue, command.first_word().0)) else {
        return;
    };
    match stage::named(typed) {
        Some(Kind::Where) => condition(verb, rest, found),
        Some(Kind::Select | Kind::Uniq | Kind::Group) => columns(verb, rest.last(&[',', ' ']), found),
        Some(Kind::Sort) => {
            let last = rest.last(&[',', ' ']);
            columns(verb, if last.text.starts_with('-') { last.skip(1) } else { last }, found);
        }
        Some(Kind::Top) => match rest.first_word() {
            (_, Some(column)) => columns(verb, column.last(&[' ']), found),
            (_, None) => found.offer(rest, "5", "how many rows"),
        },
        _ => {}
    }
}

fn columns(verb: &Verb, piece: Piece<'_>, found: &mut Found) {
    if verb.columns.is_empty() {
        return;
    }
    for column in &verb.columns {
        found.offer(piece, &column.name, &column.help);
    }
    found.offer(piece, DEVICE, "the device that answered");
}

/// A column, a comparison, a value, then `and` or `or`; told apart by the words before.
fn condition(verb: &Verb, piece: Piece<'_>, found: &mut Found) {
    let last = piece.last(&[' ', '(']);
    let before = piece.text.get(..piece.text.len() - last.text.len()).unwrap_or_default();
    let before: Vec<&str> = before.split([' ', '(']).filter(|word| !word.is_empty()).collect();
    let is = |word: &&str, words: &[&str]| words.iter().any(|other| word.eq_ignore_ascii_case(other));
    let start = before.iter().rposition(|word| is(word, &["and", "or", "not"])).map_or(0, |index| index + 1);
    match before.get(start..).unwrap_or_default() {
        [] => {
            columns(verb, last, found);
            found.offer(last, "not", "the opposite");
        }
        [column] if column.chars().all(is_column) => {
            for (sign, help) in OPERATORS {
                found.offer(last, sign, help);
            }
        }
        [column, _] => {
            let wanted = column.replace('-', "_").to_lowercase();
            let column = verb.columns.iter().find(|column| column.name.starts_with(&wanted));
            for good in column.map(values).unwrap_or_default() {
                found.offer(last, good, "a state that is fine");
            }
        }
        _ => {
            found.offer(last, "and", "both conditions");
            found.offer(last, "or", "either condition");
        }
    }
}

const OPERATORS: [(&str, &str); 9] = [
    ("=", "is"),
    ("!=", "is not"),
    ("~", "matches a regular expression"),
    ("!~", "does not match"),
    ("<", "is less than"),
    ("<=", "is at most"),
    (">", "is more than"),
    (">=", "is at least"),
    ("in", "is one of a,b,c or lies in a prefix"),
];

fn values(column: &ColumnDef) -> Vec<&str> {
    column.good.iter().map(String::as_str).collect()
}
