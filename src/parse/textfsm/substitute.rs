//! `$NAME` and `${NAME}` in a rule, and the way back from the resulting pattern to the rule's columns.

/// A pattern with the values put in.
#[derive(Debug, Default)]
pub(super) struct Substituted {
    pub(super) pattern: String,
    chars: usize,
    /// Where each piece begins: in the pattern, in the rule, and whether it was put in.
    pieces: Vec<(usize, usize, bool)>,
}

impl Substituted {
    fn add(&mut self, text: &str, at: usize, put_in: bool) {
        self.pieces.push((self.chars, at, put_in));
        self.pattern.push_str(text);
        self.chars += text.chars().count();
    }

    /// The offset in the rule, in characters, of an offset in the pattern.
    pub(super) fn origin(&self, at: usize) -> usize {
        match self.pieces.iter().rev().find(|(start, ..)| *start <= at) {
            Some(&(_, origin, true)) => origin,
            Some(&(start, origin, false)) => origin + (at - start),
            None => at,
        }
    }
}

/// Puts values in: `$$` is a dollar sign, a `$` before anything but a name is an error with its offset.
/// In a template without values (`value` none) every `$` stands for itself.
pub(super) fn substitute<'v>(
    rule: &str,
    value: Option<impl Fn(&str) -> Option<&'v str>>,
) -> Result<Substituted, (usize, String)> {
    let mut out = Substituted::default();
    let Some(value) = value else {
        out.add(rule, 0, false);
        return Ok(out);
    };
    let mut offset = 0;
    let mut parts = rule.split('$');
    let lead = parts.next().unwrap_or("");
    out.add(lead, 0, false);
    offset += lead.chars().count();
    let mut escaped = false;
    while let Some(part) = parts.next() {
        let dollar = offset;
        offset += 1 + part.chars().count();
        if std::mem::take(&mut escaped) {
            out.add(part, dollar + 1, false);
            continue;
        }
        let after = match part.strip_prefix('{') {
            Some(braced) => {
                let end = name_end(braced);
                braced.get(end..).and_then(|rest| rest.strip_prefix('}')).map(|rest| (&braced[..end], rest))
            }
            None => Some(part.split_at(name_end(part))),
        };
        match after {
            Some((name, rest)) if !name.is_empty() => {
                let text = value(name).ok_or_else(|| (dollar, format!("there is no value `{name}`")))?;
                out.add(text, dollar, true);
                out.add(rest, offset - rest.chars().count(), false);
            }
            _ if part.is_empty() && parts.clone().next().is_some() => {
                out.add("$", dollar, false);
                escaped = true;
            }
            _ => return Err((dollar, "a `$` that names no value; the end of a line is `$$`".to_owned())),
        }
    }
    Ok(out)
}

/// Length of the name that `text` begins with.
fn name_end(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn put(rule: &str) -> Result<String, (usize, String)> {
        let value = |name: &str| (name == "X").then_some("(?P<X>.)");
        substitute(rule, Some(value)).map(|done| done.pattern)
    }

    #[test]
    fn dollars() {
        assert_eq!(put("^${X}a$X-$$").unwrap(), "^(?P<X>.)a(?P<X>.)-$");
        assert_eq!(put("$$$$").unwrap(), "$$");
        assert_eq!(put("$${X}").unwrap(), "${X}");
        assert_eq!(put("$$$X").unwrap(), "$(?P<X>.)");
        assert_eq!(put("a$").unwrap_err().0, 1);
        assert_eq!(put("a$ b").unwrap_err().0, 1);
        assert_eq!(put("ab${X").unwrap_err().0, 2);
        assert_eq!(put("ab$XY").unwrap_err().0, 2);
        assert_eq!(put("$$$").unwrap_err().0, 2);
        let none: Option<fn(&str) -> Option<&'static str>> = None;
        assert_eq!(substitute("a$", none).unwrap().pattern, "a$");
    }

    #[test]
    fn columns_lead_back() {
        let value = |name: &str| (name == "X").then_some("(?P<X>.)");
        let done = substitute("^${X}ab$$", Some(value)).unwrap();
        assert_eq!(done.origin(0), 0);
        assert_eq!(done.origin(4), 1);
        assert_eq!(done.origin(10), 6);
    }
}
