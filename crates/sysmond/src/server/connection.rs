//! One connection, from its first byte to its last.

use super::stream::Stream;
use super::{Limits, Site};
use crate::shutdown::Shutdown;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

/// Fields of a request's head: browsers send about 15, proxies add 10.
const MAX_HEADERS: usize = 64;
/// Bytes of a request's head and of what is read at once; a query for many series fits. Each agent's connection keeps
/// as much while it waits for the next push: with a thousand of them it is a third of the server's memory.
const MAX_BUFFER_BYTES: usize = 16 * 1024;

/// Answers requests until either side closes. After `shutdown` the request in flight is finished, but no other is
/// taken.
pub(super) async fn run(
    stream: Stream,
    peer: SocketAddr,
    site: impl Site,
    limits: Arc<Limits>,
    shutdown: Shutdown,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = site.answer(peer, request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.requested() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(limits.drain, connection).await {
                Ok(ended) => ended,
                Err(_) => return tracing::warn!(%peer, "closed a connection whose request took too long to stop"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}
