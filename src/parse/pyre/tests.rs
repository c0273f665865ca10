//! What Python does and other engines do not; linear time; no panic.

use proptest::prelude::*;

use super::*;

/// What the pattern takes: the whole match, then each group.
fn groups(pattern: &str, text: &str) -> Option<Vec<Option<String>>> {
    let regex = Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    let mut scratch = Scratch::default();
    regex.matches(text, &mut scratch).unwrap().then(|| {
        (0..=regex.pattern().groups())
            .map(|group| scratch.group(group).map(|(start, end)| text[start..end].to_owned()))
            .collect()
    })
}

fn taken(pattern: &str, text: &str) -> Option<String> {
    groups(pattern, text).map(|groups| groups[0].clone().unwrap())
}

fn matches(pattern: &str, text: &str) -> bool {
    taken(pattern, text).is_some()
}

fn refused(pattern: &str) -> PatternError {
    Regex::new(pattern).expect_err(pattern)
}

#[test]
fn anchored_for_every_branch_and_not_at_the_end() {
    assert!(!matches("^a|b", "xb"));
    assert_eq!(taken("^a|b", "bc"), Some("b".into()));
    assert_eq!(taken("a|ab", "ab"), Some("a".into()), "the leftmost alternative, not the longest");
}

#[test]
fn end_of_text() {
    assert_eq!(taken("a$", "a\n"), Some("a".into()));
    assert!(!matches(r"a\Z", "a\n"));
    assert!(!matches("a$", "a\nb"));
    assert!(matches("(?m)a$", "a\nb"));
    assert!(matches("a\n(?m:^)b", "a\nb"));
}

#[test]
fn categories_by_python() {
    assert!(matches(r"\s{4}", "\x1c\x1d\x1e\x1f"));
    assert!(!matches(r"\s", "\u{200b}"));
    assert!(matches(r"\w\d", "é٣"));
    assert!(!matches(r"\w", "\u{301}"), "combining marks are no word characters");
    assert!(!matches(r"(?a)\w", "é"));
    assert!(!matches(r"(?a)\s", "\x1c"));
    assert!(matches(r"a\b-", "a-") && !matches(r"a\b", "ab"));
    assert!(!matches(r"\B", ""), "neither boundary nor none in an empty text, in 3.11");
}

