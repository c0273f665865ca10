//! REST v4 of the stand-in for Mattermost.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::{BOT, FakeMattermost, State, id_of, is_id, is_login, now};
use crate::chat::shared::form::{Fate, Field, fields};
use crate::chat::shared::server::{Reply, Request};

/// The most of `props`, in characters.
const PROPS: usize = 800_000;

fn error(status: u16, id: &str) -> Reply {
    Reply::json(
        status,
        &json!({"id": id, "message": id, "detailed_error": "", "request_id": "r1", "status_code": status}),
    )
}

/// A client that breaks a rule gets the server's error, and is remembered.
fn wrong(state: &mut State, status: u16, id: &str) -> Reply {
    state.fault(id);
    error(status, id)
}

fn list<'a>(posts: impl Iterator<Item = &'a Value>) -> Reply {
    let mut found: Vec<&Value> = posts.collect();
    found.sort_by_key(|post| std::cmp::Reverse(post["create_at"].as_i64()));
    let order: Vec<&Value> = found.iter().map(|post| &post["id"]).collect();
    let posts: Map<String, Value> =
        found.iter().map(|post| (post["id"].as_str().unwrap().to_owned(), (*post).clone())).collect();
    Reply::json(200, &json!({"order": order, "posts": posts, "next_post_id": "", "prev_post_id": ""}))
}

impl FakeMattermost {
    pub(super) fn call(&self, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        if !is_login(request.header("authorization"), &state.token) {
            return error(401, "api.context.session_expired.app_error");
        }
        let Some(path) = request.path.strip_prefix("/api/v4/") else {
            return error(404, "api.context.404.app_error");
        };
        let call = format!("{} /{path}", request.method);
        let fate = state.fates.of(&call);
        match fate {
            Fate::Served | Fate::CutAfter | Fate::FailsAfter(_) => {}
            Fate::Fails(status) => return error(status, "app_error"),
            // As plain text, and not as an error of the interface.
            Fate::Limited(seconds) => {
                return Reply { status: 429, headers: Vec::new(), body: b"limit exceeded\n".to_vec() }
                    .with("Retry-After", seconds)
                    .with("X-RateLimit-Limit", 101)
                    .with("X-RateLimit-Remaining", 0)
                    .with("X-RateLimit-Reset", seconds);
            }
        }
        let writing = matches!(request.method.as_str(), "POST" | "PUT");
        if writing && path != "files" && !request.header("content-type").starts_with("application/json") {
            return wrong(state, 400, "api.content_type.app_error");
        }
        let reply = Self::serve_call(state, request, path);
        match fate {
            Fate::CutAfter => Reply::cut(),
            Fate::FailsAfter(status) => error(status, "app_error"),
            _ => reply,
        }
    }

