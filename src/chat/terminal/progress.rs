//! How far a question has come, in one line that is edited in place.

use std::io::Write;

use unicode_width::UnicodeWidthChar as _;

use crate::bot::Progress;
use crate::text::clean_line;

/// The width of the line where the terminal does not tell.
const WIDTH: usize = 80;

/// A line at the bottom of the terminal.
pub(super) struct Line {
    writer: Option<Box<dyn Write + Send>>,
    drawn: bool,
}

impl Line {
    /// Without a writer nothing is shown.
    pub(super) fn new(writer: Option<Box<dyn Write + Send>>) -> Self {
        Self { writer, drawn: false }
    }

    /// Shows `text` in place of what was there, cut to the width. A terminal that cannot be written to
    /// is not worth an error.
    pub(super) fn show(&mut self, text: &str, width: Option<usize>) {
        let text = cut(&clean_line(text), width.unwrap_or(WIDTH).saturating_sub(1));
        if let Some(writer) = &mut self.writer {
            let _ = write!(writer, "\r\u{1b}[K{text}").and_then(|()| writer.flush());
            self.drawn = true;
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if let (Some(writer), true) = (&mut self.writer, self.drawn) {
            let _ = write!(writer, "\r\u{1b}[K").and_then(|()| writer.flush());
            self.drawn = false;
        }
    }
}

/// `2 of 6 devices, waiting for r4, r5`, with the newest line of a command that streams.
pub(super) fn line(progress: &Progress) -> String {
    let mut out = match progress.total {
        0 => "…".to_owned(),
        total => format!("{} of {}", progress.done, crate::text::count(total, "device")),
    };
    if !progress.waiting.is_empty() {
        let more = progress.total.saturating_sub(progress.done + progress.waiting.len());
        out.push_str(", waiting for ");
        out.push_str(&progress.waiting.join(", "));
        if more > 0 {
            out.extend([" and ", &more.to_string(), " more"]);
        }
    }
    if let Some(newest) = progress.lines.last() {
        out.push_str(": ");
        out.push_str(newest.trim());
    }
    out
}

fn cut(text: &str, width: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|found| {
            used += found.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mut progress = Progress { done: 2, total: 6, ..Progress::default() };
        progress.waiting = vec!["r4".into(), "r5".into()];
        assert_eq!(line(&progress), "2 of 6 devices, waiting for r4, r5 and 2 more");
        progress.lines = vec!["a".into(), " 64 bytes ".into()];
        assert_eq!(line(&progress), "2 of 6 devices, waiting for r4, r5 and 2 more: 64 bytes");
        assert_eq!(line(&Progress::default()), "…");
        assert_eq!(cut("路由器 r1", 5), "路由");
    }
}
