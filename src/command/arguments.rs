//! What stands between the targets and the first bar: positional values, `key value`, `key=value`, flags.

use super::cursor::{Cursor, is_quote};
use super::fault::{About, Fault};
use super::targets::{ENDS_COMMAND, one_command};
use super::value;
use super::word::{self, Found};
use crate::verb::{Argument, ArgumentType, ArgumentValue, Arguments, By, Verb};

/// One word of the rest of a command.
#[derive(Debug, Clone)]
struct Word {
    /// What stands before `=`, if anything does.
    key: Option<String>,
    text: String,
    /// Of the word, and of its value.
    column: usize,
    value_column: usize,
    quoted: bool,
}

/// Reads and checks the arguments of `verb`, up to the next bar or the end. Defaults are filled in.
pub(super) fn read(cursor: &mut Cursor<'_>, verb: &Verb, targets: &str) -> Result<Arguments, Fault> {
    let mut found = Arguments::new();
    let mut columns = Vec::new();
    if let Some(path) = positional(verb, &found, "").filter(|argument| argument.kind == ArgumentType::Path) {
        found.extend(path_first(cursor, verb, path)?);
    }
    let mut words = words(cursor)?.into_iter().peekable();
    while let Some(word) = words.next() {
        let (argument, text, column) = match named(verb, &word)? {
            Some(argument) if word.key.is_some() => (argument, word.text, word.value_column),
            Some(argument) if argument.kind == ArgumentType::Flag => (argument, "yes".into(), word.column),
            Some(argument) => {
                let next = words.next().ok_or_else(|| {
                    Fault::new(
                        cursor.column(),
                        format!("`{}` needs a value: {}", argument.name, argument.help),
                    )
                    .hint(format!("write it behind the name: {}", usage(argument)))
                })?;
                (argument, joined(next.clone()), next.column)
            }
            None => {
                let argument =
                    positional(verb, &found, &word.text).ok_or_else(|| extra(verb, &word, targets))?;
                (argument, joined(word.clone()), word.column)
            }
        };
        let mut text = text;
        while let Some(next) = words.peek().filter(|next| next.key.is_none() && !next.quoted) {
            let Some(longer) = continued(argument.kind, &text, &next.text) else { break };
            words.next();
            text = longer;
            if argument.kind != ArgumentType::Ports {
                break;
            }
        }
        if found.contains_key(&argument.name) {
            return Err(Fault::new(column, format!("`{}` is given twice", argument.name))
                .hint("ask two questions for two answers"));
        }
        if argument.kind == ArgumentType::Flag && value::is_off(&text) {
            continue;
        }
        let value = value::read(argument, &text).map_err(|why| wrong(verb, argument, &text, column, &why))?;
        columns.push((argument, column));
        found.insert(argument.name.clone(), value);
    }
    fit(verb, &found, &columns)?;
    complete(verb, found, cursor)
}

/// Whether all that is given belongs to whoever answers.
fn fit(verb: &Verb, found: &Arguments, columns: &[(&Argument, usize)]) -> Result<(), Fault> {
    let bot = verb.by_bot(found).is_some();
    let other = |argument: &Argument| argument.only.is_some_and(|by| (by == By::Bot) != bot);
    let Some((argument, column)) = columns.iter().find(|(argument, _)| other(argument)) else {
        return Ok(());
    };
    let (verb, name) = (&verb.name, &argument.name);
    let fault = if bot {
        Fault::new(*column, format!("`{name}` is for devices, and nocbot itself answers this `{verb}`"))
            .hint(format!("name a device and a host: `{verb} DEVICE HOST {name}=…`"))
    } else {
        Fault::new(*column, format!("`{name}` is not for devices: only nocbot's own `{verb}` takes it"))
            .hint(format!("leave the device away: `{verb} HOST {name}=…`"))
    };
    Err(fault)
}

/// A path, which has signs of the grammar in it: it ends at the first blank outside quotes and brackets.
fn path_first(
    cursor: &mut Cursor<'_>,
    verb: &Verb,
    argument: &Argument,
) -> Result<Option<(String, ArgumentValue)>, Fault> {
    cursor.skip_blanks();
    let (start, column) = (cursor.position(), cursor.column());
    let (mut quote, mut bracket) = (None, false);
    while let Some(found) = cursor.peek() {
        match (found, quote) {
            ('\n', _) | (' ' | '|', None) if found == '\n' || !bracket => break,
            ('\'' | '"', None) => quote = Some(found),
            (found, Some(open)) if found == open => quote = None,
            ('[', None) => bracket = true,
            (']', None) => bracket = false,
            _ => {}
        }
        cursor.take();
    }
    let text = cursor.since(start);
    if text.is_empty() {
        return Ok(None);
    }
    let value = value::read(argument, &text).map_err(|why| wrong(verb, argument, &text, column, &why))?;
    Ok(Some((argument.name.clone(), value)))
}

