//! All samples that a filter takes, host by host and hour by hour, so that no more than an hour of one host is in
//! memory at once.

use crate::snapshot::{Filter, NamedHost, NamedSeries, State};
use std::sync::Arc;

/// Series that are read at once: at one sample a second an hour of them is 22 MB.
pub(crate) const SERIES_AT_ONCE: usize = 256;

/// In which order the samples of an hour come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Series by series.
    BySeries,
    /// By time, and within an instant by series.
    ByTime,
    /// By time, the last first; the hours too.
    LastFirst,
}

/// A walk over the samples.
pub(crate) struct Scan {
    filter: Filter,
    order: Order,
    series_at_once: usize,
    /// What is still to be read, the next piece last.
    work: Vec<Piece>,
    hosts_left: usize,
}

/// Hosts whose hours are not known yet, and hours of hosts whose series are.
enum Piece {
    Host(NamedHost),
    Hour(NamedHost, i64, NamedSeries),
}

/// Samples of some series of one host in one hour.
#[derive(Default)]
pub(crate) struct Cells {
    pub(crate) host: Arc<str>,
    pub(crate) series: NamedSeries,
    pub(crate) rows: Vec<Row>,
}

/// One sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Milliseconds.
    pub(crate) at: i64,
    /// Its series' place among those of its [`Cells`].
    pub(crate) series: usize,
    pub(crate) value: f64,
}

impl Scan {
    /// `series_at_once` bounds what is in memory; where there are more, each time is met more than once.
    pub(crate) fn new(state: &State, filter: Filter, order: Order, series_at_once: usize) -> Self {
        let hosts = state.hosts(&filter);
        let hosts_left = hosts.len();
        let work = hosts.into_iter().rev().map(Piece::Host).collect();
        Self { filter, order, series_at_once, work, hosts_left }
    }

    /// Hosts of which nothing was read yet.
    pub(crate) const fn hosts_left(&self) -> usize {
        self.hosts_left
    }

    /// The next piece that has samples.
    pub(crate) fn next(&mut self, state: &mut State) -> rusqlite::Result<Option<Cells>> {
        while let Some(piece) = self.work.pop() {
            match piece {
                Piece::Host(host) => self.plan(state, &host)?,
                Piece::Hour((host, cell), hour, series) => {
                    let cells = state.cells(&cell, hour, &series)?;
                    let rows = self.rows(cells);
                    if !rows.is_empty() {
                        return Ok(Some(Cells { host, series, rows }));
                    }
                }
            }
        }
        Ok(None)
    }

    fn plan(&mut self, state: &State, host: &NamedHost) -> rusqlite::Result<()> {
        self.hosts_left -= 1;
        let series = state.series(&host.1, &self.filter);
        let chunks: Vec<NamedSeries> = series.chunks(self.series_at_once).map(Arc::from).collect();
        let hours = state.hours(&host.1, &self.filter)?;
        let mut add = |hour: i64| {
            let piece = |chunk: &NamedSeries| Piece::Hour(host.clone(), hour, chunk.clone());
            self.work.extend(chunks.iter().rev().map(piece));
        };
        match self.order {
            Order::LastFirst => hours.into_iter().for_each(&mut add),
            Order::BySeries | Order::ByTime => hours.into_iter().rev().for_each(&mut add),
        }
        Ok(())
    }

    fn rows(&self, cells: Vec<Vec<(i64, f64)>>) -> Vec<Row> {
        let within = self.filter.from..=self.filter.to;
        let mut rows = Vec::with_capacity(cells.iter().map(Vec::len).sum());
        for (series, cells) in cells.into_iter().enumerate() {
            let cells = cells.into_iter().filter(|(at, _)| within.contains(at));
            rows.extend(cells.map(|(at, value)| Row { at, series, value }));
        }
        match self.order {
            Order::BySeries => {}
            Order::ByTime => rows.sort_by_key(|row| row.at),
            Order::LastFirst => rows.sort_by_key(|row| std::cmp::Reverse(row.at)),
        }
        rows
    }
}
