//! Catalog, registration and REST of the stand-in for Webex.

use serde_json::{Value, json};

use super::{BOT_UUID, DEVICES, FakeWebex, State, bot, now, person, public, room, uuid};
use crate::chat::shared::form::{Fate, fields};
use crate::chat::shared::server::{Reply, Request};

/// The most of `text` and of `markdown`, in bytes.
const MOST: usize = 7439;
const EDITS: usize = 10;
const CARD: &str = "application/vnd.microsoft.card.adaptive";

fn no(status: u16, why: &str) -> Reply {
    let body = json!({"message": why, "errors": [{"description": why}], "trackingId": "ROUTER_1"});
    Reply::json(status, &body).with("trackingId", "ROUTER_1")
}

/// A client that breaks a rule gets the platform's error, and is remembered.
fn wrong(state: &mut State, why: impl Into<String>) -> Reply {
    let why = why.into();
    state.fault(why.clone());
    no(400, &why)
}

/// Whether there is one of something that comes in lists.
fn some(list: &Value) -> bool {
    list.as_array().is_some_and(|list| !list.is_empty())
}

impl State {
    pub(super) fn device(&self, id: &str, name: &str) -> Value {
        let base = &self.base;
        json!({"name": name, "url": format!("http://{base}/wdm/api/v1/devices/{id}"),
            "webSocketUrl": format!("ws://{base}/mercury/{id}"), "deviceType": "DESKTOP", "services": {}, "features": {}})
    }

    /// What a bot may read: its own, what mentions it, and what is between two.
    fn may_read(message: &Value) -> bool {
        message["personId"] == bot()
            || message["roomType"] == "direct"
            || message["mentionedPeople"].as_array().is_some_and(|people| people.contains(&json!(bot())))
    }
}

impl FakeWebex {
    pub(super) fn call(&self, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        if request.header("authorization") != format!("Bearer {}", state.token) {
            return no(
                401,
                "The request requires a valid access token set in the Authorization request header.",
            );
        }
        let path = request.path.as_str();
        let call = format!("{} {path}", request.method);
        let fate = state.fates.of(&call);
        match fate {
            Fate::Served | Fate::CutAfter | Fate::FailsAfter(_) => {}
            Fate::Fails(status) => return no(status, "failed"),
            Fate::Limited(seconds) => return no(429, "too many requests").with("Retry-After", seconds),
        }
        let json_body = request.header("content-type").starts_with("application/json");
        if matches!(request.method.as_str(), "PUT" | "POST") && path != "/v1/messages" && !json_body {
            return wrong(state, format!("{call} is no JSON"));
        }
        let reply = Self::serve_call(state, request, &call);
        match fate {
            Fate::CutAfter => Reply::cut(),
            Fate::FailsAfter(status) => no(status, "failed"),
            _ => reply,
        }
    }

