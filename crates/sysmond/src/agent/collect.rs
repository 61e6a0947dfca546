//! The tick loop: reads all sources at whole multiples of the interval and hands each row on.

use super::counters::Counters;
use super::grid;
use super::keep::Ring;
use super::registry::Registry;
use super::rows::Rows;
use super::scrape::{self, Questions};
use crate::clock;
use crate::shutdown::Shutdown;
use crate::systemd::Pulse;
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::{ProcessReading, Timestamp};
use sysmond_procfs::{LatestProcesses, Roots};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

/// How long a row waits for its sources, where half of the interval is not less.
const DEADLINE: Duration = Duration::from_millis(400);
/// Between the first two readings: short enough for a page that shows data a second after the start, long enough for
/// rates that mean something (25 ticks of the CPU counters).
const PRIMING: Duration = Duration::from_millis(250);
/// Between two readings while somebody watches, where the interval is not less.
const WATCHED_INTERVAL: Duration = Duration::from_secs(1);
/// What the loop needs.
pub(super) struct Collect {
    /// The sources.
    pub(super) registry: Registry,
    /// Makes rows of what they read.
    pub(super) rows: Rows,
    /// Where a source leaves what it saw of processes.
    pub(super) processes: Arc<LatestProcesses>,
    /// Where rows go.
    pub(super) ring: Arc<Ring>,
    /// Between two readings while nobody watches.
    pub(super) interval: Duration,
    /// Whether somebody watches.
    pub(super) watched: watch::Receiver<bool>,
    /// The timestamp of the newest row, of an earlier run too.
    pub(super) last: Option<Timestamp>,
    /// Who wants to see what is read.
    pub(super) questions: Questions,
    /// Where the host's file systems are.
    pub(super) roots: Roots,
    /// What is counted.
    pub(super) counters: Arc<Counters>,
    /// Shows that the loop goes on.
    pub(super) pulse: Arc<Pulse>,
}

impl Collect {
    /// Reads until `shutdown`, then says that no more rows come.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        self.registry.read(self.deadline()).await;
        if !pause(PRIMING, &shutdown).await {
            self.first_row().await;
        }
        while !shutdown.is_requested() {
            let now = clock::now();
            let tick = grid::next(now, self.last, self.period());
            let until = grid::until(now, tick);
            self.pulse.beat(until);
            tokio::select! {
                stop = pause(until, &shutdown) => if !stop { self.tick(tick).await },
                Ok(()) = self.watched.changed() => {}
                Some(answer) = self.questions.recv() => self.answer(answer).await,
            }
        }
        self.ring.close();
        self.registry.stop();
    }

    /// The one row that does not wait for the grid. It carries the whole second of its reading; where an earlier run
    /// stored that second already, the next tick is soon enough.
    async fn first_row(&mut self) {
        let second = grid::floor(clock::now(), Duration::from_secs(1).min(self.interval));
        if self.last.is_none_or(|last| last != second) {
            self.row(second).await;
        } else {
            self.registry.read(self.deadline()).await;
        }
    }

    /// Reads the row of `tick`, or that of the grid's current place where the clock jumped or time was lost meanwhile.
    async fn tick(&mut self, tick: Timestamp) {
        let now = clock::now();
        if now < tick {
            // Set back while it slept: the loop plans anew.
            return;
        }
        let stamp = grid::floor(now, self.period()).max(tick);
        self.row(stamp).await;
    }

    async fn row(&mut self, stamp: Timestamp) {
        self.registry.read(self.deadline()).await;
        self.last = Some(stamp);
        let row = self.rows.row(stamp, clock::since_boot(), self.registry.collectors());
        let processes = self.processes.take();
        let reading = |(_, snapshot)| ProcessReading { timestamp: stamp, snapshot };
        self.ring.put(row, processes.map(reading));
    }

    async fn answer(&self, answer: oneshot::Sender<String>) {
        let text = scrape::text(&self.registry, &self.roots, &self.counters, self.deadline()).await;
        // Whoever asked may have gone meanwhile.
        drop(answer.send(text));
    }

    fn period(&self) -> Duration {
        if *self.watched.borrow() { self.interval.min(WATCHED_INTERVAL) } else { self.interval }
    }

    fn deadline(&self) -> Duration {
        DEADLINE.min(self.period() / 2)
    }
}

/// Sleeps; whether the end was asked for meanwhile.
async fn pause(duration: Duration, shutdown: &Shutdown) -> bool {
    tokio::select! {
        () = sleep(duration) => shutdown.is_requested(),
        () = shutdown.requested() => true,
    }
}
