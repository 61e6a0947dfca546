//! A thread for one kind of work: a piece now and then, or one for as long as the agent runs.
//!
//! The runtime's threads for what blocks are taken by turns. Where threads do not share one heap, each keeps what its
//! largest piece of work once needed: work that needs much at times is always to come to the same one.

use anyhow::Context;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tokio::sync::oneshot;
use tracing::debug;

type Job = Box<dyn FnOnce() + Send>;

/// The thread, which is started with its first piece of work and ends once this is dropped and it is done.
pub(super) struct OwnThread {
    name: &'static str,
    jobs: Option<Sender<Job>>,
}

impl OwnThread {
    /// None yet.
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, jobs: None }
    }

    /// Does `work` on the thread. Fails where the system gives no thread, or where the work panics, after which the
    /// next piece gets a new one.
    pub(super) async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let jobs = match self.jobs.take() {
            Some(jobs) => jobs,
            None => self.start()?,
        };
        let (done, outcome) = oneshot::channel();
        let name = self.name;
        let job = move || {
            if done.send(work()).is_err() {
                debug!(name, "a piece of work ended that nobody waits for");
            }
        };
        jobs.send(Box::new(job)).ok().with_context(|| format!("the thread {name} has ended"))?;
        let outcome = outcome.await.with_context(|| format!("the thread {name} broke"))?;
        self.jobs = Some(jobs);
        Ok(outcome)
    }

    fn start(&self) -> anyhow::Result<Sender<Job>> {
        let (jobs, asked): (_, Receiver<Job>) = channel();
        thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || asked.iter().for_each(|job| job()))
            .with_context(|| format!("cannot start the thread {}", self.name))?;
        Ok(jobs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::current;

    #[tokio::test]
    async fn all_work_is_done_on_one_thread_of_that_name() {
        let mut own = OwnThread::new("upkeep");
        let mut run = async || own.run(|| (current().id(), current().name().map(str::to_owned))).await;
        let first = run().await.expect("a thread");
        assert_eq!(run().await.expect("a thread"), first);
        assert_eq!(first.1.as_deref(), Some("upkeep"));
        assert_ne!(first.0, current().id());
    }

    #[tokio::test]
    async fn work_that_panics_fails_and_the_next_is_done() {
        let mut own = OwnThread::new("upkeep");
        let broken = own.run(|| -> () { panic!("made to") }).await;
        assert_eq!(broken.expect_err("it panicked").to_string(), "the thread upkeep broke");
        assert_eq!(own.run(|| 7).await.expect("a new thread"), 7);
    }
}
