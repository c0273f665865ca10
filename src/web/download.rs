//! `/answers/<id>.csv`, `.json` and `.txt`: an answer as a file.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Site;
use crate::answer::{FileFormat, csv, json, text};

/// The file of an answer that is still kept.
pub(super) async fn download(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Response {
    if !site.sessions.admit(&headers) {
        return (StatusCode::UNAUTHORIZED, "the console's token is needed: open the console first\n")
            .into_response();
    }
    let Some((id, format)) = split(&file) else {
        return (StatusCode::NOT_FOUND, "an answer's file is /answers/<id>.csv or /answers/<id>.json\n")
            .into_response();
    };
    let Some(answer) = site.desk.kept(id) else {
        let gone = format!("answer {id} is no longer kept; ask the question again\n");
        return (StatusCode::NOT_FOUND, gone).into_response();
    };
    let (kind, body) = match format {
        FileFormat::Csv => ("text/csv; charset=utf-8; header=present", csv::render(&answer)),
        FileFormat::Json => ("application/json", json::render(&answer)),
        FileFormat::Text => ("text/plain; charset=utf-8", text::render(&answer, None)),
    };
    let disposition = format!("attachment; filename=\"nocbot-{file}\"");
    let head = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (head, body).into_response()
}

/// `12.csv` → `12` and the format. Only plain ids pass, so the name can stand in a header.
fn split(file: &str) -> Option<(&str, FileFormat)> {
    let (id, ending) = file.rsplit_once('.')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        return None;
    }
    match ending {
        "csv" => Some((id, FileFormat::Csv)),
        "json" => Some((id, FileFormat::Json)),
        "txt" => Some((id, FileFormat::Text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// The name can stand in a header and between quotes.
        #[test]
        fn an_accepted_name_is_harmless(file in r#"[a-z0-9_./"\\ -]{0,70}\.(csv|json|txt)|\PC{0,40}"#) {
            if split(&file).is_some() {
                proptest::prop_assert!(file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
                proptest::prop_assert_eq!(file.matches('.').count(), 1);
            }
        }
    }

    #[test]
    fn only_plain_names_are_answers() {
        assert_eq!(split("a-1_B.csv"), Some(("a-1_B", FileFormat::Csv)));
        assert_eq!(split("7.json"), Some(("7", FileFormat::Json)));
        for file in ["7", ".csv", "7.xml", "../7.csv", "7\".csv", "7\r\n.csv", "é.csv"] {
            assert_eq!(split(file), None, "{file}");
        }
    }
}
