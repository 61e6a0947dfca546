//! One source as the agent sees it: what it read last, and how it is.

use super::lane::{Answer, Failure};
use crate::clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sysmond_model::tags;
use sysmond_procfs::{Values, WrongFile};
use tracing::{debug, info, warn};

/// Between two lines of the log on another reason for the same failure.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Why collectors give nothing, by name, as the host's static data tell it.
pub(super) type Reasons = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// One source.
pub(super) struct Collector {
    name: &'static str,
    /// `collector=NAME`, the tags of its health.
    tags: String,
    state: State,
    health: Health,
    /// The values of its last reading that came in time, or of none; away while the source reads.
    values: Values,
    took: Option<Duration>,
    rests_until: Option<Duration>,
    /// The files of people and scripts that are wrong, as they were told.
    wrong: Vec<WrongFile>,
    /// When the log was last told that a failure has another reason, since boot.
    told_at: Option<Duration>,
    reasons: Reasons,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// Reads for the round of that number, or waits for its turn.
    Reads(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Unread,
    /// The host has no such thing.
    Absent,
    Well,
    /// Reads what this user may, or as much as is read at most.
    Partial,
    Fails,
    /// Hangs.
    Late,
    /// Its turn has not come: another one of its lane hangs.
    Waits,
    Gone,
}

impl Collector {
    pub(super) fn new(name: &'static str, reasons: Reasons) -> Self {
        Self {
            name,
            tags: tags::pair("collector", name),
            state: State::Idle,
            health: Health::Unread,
            values: Values::default(),
            took: None,
            rests_until: None,
            wrong: Vec::new(),
            told_at: None,
            reasons,
        }
    }

    /// The source's name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// The tags of its health: `collector=NAME`.
    pub(super) fn tags(&self) -> &str {
        &self.tags
    }

    /// What it read last; nothing where it is late.
    pub(super) const fn values(&self) -> &Values {
        &self.values
    }

    /// Whether its last reading succeeded; nothing before the first, and where the host has no such thing.
    pub(super) fn is_up(&self) -> Option<bool> {
        let is_well = matches!(self.health, Health::Well | Health::Partial);
        (!matches!(self.health, Health::Unread | Health::Absent)).then_some(is_well)
    }

    /// How long its last reading took; nothing where it is late, or of what is not there.
    pub(super) const fn took(&self) -> Option<Duration> {
        self.took
    }

    /// Before this time since boot another reading would give the same; nothing where it is busy.
    pub(super) fn rests_until(&self) -> Option<Duration> {
        self.rests_until.filter(|_| !self.is_busy())
    }

    /// Whether it was asked and has not answered.
    pub(super) fn is_busy(&self) -> bool {
        self.state != State::Idle
    }

    /// Whether the host has no such thing.
    pub(super) fn is_absent(&self) -> bool {
        self.health == Health::Absent
    }

    /// Forgets what it read.
    pub(super) fn forget(&mut self) {
        self.values.clear();
        self.took = None;
        self.rests_until = None;
    }

    /// Its values' buffer, where it can be asked.
    pub(super) fn lend(&mut self, round: u64) -> Option<Values> {
        if self.state != State::Idle || self.health == Health::Gone {
            return None;
        }
        self.state = State::Reads(round);
        Some(std::mem::take(&mut self.values))
    }

    /// Its thread did not take the question.
    pub(super) fn give_back(&mut self, values: Values, is_gone: bool) {
        (self.state, self.values) = (State::Idle, values);
        if is_gone {
            let name = self.name;
            let say = |_: &str| warn!(collector = name, "the collector's thread is gone");
            self.turn(Health::Gone, || "its thread is gone".to_owned(), say);
        }
    }

