//! Every payload within the limits, and nothing in it that pings or forges.

use proptest::prelude::*;

use super::*;
use crate::answer::{Answer, Block};
use crate::chat::{Capabilities, Part, parts};
use crate::table::{Column, Type, Value as Cell};

const ALL: Capabilities =
    Capabilities { tables: true, buttons: true, edits: Some(9), threads: true, ephemeral: true, files: true };

fn messages(answer: &Answer) -> Vec<Message> {
    let parts = parts::parts(answer, &SHAPE, ALL, "nb-1", vec!["vrf r1".into()]);
    parts.into_iter().filter_map(|part| if let Part::Message(m) = part { Some(m) } else { None }).collect()
}

/// Every text of a JSON value.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(map) => map.values().for_each(|item| texts(item, out)),
        _ => {}
    }
}

fn answer(cell: &str, rows: usize, code: &str) -> Answer {
    let mut state = Column::new("state", Type::State);
    state.good = vec!["up".into()];
    let mut table = Table::new(vec![Column::new("device", Type::Text), state, Column::new("n", Type::Int)]);
    for row in 0..rows {
        table.push(vec![Cell::text(cell), Cell::text("down"), Cell::int(row)]);
    }
    let blocks = vec![
        Block::Table { title: None, table },
        Block::Code { title: cell.into(), text: code.into() },
        Block::Text { text: format!("  {cell}\n{code}") },
    ];
    Answer { devices: 2, notes: vec![cell.into()], ..Answer::of(cell, blocks) }
}

fn message(labels: &[&str]) -> Message {
    let action = |label: &&str| Action { label: (*label).to_owned(), text: (*label).to_owned() };
    Message {
        tag: "nb-1-0".into(),
        summary: "a summary".into(),
        pieces: vec![Piece::Text("which?".into())],
        actions: labels.iter().map(action).collect(),
        private: false,
        late: None,
    }
}

#[test]
fn many_choices_are_a_menu_and_few_are_buttons() {
    let few = blocks(&message(&["vrf r1", "vrf r2"]), true);
    assert_eq!(few[1]["elements"][1]["value"], "vrf r2");
    let many: Vec<String> = (0..8).map(|n| format!("vrf r{n}")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    let menu = blocks(&message(&many), true);
    assert_eq!(menu[1]["elements"][0]["type"], "static_select");
    assert_eq!(menu[1]["elements"][0]["options"][7]["value"], "vrf r7");
    // Nobody needs the same twice, and a menu does not take it.
    many.push("vrf r7");
    let again = blocks(&message(&many), true);
    assert_eq!(again[1]["elements"][0]["options"], menu[1]["elements"][0]["options"]);
    many.pop();
    // What no menu takes stays on buttons.
    let long = "vrf ".repeat(30);
    many.push(&long);
    let buttons = blocks(&message(&many), true);
    assert_eq!(buttons[1]["elements"].as_array().unwrap().len(), 9);
    assert!(length(buttons[1]["elements"][8]["text"]["text"].as_str().unwrap()) <= LABEL);
}

#[test]
fn a_form_that_the_platform_would_cut_is_none() {
    let mut long = message(&[]);
    long.pieces = vec![Piece::Code("x".repeat(12_000))];
    assert_eq!(forms(&long).len(), 2);
    assert!(fits_update(&forms(&long)[0]) && !fits_update(&forms(&long)[1]));
    long.pieces = vec![Piece::Code("x".repeat(39_500))];
    assert_eq!(forms(&long), Vec::<Value>::new());
    assert!(whole(&long).len() > 39_500);
}

proptest! {
    #[test]
    fn every_payload_is_within_the_limits(
        cell in "\\PC{0,300}|<!channel>|<@U1>", rows in 0_usize..260, code in "(\\PC{0,60}\n){0,40}"
    ) {
        let answer = answer(&cell, rows, &code);
        for mut message in messages(&answer) {
            message.late = (rows % 2 == 0).then(|| "2026-11-21 14:03:05 UTC".to_owned());
            for form in forms(&message) {
                let blocks = form["blocks"].as_array().unwrap();
                prop_assert!(blocks.len() <= 50);
                prop_assert!(!form["text"].as_str().unwrap().is_empty());
                let mut tables = 0;
                let mut ids = std::collections::BTreeSet::new();
                for block in blocks {
                    prop_assert!(ids.insert(block["block_id"].as_str().unwrap().to_owned()));
                    if block["type"] == "table" {
                        tables += 1;
                        let rows = block["rows"].as_array().unwrap();
                        prop_assert!(rows.len() <= 100);
                        let mut all = Vec::new();
                        for row in rows {
                            let row = row.as_array().unwrap();
                            prop_assert!((1..=20).contains(&row.len()));
                            for cell in row {
                                let mut found = Vec::new();
                                texts(cell, &mut found);
                                prop_assert!(found.iter().all(|text| !text.is_empty()));
                                all.push(cell["text"].as_str().unwrap_or_default().to_owned());
                            }
                        }
                        prop_assert!(all.iter().map(|text| length(text)).sum::<usize>() <= 10_000);
                    }
                    let mut all = Vec::new();
                    texts(block, &mut all);
                    prop_assert!(all.iter().all(|text| !text.is_empty() && length(text) <= 9000));
                }
                prop_assert!(tables <= 1);
                prop_assert!(blocks.iter().map(shown).sum::<usize>() <= 13_200);
                prop_assert!(length(form["text"].as_str().unwrap()) <= 40_000);
            }
        }
    }

    #[test]
    fn nothing_pings_and_no_fence_breaks(text in "[`<>&@!a-z \n]{0,200}|<!channel> <@U1> ```") {
        let answer = answer(&text, 1, &text);
        for message in messages(&answer) {
            for form in forms(&message) {
                let plain = form["text"].as_str().unwrap();
                prop_assert!(!plain.contains('<') && !plain.contains('>'));
            }
            let plain = plain(&message);
            prop_assert_eq!(plain.matches("```").count() % 2, 0);
            let fenced = fenced(&text);
            let inner = fenced.strip_prefix("```\n").unwrap().strip_suffix("\n```").unwrap();
            prop_assert!(!inner.contains("``"));
            let back = inner.replace('\u{200b}', "").replace("&lt;", "<").replace("&gt;", ">");
            let back = back.replace("&amp;", "&");
            prop_assert_eq!(back.as_str(), text.trim_end());
        }
    }
}
