//! RESTCONF (RFC 8040), the reading half of it.

use hyper::header::ACCEPT;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::Answer;
use crate::sim::cli::Device;
use crate::sim::data::{
    Fields, Node, Offer, Path, Problem, RestconfOffer, Wanted, Wrong, depth, enlarge, escaped, fields,
    to_json, to_xml, wrong_number,
};

pub(super) const XRD: &str = "application/xrd+xml";
const JSON: &str = "application/yang-data+json";
const XML: &str = "application/yang-data+xml";
const HOST_META: &str = "/.well-known/host-meta";
/// The revision of `ietf-yang-library`'s older form (RFC 8040, 3.3.3).
const LIBRARY: &str = "2016-06-21";

/// The two formats.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Xml,
}

/// What the query asks for.
struct Query {
    depth: Option<usize>,
    fields: Option<Fields>,
    content: Wanted,
}

/// Whether this is where servers tell their root: no login is needed for it.
pub(super) fn is_discovery(path: &str) -> bool {
    path == HOST_META
}

/// The answer to a wrong login.
pub(super) fn unauthorized(offer: &Offer, head: &Parts) -> Answer {
    if offer.restconf.is_none() {
        return Answer::new(StatusCode::UNAUTHORIZED, "text/plain", "Unauthorized\n");
    }
    let format = format(head).unwrap_or(Format::Json);
    failed(StatusCode::UNAUTHORIZED, Problem::new("protocol", "access-denied", "access denied"), format)
}

/// Answers one request.
pub(super) fn answer(device: &Device, offer: &Offer, restconf: &RestconfOffer, head: &Parts) -> Answer {
    let path = head.uri.path();
    if is_discovery(path) {
        let text = format!(
            "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n    <Link rel='restconf' href='{}'/>\n</XRD>\n",
            escaped(&restconf.root)
        );
        return Answer::new(StatusCode::OK, XRD, text);
    }
    let Some(format) = format(head) else {
        let problem = Problem::new("protocol", "invalid-value", "neither of the formats is accepted");
        return failed(StatusCode::NOT_ACCEPTABLE, problem, Format::Json);
    };
    if head.method != Method::GET && head.method != Method::HEAD {
        let problem =
            Problem::new("protocol", "operation-not-supported", "the data of this device are only read");
        return failed(StatusCode::METHOD_NOT_ALLOWED, problem, format);
    }
    let Some(rest) = path.strip_prefix(restconf.root.as_str()) else {
        return super::plain(StatusCode::NOT_FOUND);
    };
    let done = match rest.trim_end_matches('/') {
        "" => Ok(root(format)),
        "/yang-library-version" => Ok(version(format)),
        "/data" => data(device, offer, "", head, format),
        other => match other.strip_prefix("/data/") {
            Some(path) => data(device, offer, path, head, format),
            None => Err((StatusCode::NOT_FOUND, nothing(other))),
        },
    };
    done.unwrap_or_else(|(status, problem)| failed(status, problem, format))
}

type Failed = (StatusCode, Problem);

fn failed(status: StatusCode, problem: Problem, format: Format) -> Answer {
    match format {
        Format::Json => Answer::new(status, JSON, problem.json()),
        Format::Xml => Answer::new(status, XML, problem.xml()),
    }
}

fn nothing(path: &str) -> Problem {
    Problem::new("application", "invalid-value", "uri keypath not found")
        .at(format!("/{}", path.trim_start_matches('/')))
}

/// The format that is liked best; None where neither is taken (RFC 8040, 5.2).
fn format(head: &Parts) -> Option<Format> {
    let mut best: Option<(Format, f32)> = None;
    let headers = head.headers.get_all(ACCEPT);
    let mut any = false;
    for one in headers.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
        any = true;
        let mut parts = one.split(';').map(str::trim);
        let format = match parts.next().unwrap_or_default() {
            JSON | "application/json" | "*/*" | "application/*" => Format::Json,
            XML | "application/xml" | "text/xml" => Format::Xml,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|weight| weight.parse().ok());
        let weight: f32 = weight.unwrap_or(1.0);
        if weight > 0.0 && best.is_none_or(|(_, before)| weight > before) {
            best = Some((format, weight));
        }
    }
    if any { best.map(|(format, _)| format) } else { Some(Format::Xml) }
}

fn root(format: Format) -> Answer {
    match format {
        Format::Json => Answer::new(
            StatusCode::OK,
            JSON,
            format!(
                "{{\"ietf-restconf:restconf\":{{\"data\":{{}},\"operations\":{{}},\"yang-library-version\":\"{LIBRARY}\"}}}}"
            ),
        ),
        Format::Xml => Answer::new(
            StatusCode::OK,
            XML,
            format!(
                "<restconf xmlns=\"urn:ietf:params:xml:ns:yang:ietf-restconf\"><data/><operations/>\
                 <yang-library-version>{LIBRARY}</yang-library-version></restconf>"
            ),
        ),
    }
}

