//! The sources of a host and their health: one that fails, hangs or panics costs its own values and no others'.
//!
//! There is a thread for each [`Lane`]: what waits for a disk or a bus holds up nothing that only asks the kernel, and
//! to wake a thread for each source would cost more than to read it. So a lane is asked for all of its sources at once,
//! leaves each answer as soon as it has it, and says once that it is done.

use crate::clock;
use anyhow::Context;
use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use sysmond_model::tags;
use sysmond_procfs::{Exposition, Lane, Source, SourceError, Values};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

/// The stack of a thread: parsing needs little, and there are several such threads.
const STACK_BYTES: usize = 256 * 1024;

/// All sources of this host, with their health.
pub(super) struct Registry {
    collectors: Vec<Collector>,
    threads: Vec<Thread>,
    answers: Arc<Answers>,
    /// Where answers are taken from; its buffer is used again.
    taken: Vec<Answer>,
    round: u64,
    reasons: Reasons,
}

/// What the threads found out and nobody took yet.
#[derive(Default)]
struct Answers {
    waiting: Mutex<Vec<Answer>>,
    /// A thread is done with what it was asked for.
    done: Notify,
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Vec<Answer>> {
        // A push leaves it whole, whatever panicked beside it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why collectors give nothing, by name, as the host's static data tell it.
pub(super) type Reasons = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// A thread and the sources that it reads.
struct Thread {
    handle: thread::JoinHandle<()>,
    ask: SyncSender<Ask>,
    indices: Vec<usize>,
}

/// One source as the registry sees it.
pub(super) struct Collector {
    name: &'static str,
    /// `collector=NAME`, the tags of its health.
    tags: String,
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
    /// Reads what this user may; others could see more.
    Partial,
    Fails,
    Late,
    Gone,
}

enum Ask {
    /// Read these sources, each into its values.
    Read { round: u64, jobs: Vec<(usize, Values)> },
    /// Expose all sources.
    Expose(oneshot::Sender<Exposition>),
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
        let (reasons, answers) = (Reasons::default(), Arc::<Answers>::default());
        let (mut collectors, mut lanes) = (Vec::new(), BTreeMap::<Lane, Vec<_>>::new());
        for (index, source) in sources.into_iter().enumerate() {
            collectors.push(Collector::new(source.name(), Arc::clone(&reasons)));
            lanes.entry(source.lane()).or_default().push((index, source));
        }
        let thread = |(lane, sources)| Thread::start(lane, sources, Arc::clone(&answers));
        let threads = lanes.into_iter().map(thread).collect::<anyhow::Result<_>>()?;
        Ok(Self { collectors, threads, answers, taken: Vec::new(), round: 0, reasons })
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
        self.take_answers();
        for collector in &mut self.collectors {
            collector.forget();
        }
        let Self { threads, collectors, round, .. } = self;
        let mut open: usize = threads.iter().map(|thread| thread.read(*round, collectors)).sum();
        let end = Instant::now() + deadline;
        let answers = Arc::clone(&self.answers);
        while open > 0 {
            let is_over = timeout_at(end, answers.done.notified()).await.is_err();
            open -= self.take_answers();
            if is_over {
                break;
            }
        }
        for collector in &mut self.collectors {
            collector.mark_late(self.round, deadline);
        }
    }

    /// What all sources expose, of those that answer within `deadline`.
    pub(super) async fn expose(&self, deadline: Duration) -> Exposition {
        let end = Instant::now() + deadline;
        let ask = |thread: &Thread| {
            let (answer, exposition) = oneshot::channel();
            // One that hangs is asked for no more: its lane is late already.
            let is_idle = thread.indices.iter().filter_map(|index| self.collectors.get(*index));
            let is_idle = is_idle.into_iter().all(|collector| collector.state == State::Idle);
            (is_idle && thread.ask.try_send(Ask::Expose(answer)).is_ok()).then_some(exposition)
        };
        let open: Vec<_> = self.threads.iter().filter_map(ask).collect();
        let mut all = Exposition::default();
        for exposition in open {
            if let Ok(Ok(exposition)) = timeout_at(end, exposition).await {
                all.merge(exposition);
            }
        }
        all
    }

    /// The sources after a round.
    pub(super) fn collectors(&self) -> &[Collector] {
        &self.collectors
    }

    /// Ends the threads that are idle and waits for them. A source that hangs cannot be ended; it goes with the
    /// process.
    pub(super) fn stop(self) {
        let hangs: Vec<&'static str> =
            self.collectors.iter().filter(|c| c.state != State::Idle).map(|c| c.name).collect();
        let is_busy: Vec<bool> = self.collectors.iter().map(|c| c.state != State::Idle).collect();
        if !hangs.is_empty() {
            warn!(collectors = ?hangs, "still reading at the end; not waited for");
        }
        for Thread { handle, ask, indices } in self.threads {
            drop(ask);
            let busy = indices.iter().any(|index| is_busy.get(*index).copied().unwrap_or(false));
            if !busy && handle.join().is_err() {
                warn!("a thread of the collectors panicked");
            }
        }
    }

    /// Takes back what came; how many answers belong to this round. A late one only makes its source idle again.
    fn take_answers(&mut self) -> usize {
        let Self { answers, taken, collectors, round, .. } = self;
        std::mem::swap(&mut *answers.lock(), taken);
        let mut current = 0;
        for answer in taken.drain(..) {
            let is_current = answer.round == *round;
            current += usize::from(is_current);
            if let Some(collector) = collectors.get_mut(answer.index) {
                collector.take(answer, is_current);
            }
        }
        current
    }
}

impl Collector {
    fn new(name: &'static str, reasons: Reasons) -> Self {
        let values = Values::default();
        let tags = tags::pair("collector", name);
        let (state, health) = (State::Idle, Health::Unread);
        Self { name, tags, state, health, values, took: None, reasons }
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
        let is_well = matches!(self.health, Health::Well | Health::Partial);
        (!matches!(self.health, Health::Unread | Health::Absent)).then_some(is_well)
    }