#[test]
fn escapes() {
    assert!(matches(r#"\<\>\/\"\%\-\ "#, "<>/\"%- "));
    assert!(matches(r"\x41\u00e9\101\0\t", "AéA\0\t"));
    for pattern in [r"\z", r"\q", r"\_a\y", r"a\", r"\x4", r"\u12", r"\400", r"\8", r"\N{DASH}"] {
        let error = refused(pattern);
        assert!(!error.message.is_empty() && error.at <= pattern.len(), "{pattern}: {error}");
    }
}

#[test]
fn braces() {
    assert_eq!(taken("a{,2}", "aaa"), Some("aa".into()));
    assert_eq!(taken("a{,}", "aaa"), Some("aaa".into()));
    for (pattern, text) in [("a{", "a{"), ("{}", "{}"), ("a{x}", "a{x}"), ("{1", "{1"), ("a{1,x}", "a{1,x}")]
    {
        assert_eq!(taken(pattern, text), Some(text.into()), "{pattern}");
    }
    for pattern in ["a**", "a{2}{3}", "a*?+", "*a", "^*", r"\b+", "(?:)|*", "{1}", "a{2,1}", "a{5000000000}"]
    {
        refused(pattern);
    }
}

#[test]
fn possessive_and_atomic() {
    assert!(!matches("a*+a", "aaa"));
    assert!(matches("a*+b", "aab"));
    assert!(!matches("(?>a|ab)c", "abc"));
    assert!(!matches("(?:a|ab){2}+", "abab"), "each turn is atomic");
}

#[test]
fn classes_are_plain_sets() {
    for (pattern, text) in [
        ("[[]", "["),
        ("[]]", "]"),
        ("[^]a]", "b"),
        ("[a&&b]", "&"),
        (r"[\b]", "\x08"),
        ("[a-]", "-"),
        (r"[\d-]", "-"),
    ] {
        assert_eq!(taken(pattern, text), Some(text.into()), "{pattern}");
    }
    assert!(matches("[[a]b]", "ab]"), "a set of `[` and `a`, then `b]`");
    assert!(matches("[+--b]", ",") && matches("[+--b]", "b"), "from `+` to `-`, and `b`");
    for pattern in ["[", "[]", "[^]", "[b-a]", "[a--b]", r"[a-\d]", r"[\d-a]", r"[\Z]"] {
        refused(pattern);
    }
}

#[test]
fn flags() {
    assert!(matches("(?i)K", "\u{212a}") && matches("(?i)ſ", "S") && matches("(?i)[r-t]", "ſ"));
    assert!(!matches("(?ia)k", "\u{212a}"));
    assert!(matches("a(?i:b)c", "aBc") && !matches("a(?i:b)c", "aBC"));
    assert!(matches("(?x) a b # all\n c", "abc"));
    assert!(matches("(?s).", "\n") && !matches(".", "\n"));
    for pattern in ["a(?i)", "(?i)a|(?i)b", "(?L)a", "(?au)a", "(?-i)a", "(?i-i:a)", "(?-a:b)", "(?q)", "(?i"]
    {
        refused(pattern);
    }
}

#[test]
fn look_around() {
    assert_eq!(taken(r"(\S+?)(?=\s+up)", "eth0  up"), Some("eth0".into()));
    assert!(matches(r"...(?<=a.c)d", "abcd") && !matches(r"..(?<!ab)c", "abc"));
    assert!(matches(r"a(?<=a)+b", "ab"), "a look-behind may be repeated");
    assert!(matches("éé(?<=éé)b", "ééb"), "its width counts characters");
    assert_eq!(groups("(?=(a))a", "a").unwrap()[1].as_deref(), Some("a"));
    assert_eq!(groups("(?!(a)b)a", "a").unwrap()[1], None, "a negative one leaves no groups");
    for pattern in ["(?<=a*)b", "(?<=a|bc)", "(?<a)", r"(a)(?<=\2)", r"(?<=(a)\1)"] {
        refused(pattern);
    }
}

#[test]
fn groups_and_references() {
    assert_eq!(groups("(a)|(b)", "b").unwrap()[1..], [None, Some("b".into())]);
    assert_eq!(groups("(?:(a)|b)*", "ab").unwrap()[1].as_deref(), Some("a"), "kept from an earlier turn");
    assert_eq!(groups("(a*)*", "b").unwrap()[1].as_deref(), Some(""));
    assert_eq!(
        taken(r"(\s*-*)*x", "--  -- x"),
        Some("--  -- x".into()),
        "a turn that took nothing is the last"
    );
    assert!(matches(r"(?P<n>a|b)(?P=n)\1", "bbb") && !matches(r"(a|b)\1", "ab"));
    assert!(
        matches("(a)?(?(1)b|c)", "ab") && matches("(a)?(?(1)b|c)", "c") && !matches("(a)?(?(1)b|c)$", "b")
    );
    for pattern in [
        "(",
        ")",
        "(?P<1>a)",
        "(?P<a>.)(?P<a>.)",
        "(?P=x)",
        r"(\1)",
        r"\1(a)",
        "(?(2)a)(b)",
        "(?(0)a)",
        "(?(1)a|b|c)(d)",
    ] {
        refused(pattern);
    }
    assert!(Regex::new("(?(1)a)(b)").is_ok(), "a conditional may ask for a later group");
}

#[test]
fn nesting_is_bounded() {
    refused(&"(".repeat(50_000));
    refused(&"(?(1)".repeat(50_000));
    refused(&format!("{}a{}", "(?:".repeat(1_000), ")".repeat(1_000)));
    refused("(?:(?:(?:a{9}){999}b){999}c){999}");
}

/// Patterns that take exponential time in a plain backtracker.
#[test]
fn catastrophic_patterns_take_linear_time() {
    let start = std::time::Instant::now();
    for (pattern, text) in [
        ("(a+)+$", "a".repeat(5_000) + "!"),
        ("(a*)*b", "a".repeat(5_000)),
        ("(?:a|a)*b", "a".repeat(5_000)),
        ("(?:a|aa)+$", "a".repeat(5_000) + "!"),
        (r"(\s*-*)*x", " -".repeat(2_000)),
        ("(.*?,){11}P", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20".repeat(9)),
        (r"^(\S+\s+)*(\S+\s+)*(\S+\s*)*!$", "ab ".repeat(800)),
        ("(?:a?){30}a{30}b", "a".repeat(200)),
        (r"(?:(?=a+)a)*b", "a".repeat(500)),
    ] {
        assert!(!matches(pattern, &text), "{pattern}");
    }
    let limit = if cfg!(debug_assertions) { 20 } else { 2 };
    assert!(start.elapsed().as_secs() < limit, "took {:?}", start.elapsed());
}

#[test]
fn what_cannot_be_remembered_ends_in_an_error() {
    let regex = Regex::new(r"(a*)*\1(a|a)*b").unwrap();
    assert_eq!(regex.matches(&"a".repeat(60), &mut Scratch::default()), Err(Exhausted));
}

/// Both ways of matching agree; the plain one is otherwise reached only by hard cases.
fn both_ways(pattern: &str, text: &str) {
    let Ok(parsed) = parser::parse(pattern) else { return };
    if parsed.node.remembers() {
        return;
    }
    let mut out = Vec::new();
    for plain in [false, true] {
        for lines in [false, true] {
            let mut sets = Sets::default();
            let Ok(program) = compile::compile(&parsed, compile::How { lines, plain }, &mut sets) else {
                return;
            };
            let mut scratch = Scratch::default();
            let matched = if plain {
                matcher::run_plain(&program, &sets, text, &mut scratch)
            } else {
                matcher::run(&program, &sets, text, &mut scratch, true)
            };
            let groups: Vec<_> = (0..=parsed.groups).map(|group| scratch.group(group)).collect();
            out.push(matched.map(|matched| matched.then_some(groups)));
        }
    }
    assert!(out.windows(2).all(|pair| pair[0] == pair[1]), "{pattern:?} on {text:?}: {out:?}");
}

fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "a", "b", "é", "1", " ", ".", r"\d", r"\s", r"\S", r"\w", "[ab]", "[^a]", r"\b", "^", "$", ""
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            (inner.clone(), prop::sample::select(vec!["(", "(?:", "(?=", "(?!", "(?>"]))
                .prop_map(|(body, open)| format!("{open}{body})")),
            (
                inner,
                prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "*+"])
            )
                .prop_map(|(body, repeat)| format!("(?:{body}){repeat}")),
        ]
    })
}

