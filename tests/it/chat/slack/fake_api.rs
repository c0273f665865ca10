//! The Web API of the stand-in for Slack: content types, arguments, scopes, limits, Block Kit.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::block_kit;
use crate::chat::shared::server::{Reply, Request};
use crate::chat::slack::fake::{BOT, FakeSlack, Refuse, State, Upload};

impl FakeSlack {
    pub(super) fn call(&self, method: &str, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        *state.calls.entry(method.to_owned()).or_default() += 1;
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let token = request.header("authorization");
        let wanted = match method {
            "apps.connections.open" => &format!("Bearer {}", state.tokens[1]),
            "apps.manifest.export" => "Bearer xoxe-1",
            _ => &format!("Bearer {}", state.tokens[0]),
        };
        if token != wanted {
            return no(match token {
                "" => "not_authed",
                "Bearer xoxb-1" | "Bearer xapp-1" => "not_allowed_token_type",
                _ => "invalid_auth",
            });
        }
        let now = Instant::now();
        if let Some(until) = state.closed.get(method).copied() {
            if now < until {
                state.early += 1;
                let rest = (until - now).as_secs() + 1;
                return Reply::json(429, &json!({"ok": false, "error": "ratelimited"}))
                    .with("Retry-After", rest);
            }
            state.closed.remove(method);
        }
        let mut cut_after = false;
        let retry_after = state.retry_after.clone();
        if let Some((times, status)) = state.failing.get_mut(method)
            && *times > 0
        {
            *times -= 1;
            match *status {
                0 => cut_after = true,
                status @ (200 | 429) => {
                    let wait = Duration::from_secs_f64(retry_after.parse().unwrap());
                    state.closed.insert(method.into(), now + wait);
                    return Reply::json(status, &json!({"ok": false, "error": "ratelimited"}))
                        .with("Retry-After", retry_after);
                }
                status => return Reply { status, headers: Vec::new(), body: b"oops".to_vec() },
            }
        }
        let reply = match arguments(method, request) {
            Ok(arguments) => {
                if is_writing(method) {
                    state.bodies.push((method.to_owned(), arguments.clone()));
                }
                Self::carry_out(&mut state, method, &arguments)
            }
            Err(why) => {
                state.fault(format!("{method}: {why}"));
                no("invalid_form_data")
            }
        };
        if cut_after { Reply::cut() } else { reply.with("x-oauth-scopes", &state.scopes) }
    }

