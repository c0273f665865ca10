//! `/healthz` and `/metrics`: how nocbot and its links are doing, for those who watch it. Neither holds
//! a name of a device, a person or a channel, so neither asks for the token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Site;

/// `ok`, or `degraded` when a link is down. Always 200: nocbot itself is alive, and a restart mends no
/// platform.
pub(super) async fn health(State(site): State<Arc<Site>>) -> Response {
    let board = site.desk.board();
    let links = board.links();
    let status = if board.healthy() { "ok" } else { "degraded" };
    let body =
        if links.is_empty() { json!({"status": status}) } else { json!({"status": status, "links": links}) };
    Json(body).into_response()
}

/// Prometheus' text format.
pub(super) async fn metrics(State(site): State<Arc<Site>>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], site.desk.metrics()).into_response()
}
