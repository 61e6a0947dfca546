//! Minima, maxima, sums and counts of a day of one host, by minutes and by ten minutes: what long ranges are read from,
//! and what is left of samples that became too old.

use crate::QueryError;
use crate::codec::Damaged;
use crate::codec::block::{self, Block, Table};
use crate::codec::ints::Effort;
use crate::compact::Job;
use crate::counters::Counters;
use crate::names::MetricId;
use crate::pieces;
use crate::quarantine::{Origin, Piece};
use crate::sealed::{self, HOUR_MS};
use crate::summarize::{PARTS, append, coarser, summarize, united};
use crate::writer::Shared;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;
use std::ops::Range;
use sysmond_model::Timestamp;
use sysmond_model::limits::MAX_COLUMNS_PER_BLOCK;

/// A day, milliseconds.
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
/// How long after its end a day is taken up: its last hour is in a block by then.
const DAY_SETTLES_MS: i64 = 45 * 60 * 1000;
/// Days of hosts in one transaction.
const DAYS_AT_ONCE: usize = 8;
/// A day's number has 24 bits.
pub(crate) const MAX_DAY: i64 = 1 << 24;
/// Rows of one host and day in a tier: the low 12 bits of a row's number.
const MAX_PARTS: i64 = 1 << 12;

/// How coarse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// By minutes.
    Minute,
    /// By ten minutes.
    TenMinutes,
}

impl Tier {
    /// The width of a bucket, milliseconds.
    pub(crate) const fn step(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::TenMinutes => 600_000,
        }
    }

    /// The number of the tier's first row of a host and day.
    pub(crate) const fn id(self, day: i64, host_id: i64) -> i64 {
        self.first_id(day) | host_id << 12
    }

    /// The numbers of all its rows of a host and day.
    const fn ids(self, day: i64, host_id: i64) -> std::ops::RangeInclusive<i64> {
        let first = self.id(day, host_id);
        first..=first | (MAX_PARTS - 1)
    }

    /// The least number of a day.
    pub(crate) const fn first_id(self, day: i64) -> i64 {
        let tier: i64 = match self {
            Self::Minute => 1,
            Self::TenMinutes => 2,
        };
        // The day behind the last one is the beginning of the next tier.
        (tier << 60) + (day << 36)
    }
}

/// What happened to one series in one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    /// The time of the first sample of any series in the bucket.
    pub(crate) at: i64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
    pub(crate) count: f64,
}

/// Forgets the day of a host in which an hour was rewritten, to be made anew; unless samples of that day are gone
/// already, which only the summaries still know: what is new is then laid over them.
pub(crate) fn invalidate(conn: &Connection, host_id: i64, hour: i64) -> rusqlite::Result<()> {
    forget(conn, host_id, hour.div_euclid(24))
}

/// Forgets a day of a host, unless samples of it are gone already.
pub(crate) fn forget(conn: &Connection, host_id: i64, day: i64) -> rusqlite::Result<()> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM rollup WHERE (id BETWEEN ?1 AND ?2 OR id BETWEEN ?3 AND ?4)
         AND NOT EXISTS (SELECT 1 FROM host_state WHERE host_id = ?5 AND raw_from > ?6)",
    )?;
    let (minutes, tens) = (Tier::Minute.ids(day, host_id), Tier::TenMinutes.ids(day, host_id));
    delete.execute([*minutes.start(), *minutes.end(), *tens.start(), *tens.end(), host_id, day * 24])?;
    Ok(())
}

