//! Whether the aggregator is reached, and one line in the log whenever that changes.

use crate::clock;
use hyper::StatusCode;
use std::collections::HashSet;
use std::time::Duration;
use sysmond_model::push::SampleError;
use tokio::sync::watch;
use tracing::{info, warn};

/// Codes of refused samples that are told apart in the log: the protocol has fewer.
const MAX_CODES: usize = 32;

/// The contact to the aggregator.
pub(super) struct Link {
    address: String,
    state: State,
    contact: watch::Sender<bool>,
    codes: HashSet<String>,
    ending: bool,
}

#[derive(Clone, Copy)]
enum State {
    Untried,
    Up,
    Down {
        since: Duration,
        /// Where a person has to act: which status says so.
        denied: Option<StatusCode>,
    },
}

impl Link {
    /// Not tried yet. `contact` is told of each change.
    pub(super) fn new(address: String, contact: watch::Sender<bool>) -> Self {
        Self { address, state: State::Untried, contact, codes: HashSet::new(), ending: false }
    }

    /// The end was asked for: what fails from now on, beside an aggregator that may be ending too, is no news.
    pub(super) fn end(&mut self) {
        self.ending = true;
    }

    /// A push was answered as it should be; `more_waits` where there are more rows to push.
    pub(super) fn up(&mut self, more_waits: bool) {
        let address = &self.address;
        match self.state {
            State::Up => return,
            State::Untried => info!(address, "in contact with the aggregator"),
            State::Down { since, .. } => {
                let down_ms = clock::millis(clock::since_boot().saturating_sub(since));
                info!(address, down_ms, more_waits, "in contact with the aggregator again");
            }
        }
        self.state = State::Up;
        self.contact.send_replace(true);
    }

    /// A push failed; `denied` with the status that says what a person has to do.
    pub(super) fn down(&mut self, why: &str, denied: Option<StatusCode>) {
        if self.ending {
            return;
        }
        let address = &self.address;
        let since = match self.state {
            State::Down { denied: before, .. } if before == denied => return,
            State::Down { since, .. } => since,
            State::Untried | State::Up => clock::since_boot(),
        };
        if let Some(status) = denied.map(|status| status.as_u16()) {
            warn!(status, address, advice = why, "the aggregator takes nothing; samples are kept");
        } else {
            warn!(address, error = why, "pushes do not get through; samples are kept");
        }
        self.state = State::Down { since, denied };
        self.contact.send_replace(false);
    }

    /// Samples were refused one by one: says so once for each reason.
    pub(super) fn refused(&mut self, errors: &[SampleError]) {
        for error in errors {
            if self.codes.len() < MAX_CODES && self.codes.insert(error.code.clone()) {
                let SampleError { metric_type, code, detail, .. } = error;
                warn!(code, metric_type, detail, "the aggregator refuses samples; said once for each code");
            }
        }
    }
}
