//! From the body of a push to durable samples, and on to whoever watches.

mod body;
mod predict;
mod processes;
mod sample;
mod table;
mod text;

pub use body::{BodyError, Push, parse};
pub use predict::Predictor;
pub use sample::Window;

use super::counters::{Counters, PushOutcome, TOO_MANY_SERIES, TOO_OLD};
use super::live::Live;
use super::views::whole_seconds;
use crate::clock;
use crate::shutdown::Shutdown;
use std::sync::Arc;
use sysmond_model::limits;
use sysmond_model::push::{PushAnswer, SampleError};
use sysmond_model::{Frame, HostInfo};
use sysmond_tsdb::{Append, AppendError, Appended, Store};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Takes pushes. Clones share the store.
#[derive(Clone)]
pub struct Ingest {
    store: Store,
    live: Live,
    counters: Arc<Counters>,
    retention_ms: i64,
    predictor: Arc<Predictor>,
    shutdown: Shutdown,
}

impl Ingest {
    /// Stores into `store` what is not older than `retention_ms`, and shows it to `live`.
    pub fn new(
        store: Store,
        live: Live,
        counters: Arc<Counters>,
        retention_ms: i64,
        shutdown: Shutdown,
    ) -> Self {
        Self { store, live, counters, retention_ms, predictor: Arc::default(), shutdown }
    }

    /// Reads the body of a push.
    pub fn parse(&self, body: &[u8]) -> Result<Push, BodyError> {
        self.predictor.parse(body, |hostname| self.window(hostname))
    }

    /// The times that samples of `hostname` may have now. Too old is what the store would drop again, and what it has
    /// removed the like of. A host that has none yet may bring a past as old as it likes: what of it is beyond the
    /// retention goes when the store is looked after next.
    fn window(&self, hostname: &str) -> Window {
        let now = clock::now();
        let by_age = self.store.aged_from(hostname, now).map(|from| from.plus_millis(-self.retention_ms));
        let oldest = by_age.max(self.store.kept_from(hostname)).unwrap_or_default();
        Window { oldest, newest: now.plus_millis(limits::MAX_AHEAD_MS) }
    }

    /// Stores `push`; the answer comes when it is on disk. Where nobody waits for it any more, those who watch are
    /// still shown what was stored.
    pub async fn deliver(&self, push: Push) -> Result<PushAnswer, AppendError> {
        self.counters.samples_received.add(push.received as u64);
        if push.is_refused() && self.store.host(&push.host.hostname).is_none() {
            self.counters.refused(&push.refused);
            return Ok(push.answer(&Appended::default()));
        }
        let mut delivery = Delivery { ingest: self, sent: Some(self.send(push)?) };
        let sent = delivery.sent.as_mut().ok_or(AppendError::Closed)?;
        let committed = (&mut sent.committed).await;
        let sent = delivery.sent.take().ok_or(AppendError::Closed)?;
        self.finish(sent.push, &sent.shown, committed)
    }

    /// Hands `push` to the store.
    fn send(&self, mut push: Push) -> Result<Sent, AppendError> {
        let received = clock::now();
        let frame = std::mem::take(&mut push.frame);
        // A copy in any case: who begins to watch while this is on its way to the disk is to see it too.
        let shown = frame.clone();
        let (done, committed) = oneshot::channel();
        let hostname = push.host.hostname.clone();
        let host = std::mem::replace(&mut push.host, HostInfo { hostname, ..HostInfo::default() });
        let static_info = push.static_info.take();
        let processes = std::mem::take(&mut push.processes.readings);
        let append = Append { host, static_info, received, frame, processes };
        self.store.append(append, move |result| {
            // Nobody waits any more where the program is going down.
            done.send(result).ok();
        })?;
        Ok(Sent { push, shown, committed })
    }

    /// Shows what is on disk, and says what became of each sample.
    fn finish(&self, mut push: Push, shown: &Frame, committed: Committed) -> Result<PushAnswer, AppendError> {
        let appended = committed.unwrap_or(Err(AppendError::Closed))?;
        self.live.publish(&push.host.hostname, shown);
        for &column in &appended.refused_columns {
            if let Some(series) = shown.shape().series().get(column) {
                push.refuse_column(column, &series.metric_type);
            }
        }
        // Removed between the reading of the body and its turn: which of the samples they are is not known any more.
        push.failed += appended.too_old;
        push.refused.add(TOO_OLD, appended.too_old as u64);
        self.counters.refused(&push.refused);
        Ok(push.answer(&appended))
    }

    /// Counts how a push ended.
    pub fn count(&self, outcome: PushOutcome) {
        self.counters.push(outcome);
    }
}

/// What the store says of an append; an error where it ended without a word.
type Committed = Result<Result<Appended, AppendError>, oneshot::error::RecvError>;

/// A push that the store has.
struct Sent {
    /// Of its host only the name.
    push: Push,
    shown: Frame,
    committed: oneshot::Receiver<Result<Appended, AppendError>>,
}

/// Waits for the disk, without a task of its own as long as the client waits too.
struct Delivery<'a> {
    ingest: &'a Ingest,
    sent: Option<Sent>,
}

impl Drop for Delivery<'_> {
    /// A client that went away must not keep those who watch from what was stored.
    fn drop(&mut self) {
        let Some(Sent { push, shown, committed }) = self.sent.take() else { return };
        if Handle::try_current().is_err() {
            // The runtime is gone, and with it all who watch.
            return;
        }
        let ingest = self.ingest.clone();
        self.ingest.shutdown.spawn(async move {
            if let Err(error) = ingest.finish(push, &shown, committed.await) {
                tracing::debug!(%error, "a push whose client went away was not stored");
            }
        });
    }
}

impl Push {
    /// Whether it brought samples of which none is good: that makes no host known.
    fn is_refused(&self) -> bool {
        self.received > 0 && self.failed == self.received
    }

    /// Adds the samples of a column that the store did not take.
    fn refuse_column(&mut self, column: usize, metric_type: &str) {
        let Some(used) = self.columns.get(column) else { return };
        self.failed += used.samples;
        self.refused.add(TOO_MANY_SERIES, used.samples as u64);
        if self.errors.len() < body::MAX_ERRORS {
            self.errors.push(SampleError {
                index: used.first_index,
                metric_type: metric_type.to_owned(),
                code: TOO_MANY_SERIES.to_owned(),
                detail: format!("the host has {} series already", limits::MAX_SERIES_PER_HOST),
            });
        }
    }

    fn answer(self, appended: &Appended) -> PushAnswer {
        let stored = self.received - self.failed;
        let status = match (stored, self.failed) {
            (_, 0) => "success",
            (0, _) => "error",
            _ => "partial",
        };
        PushAnswer {
            status: status.to_owned(),
            hostname: self.host.hostname,
            metrics_received: self.received,
            metrics_stored: stored,
            metrics_failed: self.failed,
            errors: self.errors,
            snapshots_stored: appended.snapshots,
            snapshots_failed: self.processes.failed + appended.snapshots_refused,
            static_wanted: appended.static_wanted,
            timestamp: whole_seconds(clock::now()),
        }
    }
}