    fn serve_call(state: &mut State, request: &Request, call: &str) -> Reply {
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        let query = |key: &str| request.query.get(key).cloned().unwrap_or_default();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["u2c", "api", "v1", "catalog"]) if query("format") == "hostmap" => {
                let wdm = format!("http://{}/wdm/api/v1", state.base);
                Reply::json(200, &json!({"serviceLinks": {"wdm": wdm}, "hostCatalog": {}}))
            }
            (method, ["wdm", "api", "v1", "devices", rest @ ..]) => {
                Self::registration(state, method, rest.first().copied(), request)
            }
            ("GET", ["v1", "people", id]) => {
                if *id == "me" || uuid(id) == BOT_UUID {
                    return Reply::json(
                        200,
                        &json!({"id": bot(), "displayName": "nocbot", "type": "bot",
                        "emails": ["nocbot@webex.bot"], "avatar": "https://avatar.example/1", "orgId": "O",
                        "created": now(), "nickName": "nocbot", "userName": "nocbot@webex.bot"}),
                    );
                }
                let Some(name) = uuid(id).strip_prefix("person-").map(str::to_owned) else {
                    return no(404, "no such person");
                };
                Reply::json(
                    200,
                    &json!({"id": person(&name), "emails": [format!("{name}@noc.example")], "type": "person"}),
                )
            }
            ("GET", ["v1", "rooms"]) => Reply::json(
                200,
                &json!({"items": [
                {"id": room(true), "type": "direct", "lastActivity": now(), "title": "alice"},
                {"id": room(false), "type": "group", "lastActivity": now(), "title": "noc"}]}),
            ),
            ("GET", ["v1", "memberships"]) => {
                let member = state.members.contains(&(query("roomId"), query("personId")));
                let items = if member { json!([{"personId": query("personId")}]) } else { json!([]) };
                Reply::json(200, &json!({"items": items}))
            }
            // The way from an event to the public id, wherever the message is kept.
            ("GET", ["conversation", "api", "v1", "messages", id]) => {
                Reply::json(200, &json!({"id": public("MESSAGE", id)}))
            }
            ("GET", ["conversation", "api", "v1", "attachment", "actions", id]) => {
                Reply::json(200, &json!({"id": public("ATTACHMENT_ACTION", id)}))
            }
            ("GET", ["v1", "messages", id]) => {
                if state.late > 0 {
                    state.late -= 1;
                    return no(404, "not yet");
                }
                let message =
                    state.messages.iter().find(|message| uuid(message["id"].as_str().unwrap()) == uuid(id));
                match message {
                    Some(message) if State::may_read(message) => Reply::json(200, message),
                    Some(_) => no(403, "Failed to get activity."),
                    None => no(404, "Could not find a message"),
                }
            }
            ("GET", ["v1", "attachment", "actions", id]) => {
                state.actions.get(*id).map_or_else(|| no(404, "no action"), |action| Reply::json(200, action))
            }
            ("GET", ["v1", "messages"]) => Self::list(state, request),
            ("POST", ["v1", "messages"]) => Self::create(state, request),
            ("PUT", ["v1", "messages", id]) => Self::edit(state, id, &request.json()),
            ("DELETE", ["v1", "messages", id]) => {
                let at = state.messages.iter().position(|message| message["id"] == **id);
                match at {
                    Some(at) if state.messages[at]["personId"] == bot() => {
                        state.messages.remove(at);
                        Reply { status: 204, headers: Vec::new(), body: Vec::new() }
                    }
                    Some(_) => no(403, "not yours"),
                    None => no(404, "no message"),
                }
            }
            _ => {
                state.fault(format!("there is no {call}"));
                no(404, "no such call")
            }
        }
    }

    fn registration(state: &mut State, method: &str, id: Option<&str>, request: &Request) -> Reply {
        let body = request.json();
        let keys =
            ["deviceName", "deviceType", "localizedModel", "model", "name", "systemName", "systemVersion"];
        if method == "POST" || method == "PUT" {
            for key in keys {
                if !body[key].is_string() {
                    return wrong(state, format!("a device without {key}"));
                }
            }
        }
        match (method, id) {
            ("GET", None) if state.devices.is_empty() => no(404, "no devices"),
            ("GET", None) => {
                Reply::json(200, &json!({"devices": state.devices.values().collect::<Vec<_>>()}))
            }
            ("POST", None) if state.devices.len() >= DEVICES => {
                no(403, "User has excessive device registrations")
            }
            ("POST", None) => {
                state.registered += 1;
                let id = state.uuid();
                let device = state.device(&id, body["name"].as_str().unwrap());
                state.devices.insert(id, device.clone());
                Reply::json(200, &device)
            }
            ("PUT", Some(id)) => match state.devices.get(id) {
                Some(device) => Reply::json(200, device),
                None => no(404, "no such device"),
            },
            ("DELETE", Some(id)) => match state.devices.remove(id) {
                Some(_) => Reply { status: 204, headers: Vec::new(), body: Vec::new() },
                None => no(404, "no such device"),
            },
            _ => no(405, "no"),
        }
    }

    fn list(state: &mut State, request: &Request) -> Reply {
        let query = |key: &str| request.query.get(key).cloned().unwrap_or_default();
        let most: usize = query("max").parse().unwrap_or(50);
        let group = query("roomId") != room(true);
        if query("roomId").is_empty() || most > 1000 {
            return wrong(state, "a list of no room, or of too much");
        }
        let mentioned = query("mentionedPeople");
        if group && mentioned != "me" && mentioned != bot() {
            state.fault("a bot lists a space without mentionedPeople");
            return no(403, "Failed to get activity.");
        }
        if !mentioned.is_empty() && most > 100 {
            return wrong(state, "no more than 100 together with mentionedPeople");
        }
        let before = query("beforeMessage");
        let mut found: Vec<&Value> = state.messages.iter().rev().collect();
        if !before.is_empty() {
            let at = found.iter().position(|message| message["id"] == before.as_str());
            found.drain(..at.map_or(0, |at| at + 1));
        }
        found.retain(|message| {
            message["roomId"] == query("roomId").as_str()
                && (query("parentId").is_empty() || message["parentId"] == query("parentId").as_str())
                && (mentioned.is_empty()
                    || message["mentionedPeople"].as_array().is_some_and(|all| all.contains(&json!(bot()))))
        });
        found.truncate(most);
        Reply::json(200, &json!({"items": found}))
    }

    fn create(state: &mut State, request: &Request) -> Reply {
        let mut message = json!({});
        if request.header("content-type").starts_with("multipart/form-data") {
            let Some(parts) = fields(request) else { return wrong(state, "a form that is none") };
            for part in parts {
                if let Some(name) = &part.file {
                    if message["files"].is_array() {
                        return wrong(state, "only one file");
                    }
                    message["files"] = json!([format!("https://files.example/{name}")]);
                    message["file"] = json!(format!("{name}\n{}", part.text()));
                } else {
                    message[&part.name] = json!(part.text());
                }
            }
        } else if request.header("content-type").starts_with("application/json") {
            message = request.json();
        } else {
            return wrong(state, "neither JSON nor a form");
        }
        let given = |key: &str| message[key].as_str().is_some_and(|text| !text.is_empty());
        if ["roomId", "toPersonId", "toPersonEmail"].into_iter().filter(|key| given(key)).count() != 1 {
            return wrong(state, "exactly one of roomId, toPersonId, toPersonEmail");
        }
        let direct = !given("roomId") || message["roomId"] == room(true);
        if given("roomId") && message["roomId"] != room(true) && message["roomId"] != room(false) {
            return no(404, "no such room");
        }
        for key in ["text", "markdown"] {
            if message[key].as_str().is_some_and(|text| text.len() > MOST) {
                return wrong(state, format!("{key} is too long"));
            }
        }
        let card = message["attachments"].as_array().cloned().unwrap_or_default();
        if card.len() > 1 || message["files"].as_array().is_some_and(|files| files.len() > 1) {
            return wrong(state, "one attachment, one file");
        }
        if !given("text") && !given("markdown") && !some(&message["files"]) {
            return wrong(state, "a message that says nothing");
        }
        if let Some(card) = card.first()
            && (card["contentType"] != CARD
                || card["content"]["type"] != "AdaptiveCard"
                || !["1.0", "1.1", "1.2", "1.3"].iter().any(|version| card["content"]["version"] == *version))
        {
            return wrong(state, "an attachment that is no card");
        }
        let here = room(direct);
        if let Some(parent) = message["parentId"].as_str().map(str::to_owned) {
            let known = state.messages.iter().find(|m| uuid(m["id"].as_str().unwrap()) == uuid(&parent));
            match known.map(|known| (known["parentId"].is_string(), known["roomId"] == here.as_str())) {
                None => return no(404, "the parent is gone"),
                Some((true, _)) => return wrong(state, "a reply to a reply"),
                Some((_, false)) => return wrong(state, "a reply in another room"),
                Some(_) => message["parentId"] = json!(public("MESSAGE", &uuid(&parent))),
            }
        }
        let id = state.uuid();
        for (key, value) in [
            ("id", json!(public("MESSAGE", &id))),
            ("roomId", json!(here)),
            ("roomType", json!(if direct { "direct" } else { "group" })),
            ("personId", json!(bot())),
            ("personEmail", json!("nocbot@webex.bot")),
            ("created", json!(now())),
        ] {
            message[key] = value;
        }
        state.messages.push(message.clone());
        if !state.deaf_to_own {
            let parent = message["parentId"].as_str().map(uuid);
            let activity = state.activity("post", &id, "nocbot", "BOT", direct, parent.as_deref());
            state.event(&activity);
        }
        Reply::json(200, &message)
    }

    fn edit(state: &mut State, id: &str, body: &Value) -> Reply {
        let Some(at) = state.messages.iter().position(|message| message["id"] == id) else {
            return no(404, "no message");
        };
        let known = state.messages[at].clone();
        if known["personId"] != bot() || body["roomId"] != known["roomId"] {
            return wrong(state, "an edit of what is not ours, or in another room");
        }
        if some(&known["attachments"]) || some(&known["files"]) {
            return wrong(state, "cards and files cannot be edited");
        }
        if ["text", "markdown"]
            .into_iter()
            .any(|key| body[key].as_str().is_some_and(|text| text.len() > MOST))
        {
            return wrong(state, "an edit is too long");
        }
        let edits = state.edits.entry(id.into()).or_default();
        *edits += 1;
        if *edits > EDITS {
            return no(400, "a message can be edited ten times");
        }
        for key in ["text", "markdown"] {
            if body[key].is_string() {
                state.messages[at][key] = body[key].clone();
            }
        }
        Reply::json(200, &state.messages[at])
    }
}
