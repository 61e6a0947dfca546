//! `metrics(timestamp, metric_type, host, tags, value)` as a virtual table over log, young and sealed blocks.
//! Conditions on host, metric, tags and time restrict what is read; all others the statement itself checks.
#![expect(
    unsafe_code,
    reason = "SQLite's interface for virtual tables: the traits demand a layout that repr(C) gives"
)]

use super::conditions::{self, TIMESTAMP};
use crate::scan::{Cells, Order, Row, SERIES_AT_ONCE, Scan};
use crate::snapshot::{Filter, Snapshot};
use rusqlite::ffi::{sqlite3_vtab, sqlite3_vtab_cursor};
use rusqlite::vtab::{Context, Filters, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor};
use rusqlite::{Connection, Result};
use std::borrow::Cow;
use std::ffi::{CStr, c_int};

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
        let (mut letters, rows) = conditions::take(info, 1e9, |column| match column {
            METRIC_TYPE => Some(('m', 0.02)),
            HOST => Some(('h', 0.01)),
            TAGS => Some(('t', 0.2)),
            _ => None,
        })?;
        if let Some(letter) = order(info, &letters) {
            letters.push_str(letter);
            info.set_order_by_consumed(true);
        }
        conditions::tell(info, &letters, rows);
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
            conditions::restrict(&mut filter, letter, value);
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
