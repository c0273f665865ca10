//! One line of a terminal: what a device writes becomes clean lines. Pure.
//!
//! Devices draw: they erase their pager's question with backspaces or `ESC [ K`, redraw the command
//! line, colour words, overstrike. Instead of cutting such sequences out by pattern, the line under
//! the cursor is kept as a terminal would show it, and a line that ends is what a person had seen.

/// A longer line is broken here, so that output without newlines stays cheap.
const MAX_LINE: usize = 1 << 20;
/// How far a cursor movement may go; real ones stay within the window.
const MAX_COLUMN: usize = 1024;
/// A string sequence (window title) longer than this was none.
const MAX_STRING: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    /// After `ESC` and an intermediate: one more byte belongs to it.
    Charset,
    Csi,
    /// `ESC ]`, `ESC P` and their like, up to BEL or `ESC \`.
    Text {
        length: usize,
        escape: bool,
    },
}

/// The line under the cursor, and the state of a sequence that has not ended yet.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    cells: Vec<char>,
    cursor: usize,
    /// Something on this line was moved over or erased: blanks at its end are remains.
    redrawn: bool,
    state: State,
    parameters: Vec<u8>,
    /// The bytes of a character that has not ended yet.
    pending: Vec<u8>,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            cursor: 0,
            redrawn: false,
            state: State::Ground,
            parameters: Vec::new(),
            pending: Vec::new(),
        }
    }
}

