//! When to ask again: `Retry-After` (RFC 9110, 10.2.3), and redirects within the device.

use std::time::Duration;

use hyper::header::{LOCATION, RETRY_AFTER};
use hyper::{StatusCode, Uri};

use super::endpoint::Endpoint;
use super::message::Answer;
use crate::error::{Failure, FailureKind};
use crate::text::clean_line;

/// How long the server wants to be left alone; `None` when it did not say so.
pub(super) fn pause(answer: &Answer) -> Option<Duration> {
    if !matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let text = answer.header(RETRY_AFTER).trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let then = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let left = then.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(left).unwrap_or_default())
}

/// Where the server sends us, if that is within itself: path and query. Anywhere else is a failure,
/// because the login would go along.
pub(super) fn redirect(endpoint: &Endpoint, answer: &Answer) -> Result<Option<String>, Failure> {
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = answer.header(LOCATION);
    let uri = location.parse::<Uri>().ok();
    let path = uri.as_ref().and_then(|uri| {
        let path = uri.path_and_query()?.as_str();
        let Some(authority) = uri.authority() else { return path.starts_with('/').then_some(path) };
        // Userinfo in the address would be a login of the server's choice.
        let same = uri.scheme_str() == Some("https")
            && !authority.as_str().contains('@')
            && authority.host().trim_matches(['[', ']']).eq_ignore_ascii_case(&endpoint.host)
            && authority.port_u16().unwrap_or(443) == endpoint.port;
        same.then_some(path)
    });
    if let Some(path) = path {
        return Ok(Some(path.to_owned()));
    }
    let to = match uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?))) {
        // Only where to, without userinfo, path and query: they may hold a token.
        Some((scheme, authority)) => {
            let address = authority.as_str();
            let address = address.rsplit_once('@').map_or(address, |(_, address)| address);
            format!("to {scheme}://{}", clean_line(address))
        }
        None => "without a place that makes sense".to_owned(),
    };
    let message = format!("{} redirects us {to} ({})", endpoint.who(), answer.status.as_u16());
    Err(Failure::new(FailureKind::Rejected, message)
        .hint("logins are not sent to another server; if it is the right one, name it in the inventory"))
}
