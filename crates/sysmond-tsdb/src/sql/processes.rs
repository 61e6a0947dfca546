//! `processes(timestamp, host, pid, name, command, user, state, threads, cpu_percent, memory_bytes, read_bytes,
//! write_bytes, seconds, total)` as a virtual table over snapshots that came alone and those that are packed by hours:
//! a row for each process of each snapshot. Conditions on host and time restrict what is read; all others the statement
//! itself checks.
#![expect(
    unsafe_code,
    reason = "SQLite's interface for virtual tables: the traits demand a layout that repr(C) gives"
)]

use super::conditions::{self, TIMESTAMP};
use crate::snapshot::{Filter, NamedHost, Snapshot};
use rusqlite::ffi::{sqlite3_vtab, sqlite3_vtab_cursor};
use rusqlite::vtab::{Context, Filters, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor};
use rusqlite::{Connection, Result};
use std::borrow::Cow;
use std::ffi::{CStr, c_int};
use std::sync::Arc;
use sysmond_model::{ProcessReading, ProcessUse};

const HOST: c_int = 1;

/// Makes the table known under its name.
pub(super) fn offer(conn: &Connection, snapshot: &Snapshot) -> Result<()> {
    const MODULE: Module<'_, Processes> = Module::eponymous_only_module();
    conn.create_module(c"processes", &MODULE, Some(snapshot.clone()))
}

/// The table.
#[repr(C)]
struct Processes {
    /// SQLite's part: has to come first.
    base: sqlite3_vtab,
    snapshot: Snapshot,
}

// SAFETY: the first field is SQLite's and the layout is C's.
unsafe impl VTab<'_> for Processes {
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
        let snapshot = aux.cloned().ok_or_else(|| crate::schema::failed("processes has no file"))?;
        let columns = c"CREATE TABLE processes(timestamp NUMERIC, host TEXT, pid INTEGER, name TEXT, command TEXT,
            user INTEGER, state TEXT, threads INTEGER, cpu_percent REAL, memory_bytes INTEGER, read_bytes REAL,
            write_bytes REAL, seconds REAL, total INTEGER)";
        Ok((Cow::Borrowed(columns), Self { base: sqlite3_vtab::default(), snapshot }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        let (letters, rows) = conditions::take(info, 1e8, |column| (column == HOST).then_some(('h', 0.01)))?;
        conditions::tell(info, &letters, rows);
        Ok(true)
    }

    fn open(&mut self) -> Result<Cursor> {
        Ok(Cursor {
            base: sqlite3_vtab_cursor::default(),
            snapshot: self.snapshot.clone(),
            filter: Filter::all(),
            left: Vec::new(),
            host: Arc::from(""),
            readings: Vec::new(),
            place: (0, 0),
            number: 0,
        })
    }
}

/// A scan: host by host in the order of their names, and by time.
#[repr(C)]
struct Cursor {
    /// SQLite's part: has to come first.
    base: sqlite3_vtab_cursor,
    snapshot: Snapshot,
    filter: Filter,
    /// Hours of hosts that are still to be read, the next one last.
    left: Vec<(NamedHost, i64)>,
    /// Whose hour is at hand.
    host: Arc<str>,
    /// The hour at hand.
    readings: Vec<ProcessReading>,
    /// The snapshot and the process in it.
    place: (usize, usize),
    number: i64,
}

impl Cursor {
    fn row(&self) -> Option<(&ProcessReading, &ProcessUse)> {
        let reading = self.readings.get(self.place.0)?;
        Some((reading, reading.snapshot.processes.get(self.place.1)?))
    }

    /// Goes on from a place at which there is no process to one at which there is, or to the end.
    fn settle(&mut self) -> Result<()> {
        while self.row().is_none() {
            if self.place.0 < self.readings.len() {
                self.place = (self.place.0 + 1, 0);
                continue;
            }
            // Before the next hour is there, not beside it.
            self.readings = Vec::new();
            self.place = (0, 0);
            let Some(((name, cell), hour)) = self.left.pop() else { return Ok(()) };
            self.readings = self.snapshot.lock().processes(&cell, hour, &self.filter)?;
            self.host = name;
        }
        Ok(())
    }
}

// SAFETY: the first field is SQLite's and the layout is C's.
unsafe impl VTabCursor for Cursor {
    fn filter(&mut self, _number: c_int, letters: Option<&str>, args: &Filters<'_>) -> Result<()> {
        let mut filter = Filter::all();
        for (letter, value) in letters.unwrap_or_default().chars().zip(args.iter()) {
            conditions::restrict(&mut filter, letter, value);
        }
        self.left.clear();
        let snapshot = self.snapshot.lock();
        for host in snapshot.hosts(&filter) {
            let hours = snapshot.process_hours(&host.1, &filter)?;
            self.left.extend(hours.into_iter().map(|hour| (host.clone(), hour)));
        }
        drop(snapshot);
        self.left.reverse();
        self.filter = filter;
        (self.readings, self.place, self.number) = (Vec::new(), (0, 0), 0);
        self.settle()
    }

    fn next(&mut self) -> Result<()> {
        self.place.1 += 1;
        self.number += 1;
        self.settle()
    }

    fn eof(&self) -> bool {
        self.row().is_none()
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        let Some((ProcessReading { timestamp, snapshot }, process)) = self.row() else {
            return Ok(());
        };
        let at = timestamp.as_millis();
        match column {
            TIMESTAMP if at % 1000 == 0 => context.set_result(at / 1000),
            TIMESTAMP => context.set_result(at as f64 / 1000.0),
            HOST => context.set_result(&*self.host),
            2 => context.set_result(process.pid),
            3 => context.set_result(&*process.name),
            4 => context.set_result(process.command.as_deref()),
            5 => context.set_result(process.user),
            6 => context.set_result(process.state.to_string()),
            7 => context.set_result(process.threads),
            8 => context.set_result(process.cpu_percent),
            9 => context.set_result(i64::try_from(process.memory_bytes).unwrap_or(i64::MAX)),
            10 => context.set_result(process.read_bytes),
            11 => context.set_result(process.write_bytes),
            12 => context.set_result(snapshot.seconds),
            _ => context.set_result(snapshot.total),
        }
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.number)
    }
}

#[cfg(test)]
#[path = "processes_tests.rs"]
mod tests;
