//! Lines as the reference sees them: universal newlines, then Python's `str.splitlines`.

/// The lines of a text, without their ends. Beside `\n`, `\r\n` and `\r`, also `\v`, `\f`, U+001C to U+001E,
/// U+0085, U+2028 and U+2029 end a line. A text that ends with an end has no empty line behind it.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let unusual =
        text.as_bytes().chunks(1 << 12).any(|chunk| chunk.iter().fold(false, |all, &b| all | odd(b)));
    Lines { rest: text, unusual }
}

/// Bytes that may end a line, or begin a character that does, and that most texts never have.
fn odd(byte: u8) -> bool {
    matches!(byte, 0x0b | 0x0c | 0x1c..=0x1e | 0xc2 | 0xe2)
}

struct Lines<'t> {
    rest: &'t str,
    unusual: bool,
}

impl Lines<'_> {
    /// Where the first line ends, and where the next begins.
    fn end(&self) -> (usize, usize) {
        let len = self.rest.len();
        if self.unusual {
            let ends = |c| {
                matches!(
                    c,
                    '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
                )
            };
            return match self.rest.char_indices().find(|&(_, c)| ends(c)) {
                Some((at, '\r')) if self.rest.as_bytes().get(at + 1) == Some(&b'\n') => (at, at + 2),
                Some((at, c)) => (at, at + c.len_utf8()),
                None => (len, len),
            };
        }
        match memchr::memchr2(b'\n', b'\r', self.rest.as_bytes()) {
            Some(at) if self.rest.as_bytes().get(at..at + 2) == Some(b"\r\n") => (at, at + 2),
            Some(at) => (at, at + 1),
            None => (len, len),
        }
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let (end, next) = self.end();
        let line = self.rest.get(..end)?;
        self.rest = self.rest.get(next..)?;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        lines(text).collect()
    }

    #[test]
    fn every_line_end_of_python() {
        assert_eq!(split("a\nb\r\nc\rd"), ["a", "b", "c", "d"]);
        assert_eq!(split("a\x0bb\x0cc\x1cd\x1de\x1ef\u{85}g\u{2028}h\u{2029}i").len(), 9);
        assert_eq!(split("a\x1fb\u{200b}c"), ["a\x1fb\u{200b}c"]);
        assert_eq!(split("\n\na\n"), ["", "", "a"]);
        assert_eq!(split("a\r\r\nb"), ["a", "", "b"]);
        assert!(split("").is_empty());
    }
}
