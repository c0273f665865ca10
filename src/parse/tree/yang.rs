//! Data of YANG models as one tree, however they came: JSON (RFC 7951) or XML (RFC 7950), from the root of the datastore or,
//! as RESTCONF gives them, from the node that was asked for.

use super::{NoDocument, Tree, json, xml};

/// The names of the nodes around a document, the last one its own; empty for a whole datastore.
pub type Below<'b> = &'b [String];

/// The document of a text, with the nodes around it. An `rpc-reply` and its `data` (RFC 6241, 4.2) are taken off, and so is
/// `data` of RFC 8040.
///
/// # Errors
/// The text has no document, or not the one of the node that was asked for.
pub fn document(text: &str, below: Below<'_>) -> Result<Tree, NoDocument> {
    let no_document = |message: String| NoDocument { message, line: 1 };
    let read = if text.trim_start().starts_with('<') {
        unwrapped(xml(text)?)
    } else {
        let mut documents = json(text)?.into_iter();
        let first = documents.next().unwrap_or(Tree::Null);
        if documents.next().is_some() {
            return Err(no_document("there is more than one document".to_owned()));
        }
        unwrapped(first)
    };
    let Tree::Map(entries) = &read else {
        if read.is_empty() {
            return Ok(Tree::Map(Vec::new()));
        }
        return Err(no_document("the document is no object".to_owned()));
    };
    let Some((own, around)) = below.split_last() else { return Ok(read) };
    if let Some((other, _)) = entries.iter().find(|(name, _)| local(name) != own.as_str()) {
        return Err(no_document(format!("the document has `{other}`, and `{own}` was asked for")));
    }
    if entries.is_empty() {
        return Ok(read);
    }
    Ok(around.iter().rev().fold(read, |inner, name| Tree::Map(vec![(name.clone(), inner)])))
}

/// A name without its module's prefix.
pub fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// Without what the protocols put around data.
fn unwrapped(tree: Tree) -> Tree {
    ["rpc-reply", "data"].into_iter().fold(tree, |tree, wrapper| match tree {
        Tree::Map(mut entries) if matches!(entries.as_slice(), [(name, _)] if local(name) == wrapper) => {
            let inner = entries.pop().map_or(Tree::Null, |(_, inner)| inner);
            match inner {
                Tree::Map(mut entries) => {
                    entries.retain(|(name, _)| !name.starts_with('@'));
                    Tree::Map(entries)
                }
                other => other,
            }
        }
        other => other,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn one_tree_however_it_came() {
        let whole = r#"{"m:a": {"b": [{"n": "1"}]}}"#;
        let wanted = r#"Map([("a", Map([("b", Map([("n", Text("1"))]))]))])"#;
        let below = ["a".to_owned(), "b".to_owned()];
        for (text, below) in [
            (
                "<rpc-reply message-id='1'><data><a xmlns='urn:m'><b><n>1</n></b></a></data></rpc-reply>",
                &[][..],
            ),
            ("<m:a xmlns:m='urn:m'><b><n>1</n></b></m:a>", &[][..]),
            ("<b xmlns='urn:m'><n>1</n></b>", &below[..]),
        ] {
            assert_eq!(format!("{:?}", document(text, below).unwrap()), wanted, "{text}");
        }
        assert_eq!(document(whole, &[]).unwrap(), document(whole, &below[..1]).unwrap());
        let part = document(r#"{"m:b": [{"n": "1"}]}"#, &below).unwrap();
        assert_eq!(format!("{part:?}"), r#"Map([("a", Map([("m:b", List([Map([("n", Text("1"))])]))]))])"#);
    }

    #[test]
    fn nothing_is_a_document_without_entries() {
        for text in [
            "{}",
            "<rpc-reply><data/></rpc-reply>",
            "<rpc-reply message-id='1'><data xmlns='x'/></rpc-reply>",
            "<data/>",
        ] {
            assert_eq!(document(text, &["a".to_owned()]), Ok(Tree::Map(Vec::new())), "{text}");
        }
    }

    #[test]
    fn what_was_not_asked_for_is_an_error() {
        for (text, why) in [
            (r#"{"m:c": 1}"#, "has `m:c`, and `b` was asked for"),
            ("[1]", "is no object"),
            ("{} {}", "more than one document"),
            (r#"{"m:b": 01}"#, "this is no JSON"),
            ("<b><c></b>", "this is no XML"),
        ] {
            let error = document(text, &["b".to_owned()]).unwrap_err();
            assert!(error.message.contains(why), "{text}: {}", error.message);
        }
    }
}
