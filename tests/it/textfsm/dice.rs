//! Random patterns, texts and templates, the same in every run unless `NOCBOT_SEED` says otherwise.

use std::fmt::Write as _;

/// A small generator (splitmix64): tests want repeatable, not unpredictable.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts from `NOCBOT_SEED`, or from 1.
    pub fn new() -> Self {
        Self(std::env::var("NOCBOT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1))
    }

    /// Starts from `NOCBOT_SEED`, or from another number in each run; gives it, so that a failure can be repeated.
    pub fn fresh() -> (Self, u64) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = std::env::var("NOCBOT_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(now.subsec_nanos()) + now.as_secs());
        (Self(seed), seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    /// One of them.
    pub fn one<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// Up to `most` of them, joined.
    pub fn some(&mut self, most: usize, choices: &[&str]) -> String {
        (0..self.below(most + 1)).map(|_| self.one(choices)).collect()
    }

    /// A text of the characters that the patterns are made of.
    pub fn text(&mut self) -> String {
        let most = [3, 8, 14][self.below(3)];
        self.some(
            most,
            &[
                "a", "a", "b", "b", "A", "1", " ", " ", "_", "-", ".", "é", "\n", "ſ", "K", "s", "\u{301}",
                "\u{a0}", "٣", "\x1c",
            ],
        )
    }

    /// A pattern, in most cases a valid one.
    pub fn pattern(&mut self) -> String {
        let flags = match self.below(8) {
            0 => self.one(&["(?i)", "(?s)", "(?m)", "(?x)", "(?a)", "(?im)", "(?ai)", "(?u)"]),
            _ => "",
        };
        let mut groups = 0;
        let body = self.alternatives(3, &mut groups);
        format!("{flags}{body}")
    }

    /// Characters that mean something, in no order.
    pub fn noise(&mut self) -> String {
        self.some(
            10,
            &[
                "(", ")", "(?", "(?:", "(?=", "(?<=", "(?<!", "(?P<n>", "(?P=n)", "(?(1)", "(?>", "(?i",
                "(?-", "(?#", "|", "[", "]", "[^", "-", "{", "}", "{1", "{1,", ",", "{2,1}", "{,}", "*", "+",
                "?", "^", "$", ".", "\\", "\\1", "\\0", "\\12", "\\101", "\\x4", "\\u00e9", "\\Z", "\\z",
                "\\q", "\\b", "\\<", "a", "1", " ", "#", ":", ")", ")", "]", "a", "b",
            ],
        )
    }

    /// A template, in most cases a valid one, that takes letters, digits and blanks apart.
    pub fn template(&mut self) -> String {
        let mut out = String::new();
        let names = ["ONE", "TEN", "SIX", "LOT"];
        let count = 1 + self.below(names.len());
        for name in &names[..count] {
            let mut options: Vec<&str> = ["Filldown", "Fillup", "Key", "List", "Required"]
                .into_iter()
                .filter(|_| self.below(5) == 0)
                .collect();
            if self.below(2) == 0 {
                options.reverse();
            }
            let list = options.join(",") + if options.is_empty() { "" } else { " " };
            let regex = self.one(&[
                "(\\S+)",
                "(\\d*)",
                "([a-c]+?)",
                "(a|b|)",
                "(.*?)",
                "((?P<x>\\w)(?P<y>\\d)?)",
                "((a)|(1))",
                "(\\w+)",
            ]);
            let _ = writeln!(out, "Value {list}{name} {regex}");
        }
        let states = ["Start", "Up", "Down", self.one(&["EOF", "End", "Other", "Up"])];
        let states = &states[..=self.below(states.len())];
        for state in states {
            let _ = write!(out, "{}\n{state}\n", self.one(&["", "", "\n", "\n# states"]));
            for _ in 0..if matches!(*state, "EOF" | "End") { 0 } else { 1 + self.below(4) } {
                let value = names[self.below(count)];
                let other = names[self.below(count)];
                let pair = value != other || self.below(20) == 0;
                let put = if pair {
                    self.one(&["${V} ${W}", "(${V})?\\s*$W", "(?:${V}|$W)", "${V}|${W}"])
                } else {
                    self.one(&["${V}", "(?:${V})?", "$V", ""])
                };
                let put = put.replace('V', value).replace('W', other);
                let regex = self
                    .one(&[
                        "^P",
                        "^\\s*P",
                        "^P$$",
                        "^a P",
                        "^\\d+ P",
                        "^(?:a|1).*P",
                        "^\\s*$$",
                        "^.",
                        "^b|a",
                        "^P",
                    ])
                    .replace('P', &put);
                let rare = if self.below(8) == 0 { "Error" } else { "" };
                let line = self.one(&["", "Next", "Continue", "Next", "Continue", rare]);
                let record = self.one(&["", "Record", "NoRecord", "Clear", "Clearall", "Record", "Record"]);
                let dot = if line.is_empty() || record.is_empty() { "" } else { "." };
                let target = match (line, self.below(3)) {
                    ("Continue", 0) if self.below(9) > 0 => String::new(),
                    (_, 1..) => String::new(),
                    _ if self.below(20) == 0 => " Missing".to_owned(),
                    _ if self.below(3) == 0 => self.one(&[" EOF", " End"]).to_owned(),
                    _ => format!(" {}", self.one(states)),
                };
                let arrow = if self.below(6) == 0 { "" } else { " ->" };
                let action =
                    if arrow.is_empty() { String::new() } else { format!(" {line}{dot}{record}{target}") };
                let _ = writeln!(out, "{}{regex}{arrow}{}", self.one(&[" ", "  ", "\t"]), action.trim_end());
            }
        }
        out
    }

    /// Lines for [`Self::template`].
    pub fn lines(&mut self) -> String {
        (0..self.below(9))
            .map(|_| {
                self.some(5, &["a", "b", "1", "2", " ", "c3", "\t", "é"])
                    + self.one(&["\n", "\r\n", "\n", "\x0b", ""])
            })
            .collect()
    }

    fn alternatives(&mut self, depth: usize, groups: &mut usize) -> String {
        let count = [1, 1, 1, 2, 3][self.below(5)];
        let branches: Vec<String> = (0..count).map(|_| self.sequence(depth, groups)).collect();
        branches.join("|")
    }

    fn sequence(&mut self, depth: usize, groups: &mut usize) -> String {
        let count = [0, 1, 1, 2, 2, 3, 4][self.below(7)];
        (0..count)
            .map(|_| {
                let before = *groups;
                let atom = self.atom(depth, groups);
                atom + self.quantifier(*groups > before)
            })
            .collect()
    }

    /// CPython 3.11 leaves wrong groups behind when the last turn of a possessive repeat fails (in places it
    /// says so itself: "please report a bug"), so groups are not repeated possessively.
    fn quantifier(&mut self, captures: bool) -> &'static str {
        if self.below(2) == 0 {
            return "";
        }
        let possessive = ["*+", "++", "?+", "{2,3}+"];
        if !captures && self.below(5) == 0 {
            return self.one(&possessive);
        }
        self.one(&[
            "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,2}", "{1,}", "{0}", "{0,3}?", "{1,}?", "{2,}",
        ])
    }

    fn atom(&mut self, depth: usize, groups: &mut usize) -> String {
        let choice = self.below(if depth == 0 { 12 } else { 24 });
        match choice {
            0..=4 => self
                .one(&["a", "b", "A", "1", " ", "_", "-", "é", "s", "k", "\\.", "\\<", "ab", "{", "a{"])
                .to_owned(),
            5..=7 => self.one(&["\\d", "\\w", "\\s", "\\S", "\\D", "\\W", ".", "."]).to_owned(),
            8 => self.one(&["\\b", "\\B", "\\A", "\\Z", "^", "$", "$", "(?#c)"]).to_owned(),
            9 | 10 => self.class(),
            11 if *groups > 0 => format!("\\{}", 1 + self.below(*groups)),
            11 => "b".to_owned(),
            12..=15 => {
                *groups += 1;
                format!("({})", self.alternatives(depth - 1, groups))
            }
            16 => {
                *groups += 1;
                format!("(?P<n{groups}>{})", self.alternatives(depth - 1, groups))
            }
            17 | 18 => format!("(?:{})", self.alternatives(depth - 1, groups)),
            19 => format!("(?>{})", self.alternatives(depth - 1, groups)),
            20 => format!("({}{})", self.one(&["?=", "?!"]), self.alternatives(depth - 1, groups)),
            21 => {
                let body = self.some(3, &["a", "b", ".", "\\d", "\\S", "[ab]", "(?:a|b)", "é", "\\b"]);
                format!("({}{body})", self.one(&["?<=", "?<!"]))
            }
            22 if *groups > 0 => {
                let group = 1 + self.below(*groups);
                format!(
                    "(?({group}){}|{})",
                    self.sequence(depth - 1, groups),
                    self.sequence(depth - 1, groups)
                )
            }
            _ => format!(
                "(?{}:{})",
                self.one(&["i", "s", "m", "x", "a", "i-s", "-i", "ia"]),
                self.alternatives(depth - 1, groups)
            ),
        }
    }

    fn class(&mut self) -> String {
        let negated = self.one(&["", "", "^"]);
        let body = self.some(
            3,
            &[
                "a", "b", "a-b", "0-9", "\\d", "\\s", "\\S", "\\w", "-", "é", "A-Z", "[", "&&", "\\b", " ",
                "s", "k", "é-ſ",
            ],
        );
        format!("[{negated}{}{body}]", self.one(&["a", "]", "1", "\\W"]))
    }
}