    fn carry_out(state: &mut State, method: &str, arguments: &Map<String, Value>) -> Reply {
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let yes = |mut body: Value| {
            body["ok"] = json!(true);
            Reply::json(200, &body)
        };
        let arg = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let channel = if method.starts_with("files.") { arg("channel_id") } else { arg("channel") };
        let Some((scope, known)) = method_of(method) else {
            state.fault(format!("no such method: {method}"));
            return no("unknown_method");
        };
        let own = ["token", "team_id"];
        if let Some(key) =
            arguments.keys().find(|key| !known.contains(&key.as_str()) && !own.contains(&key.as_str()))
        {
            state.fault(format!("{method} has no argument {key}"));
        }
        let scope = match (scope, channel.chars().next()) {
            ("history", Some('D')) => "im:history",
            ("history", _) => "channels:history",
            (scope, _) => scope,
        };
        if !scope.is_empty() && !state.has(scope) {
            return Reply::json(
                200,
                &json!({"ok": false, "error": "missing_scope", "needed": scope, "provided": state.scopes}),
            );
        }
        match method {
            "auth.test" => {
                yes(json!({"url": "https://noc.example/", "user_id": BOT, "user": "nocbot", "bot_id": "B1",
                "team_id": "T1", "team": "NOC", "is_enterprise_install": false}))
            }
            "apps.connections.open" => {
                state.next += 1;
                let ticket = format!("ticket-{}", state.next);
                let url = format!("ws://{}/link/?ticket={ticket}&app_id=A1", state.base);
                state.tickets.insert(ticket, Instant::now());
                yes(json!({"url": url}))
            }
            "apps.manifest.export" => yes(json!({"manifest": state.manifest})),
            "users.info" => {
                let id = arg("user");
                yes(
                    json!({"user": {"id": id, "name": id.to_lowercase(), "real_name": format!("name of {id}"),
                    "profile": {"display_name": ""}, "team_id": "T1", "is_restricted": id == "UGUEST"}}),
                )
            }
            "usergroups.users.list" => yes(json!({"users": ["U1"]})),
            "chat.postMessage" | "chat.postEphemeral" | "chat.update" => {
                Self::message(state, method, arguments)
            }
            "chat.delete" => {
                let ts = arg("ts");
                let before = state.messages.len();
                state.messages.retain(|message| message["ts"] != ts.as_str());
                if before == state.messages.len() { no("message_not_found") } else { yes(json!({"ts": ts})) }
            }
            "conversations.replies" | "conversations.history" => Self::look(state, method, arguments),
            "reactions.add" => {
                let at = (channel, arg("timestamp"));
                if arg("name").is_empty() || arg("name").contains(':') {
                    state.fault("a reaction's name goes without colons");
                    return no("invalid_name");
                }
                if !state.roots.contains(&at) && !state.replies.contains(&at) {
                    return no("message_not_found");
                }
                let new = state.reactions.insert(format!("{at:?}{}", arg("name")));
                if new { yes(json!({})) } else { no("already_reacted") }
            }
            "files.getUploadURLExternal" => {
                let length = arg("length").parse().unwrap_or(0);
                if length == 0 || arg("filename").is_empty() {
                    state.fault("an upload without name or length");
                    return no("invalid_arguments");
                }
                state.next += 1;
                let id = format!("F{}", state.next);
                let url = format!("http://{}/upload/{id}", state.base);
                let upload = Upload { name: arg("filename"), length, ..Upload::default() };
                state.uploads.insert(id.clone(), upload);
                yes(json!({"upload_url": url, "file_id": id}))
            }
            "files.completeUploadExternal" => Self::complete(state, arguments),
            _ => unreachable!(),
        }
    }

