//! What processes took of a host in one stretch of time: those that took the most, as an agent keeps it so that
//! somebody can ask afterwards what was eating the machine.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A snapshot and when it was taken, as a push carries it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProcessReading {
    /// When.
    pub timestamp: Timestamp,
    /// What.
    #[serde(flatten)]
    pub snapshot: ProcessSnapshot,
}

/// The processes that took the most, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessSnapshot {
    /// The time that shares and rates are over, seconds; 0 for the first of a run, which has none.
    pub seconds: f64,
    /// Processes that could be seen.
    pub total: u32,
    /// The top ones by processor, by memory and by I/O, each process once, by number.
    pub processes: Vec<ProcessUse>,
}

/// What one process took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessUse {
    /// Its number.
    pub pid: u32,
    /// The name of its program, at most 15 bytes long, as the kernel keeps it.
    pub name: String,
    /// Its command line with secrets masked, where the agent is set to tell it.
    pub command: Option<String>,
    /// The number of its user.
    pub user: u32,
    /// The kernel's letter: `R` runs, `S` sleeps, `D` waits for a disk, `Z` has ended …
    pub state: char,
    /// Its threads.
    pub threads: u32,
    /// Its share of all cores' time, percent; absent in the first snapshot of a process.
    pub cpu_percent: Option<f64>,
    /// Memory that it holds, bytes.
    pub memory_bytes: u64,
    /// Bytes a second that it read from disks; absent where the agent may not know.
    pub read_bytes: Option<f64>,
    /// Bytes a second that it wrote to disks; absent where the agent may not know.
    pub write_bytes: Option<f64>,
}
