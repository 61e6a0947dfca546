//! The store: hosts and their samples in one SQLite file, the same for agent and aggregator.
//!
//! [`Store`] is a cheap handle. One thread owns the writing connection; an append is acknowledged only after its
//! transaction is on disk (`synchronous=FULL`). The newest values are answered from memory. Nothing here reads the
//! clock: whoever calls says what time it is.
//!
//! The way through it: `store` is the handle, `file` and `schema` are how a file is opened, brought forward or set
//! aside, `names` the numbers of series and layouts in it. `writer` is the thread that commits, of each `batch` a row
//! of the `log`; `memory` learns of it and answers without the disk. `seal`, `compact` and `rollup` make blocks and
//! summaries of it, in the bytes of `codec`. `readers` are the connections that look back, for `range`, `backlog` and
//! `processes`; `scan` looks back without a store, for `export` and [`sql`], the tables as people query them. `upkeep`
//! is a round each minute: `retention`, `churn`, `forget`.

mod backlog;
mod backup;
mod batch;
mod buckets;
mod budget;
mod cells;
mod churn;
mod codec;
mod compact;
mod copy;
mod counters;
mod crowd;
mod cursors;
mod cut;
mod done;
mod error;
mod export;
mod file;
mod first;
mod forecast;
mod forget;
pub mod fuzz;
mod head;
mod host_row;
mod log;
mod memory;
mod meta;
mod names;
mod newest;
mod pieces;
mod processes;
mod quarantine;
mod range;
mod readers;
mod request;
mod restore;
mod retention;
mod rollup;
mod room;
mod row;
mod scan;
mod schema;
mod seal;
mod sealed;
mod snapshot;
mod sound;
pub mod sql;
mod storage;
mod store;
mod summarize;
mod tally;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod upkeep;
mod writer;

pub use backup::{BackupError, backup, backup_bytes};
pub use budget::LEAST_DISK_BYTES;
pub use copy::{Copied, Pieces, Step};
pub use error::{AppendError, ForgetError, OpenError, QueryError};
pub use export::{Export, ExportError, Rows, Selection};
pub use forget::{Forgotten, forget};
pub use meta::Keeper;
pub use processes::usage::{MeanMax, ProcessTotal, ProcessUsage, ProgramTotal, Usage};
pub use quarantine::{Quarantine, Quarantined};
pub use request::{
    Append, Appended, Backlog, Cursor, RangeQuery, Retention, StoreOptions, StoreStats, TagMatch,
};
pub use restore::{RestoreError, Restored, Restoring, forget_cursors, restore};
pub use room::{Bound, Full};
pub use schema::Upgrade;
pub use snapshot::Scanned;
pub use storage::{Forecast, Storage, TierStorage};
pub use store::Store;