    /// How long its reading in the round took; nothing where it was not asked, is late, or is of what is not there.
    pub(super) fn took(&self) -> Option<Duration> {
        self.took
    }

    fn forget(&mut self) {
        self.values.clear();
        self.took = None;
    }

    /// Its values' buffer, where it can be asked.
    fn lend(&mut self, round: u64) -> Option<Values> {
        if self.state != State::Idle || self.health == Health::Gone {
            return None;
        }
        self.state = State::Reads(round);
        Some(std::mem::take(&mut self.values))
    }

    /// Its thread takes no questions any more.
    fn mark_gone(&mut self, values: Values) {
        (self.state, self.values) = (State::Idle, values);
        let name = self.name;
        self.turn(
            Health::Gone,
            || "its thread is gone".to_owned(),
            |_| {
                warn!(collector = name, "the collector's thread is gone");
            },
        );
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
            Err(Failure::Source(error)) if error.is_denial() && self.values.iter().next().is_some() => {
                self.turn(
                    Health::Partial,
                    || Failure::Source(error).text(),
                    |reason| info!(collector = name, reason, "this user may not read all of it"),
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
    /// A thread for these sources.
    fn start(
        lane: Lane,
        sources: Vec<(usize, Box<dyn Source>)>,
        answers: Arc<Answers>,
    ) -> anyhow::Result<Self> {
        // Each source is in at most one question at a time; another may be to expose them.
        let (ask, asked) = sync_channel(sources.len() + 1);
        let indices: Vec<usize> = sources.iter().map(|(index, _)| *index).collect();
        let name = match lane {
            Lane::Kernel => "collect",
            Lane::Storage => "collect-storage",
            Lane::Hardware => "collect-sensors",
        };
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || serve(sources, &asked, &answers))
            .with_context(|| format!("cannot start the thread {name}"))?;
        Ok(Self { handle, ask, indices })
    }

    /// Asks for those of its sources that are idle; how many those are.
    fn read(&self, round: u64, collectors: &mut [Collector]) -> usize {
        let lend = |index: &usize| Some((*index, collectors.get_mut(*index)?.lend(round)?));
        let jobs: Vec<_> = self.indices.iter().filter_map(lend).collect();
        let asked = jobs.len();
        if asked == 0 {
            return 0;
        }
        match self.ask.try_send(Ask::Read { round, jobs }) {
            Ok(()) => asked,
            Err(TrySendError::Full(ask) | TrySendError::Disconnected(ask)) => {
                let Ask::Read { jobs, .. } = ask else { return 0 };
                for (index, values) in jobs {
                    if let Some(collector) = collectors.get_mut(index) {
                        collector.mark_gone(values);
                    }
                }
                0
            }
        }
    }
}

/// The life of a thread: it ends when the registry does.
fn serve(mut sources: Vec<(usize, Box<dyn Source>)>, asked: &Receiver<Ask>, answers: &Answers) {
    while let Ok(ask) = asked.recv() {
        match ask {
            Ask::Read { round, jobs } => {
                for (index, values) in jobs {
                    let Some((_, source)) = sources.iter_mut().find(|(own, _)| *own == index) else {
                        continue;
                    };
                    let answer = read(&mut **source, index, round, values);
                    answers.lock().push(answer);
                }
                answers.done.notify_one();
            }
            Ask::Expose(answer) => {
                // Whoever asked may have given up while this thread was busy.
                if !answer.is_closed() {
                    drop(answer.send(expose(&mut sources)));
                }
            }
        }
    }
}

fn read(source: &mut dyn Source, index: usize, round: u64, mut values: Values) -> Answer {
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
    Answer { index, round, values, outcome, took }
}

/// What a source fails to show, its next reading will tell.
fn expose(sources: &mut [(usize, Box<dyn Source>)]) -> Exposition {
    let mut all = Exposition::default();
    for (_, source) in sources {
        let exposed = catch_unwind(AssertUnwindSafe(|| {
            let mut own = Exposition::default();
            source.expose(&mut own).unwrap_or_default();
            own
        }));
        if let Ok(own) = exposed {
            all.merge(own);
        }
    }
    all
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
