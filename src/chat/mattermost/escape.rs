//! Foreign text in Mattermost's Markdown. Its parser knows fewer escapes than GitHub's (`\<`, `\&` and `\\`
//! before a word stay as they are), so what it does not know is written as an entity or parted by a blank of
//! no width, which both read alike.

/// A blank of no width.
const NONE: char = '\u{200b}';

/// Text in which nothing is markup, nobody is mentioned and no emoji appears.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A word with such a mark on each side is an emoji.
            ':' if chars.peek().is_some_and(|next| !next.is_whitespace()) => out.extend([c, NONE]),
            // Before a letter it means itself.
            '\\' if chars.peek().is_some_and(|next| next.is_alphanumeric()) => out.push(c),
            '\\' | '@' | '$' => out.extend([c, NONE]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text as code: nothing in it is read as anything. What has backquotes is escaped instead.
pub(super) fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let text = text.trim();
    if text.is_empty() || text.contains('`') { escape(text) } else { format!("`{text}`") }
}

/// A cell. What would need a blank of no width stands as code, so that it can be copied; a bar or a
/// backquote does not go together with that.
pub(super) fn cell(text: &str) -> String {
    let awkward = text.contains(['<', '&', '@', '$', '\\']) || text.matches(':').count() > 1;
    let plain = !text.contains(['`', '|', '\n', '\r']) && text.trim() == text;
    if awkward && plain && !text.is_empty() { format!("`{text}`") } else { escape(text) }
}

/// A line of text that is neither a list nor a rule nor a heading of the line before.
pub(super) fn line(text: &str) -> String {
    let text = text.trim();
    let block = text.starts_with(['-', '+', '=']) || text.starts_with(|c: char| c.is_ascii_digit());
    format!("{}{}", if block { "\u{200b}" } else { "" }, escape(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_parsers_read_alike_is_escaped_and_the_rest_parted() {
        assert_eq!(escape("a|b *c*"), "a\\|b \\*c\\*");
        assert_eq!(escape("NOC\\user \\| \\"), "NOC\\user \\\u{200b}\\| \\\u{200b}");
        assert_eq!(escape("<@all> &lt; 10:20"), "&lt;@\u{200b}all&gt; &amp;lt; 10:\u{200b}20");
        assert_eq!(cell("2001:db8:100::1"), "`2001:db8:100::1`");
        assert_eq!(cell("a|b"), "a\\|b");
        assert_eq!(cell("a <b>"), "`a <b>`");
        assert_eq!(code("`"), "\\`");
        assert_eq!(
            crate::answer::markdown::paragraphs("a\n---\n1. b", line),
            "a\n\u{200b}---\n\u{200b}1. b\n"
        );
    }
}
