//! Delivers this host's rows to the aggregator: at least once, oldest first, a heartbeat where there is nothing new.

mod earlier;
mod journal;
mod link;
mod outcome;

use self::earlier::Earlier;
use self::journal::{Batch, Journal};
use self::link::Link;
use self::outcome::{Outcome, judge};
use super::backoff::Backoff;
use super::client::Client;
use super::counters::Counters;
use super::keep::Ring;
use super::statics::Statics;
use super::{counters, grid};
use crate::clock;
use crate::shutdown::Shutdown;
use hyper::body::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::push::{PushAnswer, PushBody};
use sysmond_model::{Frame, HostInfo, ProcessReading, Timestamp};
use sysmond_tsdb::{Cursor, Store};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

/// Where pushes go, below the aggregator's address.
const PATH: &str = "/api/metrics";
/// Rows of one push at most: some minutes, so that a body is made in a moment and a lost one costs little.
const BATCH_ROWS: usize = 256;
/// Bytes of one push's JSON at most, unless a single row has more: below the 1 MiB that nginx takes by default.
const BATCH_BYTES: usize = 512 * 1024;
/// What a push has of JSON beside its samples, and each of these, more rather than less: as much room is made for a
/// body at once.
const HEAD_BYTES: usize = 8 * 1024;
const SAMPLE_BYTES: usize = 128;
/// How long an answer may take: an aggregator whose disk is busy answers in less.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long the last push may take at the end.
const LAST_PUSH: Duration = Duration::from_secs(2);
/// Between two pushes of a backlog: as long as the last one took, so that one agent takes at most half of an
/// aggregator's attention, within these bounds.
const REST: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// What a push needs from the rest of the agent.
pub(super) struct Parts {
    /// The agent's store.
    pub(super) store: Store,
    /// The way to the aggregator.
    pub(super) client: Client,
    /// Who pushes.
    pub(super) host: HostInfo,
    /// Between two pushes while nobody watches.
    pub(super) interval: Duration,
    /// What is sent once.
    pub(super) statics: Statics,
    /// What is counted.
    pub(super) counters: Arc<Counters>,
    /// Rows that are not durable yet.
    pub(super) ring: Arc<Ring>,
    /// The newest row, as soon as it is durable.
    pub(super) newest: watch::Receiver<Option<Frame>>,
    /// Whether somebody watches.
    pub(super) watched: watch::Receiver<bool>,
    /// Told whether the aggregator is reached.
    pub(super) contact: watch::Sender<bool>,
}

/// The pusher.
pub(super) struct Push {
    parts: Parts,
    phase: Duration,
    journal: Journal,
    /// Earlier names of this machine under which rows wait.
    earlier: VecDeque<Earlier>,
    link: Link,
    backoff: Backoff,
    /// Rows of the next push at most: less than [`BATCH_ROWS`] while a row that is refused is looked for.
    rows: usize,
    /// Snapshots of processes that are held back while what is refused is looked for.
    suspects: Option<Suspects>,
    /// When the last push was acknowledged, since boot.
    acknowledged: Option<Duration>,
    /// The newest row that the aggregator has, and when it got it, since boot.
    delivered: Option<(Timestamp, Duration)>,
}

/// The snapshots of a push that was refused.
struct Suspects {
    /// The rows of that push.
    rows: usize,
    /// Behind the snapshots.
    next: Cursor,
    count: usize,
}

/// The pushes stop for so long.
struct Wait(Duration);

impl Push {
    /// A pusher that goes on where the last run ended.
    pub(super) async fn open(parts: Parts) -> Self {
        let address = parts.client.address();
        let hostname = &parts.host.hostname;
        let journal = Journal::open(parts.store.clone(), hostname.clone(), address).await;
        let earlier = earlier::find(&parts.store, hostname, address).await;
        let link = Link::new(address.to_string(), parts.contact.clone());
        let phase = grid::phase(hostname, parts.interval);
        Self {
            parts,
            phase,
            journal,
            earlier,
            link,
            backoff: Backoff::new(),
            rows: BATCH_ROWS,
            suspects: None,
            acknowledged: None,
            delivered: None,
        }
    }

