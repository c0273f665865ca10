use std::path::Path;

use proptest::prelude::*;

use super::{Environment, SecretRef};

fn environment() -> Environment {
    Environment::new(|name| match name {
        "PASS" => Some("from-env".to_owned()),
        "HOME" => Some("/home/noc".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    })
}

fn read(text: &str) -> SecretRef {
    SecretRef::read(text, Path::new("/etc/nocbot"), &environment()).unwrap()
}

async fn value(text: &str) -> String {
    read(text).resolve().await.unwrap().expose().to_owned()
}

#[tokio::test]
async fn every_spelling_resolves() {
    assert_eq!(value("hunter2").await, "hunter2");
    assert_eq!(value("").await, "");
    assert_eq!(value("env:PASS").await, "from-env");
    assert_eq!(value("${PASS}").await, "from-env");
    assert_eq!(value("${NONE:-spare}").await, "spare");
    assert_eq!(value("${EMPTY:-spare}").await, "spare");
    assert_eq!(value("a-${PASS}-${NONE:-}z").await, "a-from-env-z");
    assert_eq!(value("plain:env:PASS").await, "env:PASS");
    assert_eq!(value("a${b").await, "a${b");
    assert_eq!(value("exec:printf '%s\\nsecond' \"two words\"").await, "two words");
}

#[tokio::test]
async fn a_file_gives_its_first_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pass");
    std::fs::write(&path, "first line\r\nsecond\n").unwrap();
    assert_eq!(value(&format!("file:{}", path.display())).await, "first line");
    std::fs::write(&path, "").unwrap();
    let error = read(&format!("file:{}", path.display())).resolve().await.unwrap_err();
    assert!(error.message().contains("empty first line"), "{error}");
}

#[test]
fn paths_count_from_the_base_and_from_home() {
    assert_eq!(read("file:secrets/r1"), SecretRef::File("/etc/nocbot/secrets/r1".into()));
    assert_eq!(read("file:/run/r1"), SecretRef::File("/run/r1".into()));
    assert_eq!(read("file:~/r1"), SecretRef::File("/home/noc/r1".into()));
    let homeless = SecretRef::read("file:~/r1", Path::new("/"), &Environment::empty());
    assert!(homeless.is_err());
}

#[tokio::test]
async fn errors_hold_neither_the_secret_nor_what_the_helper_said() {
    for text in ["exec:sh -c 'echo hunter2; echo hunter2 >&2; exit 3'", "exec:/no/such/helper hunter2"] {
        let error = read(text).resolve().await.unwrap_err();
        assert!(!format!("{error:?} {}", error.report()).contains("hunter2"), "{error:?}");
    }
    let error = read("env:NONE").resolve().await.unwrap_err();
    assert!(error.report().contains("NONE"));
}

#[test]
fn debug_shows_where_and_never_what() {
    assert_eq!(format!("{:?}", read("hunter2")), "***");
    assert_eq!(format!("{:?}", read("x${PASS:-hunter2}")), "***");
    assert_eq!(format!("{:?}", read("${PASS:-hunter2}")), "env:PASS");
    assert_eq!(format!("{:?}", read("exec:vault read --token hunter2")), "exec:vault");
}

#[tokio::test]
async fn a_helper_that_never_stops_printing_is_bounded() {
    let error =
        tokio::time::timeout(std::time::Duration::from_secs(5), read("exec:yes hunter2").resolve()).await;
    // `yes` ends by a closed pipe, which is a failure of the helper; its words stay unseen.
    assert!(!format!("{:?}", error.unwrap().unwrap_err()).contains("hunter2"));
}

#[test]
fn wrong_spellings_are_refused() {
    for text in ["env:", "env:A B", "file:", "exec:", "exec:a 'b", "exec:''"] {
        assert!(SecretRef::read(text, Path::new("/"), &environment()).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(exec:|env:|file:|plain:)?[ -~]{0,30}|\\PC{0,30}|[${}:a-]{0,20}") {
        let _ = SecretRef::read(&text, Path::new("/"), &environment());
    }

    #[test]
    fn a_text_without_marks_is_the_secret(text in "[a-zA-Z0-9 #!@%^&*()$]{0,30}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(value(&text)), text);
    }
}
