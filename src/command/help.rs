//! Help, derived from the same records that the parser reads.

use super::arguments::usage;
use super::{BUILTINS, STAGES, examples as here};
use crate::answer::Block;
use crate::catalogue::Catalogue;
use crate::table::{Column, Table, Type, Value};
use crate::verb::{Argument, ArgumentType, Class, Verb};

/// How devices are named, for `help`.
const TARGETS: &str = "Devices: one or many, joined from left to right.\n  \
    r1,r2             these\n  \
    @core             a group\n  \
    edge-*            a pattern; /^edge-[12]$/ a regular expression\n  \
    site:ams          a key of the inventory: group, platform, name, host or one of its own\n  \
    @core & site:ams  what both have\n  \
    all - r1          all but one";

/// What `help` and `help <topic>` answer; the topic is the main word of a verb, a built-in command or
/// a stage, as the parser gives it.
pub fn help(topic: Option<&str>, catalogue: &Catalogue) -> Vec<Block> {
    let Some(topic) = topic else { return overview(catalogue) };
    if let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == topic) {
        return vec![Block::Text { text: entry(builtin.usage, builtin.help, builtin.aliases) }];
    }
    if let Some(verb) = catalogue.verbs.get(topic) {
        return about(verb, catalogue);
    }
    let text = match STAGES.iter().find(|stage| stage.name == topic) {
        Some(stage) => entry(&format!("| {}", stage.usage), stage.help, stage.aliases),
        None => format!("There is no help about {topic}; `help` lists what can be asked."),
    };
    vec![Block::Text { text }]
}

/// What `examples` answers: questions that work on this inventory.
pub fn examples(catalogue: &Catalogue) -> Vec<Block> {
    let mut text = String::from("Questions that work here:");
    for verb in catalogue.verbs.values() {
        for example in here::of(verb, catalogue) {
            text.push_str("\n  ");
            text.push_str(&example);
        }
    }
    vec![Block::Text { text }]
}

fn overview(catalogue: &Catalogue) -> Vec<Block> {
    let verbs = catalogue.verbs.values().map(|verb| {
        let example = here::of(verb, catalogue).into_iter().next().unwrap_or_default();
        [verb.name.clone(), verb.help.clone(), example]
    });
    let builtins = BUILTINS.iter().map(|builtin| [builtin.usage.to_owned(), builtin.help.to_owned()]);
    let stages = STAGES.iter().map(|stage| [format!("| {}", stage.usage), stage.help.to_owned()]);
    vec![
        Block::Text {
            text: "Ask in one line: a verb, devices, then what the verb takes, then stages behind bars. \
                   Words may be shortened as long as they are clear. `help VERB` tells all about one."
                .into(),
        },
        table("Verbs", &["verb", "answers", "example"], verbs),
        Block::Text { text: TARGETS.into() },
        table("Stages, evaluated by nocbot and never by a device", &["stage", "gives"], stages),
        table("Without devices", &["command", "does"], builtins),
    ]
}

fn about(verb: &Verb, catalogue: &Catalogue) -> Vec<Block> {
    let aliases: Vec<&str> = verb.aliases.iter().map(String::as_str).collect();
    let mut text = entry(&verb_usage(verb), &verb.help, &aliases);
    if verb.class == Class::Probe {
        text.push_str("\nIt sends packets into the network.");
    }
    let mut blocks = vec![Block::Text { text }];
    if !verb.arguments.is_empty() {
        let rows = verb.arguments.iter().map(|argument| {
            let default = argument.default.clone().unwrap_or_default();
            let needed = if argument.required { "needed".into() } else { default };
            [argument.name.clone(), argument.help.clone(), usage(argument), needed]
        });
        blocks.push(table("Arguments", &["name", "means", "is", "default"], rows));
    }
    if !verb.columns.is_empty() {
        let rows = verb
            .columns
            .iter()
            .map(|column| [column.name.clone(), kind(column.kind).to_owned(), column.help.clone()]);
        blocks.push(table("Columns, beside device", &["column", "type", "means"], rows));
    }
    let mut text = String::from("Examples:");
    for example in here::of(verb, catalogue) {
        text.push_str("\n  ");
        text.push_str(&example);
    }
    blocks.push(Block::Text { text });
    blocks.push(Block::Text { text: platforms(verb, catalogue) });
    blocks
}

/// The platforms that answer a verb, by their names for people.
fn platforms(verb: &Verb, catalogue: &Catalogue) -> String {
    let any_line = verb.arguments.iter().any(|argument| argument.kind == ArgumentType::Line);
    let titles: Vec<&str> = catalogue
        .platforms
        .values()
        .filter(|platform| {
            if any_line { !platform.show.words.is_empty() } else { platform.verbs.contains_key(&verb.name) }
        })
        .map(|platform| platform.title.as_str())
        .collect();
    if verb.only_by_bot() {
        return "nocbot answers it itself.".into();
    }
    if verb.asks.is_some() {
        return "Every device answers it that offers RESTCONF or NETCONF.".into();
    }
    if titles.is_empty() {
        "No platform answers it yet.".into()
    } else {
        format!("Platforms: {}.", titles.join(", "))
    }
}

/// How a verb is written: `ping DEVICES HOST [count=N]`.
pub fn verb_usage(verb: &Verb) -> String {
    let who = if verb.bot.is_some_and(|native| !native.is_matrix()) { "HOSTS" } else { "DEVICES" };
    let mut out = format!("{} {who}", verb.name);
    for argument in &verb.arguments {
        let place = place(argument);
        let (open, close) = if argument.required && argument.only.is_none() { ("", "") } else { ("[", "]") };
        out.extend([" ", open, &place, close]);
    }
    out
}

fn place(argument: &Argument) -> String {
    match argument.kind {
        ArgumentType::Flag => argument.name.clone(),
        _ if argument.positional => argument.name.to_uppercase(),
        ArgumentType::Int => format!("{}=N", argument.name),
        ArgumentType::Choice => format!("{}={}", argument.name, argument.choices.join("|")),
        _ => format!("{}=…", argument.name),
    }
}

fn entry(usage: &str, help: &str, aliases: &[&str]) -> String {
    let also = if aliases.is_empty() { String::new() } else { format!("\nAlso: {}", aliases.join(", ")) };
    format!("{help}\n  {usage}{also}")
}

fn table<const N: usize>(title: &str, columns: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Block {
    let mut table = Table::new(columns.iter().map(|name| Column::new(*name, Type::Text)).collect());
    for row in rows {
        table.push(row.into_iter().map(Value::Text).collect());
    }
    Block::Table { title: Some(title.to_owned()), table }
}

/// A type's word, as the data files write it.
fn kind(kind: Type) -> &'static str {
    match kind {
        Type::Text => "text",
        Type::Int => "int",
        Type::Number => "number",
        Type::Ip => "ip",
        Type::Prefix => "prefix",
        Type::Host => "host",
        Type::Mac => "mac",
        Type::Duration => "duration",
        Type::Asn => "asn",
        Type::State => "state",
        Type::List => "list",
    }
}
