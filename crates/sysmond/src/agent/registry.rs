//! The sources of a host and their health: one that fails, hangs or panics costs its own values and no others'.
//!
//! There is a thread for each [`Lane`]: what waits for a disk or a bus holds up nothing that only asks the kernel, and
//! to wake a thread for each source would cost more than to read it.

use crate::clock;
use anyhow::Context;
use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use sysmond_model::tags;
use sysmond_procfs::{Lane, Source, SourceError, Values};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

/// The stack of a thread: parsing needs little, and there are several such threads.
const STACK_BYTES: usize = 256 * 1024;

/// All sources of this host, with their health.
pub(super) struct Registry {
    collectors: Vec<Collector>,
    threads: Vec<Thread>,
    answers: mpsc::Receiver<Answer>,
    round: u64,
    reasons: Reasons,
}

/// Why collectors give nothing, by name, as the host's static data tell it.
pub(super) type Reasons = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// A thread and the sources that it reads.
struct Thread {
    handle: thread::JoinHandle<()>,
    indices: Vec<usize>,
}

/// One source as the registry sees it.
pub(super) struct Collector {
    name: &'static str,
    /// `collector=NAME`, the tags of its health.
    tags: String,
    ask: SyncSender<Ask>,
    state: State,
    health: Health,
    /// The values of the current round, or of none; away while the source reads.
    values: Values,
    took: Option<Duration>,
    reasons: Reasons,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// Reads for the round of that number.
    Reads(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Unread,
    /// The host has no such thing.
    Absent,
    Well,
    Fails,
    Late,
    Gone,
}

struct Ask {
    index: usize,
    round: u64,
    values: Values,
}

struct Answer {
    index: usize,
    round: u64,
    values: Values,
    outcome: Result<(), Failure>,
    took: Duration,
}

/// Why a source gave nothing or not all.
enum Failure {
    Source(SourceError),
    Panic(String),
}

impl Failure {
    /// With its cause.
    fn text(&self) -> String {
        match self {
            Self::Source(error) => match error.source() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            },
            Self::Panic(message) => format!("it panicked: {message}"),
        }
    }
}

impl Registry {
    /// The threads of `sources`. Fails where the system gives no more threads.
    pub(super) fn start(sources: Vec<Box<dyn Source>>) -> anyhow::Result<Self> {
        // A source has at most one answer under way, so sending one never waits.
        let (answer, answers) = mpsc::channel(sources.len().max(1));
        let reasons = Reasons::default();
        let (mut collectors, mut lanes) = (Vec::new(), BTreeMap::<Lane, Vec<_>>::new());
        for (index, source) in sources.into_iter().enumerate() {
            collectors.push((source.name(), source.lane()));
            lanes.entry(source.lane()).or_default().push((index, source));
        }
        let (mut asks, mut threads) = (BTreeMap::new(), Vec::with_capacity(lanes.len()));
        for (lane, sources) in lanes {
            let (ask, thread) = Thread::start(lane, sources, answer.clone())?;
            asks.insert(lane, ask);
            threads.push(thread);
        }
        let collector = |(name, lane)| {
            let ask = asks.get(&lane)?;
            Some(Collector::new(name, ask.clone(), Arc::clone(&reasons)))
        };
        let collectors = collectors.into_iter().filter_map(collector).collect();
        Ok(Self { collectors, threads, answers, round: 0, reasons })
    }

    /// Why collectors give nothing, kept up to date.
    pub(super) fn reasons(&self) -> &Reasons {
        &self.reasons
    }

    #[cfg(test)]
    fn thread_count(&self) -> usize {
        self.threads.len()
    }

    /// Asks all idle sources and waits at most `deadline` for their answers. Afterwards [`Self::collectors`] has what
    /// came in time.
    pub(super) async fn read(&mut self, deadline: Duration) {
        self.round += 1;
        while let Ok(answer) = self.answers.try_recv() {
            self.take(answer);
        }
        let mut open = 0;
        for (index, collector) in self.collectors.iter_mut().enumerate() {
            collector.forget();
            open += usize::from(collector.ask(index, self.round));
        }
        let end = Instant::now() + deadline;
        while open > 0 {
            let Ok(Some(answer)) = timeout_at(end, self.answers.recv()).await else { break };
            open -= usize::from(self.take(answer));
        }
        for collector in &mut self.collectors {
            collector.mark_late(self.round, deadline);
        }
    }

    /// The sources after a round.
    pub(super) fn collectors(&self) -> &[Collector] {
        &self.collectors
    }

    /// Ends the threads that are idle and waits for them. A source that hangs cannot be ended; it goes with the
    /// process.
    pub(super) fn stop(self) {
        drop(self.answers);
        let hangs: Vec<&'static str> =
            self.collectors.iter().filter(|c| c.state != State::Idle).map(|c| c.name).collect();
        let is_busy: Vec<bool> = self.collectors.iter().map(|c| c.state != State::Idle).collect();
        if !hangs.is_empty() {
            warn!(collectors = ?hangs, "still reading at the end; not waited for");
        }
        drop(self.collectors);
        for thread in self.threads {
            let busy = thread.indices.iter().any(|index| is_busy.get(*index).copied().unwrap_or(false));
            if !busy && thread.handle.join().is_err() {
                warn!("a thread of the collectors panicked");
            }
        }
    }

    /// Takes an answer back; whether it belongs to this round. A late one only makes its source idle again.
    fn take(&mut self, answer: Answer) -> bool {
        let current = answer.round == self.round;
        if let Some(collector) = self.collectors.get_mut(answer.index) {
            collector.take(answer, current);
        }
        current
    }
}