    fn serve_call(state: &mut State, request: &Request, path: &str) -> Reply {
        let parts: Vec<&str> = path.split('/').collect();
        let body = request.json();
        let known = |id: &str| is_id(id) || id == "me";
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["users", "me"]) => {
                Reply::json(200, &json!({"id": BOT, "username": "nocbot", "is_bot": true}))
            }
            ("GET", ["users", "me", "teams"]) => {
                Reply::json(200, &json!([{"id": id_of("t1"), "name": "noc"}]))
            }
            ("GET", ["users", "me", "channels"]) => {
                let mut all = vec![
                    json!({"id": id_of("c1"), "type": "O", "team_id": id_of("t1"), "last_post_at": now()}),
                ];
                let direct = |id| json!({"id": id, "type": "D", "team_id": "", "last_post_at": now()});
                all.extend(state.directs.values().map(direct));
                Reply::json(200, &json!(all))
            }
            ("GET", ["users", id]) if is_id(id) => {
                let name = id.trim_end_matches('x');
                Reply::json(200, &json!({"id": id, "username": name, "is_bot": name.starts_with("robot")}))
            }
            ("POST", ["users", "ids"]) => {
                let ids = body.as_array().cloned().unwrap_or_default();
                if ids.is_empty() || !ids.iter().all(|id| id.as_str().is_some_and(is_id)) {
                    return wrong(state, 400, "api.context.invalid_body_param.app_error");
                }
                let people = ids.into_iter().filter(|id| {
                    let id = id.as_str().unwrap_or_default();
                    !id.starts_with('c') && !id.starts_with('t') && !id.starts_with("nobody")
                });
                let people: Vec<Value> = people.map(|id| json!({"id": id, "username": "somebody"})).collect();
                Reply::json(200, &json!(people))
            }
            ("GET", ["config", "client"]) if request.query.get("format").is_some_and(|it| it == "old") => {
                Reply::json(200, &json!({"MaxPostSize": state.most.to_string(), "Version": "11.0.0"}))
            }
            ("GET", ["teams", "name", "noc"]) => Reply::json(200, &json!({"id": id_of("t1"), "name": "noc"})),
            ("GET", ["teams", id]) if *id == id_of("t1") => Reply::json(200, &json!({"id": id})),
            ("GET", ["channels", id]) if *id == id_of("c1") => {
                Reply::json(200, &json!({"id": id, "type": "O"}))
            }
            ("GET", ["channels" | "teams", id]) if is_id(id) => error(404, "store.get.missing.app_error"),
            ("GET", ["channels" | "teams", place, "members", user]) if is_id(place) && is_id(user) => {
                if state.members.contains(&((*place).to_owned(), (*user).to_owned())) {
                    Reply::json(200, &json!({"user_id": user}))
                } else {
                    error(404, "store.sql_channel.get_member.missing.app_error")
                }
            }
            ("GET", ["channels", id, "posts"]) if is_id(id) => {
                let since = request.query.get("since").map_or(Ok(0), |since| since.parse::<i64>());
                let Ok(since) = since else { return wrong(state, 400, "api.context.invalid_url_param") };
                list(state.posts.iter().filter(|post| {
                    post["channel_id"] == **id && post["update_at"].as_i64().unwrap_or(0) >= since
                }))
            }
            ("GET", ["posts", root, "thread"]) if is_id(root) => {
                if !state.posts.iter().any(|post| post["id"] == **root) {
                    return error(404, "app.post.get.app_error");
                }
                list(state.posts.iter().filter(|post| post["root_id"] == **root || post["id"] == **root))
            }
            ("POST", ["channels", "direct"]) => {
                let pair: Vec<&str> =
                    body.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if pair.len() != 2 || !pair.iter().all(|id| is_id(id)) || !pair.contains(&BOT) {
                    return wrong(state, 400, "api.context.invalid_body_param.app_error");
                }
                let other = pair.into_iter().find(|id| *id != BOT).unwrap_or(BOT).to_owned();
                Reply::json(201, &json!({"id": state.direct(&other), "type": "D"}))
            }
            ("POST", ["users", id, "typing"]) if known(id) => Reply::json(200, &json!({"status": "OK"})),
            ("POST", ["reactions"]) => Self::react(state, &body),
            ("POST", ["posts", "ephemeral"]) => Self::whisper(state, &body),
            ("POST", ["files"]) => Self::upload(state, request),
            ("POST", ["posts"]) => Self::create(state, &body),
            ("PUT", ["posts", id, "patch"]) if is_id(id) => Self::patch(state, id, &body),
            ("DELETE", ["posts", id]) if is_id(id) => {
                let before = state.posts.len();
                state.posts.retain(|post| post["id"] != **id || post["user_id"] != BOT);
                if state.posts.len() == before {
                    return wrong(state, 403, "api.context.permissions.app_error");
                }
                state.emit("post_deleted", &json!({"post": json!({"id": id}).to_string()}));
                Reply::json(200, &json!({"status": "OK"}))
            }
            _ => {
                let call = format!("there is no {} /{path}", request.method);
                wrong(state, 404, &call)
            }
        }
    }

    fn react(state: &mut State, body: &Value) -> Reply {
        let emoji = body["emoji_name"].as_str().unwrap_or_default();
        let named =
            emoji.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"+_-".contains(&c));
        let known = state.posts.iter().any(|post| post["id"] == body["post_id"]);
        if emoji.is_empty() || !named || !known {
            return wrong(state, 400, "api.reaction.save_reaction.invalid.app_error");
        }
        if body["user_id"] != BOT {
            return wrong(state, 403, "api.reaction.save_reaction.user_id.app_error");
        }
        state.reactions.push(body.clone());
        state.emit("reaction_added", &json!({"reaction": body.to_string()}));
        Reply::json(201, body)
    }

    fn whisper(state: &mut State, body: &Value) -> Reply {
        let post = &body["post"];
        let told =
            body["user_id"].as_str().is_some_and(is_id) && post["channel_id"].as_str().is_some_and(is_id);
        let text = post["message"].as_str().unwrap_or_default();
        if !told || text.is_empty() || text.chars().count() > state.most {
            return wrong(state, 400, "api.context.invalid_body_param.app_error");
        }
        if !state.may_whisper {
            return error(403, "api.context.permissions.app_error");
        }
        let id = match post["id"].as_str() {
            Some(id) if is_id(id) => id.to_owned(),
            Some(_) => return wrong(state, 400, "model.post.is_valid.id.app_error"),
            None => state.id(),
        };
        // What the asker sees: a post with the same id takes its place.
        state.ephemeral.insert(id.clone(), body.clone());
        Reply::json(201, &json!({"id": id, "type": "system_ephemeral"}))
    }

    fn upload(state: &mut State, request: &Request) -> Reply {
        let parts = fields(request).unwrap_or_default();
        let channel = parts.iter().find(|part| part.name == "channel_id").map(Field::text);
        let channel = channel.or_else(|| request.query.get("channel_id").cloned()).unwrap_or_default();
        let files: Vec<_> = parts.iter().filter(|part| part.file.is_some()).collect();
        if !is_id(&channel) || files.is_empty() || files.len() > 10 {
            return wrong(state, 400, "api.file.upload_file.incorrect_channelId.app_error");
        }
        let mut infos = Vec::new();
        for file in files {
            let id = state.id();
            let name = file.file.clone().unwrap_or_default();
            state.files.insert(id.clone(), (format!("{name}\n{}", file.text()), channel.clone(), false));
            infos.push(json!({"id": id, "name": name, "size": file.body.len()}));
        }
        Reply::json(201, &json!({"file_infos": infos, "client_ids": []}))
    }

    fn create(state: &mut State, body: &Value) -> Reply {
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        let files: Vec<String> = body["file_ids"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let channel = text("channel_id").to_owned();
        if !is_id(&channel) {
            return wrong(state, 400, "api.context.invalid_body_param.app_error");
        }
        if text("message").chars().count() > state.most {
            return wrong(state, 400, "model.post.is_valid.message_length.app_error");
        }
        if text("message").trim().is_empty() && files.is_empty() {
            return wrong(state, 400, "api.post.create_post.empty.app_error");
        }
        if body["props"].to_string().chars().count() > PROPS {
            return wrong(state, 400, "model.post.is_valid.props.app_error");
        }
        let root = text("root_id").to_owned();
        let is_root = |post: &&Value| post["id"] == root.as_str() && post["root_id"] == "";
        let in_channel =
            state.posts.iter().find(is_root).is_some_and(|post| post["channel_id"] == channel.as_str());
        if !root.is_empty() && !in_channel {
            return wrong(state, 400, "api.post.create_post.root_id.app_error");
        }
        let pending = text("pending_post_id").to_owned();
        let window = state.pending;
        if let Some((at, id)) = state.pendings.get(&pending)
            && at.elapsed() < window
            && let Some(known) = state.posts.iter().find(|post| post["id"] == id.as_str())
        {
            return Reply::json(201, known);
        }
        for file in &files {
            match state.files.get_mut(file) {
                Some((_, there, used)) if *there == channel && !*used => *used = true,
                _ => return wrong(state, 400, "a file that is unknown, elsewhere or used already"),
            }
        }
        let mut post = body.clone();
        let id = state.id();
        for (key, value) in [
            ("id", json!(id)),
            ("user_id", json!(BOT)),
            ("root_id", json!(root)),
            ("create_at", json!(now())),
            ("update_at", json!(now())),
            ("edit_at", json!(0)),
            ("delete_at", json!(0)),
            ("type", json!("")),
        ] {
            post[key] = value;
        }
        post["props"]["from_bot"] = json!("true");
        if !pending.is_empty() {
            state.pendings.insert(pending, (Instant::now(), id));
        }
        state.posts.push(post.clone());
        // Own posts come back.
        let kind = if channel.starts_with('d') { "D" } else { "O" };
        let data = json!({"post": post.to_string(), "channel_type": kind, "sender_name": "@nocbot"});
        state.emit("posted", &data);
        Reply::json(201, &post)
    }

    fn patch(state: &mut State, id: &str, body: &Value) -> Reply {
        let Some(at) = state.posts.iter().position(|post| post["id"] == id) else {
            return error(404, "app.post.get.app_error");
        };
        if state.posts[at]["user_id"] != BOT {
            return wrong(state, 403, "api.context.permissions.app_error");
        }
        let message = body["message"].as_str();
        if message.is_some_and(|text| text.chars().count() > state.most) {
            return wrong(state, 400, "model.post.is_valid.message_length.app_error");
        }
        if let Some(message) = message {
            state.posts[at]["message"] = json!(message);
        }
        // What is given takes the place of all of them.
        if body["props"].is_object() {
            state.posts[at]["props"] = body["props"].clone();
        }
        state.posts[at]["edit_at"] = json!(now());
        state.posts[at]["update_at"] = json!(now());
        let post = state.posts[at].clone();
        state.emit("post_edited", &json!({"post": post.to_string()}));
        Reply::json(200, &post)
    }
}
