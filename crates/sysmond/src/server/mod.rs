//! Accepts connections and serves HTTP/1.1 on them, with a limit of time on everything a client can draw out.
//!
//! `axum::serve` sets none: a silent client, half a header or an idle keep-alive would stay for ever.

mod connection;
mod stream;

use crate::shutdown::Shutdown;
use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::http::Response;
use hyper::Request;
use hyper::body::Incoming;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Sent to whoever comes when all connections are taken.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// Files that stay free for the store, the logs and the dashboard when every connection is taken.
const RESERVED_FILES: u64 = 64;
/// Pause after a failed accept: out of files or memory, trying again at once only burns a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the start of a connection, or from the end of an answer, to the end of the next request's head: the
    /// limit of silent clients, of half heads and of idle keep-alive alike. Longer than the 25 s after which an
    /// agent no longer uses a connection, so that none is closed under a push.
    pub head: Duration,
    /// From the end of a request's head to the end of its body, however steadily it drips.
    pub body: Duration,
    /// How long a client may take nothing of an answer.
    pub write_stall: Duration,
    /// How long an answer that ended the connection is given to arrive while the rest of the request is thrown away.
    pub linger: Duration,
    /// How long requests in flight may go on once the end was asked for; below the 5 s of a stop.
    pub drain: Duration,
    /// Connections at once; fewer where the process may open fewer files.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(28),
            body: Duration::from_secs(20),
            write_stall: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(4),
            connections: 16_384,
        }
    }
}

/// What answers the requests of all connections; each has a clone.
pub trait Site: Clone + Send + Sync + 'static {
    /// The body of an answer.
    type Body: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Answers a request that came from `peer`. Dropped where the client goes away before.
    fn answer(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// Figures of the server. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Figures>);

#[derive(Debug, Default)]
struct Figures {
    accepted: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    open: AtomicU64,
}

impl Connections {
    /// Accepted since the start.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Ordering::Relaxed)
    }

    /// Turned away since all were taken.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Accepts that failed.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Open now, live ones included.
    pub fn open(&self) -> u64 {
        self.0.open.load(Ordering::Relaxed)
    }
}

/// Serves `site` on `listener` until `shutdown`. Returns when no more connections are taken; those that are open
/// are tasks of `shutdown`.
pub async fn serve(
    listener: &TcpListener,
    site: impl Site,
    limits: Limits,
    connections: Connections,
    shutdown: &Shutdown,
) {
    let slots = Arc::new(Semaphore::new(limits.connections.min(affordable_connections())));
    let limits = Arc::new(limits);
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.requested() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => take(tcp, peer, &slots, &site, &limits, &connections, shutdown),
            Err(error) if concerns_one_client(&error) => {}
            Err(error) => {
                if connections.0.failed.fetch_add(1, Ordering::Relaxed).is_multiple_of(100) {
                    tracing::warn!(%error, "cannot accept connections");
                }
                tokio::select! {
                    () = shutdown.requested() => return,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
}

fn take(
    tcp: TcpStream,
    peer: SocketAddr,
    slots: &Arc<Semaphore>,
    site: &impl Site,
    limits: &Arc<Limits>,
    connections: &Connections,
    shutdown: &Shutdown,
) {
    let Ok(slot) = Arc::clone(slots).try_acquire_owned() else {
        connections.0.refused.fetch_add(1, Ordering::Relaxed);
        // A courtesy: where it cannot be written at once, closing says it too.
        tcp.try_write(BUSY).ok();
        return;
    };
    connections.0.accepted.fetch_add(1, Ordering::Relaxed);
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, %peer, "cannot set TCP_NODELAY");
    }
    let stream = stream::Stream::new(tcp, limits, slot, Arc::clone(&connections.0));
    shutdown.spawn(connection::run(stream, peer, site.clone(), Arc::clone(limits), shutdown.clone()));
}

/// Errors of `accept` that say nothing of the next one.
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Raises the soft limit of open files to the hard one and says how many connections fit below it.
fn affordable_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections = files.saturating_sub(RESERVED_FILES).max(files / 2).max(1);
    usize::try_from(connections).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}
