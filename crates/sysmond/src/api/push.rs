//! `POST /api/metrics`: what agents send.

use super::app::App;
use super::buffers::Buffer;
use super::problem::Problem;
use super::{answer, token};
use crate::aggregator::counters::PushOutcome;
use crate::aggregator::ingest::{BodyError, Push};
use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use sysmond_model::limits::MAX_BODY_BYTES;
use sysmond_tsdb::AppendError;
use tokio::sync::SemaphorePermit;
use tower::{ServiceExt, service_fn};
use tower_http::decompression::{DecompressionBody, RequestDecompression};

/// Bodies up to this size are read on the spot, which takes some tens of microseconds, and a millisecond where they
/// are not as predicted: handing them to another thread costs more.
const INLINE_BYTES: usize = 256 * 1024;

/// The route.
pub(super) fn route() -> MethodRouter<Arc<App>> {
    post(async |State(app): State<Arc<App>>, request: Request<Body>| receive(&app, request).await)
}

/// The body of a request as it comes.
pub(super) trait Incoming:
    HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static
{
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> Incoming for B {}

/// What a body is before it is read.
#[derive(Clone, Copy)]
struct Kind {
    /// Bytes, where they were declared as they will be read.
    declared: Option<usize>,
    encoded: bool,
}

/// Before a byte of the body is read: token first, then the kind of the body and its declared size.
pub(super) async fn receive<B: Incoming>(app: &App, mut request: Request<B>) -> Response {
    if let Err(unauthorized) = token::check(request.headers(), app.token()) {
        app.parts.ingest.count(PushOutcome::Unauthorized);
        return unauthorized.into_response();
    }
    let (response, outcome) = match check_kind(request.headers_mut()) {
        Ok(kind) => accept(app, kind, request).await.unwrap_or_else(refusal),
        Err(problem) => refusal(problem),
    };
    app.parts.ingest.count(outcome);
    response
}

fn refusal(problem: Problem) -> (Response, PushOutcome) {
    let outcome = match problem.status() {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => PushOutcome::Busy,
        StatusCode::INSUFFICIENT_STORAGE => PushOutcome::NoSpace,
        status if status.is_server_error() => PushOutcome::Failed,
        _ => PushOutcome::BadBody,
    };
    let mut response = problem.into_response();
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
    }
    (response, outcome)
}

fn check_kind(headers: &mut HeaderMap) -> Result<Kind, Problem> {
    if !is_json(headers) {
        let detail = "the body has to be application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let encoded = normalise_coding(headers)?;
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    Ok(Kind { declared: declared.filter(|_| !encoded), encoded })
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(given), None) = (types.next(), types.next()) else { return false };
    let essence = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Leaves at most one coding in the headers, spelled as the decoder knows it; whether there is one. A body that was
/// encoded twice is a bomb, not a push.
fn normalise_coding(headers: &mut HeaderMap) -> Result<bool, Problem> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let known = match (codings.next(), codings.next()) {
        (None, _) => return Ok(false),
        (Some(coding), None) => match coding.to_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "identity" => None,
            "gzip" | "x-gzip" => Some("gzip"),
            "zstd" => Some("zstd"),
            _ => return Err(unknown_coding()),
        },
        _ => return Err(unknown_coding()),
    };
    match known {
        Some(coding) => headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding)),
        None => headers.remove(CONTENT_ENCODING),
    };
    Ok(known.is_some())
}

fn unknown_coding() -> Problem {
    let detail = "a body may be encoded once, with gzip or zstd";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", detail)
}

fn too_large() -> Problem {
    let detail =
        format!("a push has at most {MAX_BODY_BYTES} bytes, also after decompression; send it in parts");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

async fn accept<B: Incoming>(
    app: &App,
    kind: Kind,
    request: Request<B>,
) -> Result<(Response, PushOutcome), Problem> {
    let room = room(app, kind.declared.unwrap_or(MAX_BODY_BYTES)).await?;
    let mut body = app.buffers.take();
    if kind.encoded {
        read(app, decoded(request).await, &mut body).await?;
    } else {
        body.reserve_exact(kind.declared.unwrap_or(0));
        read(app, request.into_body(), &mut body).await?;
    }
    let push = parse(app, body).await?;
    let answer = app.parts.ingest.deliver(push).await?;
    drop(room);
    let (status, outcome) = match (answer.metrics_stored, answer.metrics_failed) {
        (_, 0) => (StatusCode::OK, PushOutcome::Success),
        (0, _) => (StatusCode::UNPROCESSABLE_ENTITY, PushOutcome::Refused),
        _ => (StatusCode::OK, PushOutcome::Partial),
    };
    Ok((answer::json(status, &answer), outcome))
}

/// Waits until there is memory for a body of `bytes`. Mostly there is, which takes no clock.
async fn room(app: &App, bytes: usize) -> Result<SemaphorePermit<'_>, Problem> {
    let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).max(1).min(app.limits.push_kib);
    if let Ok(room) = app.pushes.try_acquire_many(kib) {
        return Ok(room);
    }
    match tokio::time::timeout(app.limits.patience, app.pushes.acquire_many(kib)).await {
        Ok(Ok(room)) => Ok(room),
        _ => Err(Problem::busy("busy", "too many pushes at once", 1)),
    }
}

