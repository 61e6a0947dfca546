//! Whether several deliver at a time, and what that is worth: they share a sync, which costs as much as the work on a
//! dozen deliveries, and looks at the file system.

use crate::room;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the writer gathers what is to share a transaction, where several come at a time: in as many steps, each
/// followed by another only if something came in it.
const GATHER_STEP: Duration = Duration::from_millis(1);
const GATHER_STEPS: u32 = 2;
/// For how long several that came at a time are taken to say that more will.
const CROWD_LASTS: Duration = Duration::from_millis(20);
/// How long the space on the file system is taken to be as it was seen, while there is a crowd.
const SPACE_LASTS: Duration = Duration::from_millis(100);

/// What the writer saw lately.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// When several writes shared a transaction last.
    seen: Option<Instant>,
    /// When the file system was seen to have space.
    has_space: Option<Instant>,
}

impl Crowd {
    /// Takes note of how many writes share a transaction.
    pub(crate) fn note(&mut self, writes: usize) {
        if writes > 1 {
            self.seen = Some(Instant::now());
        }
    }

    fn is_here(&self) -> bool {
        self.seen.is_some_and(|seen| seen.elapsed() < CROWD_LASTS)
    }

    /// Where there is a crowd, lets more come, up to `enough`; `queued` says how many wait. Asleep, so that nobody has
    /// to wake it for each. Who comes alone is not kept.
    pub(crate) fn gather(&self, queued: impl Fn() -> usize, enough: usize) {
        if self.is_here() {
            let_more_come(queued, enough);
        }
    }

    /// Whether the file system has space. What a crowd can write before it is asked again is far less than the reserve,
    /// and where that is small the write itself will tell.
    pub(crate) fn has_reserve(&mut self, path: &Path) -> bool {
        if self.is_here() && self.has_space.is_some_and(|seen| seen.elapsed() < SPACE_LASTS) {
            return true;
        }
        let has_reserve = room::has_reserve(path);
        self.has_space = has_reserve.then(Instant::now);
        has_reserve
    }
}

fn let_more_come(queued: impl Fn() -> usize, enough: usize) {
    let mut known = queued();
    for _ in 0..GATHER_STEPS {
        if known >= enough {
            return;
        }
        std::thread::sleep(GATHER_STEP);
        let come = queued();
        if come == known {
            return;
        }
        known = come;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// How often is looked where so many wait, one look after the other.
    fn looks(queued: &[usize], enough: usize) -> usize {
        let looks = Cell::new(0);
        let next = || queued.get(looks.replace(looks.get() + 1)).copied().unwrap_or(usize::MAX);
        let_more_come(next, enough);
        looks.get()
    }

    #[test]
    fn more_are_waited_for_as_long_as_they_come_and_are_not_enough() {
        assert_eq!(looks(&[256], 256), 1);
        assert_eq!(looks(&[1, 256], 256), 2);
        assert_eq!(looks(&[1, 1], 256), 2);
        assert_eq!(looks(&[1, 2, 3], 256), 3);
    }

    #[test]
    fn who_comes_alone_is_no_crowd() {
        let seen = |writes: &[usize]| {
            let mut crowd = Crowd::default();
            for writes in writes {
                crowd.note(*writes);
            }
            crowd.seen.is_some()
        };
        assert_eq!((seen(&[1, 1]), seen(&[1, 2, 1])), (false, true));
    }
}
