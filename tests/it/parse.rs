//! `nocbot parse`: files to rows, by a template, by a platform's parser, by JSON lines.

mod batch;
mod collection;
mod get;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Run, nocbot};

/// Runs the binary with a text on its standard input.
fn with_input(arguments: &[&str], directory: &Path, input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nocbot"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("NOCBOT_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A child that refuses its arguments reads nothing.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        status: output.status,
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const TEMPLATE: &str = "\
Value Required PORT (\\S+)
Value STATE (up|down)
Value List VLANS (\\d+)

Start
  ^Port\\s+State\\s*$$
  ^${PORT}\\s+${STATE}\\s+${VLANS} -> Continue
  ^\\S+\\s+\\S+\\s+\\d+,${VLANS} -> Continue
  ^\\S+\\s+(up|down) -> Record
  ^\\s*$$
  ^. -> Error
";
const TEXT: &str = "Port  State\n\ne1  up  10,20\ne2  down 30\n";

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    put("ports.textfsm", TEMPLATE);
    put("a.txt", TEXT);
    put("b.txt", "e9 up 1\r\n");
    put("bad.txt", "e1 up 10\nwhat is this\n");
    put("head.txt", "Port  State\n");
    put("broken.textfsm", "Value A (a\n\nStart\n ^${A}\n");
    directory
}

fn parsed(arguments: &[&str]) -> Run {
    with_input(&[&["parse"], arguments].concat(), directory().path(), TEXT.as_bytes())
}

#[test]
fn a_file_in_every_format() {
    let shown = parsed(&["--template", "ports.textfsm", "a.txt"]);
    assert_eq!(shown.err, "");
    assert_eq!(shown.out, "PORT  STATE  VLANS\n----  -----  ------\ne1    up     10, 20\ne2    down   30\n");
    let json = parsed(&["--template", "ports.textfsm", "--format", "json", "a.txt"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{ "PORT": "e1", "STATE": "up", "VLANS": ["10", "20"] },
            { "PORT": "e2", "STATE": "down", "VLANS": ["30"] }])
    );
    let csv = parsed(&["--template", "ports.textfsm", "--format", "csv", "-"]);
    assert_eq!(csv.out, "PORT,STATE,VLANS\r\ne1,up,\"10, 20\"\r\ne2,down,30\r\n");
    let yaml = parsed(&["--template", "ports.textfsm", "--format", "yaml", "a.txt"]);
    assert_eq!(
        yaml.out,
        "records:\n  - PORT: \"e1\"\n    STATE: \"up\"\n    VLANS: [\"10\",\"20\"]\n  \
         - PORT: \"e2\"\n    STATE: \"down\"\n    VLANS: [\"30\"]\n"
    );
}

#[test]
fn several_files_are_one_table() {
    let both = parsed(&["--template", "ports.textfsm", "--format", "csv", "a.txt", "b.txt"]);
    assert_eq!(
        both.out,
        "file,PORT,STATE,VLANS\r\na.txt,e1,up,\"10, 20\"\r\na.txt,e2,down,30\r\nb.txt,e9,up,1\r\n"
    );
    let one = parsed(&["--template", "ports.textfsm", "--format", "csv", "bad.txt", "none.txt", "b.txt"]);
    assert_eq!(one.status.code(), Some(1), "what could be parsed is shown, and the rest is told");
    assert_eq!(one.out, "file,PORT,STATE,VLANS\r\nb.txt,e9,up,1\r\n");
    assert!(one.err.contains("bad.txt:2:1: ") && one.err.contains("none.txt"), "{}", one.err);
}