    /// Pushes until `shutdown`, and once more what was stored by then.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            () = self.pushes() => {}
            () = shutdown.requested() => {}
        }
        while self.parts.newest.changed().await.is_ok() {}
        self.link.end();
        if !matches!(timeout(LAST_PUSH, self.push(false)).await, Ok(Ok(false))) {
            info!("some rows stay in the agent's store; the next start delivers them");
        }
    }

    async fn pushes(&mut self) {
        tokio::select! {
            _ = self.parts.newest.changed() => {}
            () = sleep(self.parts.interval) => debug!("no row yet; the first push is a heartbeat"),
        }
        let mut heartbeat = true;
        loop {
            heartbeat = match self.drain(heartbeat).await {
                Ok(()) => self.until_next().await,
                Err(Wait(wait)) => {
                    sleep(wait).await;
                    true
                }
            };
        }
    }

    /// Waits for this host's next turn, or for a row while somebody watches; whether it is the turn.
    async fn until_next(&mut self) -> bool {
        let turn = sleep(grid::until_phase(clock::now(), self.phase, self.parts.interval));
        tokio::pin!(turn);
        loop {
            let watched = *self.parts.watched.borrow();
            tokio::select! {
                () = &mut turn => return true,
                Ok(()) = self.parts.newest.changed(), if watched => return false,
                Ok(()) = self.parts.watched.changed() => {}
            }
        }
    }

    /// Pushes until nothing waits; a heartbeat where nothing waited and one is due.
    async fn drain(&mut self, heartbeat: bool) -> Result<(), Wait> {
        self.parts.statics.refresh().await;
        self.parts.ring.settle().await;
        let mut begin = clock::since_boot();
        let mut more = self.push(heartbeat).await?;
        while more {
            sleep((clock::since_boot().saturating_sub(begin)).clamp(REST.0, REST.1)).await;
            self.push_newest().await?;
            begin = clock::since_boot();
            more = self.push(false).await?;
        }
        self.push_earlier().await
    }

    /// A push of what waits under an earlier name of this machine, in each turn one: it is in no hurry.
    async fn push_earlier(&mut self) -> Result<(), Wait> {
        let Some(Earlier { host, mut journal }) = self.earlier.pop_front() else { return Ok(()) };
        let name = host.hostname.clone();
        let (batch, body) = match earlier::next_push(&host, &mut journal).await {
            Ok(Some(push)) => push,
            Ok(None) => {
                info!(earlier = name, "all that was stored under an earlier name is delivered");
                return Ok(());
            }
            Err(error) => {
                warn!(earlier = name, error = format!("{error:#}"), "rows of an earlier name cannot be read");
                return Ok(());
            }
        };
        match self.post(body, batch.samples).await {
            Outcome::Taken(answer) => {
                self.count(&batch, &answer);
                journal.advance(&batch);
                self.earlier.push_front(Earlier { host, journal });
                Ok(())
            }
            // Others of that name may be there, with newer rows: these stay here.
            Outcome::Refused { why, .. } => {
                warn!(
                    earlier = name,
                    why, "rows of an earlier name are refused, and stay in the agent's store"
                );
                Ok(())
            }
            other => {
                self.earlier.push_front(Earlier { host, journal });
                Err(self.not_now(other))
            }
        }
    }

    /// One push of what waits; whether more waits.
    async fn push(&mut self, heartbeat: bool) -> Result<bool, Wait> {
        let asked = self.rows;
        let batch = match self.journal.next(asked, self.suspects.is_none()).await {
            Ok(batch) => batch,
            Err(error) => {
                let why = format!("the agent's own store cannot be read: {error:#}");
                return Err(self.not_now(Outcome::Later { why, retry_after: None }));
            }
        };
        if batch.is_empty() && self.suspects.is_none() {
            if heartbeat && self.is_heartbeat_due() {
                self.heartbeat().await?;
            }
            return Ok(false);
        }
        let body = self.body(&batch.frames, &batch.processes);
        if body.len() > BATCH_BYTES && batch.rows > 1 {
            self.rows = batch.rows / 2;
            return Ok(true);
        }
        let fitting = (BATCH_BYTES * batch.rows / body.len().max(1)).max(1);
        match self.post(body, batch.samples).await {
            Outcome::Taken(answer) => {
                self.rows = (self.rows * 2).min(fitting).min(BATCH_ROWS);
                let more = batch.rows >= asked || batch.is_full_of_processes() || self.suspects.is_some();
                self.clear_suspects(batch.rows);
                self.taken(&answer, more);
                self.delivered(&batch, &answer);
                Ok(more)
            }
            Outcome::Refused { status, why } => {
                debug!(%status, why, rows = batch.rows, "a push was refused as a whole");
                self.refused(batch, &why).await
            }
            other => Err(self.not_now(other)),
        }
    }

    /// Looks for what is refused: first without the static data, then without the processes, then in halves. A row
    /// that is refused alone while the aggregator takes a heartbeat is at fault itself, and is set aside.
    async fn refused(&mut self, batch: Batch, why: &str) -> Result<bool, Wait> {
        if self.parts.statics.withhold() {
            return Ok(true);
        }
        if !batch.processes.is_empty() {
            let (rows, count) = (batch.rows, batch.processes.len());
            self.suspects = Some(Suspects { rows, next: batch.processes_next(), count });
            return Ok(true);
        }
        if batch.rows > 1 {
            self.rows = batch.rows / 2;
            return Ok(true);
        }
        self.say_alive(&[]).await?;
        let counters = &self.parts.counters;
        counters.set_aside.add(batch.samples);
        counters.rows_set_aside.add(1);
        // Ever more seldom where it goes on: a log is not to be filled by it.
        let rows = counters.rows_set_aside.get();
        if rows.is_power_of_two() {
            warn!(why, rows, "the aggregator refuses rows that it cannot read; they are set aside");
        }
        self.journal.advance(&batch);
        Ok(true)
    }

    /// A push without the snapshots that were held back was taken: they are at fault where it was the same but for
    /// them, and are set aside.
    fn clear_suspects(&mut self, rows: usize) {
        let Some(suspects) = self.suspects.take() else { return };
        if suspects.rows == rows {
            self.parts.counters.snapshots_refused.add(suspects.count);
            let snapshots = self.parts.counters.snapshots_refused.get();
            warn!(snapshots, "the aggregator refuses snapshots of processes; they are set aside");
            self.journal.pass_over(suspects.next);
        }
    }

    /// Whether nothing was pushed since this host's last turn: rows that go out each second are sign of life enough.
    fn is_heartbeat_due(&self) -> bool {
        let since = |at| clock::since_boot().saturating_sub(at);
        self.acknowledged.is_none_or(|at| since(at) >= self.parts.interval / 2)
    }

    /// Says that this host lives, with its newest row where the aggregator has that not: rows that wait for a full disk
    /// are seen all the same.
    async fn heartbeat(&mut self) -> Result<(), Wait> {
        let newest = self.parts.newest.borrow().clone().filter(|row| self.is_news(row));
        self.say_alive(newest.as_slice()).await
    }

    /// While a backlog drains: the newest row out of turn, so that what people look at is not late. It comes again in
    /// its turn, and is stored once.
    async fn push_newest(&mut self) -> Result<(), Wait> {
        let now = clock::since_boot();
        let is_due = |(_, at): (Timestamp, Duration)| now.saturating_sub(at) >= self.parts.interval;
        if !*self.parts.watched.borrow() && !self.delivered.is_none_or(is_due) {
            return Ok(());
        }
        let newest = self.parts.newest.borrow().clone();
        match newest.filter(|row| self.is_news(row)) {
            Some(row) => self.say_alive(&[row]).await,
            None => Ok(()),
        }
    }

    /// A push that moves no cursor.
    async fn say_alive(&mut self, rows: &[Frame]) -> Result<(), Wait> {
        let samples = rows.iter().map(Frame::sample_count).sum();
        match self.post(self.body(rows, &[]), samples).await {
            Outcome::Taken(answer) => {
                self.taken(&answer, false);
                self.note_newest(rows);
                Ok(())
            }
            other => Err(self.not_now(other)),
        }
    }

    async fn post(&mut self, body: Bytes, samples: usize) -> Outcome {
        let answer = self.parts.client.post(PATH, body, DEADLINE).await;
        judge(answer, samples, &self.parts.client.address().to_string())
    }

    fn body(&self, frames: &[Frame], processes: &[ProcessReading]) -> Bytes {
        let body = PushBody::new(&self.parts.host, self.parts.statics.wanted(), frames);
        json(&body.with_processes(processes), frames.iter().map(Frame::sample_count).sum())
    }

    fn taken(&mut self, answer: &PushAnswer, more_waits: bool) {
        self.link.up(more_waits);
        self.link.refused(&answer.errors);
        self.backoff.reset();
        self.parts.statics.acknowledged(answer.static_wanted);
        self.parts.counters.pushes.add(1);
        self.acknowledged = Some(clock::since_boot());
    }

    fn delivered(&mut self, batch: &Batch, answer: &PushAnswer) {
        self.count(batch, answer);
        self.note_newest(&batch.frames);
        self.journal.advance(batch);
    }

    fn count(&self, batch: &Batch, answer: &PushAnswer) {
        let counters::Counters { rows_pushed, pushed, refused, .. } = &*self.parts.counters;
        rows_pushed.add(batch.rows);
        pushed.add(answer.metrics_stored);
        refused.add(answer.metrics_failed);
        let failed = answer.snapshots_failed.min(batch.processes.len());
        self.parts.counters.snapshots_refused.add(failed);
        self.parts.counters.snapshots_pushed.add(batch.processes.len() - failed);
    }

    fn not_now(&mut self, outcome: Outcome) -> Wait {
        self.parts.counters.pushes_failed.add(1);
        let mut at_least = Duration::ZERO;
        match outcome {
            Outcome::Later { why, retry_after } => {
                at_least = retry_after.unwrap_or_default();
                self.link.down(&why, None);
            }
            Outcome::Denied { status, advice } => self.link.down(&advice, Some(status)),
            Outcome::Refused { status, why } => {
                self.parts.statics.withhold();
                let why = format!("it refuses what this host says of itself: {why}");
                self.link.down(&why, Some(status));
            }
            Outcome::Taken(_) => {}
        }
        // On top of what the aggregator asked for: it asked everybody for the same.
        let wait = at_least + self.backoff.next();
        debug!(wait_ms = clock::millis(wait), "a push failed");
        Wait(wait)
    }

    fn note_newest(&mut self, frames: &[Frame]) {
        let newest = frames.iter().filter_map(Frame::newest).map(|row| row.timestamp).max();
        let before = self.delivered.map(|(timestamp, _)| timestamp);
        if let Some(newest) = newest.max(before) {
            self.delivered = Some((newest, clock::since_boot()));
        }
    }

    fn is_news(&self, row: &Frame) -> bool {
        let newest = row.newest().map(|row| row.timestamp);
        newest > self.delivered.map(|(timestamp, _)| timestamp)
    }
}

/// The JSON of a body that has so many samples.
fn json(body: &PushBody<'_>, samples: usize) -> Bytes {
    let mut text = Vec::with_capacity(HEAD_BYTES + samples * SAMPLE_BYTES);
    serde_json::to_writer(&mut text, body).expect("a push has only strings and finite numbers");
    text.into()
}

#[cfg(test)]
mod tests;
