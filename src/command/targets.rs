//! Target expressions: `r1,r2`, `@core & site:ams - r9`, `/^edge-/`, `all`.

use std::net::IpAddr;
use std::sync::Arc;

use super::cursor::{Cursor, is_quote};
use super::fault::{About, Fault};
use super::pattern;
use super::{Join, Selector, Targets, Term};

/// The most terms in one expression.
const MAX_TERMS: usize = 64;

/// Reads as much of a target expression as there is; leaves the cursor behind its last term.
///
/// `question` is the whole text, kept for the errors of the resolver.
pub(super) fn read(cursor: &mut Cursor<'_>, question: &Arc<str>) -> Result<Targets, Fault> {
    cursor.skip_blanks();
    let start = cursor.position();
    if cursor.at_stop() {
        return Err(Fault::new(cursor.column(), "no devices are named").about(About::NoTargets));
    }
    if cursor.peek() == Some('-') {
        return Err(Fault::new(cursor.column(), "there is nothing to take away from")
            .hint("say first what it is taken from: `all - r1`"));
    }
    let mut terms = Vec::new();
    let mut join = Join::Union;
    loop {
        cursor.skip_blanks();
        let column = cursor.column();
        if terms.len() == MAX_TERMS {
            return Err(Fault::limit(column, format!("there are more than {MAX_TERMS} terms of devices"))
                .hint("a group (`@core`) or a pattern (`edge-*`) says the same in fewer words"));
        }
        terms.push(Term { join, selector: term(cursor, join)?, column });
        let end = cursor.position();
        let Some(next) = joined(cursor)? else {
            cursor.back_to(end);
            let text = cursor.since(start);
            return Ok(Targets { text, question: Arc::clone(question), column: start + 1, terms });
        };
        join = next;
    }
}

/// Reads a text that is nothing but a target expression.
pub(super) fn whole(text: &str) -> Result<Targets, String> {
    let characters: Vec<char> = text.chars().collect();
    let mut cursor = Cursor::new(&characters);
    let targets = read(&mut cursor, &text.into()).map_err(|fault| fault.message)?;
    cursor.skip_blanks();
    if cursor.at_end() { Ok(targets) } else { Err(format!("`{text}` is no target expression")) }
}

/// Takes the sign that joins the next term, if one follows.
fn joined(cursor: &mut Cursor<'_>) -> Result<Option<Join>, Fault> {
    cursor.skip_blanks();
    Ok(match cursor.peek() {
        Some(',') => {
            cursor.take();
            Some(Join::Union)
        }
        Some('&') if cursor.ahead(1) == Some('&') => {
            return Err(one_command(cursor.column(), "&&"));
        }
        Some('&') => {
            cursor.take();
            Some(Join::Intersection)
        }
        // `--vrf` is an option in the manner of other bots.
        Some('-') if cursor.ahead(1) != Some('-') => {
            cursor.take();
            Some(Join::Minus)
        }
        _ => None,
    })
}

fn term(cursor: &mut Cursor<'_>, join: Join) -> Result<Selector, Fault> {
    let column = cursor.column();
    match cursor.peek() {
        None | Some('|') => {
            let sign = match join {
                Join::Union => ",",
                Join::Intersection => "&",
                Join::Minus => "-",
            };
            Err(Fault::new(column, format!("a device is missing behind `{sign}`"))
                .hint(format!("name one more, or leave the `{sign}` away")))
        }
        Some('/') => regex(cursor),
        Some(found) if is_quote(found) => {
            let name = cursor.quoted()?;
            if name.trim().is_empty() {
                return Err(Fault::new(column, "the name between the quotes is empty")
                    .hint("write the name of a device between them, or leave them away"));
            }
            Ok(Selector::Name(name))
        }
        Some('@') => {
            cursor.take();
            let name = if cursor.peek().is_some_and(is_quote) { cursor.quoted()? } else { atom(cursor)? };
            if name.is_empty() {
                return Err(Fault::new(column, "`@` is not followed by the name of a group")
                    .hint("`devices` lists the devices with their groups"));
            }
            Ok(Selector::Group(name))
        }
        Some(_) => {
            let text = atom(cursor)?;
            classify(cursor, text, column)
        }
    }
}

/// Reads the characters of a name; a character that belongs nowhere is a fault.
fn atom(cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    let text = cursor.take_while(|found| {
        found.is_alphanumeric()
            || matches!(found, '.' | '_' | '-' | ':' | '/' | '*' | '?' | '[' | ']' | '+' | '!')
    });
    let column = cursor.column();
    match cursor.peek() {
        None | Some(' ' | '|' | ',' | '&') => Ok(text),
        Some('=') => Err(Fault::new(column, format!("`{text}=` does not choose devices"))
            .hint(format!("a key is written with a colon: `{text}:…`"))),
        Some(found) if is_quote(found) && text.ends_with(':') => Ok(text),
        Some('(' | ')') => Err(Fault::new(column, "parentheses do not work between devices")
            .hint("terms are joined from left to right: `r1,r2 & @core - r9`")),
        Some('$') if matches!(cursor.ahead(1), Some('(' | '{')) => Err(one_command(column, "$(")),
        Some(found) if ENDS_COMMAND.contains(&found) => Err(one_command(column, &found.to_string())),
        Some(found) => Err(Fault::new(column, format!("`{found}` cannot stand in the name of a device"))
            .hint("put an unusual name between quotes: `\"my router\"`")),
    }
}

/// What would end one command and begin another in some shell or on some device.
pub(super) const ENDS_COMMAND: [char; 5] = [';', '`', '>', '<', '\n'];