fn version(format: Format) -> Answer {
    match format {
        Format::Json => Answer::new(
            StatusCode::OK,
            JSON,
            format!("{{\"ietf-restconf:yang-library-version\":\"{LIBRARY}\"}}"),
        ),
        Format::Xml => Answer::new(
            StatusCode::OK,
            XML,
            format!(
                "<yang-library-version xmlns=\"urn:ietf:params:xml:ns:yang:ietf-restconf\">{LIBRARY}</yang-library-version>"
            ),
        ),
    }
}

fn query(head: &Parts) -> Result<Query, Failed> {
    let mut query = Query { depth: None, fields: None, content: Wanted::All };
    for pair in head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let wrong = || {
            let message = format!("invalid value for `{name}`: {value}");
            (StatusCode::BAD_REQUEST, Problem::new("protocol", "invalid-value", message))
        };
        match name {
            "depth" if value == "unbounded" => {}
            "depth" => {
                let levels: Option<usize> = value.parse().ok().filter(|levels| (1..=65_535).contains(levels));
                query.depth = Some(levels.ok_or_else(wrong)?);
            }
            "fields" => query.fields = Some(Fields::parse(value).ok_or_else(wrong)?),
            "content" => {
                query.content = match value {
                    "all" => Wanted::All,
                    "config" => Wanted::Config,
                    "nonconfig" => Wanted::State,
                    _ => return Err(wrong()),
                }
            }
            "with-defaults" => {}
            _ => {
                let message = format!("unknown query parameter `{name}`");
                return Err((StatusCode::BAD_REQUEST, Problem::new("protocol", "invalid-value", message)));
            }
        }
    }
    Ok(query)
}

fn data(device: &Device, offer: &Offer, path: &str, head: &Parts, format: Format) -> Result<Answer, Failed> {
    let query = query(head)?;
    let malformed = |why: String| {
        (StatusCode::BAD_REQUEST, Problem::new("protocol", "invalid-value", why).at(format!("/{path}")))
    };
    let parsed = Path::parse(path).map_err(|wrong| match wrong {
        Wrong::Malformed(why) => malformed(why),
        Wrong::Nothing => (StatusCode::NOT_FOUND, nothing(path)),
    })?;
    let tops: Vec<(&str, &str)> =
        offer.tops().filter(|top| parsed.top().is_none_or(|wanted| wanted == *top)).collect();
    let mut documents = Vec::with_capacity(tops.len());
    for top in tops {
        let document = offer.document(top, &device.context(&[]), query.content).map_err(|error| {
            tracing::error!(device = %device.name, "{error}");
            let problem = Problem::new("application", "operation-failed", error.message());
            (StatusCode::INTERNAL_SERVER_ERROR, problem)
        })?;
        documents.extend(document);
    }
    let found = match parsed.find(&documents) {
        Ok(found) => found,
        Err(Wrong::Malformed(why)) => return Err(malformed(why)),
        Err(Wrong::Nothing) => return Err((StatusCode::NOT_FOUND, nothing(path))),
    };
    let datastore = parsed.top().is_none();
    let mut found: Vec<Node> = found.iter().map(|node| shaped(node, &query, datastore)).collect();
    if let [one] = found.as_slice()
        && !one.many
        && query.depth.is_none()
        && one.children().is_empty()
        && one.value().is_none()
    {
        return Ok(Answer::new(StatusCode::NO_CONTENT, JSON, ""));
    }
    if format == Format::Xml && !datastore && found.len() > 1 {
        // RFC 8040, 4.3.
        let message = "several entries are no document in XML: name one by its keys";
        return Err(malformed(message.to_owned()));
    }
    Ok(written(device, offer, &mut found, format, datastore))
}

/// A node after `fields` and `depth`. Of the datastore the documents are the second level.
fn shaped(node: &Node, query: &Query, datastore: bool) -> Node {
    let picked = match &query.fields {
        Some(wanted) if !datastore => fields(node, wanted),
        _ => node.clone(),
    };
    match query.depth {
        Some(levels) => depth(&picked, if datastore { levels.saturating_sub(1) } else { levels }),
        None => picked,
    }
}

fn written(device: &Device, offer: &Offer, found: &mut [Node], format: Format, datastore: bool) -> Answer {
    let faults = &device.faults;
    if faults.error_object {
        let problem = Problem::new("application", "resource-denied", "the process that knows is not there");
        return failed(StatusCode::OK, problem, format);
    }
    let write = |found: &[Node]| match (format, datastore) {
        (Format::Json, false) => to_json(found),
        (Format::Json, true) => format!("{{\"ietf-restconf:data\":{}}}", to_json(found)),
        (Format::Xml, _) => {
            let mut text = String::new();
            to_xml(found, &offer.modules, None, &mut text);
            if datastore {
                text = format!("<data xmlns=\"urn:ietf:params:xml:ns:yang:ietf-restconf\">{text}</data>");
            }
            text
        }
    };
    let mut text = write(found);
    if faults.huge > text.len() {
        if let Some(first) = found.first_mut() {
            enlarge(first, text.len(), faults.huge);
        }
        text = write(found);
    }
    if faults.wrong_number {
        text = match format {
            Format::Json => wrong_number(&text, ':', &[',', '}', ']']),
            Format::Xml => wrong_number(&text, '>', &['<']),
        };
    }
    Answer::new(StatusCode::OK, if format == Format::Json { JSON } else { XML }, text)
}
