//! The tables of `docs/commands.md` are made of the records that the parser reads.
//!
//! `NOCBOT_UPDATE=1 cargo nextest run --test it command::docs` writes them anew.

use std::path::Path;

use nocbot::command::{BUILTINS, STAGES, verb_usage};

use super::verbs;

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(head.iter().map(|&cell| cell.to_owned()).collect());
    out.extend(["|", &"---|".repeat(head.len()), "\n"]);
    out.extend(rows.map(line));
    out
}

fn code(text: &str) -> String {
    // A bar would end the cell, in code as well.
    format!("`{}`", text.replace('|', "\\|"))
}

fn words(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| code(word.as_ref())).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_tables_are_up_to_date() {
    let verbs = verbs();
    let sections = [
        (
            "verbs",
            table(
                &["written", "also", "answers", "for example"],
                verbs.values().map(|verb| {
                    let examples = verb.examples.iter().map(|example| code(example)).collect::<Vec<_>>();
                    vec![
                        code(&verb_usage(verb)),
                        words(&verb.aliases),
                        verb.help.clone(),
                        examples.join("<br>"),
                    ]
                }),
            ),
        ),
        (
            "stages",
            table(
                &["written", "also", "gives"],
                STAGES
                    .iter()
                    .map(|stage| vec![code(stage.usage), words(stage.aliases), stage.help.to_owned()]),
            ),
        ),
        (
            "builtins",
            table(
                &["written", "also", "does"],
                BUILTINS.iter().map(|builtin| {
                    vec![code(builtin.usage), words(builtin.aliases), builtin.help.to_owned()]
                }),
            ),
        ),
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut wanted = text.clone();
    for (name, table) in sections {
        let start = format!("<!-- generated: {name} -->\n");
        let (before, rest) = wanted.split_once(&start).expect("the section");
        let (_, after) = rest.split_once("<!-- end -->").expect("its end");
        wanted = format!("{before}{start}{table}<!-- end -->{after}");
    }
    if std::env::var_os("NOCBOT_UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text == wanted, "docs/commands.md is not up to date; run this test with NOCBOT_UPDATE=1");
}

#[test]
fn the_examples_are_questions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut count = 0;
    for block in text.split("```text\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        for line in block.lines() {
            // Behind two blanks stands what the example shows.
            let question = line.split("  ").next().unwrap();
            nocbot::command::parse(question, &verbs()).unwrap_or_else(|error| panic!("{}", error.report()));
            count += 1;
        }
    }
    assert!(count > 5);
}