#[test]
fn what_fails_says_where() {
    let bad = parsed(&["--template", "ports.textfsm", "bad.txt"]);
    assert_eq!((bad.status.code(), bad.out.as_str()), (Some(1), ""));
    for part in ["bad.txt:2:1: ", "what is this", "ports.textfsm", "--explain"] {
        assert!(bad.err.contains(part), "{part}: {}", bad.err);
    }
    let broken = parsed(&["--template", "broken.textfsm", "a.txt"]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(broken.err.contains("broken.textfsm:1:"), "{}", broken.err);
    let empty = parsed(&["--template", "ports.textfsm", "head.txt"]);
    assert_eq!(empty.status.code(), Some(0));
    assert!(empty.err.contains("no records") && empty.err.contains("--explain"), "{}", empty.err);
    for wrong in [&["a.txt"][..], &["--template", "ports.textfsm"], &["--platform", "frr", "a.txt"], &[]] {
        assert_eq!(parsed(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn an_explanation_names_state_and_rule_of_each_line() {
    let explained = parsed(&["--template", "ports.textfsm", "--explain", "bad.txt"]);
    assert_eq!(explained.status.code(), Some(1));
    let wanted = [
        "bad.txt by ports.textfsm",
        "  1 | e1 up 10",
        "    = Start line 7: ^${PORT}\\s+${STATE}\\s+${VLANS} -> Continue",
        "    = Start line 9: ^\\S+\\s+(up|down) -> Record",
        "  2 | what is this",
        "    = Start line 11: ^. -> Error",
        "no records: line 2 of bad.txt: ",
    ];
    let lines: Vec<&str> = explained.out.lines().collect();
    assert_eq!(lines.len(), wanted.len(), "{}", explained.out);
    for (line, wanted) in lines.iter().zip(wanted) {
        assert!(line.starts_with(wanted), "{line}\n{wanted}");
    }
    let directory = directory();
    std::fs::write(directory.path().join("lax.textfsm"), "Value A (e\\d)\n\nStart\n ^${A} -> Record\n")
        .unwrap();
    let arguments = ["parse", "--template", "lax.textfsm", "--explain", "-"];
    let explained = with_input(&arguments, directory.path(), b"e1\n\nx\x1b[1m\xe2\x80\xae\n");
    assert_eq!(explained.status.code(), Some(0));
    assert!(explained.out.contains("  3 | x[1m\n    ! Start: no rule took it\n"), "{}", explained.out);
    assert!(
        explained.out.ends_with("3 lines, 1 was taken by no rule (see `!`); 1 record\n"),
        "{}",
        explained.out
    );
}

#[test]
fn a_platform_s_parser_by_an_abbreviated_command() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let raw = root.join("parsers/cisco_ios/show_vrf/one.raw");
    let raw = std::fs::read_dir(root.join("parsers/cisco_ios/show_vrf"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "raw") && path.metadata().unwrap().len() > 300)
        .unwrap_or(raw);
    let template = root.join("parsers/cisco_ios/show_vrf/template.textfsm");
    let (raw, template) = (raw.to_str().unwrap(), template.to_str().unwrap());
    let direct = parsed(&["--template", template, "--format", "json", raw]);
    assert!(direct.out.len() > 20, "{}", direct.out);
    for platform in ["cisco_ios", "ios", "Cisco_IOS"] {
        let found = parsed(&["--platform", platform, "--command", "sh vrf", "--format", "json", raw]);
        assert_eq!(found.out, direct.out, "{platform}: {}", found.err);
    }
    let unknown = parsed(&["--platform", "cisco_iso", "--command", "sh vrf", raw]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(unknown.err.contains("did you mean"), "{}", unknown.err);
    let unknown = parsed(&["--platform", "cisco_ios", "--command", "show wonders", raw]);
    assert!(unknown.err.contains("show wonders") && unknown.err.contains("did you mean"), "{}", unknown.err);
}

#[test]
fn an_operator_s_folder_counts() {
    let directory = directory();
    let folder = directory.path().join("site/acme_os/show_ports");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("template.textfsm"), TEMPLATE).unwrap();
    std::fs::write(directory.path().join("nocbot.yaml"), "parsers: [site]\n").unwrap();
    let arguments = ["parse", "--platform", "acme_os", "--command", "sh po", "--format", "csv", "b.txt"];
    assert_eq!(nocbot(&arguments, directory.path()).out, "PORT,STATE,VLANS\r\ne9,up,1\r\n");
}
