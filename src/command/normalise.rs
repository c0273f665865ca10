//! The one normaliser: what chat programs and phones do to a line of text is undone here, before
//! anything is read.
//!
//! Quotes become straight, blanks plain, dashes `-`, full-width characters their ASCII twins;
//! auto-links and mentions become what was typed; entities are decoded once; invisible characters go.
//! Columns of all later errors count the characters of the text that comes out.

use super::fault::{Fault, place};
use crate::error::Result;

/// The longest message that is read, in characters after normalising.
pub const MAX_CHARACTERS: usize = 2_000;

/// The longest message that is looked at; markup may make up the difference.
const MAX_RAW: usize = 8_000;

/// What people call the bot in front of a question.
const NAMES: [&str; 4] = ["@nocbot", "/nocbot", "!nocbot", "nocbot"];

/// What a link begins with.
const SCHEMES: [&str; 5] = ["http://", "https://", "ssh://", "mailto:", "tel:"];

/// The text as it was meant.
///
/// The result is trimmed and has at most [`MAX_CHARACTERS`] characters; line ends within it are kept
/// as `\n` (the parser refuses them with their column).
///
/// # Errors
/// [`crate::error::Kind::Limit`] for a text that is too long, [`crate::error::Kind::Question`] for
/// control characters that nobody types, such as escape.
pub fn normalise(text: &str) -> Result<String> {
    if text.chars().nth(MAX_RAW).is_some() {
        return Err(too_long(text, text.chars().count()));
    }
    let mut out = String::with_capacity(text.len());
    let mut refused = None;
    let unmarked = entities(&markup(text));
    let mut rest = unmarked.chars().peekable();
    while let Some(found) = rest.next() {
        match fold(found) {
            Fold::Keep(kept) => out.push(kept),
            Fold::Drop => {}
            Fold::Return if rest.peek() == Some(&'\n') => {}
            Fold::Return => out.push('\n'),
            // An em dash before a letter is what phones make of `--option`.
            Fold::Long => {
                let option = rest.peek().is_some_and(char::is_ascii_alphabetic) && out.ends_with([' ', '\n']);
                out.push_str(if option { "--" } else { "-" });
            }
            Fold::Refuse => {
                refused = refused.or(Some(found));
                out.push('\u{fffd}');
            }
        }
    }
    let out = without_name(without_fence(out.trim()));
    let count = out.chars().count();
    if count > MAX_CHARACTERS {
        return Err(too_long(out, count));
    }
    if let Some(character) = refused {
        let column = out.chars().position(|found| found == '\u{fffd}').map_or(1, |index| index + 1);
        return Err(Fault::new(
            column,
            format!("the message has the control character U+{:04X} in it", u32::from(character)),
        )
        .hint("type the question by hand, or paste it as plain text")
        .into_error(out));
    }
    Ok(out.to_owned())
}

fn too_long(text: &str, count: usize) -> crate::error::Error {
    let start: String = text.chars().filter(|found| !found.is_control()).take(60).collect();
    let column = start.chars().count() + 1;
    crate::error::Error::new(
        crate::error::Kind::Limit,
        format!("the message has {count} characters; {MAX_CHARACTERS} is the most that is read"),
    )
    .at(place(&format!("{start}…"), column))
    .hint("ask one question in one line")
}

/// What becomes of one character.
enum Fold {
    Keep(char),
    Drop,
    /// A carriage return: a line end unless a line feed follows.
    Return,
    /// An em dash or horizontal bar.
    Long,
    Refuse,
}

