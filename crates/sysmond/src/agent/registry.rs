//! The sources of a host and their health: one that fails, hangs or panics costs its own values and no others'.
//!
//! There is a thread for each [`Lane`] but the kernel's own: what waits for a disk or a bus holds up nothing that only
//! asks the kernel, and to wake a thread for each source would cost more than to read it. So a lane is asked for all of
//! its sources at once, leaves each answer as soon as it has it, and says once that it is done. A lane whose sources
//! all rest is not woken. What only asks the kernel is read by whoever asks the others, which is one thread less to
//! wake in each second.

pub(super) use super::collector::{Collector, Reasons};
use super::lane::{Answer, Answers, Exposed, Here, Thread};
use crate::clock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use sysmond_procfs::{Exposition, Lane, Source};
use tracing::warn;

/// How long threads may take to end, and between two looks whether they have.
const LAST_WAIT: Duration = Duration::from_millis(500);
const LAST_LOOK: Duration = Duration::from_millis(2);

/// All sources of this host, with their health.
pub(super) struct Registry {
    collectors: Vec<Collector>,
    here: Here,
    threads: Vec<Thread>,
    answers: Arc<Answers>,
    /// Where answers are taken from; its buffer is used again.
    taken: Vec<Answer>,
    round: u64,
    reasons: Reasons,
}

impl Registry {
    /// The threads of `sources`; those of [`Lane::Kernel`] are read without one where the files are `the_kernels` own.
    /// Fails where the system gives no more threads.
    pub(super) fn start(sources: Vec<Box<dyn Source>>, the_kernels: bool) -> anyhow::Result<Self> {
        let (reasons, answers) = (Reasons::default(), Arc::<Answers>::default());
        let (mut collectors, mut lanes) = (Vec::new(), BTreeMap::<Lane, Vec<_>>::new());
        for (index, source) in sources.into_iter().enumerate() {
            collectors.push(Collector::new(source.name(), Arc::clone(&reasons)));
            lanes.entry(source.lane()).or_default().push((index, source));
        }
        let here = if the_kernels { lanes.remove(&Lane::Kernel) } else { None };
        let thread = |(lane, sources)| Thread::start(lane, sources, Arc::clone(&answers));
        let threads = lanes.into_iter().map(thread).collect::<anyhow::Result<_>>()?;
        let here = Here::new(here.unwrap_or_default());
        Ok(Self { collectors, here, threads, answers, taken: Vec::new(), round: 0, reasons })
    }

    /// Why collectors give nothing, kept up to date.
    pub(super) const fn reasons(&self) -> &Reasons {
        &self.reasons
    }

    #[cfg(test)]
    const fn thread_count(&self) -> usize {
        self.threads.len()
    }

    /// Asks all sources that neither rest nor are busy, and waits at most `deadline` for their answers. Afterwards
    /// [`Self::collectors`] has what came in time.
    pub(super) fn read(&mut self, deadline: Duration) {
        self.round += 1;
        self.take_answers();
        let (at, end) = (clock::since_boot(), Instant::now() + deadline);
        let Self { here, threads, collectors, round, .. } = self;
        let mut open: usize = threads.iter().map(|thread| thread.read(at, *round, collectors)).sum();
        // While the others read.
        here.read(at, *round, collectors);
        while open > 0 {
            let is_over = self.answers.wait(end);
            open -= self.take_answers();
            if is_over {
                break;
            }
        }
        for thread in &self.threads {
            thread.mark_late(&mut self.collectors, deadline);
        }
    }

    /// What all sources expose, of those with a thread what comes within `deadline`; all of them are told of.
    pub(super) fn expose(&mut self, deadline: Duration) -> Exposition {
        let end = Instant::now() + deadline;
        let asked = self.threads.iter().filter_map(|thread| thread.expose(&self.collectors));
        let asked: Vec<_> = asked.collect();
        let mut all: Vec<Exposed> = self.here.expose().collect();
        for lane in asked {
            // Of one that takes longer, or panics, what came so far is shown.
            let rest = || end.saturating_duration_since(Instant::now());
            all.extend(std::iter::from_fn(|| lane.recv_timeout(rest()).ok()));
        }
        self.expose_health(all)
    }

    /// How each source fared, as `node_exporter` tells it; one that was left out failed.
    fn expose_health(&self, mut all: Vec<Exposed>) -> Exposition {
        let mut out = Exposition::default();
        for own in &mut all {
            out.merge(std::mem::take(&mut own.exposition));
        }
        for (place, collector) in self.collectors.iter().enumerate().filter(|(_, it)| !it.is_absent()) {
            let found = all.iter().find(|exposed| exposed.index == place);
            let labels = [("collector", collector.name().as_bytes())];
            let Some(is_well) = found.map_or(Some(false), |found| found.is_well) else { continue };
            let (name, help) =
                ("node_scrape_collector_success", "1 where the collector is shown, 0 where it was left out");
            out.gauge(name, help, &labels, f64::from(u8::from(is_well)));
            if let Some(found) = found {
                let (name, help) =
                    ("node_scrape_collector_duration_seconds", "How long the collector took to be shown");
                out.gauge(name, help, &labels, found.took.as_secs_f64());
            }
        }
        out
    }

    /// The sources after a round.
    pub(super) fn collectors(&self) -> &[Collector] {
        &self.collectors
    }

    /// Ends the threads and waits for them, but not for what hangs: that goes with the process.
    pub(super) fn stop(self) {
        let end = Instant::now() + LAST_WAIT;
        // All are told before one is waited for.
        let handles: Vec<_> = self.threads.into_iter().map(Thread::stop).collect();
        for handle in handles {
            while !handle.is_finished() && Instant::now() < end {
                thread::sleep(LAST_LOOK);
            }
            let name = handle.thread().name().unwrap_or_default().to_owned();
            if !handle.is_finished() {
                warn!(thread = name, "it hangs at the end; not waited for");
            } else if handle.join().is_err() {
                warn!(thread = name, "a thread of the collectors panicked");
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

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
