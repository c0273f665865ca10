//! Whatever is typed: no panic, errors with a place and an example, and one canonical form.

use nocbot::command::{Command, Question, canonical, complete, normalise, parse, resolve, understand};
use nocbot::verb::ArgumentType;
use nocbot::yang::{Fields, Path};
use proptest::prelude::*;

use super::{check_error, shape, small, verbs};

/// What must hold for any text at all.
fn holds(text: &str) {
    let verbs = verbs();
    let catalogue = small();
    match parse(text, &verbs) {
        Err(error) => {
            check_error(&error);
            check_error(&understand(text, &catalogue).expect_err("both read the same"));
        }
        Ok(question) => {
            only_plain_text_reaches_a_device(&question);
            let written = canonical(&question);
            let again = parse(&written, &verbs)
                .unwrap_or_else(|error| panic!("{text:?} became {written:?}: {}", error.report()));
            assert_eq!(shape(&again), shape(&question), "{text:?} became {written:?}");
            assert_eq!(canonical(&again), written);
            match question.targets().map(|targets| resolve(targets, &catalogue)) {
                Some(Err(error)) => check_error(&error),
                Some(Ok(devices)) => assert!(!devices.is_empty()),
                None => {}
            }
        }
    }
    for completion in complete(&catalogue, text) {
        assert!(text.is_char_boundary(completion.start) && completion.start <= text.len());
    }
    if let Ok(once) = normalise(text) {
        assert!(once.chars().count() <= nocbot::command::MAX_CHARACTERS);
        assert!(!once.chars().any(|found| found.is_control() && found != '\n'));
    }
}

/// What a device's command line is made of has no character that means more than itself.
fn only_plain_text_reaches_a_device(question: &Question) {
    match &question.command {
        Command::Show { line, .. } => {
            let bad = |c: char| !(c.is_ascii_alphanumeric() || " _.:/,+-=*@#%^~[]$".contains(c));
            assert!(!line.contains(bad), "{line:?}");
            assert!(!line.contains("$(") && !line.contains("${"), "{line:?}");
            assert!(!line.is_empty() && line.trim() == line && !line.contains("  "), "{line:?}");
        }
        Command::Verb { verb, arguments, .. } => {
            for (name, value) in arguments {
                let value = value.to_string();
                match verb.arguments.iter().find(|argument| argument.name == *name).map(|found| found.kind) {
                    // Keys of a path may be anything; none leaves its place.
                    Some(ArgumentType::Path) if value.contains(':') => {
                        let sent = Path::parse(&value).unwrap().to_string();
                        assert!(sent.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/=,:".contains(&b)));
                        continue;
                    }
                    // Whom the bot asks and at which ports: read again and resolved, never sent as it is.
                    Some(ArgumentType::Targets | ArgumentType::Ports) => {
                        assert!(verb.bot.is_some());
                        continue;
                    }
                    Some(ArgumentType::Fields) => {
                        assert!(Fields::parse(&value).is_ok());
                        continue;
                    }
                    _ => {}
                }
                let bad = |c: char| !(c.is_ascii_alphanumeric() || "_.:/+-@".contains(c));
                assert!(!value.is_empty() && !value.contains(bad), "{value:?}");
            }
        }
        Command::Explain(question) => only_plain_text_reaches_a_device(question),
        _ => {}
    }
}

/// Words and signs that mean something somewhere.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "vrf",
        "show",
        "sh",
        "bgp",
        "route",
        "ping",
        "log",
        "int",
        "r1",
        "r2",
        "R10",
        "all",
        "@core",
        "site:ams",
        "core-sw-1",
        "r*",
        "/^r[12]$/",
        ",",
        "&",
        " - ",
        "-",
        "|",
        "||",
        "where",
        "state",
        "=",
        "!=",
        "~",
        "<",
        "in",
        "and",
        "or",
        "not",
        "(",
        ")",
        "sort",
        "-uptime",
        "select",
        "top",
        "5",
        "uniq",
        "group",
        "by",
        "count",
        "json",
        "include",
        "up|down",
        "exclude",
        "section",
        "begin",
        "\"",
        "'",
        "\\",
        "\"a b\"",
        "'a \"b'",
        "vrf=RED",
        "v6",
        "count 3",
        "10.0.0.1",
        "10.0.0.0/8",
        "2001:db8::1",
        "on",
        "version",
        "ip route",
        "explain",
        "help",
        "devices",
        "cancel",
        "again",
        "!!",
        ";",
        "`",
        "$(",
        ">",
        "\n",
        "\0",
        "\u{1b}",
        "😀",
        "<http://r1|r1>",
        "<@U1>",
        "&amp;",
        "“",
        "”",
        "\u{a0}",
        "–",
        "*",
        "[",
        "]",
        "{",
        ":",
        "/",
        "@",
        "--vrf",
        "is",
        "é",
    ]);
    prop_oneof![8 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,4}".prop_map(|text| text)]
}

/// A value as people would write it: bare where that is possible, else quoted.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_./:-]{1,8}",
        "\"[a-z |,()']{0,8}\"",
        "'[a-z |,()\"\\\\]{0,8}'",
        prop::sample::select(vec![
            "10.0.0.0/8",
            "2001:db8::1",
            "(a|b)",
            "65000:10",
            "=x",
            "a=b",
            "and",
            "1d02h"
        ])
        .prop_map(str::to_owned),
    ]
}