fn fold(found: char) -> Fold {
    match found {
        '\r' => Fold::Return,
        '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => Fold::Keep('\n'),
        '\0'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => Fold::Drop,
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => Fold::Keep('"'),
        '‘' | '’' | '‚' | '‛' | '‹' | '›' | '′' | '´' => Fold::Keep('\''),
        '\u{2010}'..='\u{2013}' | '\u{2212}' | '\u{fe63}' => Fold::Keep('-'),
        '\u{2014}' | '\u{2015}' => Fold::Long,
        '、' => Fold::Keep(','),
        '\u{ff01}'..='\u{ff5e}' => Fold::Keep(char::from_u32(u32::from(found) - 0xfee0).unwrap_or(found)),
        _ if found.is_whitespace() => Fold::Keep(' '),
        _ if found.is_control() => Fold::Refuse,
        _ => Fold::Keep(found),
    }
}

/// Undoes `<http://r1|r1>`, `<@U123>` and `[r1](http://r1)`. A `<` that begins no markup is a
/// comparison and stays.
fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.find(['<', '[']) {
        let (before, here) = rest.split_at(index);
        out.push_str(before);
        let undone = angle(here, out.trim().is_empty()).or_else(|| markdown_link(here));
        if let Some((word, length)) = undone {
            out.push_str(&word);
            rest = here.get(length..).unwrap_or_default();
        } else {
            let length = here.chars().next().map_or(1, char::len_utf8);
            let (mark, after) = here.split_at(length);
            out.push_str(mark);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// What `<…>` at the start of `here` stands for, and its length in bytes.
fn angle(here: &str, leading: bool) -> Option<(String, usize)> {
    let inner = here.strip_prefix('<')?;
    let end = inner.find(['>', '<', '\n'])?;
    let (inner, tail) = inner.split_at(end);
    let after = tail.strip_prefix('>')?;
    let length = here.len() - after.len();
    let (head, label) = inner.split_once('|').map_or((inner, None), |(head, label)| (head, Some(label)));
    if let Some(id) = head.strip_prefix(['@', '#', '!']) {
        if id.is_empty() || head.contains(char::is_whitespace) {
            return None;
        }
        let mark = if head.starts_with('#') { '#' } else { '@' };
        let word = match label {
            _ if leading => String::new(),
            Some(label) => format!("{mark}{}", label.trim_start_matches(['@', '#'])),
            // A mention at the end is a way of calling the bot, too.
            None if after.trim().is_empty() => String::new(),
            None => format!("{mark}{id}"),
        };
        return Some((word, length));
    }
    if !is_link(head) || head.contains(char::is_whitespace) {
        return None;
    }
    Some((without_scheme(label.unwrap_or(head)).to_owned(), length))
}

/// What `[label](http://…)` at the start of `here` stands for, and its length in bytes.
fn markdown_link(here: &str) -> Option<(String, usize)> {
    let inner = here.strip_prefix('[')?;
    let (label, tail) = inner.split_once("](")?;
    let (link, after) = tail.split_once(')')?;
    let plain = !label.contains(['[', '\n']) && !link.contains(char::is_whitespace);
    (plain && is_link(link)).then(|| (without_scheme(label).to_owned(), here.len() - after.len()))
}

fn is_link(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| starts_with(text, scheme))
}

fn without_scheme(text: &str) -> &str {
    let scheme = SCHEMES.iter().find(|scheme| starts_with(text, scheme));
    let length = scheme.map_or(0, |scheme| scheme.len());
    let bare = text.get(length..).unwrap_or(text);
    if length == 0 { bare } else { bare.trim_end_matches('/') }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Decodes HTML entities, once.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.find('&') {
        let (before, here) = rest.split_at(index);
        out.push_str(before);
        let decoded = here
            .split_once(';')
            .filter(|(name, _)| name.len() <= 10)
            .and_then(|(name, after)| entity(name.trim_start_matches('&')).map(|found| (found, after)));
        if let Some((found, after)) = decoded {
            out.push(found);
            rest = after;
        } else {
            out.push('&');
            rest = here.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// Takes away the backquotes around a message that was sent as code.
fn without_fence(text: &str) -> &str {
    for fence in ["```", "`"] {
        let inner = text.strip_prefix(fence).and_then(|inner| inner.strip_suffix(fence));
        if let Some(inner) = inner.filter(|inner| !inner.contains('`')) {
            return inner.trim();
        }
    }
    text
}

/// Takes away the bot's name and the prefix `!` in front of a question.
fn without_name(text: &str) -> &str {
    let mut text = text;
    if let Some(name) = NAMES.iter().find(|name| starts_with(text, name)) {
        let rest = text.get(name.len()..).unwrap_or_default();
        if rest.is_empty() || rest.starts_with([' ', ',', ':', '\n']) {
            text = rest.trim_start_matches([',', ':']).trim();
        }
    }
    match text.strip_prefix('!') {
        Some(rest) if !rest.starts_with('!') => rest.trim_start(),
        _ => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn chat_programs_are_undone() {
        for (typed, meant) in [
            ("  vrf\u{a0}r1 ", "vrf r1"),
            ("vrf\tr1", "vrf r1"),
            ("v\u{200b}rf r1\u{feff}", "vrf r1"),
            ("vr\0f r1", "vrf r1"),
            ("vrf <http://r1|r1>", "vrf r1"),
            ("vrf <http://r1.example.net>", "vrf r1.example.net"),
            ("vrf <https://r1.example.net/|r1.example.net>", "vrf r1.example.net"),
            ("vrf <HTTP://r1/>", "vrf r1"),
            ("vrf [r1](http://r1)", "vrf r1"),
            ("<@U123> vrf r1", "vrf r1"),
            ("<@U123|nocbot> vrf r1", "vrf r1"),
            ("vrf r1 <@U123>", "vrf r1"),
            ("vrf <!subteam^S1|@core>", "vrf @core"),
            ("nocbot, vrf r1", "vrf r1"),
            ("NOCBOT: vrf r1", "vrf r1"),
            ("@nocbot vrf r1", "vrf r1"),
            ("nocbot vrf r1", "vrf r1"),
            ("nocbot1 vrf", "nocbot1 vrf"),
            ("/nocbot vrf r1", "vrf r1"),
            ("!vrf r1", "vrf r1"),
            ("@nocbot: !vrf r1", "vrf r1"),
            ("!!", "!!"),
            ("`vrf r1`", "vrf r1"),
            ("```\nvrf r1\n```", "vrf r1"),
            ("ｖｒｆ　ｒ１", "vrf r1"),
            ("vrf core‑sw–1", "vrf core-sw-1"),
            ("vrf all — r1", "vrf all - r1"),
            ("bgp r1 —vrf RED", "bgp r1 --vrf RED"),
            ("include “a b”", "include \"a b\""),
            ("include ‘a b’", "include 'a b'"),
            ("where mtu &lt; 1500 &amp;&amp; x &gt; 5", "where mtu < 1500 && x > 5"),
            ("where mtu < 1500 and mtu > 5", "where mtu < 1500 and mtu > 5"),
            ("&amp;lt;", "&lt;"),
            ("&#39;a&#x27;", "'a'"),
            ("a & b; c", "a & b; c"),
            ("vrf r1\r\nreload", "vrf r1\nreload"),
        ] {
            assert_eq!(normalise(typed).unwrap(), meant, "{typed:?}");
        }
    }

    #[test]
    fn an_escape_is_refused_with_its_column() {
        let error = normalise("vrf \u{1b}[31mr1").unwrap_err();
        assert_eq!(error.kind(), Kind::Question);
        assert!(error.message().contains("U+001B"), "{error}");
        assert_eq!(error.place().unwrap().column, 5);
    }

    #[test]
    fn a_long_text_is_refused() {
        assert!(normalise(&"é".repeat(MAX_CHARACTERS)).is_ok());
        for count in [MAX_CHARACTERS + 1, 10_000, 1_000_000] {
            let error = normalise(&"é".repeat(count)).unwrap_err();
            assert_eq!(error.kind(), Kind::Limit);
            assert!(error.message().contains("2000"), "{error}");
            let place = error.place().unwrap();
            assert!(place.column <= place.excerpt.chars().count() + 1);
        }
    }
}
