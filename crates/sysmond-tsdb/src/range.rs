//! A stretch of series: each sample where they are few, else buckets that keep every spike, from summaries where the
//! buckets are wide enough.

use crate::buckets::{Buckets, Grid};
pub(crate) use crate::cells::hour_cells;
use crate::counters::Counters;
use crate::head::{HeadRow, HostCell};
use crate::names::MetricId;
use crate::rollup::{self, Tier};
use crate::sealed::{self, HOUR_MS, hour_of};
use crate::writer::Shared;
use crate::{QueryError, RangeQuery, TagMatch};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use sysmond_model::limits::{MAX_POINTS, MAX_SERIES_PER_ANSWER};
use sysmond_model::{Series, SeriesRange, Timestamp};

/// Answers `query`.
pub(crate) fn range(shared: &Shared, query: &RangeQuery) -> Result<Vec<SeriesRange>, QueryError> {
    if query.points > MAX_POINTS {
        return Err(QueryError::TooLarge(format!("{} points, at most {MAX_POINTS}", query.points)));
    }
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    let cell = memory.hosts.get(&query.host).cloned();
    drop(memory);
    let cell = cell.ok_or_else(|| QueryError::UnknownHost(query.host.clone()))?;
    let mut wanted = wanted_series(shared, &cell, query);
    if wanted.len() > MAX_SERIES_PER_ANSWER {
        let count = wanted.len();
        return Err(QueryError::TooLarge(format!("{count} series, at most {MAX_SERIES_PER_ANSWER}")));
    }
    wanted.sort_by(|a, b| a.1.cmp(&b.1));
    let ids: Vec<MetricId> = wanted.iter().map(|(id, _)| *id).collect();
    let buckets = if ids.is_empty() { Vec::new() } else { scan(shared, &cell, query, &ids)? };
    let series = wanted.into_iter().zip(buckets);
    Ok(series.map(|((_, series), buckets)| buckets.finish(series.as_ref().clone())).collect())
}

fn wanted_series(shared: &Shared, cell: &HostCell, query: &RangeQuery) -> Vec<(MetricId, Arc<Series>)> {
    let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
    let state = cell.lock();
    let mut metrics: Vec<&String> = query.metrics.iter().collect();
    metrics.sort_unstable();
    metrics.dedup();
    let ids = metrics
        .into_iter()
        .flat_map(|metric| names.of_type(metric))
        .filter(|id| state.series.contains(id) || state.former.contains(id));
    ids.filter_map(|id| names.series(*id).map(|series| (*id, series.clone())))
        .filter(|(_, series)| match &query.tags {
            TagMatch::Any => true,
            TagMatch::Exactly(tags) => *series.tags == **tags,
        })
        .collect()
}

fn scan(
    shared: &Shared,
    cell: &HostCell,
    query: &RangeQuery,
    ids: &[MetricId],
) -> Result<Vec<Buckets>, QueryError> {
    let (from, to) = (query.from.as_millis(), query.to.as_millis());
    // Before the blocks: rows that are sealed in between are then seen twice, never missed.
    let rows = cell.rows(from, to);
    let raw_from = cell.lock().raw_from;
    shared.readers.ask(|conn, deadline| {
        let within = hour_of(from)..=hour_of(to);
        let mut fresh = sealed::young_hours(conn, cell.id, within.clone())?;
        fresh.extend(rows.iter().map(|(at, _)| hour_of(*at)));
        let mut hours = sealed::hours(conn, cell.id, within)?;
        hours.extend(&fresh);
        // Earlier ones are being deleted, and not all at once.
        hours.retain(|hour| *hour >= raw_from);
        let grid = Grid::new(query.from, query.to, query.points);
        let tier = tier(grid, from, to, raw_from);
        let grid = tier.map_or(grid, |tier| grid.rounded(tier.step()));
        let scan = Scan {
            conn,
            counters: &shared.counters,
            deadline,
            host_id: cell.id,
            from,
            to,
            ids,
            rows: &rows,
            fresh,
            raw_from,
        };
        let mut buckets: Vec<Buckets> = ids.iter().map(|_| Buckets::new(grid)).collect();
        scan.days(&hours, tier, &mut buckets)?;
        Ok(buckets)
    })
}

/// A range that is read sample by sample whatever the width of the buckets, milliseconds.
const RAW_RANGE_MS: i64 = 6 * HOUR_MS;

/// The coarsest summaries that are no coarser than the buckets, where the range is long; the finest where its samples
/// are gone.
fn tier(grid: Grid, from: i64, to: i64, raw_from: i64) -> Option<Tier> {
    let tiers = [Tier::TenMinutes, Tier::Minute];
    let fitting =
        tiers.into_iter().find(|tier| grid.width_ms >= tier.step() && to.saturating_sub(from) > RAW_RANGE_MS);
    let is_gone = hour_of(from) < raw_from;
    fitting.or(is_gone.then_some(Tier::Minute))
}

