//! What could not be read any more is set aside: taken out of the way, kept for people to look at, counted, and told
//! once.

use crate::QueryError;
use crate::codec::Damaged;
use crate::codec::block::{Block, Table};
use crate::codec::ints::Effort;
use crate::processes;
use crate::rollup::{self, DAY_MS};
use crate::seal::{self, SealedBlock};
use crate::sealed::HOUR_MS;
use crate::writer::{Shared, Writer};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use sysmond_model::Timestamp;

/// Pieces that are kept; of older ones only the number is known.
const MAX_PIECES: i64 = 1000;
/// Their size together, bytes; the newest is kept whatever its size.
const MAX_BYTES: i64 = 4 * 1024 * 1024;
/// Pieces that wait to be set aside; more are found again when they are read again.
const MAX_PENDING: usize = 1000;
/// Pieces set aside that wait to be told of.
const MAX_NEWS: usize = 100;
/// Pieces in one transaction.
const PIECES_AT_ONCE: usize = 8;

/// Where a piece lay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Log,
    Young,
    Block,
    Rollup,
    ProcessHour,
    Snapshot,
}

impl Origin {
    /// The table.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Young => "young",
            Self::Block => "block",
            Self::Rollup => "rollup",
            Self::ProcessHour => "process_hour",
            Self::Snapshot => "snapshot",
        }
    }
}

/// A row that should hold readable bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Piece {
    pub(crate) origin: Origin,
    pub(crate) id: i64,
}

/// What was found damaged.
#[derive(Debug, Default)]
pub(crate) struct Damages {
    /// Each time that a damaged piece was tried.
    pub(crate) tries: AtomicU64,
    pending: Mutex<BTreeMap<Piece, Damaged>>,
    news: Mutex<Vec<Quarantined>>,
}

impl Damages {
    /// The value, where it could be read; else the piece waits to be set aside.
    pub(crate) fn sound<T>(&self, piece: Piece, read: Result<T, Damaged>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(reason) => {
                self.note(piece, reason);
                None
            }
        }
    }

    pub(crate) fn note(&self, piece: Piece, reason: Damaged) {
        self.tries.fetch_add(1, Ordering::Relaxed);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() < MAX_PENDING {
            pending.insert(piece, reason);
        }
    }

    /// Whether the piece waits to be set aside.
    pub(crate) fn is_pending(&self, piece: Piece) -> bool {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&piece)
    }

    fn take_pending(&self) -> Vec<(Piece, Damaged)> {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
            .into_iter()
            .collect()
    }

    /// Those of the pieces that wait that lay there.
    pub(crate) fn take_pending_of(&self, origin: Origin) -> Vec<(Piece, Damaged)> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.extract_if(.., |piece, _| piece.origin == origin).collect()
    }

    pub(crate) fn tell(&self, told: impl IntoIterator<Item = Quarantined>) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_NEWS.saturating_sub(news.len());
        news.extend(told.into_iter().take(room));
    }

    /// What was set aside since the last call.
    pub(crate) fn take_news(&self) -> Vec<Quarantined> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A damaged piece that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The table that it lay in: `log`, `young`, `block`, `rollup`, `process_hour` or `snapshot`.
    pub origin: String,
    /// Whose samples it held, where that is known.
    pub host: Option<String>,
    /// The stretch that it held, where that is known.
    pub stretch: Option<(Timestamp, Timestamp)>,
    /// Why it could not be read.
    pub reason: String,
    /// Its size.
    pub bytes: u64,
    /// When it was set aside.
    pub set_aside: Timestamp,
}

/// What was set aside in a file's life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quarantine {
    /// Pieces, also those that are not kept any more.
    pub count: u64,
    /// Pieces that are kept.
    pub kept: u64,
    /// Their size.
    pub bytes: u64,
    /// The newest of them, newest first.
    pub newest: Vec<Quarantined>,
}

/// Sets aside what was found damaged since the last time.
pub(crate) fn run(
    shared: &Shared,
    now: Timestamp,
    mut on_writer: impl FnMut(crate::compact::Job) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    for pieces in shared.counters.damages.take_pending().chunks(PIECES_AT_ONCE) {
        let pieces = pieces.to_vec();
        on_writer(Box::new(move |writer| set_aside_all(writer, &pieces, now)))?;
    }
    Ok(())
}

