//! Calls of the Web API and what its answers mean: almost every failure comes with status 200 and a code.

use std::time::Duration;

use hyper::Method;
use hyper::header::RETRY_AFTER;
use serde_json::Value;

use super::Slack;
use crate::chat::link::http::Reply;
use crate::chat::link::{Ask, Trouble, rest};

/// What is waited when the platform limits a call and does not say for how long.
const LIMITED: Duration = Duration::from_secs(30);

impl Slack {
    /// A writing call of the Web API.
    pub(super) async fn write(&self, method: &'static str, body: &Value) -> Result<Value, Trouble> {
        let reply = self.bot.call(Ask::json(method, Method::POST, format!("/{method}"), body)).await?;
        self.waited(method, ok(&reply))
    }

    /// A reading call: those take no JSON.
    pub(super) async fn read(&self, method: &'static str, fields: &[(&str, &str)]) -> Result<Value, Trouble> {
        let reply = self.bot.call(Ask::form(method, format!("/{method}"), fields)).await?;
        self.waited(method, ok(&reply))
    }

    /// `ratelimited` without HTTP 429 closes the lane as well.
    fn waited(&self, method: &'static str, result: Result<Value, Trouble>) -> Result<Value, Trouble> {
        match result {
            Err(Trouble::Wait(wait)) => Err(self.bot.close(method, wait)),
            other => other,
        }
    }
}

/// What the token of a call may do; nothing where the platform does not say.
pub(super) fn scopes(reply: &Reply) -> Option<Vec<String>> {
    let granted = reply.headers.get("x-oauth-scopes")?.to_str().ok()?;
    let granted: Vec<String> = granted.split(',').map(|scope| scope.trim().to_owned()).collect();
    granted.iter().any(|scope| !scope.is_empty()).then_some(granted)
}

pub(super) fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The body of an answer of the Web API, or what its error code means.
pub(super) fn ok(reply: &Reply) -> Result<Value, Trouble> {
    let unclear =
        || Trouble::Unreachable { why: "slack answered something that is no JSON".into(), sent: true };
    let value: Value = serde_json::from_slice(&reply.body).map_err(|_| unclear())?;
    if value.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(value);
    }
    let code = crate::text::clean_line(value.get("error").and_then(Value::as_str).unwrap_or("no error code"));
    let detail = value.pointer("/response_metadata/messages/0").and_then(Value::as_str);
    let needed = value
        .get("needed")
        .and_then(Value::as_str)
        .map(|scope| format!("the scope {} is missing", crate::text::clean_line(scope)));
    let detail = needed.or(detail.map(crate::text::clean_line)).map(|more| format!(" ({more})"));
    let why = format!("slack answered `{code}`{}", detail.unwrap_or_default());
    Err(match code.as_str() {
        "ratelimited" | "rate_limited" => {
            let named = reply.headers.contains_key(RETRY_AFTER);
            Trouble::Wait(if named { rest::wait_of(&reply.headers) } else { LIMITED })
        }
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "not_allowed_token_type"
        | "user_removed_from_team"
        | "team_disabled" => Trouble::Login(why),
        "invalid_blocks"
        | "invalid_arguments"
        | "msg_blocks_too_long"
        | "invalid_attachments"
        | "only_one_table_allowed"
        | "invalid_blocks_format"
        | "msg_too_long"
        | "no_text"
        | "attachment_payload_limit_exceeded"
        | "too_many_attachments" => Trouble::Form(why),
        "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org" => Trouble::Unreachable { why, sent: true },
        _ => Trouble::Refused(why),
    })
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use hyper::header::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::*;

    fn reply(body: &Value, wait: Option<&'static str>) -> Reply {
        let mut headers = HeaderMap::new();
        if let Some(wait) = wait {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(wait));
        }
        Reply { status: StatusCode::OK, headers, body: body.to_string().into() }
    }

    #[test]
    fn codes_are_sorted_by_what_to_do() {
        let trouble = |code: &str| ok(&reply(&json!({"ok": false, "error": code}), None)).unwrap_err();
        assert!(matches!(trouble("msg_blocks_too_long"), Trouble::Form(_)));
        assert!(matches!(trouble("token_revoked"), Trouble::Login(_)));
        assert!(matches!(trouble("is_archived"), Trouble::Refused(_)));
        assert!(trouble("fatal_error").is_ambiguous());
        assert!(ok(&reply(&json!("?"), None)).is_err());
    }

    #[test]
    fn a_limit_without_its_status_is_as_long_as_its_header_says() {
        let limited = json!({"ok": false, "error": "ratelimited"});
        assert_eq!(ok(&reply(&limited, None)).unwrap_err(), Trouble::Wait(LIMITED));
        let Trouble::Wait(wait) = ok(&reply(&limited, Some("1.5"))).unwrap_err() else { panic!() };
        assert!(wait >= Duration::from_millis(1500) && wait < Duration::from_secs(2), "{wait:?}");
    }
}
