//! The dependency direction of the modules: a module may use only what stands below it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Top to bottom; ARCHITECTURE.md draws the same picture. Modules of one row do not know each other.
const LAYERS: [&[&str]; 15] = [
    &["main"],
    &["cli"],
    &["app"],
    &["chat", "web", "sim"],
    &["bot"],
    &["run"],
    &["command", "policy", "store"],
    &["catalogue"],
    &["transport", "parse", "probe"],
    &["inventory"],
    &["profile"],
    &["verb", "config"],
    &["answer"],
    &["table", "yaml", "yang"],
    &["secret", "metrics", "text", "error"],
];

/// What the bottom row may use of itself: secrets fail with errors.
const WITHIN: [(&str, &str); 2] = [("secret", "error"), ("secret", "text")];

fn rank(module: &str) -> usize {
    LAYERS.iter().position(|row| row.contains(&module)).unwrap_or_else(|| {
        panic!("the module `{module}` stands in no layer: add it to LAYERS and to ARCHITECTURE.md")
    })
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module a file belongs to: the first folder or the file's own name.
fn module_of(root: &Path, file: &Path) -> String {
    let first = file.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The modules that a text uses by `crate::module` or, in `main.rs`, by `nocbot::module`.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for (at, mark) in line.match_indices("crate::").chain(line.match_indices("nocbot::")) {
            let rest = &line[at + mark.len()..];
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            for word in rest.split(',') {
                let name: String =
                    word.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !name.is_empty() {
                    found.push(name);
                }
                if !line[at..].contains("crate::{") {
                    break;
                }
            }
        }
    }
    found
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let names: Vec<String> = files.iter().map(|file| module_of(&root, file)).collect();
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    let mut edges = 0;
    for (file, module) in files.iter().zip(&names) {
        if module == "lib" {
            continue;
        }
        for used in uses(&std::fs::read_to_string(file).unwrap()) {
            if used == *module || !names.contains(&used) {
                continue;
            }
            edges += 1;
            let within = WITHIN.contains(&(module.as_str(), used.as_str()));
            if rank(module) >= rank(&used) && !within {
                wrong.insert(
                    format!("{} uses {used}", file.display()),
                    format!("{module} stands below {used}"),
                );
            }
        }
    }
    assert!(edges > 50, "the test reads too little: only {edges} edges found");
    assert!(wrong.is_empty(), "edges that point upwards: {wrong:#?}");
}

#[test]
fn no_vendor_stands_in_the_code() {
    const VENDORS: [&str; 9] =
        ["cisco", "junos", "juniper", "arista", "nokia", "huawei", "mikrotik", "fortinet", "netconfd"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        // The scheme in the ids of one chat platform: its own word, which no other would do for.
        let text = std::fs::read_to_string(&file).unwrap().to_lowercase().replace("ciscospark://", "");
        for vendor in VENDORS {
            assert!(!text.contains(vendor), "{} names {vendor}: vendors are data", file.display());
        }
    }
}

#[test]
fn no_connector_knows_another() {
    const CONNECTORS: [&str; 4] = ["slack", "mattermost", "webex", "xmpp"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/chat");
    for own in CONNECTORS {
        let mut files = Vec::new();
        sources(&root.join(own), &mut files);
        for name in ["mod.rs", "wire.rs", "link.rs", "render.rs", "check.rs"] {
            assert!(root.join(own).join(name).is_file(), "{own} has no {name}");
        }
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for other in CONNECTORS.iter().filter(|other| **other != own) {
                assert!(!text.contains(&format!("chat::{other}")), "{} knows {other}", file.display());
                assert!(!text.contains(&format!("super::{other}::")), "{} knows {other}", file.display());
            }
        }
    }
}

/// The crates of Cargo.lock.
fn locked() -> Vec<String> {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \""));
    names.map(|name| name.trim_end_matches('"').to_owned()).collect()
}

#[test]
fn one_crypto_provider_and_one_websocket_stand_in_the_tree() {
    // Not Cargo.lock: it lists `ring` for a feature of the TLS library that nobody turns on, and that is
    // never built. What is built for this machine is what counts.
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--all-features", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let built: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(built.contains(&"aws-lc-rs") && built.contains(&"rustls"), "{built:?}");
    for banned in ["ring", "openssl", "openssl-sys", "native-tls"] {
        assert!(!built.contains(&banned), "{banned} came in: deny.toml says why it may not");
    }
    assert_eq!(locked().iter().filter(|name| *name == "tungstenite").count(), 1);
}

#[test]
fn the_number_of_crates_has_a_ceiling() {
    let count = locked().len();
    // Probes: `domain` for DNS messages (3) and `x509-parser` for certificates (14).
    // HTTPS to devices: rustls, h2 and theirs (8), rcgen's (8) for the tests, and 13 of `ring` that are listed
    // and never built.
    assert!(count <= 374, "{count} crates: is the newest one worth its weight? then raise the ceiling here");
}
