//! Reads a Linux host: text of `/proc` and `/sys` in, values out.
//!
//! One file a source; each has a pure parser of bytes and a thin reader of a file below [`Roots`]. A source remembers
//! its last counters and gives rates over the real time between two readings. Nothing here spawns threads: whoever
//! calls gives each source its deadline.

mod addresses;
mod cpu;
mod disk;
mod file_source;
mod filesystem;
#[doc(hidden)]
pub mod fuzz;
mod load;
mod memory;
mod mounts;
mod network;
mod pace;
mod pressure;
mod processor;
mod source;
mod stat;
mod static_info;
mod table;
#[cfg(test)]
mod testing;
mod text;
mod uptime;

pub use source::{Roots, Source, SourceError, Values, sources};
pub use static_info::{hostname, static_info};