    /// Whether something may stand in this thread of this channel.
    fn thread_of(
        state: &mut State,
        arguments: &Map<String, Value>,
        channel: &str,
    ) -> Result<(), &'static str> {
        let Some(thread) = arguments.get("thread_ts").and_then(Value::as_str) else { return Ok(()) };
        let at = (channel.to_owned(), thread.to_owned());
        if state.replies.contains(&at)
            || state.messages.iter().any(|m| m["ts"] == thread && m["thread_ts"].is_string())
        {
            state.fault("thread_ts is a reply's, not its parent's");
            return Err("thread_not_found");
        }
        let own = state.messages.iter().any(|message| message["ts"] == thread);
        if own || state.roots.contains(&at) { Ok(()) } else { Err("thread_not_found") }
    }

    fn message(state: &mut State, method: &str, arguments: &Map<String, Value>) -> Reply {
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let arg = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
        let (text, channel) = (arg("text"), arg("channel"));
        let empty = json!([]);
        let blocks = arguments.get("blocks").filter(|blocks| !blocks.is_null()).unwrap_or(&empty);
        let update = method == "chat.update";
        let refused = |code: &str, why: &str| {
            Reply::json(
                200,
                &json!({"ok": false, "error": code, "errors": [why],
                "response_metadata": {"messages": [format!("[ERROR] {why}")]}}),
            )
        };
        if let Err((code, why)) = block_kit::check(blocks) {
            state.fault(format!("{method}: {code}: {why}: {blocks}"));
            return refused(code, &why);
        }
        let has_blocks = *blocks != empty;
        if text.is_empty() {
            state.fault(format!("{method} without a text for notifications"));
            if !has_blocks {
                return no("no_text");
            }
        }
        if block_kit::length(text) > 40_000 {
            state.fault("a text that would be cut");
        }
        if update && block_kit::length(text) > 4000 {
            state.fault("an edit with more than 4,000 characters");
            return no("msg_too_long");
        }
        match state.refuse {
            Refuse::Tables if blocks.to_string().contains("\"type\":\"table\"") => {
                return refused("invalid_blocks", "unsupported type: table [json-pointer:/blocks/1]");
            }
            Refuse::Blocks if has_blocks => return refused("invalid_blocks", "no blocks here"),
            Refuse::Messages => return no("msg_too_long"),
            _ => {}
        }
        if channel.starts_with("CNOT") {
            return no("not_in_channel");
        }
        if update {
            state.edits += 1;
            let found = state.messages.iter_mut().find(|m| m["ts"] == arg("ts") && m["channel"] == channel);
            let Some(found) = found else { return no("message_not_found") };
            let ids = |blocks: &Value| -> BTreeSet<String> {
                let blocks = blocks.as_array().into_iter().flatten();
                blocks.filter_map(|block| block["block_id"].as_str().map(str::to_owned)).collect()
            };
            if !ids(&found["blocks"]).is_disjoint(&ids(blocks)) {
                state.faults.push("an edit with a block_id that stood there before".into());
            }
            found["text"] = json!(text);
            if arguments.contains_key("blocks") {
                found["blocks"] = blocks.clone();
            }
            return Reply::json(200, &json!({"ok": true, "channel": channel, "ts": arg("ts"), "text": text}));
        }
        if let Err(code) = Self::thread_of(state, arguments, channel) {
            state.fault(format!("{method}: {code}: {}", arg("thread_ts")));
            return no(code);
        }
        if let Some(burst) = state.burst {
            let (left, since) = state.left.get(channel).copied().unwrap_or((burst, Instant::now()));
            let left = (left + since.elapsed().as_secs_f64()).min(burst);
            if left < 1.0 {
                state.limited += 1;
                return Reply::json(429, &json!({"ok": false, "error": "ratelimited"}))
                    .with("Retry-After", 1);
            }
            state.left.insert(channel.to_owned(), (left - 1.0, Instant::now()));
        }
        let ts = state.ts();
        let mut message = Value::Object(arguments.clone());
        message["ts"] = json!(ts);
        if method == "chat.postEphemeral" {
            let user = arg("user").to_owned();
            if user.is_empty() || state.gone.contains(&(channel.to_owned(), user)) {
                return no("user_not_in_channel");
            }
            let (thread, at) = (arg("thread_ts"), (channel.to_owned(), arg("thread_ts").to_owned()));
            let begun = state.messages.iter().any(|m| m["thread_ts"] == thread) || state.begun.contains(&at);
            if !thread.is_empty() && !begun {
                state.fault(format!(
                    "an ephemeral message in the thread {thread}, which has no reply: nobody sees it"
                ));
            }
            state.ephemeral.push(message);
            return Reply::json(200, &json!({"ok": true, "message_ts": ts}));
        }
        let key = arg("client_msg_id").to_owned();
        if let Some(ts) = state.keyed.get(&key) {
            return Reply::json(200, &json!({"ok": true, "ts": ts, "channel": channel}));
        }
        if !key.is_empty() {
            state.keyed.insert(key, ts.clone());
        }
        state.messages.push(message.clone());
        Reply::json(200, &json!({"ok": true, "ts": ts, "channel": channel, "message": message}))
    }

    /// A page of what stands in a channel or a thread.
    fn look(state: &mut State, method: &str, arguments: &Map<String, Value>) -> Reply {
        let arg = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
        let (channel, thread) = (arg("channel"), arg("ts"));
        let at = (channel.to_owned(), thread.to_owned());
        let replies = method == "conversations.replies";
        if replies && !state.roots.contains(&at) && !state.messages.iter().any(|m| m["ts"] == thread) {
            return Reply::json(200, &json!({"ok": false, "error": "thread_not_found"}));
        }
        let mut found: Vec<Value> = state.messages.iter().chain(&state.files).cloned().collect();
        found.retain(|message| {
            message["channel"] == channel && message["ts"].as_str().unwrap() > arg("oldest")
        });
        if replies {
            found.retain(|message| message["thread_ts"] == thread);
        } else {
            found.retain(|message| message["thread_ts"].is_null());
        }
        found.sort_by_key(|message| message["ts"].as_str().unwrap().to_owned());
        if replies {
            found.insert(0, json!({"ts": thread, "text": "the question"}));
        } else {
            found.reverse();
        }
        if arg("include_all_metadata") != "true" {
            for message in &mut found {
                message.as_object_mut().unwrap().remove("metadata");
            }
        }
        let limit: usize = arg("limit").parse().unwrap_or(100).min(200);
        let from: usize = arg("cursor").parse().unwrap_or(0);
        let next = if from + limit < found.len() { (from + limit).to_string() } else { String::new() };
        let page: Vec<Value> = found.into_iter().skip(from).take(limit).collect();
        let more = !next.is_empty();
        Reply::json(
            200,
            &json!({"ok": true, "messages": page, "has_more": more, "response_metadata": {"next_cursor": next}}),
        )
    }

    fn complete(state: &mut State, arguments: &Map<String, Value>) -> Reply {
        let no = |error: &str| Reply::json(200, &json!({"ok": false, "error": error}));
        let arg = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
        let channel = arg("channel_id");
        let channel = if channel.is_empty() { arg("channels") } else { channel };
        if channel.starts_with("CNOT") {
            return no("channel_not_found");
        }
        if let Err(code) = Self::thread_of(state, arguments, channel) {
            state.fault(format!("a file: {code}"));
            return no(code);
        }
        let empty = Vec::new();
        let mut done = Vec::new();
        for file in arguments.get("files").and_then(Value::as_array).unwrap_or(&empty) {
            let id = file["id"].as_str().unwrap_or_default();
            let ts = state.ts();
            let Some(upload) = state.uploads.get_mut(id) else { return no("file_not_found") };
            if upload.bytes.len() != upload.length {
                let why = format!("{} bytes uploaded, {} announced", upload.bytes.len(), upload.length);
                state.fault(why);
                return no("file_upload_size_restricted");
            }
            if upload.done {
                state.fault("an upload was completed twice");
                return no("file_already_completed");
            }
            upload.done = true;
            let text = String::from_utf8(upload.bytes.clone()).unwrap();
            let title = if file["title"].is_string() { file["title"].clone() } else { json!(upload.name) };
            let own = json!({"id": id, "name": upload.name, "title": title});
            done.push(own.clone());
            let name = upload.name.clone();
            state.files.push(json!({"name": name, "text": text, "channel": channel, "ts": ts,
                "thread_ts": arguments.get("thread_ts"), "comment": arguments.get("initial_comment"), "files": [own]}));
        }
        Reply::json(200, &json!({"ok": !done.is_empty(), "files": done}))
    }

    pub(super) fn respond(&self, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        if !request.header("authorization").is_empty() {
            state.fault("the token was sent to a response address");
        }
        let mut message = request.json();
        if let Some(body) = message.as_object() {
            state.bodies.push(("response_url".into(), body.clone()));
        }
        let no = |error: &str| Reply::json(404, &json!({"ok": false, "error": error}));
        let Some(uses) = state.addresses.get_mut(&request.path) else { return no("expired_url") };
        *uses += 1;
        if *uses > 5 {
            return no("used_url");
        }
        if let Some(blocks) = message.get("blocks")
            && let Err((code, why)) = block_kit::check(blocks)
        {
            state.fault(format!("a response: {code}: {why}"));
            return Reply::json(200, &json!({"ok": false, "error": code}));
        }
        message["response_url"] = json!(request.path);
        state.ephemeral.push(message);
        Reply { status: 200, headers: Vec::new(), body: b"ok".to_vec() }
    }

    pub(super) fn take_upload(&self, id: &str, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        if !request.header("authorization").is_empty() {
            state.leaks += 1;
        }
        let kind = request.header("content-type");
        let bytes = match kind.split_once("boundary=") {
            Some((_, boundary)) => only_part(&request.body, boundary),
            None => request.body.clone(),
        };
        let Some(upload) = state.uploads.get_mut(id) else { return Reply::json(404, &json!({})) };
        let length = bytes.len();
        upload.bytes = bytes;
        Reply { status: 200, headers: Vec::new(), body: format!("OK - {length}").into_bytes() }
    }
}

