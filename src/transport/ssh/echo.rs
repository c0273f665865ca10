//! Taking the echo of a command off its output. Pure.
//!
//! The device repeats what was typed, behind its prompt, perhaps wrapped over lines, perhaps
//! scrolled sideways behind a `$`, with abbreviations written out, after a log message that got in
//! between. Some repeat nothing.

use super::prompt::Learned;

/// Lines that may stand before the whole echo; after that there is none.
const MAX_HELD: usize = 4;

/// The start of a command's output, until the echo is found.
#[derive(Debug)]
pub(super) struct Echo {
    command: String,
    /// The command without blanks: wrapping adds and eats them.
    squeezed: String,
    prompt: Learned,
    held: Vec<String>,
    /// The pieces of a wrapped echo so far, without blanks.
    joined: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Found,
    Absent,
}

impl Echo {
    /// Waits for the echo of `command`, typed behind `prompt`.
    pub(super) fn new(command: &str, prompt: &Learned) -> Self {
        Self {
            command: command.trim().to_owned(),
            squeezed: squeeze(command),
            prompt: prompt.clone(),
            held: Vec::new(),
            joined: String::new(),
            state: State::Waiting,
        }
    }

    /// Whether the echo has been seen whole.
    pub(super) fn found(&self) -> bool {
        self.state == State::Found
    }

    /// Takes a line that ended; gives the lines that are output.
    pub(super) fn line(&mut self, line: String, output: &mut impl FnMut(String)) {
        if self.state != State::Waiting {
            output(line);
            return;
        }
        let rest = self.prompt.strip(&line).unwrap_or(&line).trim();
        let squeezed = squeeze(rest);
        if squeezed.is_empty() {
            // The prompt of an extra newline, or a blank line before the echo.
            if !self.held.is_empty() {
                self.hold(line, output);
            }
            return;
        }
        let joined = format!("{}{squeezed}", self.joined);
        if squeezed == self.squeezed
            || joined == self.squeezed
            || scrolled(rest, &self.command)
            || written_out(rest, &self.command)
        {
            self.held.clear();
            self.state = State::Found;
            return;
        }
        if self.squeezed.starts_with(&joined) {
            self.joined = joined;
        } else if self.squeezed.starts_with(&squeezed) {
            self.joined = squeezed;
        }
        self.hold(line, output);
    }

    /// The command has ended: what was held back was output after all.
    pub(super) fn finish(&mut self, output: &mut impl FnMut(String)) {
        self.release(output);
    }

    fn hold(&mut self, line: String, output: &mut impl FnMut(String)) {
        self.held.push(line);
        if self.held.len() >= MAX_HELD {
            self.release(output);
        }
    }

    fn release(&mut self, output: &mut impl FnMut(String)) {
        if self.state == State::Waiting {
            self.state = State::Absent;
        }
        for (index, line) in self.held.drain(..).enumerate() {
            // Without an echo the output begins right behind the prompt.
            let text = if index == 0 {
                self.prompt.strip(&line).map(|rest| rest.trim_start().to_owned())
            } else {
                None
            };
            output(text.unwrap_or(line));
        }
    }
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A long line shown from its end: `$ the end of the command`.
fn scrolled(shown: &str, command: &str) -> bool {
    let Some(rest) = shown.strip_prefix(['$', '<']) else { return false };
    let rest = rest.trim();
    rest.len() >= 8 && command.ends_with(rest)
}

/// Each word written out: `show interfaces terse` for `sh int ter`.
fn written_out(shown: &str, command: &str) -> bool {
    let shown: Vec<&str> = shown.split_whitespace().collect();
    let typed: Vec<&str> = command.split_whitespace().collect();
    shown.len() == typed.len() && shown.iter().zip(&typed).all(|(long, short)| long.starts_with(short))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn output(command: &str, lines: &[&str]) -> (Vec<String>, bool) {
        let mut echo = Echo::new(command, &Learned::new("r1#"));
        let mut out = Vec::new();
        for line in lines {
            echo.line((*line).to_owned(), &mut |line| out.push(line));
        }
        echo.finish(&mut |line| out.push(line));
        (out, echo.found())
    }

    #[test]
    fn echoes_of_all_sorts() {
        for echo in [
            &["r1#show version"][..],
            &["show version"],
            &["r1# show  version "],
            &["", "r1#", "r1#show version"],
            &["r1#show ver", "sion"],
            &["r1#sh", "*Mar 1 00:00:01: %LINK-3-UPDOWN: up", "r1#show version"],
        ] {
            let mut lines = echo.to_vec();
            lines.extend(["Acme OS 1.2", "up 3 days"]);
            assert_eq!(
                output("show version", &lines),
                (vec!["Acme OS 1.2".into(), "up 3 days".into()], true),
                "{echo:?}"
            );
        }
        assert_eq!(output("sh int ter", &["r1#show interfaces terse", "x"]), (vec!["x".into()], true));
        assert_eq!(
            output("show ip bgp vpnv4 vrf CUSTOMER", &["r1#$vpnv4 vrf CUSTOMER", "x"]),
            (vec!["x".into()], true)
        );
    }

    #[test]
    fn no_echo_loses_no_output() {
        assert_eq!(
            output("show clock", &["r1#12:00:00", "a", "b"]),
            (vec!["12:00:00".into(), "a".into(), "b".into()], false)
        );
        let many: Vec<String> = (0..20).map(|n| format!("line {n}")).collect();
        let lines: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(output("show clock", &lines), (many.clone(), false));
    }

    #[test]
    fn output_that_repeats_the_command_stays() {
        let (out, _) = output("show history", &["r1#show history", "  show history", "  show version"]);
        assert_eq!(out, ["  show history", "  show version"]);
    }

    proptest! {
        #[test]
        fn a_wrapped_echo_is_found(command in "[a-z]{1,8}( [a-z0-9./]{1,12}){0,12}", width in 6usize..40) {
            let shown: Vec<char> = format!("r1#{command}").chars().collect();
            let lines: Vec<String> = shown.chunks(width).map(|chunk| chunk.iter().collect()).collect();
            prop_assume!(lines.len() <= MAX_HELD);
            let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            lines.push("OUTPUT");
            prop_assert_eq!(output(&command, &lines), (vec!["OUTPUT".to_owned()], true));
        }

        #[test]
        fn any_lines_are_survived(command in ".{0,20}", lines in proptest::collection::vec(".{0,20}", 0..8)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let _ = output(&command, &lines);
        }
    }
}
