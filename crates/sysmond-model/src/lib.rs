//! The vocabulary that every part of sysmon shares: metrics, tags, samples, hosts and the push protocol.
//!
//! Nothing here does IO, reads the clock or knows a database: these are the words, other crates make sentences.

pub mod catalogue;
pub mod fleet;
pub mod frame;
pub mod history;
pub mod host;
pub mod limits;
pub mod process;
pub mod push;
pub mod series;
pub mod tags;
pub mod timestamp;

pub use catalogue::{CATALOGUE, Metric, Unit};
pub use fleet::FleetSummary;
pub use frame::{Frame, Shape};
pub use history::{Point, SeriesRange};
pub use host::{Host, HostInfo, HostStatus, StaticInfo};
pub use process::{ProcessReading, ProcessSnapshot, ProcessUse};
pub use series::{Sample, Series};
pub use timestamp::Timestamp;
