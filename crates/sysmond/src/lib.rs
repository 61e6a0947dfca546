//! sysmon's one program: agent, aggregator, both at once, and the tools around them.

pub mod agent;
pub mod aggregator;
pub mod api;
pub mod backup;
mod calendar;
mod check_config;
pub mod cli;
pub mod clock;
mod commands;
pub mod config;
mod damage;
mod demo;
pub mod export;
mod forget;
mod listen;
mod man;
mod partial;
mod process;
mod progress;
pub mod server;
pub mod shutdown;
pub mod sql;
pub mod standalone;
pub mod systemd;
pub mod telemetry;

use config::ConfigErrors;
use std::io::Write;
use std::process::ExitCode;

/// Exit status of a command that failed.
const FAILED: u8 = 1;
/// Exit status of a wrong command line or configuration.
const WRONG_USE: u8 = 2;

/// Parses the command line, runs the command, and turns an error into the exit status: 0 ok, 1 failed, 2
/// usage.
pub fn main() -> ExitCode {
    let outcome = match cli::parse(std::env::args_os()) {
        Ok(request) => commands::execute(request),
        Err(usage) => {
            let status = u8::try_from(usage.exit_code()).unwrap_or(WRONG_USE);
            return usage.print().map_or(ExitCode::from(FAILED), |()| ExitCode::from(status));
        }
    };
    outcome.map_or_else(|error| report(&error), |()| ExitCode::SUCCESS)
}

/// One message with the whole chain of causes.
fn report(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    };
    // Whoever reads our output has enough of it: `sysmond sql … | head`.
    if error.chain().any(broken_pipe) {
        return ExitCode::SUCCESS;
    }
    let status = if error.downcast_ref::<ConfigErrors>().is_some() { WRONG_USE } else { FAILED };
    // Where nobody is there to read it, the status says it too.
    say(&format!("{error:#}")).ok();
    ExitCode::from(status)
}

/// A word to the user beside what a command prints.
fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "sysmond: {text}")
}
