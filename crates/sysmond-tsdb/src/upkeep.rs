//! What looks after an open store, a round each minute.

use crate::budget::Budget;
use crate::processes::pack;
use crate::retention::{Cutoff, Progress, Reached};
use crate::{QueryError, Store, churn, compact, cut, file, quarantine, retention, rollup, room, tally};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use sysmond_model::Timestamp;

/// Rounds of trimming in one call of [`Store::retain`]: each brings the file close to its budget.
const MAX_TRIMS: usize = 100;

impl Store {
    /// Looks after the store at `now`: brings settled hours and days into their final form, and removes samples and
    /// summaries that are older than the retention (in whole hours and days) or beyond the byte budget, in short
    /// transactions; returns how many cells went. Age counts back from [`Self::aged_from`]. Meant to be called every
    /// minute.
    pub fn retain(&self, now: Timestamp) -> Result<u64, QueryError> {
        let shared = &self.0.shared;
        let mut reached = self.0.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        self.on_writer(move |writer| writer.tick(now))??;
        let job = |job: compact::Job| Ok(self.on_writer(job)??);
        quarantine::run(shared, now, job)?;
        // Not one of the readers, which are bounded in time. Opened once: that takes memory, and the schema is read.
        let conn = file::open_reader(&shared.path, Budget(shared.options.max_disk_bytes))?;
        compact::run(&conn, shared, now, job)?;
        rollup::run(&conn, shared, now, job)?;
        drop(conn);
        pack::run(shared, now, job)?;
        pack::forget_lone(shared, now, job)?;
        let mut cells = self.delete_before(now, Cutoff::default(), &mut reached)?;
        for _ in 0..MAX_TRIMS {
            let floor = shared.readers.ask(|conn, _| Cutoff::by_budget(shared, conn, now.as_millis()))?;
            let Some(floor) = floor else {
                break;
            };
            cells += self.delete_before(now, floor, &mut reached)?;
        }
        shared.counters.is_short.store(false, Ordering::Relaxed);
        self.on_writer(move |writer| retention::mark_silent(writer, now))??;
        self.forget_some()?;
        self.on_writer(churn::sweep)??;
        let mut slices = 0;
        while self.on_writer(retention::vacuum_slice)?? {
            self.after_slice(&mut slices);
        }
        self.on_writer(retention::shrink_log)??;
        let used = shared.readers.ask(|conn, _| Ok(tally::used_bytes(conn)?))?;
        room::after_upkeep(shared, used);
        Ok(cells)
    }

    fn delete_before(&self, now: Timestamp, floor: Cutoff, reached: &mut Reached) -> Result<u64, QueryError> {
        let mut progress = Progress::new(&self.0.shared, now, floor, reached);
        cut::run(&self.0.shared, &mut progress.hosts, |job| Ok(self.on_writer(job)??))?;
        let mut slices = 0;
        while !progress.is_done() {
            progress = self.on_writer(move |writer| progress.delete_slice(writer).map(|()| progress))??;
            self.after_slice(&mut slices);
        }
        reached.extend(progress.reached);
        Ok(progress.cells)
    }

    /// Between two slices, while the writer goes on.
    pub(crate) fn after_slice(&self, slices: &mut usize) {
        *slices += 1;
        if slices.is_multiple_of(retention::SLICES_PER_CHECKPOINT) {
            retention::checkpoint_beside(&self.0.shared);
        }
    }
}
