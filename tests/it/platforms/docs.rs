//! `docs/verbs.md` and the tables of `docs/platforms.md` are made of the data files.
//!
//! `NOCBOT_UPDATE=1 cargo nextest run platforms::docs` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nocbot::catalogue::Catalogue;
use nocbot::parse::Reader;
use nocbot::profile::{Ask, Platform, SessionKind, Source};
use nocbot::secret::Environment;
use nocbot::verb::Verb;

fn catalogue() -> Catalogue {
    let loaded = Catalogue::load(&super::config_of_the_tree(), &Environment::empty());
    loaded.unwrap_or_else(|errors| panic!("{}", super::reports(&errors))).catalogue
}

/// A bar would end the cell, in code as well.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |\n", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

fn head(cells: &[&str]) -> String {
    line(cells.iter().map(|&cell| cell.to_owned())) + "|" + &"---|".repeat(cells.len()) + "\n"
}

/// Whether the first source that is asked prints a document.
fn is_structured(catalogue: &Catalogue, sources: &[Source]) -> bool {
    let first = sources.first().and_then(|source| catalogue.parser(&source.parser));
    matches!(first.map(|parser| parser.reader()), Some(Ok(Reader::Paths(_))))
}

/// Which verb works where.
fn matrix(catalogue: &Catalogue) -> String {
    let verbs: Vec<&str> = catalogue
        .verbs
        .values()
        .filter(|verb| !verb.only_by_bot())
        .map(|verb| verb.name.as_str())
        .filter(|verb| *verb != "show")
        .collect();
    let mut out = head(&[&["platform"], verbs.as_slice()].concat());
    for platform in catalogue.platforms.values() {
        let cell = |verb: &&str| match platform.verbs.get(*verb) {
            None => String::new(),
            Some(sources) if is_structured(catalogue, sources) => "**●**".to_owned(),
            Some(_) => "●".to_owned(),
        };
        out += &line(std::iter::once(code(&platform.name)).chain(verbs.iter().map(cell)));
    }
    out
}

fn columns(verb: &Verb) -> String {
    let mut out = format!("### {}\n\n{}", verb.name, verb.help);
    if !verb.aliases.is_empty() {
        let aliases: Vec<String> = verb.aliases.iter().map(|alias| code(alias)).collect();
        let _ = write!(out, " Also: {}.", aliases.join(", "));
    }
    out += "\n\n";
    out += &head(&["column", "type", "what it is"]);
    for column in &verb.columns {
        let mut help = column.help.clone();
        if !column.values.is_empty() {
            let _ = write!(help, "; one of {}", column.values.join(", "));
        }
        out += &line([code(&column.name), column.kind.as_str().to_owned(), help.replace('|', "\\|")]);
    }
    out + "\n"
}

fn sent(source: &Source) -> String {
    let mut out = code(&source.ask.title());
    match &source.ask {
        Ask::Command(_) => {}
        Ask::Jsonrpc(_) => out += " over JSON-RPC",
        Ask::Rpc(_) => out += " over NETCONF",
        Ask::Yang(..) => out += " over RESTCONF or NETCONF",
    }
    for (word, sources) in [("then", &source.also), ("with", &source.join), ("else", &source.otherwise)] {
        for further in sources {
            let _ = write!(out, ", {word} {}", sent(further));
        }
    }
    out
}

fn commands(platform: &Platform) -> String {
    let aliases: Vec<String> = platform.aliases.iter().map(|alias| code(alias)).collect();
    let session = match platform.session {
        SessionKind::Shell => "a shell session",
        SessionKind::Exec => "one command per channel",
    };
    let mut out = format!("## {}\n\n{}: {session}", platform.name, platform.title);
    if !platform.open.is_empty() {
        let open: Vec<String> = platform.open.iter().map(|line| code(line)).collect();
        let _ = write!(out, ", opened with {}", open.join(", "));
    }
    let _ = write!(out, ". Also called {}.\n\n", aliases.join(", "));
    out += &head(&["verb", "sent"]);
    for (verb, sources) in &platform.verbs {
        let ways = sources.iter().map(|source| {
            let when: Vec<String> = source
                .when
                .iter()
                .map(
                    |(name, value)| {
                        if value.is_empty() { format!("no {name}") } else { format!("{name} {value}") }
                    },
                )
                .collect();
            let when = if when.is_empty() { String::new() } else { format!("{}: ", when.join(", ")) };
            format!("{when}{}", sent(source))
        });
        out += &line([code(verb), ways.collect::<Vec<_>>().join("<br>")]);
    }
    out + "\n"
}

#[test]
fn the_pages_are_up_to_date() {
    let catalogue = catalogue();
    let verbs = catalogue.verbs.values().filter(|verb| !verb.columns.is_empty());
    let pages: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::from([
        (
            "docs/verbs.md",
            vec![("matrix", matrix(&catalogue)), ("columns", verbs.map(|verb| columns(verb)).collect())],
        ),
        (
            "docs/platforms.md",
            vec![("platforms", catalogue.platforms.values().map(|platform| commands(platform)).collect())],
        ),
    ]);
    for (name, sections) in pages {
        let path = super::tree().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut wanted = text.clone();
        for (section, made) in sections {
            let start = format!("<!-- generated: {section} -->\n");
            let (before, rest) =
                wanted.split_once(&start).unwrap_or_else(|| panic!("{name} has no {section}"));
            let (_, after) = rest.split_once("<!-- end -->").expect("its end");
            wanted = format!("{before}{start}{}\n<!-- end -->{after}", made.trim_end());
        }
        if std::env::var_os("NOCBOT_UPDATE").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text == wanted, "{name} is not up to date; run this test with NOCBOT_UPDATE=1");
    }
}