/// The bytes of a body of one part (RFC 7578).
fn only_part(body: &[u8], boundary: &str) -> Vec<u8> {
    let find = |what: &[u8], from: usize| {
        body[from..].windows(what.len()).position(|window| window == what).map(|at| at + from)
    };
    let begin = find(b"\r\n\r\n", 0).unwrap() + 4;
    let end = find(format!("\r\n--{}", boundary.trim_matches('"')).as_bytes(), begin).unwrap();
    body[begin..end].to_vec()
}

fn is_writing(method: &str) -> bool {
    method.starts_with("chat.") || ["files.completeUploadExternal", "reactions.add"].contains(&method)
}

/// Reading methods take no JSON; writing ones take both.
fn arguments(method: &str, request: &Request) -> Result<Map<String, Value>, String> {
    if request.method != "POST" && request.method != "GET" {
        return Err(format!("by {}", request.method));
    }
    let writes = is_writing(method);
    let kind = request.header("content-type").to_ascii_lowercase();
    let mut out = Map::new();
    let mut fields = request.query.clone();
    // The vendor's client for Python names JSON even where it sends nothing.
    if kind.starts_with("application/json") && !request.body.is_empty() {
        if !writes {
            return Err("it takes no JSON".into());
        }
        if !kind.replace(' ', "").ends_with("charset=utf-8") {
            return Err("JSON without its charset".into());
        }
        match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => out = body,
            _ => return Err("its JSON cannot be read".into()),
        }
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        fields.extend(request.form());
    } else if !request.body.is_empty() {
        return Err(format!("the content type {kind}"));
    }
    for (key, value) in fields {
        let nested = ["blocks", "attachments", "metadata", "files"].contains(&key.as_str());
        let value = if nested {
            serde_json::from_str(&value).map_err(|_| format!("{key} is no JSON"))?
        } else {
            json!(value)
        };
        out.insert(key, value);
    }
    Ok(out)
}

