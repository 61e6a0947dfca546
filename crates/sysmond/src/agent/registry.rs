//! The sources of a host, each on a thread of its own: one that fails, hangs or panics costs its own values and no
//! others'.

use crate::clock;
use anyhow::Context;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use sysmond_model::tags;
use sysmond_procfs::{Source, Values};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

/// The stack of a source's thread: parsing needs little, and there is one such thread per source.
const STACK_BYTES: usize = 256 * 1024;

/// All sources of this host, with their health.
pub(super) struct Registry {
    collectors: Vec<Collector>,
    answers: mpsc::Receiver<Answer>,
    round: u64,
}

/// One source as the registry sees it.
pub(super) struct Collector {
    name: &'static str,
    /// `collector=NAME`, the tags of its health.
    tags: String,
    ask: SyncSender<Ask>,
    thread: thread::JoinHandle<()>,
    state: State,
    health: Health,
    /// The values of the current round, or of none; away while the source reads.
    values: Values,
    took: Option<Duration>,
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
    Well,
    Fails,
    Late,
    Gone,
}

struct Ask {
    round: u64,
    values: Values,
}

struct Answer {
    index: usize,
    round: u64,
    values: Values,
    outcome: anyhow::Result<()>,
    took: Duration,
}

impl Registry {
    /// A thread for each of `sources`. Fails where the system gives no more threads.
    pub(super) fn start(sources: Vec<Box<dyn Source>>) -> anyhow::Result<Self> {
        // A source has at most one answer under way, so sending one never waits.
        let (answer, answers) = mpsc::channel(sources.len().max(1));
        let mut collectors = Vec::with_capacity(sources.len());
        for (index, source) in sources.into_iter().enumerate() {
            collectors.push(Collector::start(index, source, answer.clone())?);
        }
        Ok(Self { collectors, answers, round: 0 })
    }

    /// Asks all idle sources and waits at most `deadline` for their answers. Afterwards [`Self::collectors`] has what
    /// came in time.
    pub(super) async fn read(&mut self, deadline: Duration) {
        self.round += 1;
        while let Ok(answer) = self.answers.try_recv() {
            self.take(answer);
        }
        let mut open = 0;
        for collector in &mut self.collectors {
            collector.forget();
            open += usize::from(collector.ask(self.round));
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
        for collector in self.collectors {
            drop(collector.ask);
            if collector.state != State::Idle {
                warn!(collector = collector.name, "still reading at the end; not waited for");
            } else if collector.thread.join().is_err() {
                warn!(collector = collector.name, "the collector's thread panicked");
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
    fn start(index: usize, source: Box<dyn Source>, answer: mpsc::Sender<Answer>) -> anyhow::Result<Self> {
        let name = source.name();
        let (ask, asked) = sync_channel(1);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || serve(index, source, &asked, &answer))
            .with_context(|| format!("cannot start a thread for the collector {name}"))?;
        let values = Values::default();
        let tags = tags::pair("collector", name);
        let (state, health) = (State::Idle, Health::Unread);
        Ok(Self { name, tags, ask, thread, state, health, values, took: None })
    }

    /// The tags of its health: `collector=NAME`.
    pub(super) fn tags(&self) -> &str {
        &self.tags
    }

    /// What it read in the round; nothing where it was not asked or is late.
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// Whether its last reading succeeded; nothing before the first.
    pub(super) fn is_up(&self) -> Option<bool> {
        (self.health != Health::Unread).then_some(self.health == Health::Well)
    }

    /// How long its reading in the round took; nothing where it was not asked or is late.
    pub(super) fn took(&self) -> Option<Duration> {
        self.took
    }

    fn forget(&mut self) {
        self.values.clear();
        self.took = None;
    }

    fn ask(&mut self, round: u64) -> bool {
        if self.state != State::Idle || self.health == Health::Gone {
            return false;
        }
        let ask = Ask { round, values: std::mem::take(&mut self.values) };
        if self.ask.try_send(ask).is_err() {
            let name = self.name;
            self.turn(Health::Gone, || warn!(collector = name, "the collector's thread is gone"));
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
            Ok(()) if matches!(self.health, Health::Fails | Health::Late) => {
                self.turn(Health::Well, || info!(collector = name, "the collector reads again"));
            }
            Ok(()) => self.health = Health::Well,
            Err(error) => {
                self.turn(Health::Fails, || {
                    warn!(collector = name, error = format!("{error:#}"), "the collector fails");
                });
            }
        }
    }

    fn mark_late(&mut self, round: u64, deadline: Duration) {
        if self.state == State::Reads(round) {
            let name = self.name;
            self.turn(Health::Late, || {
                let deadline_ms = clock::millis(deadline);
                warn!(collector = name, deadline_ms, "the collector hangs; the others go on without it");
            });
        }
    }

    /// Changes the health, and says so where it is a change.
    fn turn(&mut self, health: Health, say: impl FnOnce()) {
        if self.health != health {
            say();
            self.health = health;
        }
    }
}

/// The life of a source's thread: it ends when the registry does.
fn serve(index: usize, mut source: Box<dyn Source>, asked: &Receiver<Ask>, answer: &mpsc::Sender<Answer>) {
    while let Ok(Ask { round, mut values }) = asked.recv() {
        let begin = clock::since_boot();
        // Whole milliseconds: rates are then ratios of small integers, of which the store keeps a byte or two.
        let at = Duration::from_millis(u64::try_from(begin.as_millis()).unwrap_or(u64::MAX));
        let outcome = catch_unwind(AssertUnwindSafe(|| source.read(at, &mut values)));
        let outcome = outcome.map_or_else(
            |panic| {
                values.clear();
                Err(anyhow::anyhow!("it panicked: {}", panic_text(&*panic)))
            },
            |outcome| outcome.map_err(anyhow::Error::from),
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