/// The fault of `vrf r1; reload` and its relatives.
pub(super) fn one_command(column: usize, sign: &str) -> Fault {
    let sign = if sign == "\n" { "a line end".to_owned() } else { format!("`{sign}`") };
    Fault::new(column, format!("only one command is accepted, and {sign} cannot stand in it"))
        .hint("ask one question per message; rows are filtered behind a bar: `| include up`")
}

/// What a bare word is.
fn classify(cursor: &mut Cursor<'_>, text: String, column: usize) -> Result<Selector, Fault> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Selector::All);
    }
    if text.parse::<IpAddr>().is_ok() {
        return Ok(Selector::Name(text));
    }
    let pair = text.split_once(':').filter(|(key, _)| is_key(key) && !is_address(&text));
    if let Some((key, value)) = pair {
        let quoted = value.is_empty() && cursor.peek().is_some_and(is_quote);
        let value = if quoted { cursor.quoted()? } else { value.to_owned() };
        if value.trim().is_empty() {
            return Err(Fault::new(column, format!("`{key}:` is not followed by a value"))
                .hint(format!("write it right behind the colon: `{key}:value`")));
        }
        return Ok(Selector::Key(key.to_owned(), value));
    }
    if text.contains(['*', '?', '[']) {
        return Ok(Selector::Glob(text));
    }
    if text.is_empty() {
        return Err(Fault::new(column, "a device is missing here").about(About::NoTargets));
    }
    Ok(Selector::Name(text))
}

/// Whether a word can be the key of a `key:value`.
pub(super) fn is_key(key: &str) -> bool {
    key.starts_with(char::is_alphabetic)
        && key.chars().all(|found| found.is_alphanumeric() || matches!(found, '_' | '-' | '.'))
}

/// An IPv6 address or prefix, which has colons but no key.
fn is_address(text: &str) -> bool {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    address.parse::<IpAddr>().is_ok()
}

fn regex(cursor: &mut Cursor<'_>) -> Result<Selector, Fault> {
    let column = cursor.column();
    cursor.take();
    let mut pattern = String::new();
    while let Some(found) = cursor.take() {
        match found {
            '/' => return Ok(Selector::Regex(pattern::compile_name(&pattern, column + 1)?)),
            '\\' if cursor.peek() == Some('/') => {
                cursor.take();
                pattern.push('/');
            }
            '\\' => {
                pattern.push(found);
                pattern.extend(cursor.take());
            }
            _ => pattern.push(found),
        }
    }
    Err(Fault::new(column, "the regular expression is never closed")
        .hint("it ends with a second slash: `/^r[12]$/`"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn terms(text: &str) -> Result<Vec<String>, usize> {
        let chars: Vec<char> = text.chars().collect();
        let question: Arc<str> = text.into();
        let mut cursor = Cursor::new(&chars);
        let targets = read(&mut cursor, &question).map_err(|fault| fault.column)?;
        let mut out: Vec<String> = targets
            .terms
            .iter()
            .map(|term| {
                let sign = match term.join {
                    Join::Union => '+',
                    Join::Intersection => '&',
                    Join::Minus => '-',
                };
                format!("{sign}{:?}", term.selector)
            })
            .collect();
        out.push(cursor.between(cursor.position(), chars.len()));
        Ok(out)
    }

    #[test]
    fn expressions() {
        for (text, expected) in [
            ("r1", vec!["+Name(\"r1\")", ""]),
            ("r1 vrf RED", vec!["+Name(\"r1\")", " vrf RED"]),
            ("core-sw-1,R2", vec!["+Name(\"core-sw-1\")", "+Name(\"R2\")", ""]),
            (
                "r1 , r2 & @core - r9",
                vec!["+Name(\"r1\")", "+Name(\"r2\")", "&Group(\"core\")", "-Name(\"r9\")", ""],
            ),
            ("all -r3 x", vec!["+All", "-Name(\"r3\")", " x"]),
            ("ALL --vrf RED", vec!["+All", " --vrf RED"]),
            ("@core-r1", vec!["+Group(\"core-r1\")", ""]),
            ("site:ams&role:\"a b\"", vec!["+Key(\"site\", \"ams\")", "&Key(\"role\", \"a b\")", ""]),
            ("2001:db8::1", vec!["+Name(\"2001:db8::1\")", ""]),
            ("fe80::/10", vec!["+Name(\"fe80::/10\")", ""]),
            ("r* edge-? r[1-3]", vec!["+Glob(\"r*\")", " edge-? r[1-3]"]),
            ("/^(r1|r2) x\\/y$/ | count", vec!["+Regex(Regex(\"^(r1|r2) x/y$\"))", " | count"]),
            ("'my router' x", vec!["+Name(\"my router\")", " x"]),
            ("r1|count", vec!["+Name(\"r1\")", "|count"]),
        ] {
            assert_eq!(terms(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn faults_have_their_column() {
        for (text, column) in [
            ("", 1),
            ("- r1", 1),
            ("r1,", 4),
            ("r1, | count", 5),
            ("r1; reload", 3),
            ("r1 && reload", 4),
            ("r1`id`", 3),
            ("r1$(id)", 3),
            ("r1>x", 3),
            ("site=ams", 5),
            ("(r1)", 1),
            ("site:", 1),
            ("@", 1),
            ("/r1", 1),
            ("/r(/", 3),
            ("r1\nr2", 3),
            ("r1,😀", 4),
        ] {
            assert_eq!(terms(text).unwrap_err(), column, "{text}");
        }
    }
}