/// Sets aside those of `pieces` that are still there and still damaged.
pub(crate) fn set_aside_all(
    writer: &mut Writer,
    pieces: &[(Piece, Damaged)],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let told = writer.with_connection(|conn| {
        let tx = conn.transaction()?;
        let mut told = Vec::new();
        for (piece, reason) in pieces {
            if is_still_damaged(&tx, *piece)? {
                let readable = readable(&tx, *piece)?;
                told.extend(set_aside(&tx, *piece, *reason, now)?);
                if let Some((host_id, block)) = readable {
                    put_back(&tx, *piece, host_id, &block, now)?;
                }
            }
        }
        tx.commit()?;
        Ok(told)
    })?;
    writer.shared().counters.damages.tell(told);
    Ok(())
}

/// The columns of a damaged block that can be read, as a block of their own, and whose they are.
fn readable(conn: &Connection, Piece { origin, id }: Piece) -> rusqlite::Result<Option<(i64, SealedBlock)>> {
    let select = match origin {
        Origin::Block => "SELECT host_id, id >> 36, data FROM block WHERE id = ?1",
        Origin::Young => "SELECT host_id, hour, data FROM young WHERE id = ?1",
        _ => return Ok(None),
    };
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = conn.prepare_cached(select)?.query_row([id], row).optional()?;
    let Some((host_id, hour, data)): Option<(i64, i64, Vec<u8>)> = found else {
        return Ok(None);
    };
    Ok(Block::open(&data)
        .and_then(|block| readable_columns(&block))
        .ok()
        .flatten()
        .map(|table| (host_id, SealedBlock::new(hour, &table, Effort::Thorough))))
}

fn readable_columns(block: &Block<'_>) -> Result<Option<Table>, Damaged> {
    let (timestamps, seqs) = (block.timestamps()?, block.seqs()?);
    let columns = block.ids().filter_map(|id| Some((id, block.column(id).ok().flatten()?)));
    let table = Table { timestamps, seqs, columns: columns.collect() };
    Ok((!table.columns.is_empty()).then_some(table))
}

/// Stores what could be read of a block in its place.
fn put_back(
    conn: &Connection,
    piece: Piece,
    host_id: i64,
    block: &SealedBlock,
    now: Timestamp,
) -> rusqlite::Result<()> {
    if piece.origin == Origin::Young {
        return seal::insert_young(conn, host_id, block, now);
    }
    let cells = i64::try_from(block.cells).unwrap_or(i64::MAX);
    conn.prepare_cached(
        "INSERT INTO block (id, host_id, seq0, seq1, cells, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![piece.id, host_id, block.seqs.0, block.seqs.1, cells, block.data])?;
    Ok(())
}

/// A row's number may have been given to another row since it was found damaged.
fn is_still_damaged(conn: &Connection, piece: Piece) -> rusqlite::Result<bool> {
    if piece.origin == Origin::Log {
        return Ok(true);
    }
    let select = format!("SELECT data FROM {} WHERE id = ?1", piece.origin.table());
    let data: Option<Vec<u8>> =
        conn.prepare_cached(&select)?.query_row([piece.id], |row| row.get(0)).optional()?;
    Ok(data.is_some_and(|data| match piece.origin {
        Origin::ProcessHour | Origin::Snapshot => processes::bytes::decode(&data).is_err(),
        _ => Block::open(&data).and_then(|block| block.table()).is_err(),
    }))
}

/// What a row was.
struct Found {
    bytes: i64,
    host_id: Option<i64>,
    host: Option<String>,
    /// Milliseconds.
    stretch: Option<(i64, i64)>,
}

fn find(conn: &Connection, Piece { origin, id }: Piece) -> rusqlite::Result<Option<Found>> {
    let select = match origin {
        Origin::Log => "SELECT length(data), NULL, NULL FROM log WHERE id = ?1",
        Origin::Young => "SELECT length(data), host_id, hour FROM young WHERE id = ?1",
        Origin::Block => "SELECT length(data), host_id, id >> 36 FROM block WHERE id = ?1",
        Origin::ProcessHour => "SELECT length(data), host_id, id >> 36 FROM process_hour WHERE id = ?1",
        Origin::Snapshot => "SELECT length(data), host_id, at / 3600000 FROM snapshot WHERE id = ?1",
        Origin::Rollup => "SELECT length(data), host_id, id >> 36 & 0xffffff FROM rollup WHERE id = ?1",
    };
    let row = |row: &rusqlite::Row<'_>| {
        let span_ms = if origin == Origin::Rollup { DAY_MS } else { HOUR_MS };
        let span: Option<i64> = row.get(2)?;
        let stretch = span.map(|span| (span * span_ms, (span + 1) * span_ms));
        Ok(Found { bytes: row.get(0)?, host_id: row.get(1)?, host: None, stretch })
    };
    let found = conn.prepare_cached(select)?.query_row([id], row).optional()?;
    let Some(found) = found else {
        return Ok(None);
    };
    let mut name = conn.prepare_cached("SELECT hostname FROM hosts WHERE host_id = ?1")?;
    let host = name.query_row([found.host_id], |row| row.get(0)).optional()?;
    Ok(Some(Found { host, ..found }))
}