    /// Takes an answer; one that is of another round than the current one only makes it idle again.
    pub(super) fn take(&mut self, answer: Answer, is_current: bool) {
        self.state = State::Idle;
        self.values = answer.values;
        if !is_current {
            self.values.clear();
            return;
        }
        self.took = Some(answer.took);
        self.rests_until = answer.rests_until;
        self.tell_files(answer.outcome.as_ref().err().map_or(&[], Failure::files));
        let name = self.name;
        match answer.outcome {
            Ok(()) => {
                let mended = matches!(self.health, Health::Fails | Health::Late);
                let say = |_: &str| {
                    if mended {
                        info!(collector = name, "the collector reads again");
                    }
                };
                self.turn(Health::Well, String::new, say);
            }
            Err(Failure::Source(error)) if error.is_absence() => {
                self.took = None;
                let say = |reason: &str| debug!(collector = name, reason, "there is nothing to collect");
                self.turn(Health::Absent, || error.to_string(), say);
            }
            Err(Failure::Source(error))
                if (error.is_denial() || error.is_limit()) && self.values.iter().next().is_some() =>
            {
                let is_limit = error.is_limit();
                let say = |reason: &str| {
                    if is_limit {
                        info!(collector = name, reason, "there is more of it than is read");
                    } else {
                        info!(collector = name, reason, "this user may not read all of it");
                    }
                };
                self.turn(Health::Partial, || Failure::Source(error).text(), say);
            }
            Err(failure) => {
                let is_told = !failure.files().is_empty();
                let say = |error: &str| {
                    if !is_told {
                        warn!(collector = name, error, "the collector fails");
                    }
                };
                self.turn(Health::Fails, || failure.text(), say);
            }
        }
    }

    /// Says of each file whether it became wrong, and whether it is so no more. One that a script writes each second
    /// may be wrong for another reason each time: its reason is in the static data.
    fn tell_files(&mut self, wrong: &[WrongFile]) {
        if *wrong == *self.wrong {
            return;
        }
        let name = self.name;
        let was_wrong = |path: &Arc<_>| self.wrong.iter().any(|file| file.path == *path);
        for file in wrong.iter().filter(|file| !was_wrong(&file.path)) {
            warn!(collector = name, error = %file, "a file is wrong and left out");
        }
        let is_wrong = |path| wrong.iter().any(|file| file.path == path);
        for file in self.wrong.iter().filter(|file| !is_wrong(Arc::clone(&file.path))) {
            info!(collector = name, file = %file.path.display(), "a file is wrong no more");
        }
        self.wrong = wrong.to_vec();
    }

    /// It has not answered, and is being read or shown; so many others wait behind it. It rests no more.
    pub(super) fn hangs(&mut self, waiting: usize, deadline: Duration) {
        self.forget();
        let name = self.name;
        let say = |_: &str| {
            let deadline_ms = clock::millis(deadline);
            warn!(
                collector = name,
                deadline_ms, waiting, "the collector hangs; the other lanes go on without it"
            );
        };
        self.turn(Health::Late, || "it hangs".to_owned(), say);
    }

    /// It has not answered, and `other` is being read.
    pub(super) fn waits(&mut self, other: Option<&str>) {
        let reason = || match other {
            Some(other) => format!("waits behind {other}, which hangs"),
            None => "its turn did not come in time".to_owned(),
        };
        let name = self.name;
        self.turn(Health::Waits, reason, |reason| debug!(collector = name, reason, "the collector waits"));
    }

    /// Changes the health, and says so where it is a change. An empty reason is none.
    fn turn(&mut self, health: Health, reason: impl FnOnce() -> String, say: impl FnOnce(&str)) {
        // What fails or waits may go on so for another reason; all else that stays is no news.
        if self.health == health && !matches!(health, Health::Fails | Health::Waits) {
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

    /// Takes another reason for the same failure, and says so now and then.
    fn renew(&mut self, reason: &str) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = reasons.get_mut(self.name).filter(|known| *known != reason) {
            let now = clock::since_boot();
            let is_news = self.told_at.is_none_or(|at| now.saturating_sub(at) >= TELL_EVERY);
            if self.health == Health::Fails && self.wrong.is_empty() && is_news {
                self.told_at = Some(now);
                warn!(collector = self.name, error = reason, "the collector fails for another reason");
            }
            reason.clone_into(known);
        }
    }
}
