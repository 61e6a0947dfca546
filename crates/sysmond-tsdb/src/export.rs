//! Plain rows out of a store's file, whether a store has it open or not: as many as there are, in little memory, and
//! without one long read that would keep the write-ahead log from shrinking.

use crate::scan::{Cells, Order, SERIES_AT_ONCE, Scan};
use crate::snapshot::{Filter, Scanned, State};
use crate::sql::{open_store, query_error};
use crate::{OpenError, QueryError, meta};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use sysmond_model::{Host, Series, Timestamp};
use thiserror::Error;

/// Which rows.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Of these hosts; of all where there is none.
    pub hosts: BTreeSet<String>,
    /// Of these metrics, whatever their tags; of all where there is none.
    pub metrics: BTreeSet<String>,
    /// The first instant, included.
    pub from: Timestamp,
    /// The last instant, excluded, so that stretches can be put together.
    pub until: Timestamp,
}

/// Why there is no export.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The file cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No such host.
    #[error("there is no host `{0}`")]
    UnknownHost(String),
    /// No such metric.
    #[error("there is no metric `{0}`")]
    UnknownMetric(String),
    /// Reading failed on the way.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<rusqlite::Error> for ExportError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Query(query_error(error))
    }
}

/// A walk over all rows of a selection, as they were when it was opened: host by host in the order of their names, and
/// hour by hour. Within an hour they come by time; of a host with more than 256 series once for each 256 of them.
///
/// A row that is acknowledged later may or may not be among them. One that is removed for its age before the walk is
/// there is missing.
pub struct Export {
    state: State,
    scan: Scan,
    hosts: Vec<Host>,
    offline_after: Duration,
    cells: Cells,
}

/// Some rows of one host.
#[derive(Clone, Copy)]
pub struct Rows<'a>(&'a Cells);

impl<'a> Rows<'a> {
    /// Whose they are.
    pub fn host(self) -> &'a str {
        &self.0.host
    }

    /// The series that there may be samples of.
    pub fn series(self) -> impl ExactSizeIterator<Item = &'a Series> {
        self.0.series.iter().map(|(_, series)| series.as_ref())
    }

    /// Each sample's time, its series' place in [`Self::series`], and its value, which is finite.
    pub fn samples(self) -> impl ExactSizeIterator<Item = (Timestamp, usize, f64)> + 'a {
        self.0.rows.iter().map(|row| (Timestamp::from_millis(row.at), row.series, row.value))
    }
}

impl Export {
    /// Opens the file at `path`. `offline_after` is as in [`Database::open`](crate::sql::Database::open).
    pub fn open(path: &Path, selection: Selection, offline_after: Duration) -> Result<Self, ExportError> {
        let conn = open_store(path)?;
        let offline_after = meta::offline_after(&conn)?.unwrap_or(offline_after);
        let mut state = State::new(conn);
        state.take(None)?;
        let filter = filter(&state, selection)?;
        state.keep_hosts(&filter);
        let cells = state.hosts(&filter);
        let hosts = cells.into_iter().map(|(_, cell)| cell.lock().host.clone()).collect();
        let scan = Scan::new(&state, filter, Order::ByTime, SERIES_AT_ONCE);
        Ok(Self { state, scan, hosts, offline_after, cells: Cells::default() })
    }

    /// The selected hosts, by name.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Hosts of which no row was given yet.
    pub fn hosts_left(&self) -> usize {
        self.scan.hosts_left()
    }

    /// The silence that makes a host offline.
    pub fn offline_after(&self) -> Duration {
        self.offline_after
    }

    /// What was read until now.
    pub fn scanned(&self) -> Scanned {
        self.state.scanned()
    }

    /// The next rows, or nothing at the end.
    pub fn read(&mut self) -> Result<Option<Rows<'_>>, ExportError> {
        // Before the next ones are there, not beside them.
        self.cells = Cells::default();
        self.state.renew()?;
        match self.scan.next(&mut self.state)? {
            Some(cells) => {
                self.cells = cells;
                Ok(Some(Rows(&self.cells)))
            }
            None => Ok(None),
        }
    }
}

