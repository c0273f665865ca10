//! Whether a text is one JSON document (RFC 8259), and what its top level is. Nothing is kept of it:
//! who wants the data reads them once, and not here.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

/// The names of the top level's members.
pub(super) struct Top(Vec<String>);

/// Reads a document to its end.
///
/// Its top level must be an object: RFC 7951, 4 to 5, has nothing else.
pub(super) fn top(text: &str) -> Result<Top, String> {
    serde_json::from_str(text).map_err(|error| {
        let why = error.to_string();
        if error.is_eof() { format!("it ends in the middle: {why}") } else { why }
    })
}

/// Whether it is an `errors` resource and not data.
pub(super) fn is_errors(top: &Top) -> bool {
    matches!(top.0.as_slice(), [one] if one == "errors" || one == "ietf-restconf:errors")
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Top;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Top, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = access.next_entry::<String, IgnoredAny>()? {
                    // Two of a name would be read differently by every reader (RFC 8259, 4).
                    if names.contains(&name) {
                        return Err(A::Error::custom(format!("`{name}` stands in it twice")));
                    }
                    names.push(name);
                }
                Ok(Top(names))
            }
        }
        deserializer.deserialize_map(Names)
    }
}
