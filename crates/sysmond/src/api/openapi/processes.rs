//! `GET /api/processes`, described.

use utoipa::ToSchema;

/// What took the most: at a moment, or of a stretch where `from` or `to` is given.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Processes {
    At(ProcessesAt),
    Between(ProcessesBetween),
}

/// The newest snapshot at or before a moment.
#[derive(ToSchema)]
pub(super) struct ProcessesAt {
    host: String,
    /// The moment that was asked for, Unix seconds.
    at: f64,
    /// `null` where there is none of the five minutes before.
    snapshot: Option<ProcessSnapshot>,
    timestamp: i64,
}

/// The processes that took the most of processors, memory and disks.
#[derive(ToSchema)]
pub(super) struct ProcessSnapshot {
    /// When it was taken, Unix seconds.
    timestamp: f64,
    /// The time that shares and rates are over; 0 where there are none.
    seconds: f64,
    /// Processes that could be seen.
    total: u32,
    processes: Vec<ProcessUse>,
}

/// What one process took.
#[derive(ToSchema)]
pub(super) struct ProcessUse {
    pid: u32,
    /// The name of its program as the kernel keeps it.
    name: String,
    /// Its command line with secrets masked; `null` unless the agent is set to tell it.
    command: Option<String>,
    /// The number of its user.
    user: u32,
    /// The kernel's letter: `R` runs, `S` sleeps, `D` waits for a disk, `Z` has ended …
    state: String,
    threads: u32,
    /// Of all cores' time; `null` where it is not known.
    cpu_percent: Option<f64>,
    memory_bytes: u64,
    /// Bytes a second; `null` where the agent may not know.
    read_bytes: Option<f64>,
    /// Bytes a second; `null` where the agent may not know.
    write_bytes: Option<f64>,
}

/// The processes and programs that took the most in a stretch, sorted by their mean share of the processors.
#[derive(ToSchema)]
pub(super) struct ProcessesBetween {
    host: String,
    from: f64,
    to: f64,
    /// Snapshots in the stretch.
    snapshots: u64,
    /// The time that they cover.
    seconds: f64,
    processes: Vec<ProcessTotal>,
    programs: Vec<ProgramTotal>,
    timestamp: i64,
}

/// What one process took in a stretch.
#[derive(ToSchema)]
pub(super) struct ProcessTotal {
    pid: u32,
    name: String,
    command: Option<String>,
    user: u32,
    /// Snapshots that it is in.
    snapshots: u64,
    /// When it was seen first and last, within the stretch.
    first: f64,
    last: f64,
    cpu_percent: Option<MeanAndMax>,
    memory_bytes: MeanAndMax,
    read_bytes: Option<MeanAndMax>,
    write_bytes: Option<MeanAndMax>,
}

/// What all processes of one name took together.
#[derive(ToSchema)]
pub(super) struct ProgramTotal {
    name: String,
    /// How many processes of that name there were.
    processes: u64,
    snapshots: u64,
    first: f64,
    last: f64,
    cpu_percent: Option<MeanAndMax>,
    memory_bytes: MeanAndMax,
    read_bytes: Option<MeanAndMax>,
    write_bytes: Option<MeanAndMax>,
}

/// Over the time that the snapshots cover; of memory over the snapshots that it is in.
#[derive(ToSchema)]
pub(super) struct MeanAndMax {
    mean: f64,
    max: f64,
}
