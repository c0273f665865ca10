//! Telling the device's own prompt from lines that look like one. Pure.
//!
//! A platform's patterns say what a prompt may look like: almost any word with `#` behind it. That
//! finds the first prompt; a banner, a configuration or a log has such lines too. So the session
//! learns its prompt once, and from then on only a line with the same name in it ends a command.

use crate::profile::Platform;

/// No prompt is longer; a longer last line is not even looked at.
pub(super) const MAX_PROMPT: usize = 512;

/// The prompt of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Learned {
    text: String,
    stem: String,
}

impl Learned {
    /// Learns from the line that the device showed twice.
    pub(super) fn new(line: &str) -> Self {
        let text = line.trim_end().to_owned();
        let stem = stem(&text).to_owned();
        Self { text, stem }
    }

    /// The mode whose prompt `line` is, if it is this device's prompt in any mode.
    pub(super) fn mode<'p>(&self, platform: &'p Platform, line: &str) -> Option<&'p str> {
        let line = line.trim_end();
        if line.len() > 4 * MAX_PROMPT {
            return None;
        }
        // Without a name in it only the very same line will do.
        let same = line == self.text || (!self.stem.is_empty() && stem(line) == self.stem);
        if same { platform.mode_of(line) } else { None }
    }

    /// The very prompt at the end of a line, with the mode that it is in: the device printed an output whose last line
    /// has no end (`{}r1#`). Gives what stands before it.
    pub(super) fn behind<'p>(&self, platform: &'p Platform, line: &str) -> Option<(String, &'p str)> {
        let before = line.trim_end().strip_suffix(&self.text)?;
        // Without a name in it almost any line ends like a prompt.
        if before.is_empty() || self.stem.is_empty() {
            return None;
        }
        Some((before.to_owned(), platform.mode_of(&self.text)?))
    }

    /// Whether `line` is exactly the prompt as it was learned.
    pub(super) fn is(&self, line: &str) -> bool {
        line.trim_end() == self.text
    }

    /// Keeps the prompt as it looks now: its mode may have changed.
    pub(super) fn saw(&mut self, line: &str) {
        line.trim_end().clone_into(&mut self.text);
    }

    /// Takes the prompt from the front of a line.
    pub(super) fn strip<'l>(&self, line: &'l str) -> Option<&'l str> {
        line.strip_prefix(&self.text)
    }
}

/// The name in a prompt: what stands before the marks of mode and end.
fn stem(prompt: &str) -> &str {
    let prompt = prompt.trim_start_matches(['<', '[', '*', '!', '(', '~', ' ']);
    let end = prompt.find(['>', '#', '$', '%', '(', ']', ' ']).unwrap_or(prompt.len());
    prompt.get(..end).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::profile::{Level, Pattern, Prompt, Samples, SessionKind, ShowGate};

    pub(crate) fn platform() -> Platform {
        let prompt = |mode: &str, pattern: &str| Prompt {
            mode: mode.to_owned(),
            pattern: Pattern::new(pattern).unwrap(),
        };
        Platform {
            name: "acme_os".to_owned(),
            title: "Acme OS".to_owned(),
            aliases: Vec::new(),
            port: 22,
            level: Level::Compat,
            session: SessionKind::Shell,
            prompts: vec![
                prompt("user", r"^[\w.@()/:~-]+>$"),
                prompt("privileged", r"^[\w.@()/:~-]+#$"),
                prompt("bare", r"^[#$]$"),
            ],
            login: None,
            enable: None,
            open: Vec::new(),
            close: None,
            pagers: Vec::new(),
            rejections: Vec::new(),
            secrets: Vec::new(),
            show: ShowGate::default(),
            jsonrpc: None,
            paths: BTreeMap::new(),
            verbs: BTreeMap::new(),
            samples: Samples::default(),
        }
    }

    #[test]
    fn the_same_name_in_any_mode() {
        let platform = platform();
        let learned = Learned::new("r1> ");
        assert_eq!(learned.mode(&platform, "r1>"), Some("user"));
        assert_eq!(learned.mode(&platform, "r1# "), Some("privileged"));
        assert_eq!(learned.mode(&platform, "r1(config-if)#"), Some("privileged"));
        for other in ["r2#", "r10#", "r1# show version", "NOTICE#", "r1", " r1x>", "interface r1#"] {
            assert_eq!(learned.mode(&platform, other), None, "{other}");
        }
    }

    #[test]
    fn a_prompt_behind_an_output_without_an_end() {
        let platform = platform();
        let learned = Learned::new("r1# ");
        assert_eq!(
            learned.behind(&platform, "{\"a\": 1}r1# "),
            Some(("{\"a\": 1}".to_owned(), "privileged"))
        );
        for other in ["r1#", "{}r1>", "{}r2#", "{}", ""] {
            assert_eq!(learned.behind(&platform, other), None, "{other}");
        }
        assert_eq!(Learned::new("#").behind(&platform, "output #"), None);
    }

    #[test]
    fn a_prompt_without_a_name_must_be_the_very_same() {
        let platform = platform();
        let learned = Learned::new("# ");
        assert_eq!(learned.mode(&platform, "#"), Some("bare"));
        assert_eq!(learned.mode(&platform, "$"), None);
        assert_eq!(learned.mode(&platform, "r1#"), None);
    }

    #[test]
    fn names_in_prompts() {
        for (prompt, name) in [
            ("user@r1> ", "user@r1"),
            ("RP/0/RSP0/CPU0:r1#", "RP/0/RSP0/CPU0:r1"),
            ("<core-1>", "core-1"),
            ("[core-1-ui]", "core-1-ui"),
            ("admin@fw(active)>", "admin@fw"),
            ("root@r1:~#", "root@r1:~"),
            ("#", ""),
        ] {
            assert_eq!(stem(prompt), name, "{prompt}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_survived(prompt in ".{0,40}", line in ".{0,40}") {
            let _ = Learned::new(&prompt).mode(&platform(), &line);
        }
    }
}
