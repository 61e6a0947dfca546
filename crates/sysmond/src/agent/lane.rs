//! The sources of a lane, which are read one after the other: on a thread of theirs, where what hangs holds up those of
//! its own lane alone and it is known which one of them it is, or here, where none can.

use super::collector::Collector;
use crate::clock;
use anyhow::Context;
use std::collections::VecDeque;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use sysmond_procfs::{Exposition, Lane, Source, SourceError, Values, WrongFile};

/// The stack of a thread: parsing needs little, and there are several such threads.
const STACK_BYTES: usize = 256 * 1024;
/// No source is read at the moment.
const NONE: usize = usize::MAX;
/// A source that wants to rest for longer than this planned by another clock.
const LONGEST_REST: Duration = Duration::from_hours(1);

/// A source, and its place among all.
pub(super) type Placed = (usize, Box<dyn Source>);

/// What the threads found out and nobody took yet.
#[derive(Default)]
pub(super) struct Answers {
    waiting: Mutex<Vec<Answer>>,
    /// A thread is done with what it was asked for.
    done: Condvar,
}

impl Answers {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Answer>> {
        // A push leaves it whole, whatever panicked beside it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a thread is done, or something lies here already, but not beyond `end`; whether it is reached.
    pub(super) fn wait(&self, end: Instant) -> bool {
        let rest = end.saturating_duration_since(Instant::now());
        let waited = self.done.wait_timeout_while(self.lock(), rest, |waiting| waiting.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// One reading.
pub(super) struct Answer {
    pub(super) index: usize,
    pub(super) round: u64,
    pub(super) values: Values,
    pub(super) outcome: Result<(), Failure>,
    pub(super) took: Duration,
    /// Before this another reading gives the same.
    pub(super) rests_until: Option<Duration>,
}

/// Why a source gave nothing or not all.
pub(super) enum Failure {
    Source(SourceError),
    Panic(String),
}

impl Failure {
    /// With its cause.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Source(error) => match error.source() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            },
            Self::Panic(message) => format!("it panicked: {message}"),
        }
    }

    /// The files that are wrong, where that is it.
    pub(super) fn files(&self) -> &[WrongFile] {
        match self {
            Self::Source(error) => error.parts(),
            Self::Panic(_) => &[],
        }
    }
}

/// What one source exposed that was asked to.
pub(super) struct Exposed {
    pub(super) index: usize,
    /// Nothing where the host has no such thing.
    pub(super) is_well: Option<bool>,
    pub(super) took: Duration,
    pub(super) exposition: Exposition,
}

enum Ask {
    /// Read what lies on the desk.
    Read,
    /// Expose all sources, one after the other, until nobody waits for it.
    Expose(Sender<Exposed>),
}

struct Job {
    index: usize,
    round: u64,
    values: Values,
}

/// What a thread shares with whoever asks it; used again and again.
struct Desk {
    jobs: Mutex<VecDeque<Job>>,
    /// The source that is being read, by its place among all.
    current: AtomicUsize,
}

impl Desk {
    fn jobs(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, which is begun with that.
    fn begin(&self) -> Option<Job> {
        let mut jobs = self.jobs();
        let job = jobs.pop_front()?;
        self.current.store(job.index, Ordering::Relaxed);
        Some(job)
    }

    fn end(&self) {
        self.current.store(NONE, Ordering::Relaxed);
    }
}

/// A thread and the places of its sources.
pub(super) struct Thread {
    handle: thread::JoinHandle<()>,
    ask: SyncSender<Ask>,
    indices: Vec<usize>,
    desk: Arc<Desk>,
}

impl Thread {
    /// A thread for these sources. Fails where the system gives no more threads.
    pub(super) fn start(lane: Lane, sources: Vec<Placed>, answers: Arc<Answers>) -> anyhow::Result<Self> {
        // One question to read for each source at most, and one to expose them.
        let (ask, asked) = sync_channel(sources.len() + 2);
        let indices: Vec<usize> = sources.iter().map(|(index, _)| *index).collect();
        let jobs = Mutex::new(VecDeque::with_capacity(indices.len()));
        let desk = Arc::new(Desk { jobs, current: AtomicUsize::new(NONE) });
        let name = match lane {
            Lane::Kernel => "collect-kernel",
            Lane::Processes => "collect-process",
            Lane::Storage => "collect-storage",
            Lane::Hardware => "collect-sensors",
            Lane::Locks => "collect-locks",
            Lane::Files => "collect-files",
        };
        let shared = Arc::clone(&desk);
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || serve(sources, &asked, &shared, &answers))
            .with_context(|| format!("cannot start the thread {name}"))?;
        Ok(Self { handle, ask, indices, desk })
    }

    /// Asks for those of its sources that neither rest nor are busy; how many those are. It is not woken for none.
    pub(super) fn read(&self, at: Duration, round: u64, collectors: &mut [Collector]) -> usize {
        let mut jobs = self.desk.jobs();
        let before = jobs.len();
        for index in &self.indices {
            jobs.extend(collectors.get_mut(*index).and_then(|collector| job(*index, at, round, collector)));
        }
        let asked = jobs.len() - before;
        drop(jobs);
        if asked == 0 {
            return 0;
        }
        let is_gone = match self.ask.try_send(Ask::Read) {
            Ok(()) => return asked,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Disconnected(_)) => true,
        };
        // It may have begun some of them meanwhile, in the course of an earlier question.
        let mut jobs = self.desk.jobs();
        let mut taken_back = 0;
        while let Some(Job { index, values, .. }) = jobs.pop_back_if(|job| job.round == round) {
            taken_back += 1;
            if let Some(collector) = collectors.get_mut(index) {
                collector.give_back(values, is_gone);
            }
        }
        asked - taken_back
    }

