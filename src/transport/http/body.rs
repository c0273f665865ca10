//! Reads a body, within its bound.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::endpoint::Endpoint;
use super::explain;
use super::message::{Progress, Stage};
use crate::error::{Failure, FailureKind};

/// What a first allocation may be, whatever the server announces.
const FIRST: usize = 1 << 20;

/// The whole body. One that is longer than `limit` is refused as soon as that is known.
pub(super) async fn read(
    endpoint: &Endpoint,
    mut body: Incoming,
    limit: usize,
    progress: &Progress,
) -> Result<Bytes, Failure> {
    progress.enter(Stage::Reading);
    progress.receive(0);
    let announced = body.size_hint();
    if announced.lower() > limit as u64 {
        return Err(too_long(endpoint, limit, Some(announced.lower())));
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| explain::broken(endpoint, &error, progress))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(too_long(endpoint, limit, None));
        }
        if whole.is_empty() {
            // One that comes in a single piece is not copied.
            if body.is_end_stream() {
                return Ok(data);
            }
            let announced = usize::try_from(announced.lower()).unwrap_or(limit);
            whole.reserve(announced.min(FIRST).max(data.len()));
        }
        whole.extend_from_slice(&data);
        progress.receive(whole.len());
    }
    Ok(whole.freeze())
}

fn too_long(endpoint: &Endpoint, limit: usize, announced: Option<u64>) -> Failure {
    let length = match announced {
        Some(length) => format!("has {length} bytes"),
        None => "is longer".to_owned(),
    };
    let message = format!("the answer of {} {length}; the limit is {limit} bytes", endpoint.who());
    Failure::new(FailureKind::Rejected, message).hint("ask for less: a longer path, `depth` or `fields`")
}
