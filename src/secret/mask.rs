//! Secrets in documents that devices give: leaves whose names say that they hold one.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// How the names of such leaves end, in the models of the IETF, of `OpenConfig` and of the vendors.
const NAMES: &str = "password|passwd|passphrase|passcode|secret|secret-key|shared-key|shared-secret|psk|private-key\
                     |auth-key|authentication-key|encryption-key|md5-key|key-string|key-data|key-value|keystring\
                     |community-string|community-name|auth-token|access-token|api-key";

/// `"name": "value"` (RFC 8259), and `<name>value</name>`. A leaf that is called `key` and nothing more is one, too.
static LEAVES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let json = format!(
        r#"(?i)("(?:[\w.-]+:)?(?:(?:[\w.-]*-)?(?:{NAMES})|key)"\s*:\s*)("(?:[^"\\]|\\.)*"|-?[0-9][0-9eE.+-]*)"#
    );
    let xml = format!(
        r"(<(?:[\w.-]+:)?(?:(?:[\w.-]*-)?(?:{NAMES})|key)(?:\s[^<>]*[^<>/]|\s)?>)([^<]*[^<\s][^<]*)(</)"
    );
    Regex::new(&format!("{json}|{xml}")).ok()
});

/// A document in JSON or XML with `***` in the place of secrets; anything else passes unchanged.
pub fn mask_document(text: &str) -> Cow<'_, str> {
    let Some(leaves) = LEAVES.as_ref() else { return Cow::Borrowed("") };
    leaves.replace_all(text, |found: &Captures<'_>| {
        let part = |index| found.get(index).map_or("", |part| part.as_str());
        if found.get(1).is_some() {
            format!("{}\"***\"", part(1))
        } else {
            format!("{}***{}", part(3), part(5))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_that_hold_secrets_are_masked() {
        for (text, wanted) in [
            (
                r#"{"password": "a\"b", "m:secret":"x", "n": 1}"#,
                r#"{"password": "***", "m:secret":"***", "n": 1}"#,
            ),
            (
                r#"{"tacacs": {"key": {"encryption": "7", "key": "x"}}}"#,
                r#"{"tacacs": {"key": {"encryption": "7", "key": "***"}}}"#,
            ),
            (
                r#"{"auth-password": 1234, "snmp-community-string": "public"}"#,
                r#"{"auth-password": "***", "snmp-community-string": "***"}"#,
            ),
            ("<a><password>x&lt;</password><b/></a>", "<a><password>***</password><b/></a>"),
            (
                "<j:encrypted-password xmlns:j=\"u\">$6$x</j:encrypted-password>",
                "<j:encrypted-password xmlns:j=\"u\">***</j:encrypted-password>",
            ),
            ("<key>\n <key-string>x</key-string>\n</key>", "<key>\n <key-string>***</key-string>\n</key>"),
            ("<secret/><password></password>", "<secret/><password></password>"),
        ] {
            assert_eq!(mask_document(text), wanted);
        }
    }

    #[test]
    fn other_leaves_stay() {
        for text in [
            r#"{"name": "password", "password-encryption": true, "key-id": "3", "community": ["65000:1"]}"#,
            "<keys><name>secret</name></keys><password-policy>x</password-policy>",
            "<authentication-key-id>7</authentication-key-id>",
        ] {
            assert_eq!(mask_document(text), text);
        }
    }
}