    /// Tells of its sources that have not answered: one hangs, and the others wait behind it.
    pub(super) fn mark_late(&self, collectors: &mut [Collector], deadline: Duration) {
        // One that hangs while it shows itself was not asked to read, and is late all the same.
        let current = self.desk.current.load(Ordering::Relaxed);
        let name = collectors.get(current).map(Collector::name);
        let late =
            |collectors: &[Collector], index: usize| collectors.get(index).is_some_and(Collector::is_busy);
        let waiting =
            self.indices.iter().filter(|index| **index != current && late(collectors, **index)).count();
        for index in &self.indices {
            let Some(collector) = collectors.get_mut(*index) else { continue };
            if *index == current {
                collector.hangs(waiting, deadline);
            } else if collector.is_busy() {
                collector.waits(name);
            }
        }
    }

    /// Asks its sources to expose themselves, where none of them is busy; each comes as soon as it has, and after the
    /// last the channel is closed.
    pub(super) fn expose(&self, collectors: &[Collector]) -> Option<Receiver<Exposed>> {
        let is_busy = |index: &usize| collectors.get(*index).is_none_or(Collector::is_busy);
        // One that hangs is asked for no more: its lane is late already.
        if self.desk.current.load(Ordering::Relaxed) != NONE || self.indices.iter().any(is_busy) {
            return None;
        }
        let (exposed, receiver) = channel();
        self.ask.try_send(Ask::Expose(exposed)).ok().map(|()| receiver)
    }

    /// Tells it to end.
    pub(super) fn stop(self) -> thread::JoinHandle<()> {
        self.handle
    }
}

/// The sources that are read by whoever asks: the kernel answers for them, from its own memory.
pub(super) struct Here(Vec<Placed>);

impl Here {
    pub(super) fn new(sources: Vec<Placed>) -> Self {
        Self(sources)
    }

    /// Reads those that do not rest.
    pub(super) fn read(&mut self, at: Duration, round: u64, collectors: &mut [Collector]) {
        for (index, source) in &mut self.0 {
            let Some(collector) = collectors.get_mut(*index) else { continue };
            if let Some(job) = job(*index, at, round, collector) {
                collector.take(read(&mut **source, job), true);
            }
        }
    }

    /// What they expose.
    pub(super) fn expose(&mut self) -> impl Iterator<Item = Exposed> {
        self.0.iter_mut().map(|(index, source)| expose(*index, &mut **source))
    }
}

/// What is asked of a source, unless it is busy or rests. Of one that rests, what it gave stands.
fn job(index: usize, at: Duration, round: u64, collector: &mut Collector) -> Option<Job> {
    let rests = |until: Duration| at < until && until < at + LONGEST_REST;
    if collector.rests_until().is_some_and(rests) {
        return None;
    }
    collector.forget();
    collector.lend(round).map(|values| Job { index, round, values })
}

/// The life of a thread: it ends when the registry does.
fn serve(mut sources: Vec<Placed>, asked: &Receiver<Ask>, desk: &Desk, answers: &Answers) {
    while let Ok(ask) = asked.recv() {
        match ask {
            Ask::Read => {
                while let Some(job) = desk.begin() {
                    if let Some((_, source)) = sources.iter_mut().find(|(own, _)| *own == job.index) {
                        let answer = read(&mut **source, job);
                        // Before it is seen: whoever sees it takes nothing of this lane for late.
                        desk.end();
                        answers.lock().push(answer);
                    }
                }
                answers.done.notify_one();
            }
            Ask::Expose(exposed) => {
                for (index, source) in &mut sources {
                    desk.current.store(*index, Ordering::Relaxed);
                    let own = expose(*index, &mut **source);
                    desk.end();
                    // Whoever asked may have given up meanwhile.
                    if exposed.send(own).is_err() {
                        break;
                    }
                }
            }
        }
    }
}

fn read(source: &mut dyn Source, Job { index, round, mut values }: Job) -> Answer {
    let begin = clock::since_boot();
    let read = || (source.read(begin, &mut values), source.rests_until());
    let (outcome, rests_until) = match catch_unwind(AssertUnwindSafe(read)) {
        Ok((outcome, rests_until)) => (outcome.map_err(Failure::Source), rests_until),
        Err(panic) => {
            values.clear();
            (Err(Failure::Panic(panic_text(&*panic).to_owned())), None)
        }
    };
    let took = clock::since_boot().saturating_sub(begin);
    Answer { index, round, values, outcome, took, rests_until }
}

/// What a source fails to show, its next reading will tell.
fn expose(index: usize, source: &mut dyn Source) -> Exposed {
    let begin = clock::since_boot();
    let mut exposition = Exposition::default();
    let outcome = catch_unwind(AssertUnwindSafe(|| source.expose(&mut exposition)));
    let is_well = match outcome {
        Ok(Ok(())) => Some(true),
        Ok(Err(error)) if error.is_absence() => None,
        Ok(Err(_)) => Some(false),
        // Half a family is worse than none.
        Err(_) => {
            exposition = Exposition::default();
            Some(false)
        }
    };
    Exposed { index, is_well, took: clock::since_boot().saturating_sub(begin), exposition }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
