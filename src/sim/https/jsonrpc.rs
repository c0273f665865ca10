//! Command lines over JSON-RPC 2.0: a list of commands in, a list of documents or texts out.

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::Answer;
use crate::sim::cli::Device;
use crate::sim::data::{JsonRpc, wrong_number};

const JSON: &str = "application/json";
/// Codes of errors: those of JSON-RPC, then those of servers of this sort.
const PARSE: i64 = -32_700;
const REQUEST: i64 = -32_600;
const METHOD: i64 = -32_601;
const PARAMETERS: i64 = -32_602;
const INVALID: i64 = 1_002;
const UNCONVERTED: i64 = 1_003;

/// What went wrong: code, message, and what the commands up to it gave.
type Failed = (i64, String, Option<Vec<Value>>);

/// Answers one request.
pub(super) fn answer(device: &Device, rpc: &JsonRpc, head: &Parts, body: &Bytes) -> Answer {
    if head.method != Method::POST {
        return super::plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    let request: Result<Value, _> = serde_json::from_slice(body);
    let id = request.as_ref().ok().and_then(|request| request.get("id")).cloned().unwrap_or_default();
    let done = match &request {
        Ok(request) => perform(device, rpc, request),
        Err(error) => Err((PARSE, format!("parse error: {error}"), None)),
    };
    let faults = &device.faults;
    let done = if faults.error_object {
        Err((-32_603, "internal error: the process that knows is not there".to_owned(), None))
    } else {
        done
    };
    let mut text = match done {
        Ok(results) => {
            repeated(json!({"jsonrpc": "2.0", "id": id, "result": results}), faults.huge).to_string()
        }
        Err((code, message, data)) => {
            let mut error = json!({"code": code, "message": message});
            if let (Some(data), Some(members)) = (data, error.as_object_mut()) {
                members.insert("data".to_owned(), Value::Array(data));
            }
            json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
        }
    };
    if faults.wrong_number {
        text = wrong_number(&text, ':', &[',', '}', ']']);
    }
    Answer::new(StatusCode::OK, JSON, text)
}

fn repeated(mut reply: Value, bytes: usize) -> Value {
    let written = if bytes > 0 { reply.to_string().len() } else { 0 };
    if bytes > written
        && let Some(Value::Array(results)) = reply.get_mut("result")
    {
        let once = results.clone();
        for _ in 0..bytes / written.max(1) {
            results.extend(once.iter().cloned());
        }
    }
    reply
}

fn perform(device: &Device, rpc: &JsonRpc, request: &Value) -> Result<Vec<Value>, Failed> {
    let failed = |code, message: String| Err((code, message, None));
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        return failed(REQUEST, "invalid request: no method".to_owned());
    };
    if method != rpc.method {
        return failed(METHOD, format!("method not found: {method}"));
    }
    let parameters = request.get("params").unwrap_or(&Value::Null);
    let Some(commands) = parameters.get("cmds").and_then(Value::as_array) else {
        return failed(PARAMETERS, "invalid parameters: no list of commands".to_owned());
    };
    let format = parameters.get("format").and_then(Value::as_str).unwrap_or("json");
    if format != "json" && format != "text" {
        return failed(PARAMETERS, format!("invalid parameters: no format {format}"));
    }
    let Some(mode) = device.dialect().mode(device.dialect().file.exec.mode.as_deref()).cloned() else {
        return failed(INVALID, "no session".to_owned());
    };
    let mut results = Vec::with_capacity(commands.len());
    for (place, command) in commands.iter().enumerate() {
        let line = command.as_str().or_else(|| command.get("cmd")?.as_str()).unwrap_or_default();
        let which = format!("CLI command {} of {} '{line}' failed", place + 1, commands.len());
        let mut refused = |code, why: &str, said: &str| {
            let mut data = std::mem::take(&mut results);
            data.push(json!({"errors": [said.trim().trim_start_matches("% ")]}));
            Err((code, format!("{which}: {why}"), Some(data)))
        };
        let plain = device.run(line, &mode);
        if plain.refused {
            return refused(INVALID, "invalid command", &plain.text);
        }
        if format == "text" {
            results.push(json!({"output": plain.text}));
            continue;
        }
        // What prints nothing has nothing to convert.
        if plain.text.is_empty() && plain.action.show.is_none() {
            results.push(json!({}));
            continue;
        }
        let printed = device.run(&format!("{line} | {}", rpc.form), &mode);
        let document: Option<Value> =
            (!printed.refused).then(|| serde_json::from_str(&printed.text).ok()).flatten();
        let Some(document) = document else {
            let said = "Command cannot be used over the API at this time. To see ASCII output, set \
                        format='text' in your request";
            return refused(UNCONVERTED, "unconverted command", said);
        };
        results.push(document);
    }
    Ok(results)
}