/// Makes what is missing of the days that have settled at `now`.
pub(crate) fn run(
    conn: &Connection,
    shared: &Shared,
    now: Timestamp,
    mut on_writer: impl FnMut(Job) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let settled = (now.as_millis() - DAY_SETTLES_MS).div_euclid(DAY_MS) - 1;
    for days in due(conn, settled)?.chunks(DAYS_AT_ONCE) {
        let made = days.iter().map(|(day, host_id)| {
            // Rows of hours that were cut are waiting to be deleted: the summaries have them already.
            let first = raw_from(conn, *host_id)?.clamp(day * 24, (day + 1) * 24);
            make(conn, &shared.counters, *day, *host_id, first..(day + 1) * 24)
        });
        let made = made.collect::<rusqlite::Result<Vec<DayMade>>>()?;
        on_writer(Box::new(move |writer| writer.with_connection(|conn| put_settled(conn, &made))))?;
    }
    Ok(())
}

/// The first hour of which a host has its samples.
fn raw_from(conn: &Connection, host_id: i64) -> rusqlite::Result<i64> {
    let mut select = conn.prepare_cached("SELECT raw_from FROM host_state WHERE host_id = ?1")?;
    Ok(select.query_row([host_id], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Summaries of a day of a host.
pub(crate) struct DayMade {
    day: i64,
    host_id: i64,
    /// Whether they stand for all that there was; else they are some that were missing.
    is_whole: bool,
    parts: Vec<Made>,
}

impl DayMade {
    /// Bytes of its rows.
    pub(crate) fn size(&self) -> usize {
        self.parts.iter().map(|part| part.data.len()).sum()
    }

    /// Writes them, within the caller's transaction.
    pub(crate) fn put(&self, conn: &Connection) -> rusqlite::Result<()> {
        if self.is_whole {
            let mut delete =
                conn.prepare_cached("DELETE FROM rollup WHERE id BETWEEN ?1 AND ?2 OR id BETWEEN ?3 AND ?4")?;
            let [minutes, tens] =
                [Tier::Minute, Tier::TenMinutes].map(|tier| tier.ids(self.day, self.host_id));
            delete.execute([minutes.start(), minutes.end(), tens.start(), tens.end()])?;
        }
        for Made { id, samples, data } in &self.parts {
            conn.prepare_cached("INSERT INTO rollup (id, host_id, samples, data) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![id, self.host_id, samples, data])?;
        }
        Ok(())
    }
}

/// One row of a tier.
struct Made {
    id: i64,
    samples: i64,
    data: Vec<u8>,
}

impl Made {
    fn new(tier: Tier, day: i64, host_id: i64, part: i64, table: &Table) -> Self {
        let counts =
            table.columns.iter().filter(|(id, _)| id % PARTS == PARTS - 1).flat_map(|(_, counts)| counts);
        #[expect(clippy::cast_possible_truncation, reason = "a float to int cast saturates")]
        let samples = counts.filter(|count| !count.is_nan()).sum::<f64>() as i64;
        let id = tier.id(day, host_id) | part;
        Self { id, samples, data: block::encode(table, Effort::Thorough) }
    }
}

/// Makes the summaries of a day of a host from the samples of `hours`, beside what is summarised of it already: samples
/// that are gone stay in them. Where there are no samples, those ten minutes that are missing are made of the minutes.
pub(crate) fn make(
    conn: &Connection,
    counters: &Counters,
    day: i64,
    host_id: i64,
    hours: Range<i64>,
) -> rusqlite::Result<DayMade> {
    let fresh = minutes_of(conn, counters, host_id, hours)?;
    let is_whole = fresh.iter().any(|hour| !hour.is_empty());
    let parts = if is_whole {
        united_parts(conn, counters, (day, host_id), &fresh)?
    } else {
        missing_tens(conn, counters, day, host_id)?
    };
    Ok(DayMade { day, host_id, is_whole, parts })
}

/// Makes those ten minutes of a day that are not there, of its minutes.
fn missing_tens(
    conn: &Connection,
    counters: &Counters,
    day: i64,
    host_id: i64,
) -> rusqlite::Result<Vec<Made>> {
    let minutes = part_numbers(conn, Tier::Minute, day, host_id)?;
    let tens = part_numbers(conn, Tier::TenMinutes, day, host_id)?;
    let mut made = Vec::new();
    // A part has the same series in both tiers.
    for part in minutes.difference(&tens) {
        if let Some(minutes) = stored(conn, counters, Tier::Minute.id(day, host_id) | part)? {
            let tens = coarser(&minutes, Tier::TenMinutes.step());
            made.push(Made::new(Tier::TenMinutes, day, host_id, *part, &tens));
        }
    }
    Ok(made)
}

/// All parts of a day: the minutes of its hours, and what is stored of it, laid over each other.
fn united_parts(
    conn: &Connection,
    counters: &Counters,
    (day, host_id): (i64, i64),
    hours: &[Vec<Vec<u8>>],
) -> rusqlite::Result<Vec<Made>> {
    let known = |tier| -> rusqlite::Result<Vec<Vec<u8>>> {
        let parts = parts(conn, tier, day, host_id)?.into_iter();
        let sound = parts.filter(|(piece, data)| {
            let table = Block::open(data).and_then(|block| block.table());
            counters.damages.sound(*piece, table).is_some()
        });
        Ok(sound.map(|(_, data)| data).collect())
    };
    let known = [known(Tier::Minute)?, known(Tier::TenMinutes)?];
    let known = known.each_ref().map(|parts| opened(parts));
    let hours: Vec<Vec<Block<'_>>> = hours.iter().map(|hour| opened(hour)).collect();
    let mut made = Vec::new();
    // A part at a time, so that a host with many series takes no more memory than others.
    for (ids, part) in groups(hours.iter().chain(&known)).into_iter().zip(0..MAX_PARTS) {
        let mut fresh = Table::default();
        for hour in &hours {
            append(&mut fresh, pieces::merge(&tables_of(hour, &ids)));
        }
        let [known_minutes, known_tens] = known.each_ref().map(|blocks| tables_of(blocks, &ids));
        let minutes = united(&known_minutes, fresh, Tier::Minute.step());
        let tens = coarser(&minutes, Tier::TenMinutes.step());
        let tens = united(&known_tens, tens, Tier::TenMinutes.step());
        for (tier, table) in [(Tier::Minute, minutes), (Tier::TenMinutes, tens)] {
            if !table.timestamps.is_empty() {
                made.push(Made::new(tier, day, host_id, part, &table));
            }
        }
    }
    Ok(made)
}

fn opened(blobs: &[Vec<u8>]) -> Vec<Block<'_>> {
    blobs.iter().filter_map(|data| Block::open(data).ok()).collect()
}

fn tables_of(blocks: &[Block<'_>], ids: &[u32]) -> Vec<Table> {
    blocks.iter().filter_map(|block| block.table_of(ids).ok()).collect()
}

/// The parts that a day of a host has in a tier.
fn part_numbers(conn: &Connection, tier: Tier, day: i64, host_id: i64) -> rusqlite::Result<BTreeSet<i64>> {
    let ids = tier.ids(day, host_id);
    let mut select = conn.prepare_cached("SELECT id FROM rollup WHERE id BETWEEN ?1 AND ?2")?;
    select.query_map([*ids.start(), *ids.end()], |row| Ok(row.get::<_, i64>(0)? & (MAX_PARTS - 1)))?.collect()
}

/// The columns of one part each: all four of a series in the same.
fn groups<'b, 'd: 'b>(blocks: impl Iterator<Item = &'b Vec<Block<'d>>>) -> Vec<Vec<u32>> {
    let metrics: BTreeSet<MetricId> =
        blocks.flatten().flat_map(|block| block.ids().map(|id| id / PARTS)).collect();
    let metrics: Vec<MetricId> = metrics.into_iter().collect();
    let parts = metrics.chunks(MAX_COLUMNS_PER_BLOCK / PARTS as usize);
    let columns = |metric: &MetricId| metric * PARTS..(metric + 1) * PARTS;
    parts.map(|metrics| metrics.iter().flat_map(columns).collect()).collect()
}

fn put_settled(conn: &mut Connection, made: &[DayMade]) -> rusqlite::Result<()> {
    let tx = conn.transaction()?;
    for day in made {
        day.put(&tx)?;
        tx.prepare_cached("DELETE FROM due WHERE day = ?1 AND host_id = ?2")?
            .execute([day.day, day.host_id])?;
    }
    tx.commit()
}

/// Days and hosts, up to `settled`, whose blocks changed since they were summarised.
pub(crate) fn due(conn: &Connection, settled: i64) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut select = conn.prepare("SELECT day, host_id FROM due WHERE day <= ?1")?;
    select.query_map([settled], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The minutes of each of some hours as blocks.
fn minutes_of(
    conn: &Connection,
    counters: &Counters,
    host_id: i64,
    hours: Range<i64>,
) -> rusqlite::Result<Vec<Vec<Vec<u8>>>> {
    let mut minutes = Vec::new();
    for hour in hours {
        let blobs = sealed::blobs(conn, host_id, hour)?;
        let mut blocks = Vec::with_capacity(blobs.len());
        for (place, blob) in blobs.iter().enumerate() {
            blocks.extend(counters.damages.sound(blob.piece, blob.block()).map(|block| (place, block)));
        }
        let damaged = |place: usize, reason| {
            if let Some(blob) = blobs.get(place) {
                counters.damages.note(blob.piece, reason);
            }
        };
        let mut of_hour = Vec::new();
        pieces::of_blocks(&blocks, damaged, |table| {
            of_hour.push(block::encode(&summarize(table, Tier::Minute.step()), Effort::Quick));
        });
        minutes.push(of_hour);
    }
    Ok(minutes)
}

/// The buckets of one day of a host for each of `metrics`; `None` where that day has no rollup.
pub(crate) fn read(
    conn: &Connection,
    counters: &Counters,
    tier: Tier,
    day: i64,
    host_id: i64,
    metrics: &[MetricId],
) -> rusqlite::Result<Option<Vec<Vec<Summary>>>> {
    let mut found: Option<Vec<Vec<Summary>>> = None;
    for (piece, data) in parts(conn, tier, day, host_id)? {
        let summaries = || {
            let block = Block::open(&data)?;
            let times = block.timestamps()?;
            metrics.iter().map(|metric| summaries(&block, &times, *metric)).collect::<Result<Vec<_>, _>>()
        };
        let Some(summaries) = counters.damages.sound(piece, summaries()) else {
            continue;
        };
        // A series is in one part.
        let found = found.get_or_insert_with(|| vec![Vec::new(); metrics.len()]);
        found.iter_mut().zip(summaries).for_each(|(all, own)| all.extend(own));
    }
    Ok(found)
}

/// A part that is stored; none where it cannot be read.
fn stored(conn: &Connection, counters: &Counters, id: i64) -> rusqlite::Result<Option<Table>> {
    let mut select = conn.prepare_cached("SELECT data FROM rollup WHERE id = ?1")?;
    let data: Option<Vec<u8>> = select.query_row([id], |row| row.get(0)).optional()?;
    let table = |data: Vec<u8>| Block::open(&data).and_then(|block| block.table());
    Ok(data.and_then(|data| counters.damages.sound(Piece { origin: Origin::Rollup, id }, table(data))))
}

fn parts(conn: &Connection, tier: Tier, day: i64, host_id: i64) -> rusqlite::Result<Vec<(Piece, Vec<u8>)>> {
    let ids = tier.ids(day, host_id);
    let mut select = conn.prepare_cached("SELECT id, data FROM rollup WHERE id BETWEEN ?1 AND ?2")?;
    let part = |row: &rusqlite::Row<'_>| Ok((Piece { origin: Origin::Rollup, id: row.get(0)? }, row.get(1)?));
    select.query_map([*ids.start(), *ids.end()], part)?.collect()
}

/// The day of a row.
pub(crate) const fn day_of(id: i64) -> i64 {
    id >> 36 & (MAX_DAY - 1)
}

/// The days of a tier in which a host has a rollup, of those that a range touches.
pub(crate) fn days(
    conn: &Connection,
    tier: Tier,
    host_id: i64,
    range: std::ops::RangeInclusive<i64>,
) -> rusqlite::Result<Vec<i64>> {
    let mut exists = conn.prepare_cached("SELECT 1 FROM rollup WHERE id BETWEEN ?1 AND ?2")?;
    let first = oldest_day(conn, tier)?.unwrap_or(i64::MAX).max(range.start().div_euclid(DAY_MS));
    let last = newest_day(conn, tier)?.unwrap_or(i64::MIN).min(range.end().div_euclid(DAY_MS));
    (first..=last)
        .filter_map(|day| {
            let ids = tier.ids(day, host_id);
            exists.exists([*ids.start(), *ids.end()]).map(|is| is.then_some(day)).transpose()
        })
        .collect()
}

/// The first day that any host has in a tier.
fn oldest_day(conn: &Connection, tier: Tier) -> rusqlite::Result<Option<i64>> {
    edge_day(conn, tier, "SELECT id FROM rollup WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1")
}

fn newest_day(conn: &Connection, tier: Tier) -> rusqlite::Result<Option<i64>> {
    edge_day(conn, tier, "SELECT id FROM rollup WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1")
}

fn edge_day(conn: &Connection, tier: Tier, sql: &str) -> rusqlite::Result<Option<i64>> {
    let ids = [tier.first_id(0), tier.first_id(MAX_DAY) - 1];
    let id: Option<i64> = conn.prepare_cached(sql)?.query_row(ids, |row| row.get(0)).optional()?;
    Ok(id.map(day_of))
}

/// A metric's buckets in a day's block.
pub(crate) fn summaries(block: &Block<'_>, times: &[i64], metric: MetricId) -> Result<Vec<Summary>, Damaged> {
    let part = |part| Ok(block.column(metric * PARTS + part)?.unwrap_or_default());
    let (min, max, sum, count) = (part(0)?, part(1)?, part(2)?, part(3)?);
    let parts = min.into_iter().zip(max).zip(sum).zip(count).zip(times);
    let parts = parts.filter(|((_, count), _)| !count.is_nan());
    let summaries = parts.map(|((((min, max), sum), count), at)| Summary { at: *at, min, max, sum, count });
    let summaries: Vec<Summary> = summaries.collect();
    // A mean is later brought between the two.
    let is_sound =
        |summary: &Summary| summary.min <= summary.max && summary.count >= 1.0 && !summary.sum.is_nan();
    if summaries.iter().all(is_sound) { Ok(summaries) } else { Err(Damaged("no such summary")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_that_contradict_themselves_are_damage() {
        let check = |[min, max, sum, count]: [f64; 4]| {
            let columns = [min, max, sum, count].map(|part| vec![part]);
            let table = Table { timestamps: vec![7], seqs: vec![0], columns: (0..).zip(columns).collect() };
            let data = block::encode(&table, Effort::Quick);
            summaries(&Block::open(&data).expect("just encoded"), &[7], 0).map(|summaries| summaries.len())
        };
        assert_eq!(check([1.0, 3.0, 4.0, 2.0]), Ok(1));
        assert_eq!(check([f64::NAN, f64::NAN, f64::NAN, f64::NAN]), Ok(0));
        let contradictions = [[3.0, 1.0, 4.0, 2.0], [1.0, 3.0, 4.0, 0.0], [f64::NAN, 3.0, 4.0, 2.0]];
        for parts in contradictions.into_iter().chain([[1.0, 3.0, f64::NAN, 2.0]]) {
            assert_eq!(check(parts), Err(Damaged("no such summary")), "{parts:?}");
        }
    }
}
