//! How a store's bytes are shared: what the file may grow to, at what size the oldest samples go, and which tier gives
//! way. Arithmetic alone.

use crate::writer::PAGE_BYTES;

/// The smallest budget that a store takes: its tables, SQLite's own log, and an hour or more of one host beside the log
/// of what is in no block yet.
pub const LEAST_DISK_BYTES: u64 = 16_000_000;

/// What SQLite's own log may take at most, whatever the budget.
const MAX_WAL_BYTES: u64 = 32 * 1024 * 1024;
/// What upkeep may use beyond appends at most: to move or delete a page another may be needed first.
const MAX_UPKEEP_BYTES: u64 = 64 * 1024 * 1024;
/// How far below the bound of appends trimming brings the file at most: what a round of upkeep has to last for.
const MAX_SLACK_BYTES: u64 = 256 * 1024 * 1024;
/// The writer's page cache: least and most, KiB. The most holds the newest rows of a large fleet's tables; the least is
/// some levels of each table, which is all that one host's rows touch.
const WRITER_CACHE_KIB: (u64, u64) = (256, 16 * 1024);
/// A reader's page cache, of which there are a few.
const READER_CACHE_KIB: (u64, u64) = (128, 4 * 1024);
/// Cells in memory for which a budget has room in the log, a cell for so many bytes.
const BYTES_PER_HEAD_CELL: u64 = 16;

/// What of the room for history each tier may claim while another has more than its own share, in hundredths.
const SHARES: Sizes = Sizes { raw: 60, minutes: 25, ten_minutes: 15 };

/// The hard bound of what a store has on disk: file and SQLite's own log together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget(pub(crate) u64);

impl Budget {
    /// What SQLite's own log may take.
    pub(crate) fn wal_bytes(self) -> u64 {
        (self.0 / 8).min(MAX_WAL_BYTES)
    }

    /// Pages of that log at which they are moved into the file: half of it, so that one large transaction fits beside.
    pub(crate) fn checkpoint_pages(self) -> u64 {
        self.wal_bytes() / 2 / PAGE_BYTES
    }

    /// The writer's page cache, KiB: less where the file is to stay small, so that an agent does too.
    pub(crate) fn writer_cache_kib(self) -> u64 {
        (self.0 / 1024 / 512).clamp(WRITER_CACHE_KIB.0, WRITER_CACHE_KIB.1)
    }

    /// A reader's page cache, KiB.
    pub(crate) fn reader_cache_kib(self) -> u64 {
        (self.0 / 1024 / 2048).clamp(READER_CACHE_KIB.0, READER_CACHE_KIB.1)
    }

    /// Up to where appends may bring the file.
    pub(crate) fn append_bytes(self) -> u64 {
        self.0 - self.wal_bytes() - (self.0 / 32).min(MAX_UPKEEP_BYTES)
    }

    /// What trimming leaves of it.
    pub(crate) fn target_bytes(self) -> u64 {
        let most = self.append_bytes();
        most - (most / 16).min(MAX_SLACK_BYTES)
    }

    /// Cells that heads may hold together before the larger are sealed.
    pub(crate) fn head_cells(self) -> usize {
        usize::try_from(self.0 / BYTES_PER_HEAD_CELL).unwrap_or(usize::MAX)
    }
}

/// Bytes, or another quantity, of each tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) raw: u64,
    pub(crate) minutes: u64,
    pub(crate) ten_minutes: u64,
}

impl Sizes {
    pub(crate) fn total(self) -> u64 {
        self.raw + self.minutes + self.ten_minutes
    }

    fn share(self, room: u64) -> Self {
        let part = |hundredths: u64| room / 100 * hundredths;
        Self { raw: part(self.raw), minutes: part(self.minutes), ten_minutes: part(self.ten_minutes) }
    }
}

/// Who has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Raw,
    Minutes,
    TenMinutes,
}

/// Which tier gives way, and how many bytes at most before another is asked, where all together are `over` the `room`
/// that there is for them. The oldest samples go first; but no tier is brought below its share while another has more
/// than its own, so that years of summaries never leave no room for the samples of today. `may_give` says of each
/// tier, samples first, whether it has anything old enough.
pub(crate) fn victim(sizes: Sizes, room: u64, over: u64, may_give: [bool; 3]) -> Option<(Victim, u64)> {
    let shares = SHARES.share(room);
    let tiers = [
        (Victim::Raw, sizes.raw, shares.raw),
        (Victim::Minutes, sizes.minutes, shares.minutes),
        (Victim::TenMinutes, sizes.ten_minutes, shares.ten_minutes),
    ];
    let giving = || tiers.into_iter().zip(may_give).filter(|(_, may)| *may).map(|(tier, _)| tier);
    let beyond = giving().find(|(_, size, share)| size > share);
    let beyond = beyond.map(|(victim, size, share)| (victim, over.min(size - share)));
    beyond.or_else(|| giving().next().map(|(victim, _, _)| (victim, over)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_budget_fit_into_it() {
        for bytes in [LEAST_DISK_BYTES, 256_000_000, 10_000_000_000, 1 << 50] {
            let budget = Budget(bytes);
            assert!(budget.append_bytes() + budget.wal_bytes() < bytes);
            assert!(budget.target_bytes() < budget.append_bytes());
            assert!(budget.target_bytes() > bytes / 4 * 3, "{bytes}");
            assert!(budget.checkpoint_pages() >= 200);
        }
        let caches = |bytes| (Budget(bytes).writer_cache_kib(), Budget(bytes).reader_cache_kib());
        assert_eq!(
            [LEAST_DISK_BYTES, 1 << 28, 10_000_000_000].map(caches),
            [(256, 128), (512, 128), (16 * 1024, 4 * 1024)]
        );
    }

    #[test]
    fn the_oldest_samples_go_first_down_to_their_share() {
        let check = |raw, minutes, ten_minutes, over, may_give, expected| {
            let sizes = Sizes { raw, minutes, ten_minutes };
            assert_eq!(victim(sizes, 1000, over, may_give), expected);
        };
        let all = [true; 3];
        check(990, 10, 10, 10, all, Some((Victim::Raw, 10)));
        check(700, 300, 200, 200, all, Some((Victim::Raw, 100)));
        check(600, 400, 100, 100, all, Some((Victim::Minutes, 100)));
        check(500, 200, 400, 100, all, Some((Victim::TenMinutes, 100)));
        check(600, 400, 100, 100, [true, false, true], Some((Victim::Raw, 100)));
        check(600, 240, 140, 50, [false, true, true], Some((Victim::Minutes, 50)));
        check(1000, 0, 0, 50, [false; 3], None);
    }
}
