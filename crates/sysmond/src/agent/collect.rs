//! The tick loop: reads all sources at whole multiples of the interval and hands each row on.
//!
//! It has a thread of its own, which between two ticks sleeps in one call of the kernel's: of what an agent takes, most
//! is being woken, and a runtime that also keeps other times is woken several times for each.

use super::counters::Counters;
use super::grid;
use super::keep::Ring;
use super::registry::Registry;
use super::rows::Rows;
use super::scrape;
use crate::clock;
use crate::shutdown::Shutdown;
use crate::systemd::Pulse;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use sysmond_model::{ProcessReading, Timestamp};
use sysmond_procfs::{Exposition, LatestProcesses};
use tokio::sync::{oneshot, watch};

/// How long a row waits for its sources, where half of the interval is not less.
const DEADLINE: Duration = Duration::from_millis(400);
/// Between the first two readings: short enough for a page that shows data a second after the start, long enough for
/// rates that mean something (25 ticks of the CPU counters).
const PRIMING: Duration = Duration::from_millis(250);
/// Between two readings while somebody watches, where the interval is not less.
const WATCHED_INTERVAL: Duration = Duration::from_secs(1);
/// Calls that wait for their turn: more than a few servers do not ask at the same moment.
const MAX_WAITING: usize = 8;

/// What is said to the loop between two ticks.
#[derive(Debug)]
pub(super) enum Call {
    /// Look again who watches, and whether the end was asked for.
    Look,
    /// Show what is read to Prometheus, behind what is there already.
    Show(Exposition, oneshot::Sender<String>),
}

/// The two ends of the way on which the loop is called.
pub(super) fn calls() -> (SyncSender<Call>, Receiver<Call>) {
    sync_channel(MAX_WAITING)
}

/// Has the loop look again where there is something to see, until `shutdown`.
pub(super) async fn wake(calls: SyncSender<Call>, mut watched: watch::Receiver<bool>, shutdown: Shutdown) {
    let mut is_over = false;
    while !is_over {
        tokio::select! {
            () = shutdown.requested() => is_over = true,
            Ok(()) = watched.changed() => {}
        }
        // Where there is no room for it the loop is awake, and looks after each call.
        calls.try_send(Call::Look).ok();
    }
}

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
    /// What is said to it.
    pub(super) calls: Receiver<Call>,
    /// What is counted.
    pub(super) counters: Arc<Counters>,
    /// Shows that the loop goes on.
    pub(super) pulse: Arc<Pulse>,
}

impl Collect {
    /// Reads until `shutdown`, then says that no more rows come.
    pub(super) fn run(mut self, shutdown: &Shutdown) {
        self.registry.read(self.deadline());
        thread::sleep(PRIMING);
        if !shutdown.is_requested() {
            self.first_row();
        }
        while !shutdown.is_requested() {
            let now = clock::now();
            let tick = grid::next(now, self.last, self.period());
            let until = grid::until(now, tick);
            self.pulse.beat(until);
            match self.calls.recv_timeout(until) {
                Ok(Call::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Call::Show(out, answer)) => self.show(out, answer),
                // All that could ask for the end are gone.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // After a call too: to answer may have taken until the tick or beyond.
            self.tick(tick);
        }
        self.ring.close();
        // Whoever waits for an answer has none.
        drop(self.calls);
        self.registry.stop();
    }

    /// The one row that does not wait for the grid. It carries the whole second of its reading; where an earlier run
    /// stored that second already, the next tick is soon enough.
    fn first_row(&mut self) {
        let second = grid::floor(clock::now(), Duration::from_secs(1).min(self.interval));
        if self.last.is_none_or(|last| last != second) {
            self.row(second);
        } else {
            self.registry.read(self.deadline());
        }
    }

    /// Reads the row of `tick` where it is time, or that of the grid's current place where the clock jumped or time was
    /// lost meanwhile.
    fn tick(&mut self, tick: Timestamp) {
        let now = clock::now();
        if now < tick {
            // Called before it, or the clock was set back: the loop plans anew.
            return;
        }
        let stamp = grid::floor(now, self.period()).max(tick);
        self.row(stamp);
    }

    fn row(&mut self, stamp: Timestamp) {
        self.registry.read(self.deadline());
        self.last = Some(stamp);
        let row = self.rows.row(stamp, clock::since_boot(), self.registry.collectors());
        let processes = self.processes.take();
        let reading = |(_, snapshot)| ProcessReading { timestamp: stamp, snapshot };
        self.ring.put(row, processes.map(reading));
    }

    fn show(&mut self, out: Exposition, answer: oneshot::Sender<String>) {
        let deadline = self.deadline();
        let text = scrape::text(&mut self.registry, &self.counters, deadline, out);
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

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::catalogue::LOAD_AVG_1M;
    use sysmond_procfs::{Source, SourceError, Values};

    /// Takes longer to be shown than there is between two ticks.
    struct Slow;

    const INTERVAL: Duration = Duration::from_millis(100);

    impl Source for Slow {
        fn name(&self) -> &'static str {
            "slow"
        }

        fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
            out.put(&LOAD_AVG_1M, "", 1.0);
            Ok(())
        }

        fn expose(&mut self, _out: &mut Exposition) -> Result<(), SourceError> {
            thread::sleep(INTERVAL);
            Ok(())
        }
    }

    #[test]
    fn whoever_asks_costs_no_row_and_has_no_answer_after_the_end() {
        let (call, calls) = calls();
        let (counters, shutdown) = (Arc::<Counters>::default(), Shutdown::new());
        let collect = Collect {
            registry: Registry::start(vec![Box::new(Slow)], true).unwrap(),
            rows: Rows::new(Arc::clone(&counters)),
            processes: Arc::default(),
            ring: Ring::new(Arc::clone(&counters)),
            interval: INTERVAL,
            watched: watch::channel(false).1,
            last: None,
            calls,
            counters: Arc::clone(&counters),
            pulse: Arc::default(),
        };
        let ask = || {
            let (answer, text) = oneshot::channel();
            call.send(Call::Show(Exposition::default(), answer)).unwrap();
            text
        };
        // One after the other, without a pause.
        let answers = [(); 5].map(|()| ask());
        let end = shutdown.clone();
        let thread = thread::spawn(move || collect.run(&end));
        for answer in answers {
            assert!(answer.blocking_recv().unwrap().contains("slow"));
        }
        // The first row, and one after each answer but perhaps the last.
        assert!(counters.rows_produced.get() >= 5, "{} rows", counters.rows_produced.get());
        shutdown.request();
        thread.join().unwrap();
        let (answer, _text) = oneshot::channel();
        assert!(call.try_send(Call::Show(Exposition::default(), answer)).is_err());
    }
}
