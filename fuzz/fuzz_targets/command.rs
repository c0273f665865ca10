//! Any text typed in a chat: no panic, errors with a place and an example, one canonical form.

#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use nocbot::catalogue::Catalogue;
use nocbot::command::{canonical, complete, parse, resolve, understand};
use nocbot::error::Error;
use nocbot::inventory::{Device, Inventory, Login};
use nocbot::verb::Verb;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../device-profiles/verbs");
    let mut verbs = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the verbs") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a verb");
        let verb: Verb = serde_saphyr::from_str(&text).expect("a verb");
        verbs.insert(verb.name.clone(), Arc::new(verb));
    }
    let devices = ["r1", "r2", "core-sw-1", "r10.example.net"].map(|name| Device {
        name: name.into(),
        hostname: "10.0.0.1".into(),
        platform: "frr".into(),
        groups: vec!["core".into()],
        data: BTreeMap::from([("site".into(), "ams".into())]),
        login: Login::default(),
    });
    Catalogue { verbs, inventory: Arc::new(Inventory::new(devices)), ..Catalogue::default() }
});

fn check(error: &Error) {
    let place = error.place().expect("a place");
    assert!((1..=place.excerpt.chars().count() + 1).contains(&place.column));
    assert!(!error.hints().is_empty());
}

fuzz_target!(|text: &str| {
    let catalogue = &*CATALOGUE;
    complete(catalogue, text);
    match parse(text, &catalogue.verbs) {
        Err(error) => {
            check(&error);
            check(&understand(text, catalogue).expect_err("both read the same"));
        }
        Ok(question) => {
            let written = canonical(&question);
            let again = parse(&written, &catalogue.verbs).expect("the canonical form is a question");
            assert_eq!(canonical(&again), written);
            if let Some(Err(error)) = question.targets().map(|targets| resolve(targets, catalogue)) {
                check(&error);
            }
        }
    }
});
