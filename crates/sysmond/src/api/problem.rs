//! The one envelope of errors: `application/problem+json` (RFC 9457) with a stable `code`.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::fmt::Display;

/// An answer that is no success. What a client sees and what the log says are kept apart.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_seconds: Option<u32>,
    /// For the log alone.
    cause: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

impl Problem {
    /// A problem with a stable `code` and a sentence for the client.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_seconds: None, cause: None }
    }

    /// 400: the request could not be read.
    pub(super) fn unreadable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 422: the request was read and is wrong.
    pub(super) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 404 for a host that never pushed.
    pub(super) fn unknown_host(host: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_host", format!("no host is registered as `{host}`"))
    }

    /// 404 for a metric that nobody ever sent and the catalogue does not name.
    pub(super) fn unknown_metric(metric: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_metric", format!("no host ever sent the metric `{metric}`"))
    }

    /// 503: try again in `seconds`.
    pub(super) fn busy(code: &'static str, detail: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(seconds)
    }

    /// 500: the cause goes to the log, the client learns only that it happened.
    pub(super) fn internal(cause: impl Display) -> Self {
        let mut problem =
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; its log says why");
        problem.cause = Some(format!("{cause:#}"));
        problem
    }

    /// Adds the seconds after which the client may try again.
    #[must_use]
    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// What is our fault is an error; a server that is busy or full asks for patience, and that is a warning.
    fn log(&self) {
        let cause = self.cause.as_deref().unwrap_or(&self.detail);
        let status = self.status.as_u16();
        if self.cause.is_some() {
            tracing::error!(status, code = self.code, cause, "request failed");
        } else if self.status.is_server_error() {
            tracing::warn!(status, code = self.code, cause, "request turned away");
        }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let body = Body {
            r#type: format!("urn:sysmon:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
        };
        // Five strings and a number always serialize.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_not_for_clients() {
        let response = Problem::internal("disk I/O error in /var/lib/sysmon").into_response();
        assert_eq!(response.status(), 500);
        let body = futures_util::FutureExt::now_or_never(axum::body::to_bytes(response.into_body(), 10_000));
        let body = body.expect("no waiting").expect("a body");
        let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((&json["code"], &json["title"]), (&"internal".into(), &"Internal Server Error".into()));
        assert!(!json.to_string().contains("disk"), "{json}");
    }
}
