//! Reads a Linux host: text of `/proc` and `/sys` in, values out.
//!
//! One file a source; each has a pure parser of bytes and a thin reader of a file below [`Roots`]. A source remembers
//! its last counters and gives rates over the real time between two readings. Nothing here spawns threads: whoever calls
//! gives each source its deadline.

mod source;

pub use source::{Roots, Source, SourceError, Values, sources};
