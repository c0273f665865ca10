//! The grammar, with the product's own verbs and a small inventory.

mod ask;
mod choose;
mod docs;
mod guide;
mod property;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use nocbot::catalogue::Catalogue;
use nocbot::command::{Question, canonical, parse};
use nocbot::error::Error;
use nocbot::inventory::{Device, Inventory, Login};
use nocbot::verb::Verb;

/// The verbs of `device-profiles/verbs`.
pub fn verbs() -> BTreeMap<String, Arc<Verb>> {
    static VERBS: LazyLock<BTreeMap<String, Arc<Verb>>> = LazyLock::new(read_verbs);
    VERBS.clone()
}

fn read_verbs() -> BTreeMap<String, Arc<Verb>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("device-profiles/verbs");
    let mut verbs = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let verb: Verb = serde_saphyr::from_str(&text).unwrap();
        verbs.insert(verb.name.clone(), Arc::new(verb));
    }
    verbs
}

/// A device; groups and data are written as `core,edge` and `site=ams,role=pe`.
pub fn device(name: &str, hostname: &str, groups: &str, data: &str) -> Device {
    Device {
        name: name.into(),
        hostname: hostname.into(),
        platform: "frr".into(),
        groups: groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect(),
        data: data
            .split(' ')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.into(), v.into()))
            .collect(),
        login: Login::default(),
    }
}

/// A catalogue of the product's verbs and these devices.
pub fn catalogue(devices: impl IntoIterator<Item = Device>) -> Catalogue {
    Catalogue { verbs: verbs(), inventory: Arc::new(Inventory::new(devices)), ..Catalogue::default() }
}

/// r1 to r6 and two devices with longer names.
pub fn small() -> Catalogue {
    catalogue([
        device("r1", "10.255.0.1", "core", "site=ams role=p"),
        device("r2", "10.255.0.2", "core", "site=ams role=p"),
        device("r3", "10.255.0.3", "core,lab", "site=fra role=pe"),
        device("r4", "10.255.0.4", "edge", "site=fra role=pe"),
        device("r5", "r5.example.net", "edge", "site=lon role=pe tags=new,bgp"),
        device("r10", "2001:db8::10", "edge", "site=lon role=pe"),
        device("core-sw-1", "10.0.9.1", "switches", "site=ams role=sw"),
        device("core-sw-2", "10.0.9.2", "switches", "site=fra role=sw"),
    ])
}

/// The canonical form of a question, or its error.
pub fn ask(text: &str) -> Result<String, Error> {
    parse(text, &verbs()).map(|question| canonical(&question))
}

/// Everything of a question that matters, without places in its text.
pub fn shape(question: &Question) -> String {
    use nocbot::command::{Command, Targets};
    let targets = |targets: &Targets| {
        let terms: Vec<String> =
            targets.terms.iter().map(|term| format!("{:?} {:?}", term.join, term.selector)).collect();
        terms.join("; ")
    };
    let command = match &question.command {
        Command::Verb { verb, targets: asked, arguments } => {
            format!("{} {} {arguments:?}", verb.name, targets(asked))
        }
        Command::Show { verb, targets: asked, line } => format!("{} {} {line:?}", verb.name, targets(asked)),
        Command::Explain(question) => format!("explain {}", shape(question)),
        Command::Devices(asked) => format!("devices {:?}", asked.as_ref().map(targets)),
        other => format!("{other:?}"),
    };
    format!("{command} {:?}", question.stages)
}

/// What every error promises: a place within the text and an example that is itself a question.
pub fn check_error(error: &Error) {
    let place = error.place().expect("a place");
    assert_eq!(place.source, "question");
    assert_eq!(place.line, 1);
    assert!(!place.excerpt.contains('\n'));
    assert!((1..=place.excerpt.chars().count() + 1).contains(&place.column), "{place:?}");
    let example = error.hints().last().and_then(|hint| hint.strip_prefix("for example: `"));
    let example = example.and_then(|example| example.strip_suffix('`')).expect("an example");
    parse(example, &verbs()).unwrap_or_else(|error| panic!("the example `{example}`: {}", error.report()));
}
