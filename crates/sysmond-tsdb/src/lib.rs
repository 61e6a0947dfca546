//! The store: hosts and their samples in one SQLite file, the same for agent and aggregator.
//!
//! [`Store`] is a cheap handle. One thread owns the writing connection; an append is acknowledged only after its
//! transaction is on disk (`synchronous=FULL`). The newest values are answered from memory. Nothing here reads the
//! clock: whoever calls says what time it is.

mod error;
mod store;

pub use error::{AppendError, OpenError, QueryError};
pub use store::{Append, Appended, Backlog, Cursor, RangeQuery, Store, StoreOptions, StoreStats, TagMatch};
