//! Snapshots of one host in memory: each process' words once, its figures by snapshot.

use super::digits::{FOUR, THREE};
use crate::codec::Damaged;
use std::collections::HashMap;
use sysmond_model::limits::{
    MAX_PROCESS_COMMAND_BYTES, MAX_PROCESS_NAME_BYTES, MAX_PROCESSES_PER_SNAPSHOT, MAX_SNAPSHOTS_PER_HOUR,
};
use sysmond_model::{ProcessSnapshot, ProcessUse, Timestamp};

/// Snapshots in one piece.
pub(super) const MAX_ROWS: usize = MAX_SNAPSHOTS_PER_HOUR;
/// Processes of all its snapshots together.
pub(super) const MAX_ENTRIES: usize = MAX_ROWS * MAX_PROCESSES_PER_SNAPSHOT;
/// Shares are kept in parts of a percent so small that a tick of the clock is seen on hundreds of cores.
const PARTS_OF_A_PERCENT: f64 = 10_000.0;
/// Memory is kept in KiB.
const MEMORY_UNIT: u64 = 1024;
/// No figure is beyond it: whole numbers up to it are exact in a double.
const MAX_FIGURE: f64 = 9_007_199_254_740_992.0;

/// What tells a process from others.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    pub(crate) user: u32,
    pub(crate) name: String,
    pub(crate) command: Option<String>,
}

/// What it took, as [codes](super::digits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// An ASCII letter.
    pub(crate) state: u8,
    pub(crate) threads: u32,
    pub(crate) share: Option<u64>,
    pub(crate) memory: u64,
    pub(crate) read: Option<u64>,
    pub(crate) written: Option<u64>,
}

/// One snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Milliseconds.
    pub(crate) at: i64,
    pub(crate) seq: i64,
    /// The time that it is over.
    pub(crate) millis: u64,
    pub(crate) total: u32,
    /// By the place of their identity.
    pub(crate) entries: Vec<(u32, Figures)>,
}

/// Snapshots, by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hour {
    pub(crate) identities: Vec<Identity>,
    pub(crate) rows: Vec<Row>,
}

impl Hour {
    /// A single snapshot; what is beyond the limits is cut.
    pub(crate) fn of(at: Timestamp, snapshot: &ProcessSnapshot) -> Self {
        let processes = snapshot.processes.iter().take(MAX_PROCESSES_PER_SNAPSHOT);
        let entries = processes.map(|process| (Identity::of(process), Figures::of(process))).collect();
        let millis = whole(snapshot.seconds * 1000.0);
        let row = Row { at: at.as_millis(), seq: 0, millis, total: snapshot.total, entries: Vec::new() };
        Self::single(row, entries)
    }

    /// One snapshot, in one form whatever the order of its processes: what is the same has the same bytes.
    fn single(mut row: Row, mut entries: Vec<(Identity, Figures)>) -> Self {
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(a, _), (b, _)| a == b);
        let (identities, figures): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        row.entries = (0..).zip(figures).collect();
        Self { identities, rows: vec![row] }
    }

    /// All snapshots of several pieces; of two of one time the one that was stored last. No more than the limit, of
    /// which the earliest are kept.
    pub(crate) fn merged(pieces: Vec<Self>) -> Self {
        let (mut known, mut rows) = (Vec::with_capacity(pieces.len()), Vec::new());
        for Self { identities, rows: own } in pieces {
            rows.extend(own.into_iter().map(|row| (known.len(), row)));
            known.push(identities);
        }
        rows.sort_by_key(|(_, row)| (row.at, std::cmp::Reverse(row.seq)));
        rows.dedup_by_key(|(_, row)| row.at);
        rows.truncate(MAX_ROWS);
        let (mut merged, mut places) = (Self::default(), HashMap::new());
        for (piece, mut row) in rows {
            let identities = known.get(piece).map_or(&[][..], Vec::as_slice);
            let entry = |(identity, figures): (u32, Figures)| {
                let identity = identities.get(usize::try_from(identity).ok()?)?;
                let place = *places.entry(identity).or_insert_with(|| {
                    merged.identities.push(identity.clone());
                    merged.identities.len() - 1
                });
                Some((u32::try_from(place).ok()?, figures))
            };
            // Where they lie: an hour has ten thousand of them and more.
            row.entries = row.entries.into_iter().filter_map(entry).collect();
            row.entries.sort_by_key(|(place, _)| *place);
            merged.rows.push(row);
        }
        merged
    }

    /// One of the snapshots alone, as it came.
    pub(crate) fn alone(&self, row: &Row) -> Self {
        let entry = |(place, figures): &(u32, Figures)| Some((self.identity(*place)?.clone(), *figures));
        Self::single(Row { seq: 0, ..row.clone() }, row.entries.iter().filter_map(entry).collect())
    }

    /// The same with that place in the order of storing.
    pub(crate) fn numbered(mut self, seq: i64) -> Self {
        self.rows.iter_mut().for_each(|row| row.seq = seq);
        self
    }

    pub(crate) fn identity(&self, place: u32) -> Option<&Identity> {
        self.identities.get(usize::try_from(place).ok()?)
    }

    /// A row as it is told, by share of the processors and by memory.
    pub(crate) fn snapshot(&self, row: &Row) -> Result<ProcessSnapshot, Damaged> {
        let mut processes = Vec::with_capacity(row.entries.len());
        for (identity, figures) in &row.entries {
            let identity = self.identity(*identity).ok_or(Damaged("no such process"))?;
            processes.push(figures.told(identity)?);
        }
        processes.sort_by(|a: &ProcessUse, b: &ProcessUse| {
            let share = |process: &ProcessUse| process.cpu_percent.unwrap_or_default();
            share(b).total_cmp(&share(a)).then(b.memory_bytes.cmp(&a.memory_bytes)).then(a.pid.cmp(&b.pid))
        });
        Ok(ProcessSnapshot { seconds: row.seconds(), total: row.total, processes })
    }
}