/// The body as it was before it was encoded: the layer hands on a request whose body decodes itself as it is read, and
/// the innermost service answers with that body. Most pushes are not encoded and are spared it.
async fn decoded<B: Incoming>(request: Request<B>) -> Body {
    let echo = service_fn(async |request: Request<DecompressionBody<Body>>| {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    match RequestDecompression::new(echo).oneshot(request.map(Body::new)).await {
        Ok(decoded) => Body::new(decoded.into_body()),
        Err(never) => match never {},
    }
}

/// The whole body, decompressed; in a time that does not start again with each byte.
async fn read<B: Incoming>(app: &App, body: B, whole: &mut Vec<u8>) -> Result<(), Problem> {
    match tokio::time::timeout(app.parts.body_time, gather(body, whole)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if is_length(&*error) => Err(too_large()),
        Ok(Err(error)) => {
            Err(Problem::unreadable("unreadable_body", format!("the body cannot be read: {error}")))
        }
        Err(_) => {
            let detail = "the body did not come in time";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail))
        }
    }
}

/// Copies each piece as it comes: the connection then reads the next one into the same memory.
async fn gather<B: Incoming>(body: B, whole: &mut Vec<u8>) -> Result<(), BoxError> {
    let mut body = Limited::new(body, MAX_BODY_BYTES);
    while let Some(frame) = body.frame().await {
        if let Some(piece) = frame?.data_ref() {
            whole.extend_from_slice(piece);
        }
    }
    Ok(())
}

fn is_length(error: &(dyn Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_length)
}

async fn parse(app: &App, body: Buffer) -> Result<Push, Problem> {
    let length = body.len();
    let parsed = if length <= INLINE_BYTES {
        app.parts.ingest.parse(&body)
    } else {
        let ingest = app.parts.ingest.clone();
        let parsed = tokio::task::spawn_blocking(move || ingest.parse(&body));
        parsed.await.map_err(Problem::internal)?
    };
    parsed.map_err(Problem::from)
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let detail = error.to_string();
        match error {
            BodyError::Unreadable(_) => Self::unreadable("unreadable_body", detail),
            BodyError::Invalid(_) => Self::invalid("invalid_push", detail),
            BodyError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail),
        }
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::QueueFull => Self::busy("busy", "the store is behind; try again", 1),
            AppendError::NoSpace => {
                let detail = "the server's disk or its budget is full; keep the samples and try again";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", detail).retry_after(30)
            }
            AppendError::Closed => Self::busy("stopping", "the server stops; try again", 2),
            AppendError::TooManyHosts => {
                let detail = "the server has as many hosts as it takes";
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_hosts", detail).retry_after(300)
            }
            error @ AppendError::Failed(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_json_is_json() {
        let check = |value, json| assert_eq!(is_json(&headers(&[("content-type", value)])), json, "{value}");
        check("application/json", true);
        check("Application/JSON; charset=utf-8", true);
        check("text/plain", false);
        check("application/x-www-form-urlencoded", false);
        check("application/jsonp", false);
        check("", false);
        assert!(!is_json(&headers(&[])));
    }

    #[test]
    fn one_coding_is_enough() {
        let check = |codings: &[&'static str], expected: Option<Option<&str>>| {
            let pairs: Vec<_> = codings.iter().map(|coding| ("content-encoding", *coding)).collect();
            let mut headers = headers(&pairs);
            let known = normalise_coding(&mut headers).ok();
            let left = headers.get(CONTENT_ENCODING).map(|value| value.to_str().expect("ASCII"));
            assert_eq!(known.map(|_| left), expected, "{codings:?}");
        };
        check(&[], Some(None));
        check(&["identity"], Some(None));
        check(&["gzip"], Some(Some("gzip")));
        check(&["GZIP"], Some(Some("gzip")));
        check(&["x-gzip"], Some(Some("gzip")));
        check(&["zstd"], Some(Some("zstd")));
        for unknown in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"], &["deflate"]] {
            check(unknown, None);
        }
    }

    #[test]
    fn a_full_disk_or_queue_says_when_to_come_again() {
        let check = |error: AppendError, status: u16, retry: Option<&str>| {
            let response = Problem::from(error).into_response();
            let header = response.headers().get("retry-after").map(|value| value.to_str().expect("ASCII"));
            assert_eq!((response.status().as_u16(), header), (status, retry));
        };
        check(AppendError::QueueFull, 503, Some("1"));
        check(AppendError::NoSpace, 507, Some("30"));
        check(AppendError::Closed, 503, Some("2"));
        check(AppendError::TooManyHosts, 429, Some("300"));
        check(AppendError::Failed("disk I/O error".into()), 500, None);
    }
}