fn targets() -> impl Strategy<Value = String> {
    let term = prop_oneof![
        "[a-z][a-z0-9-]{0,5}[a-z0-9]",
        "[rR][0-9*?]{1,2}",
        "@[a-z]{1,5}",
        "(site|role|group):([a-z0-9]{1,5}|\"[a-z ,]{1,3}x\")",
        "/\\^?[a-z0-9.|]{1,5}\\$?/",
        "\"[a-zA-Z0-9 ,&-]{0,5}x\"",
        Just("all".to_owned()),
        Just("10.255.0.1".to_owned()),
        Just("2001:db8::1".to_owned()),
    ];
    let join = prop::sample::select(vec![",", ", ", " , ", "&", " & ", " - ", " -"]);
    (term.clone(), prop::collection::vec((join, term), 0..4))
        .prop_map(|(first, more)| {
            more.into_iter().fold(first, |text, (join, term)| format!("{text}{join}{term}"))
        })
        // `a -"b"` and the like are clear, but a name that ends in a dash before a sign is not.
        .prop_filter("no option", |text| !text.contains("--"))
}

fn condition() -> impl Strategy<Value = String> {
    let column = prop::sample::select(vec!["neighbor", "AS", "state", "up", "prefixes", "device"]);
    let sign = prop::sample::select(vec!["=", "==", "!=", "<>", "<", "<=", ">", ">="]);
    let compare =
        (column.clone(), sign, value()).prop_map(|(column, sign, value)| format!("{column} {sign} {value}"));
    let list = (column.clone(), prop::collection::vec(value(), 1..4))
        .prop_map(|(column, values)| format!("{column} in {}", values.join(",")))
        .prop_filter("no list in parentheses", |text| !text.contains("in ("));
    let matches = (column, "[a-z|]{1,6}").prop_map(|(column, re)| format!("{column} ~ \"{re}\""));
    prop_oneof![compare, list, matches].prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            inner.clone().prop_map(|a| format!("not {a}")),
            inner.prop_map(|a| format!("({a})")),
        ]
    })
}

fn stage() -> impl Strategy<Value = String> {
    prop_oneof![
        "(include|exclude|begin|section|match|inc) [a-z0-9.| ]{0,4}[a-z0-9.]"
            .prop_filter("no other stage", |text| { !text.contains("| ") && !text.contains(" |") }),
        condition().prop_map(|condition| format!("where {condition}")),
        prop::sample::select(vec![
            "select neighbor,as,state,uptime,prefixes",
            "sort -as,state",
            "top 3 prefixes",
            "uniq as",
            "sec a"
        ])
        .prop_map(str::to_owned),
    ]
}

/// A question that is right by construction.
fn question() -> impl Strategy<Value = String> {
    let words = "[a-z][a-z0-9./-]{0,6}( [a-z0-9][a-z0-9./:-]{0,6}){0,3}";
    let command = prop_oneof![
        targets().prop_map(|targets| format!("bgp {targets} vrf=RED")),
        targets().prop_map(|targets| format!("bgp {targets}")),
        (targets(), words).prop_map(|(targets, words)| format!("show {words} on {targets}")),
        (targets(), "[a-z ]{0,5}[a-z]").prop_map(|(targets, words)| format!("show {targets} \"{words}\"")),
    ];
    (command, prop::collection::vec(stage(), 0..3)).prop_map(|(command, stages)| {
        stages.into_iter().fold(command, |text, stage| format!("{text} | {stage}"))
    })
}

fn joined(pieces: &[(String, bool)]) -> String {
    pieces.iter().flat_map(|(piece, blank)| [piece.as_str(), if *blank { " " } else { "" }]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        holds(&text);
    }

    #[test]
    fn any_question(text in question()) {
        prop_assert!(parse(&text, &verbs()).is_ok(), "{text}: {}", parse(&text, &verbs()).unwrap_err().report());
        holds(&text);
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec((piece(), any::<bool>()), 0..14)) {
        let text = joined(&pieces);
        holds(&text);
    }

    #[test]
    fn any_pieces_behind_a_verb(
        start in prop::sample::select(vec!["vrf r1 ", "show r1 ", "bgp all | where ", "bgp all | include ", "ping r1 ", "show ", "bgp all | ", "vrf "]),
        pieces in prop::collection::vec((piece(), any::<bool>()), 0..10),
    ) {
        let text = joined(&pieces);
        holds(&format!("{start}{text}"));
    }

    #[test]
    fn any_regex(text in "\\PC{0,30}") {
        holds(&format!("bgp all | include {text}"));
        holds(&format!("bgp all | where state ~ {text}"));
        holds(&format!("vrf /{text}/"));
    }

    #[test]
    fn examples_with_a_mistake(index in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), with in piece()) {
        let verbs = verbs();
        let examples: Vec<&String> = verbs.values().flat_map(|verb| &verb.examples).collect();
        let mut characters: Vec<char> = index.get(&examples).chars().collect();
        let at = at.index(characters.len());
        characters.splice(at..=at, with.chars());
        holds(&characters.into_iter().collect::<String>());
    }
}

#[test]
fn long_and_odd_texts() {
    for text in [
        "x".repeat(10_000),
        "😀".repeat(10_000),
        "vrf ".repeat(500),
        "\0".repeat(5_000),
        format!("vrf {}", "(".repeat(1_900)),
        format!("bgp r1 | where {}", "not ".repeat(450)),
        format!("bgp r1 | include {}", "(".repeat(1_900)),
        format!("bgp r1 | include {}", "(a{100}){100}"),
        format!("vrf {}", "r1,".repeat(600)),
        "<@".repeat(1_000),
        "&#x110000;&#0;&#xD800;".into(),
        "[a](http://b".into(),
        "<http://>".into(),
        "<http://|>".into(),
        "<@>".into(),
        "\u{202e}vrf r1".into(),
    ] {
        holds(&text);
    }
}
