//! `metrics(timestamp, metric_type, host, tags, value)` as a virtual table over log, young and sealed blocks.
//! Conditions on host, metric, tags and time restrict what is read; all others the statement itself checks.
#![expect(
    unsafe_code,
    reason = "SQLite's interface for virtual tables: the traits demand a layout that repr(C) gives"
)]

use super::snapshot::{Filter, Snapshot};
use crate::head::HostCell;
use crate::names::MetricId;
use rusqlite::ffi::{sqlite3_vtab, sqlite3_vtab_cursor};
use rusqlite::types::ValueRef;
use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor,
};
use rusqlite::{Connection, Result};
use std::borrow::Cow;
use std::ffi::{CStr, c_int};
use std::sync::Arc;
use sysmond_model::Series;

/// Series that are read at once: an hour of them is a few megabytes.
const SERIES_AT_ONCE: usize = 64;
const TIMESTAMP: c_int = 0;
const METRIC_TYPE: c_int = 1;
const HOST: c_int = 2;
const TAGS: c_int = 3;

/// Makes the table known under its name.
pub(super) fn offer(conn: &Connection, snapshot: &Snapshot) -> Result<()> {
    const MODULE: Module<'_, Metrics> = Module::eponymous_only_module();
    conn.create_module(c"metrics", &MODULE, Some(snapshot.clone()))
}

/// The table.
#[repr(C)]
struct Metrics {
    /// SQLite's part: has to come first.
    base: sqlite3_vtab,
    snapshot: Snapshot,
}

// SAFETY: the first field is SQLite's and the layout is C's.
unsafe impl VTab<'_> for Metrics {
    type Aux = Snapshot;
    type Cursor = Cursor;

    fn connect(
        db: &mut VTabConnection,
        aux: Option<&Snapshot>,
        _module: &[u8],
        _database: &[u8],
        _table: &[u8],
        _args: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Self)> {
        db.config(VTabConfig::Innocuous)?;
        let snapshot = aux.cloned().ok_or_else(|| crate::schema::failed("metrics has no file"))?;
        let columns =
            c"CREATE TABLE metrics(timestamp NUMERIC, metric_type TEXT, host TEXT, tags TEXT, value REAL)";
        Ok((Cow::Borrowed(columns), Self { base: sqlite3_vtab::default(), snapshot }))
    }

    /// Takes each condition that restricts what is read; the letters tell [`Cursor::filter`] what its arguments are.
    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        let (mut letters, mut taken, mut rows) = (String::new(), Vec::new(), 1e9);
        for (place, condition) in
            info.constraints().enumerate().filter(|(_, condition)| condition.is_usable())
        {
            use IndexConstraintOp as Op;
            let equal =
                condition.operator() == Op::SQLITE_INDEX_CONSTRAINT_EQ && info.collation(place)? == "BINARY";
            let (letter, share) = match (condition.column(), condition.operator()) {
                (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_EQ) => ('=', 1e-5),
                (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_GT | Op::SQLITE_INDEX_CONSTRAINT_GE) => ('>', 0.1),
                (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_LT | Op::SQLITE_INDEX_CONSTRAINT_LE) => ('<', 0.5),
                (METRIC_TYPE, _) if equal => ('m', 0.02),
                (HOST, _) if equal => ('h', 0.01),
                (TAGS, _) if equal => ('t', 0.2),
                _ => continue,
            };
            letters.push(letter);
            taken.push(place);
            rows *= share;
        }
        for (place, argument) in taken.into_iter().zip(1..) {
            info.constraint_usage(place).set_argv_index(argument);
        }
        info.set_idx_str(&letters);
        info.set_estimated_cost(rows);
        #[expect(clippy::cast_possible_truncation, reason = "at most the thousand million above")]
        info.set_estimated_rows((rows as i64).max(1));
        Ok(true)
    }

    fn open(&mut self) -> Result<Cursor> {
        Ok(Cursor {
            base: sqlite3_vtab_cursor::default(),
            snapshot: self.snapshot.clone(),
            filter: Filter::all(),
            work: Vec::new(),
            rows: Vec::new(),
            row: 0,
            number: 0,
        })
    }
}

/// A scan.
#[repr(C)]
struct Cursor {
    /// SQLite's part: has to come first.
    base: sqlite3_vtab_cursor,
    snapshot: Snapshot,
    filter: Filter,
    /// What is still to be read, the next piece last.
    work: Vec<Piece>,
    /// The piece at hand.
    rows: Vec<Row>,
    row: usize,
    number: i64,
}

