//! Command lines over JSON-RPC 2.0 on HTTPS: what some devices offer beside their SSH server. How a request looks and where
//! in the answer the command's document stands is the platform's business, see [`crate::profile::JsonRpc`].

use std::fmt::Write as _;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::http::{Answer, Ask, Endpoint, Http};
use super::{Output, Request};
use crate::error::{Failure, FailureKind};
use crate::profile::JsonRpc;
use crate::text::clean_line;

/// What stands for the command in a platform's body.
const COMMAND: &str = "{command}";
/// How much of a device's own error is shown.
const SHOWN: usize = 400;

/// Command lines over JSON-RPC. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jsonrpc {
    http: Http,
}

impl Jsonrpc {
    /// On a client that others use, too.
    pub fn over(http: Http) -> Self {
        Self { http }
    }

    /// Sends one command; gives its document as JSON, or its text where the result is a text.
    pub async fn run(&self, request: &Request) -> Result<Output, Failure> {
        let platform = &request.platform;
        let form = platform.jsonrpc.as_ref().ok_or_else(|| {
            let message = format!("{} takes no commands over JSON-RPC", platform.title);
            Failure::new(FailureKind::Unsupported, message)
        })?;
        let endpoint = Endpoint::of(&request.device, &request.device.login.jsonrpc);
        let body = filled(&form.body, &request.command).to_string();
        let ask = Ask {
            method: Method::POST,
            path: form.path.clone(),
            accept: "application/json",
            body: Some((Bytes::from(body), form.content_type.clone())),
            deadline: request.deadline,
            cancel: request.cancel.clone(),
        };
        let answer = self.http.send(&endpoint, &ask).await?;
        let text = document(&endpoint, form, &request.command, &answer)?;
        Ok(Output { text, took: answer.took, warm: answer.warm, notes: endpoint.notes() })
    }
}

/// The body with the command in its place: as a value, whatever it holds.
fn filled(body: &Value, command: &str) -> Value {
    match body {
        Value::String(text) if text.contains(COMMAND) => Value::String(text.replace(COMMAND, command)),
        Value::Array(items) => items.iter().map(|item| filled(item, command)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), filled(value, command))).collect()
        }
        other => other.clone(),
    }
}

fn document(endpoint: &Endpoint, form: &JsonRpc, command: &str, answer: &Answer) -> Result<String, Failure> {
    let who = endpoint.who();
    let read: Result<Value, _> = serde_json::from_slice(&answer.body);
    // Errors come with whatever status: the document decides where there is one.
    let error = read.as_ref().ok().and_then(error);
    if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let message = format!("{who} refuses user or password of the connection `jsonrpc`");
        return Err(Failure::new(FailureKind::Auth, message).hint("check the login in the inventory"));
    }
    if answer.status == StatusCode::NOT_FOUND {
        let message = format!("{who} has nothing at {}", form.path);
        return Err(
            Failure::new(FailureKind::Unsupported, message).hint("switch its HTTP interface for commands on")
        );
    }
    if let Some(said) = error {
        let message = format!("{who} refused `{command}`: {said}");
        return Err(Failure::new(FailureKind::Rejected, message));
    }
    if !answer.status.is_success() {
        let message = format!("{who} answered {} to `{command}`", answer.status);
        return Err(Failure::new(FailureKind::Rejected, message));
    }
    let wrong = |what: String| {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Failure::new(FailureKind::Parse, format!("{who} answered `{command}` with {what}")).partial(text)
    };
    let value = read.map_err(|error| wrong(format!("no JSON: {error}")))?;
    let mut found = &value;
    for name in &form.result {
        let next = match found {
            Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
            other => other.get(name),
        };
        found = next.ok_or_else(|| wrong(format!("no `{name}` in its result")))?;
    }
    Ok(match found {
        Value::String(text) => text.clone(),
        // Nothing to show: what JSON has for that is not what a parser looks for.
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// The error of an answer (JSON-RPC 2.0, 5.1), with what the device put into its `data`.
fn error(answer: &Value) -> Option<String> {
    let answer = answer.as_array().and_then(|answers| answers.first()).unwrap_or(answer);
    let error = answer.get("error").filter(|error| !error.is_null())?;
    let mut said = error.get("message").and_then(Value::as_str).unwrap_or("an error").to_owned();
    let mut more = Vec::new();
    error.get("data").into_iter().for_each(|data| texts(data, &mut more));
    for text in more.into_iter().filter(|text| !text.trim().is_empty()).take(3) {
        let _ = write!(said, "; {}", text.trim());
    }
    Some(clean_line(&said).chars().take(SHOWN).collect())
}

/// Every text in a value, in order.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_is_a_value_of_the_body() {
        let body = json!({"params": {"cmds": ["{command}"], "version": 1}, "id": 1});
        let sent = filled(&body, "show \"x\"}");
        assert_eq!(sent, json!({"params": {"cmds": ["show \"x\"}"], "version": 1}, "id": 1}));
    }

    #[test]
    fn errors_are_told_with_their_data() {
        let said = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1002, "message": "invalid command",
            "data": [{"errors": ["Invalid input\n at token 1"]}]}});
        assert_eq!(error(&said).as_deref(), Some("invalid command; Invalid input  at token 1"));
        assert_eq!(error(&json!([{"error": {"message": "m"}}])).as_deref(), Some("m"));
        assert_eq!(error(&json!({"result": [], "error": null})), None);
    }
}