/// The scope that a method needs, and its arguments.
fn method_of(method: &str) -> Option<(&'static str, &'static [&'static str])> {
    Some(match method {
        "auth.test" | "apps.connections.open" => ("", &[]),
        "apps.manifest.export" => ("", &["app_id"]),
        "users.info" => ("users:read", &["user", "include_locale"]),
        "usergroups.users.list" => ("usergroups:read", &["usergroup", "include_disabled"]),
        "chat.postMessage" => (
            "chat:write",
            &[
                "channel",
                "text",
                "blocks",
                "attachments",
                "thread_ts",
                "reply_broadcast",
                "unfurl_links",
                "unfurl_media",
                "mrkdwn",
                "metadata",
                "parse",
                "link_names",
                "client_msg_id",
            ],
        ),
        "chat.postEphemeral" => (
            "chat:write",
            &["channel", "user", "text", "blocks", "attachments", "thread_ts", "parse", "link_names"],
        ),
        "chat.update" => (
            "chat:write",
            &[
                "channel",
                "ts",
                "text",
                "blocks",
                "attachments",
                "metadata",
                "parse",
                "link_names",
                "reply_broadcast",
            ],
        ),
        "chat.delete" => ("chat:write", &["channel", "ts"]),
        "conversations.replies" => (
            "history",
            &["channel", "ts", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
        ),
        "conversations.history" => (
            "history",
            &["channel", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
        ),
        "reactions.add" => ("reactions:write", &["channel", "timestamp", "name"]),
        "files.getUploadURLExternal" => ("files:write", &["filename", "length", "alt_txt", "snippet_type"]),
        "files.completeUploadExternal" => {
            ("files:write", &["files", "channel_id", "channels", "thread_ts", "initial_comment", "blocks"])
        }
        _ => return None,
    })
}
