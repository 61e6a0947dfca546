//! One line in the access log for every request, when its answer has gone out or was given up.

use super::client_address::TrustedProxies;
use crate::server::Peer;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// The line of `request` as far as it is known: without its query, which may name what is nobody's business.
pub(super) fn begin(proxies: &TrustedProxies, request: &Request) -> Entry {
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| address.ip().to_canonical());
    Entry {
        client: peer.map(|peer| proxies.client(peer, request.headers())),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        status: StatusCode::OK,
        bytes: 0,
        started: Instant::now(),
    }
}

/// The answer, whose end writes the line.
pub(super) fn end(entry: Entry, response: Response) -> Response {
    let entry = Entry { status: response.status(), ..entry };
    response.map(|body| Body::new(Logged { body, entry }))
}

/// A line in the making.
pub(super) struct Entry {
    client: Option<IpAddr>,
    method: Method,
    path: String,
    status: StatusCode,
    bytes: u64,
    started: Instant,
}

/// A body that counts what goes out and writes the line when it ends.
struct Logged {
    body: Body,
    entry: Entry,
}

impl Drop for Logged {
    fn drop(&mut self) {
        let Entry { client, method, path, status, bytes, started } = &self.entry;
        tracing::info!(
            target: "sysmond::access",
            client = client.map(tracing::field::display),
            %method,
            path = path.as_str(),
            status = status.as_u16(),
            bytes = *bytes,
            duration_ms = started.elapsed().as_secs_f64() * 1000.0,
        );
    }
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
