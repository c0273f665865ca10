//! The worked examples of `docs/`: their files are read out of the pages and used as they stand.

use std::path::Path;

use crate::support::nocbot;

/// Writes each fenced block that follows a line `**path**` to that path.
fn extract(page: &str, directory: &Path) -> usize {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap();
    let mut lines = text.lines();
    let mut files = 0;
    while let Some(line) = lines.next() {
        let Some(path) = line.strip_prefix("**").and_then(|rest| rest.strip_suffix("**")) else { continue };
        assert_eq!(lines.next(), Some(""), "{path}: an empty line follows the name");
        assert!(lines.next().is_some_and(|line| line.starts_with("```")), "{path}: a fence follows");
        let body: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        let file = directory.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, body.join("\n") + "\n").unwrap();
        files += 1;
    }
    files
}

#[test]
fn the_platform_of_the_docs_checks_and_explains() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(extract("adding-a-platform.md", directory.path()), 10);
    let check = nocbot(&["check", "-c", "nocbot.yaml"], directory.path());
    assert!(check.status.success(), "{}{}", check.out, check.err);
    let explain =
        nocbot(&["ask", "-c", "nocbot.yaml", "--format", "json", "explain vrf lab1"], directory.path());
    let answer: serde_json::Value = serde_json::from_str(&explain.out).expect(&explain.err);
    assert_eq!(answer["rows"][0]["command"], "display vrf");
    assert_eq!(answer["rows"][0]["parser"], "acme_os/display_vrf");
}

#[test]
fn the_verb_of_the_docs_checks_explains_and_helps() {
    let directory = tempfile::tempdir().unwrap();
    extract("adding-a-platform.md", directory.path());
    assert_eq!(extract("adding-a-verb.md", directory.path()), 10);
    let check = nocbot(&["check", "-c", "nocbot.yaml"], directory.path());
    assert!(check.status.success(), "{}{}", check.out, check.err);
    let ask = |question: &str| {
        let run = nocbot(&["ask", "-c", "nocbot.yaml", "--format", "json", question], directory.path());
        serde_json::from_str::<serde_json::Value>(&run.out).expect(&run.err)
    };
    assert_eq!(ask("explain clock lab2 vrf RED")["rows"][0]["command"], "display clock sources vrf RED");
    assert_eq!(ask("explain vrf lab2")["rows"][0]["command"], "display vrf");
    assert_eq!(ask("clock lab1")["errors"][0]["kind"], "unsupported");
    assert!(ask("help clock").to_string().contains("reference clock"));
}

#[test]
fn a_broken_example_would_be_found() {
    let directory = tempfile::tempdir().unwrap();
    extract("adding-a-platform.md", directory.path());
    let template = directory.path().join("parsers/acme_os/display_vrf/two.raw");
    std::fs::write(template, "Name       RD         Interfaces\nRED 1:1 eth1 eth2 eth3\n").unwrap();
    let check = nocbot(&["check", "-c", "nocbot.yaml"], directory.path());
    assert!(!check.status.success());
    assert!((check.out.clone() + &check.err).contains("two.raw"), "{}{}", check.out, check.err);
}

/// The Markdown files for people: at the top, in `docs/` and in the lab.
fn pages() -> Vec<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<_> = ["", "docs", "lab"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    pages.sort();
    pages
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut links = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to) {
            if target.contains("://") || target.starts_with('#') || target.contains(char::is_whitespace) {
                continue;
            }
            let file = target.split('#').next().unwrap();
            assert!(page.parent().unwrap().join(file).exists(), "{}: {target}", page.display());
            links += 1;
        }
    }
    assert!(links > 10, "only {links} links");
}

#[test]
fn the_questions_of_the_readme_are_answered() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let table = text.split("## What you can ask").nth(1).unwrap().split("\n## ").next().unwrap();
    let questions: Vec<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once("` |"))
        .map(|(question, _)| question.replace("\\|", "|"))
        .collect();
    assert!(questions.len() >= 7, "{questions:?}");
    let directory = tempfile::tempdir().unwrap();
    for question in questions {
        let run = nocbot(&["ask", "--demo", &question], directory.path());
        assert!(run.status.success(), "{question}\n{}{}", run.out, run.err);
    }
}
