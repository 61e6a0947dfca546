//! What the handlers share.

use super::buffers::Buffers;
use super::problem::Problem;
use crate::aggregator::counters::Counters;
use crate::aggregator::ingest::Ingest;
use crate::aggregator::live::Live;
use crate::config::{AggregatorConfig, Token};
use crate::server::Connections;
use crate::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::push::WATCH_HOLD_SECONDS;
use sysmond_tsdb::{QueryError, Store};
use tokio::sync::Semaphore;

/// What requests may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Questions to the store that run at once; they are short, and the disk is one.
    pub queries: usize,
    /// KiB of bodies held at once, all pushes together: sixty-four of the largest.
    pub push_kib: u32,
    /// Agents that wait to hear whether they are watched.
    pub watches: usize,
    /// How long an agent waits for that.
    pub watch_hold: Duration,
    /// How long a request waits for its turn before it is told to come again.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queries: 8,
            push_kib: 64 * 8 * 1024,
            watches: 10_000,
            watch_hold: Duration::from_secs(WATCH_HOLD_SECONDS),
            patience: Duration::from_secs(5),
        }
    }
}

/// The state of the API: handles of the parts that answer.
pub struct App {
    pub(super) limits: Limits,
    pub(super) parts: Parts,
    pub(super) queries: Arc<Semaphore>,
    pub(super) pushes: Semaphore,
    pub(super) buffers: Buffers,
    pub(super) watches: Semaphore,
}

/// What the aggregator is made of, as far as requests need it.
pub struct Parts {
    /// Hosts and samples.
    pub store: Store,
    /// Who watches.
    pub live: Live,
    /// Takes pushes.
    pub ingest: Ingest,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// What the server counts.
    pub connections: Connections,
    /// The end.
    pub shutdown: Shutdown,
    /// Settings.
    pub config: AggregatorConfig,
    /// How long a request's body may take.
    pub body_time: Duration,
}

impl App {
    /// The API over these parts.
    pub fn new(limits: Limits, parts: Parts) -> Self {
        Self {
            queries: Arc::new(Semaphore::new(limits.queries)),
            buffers: Buffers::default(),
            pushes: Semaphore::new(limits.push_kib as usize),
            watches: Semaphore::new(limits.watches),
            limits,
            parts,
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.parts.store
    }

    pub(super) fn token(&self) -> &Token {
        &self.parts.config.token
    }

    pub(super) fn offline_after_ms(&self) -> i64 {
        i64::try_from(self.parts.config.offline_after.as_millis()).unwrap_or(i64::MAX)
    }

    /// Asks the store something that reads the disk, on a thread for that, when it is its turn.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Store) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.queries).acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(self.limits.patience, turn).await else {
            return Err(Problem::busy("busy", "too many questions at once", 1));
        };
        let store = self.parts.store.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let answer = question(&store);
            drop(turn);
            answer
        });
        answered.await.map_err(Problem::internal)?.map_err(Problem::from)
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::UnknownHost(host) => Self::unknown_host(&host),
            QueryError::TooLarge(detail) => Self::invalid("too_large", detail),
            QueryError::TimedOut => Self::busy("timed_out", "the question took too long; ask for less", 5),
            error @ (QueryError::OutOfMemory
            | QueryError::NoStatement
            | QueryError::Statement(_)
            | QueryError::Sqlite(_)) => Self::internal(error),
        }
    }
}