impl Collector {
    fn new(name: &'static str, ask: SyncSender<Ask>, reasons: Reasons) -> Self {
        let values = Values::default();
        let tags = tags::pair("collector", name);
        let (state, health) = (State::Idle, Health::Unread);
        Self { name, tags, ask, state, health, values, took: None, reasons }
    }

    /// The tags of its health: `collector=NAME`.
    pub(super) fn tags(&self) -> &str {
        &self.tags
    }

    /// What it read in the round; nothing where it was not asked or is late.
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// Whether its last reading succeeded; nothing before the first, and where the host has no such thing.
    pub(super) fn is_up(&self) -> Option<bool> {
        (!matches!(self.health, Health::Unread | Health::Absent)).then_some(self.health == Health::Well)
    }

    /// How long its reading in the round took; nothing where it was not asked, is late, or is of what is not there.
    pub(super) fn took(&self) -> Option<Duration> {
        self.took
    }

    fn forget(&mut self) {
        self.values.clear();
        self.took = None;
    }

    fn ask(&mut self, index: usize, round: u64) -> bool {
        if self.state != State::Idle || self.health == Health::Gone {
            return false;
        }
        let ask = Ask { index, round, values: std::mem::take(&mut self.values) };
        if self.ask.try_send(ask).is_err() {
            let name = self.name;
            self.turn(
                Health::Gone,
                || "its thread is gone".to_owned(),
                |_| {
                    warn!(collector = name, "the collector's thread is gone");
                },
            );
            return false;
        }
        self.state = State::Reads(round);
        true
    }

    fn take(&mut self, answer: Answer, current: bool) {
        self.state = State::Idle;
        self.values = answer.values;
        if !current {
            self.values.clear();
            return;
        }
        self.took = Some(answer.took);
        let name = self.name;
        match answer.outcome {
            Ok(()) => {
                let mended = matches!(self.health, Health::Fails | Health::Late);
                self.turn(Health::Well, String::new, |_| {
                    if mended {
                        info!(collector = name, "the collector reads again");
                    }
                });
            }
            Err(Failure::Source(error)) if error.is_absence() => {
                self.took = None;
                self.turn(
                    Health::Absent,
                    || error.to_string(),
                    |reason| {
                        debug!(collector = name, reason, "there is nothing to collect");
                    },
                );
            }
            Err(failure) => self.turn(
                Health::Fails,
                || failure.text(),
                |error| {
                    warn!(collector = name, error, "the collector fails");
                },
            ),
        }
    }

    fn mark_late(&mut self, round: u64, deadline: Duration) {
        if self.state == State::Reads(round) {
            let name = self.name;
            self.turn(
                Health::Late,
                || "it hangs".to_owned(),
                |_| {
                    let deadline_ms = clock::millis(deadline);
                    warn!(collector = name, deadline_ms, "the collector hangs; the others go on without it");
                },
            );
        }
    }

    /// Changes the health, and says so where it is a change. An empty reason is none.
    fn turn(&mut self, health: Health, reason: impl FnOnce() -> String, say: impl FnOnce(&str)) {
        // What fails may go on failing for another reason; all else that stays is no news.
        if self.health == health && health != Health::Fails {
            return;
        }
        let reason = reason();
        if self.health == health {
            self.renew(&reason);
            return;
        }
        self.health = health;
        say(&reason);
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if reason.is_empty() {
            reasons.remove(self.name);
        } else {
            reasons.insert(self.name, reason);
        }
    }
}

impl Collector {
    /// Takes another reason for the same failure.
    fn renew(&self, reason: &str) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = reasons.get_mut(self.name).filter(|known| *known != reason) {
            warn!(collector = self.name, error = reason, "the collector fails for another reason");
            reason.clone_into(known);
        }
    }
}

impl Thread {
    /// A thread for these sources, and how to ask it.
    fn start(
        lane: Lane,
        sources: Vec<(usize, Box<dyn Source>)>,
        answer: mpsc::Sender<Answer>,
    ) -> anyhow::Result<(SyncSender<Ask>, Self)> {
        // Each source is asked at most once at a time.
        let (ask, asked) = sync_channel(sources.len());
        let indices: Vec<usize> = sources.iter().map(|(index, _)| *index).collect();
        let name = match lane {
            Lane::Kernel => "collect",
            Lane::Storage => "collect-storage",
            Lane::Hardware => "collect-sensors",
        };
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || serve(sources, &asked, &answer))
            .with_context(|| format!("cannot start the thread {name}"))?;
        Ok((ask, Self { handle, indices }))
    }
}

/// The life of a thread: it ends when the registry does.
fn serve(mut sources: Vec<(usize, Box<dyn Source>)>, asked: &Receiver<Ask>, answer: &mpsc::Sender<Answer>) {
    while let Ok(Ask { index, round, mut values }) = asked.recv() {
        let Some((_, source)) = sources.iter_mut().find(|(own, _)| *own == index) else { continue };
        let begin = clock::since_boot();
        let outcome = catch_unwind(AssertUnwindSafe(|| source.read(begin, &mut values)));
        let outcome = outcome.map_or_else(
            |panic| {
                values.clear();
                Err(Failure::Panic(panic_text(&*panic).to_owned()))
            },
            |outcome| outcome.map_err(Failure::Source),
        );
        let took = clock::since_boot().saturating_sub(begin);
        if answer.blocking_send(Answer { index, round, values, outcome, took }).is_err() {
            return;
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
