//! `metrics(timestamp, metric_type, host, tags, value)` as a virtual table over log, young and sealed blocks.
//! Conditions on host, metric, tags and time restrict what is read; all others the statement itself checks.
#![expect(
    unsafe_code,
    reason = "SQLite's interface for virtual tables: the traits demand a layout that repr(C) gives"
)]

use crate::scan::{Cells, Order, Row, SERIES_AT_ONCE, Scan};
use crate::snapshot::{Filter, Snapshot};
use rusqlite::ffi::{sqlite3_vtab, sqlite3_vtab_cursor};
use rusqlite::types::ValueRef;
use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor,
};
use rusqlite::{Connection, Result};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::{CStr, c_int};

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
                (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_GT) => ('>', 0.1),
                (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_GE) => (']', 0.1),
                (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_LT) => ('<', 0.5),
                (TIMESTAMP, Op::SQLITE_INDEX_CONSTRAINT_LE) => ('[', 0.5),
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
        if let Some(letter) = order(info, &letters) {
            letters.push_str(letter);
            info.set_order_by_consumed(true);
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
            scan: None,
            cells: Cells::default(),
            row: 0,
            number: 0,
        })
    }
}

/// The letter that tells [`Cursor::filter`] of the order that the statement wants, if any is needed; `None` where the
/// rows cannot come in that order.
/// Hosts always come by name, which spares `GROUP BY host` a sort of everything.
fn order(info: &IndexInfo, letters: &str) -> Option<&'static str> {
    if info.num_of_order_by() != 1 {
        return None;
    }
    let by = info.order_bys().next()?;
    match (by.column(), by.is_order_by_desc()) {
        (HOST, false) => Some(""),
        (TIMESTAMP, is_descending) if letters.contains('h') && letters.contains('m') => {
            Some(if is_descending { "d" } else { "a" })
        }
        _ => None,
    }
}

/// A scan.
#[repr(C)]
struct Cursor {
    /// SQLite's part: has to come first.
    base: sqlite3_vtab_cursor,
    snapshot: Snapshot,
    scan: Option<Scan>,
    /// The piece at hand.
    cells: Cells,
    row: usize,
    number: i64,
}

impl Cursor {
    /// Reads until there is a row or nothing is left.
    fn fill(&mut self) -> Result<()> {
        self.row = 0;
        // Before the next piece is there, not beside it.
        self.cells = Cells::default();
        if let Some(scan) = &mut self.scan {
            self.cells = scan.next(&mut self.snapshot.lock())?.unwrap_or_default();
        }
        Ok(())
    }
}

// SAFETY: the first field is SQLite's and the layout is C's.
unsafe impl VTabCursor for Cursor {
    fn filter(&mut self, _number: c_int, letters: Option<&str>, args: &Filters<'_>) -> Result<()> {
        let (mut filter, letters) = (Filter::all(), letters.unwrap_or_default());
        for (letter, value) in letters.chars().zip(args.iter()) {
            restrict(&mut filter, letter, value);
        }
        let order = match letters.chars().last() {
            Some('a') => Order::ByTime,
            Some('d') => Order::LastFirst,
            _ => Order::BySeries,
        };
        // One metric of one host is read at once: its order has to hold over all of its series.
        let at_once = if order == Order::BySeries { SERIES_AT_ONCE } else { usize::MAX };
        self.scan = Some(Scan::new(&self.snapshot.lock(), filter, order, at_once));
        self.number = 0;
        self.fill()
    }

    fn next(&mut self) -> Result<()> {
        self.row += 1;
        self.number += 1;
        if self.row < self.cells.rows.len() { Ok(()) } else { self.fill() }
    }

    fn eof(&self) -> bool {
        self.row >= self.cells.rows.len()
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        let Some(Row { at, series, value }) = self.cells.rows.get(self.row) else {
            return Ok(());
        };
        let name = self.cells.series.get(*series).map(|(_, series)| series.as_ref());
        match column {
            TIMESTAMP if at % 1000 == 0 => context.set_result(at / 1000),
            TIMESTAMP => context.set_result(*at as f64 / 1000.0),
            METRIC_TYPE => context.set_result(name.map(|name| &*name.metric_type)),
            HOST => context.set_result(&*self.cells.host),
            TAGS => context.set_result(name.map(|name| &*name.tags)),
            _ => context.set_result(*value),
        }
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.number)
    }
}

/// Narrows the filter by one condition. A value of another type than the column's restricts nothing here: whether it is
/// equal after conversion is for the statement to say.
pub(super) fn restrict(filter: &mut Filter, letter: char, value: ValueRef<'_>) {
    let text = || value.as_str().ok().map(str::to_owned);
    match letter {
        'h' => filter.hosts = text().map(|name| BTreeSet::from([name])).or(filter.hosts.take()),
        'm' => filter.metric_types = text().map(|name| BTreeSet::from([name])).or(filter.metric_types.take()),
        't' => filter.tags = text().or(filter.tags.take()),
        _ => {
            let Some((first, last)) = instants(value) else {
                return;
            };
            match letter {
                '>' => filter.from = filter.from.max(first.saturating_add(1)),
                ']' => filter.from = filter.from.max(first),
                '<' => filter.to = filter.to.min(last.saturating_sub(1)),
                '[' => filter.to = filter.to.min(last),
                _ => {
                    filter.from = filter.from.max(first);
                    filter.to = filter.to.min(last);
                }
            }
        }
    }
}

/// The milliseconds that may be the time in seconds: of whole seconds exactly one.
#[expect(clippy::cast_possible_truncation, reason = "a float to int cast saturates")]
fn instants(value: ValueRef<'_>) -> Option<(i64, i64)> {
    let seconds = match value {
        ValueRef::Integer(seconds) => {
            let millis = seconds.saturating_mul(1000);
            return Some((millis, millis));
        }
        ValueRef::Real(seconds) => seconds,
        _ => return None,
    };
    let millis = seconds * 1000.0;
    Some(((millis.floor() as i64).saturating_sub(1), (millis.ceil() as i64).saturating_add(1)))
}
