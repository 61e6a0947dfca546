//! JSON answers.

use super::problem::Problem;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The kind of all answers but errors, files and figures.
pub(super) const JSON: &str = "application/json";
/// Room for what is answered to a push.
const SHORT_BYTES: usize = 256;

/// A JSON body with a status.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let mut body = Vec::with_capacity(SHORT_BYTES);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => raw(status, body),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// A body that is JSON already.
pub(super) fn raw(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    let json = (CONTENT_TYPE, HeaderValue::from_static(JSON));
    (status, [json], body.into()).into_response()
}
