//! The place up to which this host's rows were delivered: a cursor over the agent's own store, durable with the next
//! row. There is no second queue.

use crate::agent::client::Address;
use std::path::PathBuf;
use sysmond_model::{Frame, ProcessReading};
use sysmond_tsdb::{Backlog, Cursor, QueryError, Store};
use tokio::task::spawn_blocking;
use tracing::warn;

/// Snapshots of processes in one push at most: each has some kilobytes, and they are to leave room for rows.
const BATCH_SNAPSHOTS: usize = 32;

/// Rows of one host that one aggregator has not acknowledged.
pub(super) struct Journal {
    store: Store,
    hostname: String,
    name: String,
    cursor: Cursor,
    /// The same of snapshots of processes.
    processes_name: String,
    processes_cursor: Cursor,
    /// Where the store's file went when it was last found damaged: after that its cursors begin anew.
    recovered: Option<PathBuf>,
    /// The opening of the file that the cursors belong to.
    epoch: u64,
}

/// The next rows to deliver.
pub(super) struct Batch {
    /// The rows.
    pub(super) frames: Vec<Frame>,
    /// How many they are.
    pub(super) rows: usize,
    /// How many samples they have.
    pub(super) samples: usize,
    next: Cursor,
    /// Snapshots of processes.
    pub(super) processes: Vec<ProcessReading>,
    processes_next: Cursor,
}

impl Batch {
    /// Whether it has as many snapshots as one may: probably more wait.
    pub(super) fn is_full_of_processes(&self) -> bool {
        self.processes.len() >= BATCH_SNAPSHOTS
    }

    /// The place behind its snapshots.
    pub(super) const fn processes_next(&self) -> Cursor {
        self.processes_next
    }

    /// Whether there is nothing to deliver.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0 && self.processes.is_empty()
    }
}

/// The names of the cursors of a host's rows and of its snapshots: each host's rows have numbers of their own, and a
/// machine may be given another name.
fn place_names(hostname: &str, address: &Address) -> (String, String) {
    (format!("push {hostname} {address}"), format!("processes {hostname} {address}"))
}

impl Journal {
    /// Goes on where the last run ended. Where that cannot be read, all is delivered again: the aggregator stores
    /// nothing twice.
    pub(super) async fn open(store: Store, hostname: String, address: &Address) -> Self {
        let (name, processes_name) = place_names(&hostname, address);
        let (recovered, epoch) = (store.recovered(), store.cursor_epoch());
        let mut journal = Self {
            store,
            hostname,
            name,
            cursor: Cursor::default(),
            processes_name,
            processes_cursor: Cursor::default(),
            recovered,
            epoch,
        };
        journal.find_place().await;
        journal
    }

    async fn find_place(&mut self) {
        let (store, name, processes) = (self.store.clone(), self.name.clone(), self.processes_name.clone());
        let cursors = move || Ok::<_, QueryError>((store.cursor(&name)?, store.cursor(&processes)?));
        let cursors = spawn_blocking(cursors).await;
        let cursors = cursors.map_err(anyhow::Error::from).and_then(|cursors| Ok(cursors?));
        (self.cursor, self.processes_cursor) = cursors.unwrap_or_else(|error| {
            warn!(error = format!("{error:#}"), "the place of the last push is unknown: all is pushed again");
            Default::default()
        });
    }

    /// At most `max_rows` rows, the oldest first, and where wanted snapshots of processes.
    pub(super) async fn next(&mut self, max_rows: usize, processes: bool) -> anyhow::Result<Batch> {
        let (recovered, epoch) = (self.store.recovered(), self.store.cursor_epoch());
        if recovered != self.recovered {
            warn!(
                "the agent's store was damaged and begun anew; what was not pushed is in the file beside it"
            );
            self.recovered = recovered;
        }
        if epoch != self.epoch {
            self.epoch = epoch;
            self.find_place().await;
        }
        let (store, hostname, cursor) = (self.store.clone(), self.hostname.clone(), self.cursor);
        let after = self.processes_cursor;
        let most = if processes { BATCH_SNAPSHOTS } else { 0 };
        let read = move || {
            let backlog = store.read_after(&hostname, cursor, max_rows)?;
            let processes = match most {
                0 => (Vec::new(), after),
                most => store.processes_after(&hostname, after, most)?,
            };
            Ok((backlog, processes))
        };
        let (backlog, (processes, processes_next)) = match spawn_blocking(read).await? {
            Err(QueryError::UnknownHost(_)) => {
                (Backlog { frames: Vec::new(), next: cursor }, (Vec::new(), after))
            }
            read => read?,
        };
        let rows = backlog.frames.iter().map(Frame::row_count).sum();
        let samples = backlog.frames.iter().map(Frame::sample_count).sum();
        let (frames, next) = (backlog.frames, backlog.next);
        Ok(Batch { frames, rows, samples, next, processes, processes_next })
    }

    /// `batch` is delivered or set aside: it is never read again, but after a crash that comes before the next row is
    /// stored.
    pub(super) fn advance(&mut self, batch: &Batch) {
        let mut moved = Vec::new();
        if batch.next != self.cursor {
            self.cursor = batch.next;
            moved.push((self.name.clone(), self.cursor));
        }
        if batch.processes_next > self.processes_cursor {
            self.processes_cursor = batch.processes_next;
            moved.push((self.processes_name.clone(), self.processes_cursor));
        }
        self.note(moved);
    }

    /// The snapshots up to `cursor` are set aside: they are never read again.
    pub(super) fn pass_over(&mut self, cursor: Cursor) {
        self.processes_cursor = cursor;
        self.note(vec![(self.processes_name.clone(), cursor)]);
    }

    /// In a file that was begun anew meanwhile these places mean nothing.
    fn note(&self, moved: Vec<(String, Cursor)>) {
        self.store.note_cursors(self.epoch, moved);
    }
}
