//! The place up to which this host's rows were delivered: a durable cursor over the agent's own store. There is no
//! second queue.

use crate::agent::client::Address;
use std::path::PathBuf;
use sysmond_model::Frame;
use sysmond_tsdb::{Backlog, Cursor, QueryError, Store};
use tokio::task::spawn_blocking;
use tracing::warn;

/// Rows of one host that one aggregator has not acknowledged.
pub(super) struct Journal {
    store: Store,
    hostname: String,
    name: String,
    cursor: Cursor,
    /// Where the store's file went when it was last found damaged: after that its cursors begin anew.
    recovered: Option<PathBuf>,
    /// Whether the last attempt to make the cursor durable failed.
    failing: bool,
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
}

impl Journal {
    /// Goes on where the last run ended. Where that cannot be read, all is delivered again: the aggregator stores
    /// nothing twice.
    pub(super) async fn open(store: Store, hostname: String, address: &Address) -> Self {
        let name = format!("push {address}");
        let recovered = store.recovered();
        let mut journal =
            Self { store, hostname, name, cursor: Cursor::default(), recovered, failing: false };
        journal.find_place().await;
        journal
    }

    async fn find_place(&mut self) {
        let (store, name) = (self.store.clone(), self.name.clone());
        let cursor = spawn_blocking(move || store.cursor(&name)).await;
        self.cursor =
            cursor.map_err(anyhow::Error::from).and_then(|cursor| Ok(cursor?)).unwrap_or_else(|error| {
                warn!(
                    error = format!("{error:#}"),
                    "the place of the last push is unknown: all is pushed again"
                );
                Cursor::default()
            });
    }

    /// At most `max_rows` rows, the oldest first.
    pub(super) async fn next(&mut self, max_rows: usize) -> anyhow::Result<Batch> {
        let recovered = self.store.recovered();
        if recovered != self.recovered {
            warn!(
                "the agent's store was damaged and begun anew; what was not pushed is in the file beside it"
            );
            self.recovered = recovered;
            self.find_place().await;
        }
        let (store, hostname, cursor) = (self.store.clone(), self.hostname.clone(), self.cursor);
        let backlog = match spawn_blocking(move || store.read_after(&hostname, cursor, max_rows)).await? {
            Err(QueryError::UnknownHost(_)) => Backlog { frames: Vec::new(), next: cursor },
            backlog => backlog?,
        };
        let rows = backlog.frames.iter().map(Frame::row_count).sum();
        let samples = backlog.frames.iter().map(Frame::sample_count).sum();
        Ok(Batch { frames: backlog.frames, rows, samples, next: backlog.next })
    }

    /// `batch` is delivered or set aside: it is never read again. Where the store cannot keep that, the next time it
    /// can will do; until then only a restart would push again.
    pub(super) async fn advance(&mut self, batch: &Batch) {
        if batch.next == self.cursor {
            return;
        }
        self.cursor = batch.next;
        let (store, name, cursor) = (self.store.clone(), self.name.clone(), self.cursor);
        let kept = spawn_blocking(move || store.set_cursor(&name, cursor)).await;
        match kept.map_err(anyhow::Error::from).and_then(|kept| Ok(kept?)) {
            Ok(()) => self.failing = false,
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    warn!(error = format!("{error:#}"), "the place of the last push cannot be kept");
                }
            }
        }
    }
}