/// Fills in defaults and misses what is required.
fn complete(verb: &Verb, mut found: Arguments, cursor: &Cursor<'_>) -> Result<Arguments, Fault> {
    let bot = verb.by_bot(&found).is_some();
    for argument in &verb.arguments {
        let others = argument.only.is_some_and(|by| (by == By::Bot) != bot);
        if others || found.contains_key(&argument.name) {
            continue;
        }
        if let Some(value) = default(argument) {
            found.insert(argument.name.clone(), value);
        } else if argument.required {
            let missing = format!("`{}` needs {}: {}", verb.name, argument.name, argument.help);
            return Err(Fault::new(cursor.column(), missing)
                .hint(format!("the devices come first: `{} devices {}`", verb.name, argument.name)));
        }
    }
    Ok(found)
}

/// An argument's value when it is not given.
pub(super) fn default(argument: &Argument) -> Option<ArgumentValue> {
    value::read(argument, argument.default.as_deref()?).ok()
}

/// The argument that a word names: `key=…` or the bare key.
fn named<'v>(verb: &'v Verb, word: &Word) -> Result<Option<&'v Argument>, Fault> {
    let Some(key) = &word.key else {
        let name = word.text.strip_prefix("--").unwrap_or(&word.text);
        let found = verb.arguments.iter().find(|argument| {
            !word.quoted && argument.kind != ArgumentType::Line && argument.name.eq_ignore_ascii_case(name)
        });
        return Ok(found);
    };
    let key = key.strip_prefix("--").unwrap_or(key);
    match word::find(
        key,
        verb.arguments.iter().map(|argument| (argument.name.as_str(), argument.name.as_str())),
    ) {
        Found::One(name) => Ok(verb.arguments.iter().find(|argument| argument.name == name)),
        Found::Several(several) => {
            let list = word::list(several.iter().map(String::as_str));
            Err(Fault::new(word.column, format!("`{key}=` could be {list}")).hint("write one more letter"))
        }
        Found::None => {
            Err(Fault::new(word.column, format!("`{}` takes no `{key}=`", verb.name)).hint(known(verb, key)))
        }
    }
}

/// The next positional argument; what begins with `@` is for a name server, if one can be named.
fn positional<'v>(verb: &'v Verb, found: &Arguments, text: &str) -> Option<&'v Argument> {
    let mut free =
        verb.arguments.iter().filter(|argument| argument.positional && !found.contains_key(&argument.name));
    let server = |argument: &&Argument| argument.kind == ArgumentType::Server;
    let wanted = free.clone().find(|argument| server(argument) == text.starts_with('@'));
    wanted.or_else(|| free.next())
}

/// The fault of a word that has no place.
fn extra(verb: &Verb, word: &Word, targets: &str) -> Fault {
    let taken = if verb.arguments.iter().any(|argument| argument.positional) {
        "one value too many"
    } else {
        "not understood"
    };
    Fault::new(word.column, format!("`{}` is {taken} behind `{} {targets}`", word.text, verb.name))
        .hint(known(verb, &word.text))
        .maybe(
            (!word.quoted
                && word
                    .text
                    .chars()
                    .all(|found| found.is_alphanumeric() || matches!(found, '-' | '_' | '.')))
            .then(|| {
                format!("several devices are joined by commas: `{} {targets},{}`", verb.name, word.text)
            }),
        )
        .about(About::Extra)
}

/// What the verb does take.
fn known(verb: &Verb, typed: &str) -> String {
    let names: Vec<&str> = verb.arguments.iter().map(|argument| argument.name.as_str()).collect();
    if names.is_empty() {
        return format!("`{}` takes devices and nothing else", verb.name);
    }
    word::suggest(typed, &names, &format!("`{}` takes", verb.name))
}

fn wrong(verb: &Verb, argument: &Argument, text: &str, column: usize, why: &str) -> Fault {
    let names: Vec<&str> = verb.arguments.iter().map(|argument| argument.name.as_str()).collect();
    Fault::new(column, format!("{} of `{}`: {why}", argument.name, verb.name))
        .hint(format!("{} is {}", argument.name, usage(argument)))
        .maybe(crate::text::did_you_mean(text, names).filter(|_| argument.positional))
}