/// Moves a row into the quarantine, within the caller's transaction; `None` where it is gone.
pub(crate) fn set_aside(
    conn: &Connection,
    piece: Piece,
    reason: Damaged,
    now: Timestamp,
) -> rusqlite::Result<Option<Quarantined>> {
    let Some(Found { bytes, host_id, host, stretch }) = find(conn, piece)? else {
        return Ok(None);
    };
    let (table, id) = (piece.origin.table(), piece.id);
    let (from, to) = stretch.unzip();
    conn.prepare_cached(&format!(
        "INSERT INTO quarantine (origin, reason, data, set_aside, host, from_ms, to_ms)
         SELECT ?1, ?2, data, ?3, ?4, ?5, ?6 FROM {table} WHERE id = ?7"
    ))?
    .execute(params![table, reason.0, now.as_millis(), host, from, to, id])?;
    conn.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?.execute([id])?;
    if let (Origin::Rollup, Some(host_id)) = (piece.origin, host_id) {
        // To be made anew where the samples are still there, and then all parts of it.
        rollup::forget(conn, host_id, rollup::day_of(id))?;
        conn.prepare_cached("INSERT INTO due VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute([rollup::day_of(id), host_id])?;
    }
    bound(conn)?;
    Ok(Some(Quarantined {
        origin: table.to_owned(),
        host,
        stretch: stretch.map(|(from, to)| (Timestamp::from_millis(from), Timestamp::from_millis(to))),
        reason: reason.0.to_owned(),
        bytes: bytes.unsigned_abs(),
        set_aside: now,
    }))
}

/// Forgets the oldest pieces beyond the limits, never the newest: its number is how many there were.
fn bound(conn: &Connection) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?1
         OR id < (SELECT max(id) FROM quarantine) AND id <= (
             SELECT max(id) FROM (
                 SELECT id, sum(length(data)) OVER (ORDER BY id DESC) AS bytes FROM quarantine
             ) WHERE bytes > ?2
         )",
    )?
    .execute([MAX_PIECES, MAX_BYTES])?;
    Ok(())
}

/// What was set aside, and the newest `most` of it.
pub(crate) fn read(conn: &Connection, most: usize) -> rusqlite::Result<Quarantine> {
    let (count, kept, bytes): (i64, i64, i64) = conn
        .prepare_cached(
            "SELECT coalesce(max(id), 0), count(*), coalesce(sum(length(data)), 0) FROM quarantine",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut select = conn.prepare_cached(
        "SELECT origin, host, from_ms, to_ms, reason, length(data), set_aside FROM quarantine
         ORDER BY id DESC LIMIT ?1",
    )?;
    let newest = select.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| {
        let (from, to): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
        Ok(Quarantined {
            origin: row.get(0)?,
            host: row.get(1)?,
            stretch: from
                .zip(to)
                .map(|(from, to)| (Timestamp::from_millis(from), Timestamp::from_millis(to))),
            reason: row.get(4)?,
            bytes: row.get::<_, i64>(5)?.unsigned_abs(),
            set_aside: Timestamp::from_millis(row.get(6)?),
        })
    })?;
    Ok(Quarantine {
        count: count.unsigned_abs(),
        kept: kept.unsigned_abs(),
        bytes: bytes.unsigned_abs(),
        newest: newest.collect::<Result<_, _>>()?,
    })
}