/// One reading of one host.
struct Scan<'a> {
    conn: &'a Connection,
    counters: &'a Counters,
    deadline: Instant,
    host_id: i64,
    from: i64,
    to: i64,
    ids: &'a [MetricId],
    /// Rows in memory, by time.
    rows: &'a [(i64, HeadRow)],
    /// Hours with samples that no summary knows yet: rows in memory, and young blocks.
    fresh: BTreeSet<i64>,
    /// The first hour whose samples were not removed.
    raw_from: i64,
}

impl Scan<'_> {
    fn days(
        &self,
        hours: &BTreeSet<i64>,
        tier: Option<Tier>,
        buckets: &mut [Buckets],
    ) -> Result<(), QueryError> {
        let mut days: BTreeSet<i64> = hours.iter().map(|hour| hour.div_euclid(24)).collect();
        if let Some(tier) = tier {
            for tier in [tier, Tier::TenMinutes] {
                days.extend(rollup::days(self.conn, tier, self.host_id, self.from..=self.to)?);
            }
        }
        for day in days {
            if Instant::now() > self.deadline {
                return Err(QueryError::TimedOut);
            }
            let of_day = day * 24..(day + 1) * 24;
            if self.raw_from > of_day.start {
                let gone = self.raw_from.min(of_day.end);
                self.push_summaries(self.read_summaries(day, tier, true)?, gone, buckets);
                self.hours(hours.range(gone..of_day.end), buckets)?;
                continue;
            }
            match self.summaries(day, tier, hours)? {
                Some(summaries) => self.push_summaries(Some(summaries), of_day.end, buckets),
                None => self.hours(hours.range(of_day), buckets)?,
            }
        }
        Ok(())
    }

    /// The summaries of a day whose samples are all there, where they are to be used: none where samples came since
    /// they were made.
    fn summaries(
        &self,
        day: i64,
        tier: Option<Tier>,
        hours: &BTreeSet<i64>,
    ) -> Result<Option<Vec<Vec<rollup::Summary>>>, QueryError> {
        let of_day = day * 24..(day + 1) * 24;
        if self.fresh.range(of_day.clone()).next().is_some() {
            return Ok(None);
        }
        let has_samples = hours.range(of_day).next().is_some();
        self.read_summaries(day, tier, !has_samples)
    }

    /// The summaries of a day in a tier; the coarsest where that tier has none and they are `all_there_is`.
    fn read_summaries(
        &self,
        day: i64,
        tier: Option<Tier>,
        all_there_is: bool,
    ) -> Result<Option<Vec<Vec<rollup::Summary>>>, QueryError> {
        for tier in tier.into_iter().chain(all_there_is.then_some(Tier::TenMinutes)) {
            let found = rollup::read(self.conn, self.counters, tier, day, self.host_id, self.ids)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Takes the summaries of hours before one of them.
    fn push_summaries(
        &self,
        summaries: Option<Vec<Vec<rollup::Summary>>>,
        before: i64,
        buckets: &mut [Buckets],
    ) {
        let is_wanted = |at: i64| (self.from..=self.to).contains(&at) && hour_of(at) < before;
        for (buckets, summaries) in buckets.iter_mut().zip(summaries.unwrap_or_default()) {
            for summary in summaries.into_iter().filter(|summary| is_wanted(summary.at)) {
                buckets.push_summary(&summary);
            }
        }
    }

    fn hours<'h>(
        &self,
        hours: impl Iterator<Item = &'h i64>,
        buckets: &mut [Buckets],
    ) -> Result<(), QueryError> {
        for hour in hours {
            if Instant::now() > self.deadline {
                return Err(QueryError::TimedOut);
            }
            let (first, last) = (hour * HOUR_MS, (hour + 1) * HOUR_MS - 1);
            let start = self.rows.partition_point(|(at, _)| *at < first);
            let rows = self.rows.get(start..).unwrap_or_default();
            let rows = rows.get(..rows.partition_point(|(at, _)| *at <= last)).unwrap_or_default();
            let blobs = sealed::blobs_for(self.conn, self.host_id, *hour, self.ids.len())?;
            let cells = hour_cells(&blobs, rows, self.ids, self.counters)?;
            for (cells, buckets) in cells.into_iter().zip(&mut *buckets) {
                let cells = cells.into_iter().filter(|(at, _)| (self.from..=self.to).contains(at));
                cells.for_each(|(at, value)| buckets.push(Timestamp::from_millis(at), value));
            }
        }
        Ok(())
    }
}
