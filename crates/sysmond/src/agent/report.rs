//! What the service manager is told of the agent.

use super::counters::Counters;
use crate::shutdown::Shutdown;
use crate::systemd::{Part, Pulse};
use std::sync::Arc;
use sysmond_model::Frame;
use tokio::sync::watch;

/// Reports from the first row on.
pub(super) struct Reporter {
    /// Who is told.
    pub(super) service: Part,
    /// Of the tick loop.
    pub(super) pulse: Arc<Pulse>,
    /// The newest row that is durable, or could not be made so.
    pub(super) newest: watch::Receiver<Option<Frame>>,
    /// Whether pushes reach the aggregator.
    pub(super) contact: watch::Receiver<bool>,
    /// What became of the samples.
    pub(super) counters: Arc<Counters>,
}

impl Reporter {
    /// Says that the agent is ready once it read and stored a row (one whose store takes nothing collects in memory,
    /// and starting it anew would not help), and from then on how it goes, until `shutdown`.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            Ok(_) = self.newest.wait_for(Option::is_some) => self.service.ready(),
            () = shutdown.requested() => {}
        }
        let Self { service, pulse, contact, counters, .. } = self;
        let look = || pulse.is_kept().then(|| status(&counters, *contact.borrow()));
        service.report(look, shutdown).await;
    }
}

fn status(counters: &Counters, contact: bool) -> String {
    let contact = if contact { "the aggregator takes pushes" } else { "the aggregator does not take pushes" };
    format!("{} samples stored, {} delivered; {contact}", counters.stored.get(), counters.pushed.get())
}
