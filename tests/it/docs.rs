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
    assert_eq!(ask("explain ntp lab2 vrf RED")["rows"][0]["command"], "display ntp sources vrf RED");
    assert_eq!(ask("explain vrf lab2")["rows"][0]["command"], "display vrf");
    assert_eq!(ask("ntp lab1")["errors"][0]["kind"], "unsupported");
    assert!(ask("help ntp").to_string().contains("reference clock"));
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
