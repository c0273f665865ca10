//! `nocbot parse --batch`, by itself and against the reference.

use std::path::Path;

use serde_json::{Value, json};

use super::{directory, with_input};
use crate::textfsm::Reference;

fn answers(directory: &Path, input: &[u8]) -> Vec<Value> {
    let run = with_input(&["parse", "--batch"], directory, input);
    assert_eq!((run.status.code(), run.err.as_str()), (Some(0), ""));
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn asked(directory: &Path, jobs: &[Value]) -> Vec<Value> {
    let lines: String = jobs.iter().flat_map(|job| [job.to_string(), "\n".to_owned()]).collect();
    let answers = answers(directory, lines.as_bytes());
    assert_eq!(answers.len(), jobs.len());
    answers
}

#[test]
fn one_answer_for_each_job_in_order() {
    let directory = directory();
    let two = json!({ "records": [{ "PORT": "e1", "STATE": "up", "VLANS": ["10", "20"] },
        { "PORT": "e2", "STATE": "down", "VLANS": ["30"] }] });
    let job = |raw: &str| json!({ "template": "ports.textfsm", "raw": raw });
    let repeated = json!({ "template": "ports.textfsm", "raw": "a.txt", "repeat": 50 });
    let found =
        asked(directory.path(), &[job("a.txt"), job("bad.txt"), repeated, job("head.txt"), job("b.txt")]);
    assert_eq!(found[0], two);
    assert!(found[1]["error"].as_str().unwrap().contains("line 2"), "{}", found[1]);
    assert_eq!(found[2], two);
    assert_eq!(found[3], json!({ "records": [] }));
    assert_eq!(found[4], json!({ "records": [{ "PORT": "e9", "STATE": "up", "VLANS": ["1"] }] }));
}

#[test]
fn bad_jobs_are_answered_too() {
    let directory = directory();
    std::fs::write(directory.path().join("latin.txt"), b"e1 up 1 \xe9\n").unwrap();
    let mut input = Vec::new();
    let jobs: [&[u8]; 16] = [
        b"",
        b"   ",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        br#"{"template": "ports.textfsm"}"#,
        br#"{"template": "ports.textfsm", "raw": null}"#,
        br#"{"template": "ports.textfsm", "raw": "none.txt"}"#,
        br#"{"template": "none.textfsm", "raw": "a.txt"}"#,
        br#"{"template": "broken.textfsm", "raw": "a.txt"}"#,
        br#"{"template": "ports.textfsm", "raw": "latin.txt"}"#,
        br#"{"template": "ports.textfsm", "raw": "a.txt", "repeat": -1}"#,
        br#"{"template": "ports.textfsm", "index": "index", "raw": "a.txt"}"#,
        br#"{"index": "index", "platform": "acme", "command": "x"}"#,
    ];
    for job in jobs {
        input.extend_from_slice(job);
        input.push(b'\n');
    }
    input.extend(b"[".repeat(100_000));
    input.push(b'\n');
    input.extend(b"x".repeat(3_000_000));
    input.push(b'\n');
    input.extend_from_slice(br#"{"template": "ports.textfsm", "raw": "b.txt"}"#);
    let found = answers(directory.path(), &input);
    assert_eq!(found.len(), jobs.len() + 3);
    let (last, failed) = found.split_last().unwrap();
    for (at, answer) in failed.iter().enumerate() {
        assert!(!answer["error"].as_str().unwrap().is_empty(), "{at}: {answer}");
    }
    assert_eq!(last["records"].as_array().unwrap().len(), 1, "the last line needs no newline");
}

#[test]
fn index_jobs_answer_as_the_collection_does() {
    let directory = directory();
    let put = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    put(
        "index",
        "Template, Hostname, Platform, Command\n\nports.textfsm:more.textfsm, .*, acme, sh[[ow]] po[[rts]]\n\
         groups.textfsm, .*, acme, sh[[ow]] gr[[oups]]\n",
    );
    put(
        "more.textfsm",
        "Value Key,Required PORT (e\\d)\nValue LAST (\\d+)\n\nStart\n ^${PORT}.*?${LAST}\\s*$$ -> Record\n",
    );
    put(
        "groups.textfsm",
        "Value List G ((?P<k>\\w)=(?P<v>\\d)?)\nValue List H (x)\n\nStart\n ^-${G}\n ^h(${H})?\n",
    );
    put("g.txt", "-a=1\n-b=\nhx\nh\n");
    let job = |command: &str, raw: Value| json!({ "index": "index", "platform": "acme", "command": command, "raw": raw });
    let found = asked(
        directory.path(),
        &[
            job("sh po", json!("a.txt")),
            job("show po", json!(null)),
            job("dir", json!("a.txt")),
            job("sh gr", json!("g.txt")),
        ],
    );
    assert_eq!(
        found[0],
        json!({ "template": "ports.textfsm:more.textfsm", "records": [
            { "port": "e1", "state": "up", "vlans": ["10", "20"], "last": "20" },
            { "port": "e2", "state": "down", "vlans": ["30"], "last": "30" }] })
    );
    assert_eq!(found[1], json!({ "template": "ports.textfsm:more.textfsm", "records": [] }));
    assert_eq!(found[2], json!({ "template": null, "records": [] }));
    assert_eq!(found[3]["records"][0]["g"], json!(["{'k': 'a', 'v': '1'}", "{'k': 'b', 'v': None}"]));
    assert_eq!(found[3]["records"][0]["h"], json!(["x", "None"]));
}

/// Every `STEP`-th sample of the collection, so that an unoptimised run stays short.
const STEP: usize = 4;

#[test]
fn the_collection_by_batch_is_the_reference() {
    let Some(reference) = Reference::find() else { return };
    let (templates, samples) = (&reference.templates, &reference.samples);
    let paths = [templates.to_str().unwrap(), samples.to_str().unwrap()];
    let mut wanted = Vec::new();
    let mut jobs = Vec::new();
    for job in reference.ask(&["jobs", paths[0], paths[1]], "").into_iter().step_by(STEP) {
        let path = |key: &str, under: &Path| under.join(job[key].as_str().unwrap());
        jobs.push(json!({ "template": path("template", templates), "raw": path("raw", samples) }));
        wanted.push(job);
    }
    let bare = jobs.len();
    for output in reference.ask(&["outputs", paths[0], paths[1]], "").into_iter().step_by(STEP) {
        let raw = samples.join(output["raw"].as_str().unwrap());
        let (platform, command) = (&output["platform"], &output["command"]);
        jobs.push(
            json!({ "index": templates.join("index"), "platform": platform, "command": command, "raw": raw }),
        );
        wanted.push(output);
    }
    assert!(jobs.len() > 900, "only {} jobs", jobs.len());
    let found = asked(samples, &jobs);
    let mut wrong = Vec::new();
    for (at, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
        // The reference's rows have no names where the machine was asked; cells are compared in their order.
        let cells = |record: &Value| Value::Array(record.as_object().unwrap().values().cloned().collect());
        let names = |record: &Value| {
            Value::Array(record.as_object().unwrap().keys().map(|name| json!(name)).collect())
        };
        let same = match found["records"].as_array() {
            Some(records) => {
                let rows: Value = records.iter().map(cells).collect();
                let named =
                    at < bare || records.first().is_none_or(|record| names(record) == wanted["header"]);
                rows == wanted["rows"] && named
            }
            None => wanted.get("error").is_some(),
        };
        if !same {
            wrong.push(wanted["raw"].to_string());
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), jobs.len(), wrong.join("\n"));
}
