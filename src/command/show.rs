//! The verbs that take a whole command line: `show r1 ip route`, `show ip route on r1`, `show version @core`.

use std::sync::Arc;

use super::Targets;
use super::cursor::{Cursor, is_quote};
use super::fault::{About, Fault};
use super::targets::{self, ENDS_COMMAND, one_command};

/// A word of the line, where it starts, and whether it stood between quotes.
struct Word {
    text: String,
    start: usize,
    quoted: bool,
}

/// Reads targets and command line, whichever comes first; quotes are taken away and blanks folded.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    verb: &str,
    question: &Arc<str>,
) -> Result<(Targets, String), Fault> {
    cursor.skip_blanks();
    let start = cursor.position();
    if cursor.at_stop() {
        return Err(Fault::new(cursor.column(), format!("`{verb}` needs devices and a command"))
            .about(About::NoTargets));
    }
    if let Some(read) = targets_last(cursor, verb, question)? {
        return Ok(read);
    }
    cursor.back_to(start);
    let targets = targets::read(cursor, question)?;
    let words = words(cursor)?;
    if line(&words).is_empty() {
        return Err(Fault::new(
            cursor.column(),
            format!("`{verb} {}` needs both devices and a command", targets.text),
        )
        .hint(format!("if `{0}` is the command, say where: `{verb} {0} on all`", targets.text))
        .hint(format!("if `{0}` is a device, say what: `{verb} {0} version`", targets.text)));
    }
    Ok((targets, line(&words)))
}

/// `show words… on targets` and `show words… @group`; `None` leaves the cursor anywhere.
fn targets_last(
    cursor: &mut Cursor<'_>,
    verb: &str,
    question: &Arc<str>,
) -> Result<Option<(Targets, String)>, Fault> {
    let Ok(words) = words_ahead(cursor) else { return Ok(None) };
    let stop = cursor.position();
    let on = words
        .iter()
        .rposition(|word| !word.quoted && word.text.eq_ignore_ascii_case("on"))
        .filter(|at| *at > 0);
    if let Some(at) = on {
        let (before, after) = words.split_at(at);
        let Some(first) = after.get(1) else {
            return Err(Fault::new(stop + 1, "no devices are named behind `on`").about(About::NoTargets));
        };
        check(cursor, before)?;
        cursor.back_to(first.start);
        let targets = targets::read(cursor, question)?;
        return finish(cursor, verb, targets, before).map(Some);
    }
    // A group behind the words, unless it belongs to the expression that begins the line.
    let group = words.iter().position(|word| !word.quoted && word.text.starts_with('@')).filter(|at| *at > 0);
    if let Some((at, first)) = group.and_then(|at| Some((at, words.get(at)?))) {
        let (before, _) = words.split_at(at);
        let operator = before.last().is_some_and(|word| word.text.ends_with([',', '&']) || word.text == "-");
        cursor.back_to(first.start);
        if let (false, Ok(targets)) = (operator, targets::read(cursor, question)) {
            cursor.skip_blanks();
            if cursor.at_stop() {
                check(cursor, before)?;
                return finish(cursor, verb, targets, before).map(Some);
            }
        }
    }
    Ok(None)
}

fn finish(
    cursor: &mut Cursor<'_>,
    verb: &str,
    targets: Targets,
    words: &[Word],
) -> Result<(Targets, String), Fault> {
    cursor.skip_blanks();
    if !cursor.at_stop() {
        return Err(Fault::new(
            cursor.column(),
            format!("`{verb} … on {}` goes on behind the devices", targets.text),
        )
        .hint(format!("the command comes first: `{verb} {} on {}`", line(words), targets.text)));
    }
    if line(words).is_empty() {
        let fault = Fault::new(cursor.column(), format!("`{verb} … on {}` has no command", targets.text));
        return Err(fault.hint(format!("say what: `{verb} version on {}`", targets.text)));
    }
    Ok((targets, line(words)))
}

fn line(words: &[Word]) -> String {
    let words: Vec<&str> = words.iter().flat_map(|word| word.text.split_whitespace()).collect();
    words.join(" ")
}

fn words(cursor: &mut Cursor<'_>) -> Result<Vec<Word>, Fault> {
    let words = words_ahead(cursor)?;
    check(cursor, &words)?;
    Ok(words)
}

