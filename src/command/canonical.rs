//! A question in its one canonical form, which reads back to the same question.

use super::{
    Command, Join, Question, Selector, Stage, Targets, arguments, filter as conditions, pattern, show,
};
use crate::answer::FileFormat;
use crate::table::{Filter, Operator};
use crate::verb::{ArgumentValue, Arguments, Verb};

/// The question in words that [`super::parse()`] understands as the same question.
pub fn canonical(question: &Question) -> String {
    let mut out = command(&question.command);
    for stage in &question.stages {
        out.push_str(" | ");
        out.push_str(&self::stage(stage));
    }
    out
}

fn command(command: &Command) -> String {
    let with = |word: &str, rest: Option<String>| match rest {
        Some(rest) => format!("{word} {rest}"),
        None => word.to_owned(),
    };
    match command {
        Command::Verb { verb, targets: asked, arguments } => {
            let mut out = format!("{} {}", verb.name, targets(asked));
            for text in options(verb, arguments) {
                out.push(' ');
                out.push_str(&text);
            }
            out
        }
        Command::Show { verb, targets: asked, line } => {
            let quote = if show::is_plain(line) { "" } else { "\"" };
            format!("{} {} {quote}{line}{quote}", verb.name, targets(asked))
        }
        Command::Help(topic) => with("help", topic.clone()),
        Command::Examples => "examples".into(),
        Command::Explain(question) => format!("explain {}", canonical(question)),
        Command::Devices(asked) => with("devices", asked.as_ref().map(targets)),
        Command::Cancel(id) => with("cancel", id.clone()),
        Command::Again => "again".into(),
        Command::More { answer, row: 1 } => format!("more {answer}"),
        Command::More { answer, row } => format!("more {answer} {row}"),
        Command::History => "history".into(),
        Command::Whoami => "whoami".into(),
        Command::Status => "status".into(),
    }
}

/// A target expression in its canonical form.
pub fn targets(targets: &Targets) -> String {
    let mut out = String::new();
    for (index, term) in targets.terms.iter().enumerate() {
        match term.join {
            _ if index == 0 => {}
            Join::Union => out.push(','),
            Join::Intersection => out.push_str(" & "),
            Join::Minus => out.push_str(" - "),
        }
        out.push_str(&selector(&term.selector));
    }
    out
}

/// A selector in its canonical form.
pub(super) fn selector(selector: &Selector) -> String {
    match selector {
        Selector::Name(name) => {
            let address = name.parse::<std::net::IpAddr>().is_ok();
            let plain = address
                || is_atom(name) && !name.eq_ignore_ascii_case("all") && !name.contains(['*', '?', '[', ':']);
            if plain { name.clone() } else { quoted(name) }
        }
        Selector::Glob(glob) => glob.clone(),
        Selector::Group(group) if is_atom(group) => format!("@{group}"),
        Selector::Group(group) => format!("@{}", quoted(group)),
        Selector::Key(key, value) if is_atom(value) => format!("{key}:{value}"),
        Selector::Key(key, value) => format!("{key}:{}", quoted(value)),
        Selector::Regex(pattern) => format!("/{}/", pattern.as_str().replace('/', "\\/")),
        Selector::All => "all".into(),
    }
}

/// Whether a name needs no quotes.
fn is_atom(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['-', '/', '@'])
        && text.chars().all(|found| {
            found.is_alphanumeric()
                || matches!(found, '.' | '_' | '-' | ':' | '/' | '*' | '?' | '[' | ']' | '+' | '!')
        })
}

/// The arguments: positional ones first as long as none is missing, those with their default left away.
fn options(verb: &Verb, arguments: &Arguments) -> Vec<String> {
    let is_name = |text: &str| verb.arguments.iter().any(|argument| argument.name.eq_ignore_ascii_case(text));
    let mut in_order = true;
    let (positional, named): (Vec<_>, Vec<_>) =
        verb.arguments.iter().partition(|argument| argument.positional);
    positional
        .into_iter()
        .chain(named)
        .filter_map(|argument| {
            let value = arguments.get(&argument.name);
            // What nobody could have given here leaves no gap.
            if value.is_none() && argument.only.is_some() {
                return None;
            }
            if value.is_none() || self::arguments::default(argument).as_ref() == value {
                in_order = false;
                return None;
            }
            let text = value?.to_string();
            in_order &= argument.positional && !is_name(&text) && !text.starts_with('-');
            Some(match value? {
                ArgumentValue::Flag => argument.name.clone(),
                _ if in_order => text,
                _ => format!("{}={text}", argument.name),
            })
        })
        .collect()
}

fn stage(stage: &Stage) -> String {
    match stage {
        Stage::Include(pattern) => format!("include {}", regex(pattern.as_str())),
        Stage::Exclude(pattern) => format!("exclude {}", regex(pattern.as_str())),
        Stage::Begin(pattern) => format!("begin {}", regex(pattern.as_str())),
        Stage::Section(pattern) => format!("section {}", regex(pattern.as_str())),
        Stage::Count => "count".into(),
        Stage::Where(condition) => format!("where {}", filter(condition)),
        Stage::Select(columns) => format!("select {}", columns.join(",")),
        Stage::Sort(columns) => {
            let columns: Vec<String> = columns
                .iter()
                .map(|(name, descending)| format!("{}{name}", if *descending { "-" } else { "" }))
                .collect();
            format!("sort {}", columns.join(","))
        }
        Stage::Top(count, column) => format!("top {count} {column}"),
        Stage::Uniq(column) => format!("uniq {column}"),
        Stage::Group(column) => format!("group {column}"),
        Stage::File(FileFormat::Json) => "json".into(),
        Stage::File(FileFormat::Csv) => "csv".into(),
        Stage::File(FileFormat::Text) => "file".into(),
    }
}

fn regex(text: &str) -> String {
    if pattern::is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// A condition in its canonical form.
pub(super) fn filter(filter: &Filter) -> String {
    let enclosed = |inner: &Filter, enclose: bool| {
        let text = self::filter(inner);
        if enclose { format!("({text})") } else { text }
    };
    match filter {
        Filter::Compare { column, operator, values, .. } => {
            let list = *operator == Operator::In;
            let values: Vec<String> = values.iter().map(|value| self::value(value, list)).collect();
            format!("{column} {} {}", conditions::sign(*operator), values.join(","))
        }
        Filter::And(left, right) => format!(
            "{} and {}",
            enclosed(left, matches!(**left, Filter::Or(..))),
            enclosed(right, matches!(**right, Filter::Or(..) | Filter::And(..)))
        ),
        Filter::Or(left, right) => {
            format!("{} or {}", enclosed(left, false), enclosed(right, matches!(**right, Filter::Or(..))))
        }
        Filter::Not(inner) => {
            format!("not {}", enclosed(inner, matches!(**inner, Filter::Or(..) | Filter::And(..))))
        }
    }
}

fn value(text: &str, list: bool) -> String {
    if conditions::is_plain(text, list) { text.to_owned() } else { quoted(text) }
}

/// A text between the quotes that need the least escaping.
fn quoted(text: &str) -> String {
    if text.contains(['"', '\\']) && !text.contains('\'') {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for found in text.chars() {
        if matches!(found, '"' | '\\') {
            out.push('\\');
        }
        out.push(found);
    }
    out.push('"');
    out
}