impl Screen {
    /// Takes what the device wrote; gives each line that ended, without its newline.
    pub(super) fn feed(&mut self, mut bytes: &[u8], lines: &mut impl FnMut(String)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.state == State::Ground && self.pending.is_empty() {
                let run = bytes.iter().take_while(|byte| (0x20..0x7f).contains(*byte)).count();
                if run > 0 {
                    let (text, rest) = bytes.split_at(run);
                    self.write_ascii(text, lines);
                    bytes = rest;
                    continue;
                }
            }
            bytes = rest;
            self.byte(byte, lines);
        }
    }

    /// The line under the cursor, blanks at its end kept.
    pub(super) fn line(&self) -> String {
        self.cells.iter().collect()
    }

    /// Characters of the line under the cursor.
    pub(super) fn width(&self) -> usize {
        self.cells.len()
    }

    /// Empties the line under the cursor: a pager's question that was answered.
    pub(super) fn clear_line(&mut self) {
        self.cells.clear();
        self.cursor = 0;
        self.redrawn = true;
    }

    fn byte(&mut self, byte: u8, lines: &mut impl FnMut(String)) {
        match self.state {
            State::Ground => self.ground(byte, lines),
            State::Escape => self.escape(byte, lines),
            State::Charset => self.state = State::Ground,
            State::Csi => match byte {
                0x40..=0x7e => {
                    self.state = State::Ground;
                    self.csi(byte);
                }
                0x20..=0x3f if self.parameters.len() < 32 => self.parameters.push(byte),
                0x20..=0x3f => {}
                _ => {
                    self.state = State::Ground;
                    self.ground(byte, lines);
                }
            },
            State::Text { length, escape } => match byte {
                0x07 => self.state = State::Ground,
                b'\\' if escape => self.state = State::Ground,
                b'\n' | b'\r' => {
                    self.state = State::Ground;
                    self.ground(byte, lines);
                }
                _ if length >= MAX_STRING => self.state = State::Ground,
                _ => self.state = State::Text { length: length + 1, escape: byte == 0x1b },
            },
        }
    }

    fn ground(&mut self, byte: u8, lines: &mut impl FnMut(String)) {
        if byte >= 0x80 {
            self.pending.push(byte);
            self.decode(lines);
            return;
        }
        if !self.pending.is_empty() {
            self.pending.clear();
            self.write(char::REPLACEMENT_CHARACTER, lines);
        }
        match byte {
            b'\n' => self.end_line(lines),
            b'\r' => self.cursor = 0,
            0x08 => {
                self.cursor = self.cursor.saturating_sub(1);
                self.redrawn = true;
            }
            b'\t' => self.write('\t', lines),
            0x1b => self.state = State::Escape,
            0x20..=0x7e => self.write(char::from(byte), lines),
            _ => {}
        }
    }

    /// Takes a character out of `pending` when it is whole, or gives up on what cannot become one.
    fn decode(&mut self, lines: &mut impl FnMut(String)) {
        match std::str::from_utf8(&self.pending) {
            Ok(text) => {
                let whole = text.chars().next();
                self.pending.clear();
                // The C1 controls (a second spelling of the escape sequences) draw nothing.
                if let Some(c) = whole.filter(|c| !c.is_control()) {
                    self.write(c, lines);
                }
            }
            Err(error) if error.error_len().is_some() => {
                let last = self.pending.pop().filter(|_| !self.pending.is_empty());
                self.pending.clear();
                self.write(char::REPLACEMENT_CHARACTER, lines);
                if let Some(last) = last {
                    self.ground(last, lines);
                }
            }
            Err(_) => {}
        }
    }

    fn escape(&mut self, byte: u8, lines: &mut impl FnMut(String)) {
        self.state = State::Ground;
        match byte {
            b'[' => {
                self.parameters.clear();
                self.state = State::Csi;
            }
            b']' | b'P' | b'X' | b'^' | b'_' => self.state = State::Text { length: 0, escape: false },
            0x20..=0x2f => self.state = State::Charset,
            // Next line and index are a newline by another name.
            b'E' | b'D' => self.end_line(lines),
            0x1b => self.state = State::Escape,
            0x00..=0x1f => self.ground(byte, lines),
            _ => {}
        }
    }

    /// A control sequence (ECMA-48, 8.3): those that move on or change the line; colours do neither.
    fn csi(&mut self, last: u8) {
        let parameters = String::from_utf8_lossy(&self.parameters).into_owned();
        let mut numbers =
            parameters.split(';').map(|number| number.parse::<usize>().ok().filter(|number| *number > 0));
        let first = numbers.next().flatten();
        let count = first.unwrap_or(1).min(MAX_COLUMN);
        match last {
            b'C' => self.move_to(self.cursor.saturating_add(count)),
            b'D' => self.move_to(self.cursor.saturating_sub(count)),
            b'G' | b'`' => self.move_to(count - 1),
            b'H' | b'f' => {
                let column = numbers.next().flatten().unwrap_or(1).min(MAX_COLUMN);
                self.move_to(column - 1);
            }
            b'K' | b'J' => {
                match first {
                    None => self.cells.truncate(self.cursor),
                    Some(1) => self.cells.iter_mut().take(self.cursor + 1).for_each(|cell| *cell = ' '),
                    Some(_) => self.cells.clear(),
                }
                self.redrawn = true;
            }
            b'P' => {
                let end = self.cursor.saturating_add(count).min(self.cells.len());
                if self.cursor < end {
                    self.cells.drain(self.cursor..end);
                }
                self.redrawn = true;
            }
            b'X' => self.cells.iter_mut().skip(self.cursor).take(count).for_each(|cell| *cell = ' '),
            b'@' if self.cursor < self.cells.len() => {
                let blanks = std::iter::repeat_n(' ', count);
                self.cells.splice(self.cursor..self.cursor, blanks);
            }
            _ => {}
        }
    }

    fn move_to(&mut self, column: usize) {
        self.cursor = column.min(self.cells.len().max(MAX_COLUMN));
        self.redrawn = true;
    }

    fn write_ascii(&mut self, text: &[u8], lines: &mut impl FnMut(String)) {
        if self.cursor == self.cells.len() && self.cells.len() + text.len() < MAX_LINE {
            self.cells.extend(text.iter().map(|byte| char::from(*byte)));
            self.cursor = self.cells.len();
        } else {
            for byte in text {
                self.write(char::from(*byte), lines);
            }
        }
    }

    fn write(&mut self, c: char, lines: &mut impl FnMut(String)) {
        if self.cells.len() >= MAX_LINE {
            self.end_line(lines);
        }
        if self.cursor > self.cells.len() {
            self.cells.resize(self.cursor, ' ');
        }
        match self.cells.get_mut(self.cursor) {
            Some(cell) => {
                *cell = c;
                self.redrawn = true;
            }
            None => self.cells.push(c),
        }
        self.cursor += 1;
    }

    fn end_line(&mut self, lines: &mut impl FnMut(String)) {
        let mut line: String = self.cells.drain(..).collect();
        if self.redrawn {
            line.truncate(line.trim_end_matches(' ').len());
        }
        self.cursor = 0;
        self.redrawn = false;
        lines(line);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn show(bytes: &[u8]) -> Vec<String> {
        let mut screen = Screen::default();
        let mut lines = Vec::new();
        screen.feed(bytes, &mut |line| lines.push(line));
        lines.push(screen.line());
        lines
    }

    #[test]
    fn lines_and_line_ends() {
        assert_eq!(show(b"a\r\nb\n\rc\r\r\nd"), ["a", "b", "c", "d"]);
        assert_eq!(show(b"two  \r\nblanks kept"), ["two  ", "blanks kept"]);
    }

    #[test]
    fn colours_titles_and_modes_vanish() {
        assert_eq!(show(b"\x1b[?2004h\x1b]0;title\x07\x1b[1;32mr1\x1b[0m# \x1b(B\x1b="), ["r1# "]);
        assert_eq!(show(b"\x1b]0;never ends\r\nr1#"), ["", "r1#"]);
        assert_eq!(show(b"a\x1bEb"), ["a", "b"]);
    }

    #[test]
    fn pagers_erase_themselves_in_every_way() {
        for erase in [
            &b"\x08\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08\x08"[..],
            b"\r         \r",
            b"\r\x1b[K",
            b"\x1b[42D                        \x1b[42D",
            b"\x1b[2K\x1b[1G",
            b"\x1b[24;1H\x1b[2K\x1b[24;1H",
        ] {
            let mut bytes = b"one\r\n --More-- ".to_vec();
            bytes.extend(erase);
            bytes.extend(b"two\r\n");
            assert_eq!(show(&bytes), ["one", "two", ""], "{erase:?}");
        }
    }

    #[test]
    fn overstrikes_and_edits() {
        assert_eq!(show(b"N\x08NA\x08AM\x08ME\x08E _\x08x"), ["NAME x"]);
        assert_eq!(show(b"shwo\x08\x08ow ver"), ["show ver"]);
        assert_eq!(show(b"abcd\x1b[2D\x1b[1PX"), ["abX"]);
    }

    #[test]
    fn characters_may_come_in_pieces() {
        let mut screen = Screen::default();
        let mut lines = Vec::new();
        for byte in "Zürich → ok\n".bytes() {
            screen.feed(&[byte], &mut |line| lines.push(line));
        }
        assert_eq!(lines, ["Zürich → ok"]);
        assert_eq!(show(b"caf\xe9 \xff\xfe!"), ["caf\u{fffd} \u{fffd}\u{fffd}!"]);
        assert_eq!(show(b"\xe2\x82A"), ["\u{fffd}A"]);
    }

    #[test]
    fn a_line_without_an_end_is_broken() {
        let lines = show(&vec![b'x'; MAX_LINE + 10]);
        assert_eq!(lines.len(), 2);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..300) {
            let cut = cut.min(bytes.len());
            let mut screen = Screen::default();
            let mut lines = Vec::new();
            screen.feed(&bytes[..cut], &mut |line| lines.push(line));
            screen.feed(&bytes[cut..], &mut |line| lines.push(line));
            lines.push(screen.line());
            prop_assert_eq!(&lines, &show(&bytes));
            prop_assert!(!lines.iter().any(|line| line.chars().any(|c| c.is_control() && c != '\t')));
        }

        #[test]
        fn plain_text_is_kept(text in "[ -~é\n\t]{0,200}") {
            prop_assert_eq!(show(text.as_bytes()).join("\n"), text);
        }

        #[test]
        fn escapes_are_survived(parts in proptest::collection::vec("\u{1b}\\[[0-9;?]{0,6}[@-~]|[a-z \r\u{8}]{0,5}", 0..40)) {
            let _ = show(parts.concat().as_bytes());
        }
    }
}
