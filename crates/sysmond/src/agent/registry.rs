//! The sources of a host and their health: one that fails, hangs or panics costs its own values and no others'.
//!
//! There is a thread for each [`Lane`]: what waits for a disk or a bus holds up nothing that only asks the kernel, and
//! to wake a thread for each source would cost more than to read it. So a lane is asked for all of its sources at once,
//! leaves each answer as soon as it has it, and says once that it is done. A lane whose sources all rest is not woken.

pub(super) use super::collector::{Collector, Reasons};
use super::lane::{Answer, Answers, Exposed, Thread};
use crate::clock;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use sysmond_procfs::{Exposition, Lane, Source};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

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
    pub(super) const fn reasons(&self) -> &Reasons {
        &self.reasons
    }

    #[cfg(test)]
    const fn thread_count(&self) -> usize {
        self.threads.len()
    }

    /// Asks all idle sources and waits at most `deadline` for their answers. Afterwards [`Self::collectors`] has what
    /// came in time.
    pub(super) async fn read(&mut self, deadline: Duration) {
        self.round += 1;
        self.take_answers();
        let (at, end) = (clock::since_boot(), Instant::now() + deadline);
        let Self { threads, collectors, round, .. } = self;
        let mut open = 0;
        for thread in &*threads {
            if !thread.rests(at, collectors) {
                open += thread.read(*round, collectors);
            }
        }
        let answers = Arc::clone(&self.answers);
        while open > 0 {
            let is_over = timeout_at(end, answers.done.notified()).await.is_err();
            open -= self.take_answers();
            if is_over {
                break;
            }
        }
        for thread in &self.threads {
            thread.mark_late(&mut self.collectors, deadline);
        }
    }

    /// What all sources expose, of those that answer within `deadline`; all of them are told of.
    pub(super) async fn expose(&self, deadline: Duration) -> Exposition {
        let end = Instant::now() + deadline;
        let asked = self.threads.iter().filter_map(|thread| thread.expose(&self.collectors));
        let asked: Vec<_> = asked.collect();
        let mut all = Exposed::default();
        for (exposed, is_done) in asked {
            // Of a lane that takes longer, or panics, what came so far is shown.
            timeout_at(end, is_done).await.ok();
            let own = std::mem::take(&mut *exposed.lock().unwrap_or_else(PoisonError::into_inner));
            all.exposition.merge(own.exposition);
            all.scraped.extend(own.scraped);
        }
        self.expose_health(all)
    }

    /// How each source fared, as `node_exporter` tells it; one that was left out failed.
    fn expose_health(&self, Exposed { exposition: mut out, scraped }: Exposed) -> Exposition {
        for (place, collector) in self.collectors.iter().enumerate().filter(|(_, it)| !it.is_absent()) {
            let found = scraped.iter().find(|scraped| scraped.index == place);
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

    /// Ends the threads that are idle and waits for them.
    pub(super) fn stop(self) {
        let busy = self.collectors.iter().filter(|collector| collector.is_busy());
        let hang: Vec<&'static str> = busy.map(Collector::name).collect();
        if !hang.is_empty() {
            warn!(collectors = ?hang, "still reading at the end; not waited for");
        }
        for thread in self.threads {
            thread.stop(&self.collectors);
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