proptest! {
    #[test]
    fn the_fast_and_the_plain_way_agree(pattern in pattern(), text in "[ab1é ]{0,12}") {
        both_ways(&pattern, &text);
    }

    #[test]
    fn no_pattern_panics(pattern in r"[\\()\[\]{}|*+?^$.<>=!:#PiaLx0-9,é -]{0,24}", text in ".{0,12}") {
        if let Ok(regex) = Regex::new(&pattern) {
            let _ = regex.matches(&text, &mut Scratch::default());
        }
    }

    #[test]
    fn no_string_panics(pattern in ".{0,40}", text in ".{0,20}") {
        if let Ok(regex) = Regex::of(&pattern, Kind::Lines) {
            let _ = regex.matches(&text, &mut Scratch::default());
        }
    }

    /// What the dispatch table leaves out must not match.
    #[test]
    fn entry_allows_every_line_that_matches(pattern in pattern(), text in r"[ \t]{0,2}[ab1é]{0,3}") {
        let mut sets = Sets::default();
        let Ok(compiled) = Pattern::compile(&pattern, Kind::Lines, &mut sets) else { return Ok(()) };
        let indent = text.len() - text.trim_start_matches([' ', '\t']).len();
        let entry = compiled.entry();
        let first = if indent == 0 { entry.flush } else { entry.indented };
        let word = Prefix::word(text.as_bytes(), indent);
        let grams = entry.grams.within(Grams::in_text(&text));
        if !first.allows(text.as_bytes().get(indent).copied()) || !entry.prefix.allows(word) || !grams {
            prop_assert_eq!(compiled.matches(&sets, &text, &mut Scratch::default()), Ok(false));
        }
    }
}