impl Row {
    pub(crate) fn seconds(&self) -> f64 {
        self.millis as f64 / 1000.0
    }
}

impl Identity {
    fn of(process: &ProcessUse) -> Self {
        let command = process.command.as_deref().map(|command| cut(command, MAX_PROCESS_COMMAND_BYTES));
        Self {
            pid: process.pid,
            user: process.user,
            name: cut(&process.name, MAX_PROCESS_NAME_BYTES),
            command,
        }
    }
}

impl Figures {
    fn of(process: &ProcessUse) -> Self {
        let rate = |bytes: Option<f64>| bytes.map(|bytes| THREE.code(whole(bytes)));
        Self {
            state: u8::try_from(process.state).ok().filter(u8::is_ascii_alphabetic).unwrap_or(b'?'),
            threads: process.threads,
            share: process.cpu_percent.map(|percent| THREE.code(whole(percent * PARTS_OF_A_PERCENT))),
            memory: FOUR.code((process.memory_bytes / MEMORY_UNIT).min(1 << 53)),
            read: rate(process.read_bytes),
            written: rate(process.write_bytes),
        }
    }

    fn told(&self, identity: &Identity) -> Result<ProcessUse, Damaged> {
        Ok(ProcessUse {
            pid: identity.pid,
            name: identity.name.clone(),
            command: identity.command.clone(),
            user: identity.user,
            state: char::from(self.state),
            threads: self.threads,
            cpu_percent: self.cpu_percent()?,
            memory_bytes: self.memory_bytes()?,
            read_bytes: rate(self.read)?,
            write_bytes: rate(self.written)?,
        })
    }

    /// Whether each code is one.
    pub(crate) fn check(&self) -> Result<(), Damaged> {
        self.cpu_percent()?;
        self.memory_bytes()?;
        self.read_bytes()?;
        self.write_bytes().map(drop)
    }

    pub(crate) fn cpu_percent(&self) -> Result<Option<f64>, Damaged> {
        let number = self.share.map(|code| THREE.number(code)).transpose()?;
        Ok(number.map(|number| number as f64 / PARTS_OF_A_PERCENT))
    }

    pub(crate) fn memory_bytes(&self) -> Result<u64, Damaged> {
        FOUR.number(self.memory)?.checked_mul(MEMORY_UNIT).ok_or(Damaged("a number beyond 64 bits"))
    }

    pub(crate) fn read_bytes(&self) -> Result<Option<f64>, Damaged> {
        rate(self.read)
    }

    pub(crate) fn write_bytes(&self) -> Result<Option<f64>, Damaged> {
        rate(self.written)
    }
}

fn rate(code: Option<u64>) -> Result<Option<f64>, Damaged> {
    Ok(code.map(|code| THREE.number(code)).transpose()?.map(|number| number as f64))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before; not a number is 0"
)]
const fn whole(number: f64) -> u64 {
    number.clamp(0.0, MAX_FIGURE).round() as u64
}

fn cut(text: &str, limit: usize) -> String {
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default().to_owned()
}