/// How an argument is written, for hints and help.
pub(super) fn usage(argument: &Argument) -> String {
    let name = &argument.name;
    match argument.kind {
        ArgumentType::Word => format!("a name (`{name} NAME`)"),
        ArgumentType::Ip => format!("an address (`{name} 10.0.0.1`)"),
        ArgumentType::Mac => format!("a hardware address (`{name} 00:50:56:01:02:03`)"),
        ArgumentType::Prefix => format!("an address or a prefix (`{name} 10.0.0.0/8`)"),
        ArgumentType::Host => format!("an address or a DNS name (`{name} 10.0.0.1`)"),
        ArgumentType::Interface => format!("an interface (`{name} lo`)"),
        ArgumentType::Int => match argument.range {
            Some((least, most)) => format!("a number from {least} to {most} (`{name} {least}`)"),
            None => format!("a number (`{name} 1`)"),
        },
        ArgumentType::Choice => {
            let choices = word::list(argument.choices.iter().map(String::as_str));
            format!("one of {choices}")
        }
        ArgumentType::Flag => format!("a word of its own (`{name}`)"),
        ArgumentType::Path => {
            "a path with the module of its first name (`ietf-interfaces:interfaces/interface[name='lo']`)"
                .into()
        }
        ArgumentType::Fields => format!("nodes (`{name}=name,statistics(in-octets,out-octets)`)"),
        ArgumentType::Line => "the rest of the line".into(),
        ArgumentType::Duration => format!("a time (`{name} 500ms`, `{name} 2s`)"),
        ArgumentType::Ports => format!("ports (`{name} 22,80,8000-8010`)"),
        ArgumentType::Server => "a name server (`@192.0.2.53`)".into(),
        ArgumentType::Targets => format!("devices or hosts without blanks (`{name}=r1,r2`)"),
    }
}

/// A word with its `=`, where that is part of the value.
fn joined(word: Word) -> String {
    match word.key {
        Some(key) => format!("{key}={}", word.text),
        None => word.text,
    }
}

/// `Gi 0/1` is one interface, `10.0.0.0 255.0.0.0` one prefix.
fn continued(kind: ArgumentType, text: &str, next: &str) -> Option<String> {
    match kind {
        ArgumentType::Interface => {
            let letters = text.chars().all(|found| found.is_ascii_alphabetic() || found == '-');
            let digit = next.starts_with(|found: char| found.is_ascii_digit());
            (letters && digit).then(|| format!("{text}{next}"))
        }
        ArgumentType::Prefix => value::with_mask(text, next),
        ArgumentType::Ports => {
            let ports = next.starts_with(|found: char| found.is_ascii_digit());
            ports.then(|| format!("{},{next}", text.trim_end_matches(',')))
        }
        _ => None,
    }
}

fn words(cursor: &mut Cursor<'_>) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    loop {
        cursor.skip_blanks();
        if cursor.at_stop() {
            return Ok(words);
        }
        let column = cursor.column();
        if cursor.peek().is_some_and(is_quote) {
            let text = cursor.quoted()?;
            words.push(Word { key: None, text, column, value_column: column, quoted: true });
            continue;
        }
        let mut text = raw(cursor, true)?;
        let mut key = None;
        let mut value_column = column;
        let mut quoted = false;
        let end = cursor.position();
        cursor.skip_blanks();
        if !text.is_empty() && cursor.take_if('=') {
            cursor.skip_blanks();
            value_column = cursor.column();
            key = Some(text);
            quoted = cursor.peek().is_some_and(is_quote);
            text = if quoted { cursor.quoted()? } else { raw(cursor, false)? };
        } else {
            cursor.back_to(end);
            if text.is_empty() {
                return Err(Fault::new(column, "a value without a name stands here")
                    .hint("an option is written `name=value` or `name value`"));
            }
        }
        words.push(Word { key, text, column, value_column, quoted });
    }
}

/// Reads up to a blank, a bar or (where `key` says so) `=`; refuses what would end a command.
fn raw(cursor: &mut Cursor<'_>, key: bool) -> Result<String, Fault> {
    let start = cursor.position();
    while let Some(found) = cursor.peek() {
        match found {
            ' ' | '|' => break,
            '=' if key => break,
            '$' if matches!(cursor.ahead(1), Some('(' | '{')) => {
                return Err(one_command(cursor.column(), "$("));
            }
            '&' if cursor.ahead(1) == Some('&') => return Err(one_command(cursor.column(), "&&")),
            _ if ENDS_COMMAND.contains(&found) => {
                return Err(one_command(cursor.column(), &found.to_string()));
            }
            _ => cursor.take(),
        };
    }
    Ok(cursor.since(start))
}