/// The words up to the next bar, not yet checked.
fn words_ahead(cursor: &mut Cursor<'_>) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    loop {
        cursor.skip_blanks();
        if cursor.at_stop() {
            return Ok(words);
        }
        let start = cursor.position();
        let quoted = cursor.peek().is_some_and(is_quote);
        let text = if quoted {
            cursor.quoted()?
        } else {
            cursor.take_while(|found| !matches!(found, ' ' | '|') && !is_quote(found))
        };
        words.push(Word { text, start, quoted });
    }
}

/// Refuses every character that could mean more than itself to a device or to a shell behind one.
fn check(cursor: &Cursor<'_>, words: &[Word]) -> Result<(), Fault> {
    for word in words {
        let mut rest = word.text.chars().enumerate().peekable();
        while let Some((index, found)) = rest.next() {
            let column = (word.start + index + 1 + usize::from(word.quoted)).min(cursor.end() + 1);
            let next = rest.peek().map(|(_, next)| *next);
            match found {
                '|' => {
                    return Err(one_command(column, "|").hint(
                        "a bar is evaluated by nocbot, never by a device: write it outside the quotes",
                    ));
                }
                '$' if matches!(next, Some('(' | '{')) => return Err(one_command(column, "$(")),
                '&' => return Err(one_command(column, "&")),
                _ if ENDS_COMMAND.contains(&found) => return Err(one_command(column, &found.to_string())),
                '$' if next.is_none_or(|next| next == ' ') => {}
                ' ' | '_' | '.' | ':' | '/' | ',' | '+' | '-' | '=' | '*' | '@' | '#' | '%' | '^' | '~'
                | '[' | ']' => {}
                _ if found.is_ascii_alphanumeric() => {}
                _ => {
                    return Err(Fault::new(
                        column,
                        format!("`{found}` cannot stand in a command for devices"),
                    )
                    .hint("letters, digits and _ . : / , + - = * @ # % ^ ~ [ ] can"));
                }
            }
        }
    }
    Ok(())
}

/// Whether [`read`] gives the line back when it stands behind its targets without quotes.
pub(super) fn is_plain(line: &str) -> bool {
    !line.split(' ').any(|word| word.eq_ignore_ascii_case("on") || word.starts_with(['@', '-', ',', '&']))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<(String, String), usize> {
        let chars: Vec<char> = text.chars().collect();
        let question: Arc<str> = text.into();
        let mut cursor = Cursor::new(&chars);
        read(&mut cursor, "show", &question)
            .map(|(targets, line)| (targets.text, line))
            .map_err(|fault| fault.column)
    }

    #[test]
    fn both_orders() {
        for (text, targets, line) in [
            ("r1 version", "r1", "version"),
            ("r1, r2 ip  int br", "r1, r2", "ip int br"),
            ("all - r3 version", "all - r3", "version"),
            ("@core & site:ams ip route", "@core & site:ams", "ip route"),
            ("ip route on r3", "r3", "ip route"),
            ("ip route ON r3, @edge | count", "r3, @edge", "ip route"),
            ("version @core", "@core", "version"),
            ("ip route @core - r1", "@core - r1", "ip route"),
            ("r1,@core version", "r1,@core", "version"),
            ("r1, @core version", "r1, @core", "version"),
            ("r1 \"ip route\"", "r1", "ip route"),
            ("\"ip route\" on r1", "r1", "ip route"),
            ("r1 \"logging on x\"", "r1", "logging on x"),
            ("r1 ip bgp regexp _65000$", "r1", "ip bgp regexp _65000$"),
            ("/a|b/ version", "/a|b/", "version"),
        ] {
            assert_eq!(shown(text).unwrap(), (targets.to_owned(), line.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, column) in [
            ("", 1),
            ("r1", 3),
            ("version", 8),
            ("r1 version; reload", 11),
            ("r1 version > x", 12),
            ("r1 version `id`", 12),
            ("r1 version $(id)", 12),
            ("r1 \"version | redirect ftp://x\"", 13),
            ("r1 version\nreload", 11),
            ("r1 version & reload", 12),
            ("r1 ping \\x", 9),
            ("r1 x(y)", 5),
            ("r1 é", 4),
            ("version on", 11),
            ("version; reload on r1", 8),
            ("version on r1 x", 15),
            ("version on r1,", 15),
        ] {
            assert_eq!(shown(text).unwrap_err(), column, "{text}");
        }
    }
}
