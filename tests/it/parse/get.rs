//! `nocbot parsers get`: the collection by a real pip, and what is said where there is none.

use crate::support::{left_out, nocbot};

#[test]
fn the_collection_comes_by_pip_and_is_read() {
    let Some(python) = std::env::var_os("NOCBOT_REFERENCE_PYTHON") else {
        return left_out("a Python with pip: eval \"$(tests/reference/prepare)\"");
    };
    let python = python.to_str().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let get = ["parsers", "get", "ntc-templates", "--version", "9.3.0", "--python", python];
    let run = nocbot(&get, directory.path());
    assert!(run.status.success(), "{}", run.err);
    assert!(run.out.contains("ntc-templates: 979 templates for 970 commands"), "{}", run.out);
    assert!(run.out.contains("`parsers: [./parsers, ntc-templates]`"), "{}", run.out);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");

    std::fs::write(directory.path().join("nocbot.yaml"), "parsers: [ntc-templates]\n").unwrap();
    std::fs::write(directory.path().join("clock.txt"), "*18:42:41.321 UTC Sat Nov 21 2026\n").unwrap();
    let parse =
        ["parse", "--platform", "cisco_ios", "--command", "sh clock", "--format", "json", "clock.txt"];
    let run = nocbot(&parse, directory.path());
    assert!(run.status.success() && run.out.contains("18:42:41.321"), "{}{}", run.out, run.err);

    let run = nocbot(
        &["parsers", "get", "ntc-templates", "--version", "0.0.0.1", "--python", python],
        directory.path(),
    );
    assert_eq!(run.status.code(), Some(2));
    assert!(run.err.contains("pip could not install ntc-templates==0.0.0.1"), "{}", run.err);
    assert!(directory.path().join("ntc-templates/index").is_file(), "the old one stays");
}

#[test]
fn without_pip_it_says_how() {
    let directory = tempfile::tempdir().unwrap();
    let run =
        nocbot(&["parsers", "get", "ntc-templates", "--python", "/nonexistent/python"], directory.path());
    assert_eq!(run.status.code(), Some(2));
    assert!(run.err.contains("cannot start /nonexistent/python for its pip"), "{}", run.err);
    assert!(run.err.contains("pip download --no-deps ntc-templates"), "{}", run.err);
    std::fs::create_dir(directory.path().join("mine")).unwrap();
    let run = nocbot(&["parsers", "get", "ntc-templates", "--to", "mine"], directory.path());
    assert!(run.err.contains("nothing was changed"), "{}", run.err);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}
