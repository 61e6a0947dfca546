//! Whether there is room to write: on the file system, and within the budget.

use crate::budget::Budget;
use crate::file;
use crate::writer::Shared;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use sysmond_model::Timestamp;

/// Space that is left to others on the file system, bytes, or a twentieth of it where that is less.
const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// What leaves no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The file system is full but for its reserve.
    Disk,
    /// The byte budget is reached by what may not go.
    Budget,
}

/// A store that takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// Since when writes find no room, by the caller's time.
    pub since: Timestamp,
    /// What leaves none.
    pub bound: Bound,
}

/// What is known of the room since the last write.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<Option<Full>>);

impl Room {
    /// Since when there is none.
    pub(crate) fn full(&self) -> Option<Full> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write found none at `now`.
    pub(crate) fn refuse(&self, bound: Bound, now: Timestamp) {
        let mut full = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = full.map_or(now, |full| full.since);
        *full = Some(Full { since, bound });
    }

    /// A write found some.
    pub(crate) fn found(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Whether there is room at `now`: a full file system is found out also where nobody writes.
pub(crate) fn look(shared: &Shared, now: Timestamp) -> Option<Full> {
    if !has_reserve(&shared.path) {
        shared.room.refuse(Bound::Disk, now);
    }
    shared.room.full()
}

/// After a round of upkeep, which wrote: whether what was refused before would be taken now. `used` bytes of the file
/// hold something.
pub(crate) fn after_upkeep(shared: &Shared, used: u64) {
    let is_found = match shared.room.full().map(|full| full.bound) {
        Some(Bound::Disk) => has_reserve(&shared.path),
        Some(Bound::Budget) => used <= Budget(shared.options.max_disk_bytes).target_bytes(),
        None => false,
    };
    if is_found {
        shared.room.found();
    }
}

/// What a write met that found no room: SQLite has one word for both, so it is the one that has less left.
pub(crate) fn bound(shared: &Shared) -> Bound {
    let most = Budget(shared.options.max_disk_bytes).append_bytes();
    let of_budget = most.saturating_sub(file::file_bytes(&shared.path));
    match rustix::fs::statvfs(&shared.path) {
        Ok(fs) if fs.f_bavail.saturating_mul(fs.f_frsize) < of_budget => Bound::Disk,
        _ => Bound::Budget,
    }
}

/// Whether the file system has more free than the reserve. Where it cannot tell, the write itself will.
pub(crate) fn has_reserve(path: &Path) -> bool {
    rustix::fs::statvfs(path).map_or(true, |fs| {
        let reserve = RESERVE_BYTES.min(fs.f_blocks.saturating_mul(fs.f_frsize) / 20);
        fs.f_bavail.saturating_mul(fs.f_frsize) > reserve
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_says_since_when_until_a_write_finds_room() {
        let (room, at) = (Room::default(), Timestamp::from_seconds);
        assert_eq!(room.full(), None);
        room.refuse(Bound::Disk, at(5));
        room.refuse(Bound::Budget, at(9));
        assert_eq!(room.full(), Some(Full { since: at(5), bound: Bound::Budget }));
        room.found();
        room.refuse(Bound::Disk, at(20));
        assert_eq!(room.full(), Some(Full { since: at(20), bound: Bound::Disk }));
    }
}
