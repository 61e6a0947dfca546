//! Reads a Linux host: text of `/proc` and `/sys` in, values out.
//!
//! One file a source; each has a pure parser of bytes and a thin reader of a file below [`Roots`]. A source remembers
//! its last counters and gives rates over the real time between two readings. Nothing here spawns threads, but where a
//! file system of another machine is asked, which can hang: whoever calls gives each source its deadline.

mod addresses;
mod attribute;
mod battery;
mod cgroup;
mod clock;
mod connections;
mod container;
mod cpu;
mod disk;
mod exposition;
mod families;
mod file_source;
mod filesystem;
mod frequency;
#[doc(hidden)]
pub mod fuzz;
mod identity;
mod keyed;
mod links;
mod listing;
mod load;
mod memory;
mod mounts;
mod netstat;
mod network;
mod pace;
mod paced;
mod pressure;
mod processes;
mod processor;
mod protocols;
mod raid;
mod remote;
mod sensors;
mod sockets;
mod softnet;
mod source;
mod stat;
mod static_info;
mod table;
mod tables;
#[cfg(test)]
mod testing;
mod text;
mod textfile;
mod uptime;
mod vmstat;

pub use exposition::{Exposition, Kind};
pub use identity::expose_identity;
pub use processes::{LatestProcesses, ProcessOptions};
pub use source::{
    Lane, Roots, Source, SourceError, Values, WrongFile, sources, sources_and_processes, text_files,
};
pub use static_info::{hostname, static_info};
