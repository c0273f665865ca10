//! JSON documents (RFC 8259) to trees.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{NoDocument, Tree};

/// The documents of a text, one behind the other: some commands print one for each VRF.
///
/// Lines before the first one that begins a document are passed over: warnings of the device.
///
/// # Errors
/// The text has no document, or one is not whole.
pub fn documents(text: &str) -> Result<Vec<Tree>, NoDocument> {
    let begins = |line: &str| line.trim_start().starts_with(['{', '[']);
    let mut start = 0;
    let mut before = 0;
    for line in text.split_inclusive('\n') {
        if begins(line) {
            break;
        }
        start += line.len();
        before += 1;
    }
    let body = text.get(start..).unwrap_or_default();
    if body.trim().is_empty() {
        let message = "this is no JSON".to_owned();
        return Err(NoDocument { message, line: 1 });
    }
    serde_json::Deserializer::from_str(body)
        .into_iter::<Tree>()
        .collect::<Result<Vec<Tree>, _>>()
        .map_err(|error| NoDocument { message: message(&error), line: before + error.line() })
}

/// The parser's message without its place, which stands in `line`.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if error.is_eof() {
        format!("the JSON ends in the middle: {text}")
    } else {
        format!("this is no JSON: {text}")
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn text(text: &str) -> Tree {
        Tree::Text(text.to_owned())
    }

    #[test]
    fn values_keep_their_order_and_digits() {
        let found =
            documents(r#"{"b": 18446744073709551615, "a": [1.5, true, null, "x"], "b": -1}"#).unwrap();
        let wanted = Tree::Map(vec![
            ("b".into(), text("18446744073709551615")),
            ("a".into(), Tree::List(vec![text("1.5"), text("true"), Tree::Null, text("x")])),
            ("b".into(), text("-1")),
        ]);
        assert_eq!(found, [wanted]);
    }

    #[test]
    fn warnings_before_and_several_documents() {
        assert_eq!(documents("% a warning\n\n{}\n{\"a\":1}\n[]\n").unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_document_is_told_with_its_line() {
        for (text, line, message) in [
            ("% Invalid input", 1, "this is no JSON"),
            ("", 1, "this is no JSON"),
            ("warning\n{\"a\": 1,\n \"b\": 0x1}", 3, "this is no JSON: expected `,` or `}`"),
            ("{\"a\": [1, 2", 1, "the JSON ends in the middle: EOF while parsing a list"),
            ("{} trailing", 1, "this is no JSON: expected ident"),
        ] {
            let error = documents(text).unwrap_err();
            assert_eq!((error.line, error.message.as_str()), (line, message), "{text}");
        }
        let deep = "[".repeat(10_000);
        assert!(documents(&deep).unwrap_err().message.contains("recursion limit"));
    }
}
