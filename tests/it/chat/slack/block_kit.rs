//! Block Kit as its reference describes it: what a message's blocks may hold, unknown fields refused.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Characters of all texts in the blocks of a message.
const ALL: usize = 13_200;

pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

type Checked = Result<(), (&'static str, String)>;

fn wrong<T>(at: &str, why: impl std::fmt::Display) -> Result<T, (&'static str, String)> {
    Err(("invalid_blocks", format!("{why} [json-pointer:{at}]")))
}

fn object<'a>(
    value: &'a Value,
    at: &str,
    fields: &[&str],
) -> Result<&'a Map<String, Value>, (&'static str, String)> {
    let Some(map) = value.as_object() else { return wrong(at, "not an object") };
    match map.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(key) => wrong(at, format!("no such field: {key}")),
        None => Ok(map),
    }
}

fn text<'a>(
    value: Option<&'a Value>,
    at: &str,
    least: usize,
    most: usize,
) -> Result<&'a str, (&'static str, String)> {
    match value.and_then(Value::as_str) {
        None => wrong(at, "no text"),
        Some(text) if (least..=most).contains(&length(text)) => Ok(text),
        Some(text) => wrong(at, format!("{} characters; {least} to {most}", length(text))),
    }
}

fn list<'a>(
    value: Option<&'a Value>,
    at: &str,
    least: usize,
    most: usize,
) -> Result<&'a Vec<Value>, (&'static str, String)> {
    match value.and_then(Value::as_array) {
        None => wrong(at, "no list"),
        Some(list) if (least..=most).contains(&list.len()) => Ok(list),
        Some(list) => wrong(at, format!("{} items; {least} to {most}", list.len())),
    }
}

fn plain(value: Option<&Value>, at: &str, most: usize) -> Checked {
    let value = value.unwrap_or(&Value::Null);
    let map = object(value, at, &["type", "text", "emoji"])?;
    if map.get("type") != Some(&"plain_text".into()) {
        return wrong(at, "not plain_text");
    }
    text(map.get("text"), at, 1, most).map(drop)
}

fn any_text(value: &Value, at: &str, most: usize) -> Checked {
    match value["type"].as_str() {
        Some("mrkdwn") => {
            let map = object(value, at, &["type", "text", "verbatim"])?;
            text(map.get("text"), at, 1, most).map(drop)
        }
        _ => plain(Some(value), at, most),
    }
}

/// The first thing in the blocks of a message that the platform refuses, and its error code.
pub fn check(blocks: &Value) -> Checked {
    let blocks = list(Some(blocks), "/blocks", 0, 50)?;
    let (mut ids, mut actions) = (BTreeSet::new(), BTreeSet::new());
    let (mut tables, mut cells) = (0, 0);
    for (number, block) in blocks.iter().enumerate() {
        let at = format!("/blocks/{number}");
        if let Some(id) = block.get("block_id") {
            let id = text(Some(id), &at, 1, 255)?;
            if !ids.insert(id) {
                return wrong(&at, format!("block_id stands twice: {id}"));
            }
        }
        match block["type"].as_str().unwrap_or_default() {
            "table" => {
                tables += 1;
                cells += table(block, &at)?;
            }
            "rich_text" => rich(block, &at)?,
            "actions" => {
                let map = object(block, &at, &["type", "block_id", "elements"])?;
                for (number, element) in list(map.get("elements"), &at, 1, 25)?.iter().enumerate() {
                    let at = format!("{at}/elements/{number}");
                    let id = interactive(element, &at)?;
                    if !actions.insert(id.to_owned()) {
                        return wrong(&at, format!("action_id stands twice: {id}"));
                    }
                }
            }
            "context" => {
                let map = object(block, &at, &["type", "block_id", "elements"])?;
                for element in list(map.get("elements"), &at, 1, 10)? {
                    any_text(element, &at, 3000)?;
                }
            }
            "section" => {
                let fields = ["type", "block_id", "text", "fields", "accessory", "expand"];
                let map = object(block, &at, &fields)?;
                if let Some(text) = map.get("text") {
                    any_text(text, &at, 3000)?;
                } else {
                    for field in list(map.get("fields"), &at, 1, 10)? {
                        any_text(field, &at, 2000)?;
                    }
                }
            }
            "header" => {
                let map = object(block, &at, &["type", "block_id", "text", "level"])?;
                plain(map.get("text"), &at, 150)?;
            }
            "divider" => object(block, &at, &["type", "block_id"]).map(drop)?,
            other => return wrong(&at, format!("unsupported type: {other}")),
        }
    }
    if tables > 1 {
        return Err(("invalid_attachments", "only_one_table_allowed".into()));
    }
    if cells > 10_000 {
        return wrong("/blocks", format!("{cells} characters in the cells of tables"));
    }
    let all: usize = blocks.iter().map(shown).sum();
    if all > ALL {
        return Err(("msg_blocks_too_long", format!("{all} characters in all blocks")));
    }
    Ok(())
}

fn shown(value: &Value) -> usize {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match value.as_str() {
                Some(text) if key == "text" => length(text),
                _ => shown(value),
            })
            .sum(),
        Value::Array(items) => items.iter().map(shown).sum(),
        _ => 0,
    }
}

