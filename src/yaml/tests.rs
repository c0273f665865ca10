use proptest::prelude::*;
use serde::Deserialize;

use super::{Node, Value};
use crate::error::Error;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Login {
    username: String,
    password: Option<String>,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    keys: bool,
    #[serde(default)]
    level: Level,
    #[serde(default)]
    words: Vec<String>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Level {
    #[default]
    Modern,
    Legacy,
}

fn read(text: &str) -> Node {
    Node::read("login.yaml", text).unwrap()
}

fn fails(text: &str) -> Error {
    read(text).decode::<Login>().unwrap_err()
}

#[test]
fn scalars_are_what_was_written() {
    let login: Login = read("username: 0123\npassword: yes\nport: 22\nkeys: yes\nwords: [1.10, no, 1e3]\n")
        .decode()
        .unwrap();
    assert_eq!(login.username, "0123");
    assert_eq!(login.password.as_deref(), Some("yes"));
    assert_eq!((login.port, login.keys), (22, true));
    assert_eq!(login.words, ["1.10", "no", "1e3"]);
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_a_hint() {
    let error = fails("username: a\npasswrd: hunter2\n");
    assert_eq!(
        error.report(),
        "login.yaml:2:1: there is no key `passwrd` here\n  | passwrd: ***\n  | ^\n  hint: did you mean `password`?"
    );
}

#[test]
fn wrong_types_are_named_at_the_value() {
    let error = fails("username: a\nport: ssh\n");
    assert_eq!(error.message(), "`ssh` is not a whole number from 0 to 65535");
    let place = error.place().unwrap();
    assert_eq!((place.line, place.column), (2, 7));
    assert_eq!(fails("username: {a: b}\n").message(), "a text is wanted, not a mapping");
    assert_eq!(fails("username:\n").message(), "a text is wanted, not nothing");
    assert_eq!(fails("port: 1\n").message(), "the key `username` is missing");
    let level = fails("username: a\nlevel: legcy\n");
    assert_eq!(level.message(), "`legcy` is none of modern, legacy");
    assert_eq!(level.hints(), ["did you mean `legacy`?"]);
    assert_eq!(level.place().unwrap().column, 8);
}

#[test]
fn duplicate_keys_are_all_reported() {
    let errors = Node::read("a.yaml", "a: 1\nb: 2\na: 3\nb: 4\n").unwrap_err();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0].message(), "the key `a` stands here a second time");
    assert_eq!(errors[0].place().unwrap().line, 3);
}

#[test]
fn broken_yaml_has_a_place() {
    for text in
        ["a: [1, 2", "a: b: c", "a: @x", "a:\n\t- b", "'a", "a: !x y", "---\na: 1\n---\nb: 2\n", "? [a]\n: b"]
    {
        let errors = Node::read("a.yaml", text).unwrap_err();
        let place = errors[0].place().unwrap_or_else(|| panic!("{text}"));
        assert!(place.line >= 1 && place.column >= 1, "{text}: {place:?}");
    }
}

#[test]
fn aliases_and_merges_work_and_bombs_do_not() {
    let node = read("base: &b {a: 1, b: 2}\nx: {<<: *b, b: 3}\ny: *b\n");
    let x = node.get("x").unwrap();
    assert_eq!(x.get("a").unwrap().text(), Some("1"));
    assert_eq!(x.get("b").unwrap().text(), Some("3"));
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(",");
        bomb.extend([format!("a{level}: &a{level} [{aliases}]\n")]);
    }
    let errors = Node::read("bomb.yaml", &bomb).unwrap_err();
    assert!(errors[0].message().contains("more than"), "{}", errors[0]);
    assert!(Node::read("deep.yaml", &"[".repeat(5000)).is_err());
    assert!(Node::read("self.yaml", "a: &a [*a]").is_err());
}

#[test]
fn nothing_is_nothing() {
    for text in ["", "\n# only a comment\n", "---\n", "~", "null"] {
        assert!(read(text).is_null(), "{text:?}");
    }
    assert!(matches!(read("''").value(), Value::Scalar { .. }));
}

#[test]
fn an_empty_value_stands_at_its_key() {
    let node = read("a:\n\n\nb: 1\n");
    let place = node.get("a").unwrap().place();
    assert_eq!((place.line, place.column), (1, 1));
}

#[test]
fn variables_are_expanded_except_in_secrets() {
    let environment = crate::secret::Environment::new(|name| (name == "A").then(|| "1".to_owned()));
    let mut errors = Vec::new();
    let node = read("a: ${A}-${B:-2}\npassword: ${A}\nb: ${B:-}\nc: [$A, '${', '${A']\nd: x${B}\n");
    let node = node.expand(&environment, &["password"], &mut errors);
    assert_eq!(node.get("a").unwrap().text(), Some("1-2"));
    assert_eq!(node.get("password").unwrap().text(), Some("${A}"));
    assert!(node.get("b").unwrap().is_null());
    let words: Vec<_> = node.get("c").unwrap().items("c").unwrap().iter().filter_map(Node::text).collect();
    assert_eq!(words, ["$A", "${", "${A"]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message(), "the environment variable B is not set");
    assert_eq!(errors[0].place().unwrap().line, 5);
}

#[test]
fn a_password_that_yaml_takes_for_a_comment_is_found() {
    let node = read("r1:\n  password: #x\n  secret: # none\n  port:\n");
    let r1 = node.get("r1").unwrap();
    assert_eq!(r1.get("password").unwrap().taken_for_comment().as_deref(), Some("#x"));
    assert_eq!(r1.get("secret").unwrap().taken_for_comment(), None);
    assert_eq!(r1.get("port").unwrap().taken_for_comment(), None);
}

proptest! {
    #[test]
    fn no_text_panics_and_every_error_has_a_place(text in "[a-z:#\\-\\[\\]{}&*!|>'\"%@`,? \t\n\\\\<~.0-9]{0,80}") {
        match Node::read("any.yaml", &text) {
            Ok(node) => if let Err(error) = node.decode::<Login>() { prop_assert!(error.place().is_some()) },
            Err(errors) => for error in errors { prop_assert!(error.place().is_some()); let _ = error.report(); },
        }
    }

    #[test]
    fn no_bytes_panic(text in "\\PC{0,60}") {
        let _ = Node::read("any.yaml", &text).map(|node| node.decode::<Login>());
    }

    #[test]
    fn a_quoted_text_comes_back(text in "[ -~]{0,40}") {
        let node = read(&format!("username: '{}'\n", text.replace('\'', "''")));
        prop_assert_eq!(node.decode::<Login>().unwrap().username, text);
    }
}
