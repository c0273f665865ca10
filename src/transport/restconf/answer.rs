//! What a server's answer means (RFC 8040, 4.3 and 7).

use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::errors::{self, RpcError};
use super::{Format, json};
use crate::error::{Failure, FailureKind};
use crate::text::clean_line;
use crate::transport::http::{Answer, Credentials, Endpoint};
use crate::transport::xml;

/// What an answer means, when it is no failure.
pub(super) enum Meaning {
    /// Data, whole and well-formed.
    Data(String, Format),
    /// The resource is empty or not there; with what the server said.
    Nothing(Option<String>),
    /// It cannot be had in this format.
    OtherFormat(Failure),
    /// The path is wrong, or the root.
    NoSuchPath(Failure),
}

/// Judges an answer to a GET of `path`.
pub(super) fn judge(endpoint: &Endpoint, path: &str, answer: &Answer) -> Result<Meaning, Failure> {
    let who = endpoint.who();
    let encoding = answer.header(CONTENT_ENCODING);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        let message = format!("{who} packed its answer ({}) without being asked", clean_line(encoding));
        return Err(Failure::new(FailureKind::Parse, message).hint("turn compression off on the device"));
    }
    let text = std::str::from_utf8(&answer.body);
    if answer.status == StatusCode::NO_CONTENT || (answer.status.is_success() && answer.body.is_empty()) {
        return Ok(Meaning::Nothing(None));
    }
    if answer.status.is_success() {
        let text = text.map_err(|error| {
            let message = format!("the answer of {who} is no UTF-8 from byte {}", error.valid_up_to());
            Failure::new(FailureKind::Parse, message).hint("a fault of the device's software")
        })?;
        return data(endpoint, answer, text);
    }
    let found = errors::errors(text.unwrap_or_default());
    let said = if found.is_empty() { String::new() } else { format!(": {}", errors::line(&found)) };
    let code = answer.status.as_u16();
    let rejected = |message: String, hint: &str| Failure::new(FailureKind::Rejected, message).hint(hint);
    Err(match answer.status {
        StatusCode::NOT_FOUND if !found.is_empty() && found.iter().all(RpcError::is_nothing_there) => {
            return Ok(Meaning::Nothing(Some(errors::line(&found))));
        }
        StatusCode::NOT_FOUND => {
            let message = format!("{who} does not know `{path}` (404){said}");
            let failure = rejected(message, "check the path; the modules of the device are its capabilities");
            return Ok(Meaning::NoSuchPath(failure));
        }
        StatusCode::UNAUTHORIZED => unauthorized(endpoint),
        StatusCode::FORBIDDEN => rejected(
            format!("{who} does not let us read `{path}` (403){said}"),
            "check the rights of the login on the device",
        ),
        StatusCode::METHOD_NOT_ALLOWED => rejected(
            format!("`{path}` cannot be read on {who} (405){said}"),
            "it may be an operation; data are below containers and lists",
        ),
        StatusCode::NOT_ACCEPTABLE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            let message = format!("{who} has neither JSON nor XML of `{path}` ({code}){said}");
            return Ok(Meaning::OtherFormat(rejected(message, "see what its RESTCONF offers")));
        }
        StatusCode::BAD_REQUEST => rejected(
            format!("{who} refuses `{path}` (400){said}"),
            "check path and keys; `depth` and `fields` are not known to every device",
        ),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            rejected(format!("{who} is too busy for `{path}` ({code}){said}"), "ask again in a moment")
        }
        status if status.is_server_error() => {
            rejected(format!("{who} failed at `{path}` ({code}){said}"), "see the device's log")
        }
        _ => rejected(
            format!("{who} answers `{path}` with {code}{said}"),
            "check `port` and `root` of its RESTCONF server",
        ),
    })
}

/// 401.
pub(super) fn unauthorized(endpoint: &Endpoint) -> Failure {
    let (message, hint) = match &endpoint.credentials {
        Credentials::None => {
            ("wants a login, and the inventory has none", "set user and password, or `token`")
        }
        Credentials::Basic { .. } => ("refuses user or password", "check both in the inventory"),
        Credentials::Bearer(_) => {
            ("refuses the token", "it may have expired; check `token` in the inventory")
        }
    };
    Failure::new(FailureKind::Auth, format!("{} {message} (401)", endpoint.who())).hint(hint)
}

/// A body that ought to be data.
fn data(endpoint: &Endpoint, answer: &Answer, text: &str) -> Result<Meaning, Failure> {
    let who = endpoint.who();
    let text = text.trim_start_matches('\u{feff}');
    let kind = answer.header(CONTENT_TYPE).to_ascii_lowercase();
    let format = if kind.contains("html") {
        let message = format!("{who} answers with a web page instead of data");
        return Err(Failure::new(FailureKind::Parse, message)
            .hint("RESTCONF may be off on the device, on another port, or below another `root`"));
    } else if kind.contains("json") {
        Format::Json
    } else if kind.contains("xml") || text.trim_start().starts_with('<') {
        Format::Xml
    } else {
        Format::Json
    };
    let root_is_errors = match format {
        Format::Json => json::top(text).map(|top| json::is_errors(&top)),
        Format::Xml => xml::root_of(text).map(|root| root == "errors"),
    };
    let is_errors = root_is_errors.map_err(|why| {
        let message = format!("the answer of {who} is no {}: {}", format.name(), clean_line(&why));
        Failure::new(FailureKind::Parse, message).hint("a fault of the device's software; ask for less of it")
    })?;
    if is_errors {
        let found = errors::errors(text);
        let message = format!("{who} answers with errors instead of data: {}", errors::line(&found));
        return Err(Failure::new(FailureKind::Rejected, message).hint("see the device's log"));
    }
    Ok(Meaning::Data(text.to_owned(), format))
}