fn interactive<'a>(element: &'a Value, at: &str) -> Result<&'a str, (&'static str, String)> {
    let map = match element["type"].as_str() {
        Some("button") => {
            let fields =
                ["type", "action_id", "text", "value", "url", "style", "confirm", "accessibility_label"];
            let map = object(element, at, &fields)?;
            plain(map.get("text"), at, 75)?;
            if let Some(value) = map.get("value") {
                text(Some(value), at, 1, 2000)?;
            }
            if map.get("style").is_some_and(|style| style != "primary" && style != "danger") {
                return wrong(at, "style");
            }
            map
        }
        Some("static_select") => {
            let fields =
                ["type", "action_id", "placeholder", "options", "initial_option", "confirm", "focus_on_load"];
            let map = object(element, at, &fields)?;
            if let Some(placeholder) = map.get("placeholder") {
                plain(Some(placeholder), at, 150)?;
            }
            for option in list(map.get("options"), at, 1, 100)? {
                let option = object(option, at, &["text", "value", "description"])?;
                plain(option.get("text"), at, 75)?;
                text(option.get("value"), at, 1, 150)?;
            }
            map
        }
        other => return wrong(at, format!("unsupported element: {other:?}")),
    };
    text(map.get("action_id"), at, 1, 255)
}

fn rich(block: &Value, at: &str) -> Checked {
    let map = object(block, at, &["type", "block_id", "elements"])?;
    for (number, part) in list(map.get("elements"), at, 1, 1000)?.iter().enumerate() {
        let at = format!("{at}/elements/{number}");
        let fields: &[&str] = match part["type"].as_str() {
            Some("rich_text_section") => &["type", "elements"],
            Some("rich_text_preformatted") => &["type", "elements", "border", "language"],
            Some("rich_text_quote") => &["type", "elements", "border"],
            other => return wrong(&at, format!("unsupported rich text: {other:?}")),
        };
        let preformatted = part["type"] == "rich_text_preformatted";
        for element in list(object(part, &at, fields)?.get("elements"), &at, 1, 1000)? {
            if element["type"] != "text" {
                return wrong(&at, "only text is looked for here");
            }
            let element = object(element, &at, &["type", "text", "style"])?;
            text(element.get("text"), &at, 1, 4000)?;
            if let Some(style) = element.get("style") {
                if preformatted {
                    return wrong(&at, "no style in a preformatted text");
                }
                let style = object(style, &at, &["bold", "italic", "strike", "code", "underline"])?;
                if style.is_empty() || style.values().any(|value| !value.is_boolean()) {
                    return wrong(&at, "style");
                }
            }
        }
    }
    Ok(())
}

/// The characters of all cells.
fn table(block: &Value, at: &str) -> Result<usize, (&'static str, String)> {
    let map = object(block, at, &["type", "block_id", "rows", "column_settings"])?;
    let mut all = 0;
    for (number, row) in list(map.get("rows"), at, 1, 100)?.iter().enumerate() {
        let at = format!("{at}/rows/{number}");
        for cell in list(Some(row), &at, 1, 20)? {
            match cell["type"].as_str() {
                Some("raw_text") => {
                    let map = object(cell, &at, &["type", "text"])?;
                    text(map.get("text"), &at, 1, 10_000)?;
                }
                Some("raw_number") => {
                    let map = object(cell, &at, &["type", "value", "text"])?;
                    text(map.get("text"), &at, 1, 10_000)?;
                }
                Some("rich_text") => rich(cell, &at)?,
                other => return wrong(&at, format!("unsupported cell: {other:?}")),
            }
            all += shown(cell);
        }
    }
    if let Some(settings) = map.get("column_settings") {
        for setting in list(Some(settings), at, 0, 20)?.iter().filter(|setting| !setting.is_null()) {
            let map = object(setting, at, &["align", "is_wrapped"])?;
            let aligned = map
                .get("align")
                .is_none_or(|align| ["left", "center", "right"].iter().any(|known| align == known));
            if !aligned || map.get("is_wrapped").is_some_and(|wrapped| !wrapped.is_boolean()) {
                return wrong(at, "column_settings");
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;

    fn code(blocks: &serde_json::Value) -> &'static str {
        check(blocks).map_or_else(|(code, _)| code, |()| "ok")
    }

    #[test]
    fn what_the_reference_forbids_is_found() {
        let cell = |text: &str| json!({"type": "raw_text", "text": text});
        let table = |rows: Vec<Vec<serde_json::Value>>| json!({"type": "table", "rows": rows});
        let button = |id: &str, value: &str| {
            json!({"type": "button", "action_id": id, "value": value,
            "text": {"type": "plain_text", "text": "x"}})
        };
        assert_eq!(code(&json!([table(vec![vec![cell("a")]])])), "ok");
        for (blocks, expected) in [
            (json!([table(vec![vec![cell("")]])]), "invalid_blocks"),
            (json!([table(vec![vec![cell("a")]; 101])]), "invalid_blocks"),
            (json!([table(vec![vec![cell("a"); 21]])]), "invalid_blocks"),
            (json!([table(vec![vec![cell(&"a".repeat(5001)); 2]])]), "invalid_blocks"),
            (json!([table(vec![vec![cell("a")]]), table(vec![vec![cell("a")]])]), "invalid_attachments"),
            (json!([{"type": "divider", "colour": 1}]), "invalid_blocks"),
            (
                json!([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]),
                "invalid_blocks",
            ),
            (json!([{"type": "divider", "block_id": "a".repeat(256)}]), "invalid_blocks"),
            (
                json!([{"type": "actions", "elements": [button("a", "1"), button("a", "2")]}]),
                "invalid_blocks",
            ),
            (json!([{"type": "actions", "elements": [button("a", &"x".repeat(2001))]}]), "invalid_blocks"),
            (
                json!([{"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3001)}}]),
                "invalid_blocks",
            ),
            (
                json!(vec![
                    json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3000)}});
                    5
                ]),
                "msg_blocks_too_long",
            ),
            (json!(vec![json!({"type": "divider"}); 51]), "invalid_blocks"),
        ] {
            assert_eq!(code(&blocks), expected, "{blocks}");
        }
    }
}
