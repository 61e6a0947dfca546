//! The fleet in one line of figures.

use crate::Timestamp;
use serde::Serialize;

/// The answer of `GET /api/fleet/summary`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FleetSummary {
    /// Registered hosts.
    pub total_hosts: u64,
    /// Of those, seen within the offline limit.
    pub online_hosts: u64,
    /// The rest.
    pub offline_hosts: u64,
    /// Mean of the newest `cpu.total_usage` of the online hosts, percent; 0 where none has one.
    pub avg_cpu_usage: f64,
    /// Sum of the newest `memory.used_bytes` of the online hosts, bytes, rounded.
    pub total_memory_used: u64,
    /// The server's time of the answer, whole seconds.
    pub timestamp: Timestamp,
}
