//! Where a server's RESTCONF begins: host-meta (RFC 8040, 3.1; RFC 6415), as XRD or as JSON.

use hyper::header::CONTENT_TYPE;
use hyper::{Method, StatusCode, Uri};
use serde_json::Value;

use super::Request;
use crate::error::{Failure, FailureKind};
use crate::text::clean_line;
use crate::transport::http::{Answer, Ask, Endpoint, Http};
use crate::transport::xml;

/// What servers without host-meta have.
const USUAL: &str = "/restconf";

/// A root, whether it is worth remembering, and whether the connection was warm.
pub(super) struct Found {
    pub(super) root: String,
    pub(super) lasting: bool,
    pub(super) warm: bool,
}

/// Asks a server for its root.
pub(super) async fn discover(http: &Http, endpoint: &Endpoint, request: &Request) -> Result<Found, Failure> {
    let ask = Ask {
        method: Method::GET,
        path: "/.well-known/host-meta".to_owned(),
        accept: "application/xrd+xml, application/jrd+json;q=0.9",
        body: None,
        deadline: request.deadline,
        cancel: request.cancel.clone(),
    };
    let answer = http.send(endpoint, &ask).await?;
    match answer.status {
        StatusCode::UNAUTHORIZED => return Err(super::answer::unauthorized(endpoint)),
        StatusCode::OK => {}
        // Nobody says that it must be there; only a server in trouble may have it the next time.
        other => {
            let lasting = other.is_client_error() && other != StatusCode::TOO_MANY_REQUESTS;
            return Ok(Found { root: USUAL.to_owned(), lasting, warm: answer.warm });
        }
    }
    let root = match link(&answer) {
        Some(href) => of_href(endpoint, &href)?,
        None => USUAL.to_owned(),
    };
    Ok(Found { root, lasting: true, warm: answer.warm })
}

/// The link with the relation `restconf`.
fn link(answer: &Answer) -> Option<String> {
    let text = std::str::from_utf8(&answer.body).ok()?.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') || answer.header(CONTENT_TYPE).contains("json") {
        let document: Value = serde_json::from_str(text).ok()?;
        let links = document.get("links")?.as_array()?;
        let link = links.iter().find(|link| link.get("rel").and_then(Value::as_str) == Some("restconf"))?;
        return Some(link.get("href")?.as_str()?.to_owned());
    }
    let document = xml::read(text).ok()?;
    let is_link = |child: &&xml::Element| child.name == "Link" && child.attribute("rel") == Some("restconf");
    document.children.iter().find(is_link)?.attribute("href").map(str::to_owned)
}

/// The path of a link; one to another server is refused, because the login would go there.
fn of_href(endpoint: &Endpoint, href: &str) -> Result<String, Failure> {
    let uri: Option<Uri> = href.parse().ok();
    let path = uri.filter(|uri| {
        uri.authority().is_none_or(|authority| {
            authority.host().trim_matches(['[', ']']).eq_ignore_ascii_case(&endpoint.host)
                && authority.port_u16().unwrap_or(443) == endpoint.port
                && uri.scheme_str() == Some("https")
        })
    });
    match path {
        Some(uri) if uri.path().starts_with('/') && uri.query().is_none() => {
            Ok(uri.path().trim_end_matches('/').to_owned())
        }
        _ => {
            let message = format!("{} has its RESTCONF elsewhere: `{}`", endpoint.who(), clean_line(href));
            Err(Failure::new(FailureKind::Rejected, message)
                .hint("name that server in the inventory, or set `root` in `extras`"))
        }
    }
}
