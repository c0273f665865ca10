//! The page's files, embedded in the binary.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "web/"]
struct Page;

/// A file of the page. Browsers keep it and ask each time whether it is still the one: after an
/// upgrade nobody works with half of the old page.
pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")], "only GET here\n")
            .into_response();
    }
    let path = match uri.path().strip_prefix('/').unwrap_or_default() {
        "" => "index.html",
        path => path,
    };
    let (Some(kind), Some(file)) = (content_type(path), Page::get(path)) else {
        return (StatusCode::NOT_FOUND, "there is no such page; the console is at /\n").into_response();
    };
    let tag = tag(&file.metadata.sha256_hash());
    let current = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|known| matches(known, &tag)) {
        return (StatusCode::NOT_MODIFIED, current).into_response();
    }
    (current, [(header::CONTENT_TYPE, kind)], file.data).into_response()
}

/// Only what a page is made of is served.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => return None,
    })
}

fn tag(hash: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in hash.iter().take(12) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// `If-None-Match` is a list, and its comparison is the weak one (RFC 9110, 13.1.2).
fn matches(known: &HeaderValue, tag: &str) -> bool {
    known.to_str().is_ok_and(|list| {
        list.split(',').map(str::trim).any(|entry| entry == "*" || entry.trim_start_matches("W/") == tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_is_compared_weakly() {
        for list in ["\"ab\"", "\"x\", W/\"ab\"", "*"] {
            assert!(matches(&HeaderValue::from_static(list), "\"ab\""), "{list}");
        }
        assert!(!matches(&HeaderValue::from_static("\"abc\""), "\"ab\""));
    }

    #[test]
    fn every_file_of_the_page_is_served_or_a_tool_of_ours() {
        for path in Page::iter() {
            assert!(content_type(&path).is_some() || path == "tsconfig.json", "{path}");
        }
    }
}
