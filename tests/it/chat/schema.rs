//! Payloads and files against the vendors' own schemas, which are not part of the repository:
//! `NOCBOT_SCHEMAS` names their directory and `NOCBOT_SCHEMA_PYTHON` a Python with `jsonschema` and `yaml`
//! (`tests/reference/prepare` prints both).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::left_out;

const CHECK: &str = r#"
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
document = json.load(sys.stdin)
kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)
errors = ["/".join(map(str, e.path)) + ": " + e.message[:300] for e in kind(schema).iter_errors(document)]
print("\n".join(errors))
sys.exit(1 if errors else 0)
"#;

fn tools() -> Option<(PathBuf, PathBuf)> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.exists());
    let found = set("NOCBOT_SCHEMAS").zip(set("NOCBOT_SCHEMA_PYTHON"));
    if found.is_none() {
        left_out("the vendors' schemas: eval \"$(tests/reference/prepare)\"");
    }
    found
}

fn errors(schema: &str, document: &Value) -> Option<String> {
    let (schemas, python) = tools()?;
    let mut child = Command::new(python)
        .args(["-c", CHECK, &schemas.join(schema).display().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (!output.status.success()).then_some(said)
}

/// Fails when the document breaks the schema.
pub fn valid(schema: &str, document: &Value) {
    if let Some(errors) = errors(schema, document) {
        panic!("{errors}\n{document:#}");
    }
}

/// Fails when one of the documents breaks the schema; all are looked at by one call.
pub fn all_valid(schema: &str, documents: &[Value]) {
    let Some((schemas, _)) = tools() else { return };
    let text = std::fs::read_to_string(schemas.join(schema)).unwrap();
    let mut whole: Value = serde_json::from_str(&text).unwrap();
    // Definitions stay where the references look for them.
    let root = whole.as_object_mut().unwrap();
    let definitions = root.get("definitions").cloned().unwrap_or_default();
    let version = root.get("$schema").cloned().unwrap_or_default();
    let list =
        serde_json::json!({"$schema": version, "definitions": definitions, "type": "array", "items": root});
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list.json");
    std::fs::write(&path, list.to_string()).unwrap();
    if let Some(errors) = errors(path.to_str().unwrap(), &Value::Array(documents.to_vec())) {
        panic!("{errors}");
    }
}

#[test]
fn the_slack_manifest_is_valid_and_names_what_the_connector_needs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/slack-manifest.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    for part in
        ["app_mention", "message.im", "socket_mode_enabled: true", "messages_tab_enabled: true", "/nocbot"]
    {
        assert!(text.contains(part), "{part}");
    }
    let Some((_, python)) = tools() else { return };
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/slack-manifest.yaml");
    let output = Command::new(python).args(["-c", script]).arg(path).output().unwrap();
    let mut manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
    valid("slack-app-manifest-2.0.0.schema.json", &manifest);
    // A manifest with a mistake would be found.
    manifest["features"]["bot_user"]["display_nam"] = "x".into();
    manifest["display_information"]["name"] = "x".repeat(60).into();
    assert!(errors("slack-app-manifest-2.0.0.schema.json", &manifest).is_some());
}