/// Hosts whose hours are not known yet, and hours of hosts whose series are.
enum Piece {
    Host(Arc<str>, Arc<HostCell>),
    Hour(Arc<str>, Arc<HostCell>, i64, Arc<[(MetricId, Arc<Series>)]>),
}

struct Row {
    at: i64,
    host: Arc<str>,
    series: Arc<Series>,
    value: f64,
}

impl Cursor {
    /// Reads until there is a row or nothing is left.
    fn fill(&mut self) -> Result<()> {
        (self.row, self.rows) = (0, Vec::new());
        let snapshot = self.snapshot.clone();
        let state = snapshot.lock();
        while self.rows.is_empty()
            && let Some(piece) = self.work.pop()
        {
            match piece {
                Piece::Host(name, cell) => {
                    let series = state.series(&cell, &self.filter);
                    let chunks: Vec<Arc<[_]>> = series.chunks(SERIES_AT_ONCE).map(Arc::from).collect();
                    for hour in state.hours(&cell, &self.filter)?.into_iter().rev() {
                        let piece =
                            |chunk: &Arc<[_]>| Piece::Hour(name.clone(), cell.clone(), hour, chunk.clone());
                        self.work.extend(chunks.iter().rev().map(piece));
                    }
                }
                Piece::Hour(host, cell, hour, series) => {
                    let ids: Vec<MetricId> = series.iter().map(|(id, _)| *id).collect();
                    let cells = state.cells(&cell, hour, &ids)?;
                    for ((_, series), cells) in series.iter().zip(cells) {
                        let within = |at: &i64| (self.filter.from..=self.filter.to).contains(at);
                        let cells = cells.into_iter().filter(|(at, _)| within(at));
                        self.rows.extend(cells.map(|(at, value)| Row {
                            at,
                            host: host.clone(),
                            series: series.clone(),
                            value,
                        }));
                    }
                }
            }
        }
        Ok(())
    }
}

// SAFETY: the first field is SQLite's and the layout is C's.
unsafe impl VTabCursor for Cursor {
    fn filter(&mut self, _number: c_int, letters: Option<&str>, args: &Filters<'_>) -> Result<()> {
        self.filter = Filter::all();
        for (letter, value) in letters.unwrap_or_default().chars().zip(args.iter()) {
            restrict(&mut self.filter, letter, value);
        }
        self.work = {
            let state = self.snapshot.lock();
            state.hosts(&self.filter).into_iter().rev().map(|(name, cell)| Piece::Host(name, cell)).collect()
        };
        self.number = 0;
        self.fill()
    }

    fn next(&mut self) -> Result<()> {
        self.row += 1;
        self.number += 1;
        if self.row < self.rows.len() { Ok(()) } else { self.fill() }
    }

    fn eof(&self) -> bool {
        self.row >= self.rows.len()
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        let Some(row) = self.rows.get(self.row) else {
            return Ok(());
        };
        match column {
            TIMESTAMP if row.at % 1000 == 0 => context.set_result(row.at / 1000),
            TIMESTAMP => context.set_result(row.at as f64 / 1000.0),
            METRIC_TYPE => context.set_result(&*row.series.metric_type),
            HOST => context.set_result(&*row.host),
            TAGS => context.set_result(&*row.series.tags),
            _ => context.set_result(row.value),
        }
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.number)
    }
}

/// Narrows the filter by one condition. A value of another type than the column's restricts nothing here: whether it is
/// equal after conversion is for the statement to say.
fn restrict(filter: &mut Filter, letter: char, value: ValueRef<'_>) {
    let text = || value.as_str().ok().map(str::to_owned);
    match letter {
        'h' => filter.host = text().or(filter.host.take()),
        'm' => filter.metric_type = text().or(filter.metric_type.take()),
        't' => filter.tags = text().or(filter.tags.take()),
        _ => {
            let Some(seconds) = seconds(value) else {
                return;
            };
            // A millisecond more on either side: whether the edge belongs to it is for the statement to say.
            if letter != '<' {
                filter.from = filter.from.max(millis((seconds * 1000.0).floor()).saturating_sub(1));
            }
            if letter != '>' {
                filter.to = filter.to.min(millis((seconds * 1000.0).ceil()).saturating_add(1));
            }
        }
    }
}

fn seconds(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Integer(seconds) => Some(seconds as f64),
        ValueRef::Real(seconds) => Some(seconds),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float to int cast saturates")]
const fn millis(value: f64) -> i64 {
    value as i64
}