/// The selection, whose names have to be known: an empty answer to a mistyped name would pass for an answer.
fn filter(state: &State, selection: Selection) -> Result<Filter, ExportError> {
    let Selection { hosts, metrics, from, until } = selection;
    if let Some(unknown) = hosts.iter().find(|host| !state.knows_host(host)) {
        return Err(ExportError::UnknownHost(unknown.clone()));
    }
    if let Some(unknown) = metrics.iter().find(|metric| !state.knows_metric(metric)) {
        return Err(ExportError::UnknownMetric(unknown.clone()));
    }
    let some = |names: BTreeSet<String>| Some(names).filter(|names| !names.is_empty());
    Ok(Filter {
        hosts: some(hosts),
        metric_types: some(metrics),
        tags: None,
        from: from.as_millis(),
        to: until.as_millis().saturating_sub(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::testing::{OFFLINE, append, opened, seconds};

    /// A selection of everything.
    fn all() -> Selection {
        Selection {
            hosts: BTreeSet::new(),
            metrics: BTreeSet::new(),
            from: Timestamp::from_millis(i64::MIN),
            until: Timestamp::from_millis(i64::MAX),
        }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// Every row as `host metric{tags} milliseconds bits`.
    fn rows(export: &mut Export) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(rows) = export.read().expect("readable") {
            let series: Vec<String> = rows.series().map(ToString::to_string).collect();
            found.extend(rows.samples().map(|(at, place, value)| {
                format!("{} {} {} {:x}", rows.host(), series[place], at.as_millis(), value.to_bits())
            }));
        }
        found
    }

    fn exported(store: &tempfile::TempDir, selection: Selection) -> Vec<String> {
        let path = store.path().join("store.db");
        rows(&mut Export::open(&path, selection, OFFLINE).expect("a store's file"))
    }

    /// Two hosts, of which the first has rows in blocks and in the log, one of them changed.
    fn fleet(store: &Store) {
        let put = |host, cells: &[_]| {
            store.append_wait(append(host, seconds(9000), cells)).expect("stored");
        };
        put("b", &[("m", "k=1", 1000, -0.0), ("m", "k=2", 1500, 2.5), ("n", "", 3_600_000, 0.1)]);
        put("a", &[("m", "", 2000, 7.0)]);
        store.seal_all();
        put("b", &[("n", "", 3_601_000, 0.3), ("m", "k=2", 1500, 3.0)]);
    }

    #[test]
    fn every_row_comes_once_with_every_bit_by_host_and_time() {
        let (folder, store) = opened();
        fleet(&store);
        let expected = [
            "a m 2000 401c000000000000",
            "b m{k=1} 1000 8000000000000000",
            "b m{k=2} 1500 4008000000000000",
            "b n 3600000 3fb999999999999a",
            "b n 3601000 3fd3333333333333",
        ];
        assert_eq!(exported(&folder, all()), expected);
        store.close();
        assert_eq!(exported(&folder, all()), expected);
    }

    #[test]
    fn a_selection_is_all_that_comes() {
        let (folder, store) = opened();
        fleet(&store);
        let check = |selection: Selection, count: usize| {
            assert_eq!(exported(&folder, selection.clone()).len(), count, "{selection:?}");
        };
        check(Selection { hosts: names(&["a"]), ..all() }, 1);
        check(Selection { hosts: names(&["a", "b"]), metrics: names(&["n"]), ..all() }, 2);
        check(Selection { from: seconds(1), until: seconds(2), ..all() }, 2);
        check(Selection { from: seconds(2), until: seconds(3600), ..all() }, 1);
        check(Selection { from: seconds(2), until: seconds(2), ..all() }, 0);
    }

    #[test]
    fn a_name_that_nobody_has_is_told() {
        let (folder, store) = opened();
        fleet(&store);
        let open = |selection| Export::open(&folder.path().join("store.db"), selection, OFFLINE).err();
        let host = open(Selection { hosts: names(&["a", "c"]), ..all() });
        assert!(matches!(host, Some(ExportError::UnknownHost(name)) if name == "c"));
        let metric = open(Selection { metrics: names(&["m", "x"]), ..all() });
        assert!(matches!(metric, Some(ExportError::UnknownMetric(name)) if name == "x"));
    }

    #[test]
    fn rows_that_are_sealed_on_the_way_come_once() {
        let (folder, store) = opened();
        fleet(&store);
        let expected = exported(&folder, all());
        let mut export =
            Export::open(&folder.path().join("store.db"), all(), OFFLINE).expect("a store's file");
        export.state.end_transaction();
        store.seal_all();
        store.retain(seconds(4 * 3600)).expect("compacted");
        assert_eq!(rows(&mut export), expected);
    }

    #[test]
    fn wide_hosts_are_read_in_parts() {
        let (folder, store) = opened();
        let tags: Vec<String> = (0..SERIES_AT_ONCE + 10).map(|n| format!("n={n}")).collect();
        for at in [1000, 2000] {
            let cells: Vec<_> = tags.iter().map(|tags| ("m", tags.as_str(), at, at as f64)).collect();
            store.append_wait(append("a", seconds(9), &cells)).expect("stored");
        }
        let found = exported(&folder, all());
        let distinct: BTreeSet<&String> = found.iter().collect();
        assert_eq!((found.len(), distinct.len()), (2 * tags.len(), 2 * tags.len()));
    }

    #[test]
    fn hosts_are_those_of_the_selection() {
        let (folder, store) = opened();
        fleet(&store);
        store.set_offline_after(Duration::from_secs(7)).expect("open");
        let path = folder.path().join("store.db");
        let export = Export::open(&path, Selection { hosts: names(&["b"]), ..all() }, OFFLINE)
            .expect("a store's file");
        let [host] = export.hosts() else { panic!("one host") };
        assert_eq!((&*host.info.hostname, host.last_seen), ("b", seconds(9000)));
        assert_eq!(export.offline_after(), Duration::from_secs(7));
    }
}
