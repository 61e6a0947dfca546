//! One line in the access log for every request, when its answer has gone out or was given up.

use super::client_address::TrustedProxies;
use super::routes::PUSH;
use crate::config::token::MIN_TOKEN_CHARS;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Method, Request, Response, StatusCode};
use hyper::body::{Frame, SizeHint};
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// Bytes that are logged of a path that leads nowhere: enough to see what was looked for.
const MAX_PATH_BYTES: usize = 100;
/// A part of such a path that is as long may be a token that somebody put there by mistake: none is shorter.
const SECRET_BYTES: usize = MIN_TOKEN_CHARS;

/// The line of `request` as far as it is known: without its query, which may name what is nobody's business.
pub(super) fn begin<B>(proxies: &TrustedProxies, peer: SocketAddr, request: &Request<B>) -> Entry {
    Entry {
        client: proxies.client(peer.ip().to_canonical(), request.headers()),
        method: request.method().clone(),
        path: path(request.uri().path()),
        is_known: true,
        status: StatusCode::OK,
        bytes: 0,
        started: Instant::now(),
    }
}

/// The path of nearly all requests takes no memory.
fn path(text: &str) -> Cow<'static, str> {
    if text == PUSH { Cow::Borrowed(PUSH) } else { Cow::Owned(text.to_owned()) }
}

/// A line in the making.
pub(super) struct Entry {
    client: IpAddr,
    method: Method,
    /// Not a piece of the request's own memory: as long as one is held, the connection cannot read into it again.
    path: Cow<'static, str>,
    /// Whether the path is one of ours.
    is_known: bool,
    status: StatusCode,
    bytes: u64,
    started: Instant,
}

impl Entry {
    /// The answer, whose end writes the line. What was found at a path that is no route is a file of the dashboard.
    pub(super) fn end(
        mut self,
        response: Response<Body>,
        is_route: impl Fn(&str) -> bool,
    ) -> Response<Logged> {
        self.status = response.status();
        self.is_known = !self.status.is_client_error() || is_route(&self.path);
        response.map(|body| Logged { body, entry: self })
    }
}

/// A body that counts what goes out and writes the line when it ends.
pub struct Logged {
    body: Body,
    entry: Entry,
}

impl Drop for Logged {
    fn drop(&mut self) {
        let Entry { client, method, path, is_known, status, bytes, started } = &self.entry;
        tracing::info!(
            target: "sysmond::access",
            %client,
            %method,
            path = &*if *is_known { Cow::Borrowed(&**path) } else { masked(path) },
            status = status.as_u16(),
            bytes = *bytes,
            duration_ms = started.elapsed().as_micros() as f64 / 1000.0,
        );
    }
}

/// A path from outside without what may be a secret in it.
fn masked(path: &str) -> Cow<'_, str> {
    let part = |part: &str| if part.len() < SECRET_BYTES { part.to_owned() } else { "***".to_owned() };
    let mut text = path.split('/').map(part).collect::<Vec<_>>().join("/");
    if text.len() > MAX_PATH_BYTES {
        text.truncate(text.floor_char_boundary(MAX_PATH_BYTES));
        text.push_str("...");
    }
    Cow::Owned(text)
}

impl HttpBody for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.entry.bytes += data.len() as u64;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_path_is_short_and_without_secrets() {
        let check = |path: &str, expected: &str| assert_eq!(masked(path), expected);
        check("/wp-login.php", "/wp-login.php");
        check("/no/such/path", "/no/such/path");
        check("/api/metrics/0123456789abcdef", "/api/metrics/***");
        check("/0123456789abcdef0123456789abcdef/api", "/***/api");
        check(&"/a".repeat(80), &format!("{}...", "/a".repeat(50)));
        assert!(masked(&"/ü".repeat(80)).len() <= MAX_PATH_BYTES + 3);
    }
}
